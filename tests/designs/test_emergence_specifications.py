"""Other ways to tell the class of a latent, from stored counts of examples: by pencil, and on a planted world where one choice decides."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.inaba2025.study import AXES, STUDY
from harness.designs.emergence.estimates import NO_LATENT, OTHER_PARTS, Run, estimates, specified_classes
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import measurements_of
from harness.judge.multiverse import multiverses
from harness.judge.specifications import read_specifications
from harness.judge.unit_values import read_stored
from harness.judge.validate import load_claims
from harness.stages.classes import shares_of
from harness.statistics.language_classes import class_counts, label_of
from harness.store.tables import read_table, write_table
from harness.words.dictionaries import (
    BILINGUAL,
    DEAD,
    ClassChoice,
    ClassedLatent,
    ClassShare,
    IntegratedText,
    LabelledBy,
    PartAgreement,
    ProbedLanguage,
    Reconstruction,
    SplicedText,
)
from harness.words.emergence import FINAL, SpecifiedClasses
from harness.words.estimate import Estimate, SpecifiedEstimate
from harness.words.judgement import Grade, Judged, Multiverse
from harness.words.specification import combined, specification_name
from harness.words.study import with_levels
from harness.words.verdict import State

LANGUAGES = ("en", "ja")
CHOICE = STUDY.primary.classes

Latent = tuple[int, int, int, int]
"""Examples of English and of Japanese by script, then by document."""

World = Mapping[tuple[str, str, int], Sequence[Sequence[Latent]]]
"""Latents by size, phase and layer: one list a seed."""


def specified() -> tuple[SpecifiedClasses, ...]:
    """How classes are told under every combination of the study's choices, but for the primary one."""
    found = []
    for differences in combined(AXES):
        asked = with_levels(
            STUDY, "study", [axis.level(differences[axis.name]) for axis in AXES if axis.name in differences]
        )
        assert isinstance(asked.primary, type(STUDY.primary))
        found.append(
            SpecifiedClasses(
                specification=specification_name(AXES, differences), choice=asked.primary.classes
            )
        )
    return tuple(found[1:])


def rows_of(layer: int, seed: int, latents: Sequence[Latent]) -> list[ClassedLatent]:
    """Latents with their class under the primary choice."""
    return [
        ClassedLatent(
            layer=layer, seed=seed, latent=place,
            label=label_of((en, ja), LANGUAGES, CHOICE, fires=en + ja > 0),
            first_examples=en, second_examples=ja, first_otherwise=en_document, second_otherwise=ja_document,
            distinct_tokens=1, squares=1.0,
        )
        for place, (en, ja, en_document, ja_document) in enumerate(latents)
    ]  # fmt: skip


def inputs_of(folder: Path, world: World) -> dict[str, Path]:
    """The artifacts that estimates read."""
    by_cell: dict[str, list[ClassedLatent]] = {}
    for (size, phase, layer), dictionaries in world.items():
        for seed, latents in enumerate(dictionaries, start=1):
            by_cell.setdefault(f"{size}-{phase}", []).extend(rows_of(layer, seed, latents))
    inputs = {}
    for cell, rows in by_cell.items():
        for stage in ("classes", "model-checks", "sae-quality"):
            inputs[f"{stage}/{cell}"] = folder / stage / cell
        write_table(inputs[f"classes/{cell}"], ClassedLatent, rows)
        write_table(inputs[f"classes/{cell}"], ClassShare, shares_of(rows, LANGUAGES))
        places = dict.fromkeys((row.layer, row.seed) for row in rows)
        errors = [
            Reconstruction(
                layer=layer, seed=seed, tokens=1_000, latents=100, fraction_variance_unexplained=0.2, cosine=0.9, l0=8.0, dead_fraction=0.0,
            )
            for layer, seed in places
        ]  # fmt: skip
        write_table(inputs[f"sae-quality/{cell}"], Reconstruction, errors)
        write_table(inputs[f"sae-quality/{cell}"], SplicedText, [])
        probed = ProbedLanguage(
            language="en", texts=8, tokens=184, nats_per_token=3.0, nats_without_front=3.1
        )
        write_table(inputs[f"model-checks/{cell}"], ProbedLanguage, [probed])
    return inputs


