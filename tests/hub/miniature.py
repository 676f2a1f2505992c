"""The paper's outside things in miniature: the committed world under the true ids, file names, layouts - and traps."""

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save

from claims.sin2025 import pins
from tests.hub.gemma import repository_files
from tests.hub.server import Hub, Repository, content_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
BUCKET = "neuronpedia-datasets/v1/gemma-2-2b"
LATENTS_PER_LAYER = 76
"""Enough for the panel of 64, since some lose their phrases, and no more: the machine is small."""
BOS = "<bos>"
NEAR = 0.8
"""Share of its maximum from which a latent's row is cut to a phrase."""
NUM_TEXTS = 100
"""Texts of the export, those of the most rows: a step of training in bfloat16 is dear on a processor that emulates it."""
SCORED = {"m_arc": ("test", 3), "m_hellaswag": ("val", 11), "m_mmlu": ("test", 3)}
"""Evaluated items; HellaSwag draws its ten examples from the same split, and so needs one more than ten."""
EXAMPLES = 10
PARALLEL = 4
"""Sentences of the parallel text."""
LAYOUT = {"m_arc": "data/{language}/{split}.jsonl", "m_hellaswag": "data/{language}/{split}.jsonl", "m_mmlu": "{language}/{split}-00000-of-00001.parquet"}  # fmt: skip


def miniature_hub() -> Hub:
    """Everything that the paper profile pins; whoever asks may change what they got."""
    whole = _whole()
    return Hub(
        repositories=deepcopy(whole.repositories), objects=dict(whole.objects), pages=dict(whole.pages)
    )


@cache
def _whole() -> Hub:
    hub = Hub()
    hub.repositories["models", pins.MODEL.address] = Repository(
        files=repository_files(FIXTURES / "model")
        | {"README.md": b"---\nlicense: gemma\n---\n", "gemma-2-2b.gguf": _must_not_be_read},
        gated=True,
    )
    hub.repositories["models", pins.DICTIONARIES.address] = Repository(files=_dictionaries())
    for code, pin in pins.TRANSLATORS.items():
        hub.repositories["models", pin.address] = Repository(files=_translator(code))
    for name, pin in pins.BENCHMARKS.items():
        hub.repositories["datasets", pin.address] = Repository(
            files=_items(name), parent_revision=pin.revision
        )
    for number, model in enumerate(pins.PUBLISHED_MODELS):
        files = _published_adapter() if number % 2 == 0 else _published_weights()
        hub.repositories["models", model.pin.address] = Repository(files=files)
    hub.repositories["datasets", pins.FLORES.address] = Repository(files=_parallel(), gated=True)
    hub.objects.update(_export())
    hub.pages.update(_told_latents(hub))
    return hub


def _published_adapter() -> dict[str, Any]:
    """A tuned model as an adapter: rank 1, on the query projection of every second layer up to 20."""
    weights = load_file(FIXTURES / "model" / "model.safetensors")
    held = {}
    for layer in range(0, 21, 2):
        height, width = weights[f"model.layers.{layer}.self_attn.q_proj.weight"].shape
        place = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        held[f"{place}.lora_A.weight"] = torch.full((1, width), 0.02)
        held[f"{place}.lora_B.weight"] = torch.full((height, 1), 0.02)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": pins.MODEL.address,
        "r": 1,
        "lora_alpha": 2,
        "target_modules": ["q_proj"],
        "layers_to_transform": list(range(0, 21, 2)),
        "layers_pattern": "layers",
    }
    return {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": save(held),
        "README.md": b"card",
    }


def _published_weights() -> dict[str, Any]:
    """A tuned model as a whole, with one layer's MLP moved, so that residual streams and answers move."""
    weights = load_file(FIXTURES / "model" / "model.safetensors")
    weights["model.layers.5.mlp.down_proj.weight"] = 1.5 * weights["model.layers.5.mlp.down_proj.weight"]
    config = (FIXTURES / "model" / "config.json").read_bytes
    return {
        "model.safetensors": save(weights),
        "config.json": config,
        "tokenizer.json": _must_not_be_read,
        "README.md": b"card",
    }


def _parallel() -> dict[str, Any]:
    """The committed questions as a parallel text, every other language in the opposite order."""
    files: dict[str, Any] = {"README.md": b"card", "devtest/deu_Latn.parquet": _must_not_be_read}
    for place, (code, config) in enumerate(pins.FLORES_CONFIGS.items()):
        items = (FIXTURES / "okapi" / "m_arc" / "data" / code / "test.jsonl").read_text().splitlines()
        language, script = config.split("_")
        rows = [
            {
                "id": number,
                "iso_639_3": language,
                "iso_15924": script,
                "text": json.loads(item)["instruction"],
            }
            for number, item in enumerate(items[:PARALLEL])
        ][:: -1 if place % 2 else 1]
        files[f"devtest/{config}.parquet"] = _parquet(rows)
        files[f"dev/{config}.parquet"] = _parquet(rows[:1])
    return files


def _dictionaries() -> dict[str, Any]:
    files: dict[str, Any] = {"README.md": b"---\nlicense: cc-by-4.0\n---\n"}
    for layer, name in enumerate(pins.DICTIONARY_FILES):
        (path,) = (FIXTURES / "saes" / f"layer_{layer}").glob("width_*/*/params.npz")
        files[name] = path.read_bytes
        files[f"layer_{layer}/width_65k/average_l0_73/params.npz"] = _must_not_be_read
    return files


