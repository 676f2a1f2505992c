"""A file of measurements is read whole or refused with one error that names the place."""

import json
from pathlib import Path

import pytest

from harness.judge.declaration import (
    BySeed,
    PhraseRow,
    Raw,
    Row,
    SeedRow,
    Summary,
    read_declaration,
    schema_text,
)
from harness.words.errors import UsageError
from harness.words.estimate import Formula

SUMMARY = {"claim": "gap.l6.value", "unit": "percent", "estimate": 25.1, "se": 0.6}
RAW = {
    "claim": "gap.l6.value",
    "unit": "percent",
    "formula": "gap-percent",
    "unit_values": [{"unit": "a", "observed": 3, "reference": 4.0}],
}


def content(*measurements: object, **more: object) -> str:
    head = {"schema_version": "1.0", "study": "sin2025", "declared_by": "a laboratory"}
    return json.dumps(head | {"measurements": list(measurements)} | more)


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "declared.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_summaries_and_unit_values_are_read_typed(tmp_path: Path) -> None:
    told = {**SUMMARY, "df": 199, "units": 200, "seeds": 3, "one_run_sd": 0.5, "reading": "high"}
    declaration = read_declaration(write(tmp_path, content(told, SUMMARY, RAW)))
    first, second, third = declaration.entries
    assert (declaration.study, declaration.declared_by) == ("sin2025", "a laboratory")
    assert first.measured == Summary(estimate=25.1, se=0.6, df=199.0, units=200, seeds=3, one_run_sd=0.5)
    assert second.measured == Summary(estimate=25.1, se=0.6, df=None, units=0, seeds=0, one_run_sd=None)
    assert third.measured == Raw(
        formula=Formula.GAP, unit_values=(Row(unit="a", seed=None, observed=3.0, reference=4.0),)
    )
    assert (first.reading, second.reading, third.place) == ("high", None, "measurements[2]")


def test_the_day_is_read_and_may_be_left_out(tmp_path: Path) -> None:
    assert read_declaration(write(tmp_path, content(SUMMARY))).declared_on == ""
    dated = content(SUMMARY, declared_on="2026-11-19")
    assert read_declaration(write(tmp_path, dated)).declared_on == "2026-11-19"


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    one = read_declaration(write(tmp_path, content(SUMMARY)))
    other = read_declaration(write(tmp_path, content(SUMMARY) + "\n"))
    assert one.sha256 != other.sha256


