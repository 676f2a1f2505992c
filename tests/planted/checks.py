"""What must hold of a planted run, by name: answers of a pencil, and numbers reached in two ways."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from harness.designs.design import plan
from harness.judge.resampled import data_spread
from harness.judge.unit_values import read_stored
from harness.models.adapters import attached, trained_adapter
from harness.models.batches import padded_left
from harness.models.loading import load_language_model
from harness.models.residuals import visit_residuals
from harness.models.sae import load_encoder
from harness.run.artifacts import Recipes
from harness.stages.alignment import training_and_held_out, with_wrong_partners
from harness.stages.alignment_loss import Aligner, Pairs
from harness.stages.stage import perform
from harness.stages.training import TrainingTask, measured_moment, planned_batches
from harness.statistics.stats import t_quantile
from harness.store.store import Ingredient, Recipe, Store
from harness.store.tables import read_table
from harness.words.estimate import Estimate, UnitValue
from harness.words.records import (
    AlignmentStep,
    ItemOutcome,
    PanelActivation,
    PanelLatent,
    Selection,
    Text,
    TextLength,
    TokenActivation,
    TrainingLoss,
    Translation,
)
from tests.planted.expected import (
    LOW,
    MOMENTS,
    Expected,
    first_distance,
    first_means,
    held_out_pairs,
    planted_drift,
    training_pairs,
)
from tests.planted.judging import (
    CHANGE,
    WHY,
    WHY_BROKEN,
    error_over_seeds,
    interval_of_no_difference,
    judged,
    judged_as_declared,
)
from tests.planted.lexicon import CODES, TARGETS, pieces_of
from tests.planted.network import D_MODEL, NUM_LAYERS
from tests.planted.pencil import streams
from tests.planted.run import PlantedRun
from tests.planted.steps import Asked, HandTraining, Weights
from tests.planted.world import ADAPTERS, ALIGNMENT, CONTROLS, NUM_ITEMS, SEEDS, STUDY

TOLERANCE = 1e-4
"""Relative where a value is above 1, absolute below: float32 moves the planted numbers by less than a tenth of it."""

ASKED = Asked(learning_rate=0.02, weight_decay=0.5, alpha=3.0)
"""So large that two steps show each of them: weights move by a learning rate a step, and lose a hundredth of themselves."""


@dataclass(frozen=True)
class Subject:
    """A run, and what a pencil says about its world."""

    run: PlantedRun
    expected: Expected

    @cached_property
    def texts(self) -> dict[int, str]:
        """English text by its number."""
        return {text.text_id: text.text for text in read_table(self.run.artifact("phrases/all"), Text)}

    @cached_property
    def estimates(self) -> dict[str, float]:
        """What the pipeline found, by estimate id."""
        return {
            row.estimate_id: row.value for row in read_table(self.run.artifact("estimates/all"), Estimate)
        }

    @cached_property
    def measured_in(self) -> dict[str, str]:
        """The unit of each estimate, such as "percent"."""
        rows = read_table(self.run.artifact("estimates/all"), Estimate)
        return {row.estimate_id: row.unit for row in rows}

    @cached_property
    def units(self) -> dict[str, list[UnitValue]]:
        """What each unit contributed, by estimate id."""
        found: dict[str, list[UnitValue]] = {}
        for row in read_table(self.run.artifact("estimates/all"), UnitValue):
            found.setdefault(row.estimate_id, []).append(row)
        return found


Check = Callable[[Subject], None]


def require_near(found: Mapping[Any, float], wanted: Mapping[Any, float]) -> None:
    """Every wanted name is there, with a value within the tolerance."""
    assert found.keys() >= wanted.keys(), f"not there: {sorted(map(str, wanted.keys() - found.keys()))[:5]}"
    far = {
        name: (found[name], value)
        for name, value in wanted.items()
        if not abs(found[name] - value) <= TOLERANCE * max(1, abs(value))
    }
    assert not far, f"{len(far)} of {len(wanted)} differ, such as {list(far.items())[:3]}"


def estimates_of(*quantities: str) -> Check:
    """Every estimate of some quantities is what the pencil says."""

    def check(subject: Subject) -> None:
        require_near(
            subject.estimates,
            {
                name: value
                for name, value in subject.expected.values.items()
                if name.split("/")[0] in quantities
            },
        )

    return check


def selections(subject: Subject) -> None:
    """Every latent is spoken for by the phrases of which the pencil finds it near its maximum."""
    _require_selected(subject, subject.run.artifact("phrases/all"))


def held_out(subject: Subject) -> None:
    """A third of the texts is held out, drawn by the profile's seed."""
    texts = read_table(subject.run.artifact("phrases/all"), Text)
    assert {text.text for text in texts if text.held_out} == subject.expected.held_out