def _translator(code: str) -> dict[str, Any]:
    """The true repositories hold weights of many frameworks; half of these ones have no safetensors, like the old ones."""
    folder = FIXTURES / "translators" / f"opus-mt-en-{code}"
    names = [
        "config.json",
        "generation_config.json",
        "source.spm",
        "target.spm",
        "tokenizer_config.json",
        "vocab.json",
    ]
    files: dict[str, Any] = {name: (folder / name).read_bytes for name in names}
    if code in {"zh", "es", "mr", "hi"}:
        files["pytorch_model.bin"] = lambda: _pickled(folder / "model.safetensors")
    else:
        files["model.safetensors"] = (folder / "model.safetensors").read_bytes
    return files | {
        "tf_model.h5": _must_not_be_read,
        "rust_model.ot": _must_not_be_read,
        "README.md": b"card",
    }


def _pickled(path: Path) -> bytes:
    sink = io.BytesIO()
    torch.save(load_file(path), sink)
    return sink.getvalue()


def _items(name: str) -> dict[str, Any]:
    files: dict[str, Any] = {"README.md": b"---\nlicense: cc-by-nc-4.0\n---\n"}
    for folder in sorted((FIXTURES / "okapi" / name / "data").iterdir()):
        for path in sorted(folder.glob("*.jsonl")):
            rows = _shortened(name, path.stem, [json.loads(line) for line in path.read_text().splitlines()])
            rows = [_trapped(name, folder.name, number, row) for number, row in enumerate(rows)]
            place = LAYOUT[name].format(language=folder.name, split=path.stem)
            files[place] = _parquet(rows) if place.endswith(".parquet") else _lines(rows)
    return files


def _shortened(name: str, split: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    evaluated, count = SCORED[name]
    return rows[:count] if split == evaluated else rows[:EXAMPLES]


def _trapped(name: str, language: str, number: int, row: dict[str, Any]) -> dict[str, Any]:
    """One Chinese row with endings in two languages, and one question with five options."""
    if name == "m_hellaswag" and language == "zh" and number == 2:
        return row | {"endings": [{"zh": ending, "en": "spoilt"} for ending in row["endings"]]}
    if name == "m_arc":
        return row | {"option_e": row["option_a"] + " 5" if number == 1 else None}
    return row


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def _export() -> Iterator[tuple[str, bytes]]:
    """The export with its ids, in batches by string order of features; indices are strings in one file, numbers in the next."""
    texts = _most_frequent_texts()
    for layer, source in enumerate(pins.PHRASE_SOURCE_IDS):
        (folder,) = (FIXTURES / "neuronpedia" / "v1").glob(f"*/{layer}-*")
        kept = _first_latents(folder, texts)
        for place, path in enumerate(sorted(folder.glob("*/*.jsonl.gz"))):
            rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
            told = str if place % 2 else int
            rows = [
                row | {"modelId": "gemma-2-2b", "layer": source, "index": told(row["index"])}
                for row in rows
                if int(row["index"]) in kept and _is_kept(row.get("tokens"), texts)
            ]
            yield f"{BUCKET}/{source}/{path.parent.name}/{path.name}", gzip.compress(_lines(rows), mtime=0)
        yield f"{BUCKET}/{source}/source.jsonl", b'{"id":"%s"}\n' % source.encode()


def _first_latents(folder: Path, texts: set[tuple[str, ...]]) -> set[int]:
    """The latents with the most texts near their maximum, of which phrases are cut."""
    peaks: dict[int, dict[tuple[str, ...], float]] = {}
    for row in _activation_rows(folder):
        if (text := tuple(row["tokens"])) in texts:
            peaks.setdefault(int(row["index"]), {})[text] = max(row["values"])
    near = {
        latent: sum(peak >= NEAR * max(found.values()) for peak in found.values())
        for latent, found in peaks.items()
    }
    return set(sorted(near, key=lambda latent: (-near[latent], latent))[:LATENTS_PER_LAYER])


def _is_kept(tokens: list[str] | None, texts: set[tuple[str, ...]]) -> bool:
    """Rows without tokens tell of a latent; those with a BOS are traps."""
    return tokens is None or BOS in tokens or tuple(tokens) in texts


def _most_frequent_texts() -> set[tuple[str, ...]]:
    """The texts with the most rows over all layers, as their tokens."""
    folders = (FIXTURES / "neuronpedia" / "v1").glob("*/*-*")
    counts = Counter(tuple(row["tokens"]) for folder in folders for row in _activation_rows(folder))
    return set(sorted(counts, key=lambda text: (-counts[text], text))[:NUM_TEXTS])


def _activation_rows(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("activations/*.jsonl.gz")):
        yield from map(json.loads, gzip.decompress(path.read_bytes()).splitlines())


def _told_latents(hub: Hub) -> Iterator[tuple[str, bytes]]:
    """Every latent of the export as Neuronpedia's service tells it: rows by their maximum, more fields than are read."""
    for source in pins.PHRASE_SOURCE_IDS:
        rows = [
            json.loads(line)
            for key, content in hub.objects.items()
            if key.startswith(f"{BUCKET}/{source}/activations/")
            for line in gzip.decompress(content_of(content)).splitlines()
        ]
        rows.sort(key=lambda row: (int(row["index"]), -max(row["values"])))
        for latent, group in groupby(rows, key=lambda row: int(row["index"])):
            told = list(group)
            facts = {"modelId": "gemma-2-2b", "layer": source, "index": str(latent)}
            facts |= {"maxActApprox": max(told[0]["values"]), "activations": told, "explanations": []}
            yield f"/api/feature/gemma-2-2b/{source}/{latent}", json.dumps(facts).encode()


def _must_not_be_read() -> bytes:
    """Content of files that no pin asks for; their digest is known to the hub, their bytes are nobody's business."""
    return b"0" * 64