def cells_of(world: World) -> tuple[tuple[str, str, int], ...]:
    depths = {size.name: size.shapes.num_layers for size in STUDY.sizes}
    return tuple(dict.fromkeys((size, phase, depths[size]) for size, phase, _ in world))


def run_of(inputs: Mapping[str, Path], world: World) -> Run:
    return Run(
        inputs=inputs, cells=cells_of(world), languages=LANGUAGES, early="early", mid="mid", demonstrated={}, labelled_by=LabelledBy.SCRIPT,
    )  # fmt: skip


def written(folder: Path, world: World, asked: tuple[SpecifiedClasses, ...] | None = None) -> Path:
    """The estimates artifact of a world."""
    out = folder / "estimates"
    estimates(
        inputs_of(folder, world), out=out, cells=cells_of(world), languages=LANGUAGES, early="early", mid="mid", demonstrated={},
        labelled_by=LabelledBy.SCRIPT, specified=specified() if asked is None else asked,
    )  # fmt: skip
    return out


SEVENTEEN = (17, 3, 3, 17)
"""85 percent English by script, and as much Japanese by document."""

PENCIL: World = {
    ("1.8b", FINAL, 11): [
        [
            SEVENTEEN,
            (20, 0, 20, 0),
            (0, 20, 0, 20),
            (47, 3, 50, 0),  # 94 percent
            (5, 4, 9, 0),  # fewer than ten
            (0, 0, 0, 0),
        ]
    ]
}
AT = "class-share/model=1.8b/step=final/class={}/layer=11/primary/primary"


@pytest.mark.parametrize(
    ("specification", "shares"),
    [
        pytest.param("threshold=0.8", (75, 25, 0), id="85 percent are English at 0.8, and 94 were before"),
        pytest.param("threshold=0.95", (25, 25, 50), id="94 percent are bilingual at 0.95"),
        pytest.param("fewest=50", (100, 0, 0), id="one latent has fifty"),
        pytest.param("fewest=1", (40, 20, 40), id="five of nine are bilingual"),
        pytest.param("language=document", (50, 25, 25), id="by document 85 percent are Japanese"),
        pytest.param("threshold=0.8+language=document", (50, 50, 0), id="and Japanese at 0.8"),
        pytest.param("fewest=1+language=document", (60, 20, 20), id="all nine are of English documents"),
        pytest.param("threshold=0.95+fewest=50+language=document", (100, 0, 0), id="fifty of fifty"),
    ],
)
def test_shares_under_other_choices_are_those_of_a_pencil(
    tmp_path: Path, specification: str, shares: tuple[float, float, float]
) -> None:
    """The primary choice: 17 to 3 are bilingual, 47 to 3 English, nine examples too few."""
    rows = read_table(written(tmp_path, PENCIL), SpecifiedEstimate)
    assert len({row.specification for row in rows}) == 17
    found = {row.primary_id: row.value for row in rows if row.specification == specification}
    expected = dict(zip((*LANGUAGES, BILINGUAL), shares, strict=True))
    assert {label: found[AT.format(label)] for label in expected} == pytest.approx(expected)


def test_the_primary_estimates_are_the_same_whatever_is_computed_beside_them(tmp_path: Path) -> None:
    alone, beside = written(tmp_path / "alone", PENCIL, ()), written(tmp_path / "beside", PENCIL)
    assert {path.name for path in alone.iterdir()} < {path.name for path in beside.iterdir()}
    for path in alone.iterdir():
        assert path.read_bytes() == (beside / path.name).read_bytes()
    (primary,) = (row for row in read_table(beside, Estimate) if row.estimate_id == AT.format(BILINGUAL))
    assert primary.value == 25