def few_selections(subject: Subject) -> None:
    """The same where no panel is asked for: without one, no latent that lacks phrases stops the stage."""
    item = next(item for item in subject.run.plan.items() if item.stage == "phrases")
    out = subject.run.root / "no-panel"
    out.mkdir(parents=True)
    perform(replace(item, parameters={**item.parameters, "panel_latents": 0}), {}, out)
    _require_selected(subject, out)


def translations(subject: Subject) -> None:
    """Every text is what the planted lexicon makes of it, and flagged where it was planted to be wrong."""
    for code in TARGETS:
        rows = read_table(subject.run.artifact(f"translations/{code}"), Translation)
        found = {subject.texts[row.text_id]: (row.text, _is_flagged(row)) for row in rows}
        expected = subject.expected
        assert found == {
            text: (expected.said(code, text), expected.is_flagged(code, text)) for text in expected.spoken
        }


def token_values(subject: Subject) -> None:
    """The untouched model's activations of every phrase's own latent, token by token."""
    for code in CODES:
        _require_token_values(subject, f"activations/{code}", code, (0.0,) * NUM_LAYERS)


def tuned_token_values(subject: Subject) -> None:
    """The same through every adapter, of held-out phrases, up to the deepest layer that adapters are asked about."""
    rows = read_table(subject.run.artifact("phrases/all"), Text)
    held_out = {subject.texts[row.text_id] for row in rows if row.held_out}
    told: dict[str, Any] = {"among": held_out, "deepest": STUDY.primary.deepest_tuned_layer}
    for (adapter, seed), strengths in ADAPTERS.items():
        for code in (adapter, "en"):
            place = f"activations-tuned/{adapter}/seed-{seed}/{code}"
            _require_token_values(subject, place, code, strengths, **told)
    for (code, seed), strengths in CONTROLS.items():
        place = f"activations-tuned/{code}/control-{seed}/{code}"
        _require_token_values(subject, place, code, strengths, **told)


def panel_values(subject: Subject) -> None:
    """Mean, maximum and active share of every panel latent in every text, whether it speaks for it or not."""
    panel = read_table(subject.run.artifact("phrases/all"), PanelLatent)
    latents = {
        layer: [row.latent for row in sorted(panel, key=lambda row: row.position) if row.layer == layer]
        for layer in range(NUM_LAYERS)
    }
    acts = subject.expected.acts("ml")
    for row in read_table(subject.run.artifact("activations/ml"), PanelActivation):
        values = acts[subject.texts[row.text_id]][row.layer][:, latents[row.layer]]
        pooled = {"mean": values.mean(axis=0), "maximum": values.max(axis=0)}
        for name, wanted in (pooled | {"active_fraction": (values > 0).mean(axis=0)}).items():
            require_near(dict(enumerate(getattr(row, name))), dict(enumerate(wanted.tolist())))


