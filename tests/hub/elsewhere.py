"""Other base models in miniature: random ones of the true class, under the true ids, file names, tensor names and layouts.

What they share with the paper's world (translators, questions, the parallel text) is the committed miniature's.
"""

import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import normalize
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.sources.studies import load_profile, load_study
from harness.words.study import Pieces, Profile, SAEForm, SAEInput, SAEKind, Sources
from tests.hub.gemma import shards
from tests.hub.miniature import FIXTURES, miniature_hub
from tests.hub.server import Content, Hub, Repository, content_of
from tests.sae_forms import MEAN_LENGTH, write_form
from tests.tiny_models import KINDS, WIDTH, write_kind
from tests.world_networks import residual_streams
from tests.world_texts import english_sentences

LATENTS = 128
"""Of a layer: enough for the panel of 64, since many have one phrase alone near their maximum."""
SENTENCES, WINDOWS, OF_A_WINDOW = 24, 30, 2
ROWS_OF_A_LATENT = 6
THRESHOLD = 0.25
"""In standard deviations of a pre-activation: what rounding moves over it is little beside a peak."""
FIRING = 0.9
"""Quantile of the pre-activations from which a latent fires."""
OFTEN = 9
"""So often a tokenizer reads each sentence that its words are pieces: fewer tokens, and so less time of a processor."""
MLP = 16
"""Narrow, since a processor that emulates bfloat16 is slow at products."""
POSITIONS = 8192
WRITTEN = {"\u00e2\u0122\u013b": "\u2019", "\u0120": " ", "\u010a": "\n"}
"""What the exporter makes of byte-level pieces, as far as these texts have any of it."""

OTHER_FORMS: Mapping[str, Mapping[str, Content]] = {
    "llama": {"original/consolidated.00.pth": b"0" * 64, "original/params.json": b"{}"},
    "mistral": {"pytorch_model-00001-of-00002.bin": b"0" * 64, "pytorch_model.bin.index.json": b"{}"},
}
"""By architecture: the same weights once more, which no pin asks for."""

CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "llama": {
        "max_position_embeddings": 131_072,
        "rope_theta": 500000.0,
        "rope_scaling": {
            "factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192, "rope_type": "llama3",
        },
        "rope_parameters": None,
    },
}  # fmt: skip
"""By architecture: what the true configuration says besides shapes, in the form in which it says it."""


def hub_elsewhere(study: str, root: Path) -> Hub:
    """The hub of the paper's world with what one other study pins besides; files are drafted below a folder."""
    asked = load_study(study)
    sources, num_layers = load_profile(asked, "paper").sources, asked.shapes.num_layers
    kind, hub = KINDS[sources.model.facts.architecture], miniature_hub()
    sentences = [
        *english_sentences(SENTENCES, seed=1),
        "The teacher\u2019s letter was seen from the old harbour in the morning.",
    ]
    told = {
        "intermediate_size": MLP,
        "max_position_embeddings": POSITIONS,
        **({"sliding_window": 4096} if "sliding_window" in kind.settings else {}),
    }
    spelled = [*OFTEN * sentences, *_questions()]
    write_kind(root / "model", kind, spelled, num_layers=num_layers, **told)
    files = _model_files(root / "model", CONFIGS.get(kind.facts.architecture, {}))
    (root / "model" / "config.json").write_bytes(content_of(files["config.json"]))
    hub.repositories["models", sources.model.address] = Repository(files=files, gated=sources.model.gated)
    windows = _windows(sentences)
    tokenizer = AutoTokenizer.from_pretrained(root / "model")
    # Weights as they are stored, and sums as `small` reads them.
    model = AutoModelForCausalLM.from_pretrained(
        root / "model", dtype=torch.bfloat16, attn_implementation=sources.model.facts.attention
    ).to(torch.float32)
    front = [tokenizer.convert_tokens_to_ids(token) for token in sources.model.facts.front]
    ids = [tokenizer(window, add_special_tokens=False)["input_ids"] for window in windows]
    read = [residual_streams(model, torch.tensor([[*front, *row]])) for row in ids]
    pieces = [_exported(tokenizer.convert_ids_to_tokens(row), sources.model.facts.pieces) for row in ids]
    saes: dict[str, Content] = {"README.md": b"card"}
    for place, layer in enumerate(asked.shapes.layers):
        streams = [streams[layer][0, len(front) :].to(torch.float32) for streams in read]
        if sources.dictionary_form.reads is SAEInput.LENGTH:
            streams = [normalize(stream, dim=-1) * WIDTH**0.5 for stream in streams]
        arrays = _dictionary(torch.cat(streams), layer, sources.dictionary_form)
        saes |= _sae_files(root, place, layer, arrays, sources)
        if sources.harvest is None:
            values = [_activations(stream, arrays) * _unit(sources) for stream in streams]
            hub.objects |= dict(_export(sources, place, pieces, values))
    hub.repositories["models", sources.dictionaries.address] = Repository(files=saes)
    if sources.harvest is not None:
        (corpus,) = sources.harvest.files
        hub.repositories["datasets", sources.phrases.address] = Repository(
            files={corpus: _zstandard([{"text": window} for window in windows])},
            parent_revision=sources.phrases.revision,
        )
    return hub


def small(world: Profile) -> Profile:
    """The same sources at sizes at which every stage does a little, in a type that a processor need not emulate."""
    sizes = replace(
        world.sizes, latents_per_layer=64, panel_latents=16, similarity_texts=8, dictionary_texts=8, adapter_seeds=(1,),
        control_seeds=(), max_alignment_steps=2, alignment_batch=4, items_per_cell=1, max_shots=1, parallel_texts=4, dtype="float32",
    )  # fmt: skip
    return replace(world, sizes=sizes)


