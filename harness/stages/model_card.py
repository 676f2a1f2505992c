"""The model card of an adapter: what it was trained from and how, what held-out pairs showed, and what it is not for.

The form is that of the hub: front matter that machines read, and a page in Markdown. The same training gives the same
bytes: no clock, no path, no host, and no phrase of a corpus.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.stages.alignment_loss import Pairs
from harness.stages.training import TrainingTask
from harness.words.canonical import digest_of
from harness.words.records import AlignmentStep, TrainingLoss, adapter_name
from harness.words.study import AlignedLatents, Home, Pin

FIGURES: Mapping[str, str] = {
    "gap": "distance to the own translation, mean abs(u - v)",
    "shuffled_gap": "distance to another translation",
    "retention": "drift of English, mean (u - u_orig)^2",
    "english_mean": "mean activation, English",
    "target_mean": "mean activation, target",
    "english_nats_per_token": "loss of the language model in English, nats per token",
    "target_nats_per_token": "loss of the language model in the target language, nats per token",
}
"""Fields of a logged moment in words."""


MEANS_OVER: Mapping[AlignedLatents, str] = {
    AlignedLatents.OWN: "the latents that each English phrase was selected for",
    AlignedLatents.ALL: "all latents of the layer",
}


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Everything that a card tells of one training."""

    task: TrainingTask
    revision: str
    """Of the base model."""
    drawn: Pairs
    """As trained on, each pair once: with wrong partners where it is a control."""
    pool_size: int
    """Pairs that they were drawn from, by seed."""
    held_out: Pairs
    losses: Sequence[TrainingLoss]
    moments: Sequence[AlignmentStep]


def model_card(trained: Trained) -> str:
    """The card as Markdown with front matter."""
    sections = (_heading(trained), _data(trained), _procedure(trained), _figures(trained), _limits(trained))
    return "\n\n".join((_front_matter(trained), *("\n".join(section) for section in sections))) + "\n"


def _front_matter(trained: Trained) -> str:
    base = trained.task.networks.model
    tags = ["base_model:adapter:" + _base_name(base), "lora", "peft", "sparse-autoencoder"]
    fields: Mapping[str, Any] = {
        "base_model": _base_name(base),
        "base_model_relation": "adapter",
        "base_model_revision": trained.revision,
        "language": ["en", trained.task.language],
        "library_name": "peft",
        "license": "other",
        "license_name": _license_name(base),
        "pipeline_tag": "text-generation",
        "tags": tags + (["control"] if trained.task.wrong_partners else []),
    }
    # A JSON value is a YAML value, whatever signs it holds.
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
    return "\n".join(("---", *lines, "---"))


def _base_name(base: Pin) -> str:
    """What the hub calls the base model; what the project calls one that lies elsewhere, whose place is of no interest."""
    return base.address if base.home is Home.HUB_MODEL else base.name


def _license_name(base: Pin) -> str:
    return base.licence.lower().replace(" ", "-")


def _heading(trained: Trained) -> Iterator[str]:
    task = trained.task
    name = adapter_name(task.language, task.seed, is_control=task.wrong_partners)
    yield f"# Adapter {name}"
    yield ""
    yield (
        f"A LoRA adapter that pulls the sparse-autoencoder activations of {task.language} towards those of English, trained "
        "to replicate arXiv 2507.18918."
        if not task.wrong_partners
        else f"A control: trained like the adapter of {task.language}, but on wrong partners, every English phrase with the "
        "translation of another one. What it does as well is no alignment of meanings."
    )
    yield ""
    yield f"- Base model: `{_base_name(task.networks.model)}` at revision `{trained.revision}`"
    yield f"- Licence of the base model, which binds this adapter too: {task.networks.model.licence}"
    if task.networks.model.home is not Home.HUB_MODEL:
        yield "- The base model is no model of the hub: this adapter fits nothing that can be fetched there."


def _data(trained: Trained) -> Iterator[str]:
    yield "## Training data"
    yield ""
    yield (
        f"- Pairs trained on: {len(trained.drawn)}, drawn by seed from {trained.pool_size}, SHA-256 of their token ids "
        f"`{_digest(trained.drawn)}`"
    )
    yield f"- Pairs held out, seen in no step: {len(trained.held_out)}, `{_digest(trained.held_out)}`"
    yield "- Partners: " + (
        "wrong ones, by seed" if trained.task.wrong_partners else "each phrase's own translation"
    )
    yield "- No phrase is printed here: the digests name them, and the artifacts of the run hold them."


def _procedure(trained: Trained) -> Iterator[str]:
    task, batches = trained.task, [row.pairs for row in trained.losses]
    yield "## Training"
    yield ""
    some = task.networks.dictionary_layers
    if some is not None:
        read = ", ".join(str(layer) for layer in task.choice.layers if layer in some)
        yield f"The loss reads layers {read}: of the layers that the adapter changes, those that have a dictionary."
        yield ""
    yield "Loss, mean over layers: `mean abs(u - v) + alpha * mean (u - u_orig)^2`, with u the pooled activations of the English"
    yield f"phrase, v those of its partner, and u_orig those of the untouched model. The means go over {MEANS_OVER[task.choice.latents]}."
    yield ""
    yield "| setting | value |"
    yield "| :-- | :-- |"
    yield f"| seed | {task.seed} |"
    for name, value in asdict(task.choice).items():
        yield f"| {name} | {json.dumps(value)} |"
    yield f"| pairs in a step | {task.batch_size} |"
    yield f"| steps taken | {len(batches)} |"
    yield f"| fewest pairs in memory at once | {min((row.micro_batch for row in trained.losses), default=0)} |"
    yield f"| precision of the base model | {task.networks.numerics.dtype} |"
    yield "| optimiser | AdamW |"


def _figures(trained: Trained) -> Iterator[str]:
    before, after = trained.moments[0], trained.moments[-1]
    yield "## Held-out pairs, before and after"
    yield ""
    yield "| figure | before | after |"
    yield "| :-- | --: | --: |"
    for name, words in FIGURES.items():
        yield f"| {words} | {getattr(before, name):.6g} | {getattr(after, name):.6g} |"
    yield ""
    yield "Activations are means over the latents that the loss is a mean over."
    yield "If both distances fall alike, the mean of the language moved and no meaning was aligned."


def _limits(trained: Trained) -> Iterator[str]:
    yield "## Intended use and limits"
    yield ""
    yield "- For replication and for research on representations; not for use in a product."
    yield "- The loss knows activations alone: the language model can lose the target language, as the table above shows."
    yield "- One seed says nothing of the next: read it beside the other seeds, and beside the control"
    yield f"  `{adapter_name(trained.task.language, trained.task.seed, is_control=True)}` where the run trained one."
    yield "- Whatever limits and biases the base model and the machine translations have, this adapter has too."


def _digest(pairs: Pairs) -> str:
    return digest_of([pairs.english, pairs.target])