def drift(subject: Subject) -> None:
    """Under a planted adapter, held-out English has drifted from the untouched model by what a pencil says."""
    item = next(
        item for item in subject.run.plan.items() if f"{item.stage}/{item.name}" == "adapters/ml/seed-1"
    )
    task = TrainingTask(**item.parameters)
    language_model = load_language_model(task.networks.model, task.networks.numerics)
    encoders = {
        layer: load_encoder(task.networks.dictionaries, task.networks.dictionary_files[layer])
        for layer in ALIGNMENT.layers
    }
    aligner = Aligner(language_model=language_model, encoders=encoders, choice=task.choice)
    inputs = {role: subject.run.artifact(f"{need.stage}/{need.name}") for role, need in item.needs}
    held_out = training_and_held_out(language_model, **inputs)[1]
    with attached(language_model.model, subject.run.artifact("adapters/ml/seed-1")) as tuned:
        step = measured_moment(
            aligner,
            held_out,
            tuned.disable_adapter,
            batch_tokens=task.networks.batch_tokens,
            step=1,
            seed=1,
        )
    wanted = planted_drift(subject.expected, "ml", ADAPTERS["ml", 1])
    require_near({"drift": step.retention}, {"drift": wanted})


def restored(subject: Subject) -> None:
    """Once an adapter is taken off, the model is what it was before."""
    item = next(item for item in subject.run.plan.items() if item.stage == "activations")
    networks = item.parameters["networks"]
    language_model = load_language_model(networks.model, networks.numerics)
    text = subject.expected.spoken[0]
    ids = language_model.token_ids([text])[0]
    for _ in range(2):
        input_ids, mask = padded_left([ids], language_model.pad_id, language_model.device)
        found: dict[int, Any] = {}
        visit_residuals(language_model.decoder, input_ids, mask, range(NUM_LAYERS), found.__setitem__)
        for layer, wanted in enumerate(streams(subject.expected.world.facts, ids[1:])):
            require_near(dict(enumerate(found[layer][0, -1].tolist())), dict(enumerate(wanted[-1].tolist())))
        with attached(language_model.model, subject.run.artifact("adapters/ml/seed-1")):
            pass


def lengths(subject: Subject) -> None:
    """Tokens of every text, BOS and padding out."""
    for code in CODES:
        rows = read_table(subject.run.artifact(f"activations/{code}"), TextLength)
        found = {subject.texts[row.text_id]: row.tokens for row in rows}
        assert found == {
            text: len(pieces_of(subject.expected.said(code, text))) for text in subject.expected.spoken
        }


def answers(subject: Subject) -> None:
    """Each item is right or wrong as the pencil's likelihoods say, asked with the benchmark's own number of shots."""
    for code in CODES:
        _require_answers(subject, f"benchmarks/{code}", code, (0.0,) * NUM_LAYERS)


def tuned_answers(subject: Subject) -> None:
    """The same through every adapter."""
    for (adapter, seed), strengths in ADAPTERS.items():
        for code in (adapter, "en"):
            _require_answers(subject, f"benchmarks-tuned/{adapter}/seed-{seed}/{code}", code, strengths)


def paired_outcomes(subject: Subject) -> None:
    """A change in accuracy rests on the two outcomes of each document, side by side; so does its standard error."""
    for adapter in LOW:
        for quantity, code in (("delta", adapter), ("delta-english", "en")):
            for benchmark in STUDY.benchmarks:
                rows = subject.units[f"{quantity}/lang={adapter}/bench={benchmark.name}/primary/primary"]
                before = subject.expected.right(benchmark.name, code)
                for seed in SEEDS:
                    after = subject.expected.right(benchmark.name, code, ADAPTERS[adapter, seed])
                    own = sorted((row for row in rows if row.seed == seed), key=lambda row: _number(row.unit))
                    assert [(row.observed, row.reference) for row in own] == [
                        (100 * one, 100 * other) for one, other in zip(after, before, strict=True)
                    ]


def gap_units(subject: Subject) -> None:
    """A group gap rests on the two sides of each latent."""
    for layer in range(NUM_LAYERS):
        rows = subject.units[f"gap/layer={layer}/high/primary"]
        wanted = {
            side: np.mean([subject.expected.latent_means(code, layer) for code in codes], axis=0)
            for side, codes in (("observed", ("hi", "ml")), ("reference", ("es", "it")))
        }
        latents = sorted(subject.expected.world.selected[layer])
        own = {int(row.unit): row for row in rows}
        for side, values in wanted.items():
            require_near(
                {latent: getattr(row, side) for latent, row in own.items()},
                dict(zip(latents, values.tolist(), strict=True)),
            )


