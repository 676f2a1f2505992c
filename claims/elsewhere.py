"""The paper's questions, asked of other base models: what their studies have in common.

A study of another model is never about a claim of the paper. It asks for signs by thirds of the depth, for the place of the
largest gap, for what goes with accuracy, for gains, and for what is left of English; no printed number is held against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from claims.sin2025 import claims as printed
from claims.sin2025 import profiles as worlds
from claims.sin2025 import study as paper
from harness.words.claim import Claim, Minima, Reading, Rule, Sentence, Source, SourceTier, Unit
from harness.words.claim_forms import Basis, bound, order, sign, untestable
from harness.words.judgement import Protocol
from harness.words.specification import Axis, Level
from harness.words.study import (
    GEMMA_2,
    Harvest,
    Home,
    ModelFacts,
    ModelPin,
    Pin,
    Profile,
    SAEForm,
    Shapes,
    Study,
)

ASKED = "asked elsewhere"
SOURCES = (
    Source(
        name=ASKED,
        tier=SourceTier.OURS,
        kind="a question of this project's own; the paper says nothing of this model",
        address="",
        read="2026-11-29",
    ),
)

PROTOCOL = Protocol(
    choices=(),
    adapter_seeds=paper.PROTOCOL.adapter_seeds,
    # The last one is about the numbers that the paper's authors published.
    exclusions=paper.PROTOCOL.exclusions[:-1],
)

NUM_LAYERS = paper.STUDY.shapes.num_layers
"""Of the paper's model."""
EARLY_GAP, GAIN = 6, paper.PRIMARY.gain_layer
"""Layers of it that the paper names."""


def as_assumed(basis: Basis) -> Basis:
    """What a claim of the paper needs, with the spread that is assumed there: nothing better is known elsewhere."""
    assert basis.pilot is not None
    says = f"as in the paper's study: {basis.pilot.because}"
    return replace(basis, pilot=replace(basis.pilot, because=says))


# Which layer has the largest gap rests on differences between layers, of which nothing is assumed.
ORDERED = printed.LATENTS
SIZE, TRAINED, KEPT = (as_assumed(basis) for basis in (printed.SIZE, printed.TRAINED, printed.KEPT))
OVER_LANGUAGES = Basis(unit=Unit.CORRELATION, minima=Minima(units=8))

CORPUS_FILES = ("val.jsonl.zst",)
CORPUS = Pin(
    name="pile-uncopyrighted",
    home=Home.HUB_DATASET,
    address="monology/pile-uncopyrighted",
    files=CORPUS_FILES,
    licence="not stated; texts from The Pile (uncopyrighted)",
)
"""The held-out part of what Neuronpedia reads for its rows."""

HARVEST = Harvest(
    files=CORPUS_FILES,
    # As many, and as long, as Neuronpedia reads.
    contexts=24_576,
    context_tokens=128,
    rows_per_latent=paper.PRIMARY.phrases.max_examples,
)

ANOTHER = "of another model"

FLOOR = "90"
"""What must be left of English, in percent: ours, and lower than what the paper says of its own model."""


def at_depth(layer: int, num_layers: int) -> int:
    """The layer of another model behind which as large a part of it lies as behind one of the paper's."""
    return round((layer + 1) * num_layers / NUM_LAYERS) - 1


def nearest_read(layer: int, shapes: Shapes) -> int:
    """The layer that has a dictionary and lies nearest; of two as near the earlier."""
    return min(shapes.layers, key=lambda read: (abs(read - layer), read))


def study(name: str, called: str, shapes: Shapes) -> Study:
    """The paper's study of another model: adapters reach as deep, and gains are read as deep, or at the nearest dictionary.

    Args:
        name: Its folder below `claims/`.
        called: What people call the model and its dictionaries.
        shapes: Of both.
    """
    deepest = nearest_read(at_depth(GAIN, shapes.num_layers), shapes)
    alignment = replace(paper.PRIMARY.alignment, layers=tuple(range(deepest + 1)))
    return replace(
        paper.STUDY,
        name=name,
        paper_id=ASKED,
        title=f"{called}: the questions of {paper.STUDY.paper_id}, asked elsewhere",
        shapes=shapes,
        primary=replace(paper.PRIMARY, alignment=alignment, gain_layer=deepest),
        # Which SAEs are neighbours in sparsity is known of the paper's suite alone.
        axes=tuple(_axis(axis, deepest, shapes) for axis in paper.AXES if axis.name != "sae"),
    )


