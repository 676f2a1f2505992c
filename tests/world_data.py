"""Data of the tiny world: a Neuronpedia export of its dictionaries and Okapi-format items, traps included."""

import gzip
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tests.world_networks import BOS, D_SAE
from tests.world_texts import ADJECTIVES, NOUNS, english_sentences, in_language

MODEL_ID = "gemma-2-2b-miniature"
LATENTS_PER_BATCH = 24
NUM_EXPORTED = D_SAE - 1
"""The last latent has no row at all: an export may be short, and only at its end."""
NUM_TEST_ITEMS, NUM_TRAIN_ITEMS = 12, 6

Row = Mapping[str, Any]


def source_id(layer: int) -> str:
    """Name of one layer's export folder."""
    return f"{layer}-miniature-res-{D_SAE}"


def packed_windows(encoded: Sequence[Sequence[int]], window: int) -> torch.Tensor:
    """Documents (each with its BOS) packed end to end and cut; every row gets a BOS of its own in front."""
    stream = [token for document in encoded for token in document][1:]
    rows = [stream[start : start + window] for start in range(0, len(stream) - window + 1, window)]
    return torch.tensor([[BOS, *row] for row in rows])


def write_export(
    root: Path,
    layer: int,
    dictionary: Mapping[str, torch.Tensor],
    stream: torch.Tensor,
    tokens: Sequence[list[str]],
) -> None:
    """One layer's export: numeric batches of activations, string-ordered batches of features."""
    pre_acts = stream @ dictionary["W_enc"] + dictionary["b_enc"]
    latent_acts = torch.where(pre_acts > dictionary["threshold"], pre_acts.relu(), 0.0)[:, 1:]
    folder = root / source_id(layer)
    maxima = latent_acts.amax((0, 1)).tolist()
    starts = range(0, NUM_EXPORTED, LATENTS_PER_BATCH)
    for number, start in enumerate(starts):
        latents = range(start, min(start + LATENTS_PER_BATCH, NUM_EXPORTED))
        kind = str if number % 2 == 0 else int
        rows = [row for n in latents for row in _activation_rows(layer, kind(n), latent_acts[..., n], tokens)]
        _write_lines(folder / "activations" / f"batch-{number}.jsonl.gz", rows)
    by_string = sorted(range(NUM_EXPORTED), key=str)
    for number, start in enumerate(starts):
        rows = [_feature_row(layer, n, maxima[n]) for n in by_string[start : start + LATENTS_PER_BATCH]]
        _write_lines(folder / "features" / f"batch-{number}.jsonl.gz", rows)
    _write_lines(folder / "source.jsonl", [{"id": source_id(layer), "modelId": MODEL_ID}])


def _activation_rows(
    layer: int, index: str | int, acts: torch.Tensor, tokens: Sequence[list[str]]
) -> Iterable[dict[str, Any]]:
    """Top rows, then rows of five equal intervals; one sequence may stand in both, as in real exports."""
    peaks = acts.amax(1)
    order = [n for n in peaks.argsort(descending=True, stable=True).tolist() if peaks[n] > 0]
    if not order:
        return
    top = float(peaks[order[0]])
    picks = [(n, -1.0, top) for n in order[:10]]
    for interval in range(5, 0, -1):
        low, high = top * (interval - 1) / 5, top * interval / 5
        inside = [n for n in order if low < peaks[n] <= high]
        picks += [(n, low, high) for n in inside[:3]]
    for number, (n, low, high) in enumerate(picks):
        values = [round(value, 3) for value in acts[n].tolist()]
        yield {
            "id": f"demo-{layer}-{index}-{number}",
            "modelId": MODEL_ID,
            "layer": source_id(layer),
            "index": index,
            "creatorId": "demo-creator",
            "dataSource": "made/up",
            "tokens": tokens[n],
            "values": values,
            "maxValue": max(values),
            "minValue": min(values),
            "maxValueTokenIndex": values.index(max(values)),
            "dfaValues": [],
            "dfaMaxValue": None,
            "dfaTargetIndex": None,
            "binMin": low,
            "binMax": high,
            "binContains": -1 if low < 0 else 0.1,
        }


