"""The integration stage: what a model gains when a part of another one's stream is put into its own.

A part is what the latents of one class write. Recipient and donor are two checkpoints of one model, each taken apart by a dictionary of its
own, at the same layer and on the same tokens; what stands in front of a text is left as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from harness.models.loading import LanguageModel, load_language_model
from harness.models.residuals import visit_residuals
from harness.models.splicing import window_losses
from harness.models.topk import TopKSAE, lengths_of, read_sae, unit
from harness.models.windows import batched, ids_of
from harness.stages.corpus import windows_of
from harness.stages.stage import stage
from harness.statistics.finite import require_finite
from harness.store.tables import read_table, write_table
from harness.words.canonical import text_digest
from harness.words.dictionaries import (
    BILINGUAL,
    DEAD,
    ClassedLatent,
    CorpusWindow,
    IntegratedText,
    Integration,
    IntegrationControl,
    PartAgreement,
    PartLength,
    SAEPlace,
    Split,
)
from harness.words.plan import Numerics
from harness.words.study import ModelPin

RANDOM, ALL, REBUILT = IntegrationControl.RANDOM, IntegrationControl.ALL, IntegrationControl.REBUILT

Parts = Mapping[str, Bool[Tensor, "latent"]]
"""By name: which latents a part is made of."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One of the two models, with what takes its stream apart."""

    language_model: LanguageModel
    sae: TopKSAE
    parts: Parts


@dataclass(frozen=True, kw_only=True, eq=False)
class Apart:
    """The stream of one model over some tokens, taken apart."""

    stream: Float[Tensor, "token d_model"]
    parts: Mapping[str, Float[Tensor, "token d_model"]]
    """By name, each as long as it is in the stream."""
    rebuilt: Float[Tensor, "token d_model"]

    def at_lengths(self, other: Float[Tensor, "token d_model"]) -> Self:
        """The same of a stream that is as long at every token as another one."""
        by = lengths_of(other) / lengths_of(self.stream)
        parts = {name: by * part for name, part in self.parts.items()}
        return replace(self, stream=by * self.stream, parts=parts, rebuilt=by * self.rebuilt)


@dataclass(frozen=True, eq=False)
class Pair:
    """The model that a part is put into, and the one that it is taken from."""

    recipient: Side
    donor: Side
    part_length: PartLength = field(kw_only=True)

    def taken_apart(self, ids: Int[Tensor, "window position"], layer: int) -> tuple[Apart, Apart]:
        """The streams of both over the tokens of some windows, the donor's as long as it is put in."""
        recipient, donor = (taken_apart(side, ids, layer) for side in (self.recipient, self.donor))
        if self.part_length is PartLength.RECIPIENT:
            donor = donor.at_lengths(recipient.stream)
        return recipient, donor


@dataclass(kw_only=True)
class Agreement:
    """Running sums over tokens of one part in both models."""

    tokens: int = 0
    cosine: float = 0.0
    recipient_length: float = 0.0
    donor_length: float = 0.0

    def add(self, part: str, recipient: Apart, donor: Apart) -> None:
        """Take in some tokens."""
        own, other = recipient.parts[part], donor.parts[part]
        self.tokens += len(own)
        self.cosine += float(functional.cosine_similarity(own, other, dim=1).sum(dtype=torch.float64))
        self.recipient_length += _length(own, recipient.stream)
        self.donor_length += _length(other, donor.stream)


@stage(on="accelerator")
def integration(
    corpus: Path,
    saes: Path,
    classes: Path,
    donor_saes: Path,
    donor_classes: Path,
    *,
    out: Path,
    model: ModelPin,
    donor: ModelPin,
    numerics: Numerics,
    place: SAEPlace,
    languages: tuple[str, str],
    readings: tuple[Integration, ...],
    part_length: PartLength,
    windows: int,
    batch_tokens: int,
    seed: int,
) -> None:
    """What a model gains by parts of a later one.

    Writes the loss on each test window before and after, for every part and every control, and how alike the parts of both are.
    """
    pair = Pair(
        *(
            Side(
                language_model=load_language_model(pin, numerics),
                sae=read_sae(trained / place.file, numerics.device),
                parts=parts_of(classed, place, languages, _stream_of(seed, pin, place), numerics.device),
            )
            for pin, trained, classed in ((model, saes, classes), (donor, donor_saes, donor_classes))
        ),
        part_length=part_length,
    )
    texts = list(islice(windows_of(corpus, Split.TEST), windows))
    scales, agreements = measured(pair, texts, place.layer, readings, batch_tokens)
    write_table(out, PartAgreement, agreement_rows(pair, place, agreements))
    write_table(out, IntegratedText, integrated(pair, texts, place, scales, batch_tokens))


def parts_of(
    classes: Path, place: SAEPlace, languages: tuple[str, str], stream: np.random.Generator, device: str
) -> Parts:
    """Latents of one dictionary by class, all of them, and as many of no bilingual class as there are bilingual ones.

    The random ones are drawn from those that fire; where they are too few, all of them are taken.
    """
    rows = [
        row
        for row in read_table(classes, ClassedLatent)
        if (row.layer, row.seed) == (place.layer, place.seed)
    ]
    labels = np.array([row.label for row in sorted(rows, key=lambda row: row.latent)])
    others = np.flatnonzero((labels != BILINGUAL) & (labels != DEAD))
    drawn = stream.permutation(others)[: int((labels == BILINGUAL).sum())]
    masks = {label: labels == label for label in (*languages, BILINGUAL)}
    masks |= {RANDOM: np.isin(np.arange(len(labels)), drawn), ALL: np.ones(len(labels), dtype=bool)}
    return {name: torch.from_numpy(mask).to(device) for name, mask in masks.items()}


