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
from harness.designs.design import plan
from harness.designs.emergence.estimates import (
    NO_LATENT,
    OF_CLASSES,
    OTHER_PARTS,
    Run,
    estimates,
    specified_classes,
)
from harness.designs.emergence.quantities import emergence
from harness.designs.emergence.specified_estimates import specified_estimates
from harness.designs.specified_items import NOTHING_RESTS
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import measurements_of
from harness.judge.multiverse import multiverses
from harness.judge.specifications import read_specifications
from harness.judge.unit_values import read_stored
from harness.judge.validate import load_claims
from harness.run.forecast import Rates, level_prices
from harness.sources.studies import load_profile, load_study, profile_faults, study_faults
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
    Loss,
    PartAgreement,
    ProbedLanguage,
    Reconstruction,
    SplicedText,
)
from harness.words.emergence import FINAL, EmergenceSizes, SpecifiedClasses
from harness.words.estimate import Estimate, SpecifiedEstimate
from harness.words.judgement import Grade, Judged, Multiverse
from harness.words.plan import Plan
from harness.words.specification import PRIMARY, AxisKind, Grid, combined, of_kind, specification_name
from harness.words.study import gridded, with_levels
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
    for differences in combined(of_kind(AXES, AxisKind.ANALYSIS)):
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


def curves(folder: Path, world: World, *further: Path) -> dict[str, Multiverse]:
    """The claims of the paper on a planted world, under every specification, and what further artifacts hold."""
    artifact, claims = written(folder, world), load_claims("inaba2025")
    measurements = measurements_of(STUDY, read_stored(artifact), claims)
    verdicts = judge(claims, measurements, Circumstances())
    judged = Judged(study=STUDY.name, claims=claims, verdicts=verdicts)
    found = multiverses(
        judged, STUDY, measurements, read_specifications([artifact, *further]), Circumstances()
    )
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


# What takes another extraction or training


def drawn(grid: Grid | None = None, profile: str = "fixture", study: str = "inaba2025") -> Plan:
    """A plan of a world under a grid."""
    asked = gridded(load_study(study), grid)
    return plan(asked, load_profile(asked, profile), "cpu")


def made(grid: Grid, specification: str) -> dict[str, int]:
    """By stage: items that the miniature makes for one specification and for none before it."""
    return dict(Counter(item.stage for item in drawn(grid).items() if item.specification == specification))


def test_the_registered_grid_makes_nothing_beside_the_primary_specification() -> None:
    assert {item.specification for item in drawn().items()} == {PRIMARY}
    assert {item.specification for item in drawn(Grid.ANALYSIS).items()} == {PRIMARY}


def test_other_examples_are_found_in_the_dictionaries_that_stand_of_every_seed() -> None:
    assert made(Grid.EXTRACTION, "strong=strongest") == {
        "examples": 10, "classes": 10, "integration": 2, "specified-estimates": 1,
    }  # fmt: skip
    for item in drawn(Grid.EXTRACTION).stage("examples").items:
        assert dict(item.needs)["saes"].specification == PRIMARY
        assert len(item.parameters["places"]) == (7 if item.name.endswith(("early", "mid", "final")) else 5)


def test_other_lengths_of_parts_take_parts_alone() -> None:
    assert made(Grid.EXTRACTION, "length=recipient") == {"integration": 2, "specified-estimates": 1}
    (found,) = (
        item for item in drawn(Grid.ALL).stage("specified-estimates").items if item.name == "length=recipient"
    )
    assert found.parameters["kinds"] == ("part",)


def test_both_together_take_what_each_has_made() -> None:
    assert made(Grid.EXTRACTION, "strong=strongest+length=recipient") == {
        "integration": 2, "specified-estimates": 1,
    }  # fmt: skip


def test_another_training_takes_one_seed() -> None:
    items = [
        item for item in drawn(Grid.TRAINING).stage("saes").items if item.specification == "recipe=september"
    ]
    assert len(items) == 10
    assert {place.seed for item in items for place in item.parameters["places"]} == {1}
    assert {item.parameters["recipe"].loss for item in items} == {Loss.SQUARED}


def test_widths_follow_the_model_and_what_would_be_the_same_is_not_trained_again() -> None:
    """Four times 64 are the 256 latents that every model has: of the larger one, dictionaries of one seed stand already."""
    items = [
        item for item in drawn(Grid.TRAINING).stage("saes").items if item.specification == "width=by-model"
    ]
    latents = {item.name.removeprefix("width=by-model/"): item.parameters["recipe"].latents for item in items}
    assert latents == {
        **dict.fromkeys((f"150m-{phase.name}" for phase in STUDY.phases), 192),
        **dict.fromkeys(("440m-early", "440m-mid", "440m-final"), 256),
    }


@pytest.mark.parametrize(
    ("study", "profile", "latents"),
    [
        ("inaba2025", "paper", [8_192, 16_384, 24_576, 32_768, 49_152]),
        ("neo", "rehearsal", [16 * size.shapes.d_model for size in emergence(load_study("neo")).sizes]),
    ],
)
def test_at_full_size_every_model_has_sixteen_latents_for_each_of_its_values(
    study: str, profile: str, latents: list[int]
) -> None:
    found = {
        item.parameters["recipe"].latents
        for item in drawn(Grid.TRAINING, profile, study).stage("saes").items
        if item.specification == "width=by-model"
    }
    assert sorted(found | {32_768}) == sorted({*latents, 32_768})