def errors(subject: Subject) -> None:
    """The error of a change in accuracy is that of its paired differences; that of a gap, of both sides of each latent."""
    stored = read_stored(subject.run.artifact("estimates/all"))
    found = {
        name: data_spread(stored.estimates[name], rows).se
        for name in subject.expected.errors
        if (rows := stored.unit_rows(name)) is not None
    }
    require_near(found, subject.expected.errors)


def verdicts(subject: Subject) -> None:
    """A layer that was not found again, the seeds of the worst member and an item limit each stop the claims they touch."""
    estimates, profile = subject.run.artifact("estimates/all"), subject.run.world.profile
    for broken, wanted in ((None, WHY), (NUM_LAYERS - 1, WHY_BROKEN)):
        found = judged(estimates, profile, broken)
        assert {name: found[name].why for name in wanted} == wanted


def declared_errors(subject: Subject) -> None:
    """A change that is declared question by question, and asked about on these questions alone, errs by its seeds alone."""
    rows = subject.units[CHANGE]
    found = judged_as_declared(rows, subject.run.root).cases[0].numbers
    assert found is not None
    wanted = error_over_seeds(rows)
    assert wanted > 1, "seeds are too alike to tell; ask about another change"
    require_near({"error": found.se}, {"error": wanted})


def differences(_subject: Subject) -> None:
    """Two gains may be equal: their difference has an interval about zero, with ends no nearer than Student's law puts them."""
    reach = t_quantile(0.95, 19) * 100 * math.sqrt(20 / (20 * 19))
    low, high = interval_of_no_difference()
    assert -2 * reach < low <= -reach < reach <= high < 2 * reach


def first_loss(subject: Subject) -> None:
    """Before the only step the loss is the distance of all training pairs: nothing has drifted yet."""
    for code, seed in ADAPTERS:
        losses = _losses(subject, f"{code}/seed-{seed}")
        require_near(losses, {1: first_distance(subject.expected, code, training=True)})


def _losses(subject: Subject, name: str) -> dict[int, float]:
    """Loss by step of an adapter that the profile allows one step."""
    losses = {row.step: row.loss for row in read_table(subject.run.trained(name), TrainingLoss)}
    assert losses.keys() == {1}, f"{name} took the steps {sorted(losses)}"
    return losses


def first_loss_of_controls(subject: Subject) -> None:
    """The same of a control, over pairs of which no phrase has its own translation and each translation is used once."""
    for code, seed in CONTROLS:
        numbers = tuple((number,) for number in range(len(training_pairs(subject.expected, code))))
        pairs = Pairs(english=numbers, target=numbers, own=((),) * len(numbers))
        drawn = with_wrong_partners(pairs, seed).target
        assert sorted(drawn) == list(numbers)
        assert all(partner != own for partner, own in zip(drawn, numbers, strict=True))
        wanted = first_distance(
            subject.expected, code, training=True, partners=[number for (number,) in drawn]
        )
        require_near(_losses(subject, f"{code}/control-{seed}"), {1: wanted})


def first_moment(subject: Subject) -> None:
    """What held-out pairs show before training: their distance and that of others' partners, no drift, both levels."""
    for code, seed in ADAPTERS:
        step = read_table(subject.run.trained(f"{code}/seed-{seed}"), AlignmentStep)[0]
        english, target = first_means(subject.expected, code)
        partners = _others(len(held_out_pairs(subject.expected, code)), seed)
        require_near(
            {
                "gap": step.gap,
                "shuffled gap": step.shuffled_gap,
                "drift": step.retention,
                "english": step.english_mean,
                "target": step.target_mean,
            },
            {
                "gap": first_distance(subject.expected, code, training=False),
                "shuffled gap": first_distance(subject.expected, code, training=False, partners=partners),
                "drift": 0.0,
                "english": english,
                "target": target,
            },
        )


def _others(count: int, seed: int) -> list[int]:
    """For every pair another one, each used once: round the circle that a seed draws before the first step."""
    circle = np.random.default_rng(np.random.SeedSequence([seed, 0])).permutation(count).tolist()
    return [circle[circle.index(pair) - 1] for pair in range(count)]


