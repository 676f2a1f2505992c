"""Made-up texts in true formats: rows of an export, and benchmark items; words in a row, without meaning."""

import gzip
import json
import random
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

WORD_MARK = "\u2581"

WORDS = tuple(
    re.findall(
        r"\w+",
        "the of and to in is that for was on with by be this from at which have has had but they their his her we you our "
        "were been will would can could should about into when who what there than more if then so as all my these "
        "harbour town river bridge window garden letter market winter summer morning evening music doctor teacher "
        "island mountain forest paper silver copper engine wagon station village kitchen table yellow green quiet early",
    )
)
"""Words of every made text: enough of them are function words of English, so that a text passes for prose."""

SENTENCE_WORDS = 14
ROWS_PER_LATENT = 3
PEAK = 10.0


def pieces() -> tuple[str, ...]:
    """Vocabulary pieces that made texts are spelled with."""
    return (*(f"{WORD_MARK}{word}" for word in WORDS), ".")


def sentence(rng: random.Random) -> str:
    """Words in a row, with a stop."""
    return " ".join(rng.choice(WORDS) for _ in range(SENTENCE_WORDS)) + "."


def make_export(folder: Path, figures: Mapping[str, int]) -> None:
    """An export of `layers` sources named "0", "1", ...: `latents` of each have rows of `tokens` pieces.

    Their values are drawn: no model gives them, and the replay gate says so.
    """
    for layer in range(figures["layers"]):
        rng = random.Random(f"export/{layer}")  # noqa: S311  a made-up world
        rows = [row for latent in range(figures["latents"]) for row in _rows(rng, latent, figures["tokens"])]
        _write_lines(folder / str(layer) / "activations" / "batch-0.jsonl.gz", rows)


def make_items(folder: Path, figures: Mapping[str, int]) -> None:
    """`items` questions per split, in the fields of all three Okapi families at once, for every language the same."""
    for split in ("train", "val", "test"):
        rng = random.Random(f"items/{split}")  # noqa: S311  a made-up world
        rows = [_item(rng, f"{split}/{index}") for index in range(figures["items"])]
        _write_lines(folder / "any" / f"{split}.jsonl", rows)


def _rows(rng: random.Random, latent: int, tokens: int) -> Iterable[dict[str, object]]:
    for _ in range(ROWS_PER_LATENT):
        spelled = [piece for _ in range(tokens) for piece in _sentence_pieces(rng)][:tokens]
        values = [round(rng.random(), 3) for _ in spelled]
        # Never on a stop, so that the sentence around the peak is one of words.
        at = rng.choice([place for place, piece in enumerate(spelled) if piece != "."])
        values[at] = round(PEAK - rng.random(), 3)
        yield {
            "index": str(latent),
            "tokens": spelled,
            "values": values,
            "maxValue": values[at],
            "maxValueTokenIndex": at,
        }


def _sentence_pieces(rng: random.Random) -> list[str]:
    return [*(f"{WORD_MARK}{rng.choice(WORDS)}" for _ in range(SENTENCE_WORDS)), "."]


def _item(rng: random.Random, name: str) -> dict[str, object]:
    options = [sentence(rng) for _ in range(4)]
    return {
        "id": name,
        "instruction": sentence(rng),
        **{f"option_{letter}": option for letter, option in zip("abcd", options, strict=True)},
        "option_e": None,
        "answer": rng.choice("ABCD"),
        "activity_label": rng.choice(WORDS),
        "ctx_a": sentence(rng),
        "ctx_b": rng.choice(WORDS),
        "ctx": sentence(rng),
        "endings": options,
        "label": str(rng.randrange(4)),
    }


def _write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
