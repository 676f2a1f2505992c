"""Rival explanations in planted worlds: in each, one of them is all of the gap, or none is; every number by pencil."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from pathlib import Path

import numpy as np
import pytest

from harness.designs.disparity.base import BaseRun, gaps
from harness.designs.disparity.rivals import decoupling, random_dictionaries, rivals, silent_slopes, strongest
from harness.statistics.measured import Measured, Sides, measured
from harness.store.tables import read_table, write_table
from harness.words.estimate import Formula, Scope
from harness.words.records import (
    DictionaryError,
    MeanResidual,
    PanelActivation,
    PanelLatent,
    RandomReading,
    Selection,
    Text,
    TextLength,
    TokenActivation,
)
from harness.words.study import Group, Language
from tests.small_study import SPECIFICATION

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="zh", name="Chinese", group=Group.HIGH, script="CJK"),
    Language(code="es", name="Spanish", group=Group.HIGH, script="LATIN"),
    Language(code="ml", name="Malayalam", group=Group.LOW, script="MALAYALAM"),
    Language(code="id", name="Indonesian", group=Group.LOW, script="LATIN"),
)

OWN = {0: 1, 1: 1, 2: 2, 3: 2}
"""By text: the latent that it was selected for. Latent 1 is on trial on texts 2 and 3, latent 2 on texts 0 and 1."""

Tokens = Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One world: what own latents show on every text, and the panel on the two texts that were not selected for a latent."""

    low: Mapping[int, Tokens]
    """By text: values of the text's own latent over its tokens, in both low-resource languages."""
    malayalam: Mapping[int, Tokens] | None = None
    """The same where the two are not alike."""
    panel_low: tuple[float, float]
    """Of the first and the second text that was not selected for a latent."""
    remaining: Mapping[str, float]
    gap: float
    chosen: tuple[float, float]
    """On texts that English would choose, and that the low-resource languages would."""
    slope: float | None = 0.0
    panel_high: tuple[float, float] = (8.0, 4.0)
    """English is alike."""
    latin: Mapping[int, Tokens] | None = None
    """What Malayalam shows in Latin letters; as ever where left out. Chinese is as strong in them as in its own script."""
    has_shorter_stream: bool = True
    """Whether the stream of the low-resource languages is shorter by the gap already."""
    parallel: tuple[float, float] | None = None
    """What the panel shows of both sentences of the parallel text in low-resource languages, by a machine and by people; 8 in others."""
    high: Mapping[int, Tokens] = field(default_factory=lambda: {0: (8, 8), 1: (8, 8), 2: (4, 4), 3: (4, 4)})


def all_but(gap: float, **own: float) -> dict[str, float]:
    """What remains: the whole gap, but for what is named."""
    names = (
        "equal_firing",
        "equal_strength",
        "equal_tokens",
        "maximum",
        "sum",
        "romanised",
        "same_script",
        "languages",
    )
    panel = (
        "unselected",
        "active_in_english",
        "same_script_languages",
        "residual_stream",
        "random_dictionary",
    )
    return {name.replace("_", "-"): own.get(name, gap) for name in (*names, *panel)}