@pytest.mark.parametrize(
    ("study", "profile"), [("inaba2025", "paper"), ("neo", "rehearsal"), ("neo", "paper")]
)
def test_every_level_has_a_price(study: str, profile: str) -> None:
    prices = {each.specification: each for each in level_prices(drawn(Grid.ALL, profile, study), Rates())}
    assert [name for name in prices if "+" not in name] == [
        f"{axis.name}={level.name}" for axis in AXES for level in axis.others
    ]
    assert prices["threshold=0.8"].seconds == 0
    assert prices["recipe=september"].stages[:2] == ("saes", "examples")
    assert all(
        prices[name].seconds > 0 for name in ("strong=strongest", "recipe=september", "width=by-model")
    )


def specified_artifact(
    folder: Path,
    name: str,
    world: World,
    primary: Path,
    because: str = "",
) -> Path:
    """What the stage makes of one specification whose classes are those of a world."""
    inputs = {} if because else inputs_of(folder / name, world)
    specified_estimates(
        {**inputs, "estimates/all": primary}, out=folder / name / "specified", name=name, kinds=("share",), because=because, cells=cells_of(world),
        languages=LANGUAGES, early="early", mid="mid", labelled_by=LabelledBy.SCRIPT,
    )  # fmt: skip
    return folder / name / "specified"


def test_what_reads_the_same_gives_the_same_by_another_way(tmp_path: Path) -> None:
    primary = written(tmp_path, DECIDED)
    values = {row.estimate_id: row.value for row in read_table(primary, Estimate)}
    found = read_table(specified_artifact(tmp_path, "strong=strongest", DECIDED, primary), SpecifiedEstimate)
    assert {row.primary_id: row.value for row in found} == {
        name: pytest.approx(value)
        for name, value in values.items()
        if name.startswith(OF_CLASSES) and name.endswith("/primary")
    }


@pytest.mark.parametrize("because", ["", "nobody trained it"])
def test_what_cannot_be_measured_is_a_hole_where_the_primary_specification_has_an_estimate(
    tmp_path: Path, because: str
) -> None:
    primary = written(tmp_path, PENCIL)
    nothing: World = {("1.8b", FINAL, 11): [[(2, 0, 2, 0)]]}
    found = read_table(
        specified_artifact(tmp_path, "width=by-model", nothing, primary, because=because), SpecifiedEstimate
    )
    assert {row.primary_id for row in found} == {AT.format(label) for label in STUDY.classes}
    assert {(row.value, row.because) for row in found} == {(None, because or NO_LATENT)}


def test_the_trend_of_sizes_is_judged_under_both_widths(tmp_path: Path) -> None:
    """At one number of latents larger models have more that are bilingual, at a multiple of their width fewer: the page says so."""
    grows, falls = (
        {
            (size.name, FINAL, STUDY.middle(size)): [[*[(30, 30, 30, 30)] * count, *[(60, 0, 60, 0)] * (2_000 - count)]]
            for size, count in zip(STUDY.sizes, counts, strict=True)
        }
        for counts in ((200, 400, 600, 800, 1_000), (1_000, 800, 600, 400, 200))
    )  # fmt: skip
    primary = written(tmp_path, grows)
    found = curves(tmp_path, grows, specified_artifact(tmp_path, "width=by-model", falls, primary))["size"]
    by_name = {each.specification: each for each in found.specifications}
    assert (by_name["primary"].state, by_name["width=by-model"].state) == (State.PASS, State.DEVIATION)
    assert (by_name["primary"].estimate, by_name["width=by-model"].estimate) == pytest.approx((10, -10))
    assert found.grade is Grade.ROBUST  # of what is registered
    assert found.explored is not None
    assert (found.explored.flips, found.explored.changes_sign) == (("width=by-model",), True)


def test_a_world_without_models_in_the_midst_of_training_puts_no_part_in() -> None:
    prices = {
        each.specification: each.missing for each in level_prices(drawn(Grid.EXTRACTION, "paper"), Rates())
    }
    assert prices["length=recipient"] == NOTHING_RESTS
    assert prices["strong=strongest"] == ""


def test_in_a_world_whose_sizes_stand_for_the_studys_choice_levels_are_set_there() -> None:
    """Where two examples are enough, a lower threshold asks for two as well, and a level of one alone for one."""
    asked, profile = load_study("inaba2025"), load_profile(load_study("inaba2025"), "fixture")
    assert isinstance(profile.sizes, EmergenceSizes)
    few = replace(profile, sizes=replace(profile.sizes, classes=replace(CHOICE, min_examples=2)))
    (item,) = plan(asked, few, "cpu").stage("estimates").items
    choices = {each.specification: each.choice for each in item.parameters["specified"]}
    assert choices["threshold=0.8"] == replace(CHOICE, min_examples=2, threshold=0.8)
    assert choices["threshold=0.8+fewest=1"] == replace(CHOICE, min_examples=1, threshold=0.8)


def test_a_level_that_the_study_takes_already_is_refused() -> None:
    again = replace(
        AXES[0],
        levels=(
            replace(AXES[0].levels[0], name="0.8"),
            replace(AXES[0].levels[1], sets=(("study.primary.classes.threshold", 0.9),)),
        ),
    )
    faults = list(study_faults(replace(STUDY, axes=(again,))))
    assert any("put that level first" in each for each in faults)


def test_a_world_that_sets_a_level_of_its_own_names_one_that_the_study_has() -> None:
    asked, profile = load_study("inaba2025"), load_profile(load_study("inaba2025"), "fixture")
    assert not list(profile_faults(asked, profile))
    (fault,) = profile_faults(asked, replace(profile, levels=(("width=wide", ()),)))
    assert "'width=wide'" in fault
    assert "width=by-model" in fault
