"""Estimates of emergence from tables written by hand: shares, changes and trends by pencil, and verdicts on planted worlds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from claims.inaba2025.study import STUDY
from harness.designs.emergence.estimates import estimates
from harness.designs.emergence.panels import PRESENTATION
from harness.designs.emergence.self_checks import checks
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import Measurements, precisions
from harness.judge.unit_values import Stored, read_stored
from harness.judge.validate import load_claims
from harness.report.document import Measurement
from harness.report.figures import Frame, drawn
from harness.report.tables import Filled, Names, tabulate
from harness.store.tables import write_table
from harness.words.claim import InferenceTarget
from harness.words.dictionaries import (
    CheckedFact,
    ClassedLatent,
    ClassShare,
    DemoFeature,
    IntegratedText,
    LabelledBy,
    PartAgreement,
    ProbedLanguage,
    Reconstruction,
    SplicedText,
)
from harness.words.estimate import Estimate
from harness.words.judgement import Precision
from harness.words.verdict import State, Verdict

LANGUAGES = ("en", "ja")
PLANTED = {"initial": 50, "early": 30, "mid": 10, "late": 15, "final": 40}
"""Bilingual latents of a hundred, by phase: apart first, together afterwards."""


@dataclass(frozen=True, kw_only=True)
class Dictionary:
    """Latents of one dictionary by class."""

    bilingual: int
    labelled: int = 100
    unlabelled: int = 0
    dead: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        english = (self.labelled - self.bilingual) // 2
        return {"en": english, "ja": self.labelled - self.bilingual - english, "bilingual": self.bilingual}


World = Mapping[tuple[str, str, int], Sequence[Dictionary]]
"""Dictionaries by size, phase and layer: one a seed."""


def planted(
    shares: Mapping[str, int] = PLANTED, middle: int = 0, growth: int = 0, **counts: int
) -> dict[tuple[str, str, int], Sequence[Dictionary]]:
    """Every size, phase and layer of the study, three seeds that differ a little.

    Args:
        shares: Bilingual latents of a hundred, by phase.
        middle: So many more in the middle third.
        growth: So many more with every step in size.
        counts: Latents of no class.
    """
    return {
        (size.name, phase.name, layer): [
            Dictionary(
                bilingual=10
                * (shares[phase.name] + growth * place + middle * (layer in STUDY.middle_third(size)))
                + seed,
                labelled=1_000,
                **counts,
            )
            for seed in (-6, 0, 6)
        ]
        for place, size in enumerate(STUDY.sizes)
        for phase in STUDY.phases
        for layer in STUDY.layers(size)
    }


def stored(folder: Path, world: World) -> Stored:
    """The estimates of a world, read back as the judge reads them."""
    inputs, cells = {}, {}
    for (size, phase, layer), dictionaries in world.items():
        cells.setdefault((size, phase), []).append((layer, dictionaries))
    for (size, phase), layers in cells.items():
        for stage in ("classes", "model-checks", "sae-quality"):
            inputs[f"{stage}/{size}-{phase}"] = folder / stage / f"{size}-{phase}"
        _write(inputs, f"{size}-{phase}", layers)
    out = folder / "estimates"
    depths = {size.name: size.shapes.num_layers for size in STUDY.sizes}
    estimates(
        inputs,
        out=out,
        cells=tuple((size, phase, depths[size]) for size, phase in cells),
        languages=LANGUAGES,
        early="early",
        mid="mid",
        demonstrated={},
        labelled_by=LabelledBy.SCRIPT,
        specified=(),
    )
    return read_stored(out)


def _write(inputs: Mapping[str, Path], cell: str, layers: Sequence[tuple[int, Sequence[Dictionary]]]) -> None:
    places = [(layer, seed, each) for layer, found in layers for seed, each in enumerate(found)]
    shares = [
        ClassShare(
            layer=layer,
            seed=seed,
            label=label,
            latents=count,
            share=100 * count / max(each.labelled, 1),
            activity_share=count / 10,
            unlabelled=each.unlabelled,
            dead=each.dead,
        )
        for layer, seed, each in places
        for label, count in each.counts.items()
    ]
    latents = [
        ClassedLatent(
            layer=layer, seed=seed, latent=7, label="bilingual", first_examples=12, second_examples=30, first_otherwise=12, second_otherwise=30,
            distinct_tokens=3, squares=1.0,
        )
        for layer, seed, _ in places
    ]  # fmt: skip
    errors = [
        Reconstruction(
            layer=layer, seed=seed, tokens=1_000, latents=each.labelled + each.unlabelled + each.dead,
            fraction_variance_unexplained=0.2, cosine=0.9, l0=8.0,
            dead_fraction=each.dead / (each.labelled + each.unlabelled + each.dead),
        )
        for layer, seed, each in places
    ]  # fmt: skip
    spliced = [
        SplicedText(
            layer=layer, seed=0, text_id=text, language="en", tokens=24, clean=3.0, spliced=3.5 + text
        )
        for layer, _ in layers
        for text in (0, 1)
    ]
    write_table(inputs[f"classes/{cell}"], ClassShare, shares)
    write_table(inputs[f"classes/{cell}"], ClassedLatent, latents)
    write_table(inputs[f"sae-quality/{cell}"], Reconstruction, errors)
    write_table(inputs[f"sae-quality/{cell}"], SplicedText, spliced)
    probed = ProbedLanguage(language="en", texts=8, tokens=184, nats_per_token=3.0, nats_without_front=3.1)
    write_table(inputs[f"model-checks/{cell}"], ProbedLanguage, [probed])


def verdicts(tables: Stored) -> Mapping[str, Verdict]:
    claims = load_claims("inaba2025")
    found = judge(claims, Measurements(study=STUDY, tables=tables), Circumstances())
    return {each.claim_id: each for each in found}


def value(tables: Stored, name: str) -> float:
    return tables.estimates[name].value


def test_shares_changes_and_trends_are_those_of_a_pencil(tmp_path: Path) -> None:
    tables = stored(tmp_path, planted(middle=5, growth=1))
    # The middle third of 1.8b is layer 11: 40 + 5 + 3 percent at the end, 18 in the midst, 38 early.
    at = "model=1.8b"
    assert value(
        tables, f"class-share/{at}/step=final/class=bilingual/layer=11/primary/primary"
    ) == pytest.approx(48)
    assert value(
        tables, f"class-share/{at}/step=initial/class=bilingual/layer=0/primary/primary"
    ) == pytest.approx(53)
    assert value(tables, f"share-change/{at}/from=mid/to=final/layer=11/primary/primary") == pytest.approx(30)
    assert value(tables, f"share-change/{at}/from=early/to=mid/layer=11/primary/primary") == pytest.approx(
        -20
    )
    assert value(tables, f"lateness/{at}/layer=11/primary/primary") == pytest.approx(25)
    assert value(tables, f"middle-lead/{at}/step=final/primary/primary") == pytest.approx(5)
    assert value(tables, "size-trend/step=final/from=980m/to=1.8b/primary/primary") == pytest.approx(1)
    assert value(tables, f"splicing-loss/{at}/step=mid/layer=5/primary/primary") == pytest.approx(1.0)
    assert value(tables, f"sampled-examples/{at}/step=final/latent=7/layer=11/lang=ja/primary/primary") == 30


def test_a_change_has_the_error_of_its_seeds(tmp_path: Path) -> None:
    """Seeds move both ends alike here, so that the change varies by rounding alone; a share varies by .6 over the root of 3."""
    tables = stored(tmp_path, planted())
    measurements = Measurements(study=STUDY, tables=tables)
    name = "class-share/model=150m/step=final/class=bilingual/layer=5/primary/primary"
    found = measurements[name, InferenceTarget.POPULATION]
    assert (found.spread.se, found.spread.df) == (pytest.approx(0.6 / 3**0.5), 2)
    assert (found.num_seeds, found.num_units) == (3, 1_000)
    assert tables.axes[name] == [("model", "150m"), ("step", "final"), ("class", "bilingual")]


def uneven(shares: Mapping[str, int] = PLANTED, **more: int) -> World:
    """A planted world whose seeds differ at both ends of a change."""
    return {
        (size, phase, layer): found if phase != "mid" else list(reversed(found))
        for (size, phase, layer), found in planted(shares, **more).items()
    }


def test_what_was_planted_is_shown(tmp_path: Path) -> None:
    found = verdicts(stored(tmp_path, uneven(middle=12, growth=5)))
    shown = (
        "apart.first",
        "together.later",
        "order",
        "size",
        *(f"middle.{size.name}" for size in STUDY.sizes),
    )
    assert {name: found[name].state for name in shown} == dict.fromkeys(shown, State.PASS)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(("mid", "early", "final"), id="early and mid exchanged"),
        pytest.param(("final", "early", "mid"), id="the finished model first"),
        pytest.param(("early", "final", "mid"), id="mid and final exchanged"),
    ],
)
def test_permuted_checkpoints_show_no_order(tmp_path: Path, order: tuple[str, str, str]) -> None:
    """But for a world run backwards, which falls and rises as well: its models tell, and no share."""
    permuted = PLANTED | {
        phase: PLANTED[other] for phase, other in zip(("early", "mid", "final"), order, strict=True)
    }
    found = verdicts(stored(tmp_path, uneven(permuted)))
    states = [found[name].state for name in ("apart.first", "together.later")]
    assert states != [State.PASS] * 2
    assert State.DEVIATION in states


def test_the_same_share_in_every_size_is_no_trend(tmp_path: Path) -> None:
    """Five sizes with one planted share: that larger ones have more of it is not shown, whatever their depth and width."""
    found = verdicts(stored(tmp_path, planted()))
    assert found["size"].state is State.INCONCLUSIVE


def test_dead_and_unlabelled_latents_are_in_no_share(tmp_path: Path) -> None:
    """Three in ten latents are dead, two unlabelled: every share stays, and both are told."""
    alive = stored(tmp_path / "alive", planted())
    spare = stored(tmp_path / "spare", planted(dead=600, unlabelled=400))
    shares = [
        name for name in alive.estimates if name.startswith(("class-share", "share-change", "size-trend"))
    ]
    assert len(shares) > 100
    assert all(value(alive, name) == value(spare, name) for name in shares)
    about = "model=150m/step=mid/layer=5/primary/primary"
    assert value(spare, f"dead-share/{about}") == pytest.approx(30)
    assert value(spare, f"unlabelled-share/{about}") == pytest.approx(100 * 400 / 1_400)


def test_the_untrained_model_is_shown_and_judged_by_nothing(tmp_path: Path) -> None:
    """Its share stands beside the others, by number and by activity; no claim rests on it."""
    tables = stored(tmp_path, planted())
    about = "model=150m/step=initial/class=bilingual/layer=5/primary"
    assert value(tables, f"class-share/{about}/primary") == pytest.approx(50)
    assert value(tables, f"class-share/{about}/activity") == pytest.approx(50)
    rested = {
        each for claim in load_claims("inaba2025") for reading in claim.readings for each in reading.estimates
    }
    assert not [name for name in rested if "initial" in name]


def test_a_dictionary_without_a_labelled_latent_breaks_its_own_estimates_alone(tmp_path: Path) -> None:
    world = planted()
    world["150m", "mid", 5] = [Dictionary(bilingual=0, labelled=0, dead=100)] * 3
    tables = stored(tmp_path, world)
    broken = "class-share/model=150m/step=mid/class=bilingual/layer=5/primary/primary"
    assert broken in tables.broken
    assert broken not in tables.estimates
    assert "share-change/model=150m/from=early/to=mid/layer=5/primary/primary" not in tables.estimates
    assert "class-share/model=150m/step=mid/class=bilingual/layer=8/primary/primary" in tables.estimates


def test_gains_are_paired_by_text_and_the_bilingual_part_leads(tmp_path: Path) -> None:
    """Three texts of 4 nats: 3, 2 and 4 with the bilingual part, 4 with that of either language."""
    world = {key: found for key, found in planted().items() if key[0] == "150m"}
    after = {
        "bilingual": (3.0, 2.0, 4.0),
        "en": (4.0, 4.0, 4.0),
        "ja": (4.0, 4.0, 4.0),
        "random": (5.0, 5.0, 5.0),
    }
    rows = [
        IntegratedText(
            layer=5, seed=1, reading="swap", part=part, text_id=text, language="ja", tokens=24, before=4.0, after=losses[text],
        )
        for part, losses in after.items()
        for text in range(3)
    ]  # fmt: skip
    folder = tmp_path / "integration"
    write_table(folder, IntegratedText, rows)
    agreement = PartAgreement(
        layer=5, seed=1, part="bilingual", recipient_latents=9, donor_latents=12, cosine=0.5, recipient_length=0.3,
        donor_length=0.4,
    )  # fmt: skip
    write_table(folder, PartAgreement, [agreement])
    stored(tmp_path, world)
    inputs = {f"{path.parent.name}/{path.name}": path for stage in ("classes", "model-checks", "sae-quality")
              for path in (tmp_path / stage).iterdir()}  # fmt: skip
    cells = tuple(("150m", phase.name, 12) for phase in STUDY.phases)
    estimates(
        {**inputs, "integration/150m": folder}, out=tmp_path / "again", cells=cells, languages=LANGUAGES, early="early", mid="mid",
        demonstrated={},
        labelled_by=LabelledBy.SCRIPT,
        specified=(),
    )  # fmt: skip
    tables = read_stored(tmp_path / "again")
    at = "layer=5/lang=ja/swap/primary"
    assert value(tables, f"integration-gain/model=150m/part=bilingual/{at}") == pytest.approx(1.0)
    assert value(tables, f"integration-gain/model=150m/part=random/{at}") == pytest.approx(-1.0)
    assert value(tables, f"integration-lead/model=150m/over=en/{at}") == pytest.approx(1.0)
    gain = Measurements(study=STUDY, tables=tables)[
        f"integration-gain/model=150m/part=bilingual/{at}", InferenceTarget.POPULATION
    ]
    assert (gain.spread.se, gain.num_units, gain.unit_kind) == (pytest.approx(1 / 3**0.5), 3, "text")


def test_codes_of_granularity_mean_what_the_authors_page_makes_of_them(tmp_path: Path) -> None:
    """Its `main.js`: 1 uninterpretable, 2 and 3 concept-level, 4 token-level; the counts are those of their final step."""
    codes = [code for code, count in {1: 3, 2: 24, 3: 22, 4: 51}.items() for _ in range(count)]
    rows = [
        DemoFeature(
            step=20, feature=place, examples=50, first_stored=50, second_stored=0, first_found=50, second_found=0,
            granularity=code, label="en", passes=True,
        )
        for place, code in enumerate(codes)
    ]  # fmt: skip
    write_table(tmp_path / "20", DemoFeature, rows)
    estimates(
        {"demo-replay/20": tmp_path / "20"}, out=tmp_path / "estimates", cells=(), languages=LANGUAGES, early="early", mid="mid",
        demonstrated={"final": 20}, labelled_by=LabelledBy.SCRIPT, specified=(),
    )  # fmt: skip
    tables = read_stored(tmp_path / "estimates")
    found = {
        label: value(tables, f"demonstrated-share/step=final/class={label}/primary/primary")
        for label in ("uninterpretable", "concept-level", "token-level")
    }
    assert found == {"uninterpretable": 3.0, "concept-level": 46.0, "token-level": 51.0}


def test_the_authors_sample_is_counted_and_compared_as_independent_latents(tmp_path: Path) -> None:
    """25 of 100 mixed at the end and 7 before: 18 points, 3.6 standard errors."""
    inputs = {}
    for step, mixed in ((10, 7), (20, 25)):
        rows = [
            DemoFeature(
                step=step, feature=place, examples=50, first_stored=25, second_stored=25, first_found=25, second_found=25,
                granularity=2 if place < mixed else 4, label="bilingual" if place < mixed else "en", passes=True,
            )
            for place in range(100)
        ]  # fmt: skip
        inputs[f"demo-replay/{step}"] = tmp_path / str(step)
        write_table(inputs[f"demo-replay/{step}"], DemoFeature, rows)
    estimates(
        inputs, out=tmp_path / "estimates", cells=(), languages=LANGUAGES, early="early", mid="mid",
        demonstrated={"early": 10, "final": 20}, labelled_by=LabelledBy.SCRIPT, specified=(),
    )  # fmt: skip
    tables = read_stored(tmp_path / "estimates")
    for label in ("bilingual", "concept-level"):
        name = f"demonstrated-change/from=early/to=final/class={label}/primary/primary"
        found = Measurements(study=STUDY, tables=tables)[name, InferenceTarget.POPULATION]
        assert (found.value, found.value / found.spread.se) == (
            pytest.approx(18.0),
            pytest.approx(3.55, abs=0.01),
        )
    assert verdicts(tables)["concepts.later"].state is State.PASS


def test_a_model_of_another_shape_differs_and_an_untrained_one_may_guess(tmp_path: Path) -> None:
    facts = {
        "150m-initial": {"d_model": True, "loss in en": False},
        "150m-mid": {"d_model": True, "loss in en": True, "loss in en with what stands in front": False},
        "440m-mid": {"d_model": False, "loss in en": False},
    }
    for name, passes in facts.items():
        rows = [CheckedFact(fact=fact, expected="a", found="b", passes=each) for fact, each in passes.items()]
        write_table(tmp_path / name, CheckedFact, rows)
    inputs = {f"model-checks/{name}": tmp_path / name for name in facts}
    found = {each.check_id: each.differs for each in checks(inputs, ("150m-mid", "440m-mid"), {})}
    assert found == {
        "shapes.150m-initial": False,
        "shapes.150m-mid": False,
        "loss.150m-mid": False,
        "shapes.440m-mid": True,
        "loss.440m-mid": True,
    }


@pytest.mark.parametrize(
    ("losses", "differs"),
    [
        pytest.param((9.0, 5.0, 4.0, 3.0), False, id="as trained"),
        pytest.param((3.0, 4.0, 5.0, 9.0), True, id="run backwards"),
        pytest.param((9.0, 3.0, 4.0, 5.0), True, id="run backwards, but for the untrained model"),
        pytest.param((9.0, 4.0, 5.0, 3.0), True, id="early and mid exchanged"),
        pytest.param((9.0, 5.0, 5.0, 3.0), True, id="one checkpoint in two places"),
    ],
)
def test_checkpoints_that_are_not_in_the_order_of_their_training_differ(
    tmp_path: Path, losses: Sequence[float], *, differs: bool
) -> None:
    """Of a world run backwards every share falls and rises as it should; its losses rise."""
    names = tuple(f"150m-{phase}" for phase in ("initial", "early", "mid", "final"))
    inputs = {f"model-checks/{name}": tmp_path / name for name in names}
    for name, loss in zip(names, losses, strict=True):
        write_table(
            tmp_path / name, CheckedFact, [CheckedFact(fact="d_model", expected="1", found="1", passes=True)]
        )
        rows = [
            ProbedLanguage(
                language=code, texts=8, tokens=184, nats_per_token=loss + extra, nats_without_front=loss
            )
            for code, extra in zip(LANGUAGES, (0.0, 0.5), strict=True)
        ]
        write_table(tmp_path / name, ProbedLanguage, rows)
    (found,) = (
        each for each in checks(inputs, (), {"150m": names, "440m": ()}) if each.check_id.startswith("order")
    )
    assert (found.check_id, found.expected, found.differs) == ("order.150m", 6.0, differs)


def test_a_count_that_is_not_the_authors_differs(tmp_path: Path) -> None:
    for step, passes in (("10", [True, True]), ("20", [True, False])):
        rows = [
            DemoFeature(
                step=int(step), feature=place, examples=1, first_stored=1, second_stored=0, first_found=int(each),
                second_found=0, granularity=0, label="en", passes=each,
            )
            for place, each in enumerate(passes)
        ]  # fmt: skip
        write_table(tmp_path / step, DemoFeature, rows)
    inputs = {f"demo-replay/{step}": tmp_path / step for step in ("10", "20")}
    found = [(each.check_id, each.measured, each.differs) for each in checks(inputs, (), {})]
    assert found == [("demonstration.10", 2.0, False), ("demonstration.20", 1.0, True)]


def test_every_panel_is_laid_out_and_every_curve_is_drawn(tmp_path: Path) -> None:
    """As a report does: tables whose columns are axes of the design, and lines along phases, layers and sizes."""
    tables = stored(tmp_path, {key: found for key, found in planted().items() if key[0] in {"150m", "440m"}})
    found = precisions(Measurements(study=STUDY, tables=tables))
    rows = [_measurement(tables, each, found.get(name)) for name, each in tables.estimates.items()]
    shown = set()
    for panel in PRESENTATION.panels:
        own = tuple(row for row in rows if row.quantity in panel.quantities)
        if not own:
            continue
        filled = Filled(panel, own, Names((), PRESENTATION))
        table = tabulate(filled)
        assert table.rows
        assert all(len(row) == len(table.headers) for row in table.rows)
        for figure in panel.figures:
            frame = Frame(anchor=figure.anchor, title=figure.title, description="", stamp="")
            svg = drawn(figure, filled, frame)
            assert svg is not None
            shown.add((figure.anchor, svg.count("<path")))
    assert {anchor for anchor, _ in shown} == {"classes", "profile", "sizes"}
    classes = next(panel for panel in PRESENTATION.panels if panel.anchor == "classes")
    grid = tabulate(
        Filled(classes, tuple(row for row in rows if row.quantity == "class-share"), Names((), PRESENTATION))
    )
    assert (grid.headers[: grid.num_labels], grid.groups[0]) == (
        ("Layer",),
        f"primary \u00b7 {STUDY.sizes[0].name} \u00b7 {STUDY.classes[0]}",
    )
    assert grid.headers[grid.num_labels :] == tuple(phase.name for phase in STUDY.phases)


def _measurement(tables: Stored, row: Estimate, precision: Precision | None) -> Measurement:
    fields = {name: value for name, value in vars(row).items() if name != "estimate_id"}
    return Measurement(
        id=row.estimate_id,
        # As the file of a report holds them.
        axes=dict(sorted(tables.axes[row.estimate_id])),
        num_unit_values=0,
        precision=precision,
        **fields,
    )
