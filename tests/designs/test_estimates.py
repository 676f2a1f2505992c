"""Every quantity of the study by pencil from hand-made tables, and recomputed from what a whole small run stored."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claims.sin2025.study import BENCHMARKS
from harness.designs.disparity import estimates
from harness.designs.disparity.base import BaseRun, gaps, language_gap, similarities
from harness.designs.disparity.estimates import estimates as estimates_stage
from harness.designs.disparity.estimates import measured_estimates
from harness.designs.disparity.scores import (
    Answers,
    _kept_right,
    accuracy_retention,
    correlations,
    deltas,
    item_overlaps,
    read_answers,
)
from harness.designs.disparity.tuning import gains
from harness.judge.quantities import estimate_scopes, said_of_estimates
from harness.judge.resampled import data_spread
from harness.stages import translation
from harness.statistics.measured import Measured, measured
from harness.store.tables import read_table, table_path, write_table
from harness.words.estimate import Estimate, Formula, ItemOverlap, PhraseValue, Scope, UnitValue
from harness.words.plan import Parameters
from harness.words.records import (
    AlignmentStep,
    Coverage,
    DictionaryError,
    ItemOutcome,
    MeanResidual,
    PanelActivation,
    PanelLatent,
    RandomReading,
    Selection,
    SplicedLoss,
    Text,
    TextLength,
    TokenActivation,
    TrainingLoss,
    Translation,
    UnaskedBenchmark,
)
from harness.words.study import Aggregation, Pooling, Shapes, Study
from tests.judge.tables import stored
from tests.small_study import LANGUAGES, SPECIFICATION, make, small_plan
from tests.worlds import build_world

Pairs = Mapping[tuple[int, int], tuple[float, float]]
"""By layer and latent: what texts 0 and 1 pool to."""

BASE: Mapping[str, Pairs] = {
    "en": {(0, 1): (8, 8), (0, 2): (4, 4), (0, 3): (1, 1), (1, 9): (4, 4)},
    "zh": {(0, 1): (4, 6), (0, 2): (2, 2), (0, 3): (1, 1), (1, 9): (1, 1)},
    "es": {(0, 1): (6, 8), (0, 2): (4, 4), (0, 3): (1, 1), (1, 9): (3, 3)},
    "ml": {(0, 1): (2, 4), (0, 2): (3, 3), (0, 3): (1, 0), (1, 9): (1, 1)},
}
"""Latent means of layer 0: high (5+7)/2, (2+4)/2, 1 = 6, 3, 1; low 3, 3, 1/2; English 8, 4, 1."""

SEEN = 1000.0
"""What text 0, which adapters saw in training, is after tuning; it must reach no gain."""

TUNED: Mapping[tuple[str, int], Pairs] = {
    ("ml", 1): {(0, 1): (SEEN, 6), (0, 2): (SEEN, 3), (0, 3): (SEEN, 1.5), (1, 9): (SEEN, 2)},
    ("ml", 2): {(0, 1): (SEEN, 5.5), (0, 2): (SEEN, 3), (0, 3): (SEEN, 0.25), (1, 9): (SEEN, 0.5)},
    ("en", 1): {(0, 1): (SEEN, 8), (0, 2): (SEEN, 4), (0, 3): (SEEN, 1), (1, 9): (SEEN, 4)},
    ("en", 2): {(0, 1): (SEEN, 6), (0, 2): (SEEN, 3), (0, 3): (SEEN, 0.75), (1, 9): (SEEN, 4)},
}

RIGHT: Mapping[str, Sequence[int]] = {
    "en": (1, 1, 1, 0),
    "zh": (1, 1, 0, 0),
    "es": (1, 0, 0, 0),
    "ml": (1, 0, 1, 0),
}
RIGHT_TUNED: Mapping[tuple[str, int], Sequence[int]] = {
    ("ml", 1): (1, 1, 1, 0),
    ("ml", 2): (1, 0, 1, 0),
    ("en", 1): (1, 1, 0, 0),
    ("en", 2): (1, 1, 1, 0),
}

RESIDUALS: Mapping[str, Sequence[tuple[float, float]]] = {
    "en": ((1, 0), (0, 1)),
    "zh": ((0, 1), (1, 0)),
    "es": ((2, 0), (0, 2)),
    "ml": ((1, 1), (1, -1)),
}
"""Mean residual streams of texts 0 and 1."""

ARC = BENCHMARKS[0]


def task_of(**changes: Any) -> dict[str, Any]:
    alignment = replace(SPECIFICATION.alignment, layers=(0, 1))
    specification = replace(SPECIFICATION, alignment=alignment, gain_layer=0, **changes)
    return {
        "languages": LANGUAGES,
        "benchmarks": (ARC,),
        "num_layers": 2,
        "specification": specification,
        "adapter_seeds": (1, 2),
        "control_seeds": (),
        "published": (),
    }


def run_of(inputs: Mapping[str, Path], **changes: Any) -> BaseRun:
    return base_of(inputs, task_of(**changes))


def base_of(inputs: Mapping[str, Path], task: Parameters) -> BaseRun:
    """What the stage makes of what it is told."""
    told = {name: value for name, value in task.items() if name != "num_layers"}
    return BaseRun(inputs=inputs, layers=tuple(range(task["num_layers"])), **told)


def token_rows(values: Pairs) -> list[TokenActivation]:
    """Two tokens per phrase, half above and half below their mean; text 1 first, as batches may come."""
    return [
        TokenActivation(layer=layer, latent=latent, text_id=text, values=(both[text] / 2, 1.5 * both[text]))
        for text in (1, 0)
        for (layer, latent), both in values.items()
    ]


def write_tokens(folder: Path, rows: list[TokenActivation], lengths: tuple[int, int] = (2, 5)) -> None:
    """Token activations with the lengths of the two texts."""
    write_table(folder, TokenActivation, rows)
    write_table(
        folder, TextLength, [TextLength(text_id=n, tokens=tokens) for n, tokens in enumerate(lengths)]
    )


def outcomes(right: Sequence[int], spoilt: str = "") -> list[ItemOutcome]:
    """Outcomes whose primary metric is `right` and whose other metric says the contrary."""
    return [
        ItemOutcome(
            benchmark=ARC.name,
            language="any",
            document_id=f"arc/{number}",
            document_hash=f"{spoilt}{number}",
            prompt_hash="p",
            target_hash="t",
            acc=float(not answer),
            acc_norm=float(answer),
            shots=0,
        )
        for number, answer in reversed(list(enumerate(right)))
    ]


def write_panel(folder: Path) -> None:
    """A panel of one latent a layer, selected for no text."""
    write_table(
        folder,
        PanelActivation,
        [
            PanelActivation(layer=layer, text_id=text, mean=(2.0,), maximum=(4.0,), active_fraction=(0.5,))
            for layer in (0, 1)
            for text in (0, 1)
        ],
    )


def write_readings(folder: Path) -> None:
    """What one random direction read of both texts, and their losses: 4 of 8 nats recovered, then none of 4."""
    write_table(
        folder,
        RandomReading,
        [
            RandomReading(layer=layer, text_id=text, directions=1, values=(1.0, 3.0))
            for layer in (0, 1)
            for text in (0, 1)
        ],
    )
    losses = ((0, 4.0, 8.0, 12.0), (1, 2.0, 6.0, 6.0))
    write_table(
        folder,
        SplicedLoss,
        [
            SplicedLoss(layer=layer, text_id=text, tokens=3, clean=clean, spliced=spliced, zeroed=zeroed)
            for layer in (0, 1)
            for text, clean, spliced, zeroed in losses
        ],
    )


def write_base(root: Path, code: str) -> dict[str, Path]:
    spoken, answers, errors = root / code, root / f"{code}-answers", root / f"{code}-errors"
    write_tokens(spoken, token_rows(BASE[code]))
    write_table(
        spoken,
        MeanResidual,
        [
            MeanResidual(layer=n, text_id=t, length=1.0, values=tuple(row))
            for n in (0, 1)
            for t, row in enumerate(RESIDUALS[code])
        ],
    )
    write_panel(spoken)
    write_readings(errors)
    write_table(answers, ItemOutcome, outcomes(RIGHT[code]))
    write_table(
        errors,
        DictionaryError,
        [
            DictionaryError(
                language=code, layer=n, fraction_variance_unexplained=0.25, l0=8.5, tokens=7, latents=10
            )
            for n in (0, 1)
        ],
    )
    return {f"activations/{code}": spoken, f"benchmarks/{code}": answers, f"dictionary-error/{code}": errors}


def write_tuned(root: Path, code: str, seed: int) -> dict[str, Path]:
    spoken, answers = root / f"tuned-{code}-{seed}", root / f"tuned-{code}-{seed}-answers"
    write_tokens(spoken, token_rows(TUNED[code, seed]))
    write_table(answers, ItemOutcome, outcomes(RIGHT_TUNED[code, seed]))
    return {
        f"activations-tuned/ml/seed-{seed}/{code}": spoken,
        f"benchmarks-tuned/ml/seed-{seed}/{code}": answers,
    }


def write_adapter(root: Path, seed: int) -> dict[str, Path]:
    folder = root / f"adapter-{seed}"
    names = ("gap", "shuffled_gap", "retention", "english_mean", "target_mean")
    nats = {"english_nats_per_token": 2.0, "target_nats_per_token": 3.0}
    write_table(
        folder,
        AlignmentStep,
        [AlignmentStep(step=n, **dict.fromkeys(names, float(10 * seed + n)), **nats) for n in (0, 1, 2)],
    )
    write_table(folder, TrainingLoss, [TrainingLoss(step=1, loss=1.0, pairs=8, micro_batch=8)])
    return {f"adapters/ml/seed-{seed}": folder}


def write_translations(root: Path, code: str) -> dict[str, Path]:
    """The second of two translations is a copy."""
    folder = root / f"translations-{code}"
    flags = dict.fromkeys(
        ("is_empty", "is_repetitive", "is_wrong_script", "is_odd_length", "is_truncated"), False
    )
    rows = [Translation(text_id=n, language=code, text="x", is_copy=n == 1, **flags) for n in (0, 1)]
    write_table(folder, Translation, rows)
    return {f"translations/{code}": folder}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    phrases = tmp_path / "phrases"
    write_table(phrases, Text, [Text(text_id=n, text=str(n), held_out=n == 1) for n in (0, 1)])
    write_table(
        phrases,
        Selection,
        [
            Selection(layer=layer, latent=latent, text_id=text, stored_peak=9.0)
            for layer, latent in BASE["en"]
            for text in (1, 0)
        ],
    )
    write_table(phrases, PanelLatent, [PanelLatent(layer=n, position=0, latent=7) for n in (0, 1)])
    found = {"phrases/all": phrases}
    for code in BASE:
        found |= write_base(tmp_path, code)
    for code, seed in TUNED:
        found |= write_tuned(tmp_path, code, seed)
    for code in ("zh", "es", "ml"):
        found |= write_translations(tmp_path, code)
    for seed in (1, 2):
        found |= write_adapter(tmp_path, seed)
    return found


def by_id(found: Sequence[Measured]) -> dict[str, Measured]:
    return {part.estimate.estimate_id: part for part in found}


@pytest.mark.parametrize(
    ("estimate_id", "value"),
    [
        pytest.param("gap/layer=0/high/primary", 35.0, id="gap to high: 1 - (3+3+1/2)/(6+3+1)"),
        pytest.param("gap/layer=0/english/primary", 50.0, id="gap to English: 1 - 6.5/13"),
        pytest.param("gap/layer=1/high/primary", 50.0, id="gap of the second layer: 1 - 1/2"),
        pytest.param("loss-recovered/layer=1/lang=ml/primary/primary", 100 / 3, id="loss recovered: (4+0)/(8+4)"),
        pytest.param("gap/layer=0/lang=ml/high/primary", 35.0, id="the only low language is the low group"),
        pytest.param("gap/layer=0/lang=zh/high/primary", 20.0, id="a high language below its group: 1 - 8/10"),
        pytest.param("gap/layer=0/lang=es/high/primary", -20.0, id="a high language above its group: 1 - 12/10"),
        pytest.param("gap/layer=0/lang=zh/english/primary", 500 / 13, id="a high language to English: 1 - 8/13"),
        pytest.param("gain/layer=0/lang=ml/primary/primary", 37.5, id="gain: 10.5/7 and 8.75/7, +50 and +25"),
        pytest.param(
            "gain/lang=ml/primary/mean-over-aligned-layers",
            31.25,
            id="gain over layers: (50+100)/2 and (25-50)/2",
        ),
        pytest.param(
            "gain/layer=0/lang=ml/primary/share-of-gap-closed",
            43.75,
            id="share of the gap to 13 closed: 3.5/6 and 1.75/6",
        ),
        pytest.param(
            "retention-by-adapter/layer=0/lang=ml/activation/primary", 87.5, id="retention: 13/13 and 9.75/13"
        ),
        pytest.param("retention/layer=0/lang=en/activation/primary", 87.5, id="mean over the one adapter"),
        pytest.param("accuracy/lang=en/bench=arc/primary/primary", 75.0, id="three of four right"),
        pytest.param("accuracy/lang=ml/bench=arc/primary/primary", 50.0, id="two of four right"),
        pytest.param("delta/lang=ml/bench=arc/primary/primary", 12.5, id="one more right, then none: 25 and 0"),
        pytest.param("relative-delta/lang=ml/bench=arc/relative/primary", 25.0, id="12.5 of 50 points"),
        pytest.param("delta-english/lang=ml/bench=arc/primary/primary", -12.5, id="one less right, then none"),
        pytest.param("retention/lang=en/accuracy/primary", 250 / 3, id="50/75 and 75/75"),
        pytest.param("similarity/layer=0/lang=zh/raw/primary", 0.0, id="right angles"),
        pytest.param("similarity/layer=0/lang=zh/centred/primary", -1.0, id="opposite about the middle"),
        pytest.param("similarity/layer=0/lang=es/raw/primary", 1.0, id="twice as long, same direction"),
        pytest.param("similarity/layer=0/lang=ml/raw/primary", 0.0, id="45 and 135 degrees"),
        pytest.param("similarity/layer=0/lang=ml/centred/primary", -np.sqrt(0.5), id="135 degrees, both"),
        pytest.param("tokens-per-phrase/lang=zh/primary/primary", 3.5, id="2 and 5 tokens"),
        pytest.param("dictionary-error/layer=1/lang=es/primary/primary", 0.25, id="as stored"),
        pytest.param("dictionary-l0/layer=1/lang=es/primary/primary", 8.5, id="L0 as stored"),
        pytest.param("translations-unflagged/lang=ml/primary/primary", 50.0, id="one of two is a copy"),
        pytest.param("alignment-gap/lang=ml/before/primary", 15.0, id="first moments 10 and 20"),
        pytest.param("alignment-gap/lang=ml/after/primary", 17.0, id="last moments 12 and 22"),
        pytest.param("target-nats/lang=ml/after/primary", 3.0, id="nats as stored"),
    ],
)  # fmt: skip
def test_estimates_by_pencil(inputs: Mapping[str, Path], estimate_id: str, value: float) -> None:
    found = by_id(list(measured_estimates(run_of(inputs))))
    assert found[estimate_id].estimate.value == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        pytest.param(
            {"aggregation": Aggregation.MEAN_OF_RATIOS}, 100 / 3, id="mean of the ratios 3/6, 3/3 and (1/2)/1"
        ),
        # Both sides half again as high.
        pytest.param({"pooling": Pooling.MAX}, 35.0, id="strongest token"),
        pytest.param({"pooling": Pooling.LAST}, 35.0, id="last token"),
    ],
)
def test_the_specification_reaches_the_gap(
    inputs: Mapping[str, Path], changes: Mapping[str, Any], value: float
) -> None:
    found = by_id(list(gaps(run_of(inputs, **changes))))["gap/layer=0/high/primary"]
    assert found.estimate.value == pytest.approx(value)
    factor = 1.5 if "pooling" in changes else 1.0
    assert [row.observed for row in found.units] == [3 * factor, 3 * factor, 0.5 * factor]


def test_units_and_phrases_of_a_gap_by_pencil(inputs: Mapping[str, Path]) -> None:
    found = by_id(list(gaps(run_of(inputs))))["gap/layer=0/high/primary"]
    assert [(row.unit, row.seed, row.observed, row.reference) for row in found.units] == [
        ("1", None, 3.0, 6.0),
        ("2", None, 3.0, 3.0),
        ("3", None, 0.5, 1.0),
    ]
    assert [(row.unit, row.text_id, row.observed, row.reference) for row in found.phrases] == [
        ("1", 0, 2.0, 5.0),
        ("1", 1, 4.0, 7.0),
        ("2", 0, 3.0, 3.0),
        ("2", 1, 3.0, 3.0),
        ("3", 0, 1.0, 1.0),
        ("3", 1, 0.0, 1.0),
    ]


def test_gains_by_seed_rest_on_held_out_phrases_alone(inputs: Mapping[str, Path]) -> None:
    found = by_id(list(gains(run_of(inputs))))["gain/layer=0/lang=ml/primary/primary"]
    rows = [(row.seed, row.unit, row.observed, row.reference) for row in found.units]
    assert rows[:3] == [(1, "1", 6.0, 4.0), (1, "2", 3.0, 3.0), (1, "3", 1.5, 0.0)]
    assert rows[3:] == [(2, "1", 5.5, 4.0), (2, "2", 3.0, 3.0), (2, "3", 0.25, 0.0)]
    assert (found.estimate.num_units, found.estimate.num_seeds) == (3, 2)
    # Phrases are averaged over seeds: (6 + 5.5)/2.
    assert [(row.unit, row.text_id, row.observed) for row in found.phrases] == [
        ("1", 1, 5.75),
        ("2", 1, 3.0),
        ("3", 1, 0.875),
    ]


def test_retained_accuracy_rests_on_its_questions_each_counted_once(inputs: Mapping[str, Path]) -> None:
    """Three of four were right before: each counts 100 * 4 / 3, so that their mean over all four is 100."""
    found = next(accuracy_retention(run_of(inputs)))
    rows = [(row.seed, row.unit, 3 * row.observed, 3 * row.reference) for row in found.units]
    assert rows == [
        *((1, f"arc/arc/{n}", pytest.approx(400 * a), pytest.approx(400 * b)) for n, (a, b) in enumerate(zip((1, 1, 0, 0), (1, 1, 1, 0), strict=True))),
        *((2, f"arc/arc/{n}", pytest.approx(400 * a), pytest.approx(400 * a)) for n, a in enumerate((1, 1, 1, 0))),
    ]  # fmt: skip
    estimate = found.estimate
    assert (estimate.unit_kind, estimate.num_units, estimate.num_seeds) == ("document", 4, 2)


def test_benchmarks_and_adapters_weigh_alike_in_retained_accuracy(tmp_path: Path) -> None:
    """Two benchmarks, one four times as long and harder; two adapters, of which one forgets: the judge's error is that of the
    mean of ratios over questions drawn again within each benchmark, and asking a second adapter the same adds no question."""
    random = np.random.default_rng(7)
    sizes, right = {"arc": 200, "mmlu": 800}, {"arc": 0.8, "mmlu": 0.4}
    before = {name: (random.random(size) < right[name]).astype(float) for name, size in sizes.items()}
    after = {
        (adapter, seed, name): np.where(random.random(sizes[name]) < lost, 0.0, before[name])
        for adapter, lost in (("ml", 0.1), ("hi", 0.3))
        for seed in (1, 2)
        for name in sizes
    }
    asked = {
        name: [
            (answers(before[name]), {seed: answers(after[adapter, seed, name]) for seed in (1, 2)})
            for adapter in ("ml", "hi")
        ]
        for name in sizes
    }
    sides = [_kept_right(asked, seed) for seed in (1, 2)]
    value = 100 * np.mean([after[key].sum() / before[key[2]].sum() for key in after])
    ratios = [100 * part.observed.sum() / part.reference.sum() for part in sides]
    assert np.mean(ratios) == pytest.approx(value)
    scope = Scope(quantity="retention", unit="percent", language="en", reading="accuracy")
    part = measured(scope, float(value), Formula.RATIO, "document", sides)
    spread = data_spread(part.estimate, stored(tmp_path, part).unit_rows(part.estimate.estimate_id))
    means = {name: np.mean([after[key] for key in after if key[2] == name], axis=0) for name in sizes}
    drawn = []
    for _ in range(2_000):
        kept = {name: random.integers(size, size=size) for name, size in sizes.items()}
        drawn.append(
            100 * np.mean([means[name][at].sum() / before[name][at].sum() for name, at in kept.items()])
        )
    assert spread.se == pytest.approx(np.std(drawn), rel=0.06)


def answers(correct: np.ndarray[Any, Any]) -> Answers:
    names = tuple(f"{place:04}" for place in range(len(correct)))
    return Answers(documents=names, hashes=names, prompts=names, correct=correct)


def test_every_seed_enters_whatever_is_trained(inputs: dict[str, Path]) -> None:
    """Seeds 3, 4 and 5 are the second one again, so that each mean of five has it four times."""
    again = {
        role.replace("seed-2", f"seed-{seed}"): folder
        for role, folder in inputs.items()
        for seed in (3, 4, 5)
        if "seed-2" in role
    }
    task = {**task_of(), "adapter_seeds": (1, 2, 3, 4, 5)}
    found = by_id(list(measured_estimates(base_of(inputs | again, task))))
    trained = {name: part for name, part in found.items() if part.estimate.num_seeds}
    assert {part.estimate.num_seeds for part in trained.values()} == {5}
    assert all({row.seed for row in part.units} == {1, 2, 3, 4, 5} for part in trained.values())
    assert {name: trained[name].estimate.value for name in OF_FIVE} == pytest.approx(OF_FIVE)


OF_FIVE = {
    "gain/layer=0/lang=ml/primary/primary": (50 + 4 * 25) / 5,
    "retention/layer=0/lang=en/activation/primary": (100 + 4 * 75) / 5,
    "delta/lang=ml/bench=arc/primary/primary": (25 + 4 * 0) / 5,
    "delta-english/lang=ml/bench=arc/primary/primary": (-25 + 4 * 0) / 5,
    "retention/lang=en/accuracy/primary": (200 / 3 + 4 * 100) / 5,
    "alignment-gap/lang=ml/before/primary": (10 + 4 * 20) / 5,
}


THREE = {
    "en": (3, 1, 1),
    "zh": (4, 0, 1),
    "es": (0, 0, 3),
    "ml": (1, 4, 4),
}
"""Right answers of four, by benchmark: means 5/3, 5/3, 1 and 3; medians 1, 1, 0 and 4."""
THREE_TUNED = {("en", 1): (3, 1, 0), ("en", 2): (3, 0, 1), ("ml", 1): (1, 4, 4), ("ml", 2): (1, 4, 4)}


@pytest.fixture
def three(inputs: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """The same run with answers to three benchmarks."""

    def answers(folder: Path, right: Sequence[int]) -> Path:
        rows = [
            replace(row, benchmark=benchmark.name, acc=row.acc_norm)
            for benchmark, count in zip(BENCHMARKS, right, strict=True)
            for row in outcomes([1] * count + [0] * (4 - count))
        ]
        write_table(folder, ItemOutcome, rows)
        return folder

    base = {f"benchmarks/{code}": answers(tmp_path / f"three-{code}", right) for code, right in THREE.items()}
    tuned = {
        f"benchmarks-tuned/ml/seed-{seed}/{code}": answers(tmp_path / f"three-{code}-{seed}", right)
        for (code, seed), right in THREE_TUNED.items()
    }
    return inputs | base | tuned


def test_a_mean_over_benchmarks_is_a_mean(three: Mapping[str, Path]) -> None:
    task = {**task_of(), "benchmarks": BENCHMARKS}
    found = by_id(list(measured_estimates(base_of(three, task))))
    score = found["correlation/primary/primary"]
    assert [row.unit for row in score.units] == ["zh", "es", "ml"]
    assert [row.observed for row in score.units] == pytest.approx([125 / 3, 25.0, 75.0])
    # Of English 100, 100 and 0 percent are left, then 100, 0 and 100.
    assert found["retention/lang=en/accuracy/primary"].estimate.value == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        pytest.param((0, 0, 0, 0), (1, 1, 0, 0), None, id="nothing before, of which there is no percent"),
        pytest.param((1, 1, 0, 0), (0, 0, 0, 0), -100.0, id="nothing after, which is all of it lost"),
        pytest.param((0, 0, 0, 0), (0, 0, 0, 0), None, id="nothing at all"),
    ],
)
def test_a_relative_change_needs_an_accuracy_before(
    inputs: dict[str, Path],
    tmp_path: Path,
    before: tuple[int, ...],
    after: tuple[int, ...],
    percent: float | None,
) -> None:
    write_table(tmp_path / "before", ItemOutcome, outcomes(before))
    write_table(tmp_path / "after", ItemOutcome, outcomes(after))
    arms = {"benchmarks/ml": tmp_path / "before"} | {
        f"benchmarks-tuned/ml/seed-{seed}/ml": tmp_path / "after" for seed in (1, 2)
    }
    changed = inputs | arms
    found = by_id(list(deltas(run_of(changed))))
    relative = found.get("relative-delta/lang=ml/bench=arc/relative/primary")
    assert (relative.estimate.value if relative else None) == percent
    assert "delta/lang=ml/bench=arc/primary/primary" in found


@pytest.mark.parametrize(("code", "percent"), [("ml", 42.5), ("zh", 35.0), ("es", -35.0)])
def test_a_languages_gap_is_the_mean_over_layers(
    inputs: Mapping[str, Path], code: str, percent: float
) -> None:
    # Layer 0: 35, 20, -20; layer 1: 1 - 1/2, 1 - 1/2, 1 - 3/2.
    assert language_gap(run_of(inputs), code) == pytest.approx(percent)


def test_the_correlation_is_numpys_over_all_languages_but_english(inputs: Mapping[str, Path]) -> None:
    found = by_id(list(correlations(run_of(inputs))))
    expected = np.corrcoef([35.0, -35.0, 42.5], [50.0, 25.0, 50.0])[0, 1]
    for estimate_id in ("correlation/bench=arc/primary/primary", "correlation/primary/primary"):
        assert found[estimate_id].estimate.value == pytest.approx(expected)
        assert [row.unit for row in found[estimate_id].units] == ["zh", "es", "ml"]


def test_a_phrase_missing_in_one_language_counts_in_none(inputs: dict[str, Path], tmp_path: Path) -> None:
    # Without text 1: high (4+6)/2, (2+4)/2, 1 = 5, 3, 1; low 2, 3, 1; English 8, 4, 1.
    rows = [row for row in token_rows(BASE["zh"]) if row.text_id == 0]
    write_tokens(tmp_path / "short", rows, (2, 0))
    run = run_of(inputs | {"activations/zh": tmp_path / "short"})
    found = by_id(list(gaps(run)))
    assert found["gap/layer=0/high/primary"].estimate.value == pytest.approx(100 * (1 - 6 / 9))
    assert found["gap/layer=0/english/primary"].estimate.value == pytest.approx(100 * (1 - 6 / 13))
    assert found["gap/layer=0/lang=es/high/primary"].estimate.value == pytest.approx(100 * (1 - 11 / 9))
    assert {row.text_id for part in found.values() for row in part.phrases} == {0}


def test_a_row_that_was_lost_is_no_empty_text(inputs: dict[str, Path], tmp_path: Path) -> None:
    rows = [row for row in token_rows(BASE["zh"]) if row.text_id == 0]
    write_tokens(tmp_path / "short", rows, (2, 5))
    with pytest.raises(ValueError, match="have no value, though their texts have tokens"):
        _ = run_of(inputs | {"activations/zh": tmp_path / "short"}).by_language


def test_swapped_languages_would_be_seen(inputs: dict[str, Path]) -> None:
    swapped = inputs | {
        "activations/ml": inputs["activations/zh"],
        "activations/zh": inputs["activations/ml"],
    }
    found = by_id(list(gaps(run_of(swapped))))
    assert found["gap/layer=0/high/primary"].estimate.value != pytest.approx(35.0)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*token_rows(BASE["zh"]), token_rows(BASE["zh"])[0]], id="a row twice"),
        pytest.param([replace(token_rows(BASE["zh"])[0], latent=77)], id="a latent that was never selected"),
        pytest.param([replace(token_rows(BASE["zh"])[0], text_id=5)], id="a text that was never selected"),
        pytest.param([replace(token_rows(BASE["zh"])[0], layer=3)], id="a layer beyond all"),
    ],
)
def test_activations_of_another_run_are_refused(
    inputs: dict[str, Path], tmp_path: Path, rows: list[TokenActivation]
) -> None:
    write_table(tmp_path / "other", TokenActivation, rows)
    with pytest.raises(ValueError, match="do not match the 8 selections one to one"):
        _ = run_of(inputs | {"activations/zh": tmp_path / "other"}).by_language


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(outcomes(RIGHT["ml"], spoilt="x"), id="other documents under the same ids"),
        pytest.param(outcomes(RIGHT["ml"])[1:], id="one document less"),
    ],
)
def test_arms_on_other_documents_are_refused(
    inputs: dict[str, Path], tmp_path: Path, rows: list[ItemOutcome]
) -> None:
    write_table(tmp_path / "other", ItemOutcome, rows)
    key = "benchmarks-tuned/ml/seed-2/ml"
    with pytest.raises(ValueError, match="arc in ml: the adapter ml/seed-2 was scored on other documents"):
        list(deltas(run_of(inputs | {key: tmp_path / "other"})))


def test_languages_on_the_same_documents_leave_no_remark(inputs: Mapping[str, Path], tmp_path: Path) -> None:
    assert item_overlaps(run_of(inputs)) == []
    estimates_stage(inputs, out=tmp_path / "out", **task_of())
    assert not table_path(tmp_path / "out", ItemOverlap).exists()


def test_languages_on_other_documents_are_counted(inputs: dict[str, Path], tmp_path: Path) -> None:
    """Chinese lacks arc/1; Malayalam has arc/4 besides. All but these two see only that others differ."""
    without, besides = outcomes(RIGHT["zh"]), outcomes((*RIGHT["ml"], 1))
    write_table(tmp_path / "zh", ItemOutcome, [row for row in without if row.document_id != "arc/1"])
    write_table(tmp_path / "ml", ItemOutcome, besides)
    tuned = {f"benchmarks-tuned/ml/seed-{seed}/ml": tmp_path / "ml" for seed in (1, 2)}
    changed = inputs | {"benchmarks/zh": tmp_path / "zh", "benchmarks/ml": tmp_path / "ml"} | tuned
    estimates_stage(changed, out=tmp_path / "out", **task_of())
    rows = read_table(tmp_path / "out", ItemOverlap)
    assert [(row.benchmark, row.language, row.asked, row.shared) for row in rows] == [
        ("arc", "en", 4, 3),
        ("arc", "zh", 3, 3),
        ("arc", "es", 4, 3),
        ("arc", "ml", 5, 3),
    ]


def test_as_many_documents_are_not_the_same_ones(inputs: dict[str, Path], tmp_path: Path) -> None:
    rows = [replace(row, document_id=f"other/{row.document_id}") for row in outcomes(RIGHT["zh"])]
    write_table(tmp_path / "zh", ItemOutcome, rows)
    found = item_overlaps(run_of(inputs | {"benchmarks/zh": tmp_path / "zh"}))
    assert [(row.asked, row.shared) for row in found] == [(4, 0)] * 4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([], "0 outcomes of 0 documents", id="no outcome"),
        pytest.param(outcomes((1, 0)) + outcomes((1,)), "3 outcomes of 2 documents", id="a document twice"),
    ],
)
def test_answers_need_one_outcome_per_document(tmp_path: Path, rows: list[ItemOutcome], message: str) -> None:
    write_table(tmp_path, ItemOutcome, rows)
    with pytest.raises(ValueError, match=message):
        read_answers(tmp_path, ARC)


def test_what_the_phrases_cover_is_passed_on(inputs: Mapping[str, Path], tmp_path: Path) -> None:
    counts = {field.name: place for place, field in enumerate(fields(Coverage))}
    rows = [Coverage(**counts | {"layer": layer}) for layer in (0, 1)]
    write_table(inputs["phrases/all"], Coverage, rows)
    estimates_stage(inputs, out=tmp_path / "out", **task_of())
    assert read_table(tmp_path / "out", Coverage) == rows


def test_two_estimates_of_one_name_are_refused(
    inputs: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(run: BaseRun) -> list[Measured]:
        return [*gaps(run), *gaps(run)]

    monkeypatch.setattr(estimates, "gaps", twice)
    with pytest.raises(AssertionError, match="two estimates share a name"):
        estimates_stage(inputs, out=tmp_path / "out", **task_of())


STUDY = Study(
    name="pencil",
    paper_id="none",
    title="The tables above",
    design="harness.designs.disparity.design",
    shapes=Shapes(num_layers=2, d_model=2, d_sae=10, vocab_size=10),
    languages=LANGUAGES,
    benchmarks=(ARC,),
    primary=SPECIFICATION,
)


def values(task: Parameters, inputs: Mapping[str, Path]) -> dict[str, float]:
    """Every estimate that a claim may name."""
    found = by_id(list(measured_estimates(base_of(inputs, task))))
    return {name: found[name].estimate.value for name in estimate_scopes(STUDY).keys() & found.keys()}


def moved(before: Mapping[str, float], after: Mapping[str, float]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if after[name] != pytest.approx(before[name], rel=1e-9)}


def reread(folder: Path, out: Path, layers: Collection[int], seed: int) -> Path:
    """A copy of activations that says something else at some layers."""
    random = np.random.default_rng(seed)
    rows = [
        replace(row, values=tuple(random.uniform(1, 9, 2).tolist())) if row.layer in layers else row
        for row in read_table(folder, TokenActivation)
    ]
    write_tokens(out, rows)
    if table_path(folder, PanelActivation).exists():
        write_panel(out)
    if table_path(folder, MeanResidual).exists():
        residuals = [
            replace(row, values=tuple(random.uniform(1, 9, 2).tolist())) if row.layer in layers else row
            for row in read_table(folder, MeanResidual)
        ]
        write_table(out, MeanResidual, residuals)
    return out


@pytest.mark.parametrize("broken", [0, 1], ids="layer {} is broken".format)
@pytest.mark.parametrize(
    ("aligned", "gain_layer"),
    [((0,), 0), ((0,), 1), ((1,), 0), ((0, 1), 1)],
    ids=["aligned where gains are", "aligned below", "aligned above", "all aligned"],
)
def test_a_layer_moves_exactly_the_estimates_that_are_said_to_rest_on_it(
    inputs: dict[str, Path], tmp_path: Path, aligned: tuple[int, ...], gain_layer: int, broken: int
) -> None:
    """Where adapters were trained on the layer, everything that went through them is another thing as well."""
    task = task_of()
    primary = replace(
        task["specification"],
        alignment=replace(task["specification"].alignment, layers=aligned),
        gain_layer=gain_layer,
    )
    task, study = {**task, "specification": primary}, replace(STUDY, primary=primary)
    other = dict(inputs)
    for seed, (role, folder) in enumerate(inputs.items()):
        out, through_adapters = tmp_path / "other" / role, role.split("/")[0].endswith("-tuned")
        if role.startswith("activations"):
            layers = {0, 1} if through_adapters and broken in aligned else {broken}
            other[role] = reread(folder, out, layers, seed)
        elif through_adapters and broken in aligned:
            write_table(out, ItemOutcome, outcomes((0, 0, 0, 1)))
            other[role] = out
    said = said_of_estimates(study, {broken: "It is broken."})
    assert moved(values(task, inputs), values(task, other)) == said.keys() & values(task, inputs).keys()


@pytest.mark.parametrize("code", ["en", "zh", "ml"])
def test_a_cell_moves_exactly_the_estimates_that_are_said_to_rest_on_it(
    inputs: dict[str, Path], tmp_path: Path, code: str
) -> None:
    write_table(tmp_path / "other", ItemOutcome, outcomes((0, 0, 0, 1)))
    other = inputs | {f"benchmarks/{code}": tmp_path / "other"}
    said = said_of_estimates(STUDY, {(ARC.name, code): "Ours differs."})
    before, after = values(task_of(), inputs), values(task_of(), other)
    assert moved(before, after) == said.keys() & before.keys()


@pytest.mark.parametrize("code", ["en", "zh", "ml"])
def test_a_language_that_was_not_asked_lacks_what_rests_on_its_answers_and_nothing_else(
    inputs: dict[str, Path], tmp_path: Path, code: str
) -> None:
    other = dict(inputs)
    for role in inputs:
        if role.startswith("benchmarks") and role.endswith(f"/{code}"):
            other[role] = tmp_path / "other" / role
            write_table(other[role], ItemOutcome, [])
            unasked = UnaskedBenchmark(benchmark=ARC.name, language=code)
            write_table(other[role], UnaskedBenchmark, [unasked])
    before, after = values(task_of(), inputs), values(task_of(), other)
    said = said_of_estimates(STUDY, {(ARC.name, code): "Nothing was asked."})
    assert before.keys() - after.keys() == said.keys() & before.keys()
    assert {name: before[name] for name in after} == after
    assert item_overlaps(run_of(other)) == []


def test_a_correlation_is_over_the_languages_that_were_asked(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.designs.disparity.scores.MIN_PAIRS", 2)
    monkeypatch.setattr("harness.designs.disparity.scores.pearson", lambda x, y: 0.5)
    write_table(tmp_path / "none", ItemOutcome, [])
    write_table(tmp_path / "none", UnaskedBenchmark, [UnaskedBenchmark(benchmark=ARC.name, language="es")])
    found = by_id(list(correlations(run_of(inputs | {"benchmarks/es": tmp_path / "none"}))))
    (one, mean) = found.values()
    assert [row.unit for row in one.units] == [row.unit for row in mean.units] == ["zh", "ml"]


def test_a_run_without_a_similarity_sample_has_no_similarities(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    write_table(tmp_path / "none", MeanResidual, [])
    none = {f"activations/{code}": tmp_path / "none" for code in BASE}
    assert list(similarities(run_of(inputs | none))) == []


@dataclass(frozen=True)
class StoredRun:
    """The estimates of a whole small run, as its last stage stored them."""

    task: Parameters
    estimates: Mapping[str, Estimate]
    units: Mapping[str, Sequence[UnitValue]]
    phrases: Mapping[str, Sequence[PhraseValue]]

    def of(self, quantity: str) -> list[Estimate]:
        found = [each for each in self.estimates.values() if each.quantity == quantity]
        assert found, f"the run has no {quantity}"
        return found


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """Every stage of the small study on a random world of four languages, made once."""
    root = tmp_path_factory.mktemp("small-run")
    (item,) = (
        small_plan(build_world(root / "world", languages=("en", "zh", "es", "ml"))).stage("estimates").items
    )
    with pytest.MonkeyPatch.context() as patch:
        # Random translators seldom stop by themselves.
        patch.setattr(translation, "MAX_NEW_TOKENS", 12)
        folder = make(item, root / "store", {})
    rows = read_table(folder, Estimate)
    assert len({row.estimate_id for row in rows}) == len(rows)
    units: dict[str, list[UnitValue]] = defaultdict(list)
    phrases: dict[str, list[PhraseValue]] = defaultdict(list)
    for unit in read_table(folder, UnitValue):
        units[unit.estimate_id].append(unit)
    for phrase in read_table(folder, PhraseValue):
        phrases[phrase.estimate_id].append(phrase)
    return StoredRun(item.parameters, {row.estimate_id: row for row in rows}, units, phrases)


def sides(rows: Sequence[UnitValue], seed: int | None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    own = [row for row in rows if row.seed == seed]
    return np.asarray([row.observed for row in own]), np.asarray([row.reference for row in own])


def phrase_means(rows: Sequence[PhraseValue]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    groups: dict[str, list[PhraseValue]] = defaultdict(list)
    for row in rows:
        groups[row.unit].append(row)
    return (
        np.asarray([np.mean([row.observed for row in group]) for group in groups.values()]),
        np.asarray([np.mean([row.reference for row in group]) for group in groups.values()]),
    )


def test_the_run_has_every_quantity_for_every_scope(run: StoredRun) -> None:
    counted = Counter(each.quantity for each in run.estimates.values())
    # Four layers; three languages besides English; two readings; one benchmark; one tuned language.
    assert counted["gap"] == 4 * 2 * (1 + 3)
    assert counted["similarity"] == 4 * 3 * 2
    assert counted["dictionary-error"] == counted["dictionary-l0"] == 4 * 4
    assert counted["selections-kept"] == 4
    assert (counted["gain"], counted["retention-by-adapter"], counted["accuracy"]) == (3, 1, 4)
    assert (counted["delta"], counted["delta-english"], counted["correlation"]) == (1, 1, 2)


def test_every_value_of_the_run_is_a_number(run: StoredRun) -> None:
    strange = {name for name, each in run.estimates.items() if not np.isfinite(each.value)}
    # Four items leave few levels: where all languages score alike, there is no correlation.
    assert {name.split("/")[0] for name in strange} <= {"correlation"}


def test_stored_rows_belong_to_estimates(run: StoredRun) -> None:
    assert set(run.units) <= set(run.estimates)
    assert set(run.phrases) <= set(run.estimates)
    assert all(
        np.isfinite([row.observed, row.reference]).all() for rows in run.units.values() for row in rows
    )


def test_counts_are_those_of_the_stored_units(run: StoredRun) -> None:
    for name, rows in run.units.items():
        estimate = run.estimates[name]
        assert estimate.num_units == len({row.unit for row in rows}), name
        assert estimate.num_seeds == len({row.seed for row in rows} - {None}), name
        assert len(rows) == estimate.num_units * max(1, estimate.num_seeds), name


def test_gaps_can_be_recomputed_from_units(run: StoredRun) -> None:
    for estimate in run.of("gap"):
        low, high = sides(run.units[estimate.estimate_id], None)
        assert estimate.value == pytest.approx(100 * (1 - low.sum() / high.sum()))


def test_group_gaps_can_be_recomputed_from_phrases(run: StoredRun) -> None:
    for estimate in (each for each in run.of("gap") if each.language is None):
        low, high = phrase_means(run.phrases[estimate.estimate_id])
        assert estimate.value == pytest.approx(100 * (1 - low.sum() / high.sum()))


@pytest.mark.parametrize(
    ("quantity", "of_before"),
    [("gain", -100.0), ("retention-by-adapter", 0.0), ("retention", 0.0)],
)
def test_changes_can_be_recomputed_from_units_seed_by_seed(
    run: StoredRun, quantity: str, of_before: float
) -> None:
    for estimate in (each for each in run.of(quantity) if each.unit_kind == "latent"):
        rows = run.units[estimate.estimate_id]
        by_seed = [sides(rows, seed) for seed in run.task["adapter_seeds"]]
        percent = [100 * after.sum() / before.sum() + of_before for after, before in by_seed]
        assert estimate.value == pytest.approx(np.mean(percent))


def test_retention_can_be_recomputed_from_phrases(run: StoredRun) -> None:
    for estimate in (each for each in run.of("retention") if each.reading == "activation"):
        after, before = phrase_means(run.phrases[estimate.estimate_id])
        assert estimate.value == pytest.approx(100 * after.sum() / before.sum())


def test_gains_rest_on_phrases_that_give_the_stored_units(run: StoredRun) -> None:
    (gain,) = (each for each in run.of("gain") if run.phrases.get(each.estimate_id))
    rows, seeds = run.units[gain.estimate_id], run.task["adapter_seeds"]
    after, before = phrase_means(run.phrases[gain.estimate_id])
    np.testing.assert_allclose(after, np.mean([sides(rows, seed)[0] for seed in seeds], axis=0))
    np.testing.assert_allclose(before, sides(rows, seeds[0])[1])


@pytest.mark.parametrize("quantity", ["delta", "delta-english"])
def test_deltas_can_be_recomputed_from_documents(run: StoredRun, quantity: str) -> None:
    for estimate in run.of(quantity):
        rows = run.units[estimate.estimate_id]
        by_seed = [sides(rows, seed) for seed in run.task["adapter_seeds"]]
        assert estimate.value == pytest.approx(
            np.mean([(after - before).mean() for after, before in by_seed])
        )


@pytest.mark.parametrize(
    "quantity", ["accuracy", "similarity", "tokens-per-phrase", "translations-unflagged"]
)
def test_plain_means_can_be_recomputed_from_units(run: StoredRun, quantity: str) -> None:
    for estimate in run.of(quantity):
        observed, reference = sides(run.units[estimate.estimate_id], None)
        assert estimate.value == pytest.approx(observed.mean())
        assert not reference.any()


def test_correlations_can_be_recomputed_from_languages(run: StoredRun) -> None:
    for estimate in run.of("correlation"):
        scores, own_gaps = sides(run.units[estimate.estimate_id], None)
        if np.ptp(scores) > 0:
            assert estimate.value == pytest.approx(np.corrcoef(own_gaps, scores)[0, 1])
