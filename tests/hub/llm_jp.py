"""The second paper's outside things in miniature: random models of every size under their true names, text, a released dictionary, a demonstration.

What the paper profile asks for lies at its true address and under its true file name; only widths, vocabulary and text are small.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from claims.inaba2025 import pins
from claims.inaba2025.study import STUDY
from harness.words.emergence import EmergenceSizes
from harness.words.study import Profile
from tests.hub.code import offer
from tests.hub.gemma import shards
from tests.hub.server import Content, Hub, Repository
from tests.released_features import demonstrated, drawn_dictionary, write_dictionary
from tests.world_networks import initialise

FIXTURES = Path(__file__).parents[2] / "fixtures"

WIDTHS = {"150m": 16, "440m": 24, "980m": 32, "1.8b": 40, "3.7b": 48}
LATENTS = 640
"""Of the released dictionary: sixteen times the width, as the true one."""
PIECES = 400
DOCUMENTS, JOINED = 120, 3
"""Of each language, and phrases of the committed world that make one: longer than a window."""
SHOWN, EXAMPLES, WINDOW = 30, 12, 64
"""Features of a step, windows of a feature, tokens of a window."""
BOS, EOS, MASK, PAD = "<s>", "</s>", "<mask|LLM-jp>", "<PAD|LLM-jp>"
SPECIALS = ("<unk>", BOS, EOS, MASK, PAD)
MARCH, SEPTEMBER = "sae.pth", "model.safetensors"
"""Files that the two generations of the authors' code save."""


def llm_jp_hub(root: Path, released: str = MARCH) -> Hub:
    """Everything that the second paper's profile pins; files are drafted below a folder."""
    texts = {code: list(_documents(code)) for code in ("en", "ja")}
    write_tokenizer(root / "tokenizer", [text for each in texts.values() for text in each])
    hub = Hub()
    for seed, (size, pin) in enumerate(pins.FINAL_MODELS.items()):
        files = write_model(root / size, root / "tokenizer", size, seed)
        hub.repositories["models", pin.address] = Repository(files=files, parent_revision=pin.revision)
    hub.repositories["datasets", pins.WIKIPEDIA["en"].address] = Repository(files=_wikipedia(texts))
    arrays, features = _demonstration(root, texts)
    layout = "march" if released == MARCH else "september"
    weights = write_dictionary(root / "released" / released, arrays, layout)
    hub.repositories["models", pins.RELEASED.address] = Repository(
        files={
            "README.md": b"---\nlicense: apache-2.0\n---\n",
            "config.json": b"{}",
            released: weights.read_bytes,
        }
    )
    steps = (10, 1_000, *pins.DEMONSTRATED_STEPS.values())
    told = {
        f"docs/data/{step}/{number}.json": content for step in steps for number, content in features.items()
    }
    offer(hub, pins.DEMONSTRATION, {"README.md": b"code", "train.py": b"pass", **told})
    return hub


def _documents(code: str) -> Iterator[str]:
    lines = (FIXTURES / "emergence" / "corpus" / f"{code}.jsonl").read_text(encoding="utf-8").splitlines()
    phrases = [json.loads(line)["text"] for line in lines]
    joint = " " if code == "en" else ""
    for first in range(0, DOCUMENTS * JOINED, JOINED):
        yield joint.join(phrases[first : first + JOINED])


