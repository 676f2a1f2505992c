"""The adapters stage: LoRA adapters that pull a language's latent activations towards English's."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from harness.models.adapters import save_adapter, trained_adapter
from harness.models.batches import Portion
from harness.models.loading import LanguageModel, load_language_model
from harness.models.sae import Encoder, layer_encoder
from harness.sources.pins import revision_of
from harness.stages.alignment_loss import Aligner, OwnLatents, Pairs
from harness.stages.model_card import Trained, model_card
from harness.stages.stage import stage
from harness.stages.texts import language_texts
from harness.stages.training import Before, Training, TrainingTask, drawn_pairs, strangers
from harness.store.tables import read_column, write_table
from harness.words.plan import Networks
from harness.words.records import AdapterFailure, AlignmentStep, Selection, TrainingLoss
from harness.words.study import AlignedLatents, AlignmentChoice

log = logging.getLogger(__name__)

HELD_OUT_PAIRS = 64
"""At most so many held-out pairs are measured at each moment."""

WRONG_PARTNERS = 1
"""Tells the stream that draws wrong partners from others of the same seed."""

PairRow = tuple[tuple[int, ...], tuple[int, ...], bool, OwnLatents]
"""Token ids of an English phrase and of its translation, with what stands in front; whether they are held out; the phrase's own latents."""


@stage(on="accelerator")
def adapters(
    phrases: Path,
    translation: Path,
    *,
    out: Path,
    language: str,
    seed: int,
    networks: Networks,
    choice: AlignmentChoice,
    max_steps: int | None,
    batch_size: int,
    wrong_partners: bool,
) -> None:
    """LoRA adapters, one per language and seed.

    Writes an adapter with its model card, the loss of every step and what held-out pairs showed. Where its numbers stop being
    numbers there is no adapter: an `AdapterFailure` stands in its place. A control is trained on wrong partners.
    """
    task = TrainingTask(
        language=language,
        seed=seed,
        networks=networks,
        choice=choice,
        max_steps=max_steps,
        batch_size=batch_size,
        wrong_partners=wrong_partners,
    )
    language_model = load_language_model(networks.model, networks.numerics)
    training, held_out = training_and_held_out(language_model, phrases, translation)
    encoders = {layer: _encoder(networks, layer) for layer in choice.layers if layer in networks.layers}
    before = None
    if choice.latents is AlignedLatents.OWN:
        encoders, (training, held_out) = narrowed(encoders, training, held_out)
        before = _before(phrases, translation, networks, choice.layers)
    aligner = Aligner(
        language_model=language_model,
        encoders={layer: encoder.to(networks.numerics.device) for layer, encoder in encoders.items()},
        choice=choice,
    )
    if wrong_partners:
        training = with_wrong_partners(training, seed)
    with trained_adapter(language_model.model, choice, seed) as tuned:
        record = Training(
            aligner=aligner,
            tuned=tuned,
            training=training,
            held_out=held_out,
            task=task,
            portion=Portion(batch_size),
            positions=Portion(networks.batch_tokens),
            before=before,
        ).run()
        if record.failure is None:
            base, revision = networks.model.address, revision_of(networks.model)
            trained = Trained(
                task=task,
                revision=revision,
                drawn=training.chosen(drawn_pairs(len(training), task)),
                pool_size=len(training),
                held_out=held_out,
                losses=record.losses,
                moments=record.moments,
            )
            save_adapter(tuned, out, model_card(trained), base=base, revision=revision)
        else:
            log.error("%s", record.failure)
            write_table(out, AdapterFailure, [record.failure])
    write_table(out, TrainingLoss, record.losses)
    write_table(out, AlignmentStep, record.moments)