WORLDS = {
    # Half as strong on the same tokens, whatever the text: no rival but the strength itself.
    "none of them": Planted(
        low={0: (4, 4), 1: (4, 4), 2: (2, 2), 3: (2, 2)},
        panel_low=(4.0, 2.0),
        gap=50,
        remaining=all_but(50, equal_strength=0),
        chosen=(50, 50),
        slope=None,
    ),
    # The same with a stream of full length: what makes it weaker is how the dictionary reads the language.
    "dictionary": Planted(
        low={0: (4, 4), 1: (4, 4), 2: (2, 2), 3: (2, 2)},
        panel_low=(4.0, 2.0),
        has_shorter_stream=False,
        gap=50,
        remaining=all_but(50, equal_strength=0, residual_stream=0, random_dictionary=0),
        chosen=(50, 50),
        slope=None,
    ),
    # Silent on one of two phrases, and as strong as ever on the other.
    "firing": Planted(
        low={0: (8, 8), 1: (0, 0), 2: (4, 4), 3: (0, 0)},
        panel_low=(4.0, 2.0),
        gap=50,
        remaining=all_but(50, equal_firing=0),
        chosen=(50, 50),
        slope=None,
    ),
    # The same sum over four times and twice as many tokens, on one of two phrases.
    "tokens": Planted(
        low={0: (8, 8, 0, 0, 0, 0, 0, 0), 1: (8, 8), 2: (4, 4, 0, 0), 3: (4, 4)},
        panel_low=(5.5, 2.0),
        gap=100 * (1 - (5 + 3) / 12),
        remaining=all_but(
            100 * (1 - 8 / 12),
            equal_firing=0,
            equal_tokens=0,
            maximum=0,
            sum=0,
            unselected=37.5,
            active_in_english=37.5,
        ),
        chosen=(31.25, 31.25),
        slope=-1.0,
    ),
    # Malayalam alone is half as strong.
    "script": Planted(
        low={0: (8, 8), 1: (8, 8), 2: (4, 4), 3: (4, 4)},
        malayalam={0: (4, 4), 1: (4, 4), 2: (2, 2), 3: (2, 2)},
        panel_low=(6.0, 3.0),
        gap=25,
        latin={0: (8, 8), 1: (8, 8), 2: (4, 4), 3: (4, 4)},
        remaining=all_but(25, equal_strength=0, romanised=0, same_script=0, same_script_languages=0),
        chosen=(25, 25),
        slope=None,
    ),
    # The same, and no stronger in Latin letters: it is Malayalam, and not its script.
    "language": Planted(
        low={0: (8, 8), 1: (8, 8), 2: (4, 4), 3: (4, 4)},
        malayalam={0: (4, 4), 1: (4, 4), 2: (2, 2), 3: (2, 2)},
        panel_low=(6.0, 3.0),
        gap=25,
        remaining=all_but(25, equal_strength=0, same_script=0, same_script_languages=0),
        chosen=(25, 25),
        slope=None,
    ),
    # Half as strong where English chose the texts, as strong as ever elsewhere, though on other texts.
    "selection": Planted(
        low={0: (4, 4), 1: (4, 4), 2: (2, 2), 3: (2, 2)},
        panel_low=(4.0, 8.0),
        gap=50,
        remaining=all_but(50, equal_strength=0, unselected=0, active_in_english=0),
        chosen=(50, -100),
        slope=None,
    ),
    # Half as strong on every phrase, since a machine said it; as strong as ever where people did.
    "translator": Planted(
        low={0: (4, 4), 1: (4, 4), 2: (2, 2), 3: (2, 2)},
        panel_low=(4.0, 2.0),
        parallel=(4.0, 8.0),
        gap=50,
        remaining=all_but(50, equal_strength=0) | {"by-machine": 50, "by-people": 0},
        chosen=(50, 50),
        slope=None,
    ),
    # Half as strong whoever said it.
    "no translator": Planted(
        low={0: (4, 4), 1: (4, 4), 2: (2, 2), 3: (2, 2)},
        panel_low=(4.0, 2.0),
        parallel=(4.0, 4.0),
        gap=50,
        remaining=all_but(50, equal_strength=0) | {"by-machine": 50, "by-people": 50},
        chosen=(50, 50),
        slope=None,
    ),
}


def write_parallel(folder: Path, by_machine: float, by_people: float) -> Path:
    """Two sentences, a machine's and people's of each; latent 2 is half as strong as latent 1, and the second sentence as the first."""
    rows = [
        PanelActivation(layer=0, text_id=text, mean=mean, maximum=(99.0, 99.0), active_fraction=(1.0, 1.0))
        for text, value in enumerate((by_machine, by_people, by_machine / 2, by_people / 2))
        for mean in ((value, value / 2),)
    ]
    write_table(folder, PanelActivation, reversed(rows))
    return folder