def first_weights(subject: Subject) -> None:
    """An adapter starts as LoRA does: A uniform within one over the root of what it reads, B zero, so that it adds nothing."""
    item = next(item for item in subject.run.plan.items() if item.stage == "adapters")
    task = TrainingTask(**item.parameters)
    language_model = load_language_model(task.networks.model, task.networks.numerics)
    with trained_adapter(language_model.model, task.choice, task.seed) as fresh:
        weights = _adapter_weights(dict(fresh.named_parameters()))
    factors = {
        factor: torch.cat([weight.flatten() for (*_, which), weight in weights.items() if which == factor])
        for factor in "AB"
    }
    bound = D_MODEL**-0.5
    assert not factors["B"].any()
    assert float(factors["A"].abs().max()) <= bound
    assert float(factors["A"].square().mean()) == pytest.approx(bound**2 / 3, rel=0.1)


def two_steps(subject: Subject) -> None:
    """Two steps of training lead from the adapter's first weights to where AdamW by hand ends, loss by loss."""
    item = next(
        item for item in subject.run.plan.items() if f"{item.stage}/{item.name}" == "adapters/ml/seed-1"
    )
    choice = replace(ALIGNMENT, **vars(ASKED))
    item = replace(item, parameters={**item.parameters, "choice": choice, "batch_size": 8, "max_steps": 2})
    task = TrainingTask(**item.parameters)
    out = subject.run.root / "two-steps"
    out.mkdir(parents=True)
    inputs = {role: subject.run.artifact(f"{need.stage}/{need.name}") for role, need in item.needs}
    perform(item, inputs, out)

    language_model = load_language_model(task.networks.model, task.networks.numerics)
    with trained_adapter(language_model.model, choice, task.seed) as fresh:
        by_hand = HandTraining(
            subject.expected, "ml", ASKED, _adapter_weights(dict(fresh.named_parameters()))
        )
    pairs = training_pairs(subject.expected, "ml")
    for indices in planned_batches(len(pairs), task):
        by_hand.step([pairs[index] for index in indices])

    losses = {row.step: row.loss for row in read_table(out, TrainingLoss)}
    assert losses.keys() == {1, 2}
    require_near(losses, dict(enumerate(by_hand.losses, start=1)))
    found = _adapter_weights(load_file(out / "adapter_model.safetensors"))
    assert found.keys() == by_hand.weights.keys()
    apart = {place: float((found[place] - weight).abs().max()) for place, weight in by_hand.weights.items()}
    require_near(
        {place: far / ASKED.learning_rate for place, far in apart.items()}, dict.fromkeys(apart, 0.0)
    )


def _adapter_weights(named: Mapping[str, Tensor]) -> Weights:
    """Weights of an adapter in float64, by layer, projection and factor."""
    found: Weights = {}
    for name, weight in named.items():
        if "lora_" in name:
            layer, _, module, factor = name.split(".layers.")[1].split(".")[:4]
            found[int(layer), module, factor.removeprefix("lora_")] = weight.detach().double()
    return found


def adapter_places(subject: Subject) -> None:
    """Adapters sit in the aligned layers and in the chosen projections, nowhere else."""
    weights = load_file(subject.run.trained("ml/seed-1") / "adapter_model.safetensors")
    places = {tuple(name.split(".layers.")[1].split(".")[:3]) for name in weights}
    assert places == {
        (str(layer), "self_attn", module) for layer in ALIGNMENT.layers for module in ALIGNMENT.target_modules
    }


def adapter_seeds(subject: Subject) -> None:
    """Every seed begins with weights of its own."""
    first = [
        load_file(subject.run.trained(f"ml/seed-{seed}") / "adapter_model.safetensors") for seed in SEEDS
    ]
    for one, other in combinations(first, 2):
        assert all(bool((one[name] != other[name]).any()) for name in one if "lora_A" in name)