def test_classes_told_anew_by_the_primary_choice_are_the_classes_as_they_were_told(tmp_path: Path) -> None:
    """The same number two ways: the table of shares, and the counts of examples."""
    run = run_of(inputs_of(tmp_path, PENCIL), PENCIL)
    anew = replace(run, choice=CHOICE)
    assert anew.counts == run.counts
    assert [part.estimate for part in anew.of_classes()] == [part.estimate for part in run.of_classes()]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30),
    st.sampled_from([0.3, 0.5, 0.8, 0.9, 0.95]),
    st.integers(0, 60),
)
def test_counts_of_classes_are_what_single_latents_say(
    examples: list[tuple[int, int]], threshold: float, fewest: int
) -> None:
    choice = ClassChoice(labelled_by=LabelledBy.SCRIPT, threshold=threshold, min_examples=fewest)
    fires = [place % 7 != 3 for place in range(len(examples))]
    labels = Counter(
        label_of(each, LANGUAGES, choice, fires=alive) for each, alive in zip(examples, fires, strict=True)
    )
    first, second = (np.array([each[side] for each in examples], dtype=np.int64) for side in (0, 1))
    found = class_counts(first, second, np.array(fires, dtype=np.bool_), LANGUAGES, choice)
    assert found == {label: labels[label] for label in (*LANGUAGES, BILINGUAL)}


def test_where_no_latent_has_examples_enough_a_hole_says_so(tmp_path: Path) -> None:
    world: World = {("1.8b", FINAL, 11): [[SEVENTEEN, (20, 0, 20, 0)]]}
    rows = [
        row
        for row in read_table(written(tmp_path, world), SpecifiedEstimate)
        if "fewest=50" in row.specification
    ]
    assert len(rows) == 6 * 3
    assert {(row.value, row.because) for row in rows} == {(None, NO_LATENT)}


def test_what_parts_bring_is_a_hole_of_single_choices(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path, PENCIL)
    inputs["integration/1.8b"] = tmp_path / "integration"
    losses = [
        IntegratedText(
            layer=11,
            seed=1,
            reading="swap",
            part=part,
            text_id=0,
            language="en",
            tokens=5,
            before=2.0,
            after=1.5,
        )
        for part in (*LANGUAGES, BILINGUAL)
    ]
    write_table(inputs["integration/1.8b"], IntegratedText, losses)
    write_table(inputs["integration/1.8b"], PartAgreement, [])
    run = run_of(inputs, PENCIL)
    tables = specified_classes(run, [*run.of_classes(), *run.of_parts()], specified())
    held = {
        row.specification: row.because
        for row in tables.estimates
        if row.primary_id == "integration-gain/model=1.8b/part=bilingual/layer=11/lang=en/swap/primary"
    }
    assert held == dict.fromkeys(
        ("threshold=0.8", "threshold=0.95", "fewest=50", "fewest=1", "language=document"), OTHER_PARTS
    )


def test_a_choice_that_no_run_has_is_a_hole_with_its_reason(tmp_path: Path) -> None:
    asked = SpecifiedClasses(specification="threshold=0.8", choice=CHOICE, missing="nobody counted")
    rows = read_table(written(tmp_path, PENCIL, (asked,)), SpecifiedEstimate)
    assert {(row.value, row.because) for row in rows} == {(None, "nobody counted")}


# A planted world: from mid to late, latents of 85 percent come up, and those of one half go


def planted(near: Mapping[str, int], even: Mapping[str, int]) -> World:
    """Every size at half depth with three seeds of 200 latents, by phase so many of 85 percent and so many of one half."""
    world: dict[tuple[str, str, int], list[list[Latent]]] = {}
    for size in STUDY.sizes:
        for phase in ("early", "mid", FINAL):
            world[size.name, phase, STUDY.middle(size)] = [
                [
                    *[(43, 8, 43, 8)] * (near[phase] + moved),
                    *[(30, 30, 30, 30)] * (even[phase] + moved),
                    *[(60, 0, 60, 0)] * (200 - near[phase] - even[phase] - 2 * moved),
                ]
                for moved in ((0, 1, 2) if phase == "mid" else (1, 0, 0))
            ]
    return world