def test_phrases_behind_unit_values_are_read_typed(tmp_path: Path) -> None:
    row = {"unit": "a", "phrase": "17", "observed": 3, "reference": 4}
    (found,) = read_declaration(write(tmp_path, content(RAW | {"phrase_values": [row]}))).entries
    assert isinstance(found.measured, Raw)
    assert found.measured.phrase_values == (PhraseRow(unit="a", phrase="17", observed=3.0, reference=4.0),)


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in SUMMARY.items() if key != name}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(content(SUMMARY, declared_on="lately"), "at $.declared_on: 'lately' does not match", id="no day"),
        pytest.param(content(SUMMARY, declared_on="2026-02-30"), "at $.declared_on: there is no day '2026-02-30'", id="no such day"),
        pytest.param('{"study": "x", "declared_by": "a\\ud83d"}', "at $.declared_by: half of a character", id="half of a character"),
        pytest.param('{"measurements": [{"unit_values": [{"unit": "\\udc00"}]}]}', "at $.measurements[0].unit_values[0].unit: half", id="far inside"),
        pytest.param('{"\\ud83d": 1}', "at $: half of a character", id="a name of half a character"),
        pytest.param(b"\x80\x81PK\x03", "is no text in UTF-8 (byte 0)", id="binary"),
        pytest.param(content(SUMMARY)[:-20], "is no JSON", id="truncated"),
        pytest.param("estimate: 25.1", "is no JSON", id="another format"),
        pytest.param("[" * 100_000, "is no JSON", id="nested without end"),
        pytest.param(content(SUMMARY).replace("25.1", "NaN"), "holds NaN, which is no finite number", id="NaN"),
        pytest.param(content(SUMMARY).replace("25.1", "-Infinity"), "holds -Infinity", id="infinity"),
        pytest.param(content(SUMMARY).replace("25.1", "1e999"), "holds 1e999", id="beyond floats"),
        pytest.param(content(SUMMARY).replace("25.1", "9" * 400), "holds 99999", id="a whole number beyond floats"),
        pytest.param(
            content(SUMMARY).replace('"se"', '"estimate": 1, "se"'), "says 'estimate' twice", id="a repeated name"
        ),
        pytest.param("[]", "at $: [] is not of type 'object'", id="a list"),
        pytest.param(content(SUMMARY, schema_version="2.0"), "schema_version '2.0' is not known here", id="version"),
        pytest.param(content(SUMMARY, schema_version=1), "at $.schema_version: '1.0' was expected", id="version type"),
        pytest.param(content(), "at $.measurements: [] should be non-empty", id="no measurement"),
        pytest.param(content(SUMMARY, extra=1), "'extra' was unexpected", id="an unknown field"),
        pytest.param(content(without("claim")), "'claim' is a required property", id="no claim"),
        pytest.param(content(without("unit")), "'unit' is a required property", id="no unit"),
        pytest.param(content(without("se")), "'se' is a required property", id="no error"),
        pytest.param(content(SUMMARY | {"unit": "kg"}), "$.measurements[0].unit: 'kg' is not one of", id="unit"),
        pytest.param(content(SUMMARY | {"se": -0.1}), "$.measurements[0].se: -0.1 is less than", id="negative error"),
        pytest.param(content(SUMMARY | {"df": 0}), "$.measurements[0].df: 0 is less than or equal", id="no freedom"),
        pytest.param(content(SUMMARY | {"units": -1}), "$.measurements[0].units: -1 is less", id="negative units"),
        pytest.param(content(SUMMARY | {"units": 2.5}), "2.5 is not of type 'integer'", id="half a unit"),
        pytest.param(content(SUMMARY | {"seeds": -1}), "$.measurements[0].seeds", id="negative seeds"),
        pytest.param(content(SUMMARY | {"one_run_sd": -1}), "$.measurements[0].one_run_sd", id="negative noise"),
        pytest.param(content(SUMMARY | {"estimate": "25"}), "'25' is not of type 'number'", id="text for a number"),
        pytest.param(content(SUMMARY | {"estimate": True}), "True is not of type 'number'", id="truth for a number"),
        pytest.param(content(SUMMARY, SUMMARY | {"se": -1}), "$.measurements[1].se", id="the second one"),
        pytest.param(content(RAW | {"formula": "mean"}), "'mean' is not one of", id="an unknown formula"),
        pytest.param(content(RAW | {"se": 1}), "$.measurements[0].se: this cannot stand here", id="error beside units"),
        pytest.param(content(SUMMARY | {"formula": "pearson"}), "formula: this cannot stand here", id="formula alone"),
        pytest.param(
            content(SUMMARY | {"phrase_values": [{"unit": "a", "phrase": "b", "observed": 1, "reference": 1}]}),
            "phrase_values: this cannot stand here", id="phrases of a summary",
        ),
        pytest.param(content(RAW | {"phrase_values": [{"unit": "a", "observed": 1, "reference": 1}]}),
                     "'phrase' is a required property", id="a phrase without a name"),
        pytest.param(content(RAW | {"unit_values": []}), "should be non-empty", id="no unit value"),
        pytest.param(
            content({key: value for key, value in RAW.items() if key != "formula"}),
            "'formula' is a required property",
            id="unit values without a formula",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_one_error(tmp_path: Path, text: str | bytes, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_declaration(path)
    message = str(caught.value)
    assert says in message
    assert str(path) in message
    assert "docs/audit.md" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("name", ["nowhere.json", "."])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_declaration(tmp_path / name)


def test_the_schema_knows_every_unit_and_formula() -> None:
    """Every formula but those that no claim can ask for: of slopes there is no estimate that a claim may name."""
    from harness.judge.quantities import estimate_scopes
    from harness.sources.studies import load_study
    from harness.words.claim import Unit
    from harness.words.estimate import Formula

    fields = json.loads(schema_text())["$defs"]["measurement"]["properties"]
    assert set(fields["unit"]["enum"]) == set(Unit)
    assert set(fields["formula"]["enum"]) == set(Formula) - {Formula.NO_UNITS, Formula.SLOPE}
    asked = {
        formula for scope in estimate_scopes(load_study("sin2025")).values() for formula in scope.formulas
    }
    assert asked <= set(fields["formula"]["enum"])


def test_values_of_seeds_are_read_and_stand_alone(tmp_path: Path) -> None:
    head = {"claim": "bench.ml.arc.value", "unit": "points"}
    rows = [{"seed": 1, "value": 1.0}, {"seed": 2, "value": 3}]
    (found,) = read_declaration(
        write(tmp_path, content(head | {"seed_values": rows, "units": 1_115}))
    ).entries
    assert found.measured == BySeed(
        seed_values=(SeedRow(seed=1, value=1.0), SeedRow(seed=2, value=3.0)), units=1_115
    )
    for more in (
        {"se": 0.1},
        {"estimate": 2.0},
        {"df": 1},
        {"seeds": 2},
        {"one_run_sd": 1},
        {"formula": "gap-percent"},
    ):
        with pytest.raises(UsageError, match="cannot stand here"):
            read_declaration(write(tmp_path, content(head | {"seed_values": rows} | more)))
    with pytest.raises(UsageError, match="too short"):
        read_declaration(write(tmp_path, content(head | {"seed_values": rows[:1]})))


def test_seeds_give_mean_and_error_by_pencil() -> None:
    """1, 2 and 6: the mean is 3, deviations -2, -1, 3, variance 14 / 2 = 7, so the error of the mean is sqrt(7 / 3)."""
    rows = tuple(SeedRow(seed=seed, value=value) for seed, value in ((1, 1.0), (2, 2.0), (3, 6.0)))
    summary = BySeed(seed_values=rows, units=10).summary
    assert (summary.estimate, summary.df, summary.units, summary.seeds) == (3.0, 2.0, 10, 3)
    assert (summary.se, summary.one_run_sd) == pytest.approx((1.527525232, 2.645751311))