def _axis(axis: Axis, deepest: int, shapes: Shapes) -> Axis:
    """A choice of the paper's study, at the depths of another model."""
    if axis.name == "gain-layer":
        first, mean = axis.levels
        named = replace(first, name=str(deepest), says=str(deepest))
        return replace(axis, levels=(named, replace(mean, says=f"mean over 0 to {deepest}")))
    if axis.name == "layers":
        every, *alone = axis.levels
        depths = (at_depth(int(level.name), shapes.num_layers) for level in alone)
        return replace(
            axis,
            levels=(
                replace(every, name=f"0-{deepest}", says=f"0 to {deepest}"),
                *map(_alone, dict.fromkeys(nearest_read(layer, shapes) for layer in depths)),
            ),
        )
    return axis


def _alone(layer: int) -> Level:
    return Level(name=str(layer), says=f"{layer} alone", sets=(("study.primary.alignment.layers", (layer,)),))


def claims(asked: Study) -> tuple[Claim, ...]:
    """What is asked of a model; each question is a claim of ours, whose answer may be either.

    Of layers that have no dictionary nothing can be told: what rests on them alone is kept, and said to be untestable.
    """
    shapes = asked.shapes
    layers = range(shapes.num_layers)
    third = round(len(layers) / 3)
    early, middle, late = layers[:third], layers[third:-third], layers[-third:]
    as_early = at_depth(EARLY_GAP, shapes.num_layers)
    return (
        *(
            _if_read(shapes, part, sign(
                f"gap.{where}.direction", f"Low-resource languages have lower activations in the {where} third of the layers",
                sentence("a gap at every depth", ANOTHER), gaps(shapes.read_among(part)), +1,
                rule=Rule.POOLED_SIGN if len(shapes.read_among(part)) > 1 else Rule.SIGN, inventory="A1", basis=SIZE,
            ))
            for where, part in (("early", early), ("middle", middle), ("late", late))
        ),
        _if_read(shapes, early, order(
            "gap.argmax.early", "The largest gap stands in the early third of the layers",
            sentence("the largest gap in early layers", ANOTHER), gaps(shapes.layers), largest=gaps(shapes.read_among(early)),
            inventory="A2", basis=ORDERED,
        )),
        _if_read(shapes, [as_early], order(
            "gap.argmax", f"The largest gap stands at layer {as_early}",
            sentence(f"the largest gap at layer {EARLY_GAP} of {NUM_LAYERS}, and so as deep here", ANOTHER), gaps(shapes.layers),
            largest=gaps([as_early]), inventory="A2", basis=ORDERED,
        )),
        *after_training(asked, ANOTHER),
    )  # fmt: skip


def after_training(asked: Study, elsewhere: str) -> tuple[Claim, ...]:
    """What is asked of accuracy, of what adapters lift, and of what is left of English.

    Args:
        asked: The study.
        elsewhere: Of what else than the paper it asks.
    """
    gain, as_deep = asked.specification.gain_layer, "and so as deep here"
    if gain != at_depth(GAIN, asked.shapes.num_layers):
        as_deep += ", or at the nearest layer that has a dictionary"
    # Fewer languages could never decide a correlation.
    related = asked.benchmarks if len(asked.targets) >= (OVER_LANGUAGES.minima.units or 0) else ()
    return (
        *(
            sign(
                f"corr.gap_acc.{benchmark.name}", f"Languages with a larger gap score lower on {benchmark.name}",
                sentence("the lower the activation, the lower the score", elsewhere),
                _reading("correlation over languages", f"correlation/bench={benchmark.name}/primary/primary"),
                -1, rule=Rule.CORRELATION_SIGN, null=0.0, inventory="A3", basis=OVER_LANGUAGES,
            )
            for benchmark in related
        ),
        *(
            sign(
                f"gain.{language.code}.direction", f"{language.name} activations rise at layer {gain} by training",
                sentence(f"activations rise; layer {GAIN} of {NUM_LAYERS}, {as_deep}", elsewhere),
                _reading("relative to before", f"gain/layer={gain}/lang={language.code}/primary/primary"),
                +1, inventory="A4", basis=TRAINED,
            )
            for language in asked.tuned
        ),
        *(
            bound(
                "retention.en.floor", f"English keeps {FLOOR} percent of its activation", sentence("most of English is kept", elsewhere),
                _reading("activation after, of before", f"retention/layer={gain}/lang=en/activation/primary"), FLOOR,
                rule=Rule.AT_LEAST, stands_for="most", inventory="A5", basis=KEPT,
            )
            for _ in asked.tuned[:1]
        ),
    )  # fmt: skip


