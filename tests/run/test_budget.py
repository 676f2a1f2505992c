"""Which sizes fit into a time: against every size of a grid, from the file to the run, and what is refused."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from harness import cli
from harness.designs.design import plan
from harness.judge.preflight import prospects
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import load_claims
from harness.run.forecast import (
    Fit,
    Rates,
    ablations_line,
    ablations_price,
    fitting,
    projection,
    seconds_of,
    size_lines,
    write_sizes,
)
from harness.sources.studies import load_profile, load_study
from harness.words.claim import Tier
from harness.words.errors import UsageError
from harness.words.study import Sizes

STUDY = load_study("sin2025")
PAPER = load_profile(STUDY, "paper")
RATES = Rates(tflops=150, translations_per_second=150)
CLAIMS = load_claims("sin2025")
TIERS = {claim.id: claim.tier for claim in CLAIMS}
SCOPES = estimate_scopes(STUDY)


def seconds(sizes: Sizes) -> float:
    drawn = plan(STUDY, replace(PAPER, sizes=sizes), "cuda")
    return sum(stage.seconds for stage in projection(drawn, RATES))


def decidable(sizes: Sizes) -> tuple[int, int]:
    """How many primary and secondary claims nothing known forbids."""
    able = [
        TIERS[each.claim_id]
        for each in prospects(CLAIMS, sizes, SCOPES, len(STUDY.targets))
        if each.decidable
    ]
    return able.count(Tier.PRIMARY), able.count(Tier.SECONDARY)


WHOLE = seconds(PAPER.sizes)


@pytest.mark.parametrize(
    ("text", "expected"), [("2h", 7_200), ("90m", 5_400), ("1.5 h", 5_400), ("45min", 2_700), ("30s", 30)]
)
def test_a_time_is_read_as_people_write_it(text: str, expected: float) -> None:
    assert seconds_of(text) == expected


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "0h", "2 days", "1h30", "nan h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        seconds_of(text)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_no_size_of_a_grid_leaves_more_in_the_time(share: float) -> None:
    fit = fitting(STUDY, PAPER, share * WHOLE, RATES)
    assert fit.seconds == seconds(fit.profile.sizes) <= share * WHOLE
    grid = [
        replace(
            PAPER.sizes,
            latents_per_layer=latents,
            adapter_seeds=PAPER.sizes.adapter_seeds[:seeds],
            control_seeds=controls,
            items_per_cell=items,
        )
        for latents, seeds, controls, items in product(
            range(100, PAPER.sizes.latents_per_layer + 1, 250), (3, 5), ((), (1,)), (50, None)
        )
    ]
    rivals = [sizes for sizes in grid if seconds(sizes) <= share * WHOLE]
    assert rivals
    assert decidable(fit.profile.sizes) >= max(map(decidable, rivals))


def test_with_time_for_all_nothing_is_given_up() -> None:
    fit = fitting(STUDY, PAPER, WHOLE, RATES)
    assert (fit.profile.sizes, fit.given_up, fit.profile.resized) == (PAPER.sizes, (), ())


def test_a_faster_machine_gives_up_less() -> None:
    slow = fitting(STUDY, PAPER, WHOLE / 3, RATES)
    fast = fitting(STUDY, PAPER, WHOLE / 3, Rates(tflops=1_000, translations_per_second=1_000))
    assert len(fast.given_up) < len(slow.given_up)


def test_what_is_given_up_is_told_with_its_reason() -> None:
    fit = fitting(STUDY, PAPER, 0.1 * WHOLE, RATES)
    before, after = (
        {each.claim_id for each in prospects(CLAIMS, sizes, SCOPES, len(STUDY.targets)) if each.decidable}
        for sizes in (PAPER.sizes, fit.profile.sizes)
    )
    assert {each.claim_id for each in fit.given_up} == before - after != set()
    lines = [text for _, text in size_lines(fit.profile, fit)]
    assert lines[0].startswith("not at its registered sizes: latents_per_layer ")
    assert lines[1].startswith(f"given up for the time: {len(fit.given_up)} claims")
    assert all(each.says for each in fit.given_up)


def test_too_little_time_is_refused_with_the_least() -> None:
    with pytest.raises(UsageError, match=r"take [0-9.]+ h at 150 TFLOP/s"):
        fitting(STUDY, PAPER, 1.0, RATES)


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fitting(STUDY, PAPER, 0.3 * WHOLE, RATES)


@pytest.fixture
def file(fit: Fit, tmp_path: Path) -> Path:
    write_sizes(tmp_path / "sizes.json", STUDY, fit, RATES)
    return tmp_path / "sizes.json"


def test_the_file_gives_the_profile_again(fit: Fit, file: Path) -> None:
    assert load_profile(STUDY, "paper", file) == fit.profile
    assert list(json.loads(file.read_text())["given_up"]) == [each.claim_id for each in fit.given_up]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"latents_per_layer": PAPER.sizes.latents_per_layer + 1}, "more than is registered is an amendment"),
        ({"latents_per_layer": 0}, f"a whole number from 1 to {PAPER.sizes.latents_per_layer}"),
        ({"latents_per_layer": True}, f"a whole number from 1 to {PAPER.sizes.latents_per_layer}"),
        ({"latents_per_layer": 99.5}, f"a whole number from 1 to {PAPER.sizes.latents_per_layer}"),
        ({"adapter_seeds": [6]}, "the first few of"),
        ({"adapter_seeds": [2, 1]}, "the first few of"),
        ({"adapter_seeds": []}, "trains at least one adapter"),
        ({"adapter_seeds": 3}, "the first few of"),
        ({"items_per_cell": "all"}, "null"),
        ({"max_shots": 1}, "is no size that a run may change"),
        ({"dtype": "float16"}, "is no size that a run may change"),
        ({"ablations": ["alpha=7"]}, r"expected some of .*alpha=0\.1.*, each once"),
        ({"ablations": ["alpha=0", "alpha=0"]}, "each once"),
        ({"ablations": "alpha=0"}, "each once"),
        ({"ablated_languages": ["zh"]}, "expected some of mr, ml, hi, each once"),
    ],
    ids=str,
)
def test_what_is_no_smaller_size_is_refused(file: Path, changes: dict[str, object], why: str) -> None:
    content = json.loads(file.read_text())
    content["sizes"] |= changes
    file.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=why):
        load_profile(STUDY, "paper", file)


def test_ablations_that_claims_ask_for_are_given_up_before_a_claim_that_counts_and_after_controls() -> None:
    asked = {
        name
        for claim in CLAIMS
        for reading in claim.readings
        for estimate in reading.estimates
        for name in SCOPES[estimate].specification.split("-minus-")
        if name in STUDY.ablations
    }
    assert set(PAPER.sizes.ablations) == asked
    kept = fitting(STUDY, PAPER, seconds(replace(PAPER.sizes, control_seeds=())), RATES)
    assert (kept.profile.sizes.ablations, kept.profile.sizes.control_seeds) == (PAPER.sizes.ablations, ())
    part = fitting(STUDY, PAPER, 0.3 * WHOLE, RATES).profile
    assert (part.sizes.ablations, part.sizes.control_seeds) == ((), ())
    assert "ablations none instead of alpha=0, " in " ".join(part.resized)


def test_ablations_may_be_asked_for_and_are_priced_until_they_are(file: Path) -> None:
    content = json.loads(file.read_text())
    asked, rest = ["alpha=0", "layers=6"], ("alpha=0.1", "alpha=10", "layers=25")
    found = {}
    for ablations in ([], asked):
        content["sizes"]["ablations"] = ablations
        file.write_text(json.dumps(content))
        found[len(ablations)] = plan(STUDY, load_profile(STUDY, "paper", file), "cuda")
    before, after = found.values()
    whole, part = (ablations_price(each, RATES) for each in (before, after))
    assert whole is not None
    assert part is not None
    assert (set(whole.ablations), part.ablations) == ({*asked, *rest}, rest)
    takes = [sum(stage.seconds for stage in projection(each, RATES)) for each in (before, after)]
    assert takes[1] - takes[0] == pytest.approx(whole.seconds - part.seconds)
    assert 0 < part.seconds < whole.seconds
    (line,) = ablations_line(before, whole)
    assert line[1].startswith(
        "ablations that claims ask for, and these sizes do not train: alpha=0, alpha=0.1"
    )


def test_sizes_of_another_profile_are_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="holds sizes of sin2025 paper; this is sin2025 fixture"):
        load_profile(STUDY, "fixture", file)


@pytest.mark.parametrize(
    "content", [None, "{", "[]", "{}", '{"study": "sin2025", "profile": "paper", "sizes": 3}']
)
def test_what_holds_no_sizes_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "sizes.json").write_text(content)
    with pytest.raises(UsageError, match=r"sizes\.json"):
        load_profile(STUDY, "paper", tmp_path / "sizes.json")


def test_the_command_finds_writes_and_plans_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, store = str(tmp_path / "sizes.json"), str(tmp_path)
    words = ["plan", "--profile", "paper", "--store", store, "--device", "cpu"]
    assert cli.exit_code_of([*words, "--within", "6h", "--out", file]) == 0
    found = " ".join(capsys.readouterr().out.split())
    assert f"harness reproduce --study sin2025 --profile paper --sizes {file}" in found
    assert cli.exit_code_of([*words, "--sizes", file, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert sum(stage["seconds"] for stage in planned["projection"]) <= 6 * 3600
    assert all(sentence in found for sentence in planned["resized"])
    assert cli.exit_code_of([*words, "--out", file]) == 4
    assert cli.exit_code_of([*words, "--within", "soon"]) == 4
    assert cli.exit_code_of([*words, "--sizes", str(tmp_path / "none.json")]) == 4