def write_language(
    folder: Path, own: Mapping[int, Tokens], panel: tuple[float, float], length: float
) -> Path:
    write_table(
        folder,
        MeanResidual,
        [
            MeanResidual(layer=0, text_id=text, length=length * (text + 1), values=(1.0,))
            for text in reversed(OWN)
        ],
    )
    # As sparse as the dictionary, half of all tokens: a direction fires at 8 and above, on two tokens or on one stronger one.
    read = (8.0, 1.0, 8.0, 1.0) if length == 1.0 else (1.0, 16 * length, 1.0, 1.0)
    write_table(
        folder,
        RandomReading,
        [RandomReading(layer=0, text_id=text, directions=1, values=read) for text in reversed(OWN)],
    )
    write_table(
        folder,
        DictionaryError,
        [
            DictionaryError(
                language=folder.name,
                layer=0,
                fraction_variance_unexplained=0.1,
                l0=5.0,
                tokens=16,
                latents=10,
            )
        ],
    )
    write_table(
        folder,
        TokenActivation,
        [
            TokenActivation(layer=0, latent=OWN[text], text_id=text, values=tuple(values))
            for text, values in own.items()
            if values
        ],
    )
    write_table(
        folder, TextLength, [TextLength(text_id=text, tokens=len(values)) for text, values in own.items()]
    )
    # Far from everything on the texts that were selected for a latent: they must not count.
    rows = [
        (99.0, panel[0]),
        (99.0, panel[1]),
        (panel[0], 99.0),
        (panel[1], 99.0),
    ]
    write_table(
        folder,
        PanelActivation,
        [
            PanelActivation(layer=0, text_id=text, mean=row, maximum=row, active_fraction=(1.0, 1.0))
            for text, row in reversed(list(enumerate(rows)))
        ],
    )
    return folder


def run_of(root: Path, world: Planted) -> BaseRun:
    phrases = root / "phrases"
    write_table(phrases, Text, [Text(text_id=text, text=str(text), held_out=False) for text in OWN])
    write_table(
        phrases,
        Selection,
        [Selection(layer=0, latent=latent, text_id=text, stored_peak=1.0) for text, latent in OWN.items()],
    )
    write_table(
        phrases, PanelLatent, [PanelLatent(layer=0, position=place, latent=place + 1) for place in (1, 0)]
    )
    own = {
        "en": world.high,
        "zh": world.high,
        "es": world.high,
        "ml": world.malayalam or world.low,
        "id": world.low,
    }
    groups = {language.code: language.group for language in LANGUAGES}
    spoken = {
        f"activations/{code}": write_language(
            root / code,
            values,
            world.panel_low if groups[code] is Group.LOW else world.panel_high,
            1 - world.gap / 100 if groups[code] is Group.LOW and world.has_shorter_stream else 1.0,
        )
        for code, values in own.items()
    }
    latin = {"zh": world.high, "ml": world.latin or own["ml"]}
    romanised = {
        f"activations/{code}/romanised": write_language(root / code / "latin", values, (0.0, 0.0), 1.0)
        for code, values in latin.items()
    }
    read = {role.replace("activations", "dictionary-error"): folder for role, folder in spoken.items()}
    parallel = {
        f"activations/{code}/parallel": write_parallel(
            root / code / "parallel", *(world.parallel if groups[code] is Group.LOW else (8.0, 8.0))
        )
        for code in own
        if code != "en" and world.parallel
    }
    return BaseRun(
        inputs={"phrases/all": phrases, **spoken, **romanised, **read, **parallel},
        languages=LANGUAGES,
        benchmarks=(),
        layers=(0,),
        specification=SPECIFICATION,
        adapter_seeds=(),
    )


def found_in(run: BaseRun) -> dict[tuple[str, str], Measured]:
    return {(part.estimate.quantity, part.estimate.reading): part for part in rivals(run)}


@pytest.mark.parametrize("name", WORLDS)
def test_each_rival_finds_its_own_world_and_leaves_the_others(tmp_path: Path, name: str) -> None:
    world = WORLDS[name]
    run = run_of(tmp_path, world)
    (gap,) = (each for each in gaps(run) if (each.estimate.reading, each.estimate.language) == ("high", None))
    assert gap.estimate.value == pytest.approx(world.gap)
    found = found_in(run)
    remaining = {
        reading: each.estimate.value
        for (quantity, reading), each in found.items()
        if quantity in {"gap-remaining", "gap-on-parallel-text"}
    }
    assert remaining == pytest.approx(dict(world.remaining))
    chosen = [
        found["gap-on-chosen-texts", reading].estimate.value
        for reading in ("chosen-in-english", "chosen-in-the-language")
    ]
    assert chosen == pytest.approx(list(world.chosen))
    slope = found.get(("slope-on-tokens", "primary"))
    assert (slope and slope.estimate.value) == (world.slope and pytest.approx(world.slope))


