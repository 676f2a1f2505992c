"""Rows for the replay gate: strong ones of a latent, in pieces that the tokenizer has, drawn by seed."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.sources.neuronpedia import StoredRow
from harness.stages.replay_rows import Speller, sampled_rows, strong_rows
from harness.words.study import GEMMA_2

ALPHABET = Speller(named="alphabet", ids={"<unk>": 0, "a": 1, "b": 2, "c": 3}, facts=GEMMA_2)
BOS = "<bos>"


def row(*values: float, latent: int = 7, tokens: Sequence[str] = ("a", "b", "c")) -> StoredRow:
    return StoredRow(latent=latent, tokens=tuple(tokens)[: len(values)], values=values)


def written(root: Path, *rows: StoredRow) -> Path:
    folder = root / "layer" / "activations"
    folder.mkdir(parents=True)
    lines = [
        json.dumps({"index": each.latent, "tokens": each.tokens, "values": each.values}) for each in rows
    ]
    (folder / "batch-0.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return root


def drawn(root: Path, size: int = 99, seed: int = 3) -> list[tuple[float, ...]]:
    return [
        each.row.values
        for each in sampled_rows(root, "layer", size, layer=0, seed=seed, speller=ALPHABET, num_latents=100)
    ]


def test_rows_near_the_largest_peak_of_their_latent_are_strong() -> None:
    rows = [row(0, 10, 0), row(0, 8, 0), row(0, 7.9, 0), row(0, 1, 0, latent=8)]
    assert strong_rows(rows, GEMMA_2) == [rows[0], rows[1], rows[3]]


def test_a_peak_on_bos_is_nobodys_largest() -> None:
    artefact = row(90, 1, 0, tokens=(BOS, "a", "b"))
    rows = [artefact, row(0, 10, 0)]
    assert strong_rows(rows, GEMMA_2) == rows[1:]


def test_a_row_that_holds_a_bos_is_not_replayed_but_bounds_its_latent() -> None:
    rows = [row(0, 10, 0, tokens=("a", "b", BOS)), row(0, 7, 0), row(0, 9, 0)]
    assert strong_rows(rows, GEMMA_2) == rows[2:]


@pytest.mark.parametrize("weak", [row(0, 0, 0), row(5)], ids=["no peak", "one token"])
def test_a_row_that_cannot_be_compared_is_not_replayed(weak: StoredRow) -> None:
    assert strong_rows([weak], GEMMA_2) == []


def test_ids_are_those_of_the_pieces(tmp_path: Path) -> None:
    (found,) = sampled_rows(
        written(tmp_path, row(0, 1, 2)), "layer", 5, layer=0, seed=3, speller=ALPHABET, num_latents=64
    )
    assert list(found.ids) == [1, 2, 3]


def test_a_row_that_the_tokenizer_cannot_spell_makes_room_for_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [row(0, 1, n, latent=n) for n in range(2, 22)]
    export = written(tmp_path, row(0, 1, 1, latent=99, tokens=("a", "b", "Ġ")), *rows)
    assert drawn(export) == [each.values for each in rows]
    assert "no piece 'Ġ', which a stored row of latent 99 holds, and 1 of 21 rows" in caplog.text


def test_rows_of_another_tokenizer_are_refused(tmp_path: Path) -> None:
    strange = [row(0, 1, 1, latent=n, tokens=("a", "b", "d")) for n in range(2)]
    export = written(tmp_path, *strange, *[row(0, 1, 1, latent=n) for n in range(9, 18)])
    with pytest.raises(
        ValueError, match=r"2 of 11 rows hold such a one; model and export do not belong together"
    ):
        drawn(export)


def test_the_word_of_the_unknown_token_is_a_piece_like_others(tmp_path: Path) -> None:
    assert drawn(written(tmp_path, row(0, 1, 2, tokens=("a", "<unk>", "b")))) == [(0, 1, 2)]


def test_the_sample_is_seeded(tmp_path: Path) -> None:
    export = written(tmp_path, *(row(0, 1, n, latent=n) for n in range(1, 31)))
    assert drawn(export, 10) == drawn(export, 10) != drawn(export, 10, seed=4)
    assert len(drawn(export, 10)) == 10


def test_an_export_without_a_strong_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no row of layer can be replayed"):
        drawn(written(tmp_path, row(0, 0, 0)))