def _questions() -> Iterator[str]:
    """The questions that the model is asked, so that its vocabulary knows their letters."""
    for path in sorted((FIXTURES / "okapi" / "m_arc" / "data").glob("*/test.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines()[:20]:
            yield " ".join(str(value) for value in json.loads(line).values())


def _windows(sentences: Sequence[str]) -> list[str]:
    rng = random.Random(2)
    return [" ".join(rng.sample(sentences, OF_A_WINDOW)) for _ in range(WINDOWS)]


def _model_files(folder: Path, config: Mapping[str, Any]) -> dict[str, Content]:
    """Weights in bfloat16 and in shards, and where the true repository has them the same in another form."""
    said = json.loads((folder / "config.json").read_text(encoding="utf-8")) | config
    said = {name: value for name, value in said.items() if value is not None} | {"dtype": "bfloat16"}
    weights = {
        name: tensor.to(torch.bfloat16) for name, tensor in load_file(folder / "model.safetensors").items()
    }
    return {
        "config.json": json.dumps(said).encode(),
        **{name: (folder / name).read_bytes for name in ("tokenizer.json", "tokenizer_config.json")},
        **shards(weights),
        **OTHER_FORMS.get(said["model_type"], {}),
    }


def _exported(pieces: Sequence[str], how: Pieces) -> list[str]:
    if how is Pieces.WORD_MARKS:
        return list(pieces)
    written = list(pieces)
    for part, character in WRITTEN.items():
        written = [piece.replace(part, character) for piece in written]
    return written


def _dictionary(stream: Tensor, seed: int, form: SAEForm) -> dict[str, Tensor]:
    """Latents in random directions, each firing at a tenth of the tokens; thresholds are all the same, or zero as SAELens's first."""
    threshold = 0.0 if form.kind is SAEKind.SAE_LENS else THRESHOLD
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(LATENTS, WIDTH, generator=generator)
    directions /= directions.norm(dim=1, keepdim=True)
    spread = (stream @ directions.T).std(dim=0)
    W_enc = (directions / spread.unsqueeze(1)).T
    return {
        "W_enc": W_enc,
        "W_dec": directions,
        "b_enc": threshold - (stream @ W_enc).quantile(FIRING, dim=0),
        "b_dec": torch.zeros(WIDTH),
        "threshold": torch.full((LATENTS,), threshold),
    }


def _activations(stream: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
    pre_acts = stream @ arrays["W_enc"] + arrays["b_enc"]
    return torch.where(pre_acts > arrays["threshold"], pre_acts, 0.0)


def _unit(sources: Sources) -> float:
    """Neuronpedia's values are of a normalised stream, where a suite normalises it."""
    return WIDTH**0.5 / MEAN_LENGTH if sources.dictionary_form.reads.value == "scaled" else 1.0


def _sae_files(
    root: Path, place: int, layer: int, arrays: Mapping[str, Tensor], sources: Sources
) -> dict[str, Content]:
    """The files of one layer under their true names: that of the SAE, and what stands beside it."""
    written = root / "saes" / write_form(root / "saes", layer, arrays, sources.dictionary_form)
    true = Path(sources.dictionary_files[place])
    files: dict[str, Content] = {str(true): written.read_bytes}
    for note in written.parent.parent.glob("hyperparams.json"):
        files[str(true.parent.parent / note.name)] = note.read_bytes
    for note in written.parent.glob("cfg.json"):
        files[str(true.parent / note.name)] = note.read_bytes
    return files


def _export(
    sources: Sources, place: int, pieces: Sequence[Sequence[str]], values: Sequence[Tensor]
) -> Iterator[tuple[str, Content]]:
    """Each latent's strongest rows, and two traps: a row that peaks on what stands in front, and one across documents."""
    source, bucket = sources.phrase_source_ids[place], sources.phrases.address.partition("amazonaws.com/")[2]
    front = list(sources.model.facts.front)
    rows = []
    for latent in range(LATENTS):
        peaks = [(float(each[:, latent].max()), row) for row, each in enumerate(values)]
        for peak, row in sorted(peaks, reverse=True)[:ROWS_OF_A_LATENT]:
            acts = [round(value, 3) for value in values[row][:, latent].tolist()]
            rows.append((latent, list(pieces[row]), acts))
            if latent == 0 and front:
                rows.append((latent, front + list(pieces[row]), [9 * peak, *acts]))
                rows.append((latent, list(pieces[row]) + front, [*acts, 0.0]))
    lines = [
        {
            "modelId": bucket.rpartition("/")[2],
            "layer": source,
            "index": str(latent),
            "tokens": tokens,
            "values": acts,
        }
        for latent, tokens, acts in rows
    ]
    prefix = f"neuronpedia-datasets/{bucket}/{source}"
    yield f"{prefix}/activations/batch-0.jsonl.gz", _packed(lines)
    features = [
        {**{name: line[name] for name in ("modelId", "layer")}, "index": str(n)}
        for n, line in enumerate(lines[:LATENTS])
    ]
    yield f"{prefix}/features/batch-0.jsonl.gz", _packed(features)


def _zstandard(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return pa.compress(
        "".join(json.dumps(line) + "\n" for line in lines).encode(), codec="zstd", asbytes=True
    )


def _packed(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), mtime=0)