@pytest.mark.parametrize("last_digits", [(0.0, 1e-7), (1e-7, 0.0)])
def test_of_texts_that_begin_alike_the_first_is_the_strongest_whatever_the_processor(
    last_digits: tuple[float, float],
) -> None:
    """Three of four texts reach 0.8 of the strongest, which stands first though another was nearly chosen; nobody asks for the fifth."""
    choice = replace(SPECIFICATION.phrases, min_fraction_of_maximum=0.8, max_examples=2)
    maxima = np.array([[2.0], [3.0 + last_digits[0]], [3.0 + last_digits[1]], [2.4], [9.0]])
    asked = np.array([[True], [True], [True], [True], [False]])
    assert strongest(maxima, asked, choice)[:, 0].tolist() == [False, True, True, False, False]
    one = strongest(maxima, asked, replace(choice, max_examples=1))
    assert one[:, 0].tolist() == [False, True, False, False, False]
    every = strongest(maxima, asked, replace(choice, max_examples=9))
    assert every[:, 0].tolist() == [False, True, True, True, False]


def test_what_is_empty_in_latin_letters_is_left_out_of_that_comparison_alone(tmp_path: Path) -> None:
    world = replace(WORLDS["script"], latin={0: (), 1: (8, 8), 2: (4, 4), 3: (4, 4)})
    run = run_of(tmp_path, world)
    latin = found_in(run)["gap-remaining", "romanised"]
    assert {(row.unit, row.text_id) for row in latin.phrases} == {("1", 1), ("2", 2), ("2", 3)}
    assert latin.estimate.value == pytest.approx(0)
    without = {role: folder for role, folder in run.inputs.items() if "romanised" not in role}
    assert ("gap-remaining", "romanised") not in found_in(replace(run, inputs=without))


@pytest.mark.parametrize(("name", "closed"), [("translator", 50.0), ("no translator", 0.0)])
def test_what_people_close_of_the_gap_is_a_mean_over_latents(
    tmp_path: Path, name: str, closed: float
) -> None:
    found = found_in(run_of(tmp_path, WORLDS[name]))
    assert found["gap-of-translators", "primary"].estimate.value == pytest.approx(closed)
    assert [row.observed for row in found["gap-of-translators", "primary"].units] == pytest.approx(
        [closed] * 2
    )
    # Means over both sentences: three quarters of the first one.
    for reading, value in zip(("by-machine", "by-people"), WORLDS[name].parallel or (), strict=True):
        units = found["gap-on-parallel-text", reading].units
        assert {row.unit: (row.observed, row.reference) for row in units} == {
            "1": (0.75 * value, 6.0),
            "2": (0.375 * value, 3.0),
        }


def test_a_latent_that_goes_its_own_way_is_in_the_error_of_what_people_close(tmp_path: Path) -> None:
    run = run_of(tmp_path, WORLDS["no translator"])
    for code in ("ml", "id"):
        folder = tmp_path / code / "another"
        rows = read_table(run.inputs[f"activations/{code}/parallel"], PanelActivation)
        # People's sentences lift latent 1 to 8 and leave latent 2: 50 of (6 + 3) become 7.5 of 9.
        write_table(
            folder,
            PanelActivation,
            [replace(row, mean=(row.mean[0] * (1 + row.text_id % 2), row.mean[1])) for row in rows],
        )
        run.inputs[f"activations/{code}/parallel"] = folder  # type: ignore[index]
    found = found_in(run)["gap-of-translators", "primary"]
    assert found.estimate.value == pytest.approx(100 * (7.5 - 4.5) / 9)
    # Of two latents each pulls by twice what is its own: people's 6 - 5 and 1.5 - 2.5 of 9, the machine's nothing.
    assert [row.observed for row in found.units] == pytest.approx([100 * (3 + 2) / 9, 100 * (3 - 2) / 9])