def curves(folder: Path, world: World) -> dict[str, Multiverse]:
    """The claims of the paper on a planted world, under every specification."""
    artifact, claims = written(folder, world), load_claims("inaba2025")
    measurements = measurements_of(STUDY, read_stored(artifact), claims)
    verdicts = judge(claims, measurements, Circumstances())
    judged = Judged(study=STUDY.name, claims=claims, verdicts=verdicts)
    found = multiverses(judged, STUDY, measurements, read_specifications([artifact]), Circumstances())
    return {each.claim_id: each for each in found}


DECIDED = planted(near={"early": 10, "mid": 10, FINAL: 80}, even={"early": 60, "mid": 40, FINAL: 20})


def test_the_one_choice_that_decides_is_found_and_named_first(tmp_path: Path) -> None:
    """Bilingual latents gain at 0.9, where those of 85 percent count, and lose at 0.8: whatever else is chosen."""
    found = curves(tmp_path, DECIDED)
    later = found["together.later"]
    states = {each.specification: each.state for each in later.specifications}
    assert (states["primary"], states["threshold=0.8"], states["threshold=0.95"]) == (
        State.PASS, State.DEVIATION, State.PASS,
    )  # fmt: skip
    assert later.flips == ("threshold=0.8",)
    assert (later.deciding[0].axis, later.deciding[0].share) == ("threshold", pytest.approx(1))
    assert (later.flip_distance, later.changes_sign, later.grade) == (1, True, Grade.MIXED)
    # Of three thresholds one flips, and the choices that change nothing weigh nothing.
    assert later.explored_share == pytest.approx(1 / 2)
    assert len(later.specifications) == 18


def test_what_no_choice_moves_is_robust(tmp_path: Path) -> None:
    """Half-and-half latents alone come up: bilingual by whatever choice."""
    none = dict.fromkeys(("early", "mid", FINAL), 0)
    found = curves(tmp_path, planted(near=none | {"mid": 0}, even={"early": 60, "mid": 20, FINAL: 90}))
    assert found["together.later"].grade is Grade.ROBUST
    assert found["together.later"].flips == ()


def test_claims_of_several_sizes_take_all_of_them_under_one_specification(tmp_path: Path) -> None:
    """In one size of five the choice moves the verdict: of the claim it is a flip, and the estimate is that of the weakest size."""
    world = dict(planted(near={"early": 10, "mid": 10, FINAL: 10}, even={"early": 60, "mid": 20, FINAL: 60}))
    world["3.7b", FINAL, 13] = DECIDED["3.7b", FINAL, 13]
    found = curves(tmp_path, world)["together.later"]
    by_name = {each.specification: each for each in found.specifications}
    assert (by_name["primary"].state, by_name["threshold=0.8"].state) == (State.PASS, State.INCONCLUSIVE)
    assert found.flips == ("threshold=0.8",)
    assert by_name["threshold=0.8"].estimate == pytest.approx(-1 / 3)


def test_dead_latents_stay_dead_by_whatever_choice(tmp_path: Path) -> None:
    rows = rows_of(0, 1, [(0, 0, 0, 0)])
    assert rows[0].label == DEAD
    write_table(tmp_path, ClassedLatent, rows)
    write_table(tmp_path, ClassShare, shares_of(rows, LANGUAGES))
    run = run_of({"classes/1.8b-final": tmp_path}, {("1.8b", FINAL, 0): [[]]})
    for each in specified():
        assert sum(replace(run, choice=each.choice).counts["1.8b", FINAL, 0, 1].values()) == 0