def training_and_held_out(
    language_model: LanguageModel, phrases: Path, translation: Path | None = None
) -> tuple[Pairs, Pairs]:
    """Pairs of English phrase and translation: those that may be trained on, and a sample of those held out.

    Pairs with an empty side are left out. The sample depends on the number of pairs alone, so that every seed of an
    adapter is measured on the same ones.

    Raises:
        ValueError: If there is nothing to train on or nothing to measure on.
    """
    target = language_texts(phrases, translation)
    english = language_texts(phrases)
    own = own_latents(phrases)
    rows = zip(
        language_model.token_ids(english.texts),
        language_model.token_ids(target.texts),
        target.held_out,
        (own.get(text_id, ()) for text_id in target.text_ids),
        strict=True,
    )
    return parted(
        [
            (tuple(en), tuple(xx), held, latents)
            for en, xx, held, latents in rows
            if all(language_model.lengths((en, xx)))
        ]
    )


def own_latents(phrases: Path) -> Mapping[int, OwnLatents]:
    """By text: every layer and latent that it was selected for."""
    own: dict[int, OwnLatents] = {}
    columns = (read_column(phrases, Selection, name).tolist() for name in ("text_id", "layer", "latent"))
    for text_id, layer, latent in zip(*columns, strict=True):
        own[text_id] = (*own.get(text_id, ()), (layer, latent))
    return own


def parted(rows: Sequence[PairRow]) -> tuple[Pairs, Pairs]:
    """Pairs to train on, and a sample of those held out; depends on number and order of the rows alone.

    Raises:
        ValueError: If there is nothing to train on or nothing to measure on.
    """
    parts = [_as_pairs([row for row in rows if row[2] is held]) for held in (False, True)]
    if not all(len(part) > 1 for part in parts):
        raise ValueError(
            f"{len(parts[0])} pairs to train on and {len(parts[1])} held out; both need at least 2: "
            "take more phrases, or another share held out"
        )
    stream = np.random.default_rng(np.random.SeedSequence([HELD_OUT_PAIRS, len(parts[1])]))
    sample = stream.permutation(len(parts[1]))[:HELD_OUT_PAIRS].tolist()
    return parts[0], parts[1].chosen(sorted(sample))


def with_wrong_partners(pairs: Pairs, seed: int) -> Pairs:
    """Every English phrase with the translation of another one, each used once; the phrases keep order and latents."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, len(pairs), WRONG_PARTNERS]))
    partners = strangers(len(pairs), stream)
    return replace(pairs, target=tuple(pairs.target[partner] for partner in partners))


def narrowed(encoders: Mapping[int, Encoder], *parts: Pairs) -> tuple[dict[int, Encoder], list[Pairs]]:
    """Encoders of the latents that some phrase speaks for alone, and the pairs with these latents numbered as the columns.

    A layer that is not among the encoders is left out of what phrases speak for.
    """
    spoken = {layer: set[int]() for layer in encoders}
    for own in (own for part in parts for own in part.own):
        for layer, latent in own:
            if layer in spoken:
                spoken[layer].add(latent)
    columns = {
        layer: {latent: column for column, latent in enumerate(sorted(latents))}
        for layer, latents in spoken.items()
    }
    cut = {
        layer: encoder.choosing(torch.tensor([*columns[layer]], dtype=torch.int64))
        for layer, encoder in encoders.items()
    }
    return cut, [
        replace(
            part,
            own=tuple(
                tuple((layer, columns[layer][latent]) for layer, latent in own if layer in columns)
                for own in part.own
            ),
        )
        for part in parts
    ]


@cache
def _encoder(networks: Networks, layer: int) -> Encoder:
    return layer_encoder(networks, layer)


@cache
def _before(phrases: Path, translation: Path, networks: Networks, layers: tuple[int, ...]) -> Before:  # noqa: ARG001  a key
    """What adapters on the same pairs and layers see before their first step: the first of a process looks, for all of them."""
    return Before()


def _as_pairs(rows: Sequence[PairRow]) -> Pairs:
    return Pairs(
        english=tuple(row[0] for row in rows),
        target=tuple(row[1] for row in rows),
        own=tuple(row[3] for row in rows),
    )