def test_a_parallel_text_that_one_language_lacks_is_no_comparison(tmp_path: Path) -> None:
    run = run_of(tmp_path, WORLDS["translator"])
    write_table(tmp_path / "none", PanelActivation, [])
    inputs = {**run.inputs, "activations/es/parallel": tmp_path / "none"}
    assert ("gap-on-parallel-text", "by-people") not in found_in(replace(run, inputs=inputs))
    assert ("gap-on-parallel-text", "by-people") not in found_in(run_of(tmp_path / "x", WORLDS["firing"]))


def test_tokens_that_do_not_matter_have_no_slope(tmp_path: Path) -> None:
    world = WORLDS["none of them"]
    longer = replace(world, low={**world.low, 0: (4, 4, 4, 4), 3: (2, 2, 2)})
    slope = found_in(run_of(tmp_path, longer))["slope-on-tokens", "primary"]
    assert slope.estimate.value == pytest.approx(0.0)


def test_of_a_layer_at_which_a_language_is_silent_there_is_no_slope_and_the_reason_is_told(
    tmp_path: Path,
) -> None:
    silent = {text: (0.0,) * len(values) for text, values in WORLDS["tokens"].low.items()}
    run = run_of(tmp_path, replace(WORLDS["tokens"], malayalam=silent))
    assert ("slope-on-tokens", "primary") not in found_in(run)
    (row,) = silent_slopes(run)
    assert row.estimate_id == "slope-on-tokens/layer=0/primary/primary"
    assert row.because == "At layer 0 no phrase fires both in ml and in the high-resource languages."
    assert not list(silent_slopes(run_of(tmp_path / "heard", WORLDS["tokens"])))


def test_logarithms_by_hand_give_the_slope(tmp_path: Path) -> None:
    found = found_in(run_of(tmp_path, WORLDS["tokens"]))["slope-on-tokens", "primary"]
    # Token ratios 4, 1 for latent 1 and 2, 1 for latent 2, alike in both languages; activation falls as they rise.
    ratios = [log(4), 0.0, log(2), 0.0]
    mean = sum(ratios) / 4
    squares = [2 * sum((each - mean) ** 2 for each in pair) for pair in (ratios[:2], ratios[2:])]
    assert [row.unit for row in found.units] == ["1", "2"]
    assert [row.reference for row in found.units] == pytest.approx(squares)
    assert [row.observed for row in found.units] == pytest.approx([-each for each in squares])


def test_what_remains_rests_on_its_latents_and_phrases(tmp_path: Path) -> None:
    found = found_in(run_of(tmp_path, WORLDS["tokens"]))
    alike = found["gap-remaining", "equal-tokens"]
    assert {(row.unit, row.text_id) for row in alike.phrases} == {("1", 1), ("2", 3)}
    assert {row.unit: (row.observed, row.reference) for row in alike.units} == {"1": (8, 8), "2": (4, 4)}
    unselected = found["gap-remaining", "unselected"]
    assert {row.unit: (row.observed, row.reference) for row in unselected.units} == {
        "1": (3.75, 6),
        "2": (3.75, 6),
    }


def test_a_rival_that_leaves_nothing_to_compare_is_not_measured(tmp_path: Path) -> None:
    world = WORLDS["tokens"]
    longer = {text: (*values, 0.0, 0.0) for text, values in world.low.items()}
    silent = replace(world, low=longer, panel_high=(0.0, 0.0), panel_low=(0.0, 0.0))
    found = found_in(run_of(tmp_path, silent))
    assert not {"equal-tokens", "unselected", "chosen-in-english"} & {reading for _, reading in found}


def test_a_gap_of_firing_and_of_strength_is_both(tmp_path: Path) -> None:
    # Four of five tokens, and five eighths as strong on them: a gap of one half, of which either factor explains a part.
    high, low = (8.0,) * 5, (5.0, 5.0, 5.0, 5.0, 0.0)
    world = replace(WORLDS["none of them"], high=dict.fromkeys(OWN, high), low=dict.fromkeys(OWN, low))
    found = found_in(run_of(tmp_path, world))
    factors = [found["gap-remaining", name].estimate.value for name in ("equal-firing", "equal-strength")]
    assert factors == pytest.approx([37.5, 20.0])