def seeds_of_estimates(subject: Subject) -> None:
    """What rests on adapters rests on every seed of them once, whatever else is averaged; nothing else has a seed."""
    rows = read_table(subject.run.artifact("estimates/all"), Estimate)
    wanted = {row.estimate_id: subject.expected.seeds_of(row.quantity) for row in rows}
    assert {row.estimate_id: row.num_seeds for row in rows} == {
        name: len(seeds) for name, seeds in wanted.items()
    }
    for name, seeds in wanted.items():
        assert {row.seed for row in subject.units.get(name, []) if row.seed is not None} == {*seeds}, name


def batch_seeds(subject: Subject) -> None:
    """Another seed sees the pairs in another order."""
    item = next(item for item in subject.run.plan.items() if item.stage == "adapters")
    task = TrainingTask(**{**item.parameters, "batch_size": 4, "max_steps": None})
    orders = [planned_batches(20, replace(task, seed=seed)) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def phrase_seeds(subject: Subject) -> None:
    """Another seed draws other latents and holds out other texts; the same seed the same."""
    item = next(item for item in subject.run.plan.items() if item.stage == "phrases")
    drawn = []
    for place, seed in enumerate((1, 1, 2)):
        out = subject.run.root / f"drawn-{place}"
        out.mkdir(parents=True)
        perform(replace(item, parameters={**item.parameters, "latents_per_layer": 6, "seed": seed}), {}, out)
        latents = {(row.layer, row.latent) for row in read_table(out, Selection)}
        drawn.append((latents, {row.text for row in read_table(out, Text) if row.held_out}))
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[2][0]
    assert drawn[0][1] != drawn[2][1]


def freshness(subject: Subject) -> None:
    """Other code, other libraries, other sources or other inputs make another artifact; nothing else does."""
    plan = subject.run.plan
    item = plan.stage("estimates").items[0]

    def key(**changes: Any) -> str:
        basis = {"code": lambda module: "1", "versions": {"torch": "1"}, "revision": lambda pin: "1"}
        return Recipes(plan=plan, **(basis | changes)).key(item)

    others = (
        key(code=lambda module: "2" if module.endswith("phrases") else "1"),
        key(versions={"torch": "2"}),
        key(revision=lambda pin: "2"),
    )
    assert len({key(), *others}) == 1 + len(others)
    assert key() == key()
    _require_renamed_with_its_adapter(subject)
    _require_remade(subject.run.root / "stale")


def _require_renamed_with_its_adapter(subject: Subject) -> None:
    """What is read through an adapter has another name when the adapter was trained otherwise."""
    wider = replace(
        STUDY, primary=replace(STUDY.primary, alignment=replace(ALIGNMENT, rank=ALIGNMENT.rank + 1))
    )
    for stage in ("activations-tuned", "benchmarks-tuned"):
        names = [
            Recipes(plan=made, revision=lambda pin: "1", code=lambda module: "1", versions={}).key(
                made.stage(stage).items[0]
            )
            for made in (subject.run.plan, plan(wider, subject.run.world.profile, "cpu"))
        ]
        assert names[0] != names[1], stage


def _require_remade(root: Path) -> None:
    """An artifact whose input was made anew, with other content under the same name, is made again."""
    store, made = Store(root), []

    def make(out: Path) -> None:
        made.append(out)
        (out / "file.txt").write_text(str(len(made)))

    for digest in ("first", "first", "second"):
        ingredient = Ingredient(role="phrases", key="same", digest=digest)
        store.produce(Recipe(stage="x", item="y", parameters="{}", ingredients=(ingredient,)), make)
    assert len(made) == 2


def _require_selected(subject: Subject, folder: Path) -> None:
    texts = {text.text_id: text.text for text in read_table(folder, Text)}
    found = [
        (row.layer, row.latent, texts[row.text_id], row.stored_peak) for row in read_table(folder, Selection)
    ]
    wanted = [
        (layer, latent, text, peak)
        for layer, latents in enumerate(subject.expected.world.selected)
        for latent, peaks in latents.items()
        for text, peak in peaks.items()
    ]
    assert sorted(found) == sorted(wanted), f"{len(found)} selections, {len(wanted)} by pencil"


def _require_token_values(
    subject: Subject,
    place: str,
    code: str,
    strengths: tuple[float, ...],
    *,
    among: set[str] | None = None,
    deepest: int = NUM_LAYERS,
) -> None:
    acts = subject.expected.acts(code, strengths)
    rows = read_table(subject.run.artifact(place), TokenActivation)
    found = {(row.layer, row.latent, subject.texts[row.text_id]): row.values for row in rows}
    wanted = {
        (layer, latent, text): tuple(acts[text][layer][:, latent].tolist())
        for layer, latents in enumerate(subject.expected.world.selected)
        for latent, peaks in latents.items()
        for text in peaks
        if text in acts and layer <= deepest and (among is None or text in among)
    }
    assert found.keys() == wanted.keys()
    for key, values in wanted.items():
        require_near(dict(enumerate(found[key])), dict(enumerate(values)))


def _require_answers(subject: Subject, place: str, code: str, strengths: tuple[float, ...]) -> None:
    rows = read_table(subject.run.artifact(place), ItemOutcome)
    for benchmark in STUDY.benchmarks:
        own = [row for row in rows if row.benchmark == benchmark.name]
        assert [_number(row.document_id) for row in own] == list(range(NUM_ITEMS))
        assert {(row.shots, row.language) for row in own} == {(benchmark.shots, code)}
        found = [getattr(row, benchmark.metric) for row in own]
        assert found == subject.expected.right(benchmark.name, code, strengths)


def _number(document: str) -> int:
    return int(document.rpartition("/")[2])


def _is_flagged(row: Translation) -> bool:
    return any(
        (
            row.is_empty,
            row.is_copy,
            row.is_repetitive,
            row.is_wrong_script,
            row.is_odd_length,
            row.is_truncated,
        )
    )


ESTIMATES: Mapping[str, tuple[str, ...]] = {
    "gaps": ("gap",),
    "gains": ("gain",),
    "retentions": ("retention", "retention-by-adapter"),
    "accuracies": ("accuracy",),
    "deltas": ("delta", "delta-english", "relative-delta"),
    "correlations": ("correlation",),
    "similarities": ("similarity",),
    "tokens and selections kept": ("tokens-per-phrase", "selections-kept"),
    "dictionary errors": ("dictionary-error", "dictionary-l0"),
    "rival explanations": (
        "gap-remaining",
        "gap-on-chosen-texts",
        "slope-on-tokens",
        "accuracy-on-activation",
    ),
    "losses recovered": ("loss-recovered",),
    "unflagged translations": ("translations-unflagged",),
    "training figures": MOMENTS,
    "controls": (
        "gain-control",
        "alignment-gap-control",
        "alignment-gap-shuffled-control",
        "alignment-drift-control",
        "alignment-english-mean-control",
        "alignment-target-mean-control",
        "english-nats-control",
        "target-nats-control",
    ),
}
"""By name of a check: the quantities that it holds to the pencil. Together they are every estimate of the planted study.

The pipeline has others, which the planted study does not ask for: translators scored on parallel texts, scores of
published models, and how many pairs fitted into memory at once.
"""

CHECKS: Mapping[str, Check] = {
    "selections": selections,
    "selections without a panel": few_selections,
    "held-out texts": held_out,
    "translations": translations,
    "token values": token_values,
    "tuned token values": tuned_token_values,
    "panel values": panel_values,
    "lengths": lengths,
    "answers": answers,
    "tuned answers": tuned_answers,
    "paired outcomes": paired_outcomes,
    "units of gaps": gap_units,
    "errors": errors,
    "differences": differences,
    "verdicts": verdicts,
    "errors of what is declared": declared_errors,
    "first loss": first_loss,
    "first loss of controls": first_loss_of_controls,
    "first moment": first_moment,
    "drift of a planted adapter": drift,
    "base model restored": restored,
    "two steps by hand": two_steps,
    "first weights of adapters": first_weights,
    "places of adapters": adapter_places,
    "seeds of adapters": adapter_seeds,
    "seeds of batches": batch_seeds,
    "seeds of estimates": seeds_of_estimates,
    "seeds of phrases": phrase_seeds,
    "freshness": freshness,
    **{name: estimates_of(*quantities) for name, quantities in ESTIMATES.items()},
}
"""By name: what must hold."""