def _stream_of(seed: int, pin: ModelPin, place: SAEPlace) -> np.random.Generator:
    """What draws the random latents of one dictionary: another stream for every model, layer and seed."""
    named = int(text_digest(f"{pin.address}@{pin.revision}")[:16], 16)
    return np.random.default_rng(np.random.SeedSequence([seed, named, place.layer, place.seed]))


def change(reading: Integration, part: str, recipient: Apart, donor: Apart) -> Float[Tensor, "token d_model"]:
    """What is added to the recipient's stream.

    As a difference of equal terms, so that a donor that is the recipient changes nothing, to the last digit.
    """
    if part == REBUILT:
        return recipient.rebuilt - recipient.stream
    gone = {
        Integration.SWAP: recipient.parts[part],
        Integration.ADD: torch.zeros_like(recipient.stream),
        Integration.REPLACE: recipient.parts[ALL],
    }
    return donor.parts[part] - gone[reading]


@torch.no_grad()
def taken_apart(side: Side, ids: Int[Tensor, "window position"], layer: int) -> Apart:
    """The stream of one model after a layer over the tokens of some windows, and its parts."""
    front, found = len(side.language_model.front_ids), list[Tensor]()
    visit_residuals(
        side.language_model.decoder,
        ids,
        torch.ones_like(ids),
        (layer,),
        lambda _layer, stream: found.append(stream),
    )
    stream = found[0][:, front:].to(torch.float32).flatten(0, 1)
    require_finite(stream)
    acts, length = side.sae.acts(unit(stream)), lengths_of(stream)
    return Apart(
        stream=stream,
        parts={name: length * side.sae.part(acts, mask) for name, mask in side.parts.items()},
        rebuilt=length * side.sae.rebuilt(acts),
    )


def measured(
    pair: Pair,
    texts: Sequence[CorpusWindow],
    layer: int,
    readings: Sequence[Integration],
    batch_tokens: int,
) -> tuple[Mapping[Integration, float], Mapping[str, Agreement]]:
    """How much the random change is lengthened under each reading to be as long as the bilingual one, and how alike parts are."""
    lengths = {reading: {RANDOM: 0.0, BILINGUAL: 0.0} for reading in readings}
    agreements = {part: Agreement() for part in pair.recipient.parts}
    for ids, _ in _batches(pair.recipient.language_model, texts, batch_tokens):
        recipient, donor = pair.taken_apart(ids, layer)
        for part, agreement in agreements.items():
            agreement.add(part, recipient, donor)
        for reading, of_parts in lengths.items():
            for part in of_parts:
                changed = change(reading, part, recipient, donor)
                of_parts[part] += float(changed.norm(dim=1).sum(dtype=torch.float64))
    scales = {
        reading: of_parts[BILINGUAL] / of_parts[RANDOM] if of_parts[RANDOM] else 1.0
        for reading, of_parts in lengths.items()
    }
    return scales, agreements


def integrated(
    pair: Pair,
    texts: Sequence[CorpusWindow],
    place: SAEPlace,
    scales: Mapping[Integration, float],
    batch_tokens: int,
) -> Iterator[IntegratedText]:
    """The loss on every window before and after, for each reading and part."""
    language_model, parts = pair.recipient.language_model, (*pair.recipient.parts, REBUILT)
    for ids, windows in _batches(language_model, texts, batch_tokens):
        recipient, donor = pair.taken_apart(ids, place.layer)
        before = window_losses(language_model, ids, place.layer)
        for reading, scale in scales.items():
            for part in parts:
                added = change(reading, part, recipient, donor) * (scale if part == RANDOM else 1.0)
                after = window_losses(language_model, ids, place.layer, added.add)
                for window, own, changed in zip(windows, before.tolist(), after.tolist(), strict=True):
                    yield IntegratedText(
                        layer=place.layer,
                        seed=place.seed,
                        reading=reading,
                        part=part,
                        text_id=window.text_id,
                        language=window.language,
                        tokens=len(window.token_ids) - 1,
                        before=own,
                        after=changed,
                    )


def agreement_rows(
    pair: Pair, place: SAEPlace, agreements: Mapping[str, Agreement]
) -> Iterator[PartAgreement]:
    """How alike each part is in both models."""
    for part, sums in agreements.items():
        yield PartAgreement(
            layer=place.layer,
            seed=place.seed,
            part=part,
            recipient_latents=int(pair.recipient.parts[part].sum()),
            donor_latents=int(pair.donor.parts[part].sum()),
            cosine=sums.cosine / sums.tokens,
            recipient_length=sums.recipient_length / sums.tokens,
            donor_length=sums.donor_length / sums.tokens,
        )


def _batches(
    language_model: LanguageModel, texts: Sequence[CorpusWindow], batch_tokens: int
) -> Iterator[tuple[Int[Tensor, "window position"], list[CorpusWindow]]]:
    for windows in batched(texts, batch_tokens, len(language_model.front_ids)):
        yield ids_of(language_model, windows), windows


def _length(part: Float[Tensor, "token d_model"], stream: Float[Tensor, "token d_model"]) -> float:
    """Summed over tokens: the length of a part in units of its stream."""
    return float((part.norm(dim=1) / stream.norm(dim=1)).sum(dtype=torch.float64))