def _if_read(shapes: Shapes, layers: Sequence[int], claim: Claim) -> Claim:
    """A claim about some layers, or that it cannot be tested since none of them has a dictionary."""
    if shapes.read_among(layers):
        return claim
    where = f"Layer {layers[0]}" if len(layers) == 1 else f"No layer of {layers[0]} to {layers[-1]}"
    has = "has no dictionary" if len(layers) == 1 else "has a dictionary"
    because = f"{where} {has}; those that have one are {shapes.layers_say}."
    return untestable(
        claim.id, claim.says, claim.sentence, inventory=" ".join(claim.inventory), beside=because
    )


def gaps(layers: Sequence[int]) -> tuple[Reading]:
    """The group gap of some layers, below the high-resource languages."""
    return _reading(
        "relative to the high-resource languages", *(f"gap/layer={layer}/high/primary" for layer in layers)
    )


def _reading(says: str, *estimates: str) -> tuple[Reading]:
    return (Reading(name="primary", says=says, supported_by=(ASKED,), estimates=estimates),)


def sentence(sense: str, elsewhere: str) -> Sentence:
    """A question of our own, after what the paper says."""
    return Sentence(
        source=ASKED,
        tier=SourceTier.OURS,
        where=f"what {paper.STUDY.paper_id} says {elsewhere}",
        sense=sense,
    )


def profiles(
    called: str, true: Mapping[str, object], rehearsed: Mapping[str, object]
) -> Mapping[str, Profile]:
    """The worlds of another model: everything that is not its own is as in the paper's.

    Args:
        called: What people call the model and its dictionaries.
        true: Sources of the model and its dictionaries, by name of the field.
        rehearsed: The same of what this machine makes at their shapes.
    """
    own = {
        "paper": (worlds.paper(), f"{called}, by pinned revision", true),
        "rehearsal": (worlds.rehearsal(), f"the shapes of {called} with random weights; no claim", rehearsed),
    }
    return {
        name: replace(
            world,
            summary=says,
            # Nobody asks here how else adapters could be trained.
            sizes=replace(world.sizes, ablations=()),
            sources=replace(world.sources, phrase_service=None, **sources),  # type: ignore[arg-type]
        )
        for name, (world, says, sources) in own.items()
    }


def made_here(facts: ModelFacts, shapes: Shapes) -> Mapping[str, object]:
    """A model of the same kind and shapes, its dictionaries and rows, drawn on this machine and spelled as Gemma's are."""
    weights, layers = shapes.weights, shapes.num_layers
    assert weights is not None
    read = _layers_made(shapes)
    model = (
        f"{facts.architecture}?vocabulary={shapes.vocab_size}&width={shapes.d_model}&layers={layers}&heads={weights.heads}"
        f"&kv_heads={weights.kv_heads}&head_width={weights.head_width}&mlp={weights.mlp}&tied={int(weights.is_tied)}"
    )
    spelled = replace(
        GEMMA_2, architecture=facts.architecture, attention=facts.attention, soft_cap=facts.soft_cap
    )
    return {
        "model": ModelPin.of(worlds.made("model", model), spelled),
        "dictionaries": worlds.made(
            "dictionaries", f"dictionaries?width={shapes.d_model}&latents={shapes.d_sae}&layers={read}"
        ),
        "dictionary_files": tuple(f"layer_{layer}/params.npz" for layer in shapes.layers),
        "phrases": worlds.made("export", f"export?layers={read}&latents=66&tokens=64"),
        "phrase_source_ids": tuple(str(layer) for layer in shapes.layers),
    }


def _layers_made(shapes: Shapes) -> str:
    """As a recipe counts or lists the layers of which it makes something."""
    listed = shapes.dictionary_layers
    return str(shapes.num_layers) if listed is None else "".join(f"{layer}," for layer in listed)


def harvested(shapes: Shapes) -> Mapping[str, object]:
    """Rows of dictionaries of which nobody has published any."""
    return {
        "phrases": CORPUS,
        "phrase_source_ids": tuple(f"{layer}-harvested" for layer in shapes.layers),
        "harvest": HARVEST,
    }


def harvested_here(facts: ModelFacts, shapes: Shapes, form: SAEForm) -> Mapping[str, object]:
    """As `made_here`, with rows harvested from made texts; of a TopK with dictionaries of that kind."""
    texts = {
        **harvested(shapes),
        "phrases": worlds.made("corpus", "corpus?documents=512&sentences=40"),
        "harvest": replace(HARVEST, files=("texts.jsonl",), contexts=2_048),
    }
    top_k = {
        "dictionaries": worlds.made(
            "dictionaries",
            f"top-k-dictionaries?width={shapes.d_model}&latents={shapes.d_sae}&layers={_layers_made(shapes)}",
        ),
        "dictionary_files": tuple(f"layer{layer}.sae.pt" for layer in shapes.layers),
        "dictionary_form": form,
    }
    return {**made_here(facts, shapes), **texts, **({} if form.k is None else top_k)}
