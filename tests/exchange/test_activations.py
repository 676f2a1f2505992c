"""A table of activations becomes the gaps and gains that a run would have made of it, or one clear error."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import cli
from harness.judge.audit_input import audit_input
from harness.judge.declaration import read_declaration
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.words.claim import InferenceTarget
from harness.words.study import Group

STUDY, CLAIMS = load_study("sin2025"), load_claims("sin2025")
GAP, GAIN = "gap/layer=6/high/primary", "gain/layer=20/lang=ml/primary/primary"
Row = dict[str, Any]

# By group: what two phrases show on latent 3, and one of them, shared, on latent 8.
LOW, HIGH, ENGLISH = (1.0, 2.0, 0.5), (3.0, 3.0, 2.0), (4.0, 6.0, 4.0)
SHOWN = {Group.LOW: LOW, Group.HIGH: HIGH, Group.REFERENCE: ENGLISH}
PHRASES = ((3, "first"), (3, "second"), (8, "second"))


def rows(layer: int = 6, **replaced: Sequence[float]) -> list[Row]:
    return [
        {"layer": layer, "latent": latent, "language": language.code, "text": text, "value": value}
        for language in STUDY.languages
        for (latent, text), value in zip(
            PHRASES, replaced.get(language.code, SHOWN[language.group]), strict=True
        )
    ]


def table(path: Path, content: Sequence[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(content)), path)
    return path


def call(before: Path, out: Path, *more: str) -> int:
    words = [
        "import",
        "sae-activations",
        str(before),
        "--by",
        "a laboratory",
        "--on",
        "2026-11-29",
        "--out",
        str(out),
    ]
    return cli.exit_code_of([*words, *more])


def measured(before: Path, folder: Path, *more: str) -> Mapping[tuple[str, InferenceTarget], Any]:
    assert call(before, folder / "mine.json", *more) == 0
    return audit_input(read_declaration(folder / "mine.json"), STUDY, CLAIMS).measurements


def test_gaps_are_those_of_a_run_by_pencil(tmp_path: Path) -> None:
    """Latent 3 shows 1.5 against 3, latent 8 shows .5 against 2: 1 - 2 / 5; against English 5 and 4: 1 - 2 / 9."""
    found = measured(table(tmp_path / "a.parquet", rows()), tmp_path)
    population = InferenceTarget.POPULATION
    assert found[GAP, population].value == pytest.approx(60.0)
    assert found["gap/layer=6/english/primary", population].value == pytest.approx(100 * (1 - 2 / 9))
    assert (found[GAP, population].num_units, found[GAP, population].num_seeds) == (2, 0)


def test_languages_of_a_group_weigh_alike_and_shared_phrases_are_declared(tmp_path: Path) -> None:
    """Malayalam three times as strong: of five low languages the mean is (4 + 3) / 5 times what one shows."""
    stronger = rows(ml=[3 * value for value in LOW])
    found = measured(table(tmp_path / "a.parquet", stronger), tmp_path)
    assert found[GAP, InferenceTarget.POPULATION].value == pytest.approx(100 * (1 - 1.4 * 2 / 5))
    content = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    of_gap = next(each for each in content["measurements"] if each["estimate_id"] == GAP)
    assert [(row["unit"], row["phrase"]) for row in of_gap["phrase_values"]] == [
        ("3", "0"),
        ("3", "1"),
        ("8", "1"),
    ]


def test_gains_are_paired_by_phrase_and_seed(tmp_path: Path) -> None:
    """Before 1.5 and .5; under seed 1 doubled, under seed 2 tripled: the mean of +100 % and +200 %."""
    before = table(tmp_path / "before.parquet", rows(layer=20))
    after = [
        f"{seed}={table(tmp_path / f'{seed}.parquet', rows(layer=20, ml=[factor * value for value in LOW]))}"
        for seed, factor in ((1, 2.0), (2, 3.0))
    ]
    found = measured(before, tmp_path, "--adapter", "ml", "--after", after[0], "--after", after[1])
    gain = found[GAIN, InferenceTarget.POPULATION]
    assert (gain.value, gain.num_units, gain.num_seeds) == (pytest.approx(150.0), 2, 2)


def test_a_gain_needs_its_own_language_alone(tmp_path: Path) -> None:
    own = [row for row in rows(layer=20) if row["language"] == "ml"]
    after = table(tmp_path / "after.parquet", [row | {"value": 2 * row["value"]} for row in own])
    before = table(tmp_path / "before.parquet", own)
    found = measured(before, tmp_path, "--adapter", "ml", "--after", f"1={after}")
    assert {name for name, _ in found} == {GAIN}
    assert found[GAIN, InferenceTarget.POPULATION].value == pytest.approx(100.0)


def without(language: str, place: int = 0) -> list[Row]:
    content = rows()
    content.remove([row for row in content if row["language"] == language][place])
    return content


@pytest.mark.parametrize(
    ("content", "more", "says"),
    [
        (without("hi"), (), "hi lacks 1 of 3 phrases, such as layer 6, latent 3, text 'first'"),
        ([*rows(), rows()[0]], (), "row 31: layer 6, latent 3, text 'first' in en stands in row 1 already"),
        ([row for row in rows() if row["language"] != "ru"], (), "a gap needs every language of sin2025, and ru are missing"),
        ([*rows(), {**rows()[0], "language": "xx"}], (), "row 31: unknown language 'xx'"),
        (rows(layer=26), (), "layer 26; the layers that have a dictionary are 0 to 25"),
        (rows(hi=(-1.0, 1.0, 1.0)), (), "row 28: value is -1; SAE activations are 0 or more"),
        (rows(hi=(float("nan"), float("inf"), 1.0)), (), "2 of 30 cannot be used, so none is:\n  row 28: value is nan; SAE activations are 0 or more\n  row 29: value is inf"),
        ([{**row, "value": None} if row["language"] == "hi" else row for row in rows()], (), "3 cells of 'value' are empty, row 28 for one"),
        ([{**row, "value": "much"} for row in rows()], (), "'value' holds string"),
        ([{"layer": 6}], (), "lacks the column 'latent'"),
        (rows(), ("--adapter", "ml"), "--adapter and --after go together"),
        (rows(), ("--adapter", "zz", "--after", "1=x.parquet"), "unknown adapter 'zz'"),
        (rows(), ("--adapter", "ml", "--after", "1=x.parquet", "--after", "1=y.parquet"), "--after 1 is given twice"),
        (rows(), ("--adapter", "ml", "--after", "1=x.parquet"), "cannot read x.parquet"),
    ],
)  # fmt: skip
def test_what_cannot_be_placed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: list[Row], more: tuple[str, ...], says: str
) -> None:
    assert call(table(tmp_path / "a.parquet", content), tmp_path / "mine.json", *more) == 4
    assert says in capsys.readouterr().err
    assert not (tmp_path / "mine.json").exists()


def test_a_gain_of_other_phrases_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = table(tmp_path / "before.parquet", rows(layer=20))
    other = table(tmp_path / "after.parquet", [row | {"text": f"{row['text']}!"} for row in rows(layer=20)])
    assert call(before, tmp_path / "mine.json", "--adapter", "ml", "--after", f"1={other}") == 4
    assert "a gain is paired" in capsys.readouterr().err


def test_a_table_that_is_not_there_or_is_none_is_one_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("hello")
    for path, says in ((tmp_path / "absent.parquet", "there is no such file"), (text, "5 bytes")):
        assert call(path, tmp_path / "mine.json") == 4
        said = capsys.readouterr().err
        assert says in said
        assert "name a table of layer, latent, language, text, value" in said