def per_seed(
    quantity: str, unit_kind: str, sides: Mapping[int, tuple[Tokens, Tokens]], **scope: str
) -> Measured:
    """Something read through the adapters of one language, by seed: after and before."""
    return measured(
        Scope(quantity=quantity, unit="any", **scope),
        0.0,
        Formula.CHANGE,
        unit_kind,
        [
            Sides(units="ab", observed=np.array(after), reference=np.array(before), seed=seed)
            for seed, (after, before) in sides.items()
        ],
    )


def test_what_a_point_of_activation_buys() -> None:
    # Activation: +10, +20 and +60 percent. Accuracy: +50, 0 and +50 points of one benchmark, no change of the other.
    gained = [
        per_seed("gain", "latent", {1: ((1, 10), (2, 8)), 2: ((6, 6), (2, 8))}, language="ml"),
        per_seed("gain", "latent", {1: ((8, 8), (2, 8))}, language="hi"),
        per_seed("gain", "seed", {1: ((999, 999), (1, 1))}, language="hi"),
    ]
    changed = [
        per_seed(
            "delta", "document", {1: ((100, 0), (0, 0)), 2: ((0, 0), (0, 0))}, language="ml", benchmark="arc"
        ),
        per_seed("delta", "document", {1: ((100, 100), (0, 100))}, language="hi", benchmark="arc"),
        per_seed("delta-english", "document", {1: ((9, 9), (0, 0))}, language="ml", benchmark="arc"),
        *(
            per_seed(
                "delta", "document", dict.fromkeys(seeds, ((0, 0), (0, 0))), language=code, benchmark="mmlu"
            )
            for code, seeds in (("ml", (1, 2)), ("hi", (1,)))
        ),
    ]
    found = {part.estimate.benchmark: part for part in decoupling(gained, changed)}
    assert [row.unit for row in found["arc"].units] == ["ml/seed-1", "ml/seed-2", "hi/seed-1"]
    slope, _ = np.polyfit([10, 20, 60], [50, 0, 50], 1)
    values = {name: part.estimate.value for name, part in found.items()}
    assert values == pytest.approx({"arc": slope, "mmlu": 0.0, None: slope / 2})


def test_two_adapters_have_no_slope() -> None:
    gained = [per_seed("gain", "latent", {1: ((1, 10), (2, 8)), 2: ((6, 6), (2, 8))}, language="ml")]
    changed = [
        per_seed(
            "delta", "document", {1: ((1, 0), (0, 0)), 2: ((0, 0), (0, 0))}, language="ml", benchmark="arc"
        )
    ]
    assert list(decoupling(gained, changed)) == []
    assert list(decoupling([], [])) == []


def test_random_directions_fire_as_sparsely_in_english_as_the_dictionary(tmp_path: Path) -> None:
    run = run_of(tmp_path, WORLDS["none of them"])
    # Two directions; in English each fires on three of twelve tokens, the second one never above zero.
    for code, scale in (("en", 1.0), ("zh", 1.0), ("es", 2.0), ("ml", 0.75), ("id", 1.0)):
        rows = [
            RandomReading(
                layer=0,
                text_id=text,
                directions=2,
                values=tuple(
                    number for token in range(3) for number in (scale * (4 * token + text), -1.0 - token)
                ),
            )
            for text in OWN
        ]
        write_table(run.inputs[f"dictionary-error/{code}"], RandomReading, rows)
    error = DictionaryError(
        language="en", layer=0, fraction_variance_unexplained=0.1, l0=2.5, tokens=12, latents=10
    )
    write_table(run.inputs["dictionary-error/en"], DictionaryError, [error])
    (found,) = random_dictionaries(run)
    # English reads 0 to 11: a quarter of 12 tokens are 9, 10 and 11. Spanish, twice as strong, fires from 10 on; Malayalam never.
    spanish = sum(2 * number for number in range(5, 12)) / 12
    high, low = ((9 + 10 + 11) / 12 + spanish) / 2, (9 + 10 + 11) / 12 / 2
    assert [(row.unit, row.observed, row.reference) for row in found.units] == [
        ("0", pytest.approx(low), pytest.approx(high)),
        ("1", 0.0, 0.0),
    ]
    assert found.estimate.value == pytest.approx(100 * (1 - low / high))