def _feature_row(layer: int, latent: int, maximum: float) -> dict[str, Any]:
    return {
        "modelId": MODEL_ID,
        "layer": source_id(layer),
        "index": str(latent),
        "creatorId": "demo-creator",
        "sourceSetName": f"miniature-res-{D_SAE}",
        "maxActApprox": round(maximum, 3),
        "frac_nonzero": 0.2,
        "vector": [],
        "hasVector": False,
        "hookName": f"blocks.{layer}.hook_resid_post",
    }


def write_benchmarks(root: Path, languages: Sequence[str], seed: int) -> None:
    """The three Okapi families, ids aligned over languages, text in each language's made-up tongue."""
    sizes = {"train": NUM_TRAIN_ITEMS, "val": NUM_TEST_ITEMS, "test": NUM_TEST_ITEMS}
    for folder, make in (("m_arc", _arc_item), ("m_hellaswag", _hellaswag_item), ("m_mmlu", _mmlu_item)):
        for split, size in sizes.items():
            items = [
                make(f"{split}/{n}", n, random.Random(f"{seed}/{folder}/{split}/{n}")) for n in range(size)
            ]
            for language in languages:
                rows = [_translated(item, language) for item in items]
                if folder == "m_hellaswag" and language == "zh":
                    rows[3]["endings"] = [{"zh": text, "en": "spoilt"} for text in rows[3]["endings"]]
                _write_lines(root / folder / "data" / language / f"{split}.jsonl", rows)


def _arc_item(item_id: str, number: int, rng: random.Random) -> dict[str, Any]:
    """Every fifth item has five options; the rest have four, with null for the fifth."""
    options = rng.sample(NOUNS, 5)
    letters = "ABCDE" if number % 5 == 4 else "ABCD"
    return {
        "id": f"arc/{item_id}",
        "instruction": f"Which place is {rng.choice(ADJECTIVES)} [note {number}] and {rng.choice(ADJECTIVES)}?",
        **{
            f"option_{letter.lower()}": f"the {option}"
            for letter, option in zip("ABCDE", options, strict=True)
        },
        **({"option_e": None} if len(letters) == 4 else {}),
        "answer": rng.choice(letters),
    }


def _hellaswag_item(item_id: str, number: int, rng: random.Random) -> dict[str, Any]:
    """The label is a string, and every other one leads with a space."""
    context = english_sentences(1, rng.randrange(10**6))[0]
    endings = [f"it {sentence[4:]}" for sentence in english_sentences(4, rng.randrange(10**6))]
    label = str(rng.randrange(4))
    return {
        "ind": number,
        "id": f"hellaswag/{item_id}",
        "activity_label": f"Visit {number}",
        "ctx_a": context,
        "ctx_b": "then",
        "ctx": f"{context} then",
        "endings": endings,
        "label": f" {label}" if number % 2 else label,
        "split": item_id.split("/", maxsplit=1)[0],
        "split_type": "indomain",
        "source_id": f"made-up~{number}",
    }


def _mmlu_item(item_id: str, _number: int, rng: random.Random) -> dict[str, Any]:
    options = rng.sample(NOUNS, 4)
    return {
        "id": f"mmlu/{item_id}",
        "instruction": f"The {rng.choice(ADJECTIVES)} thing of the day is",
        **{f"option_{letter}": option for letter, option in zip("abcd", options, strict=True)},
        "answer": rng.choice("ABCD"),
    }


SPOKEN = ("instruction", "activity_label", "ctx_a", "ctx_b", "ctx", "endings")
"""Fields that are text, besides the options; ids, labels and answers are the same in every language."""


def _translated(item: Row, language: str) -> dict[str, Any]:
    def spoken(name: str, value: Any) -> Any:
        if value is None or not (name in SPOKEN or name.startswith("option_")):
            return value
        return (
            [in_language(text, language) for text in value]
            if isinstance(value, list)
            else in_language(value, language)
        )

    return {name: spoken(name, value) for name, value in item.items()}


def _write_lines(path: Path, rows: Iterable[Row]) -> None:
    """JSON lines; gzip without a clock in its header, so that bytes repeat."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content, compresslevel=1, mtime=0) if path.suffix == ".gz" else content)