def write_tokenizer(folder: Path, texts: Sequence[str]) -> None:
    """Unigram with byte fallback; beginning and end of a document have ids 1 and 2, and the tokenizer puts the beginning."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    trainer = trainers.UnigramTrainer(
        vocab_size=PIECES, special_tokens=list(SPECIALS), unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    content = json.loads(tokenizer.to_str())
    lowest = min(score for _, score in content["model"]["vocab"])
    content["model"]["vocab"] += [[f"<0x{byte:02X}>", lowest - 1] for byte in range(256)]
    content["model"] |= {"unk_id": 0, "byte_fallback": True}
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, 1)])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, unk_token="<unk>", pad_token=PAD, mask_token=MASK
    )  # fmt: skip
    wrapped.save_pretrained(folder)
    assert wrapped.convert_tokens_to_ids([*SPECIALS]) == [0, 1, 2, 3, 4]


def write_model(folder: Path, tokenizer: Path, size: str, seed: int) -> dict[str, Content]:
    """One finished model as its repository holds it, and what no pin asks for."""
    config = AutoConfig.for_model(
        "llama", architectures=["LlamaForCausalLM"], vocab_size=len(AutoTokenizer.from_pretrained(tokenizer)),
        hidden_size=WIDTHS[size], intermediate_size=2 * WIDTHS[size], num_hidden_layers=pins.SHAPES[size].num_layers,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4_096, rms_norm_eps=1e-5, rope_theta=10_000.0,
        tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=4,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).eval().requires_grad_(requires_grad=False)
    initialise(model, seed)
    model.to(torch.bfloat16).save_pretrained(folder)
    weights: dict[str, Content] = {"model.safetensors": (folder / "model.safetensors").read_bytes}
    if size == "3.7b":  # the one in several files
        weights = shards(model.state_dict())
    return {
        "config.json": (folder / "config.json").read_bytes,
        "README.md": b"---\nlicense: apache-2.0\n---\n",
        "model.gguf": b"0" * 64,
        **{path.name: path.read_bytes for path in tokenizer.iterdir()},
        **weights,
    }


def _wikipedia(texts: Mapping[str, Sequence[str]]) -> dict[str, Content]:
    """The data set's files: those that are asked for, and others."""
    files: dict[str, Content] = {"README.md": b"card"}
    for code, names in pins.WIKIPEDIA_FILES.items():
        rows = [
            {"id": str(number), "url": "", "title": f"{number}", "text": text}
            for number, text in enumerate(texts[code])
        ]
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        (name,) = names
        files |= {name: sink.getvalue(), name.replace("train-00000", "train-00001"): b"0" * 64}
    return files


def _demonstration(
    root: Path, texts: Mapping[str, Sequence[str]]
) -> tuple[dict[str, torch.Tensor], dict[int, bytes]]:
    """A dictionary of the finished 1.8b model, and files of its first features, window by window through the library's own model."""
    tokenizer = AutoTokenizer.from_pretrained(root / "tokenizer")
    model = AutoModelForCausalLM.from_pretrained(
        root / "1.8b", dtype=torch.bfloat16, attn_implementation="sdpa"
    )
    rows = [tokenizer(text)["input_ids"] for pair in zip(*texts.values(), strict=True) for text in pair]
    windows = [row[: WINDOW + 1] for row in rows if len(row) > WINDOW][:60]
    with torch.no_grad():
        states = [model(torch.tensor([row]), output_hidden_states=True).hidden_states for row in windows]
    streams = [each[pins.RELEASED_LAYER + 1][0, 1:].to(torch.float32) for each in states]
    pieces = [tokenizer.convert_ids_to_tokens(row[1:]) for row in windows]
    arrays = drawn_dictionary(torch.cat(streams), LATENTS)
    shown: Mapping[int, Any] = demonstrated(streams, pieces, arrays, range(SHOWN), EXAMPLES)
    return arrays, {number: json.dumps(told, ensure_ascii=False).encode() for number, told in shown.items()}


def small(profile: Profile) -> Profile:
    """The profile with its own sources, and sizes that a processor can bear."""
    sizes, primary = profile.sizes, STUDY.primary
    assert isinstance(sizes, EmergenceSizes)
    return replace(
        profile,
        sizes=replace(
            sizes, repeated_seeds=(), spliced_windows=2, integration_windows=4, check_windows=4, batch_tokens=1_024,
            windows=replace(primary.windows, per_language=60),
            recipe=replace(primary.recipe, latents=64, k=4, tokens=4_000, batch_tokens=1_000, buffer_tokens=1_000, warmup_steps=2),
            classes=replace(primary.classes, min_examples=2),
        ),
    )  # fmt: skip
