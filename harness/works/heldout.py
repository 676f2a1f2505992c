"""What held-out pairs show of an adapter: distance of true and of wrong partners, drift, and what it cost the model."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from harness.supply.loading import LanguageModel
from harness.tools.batches import length_buckets, padded_left
from harness.tools.pooling import counted_positions
from harness.words.record import AlignmentStep
from harness.works.alignmentloss import Aligner, Pairs, Untouched

LOGIT_POSITIONS = 1_024
"""Padded positions whose logits are held at once: a gigabyte at the real vocabulary, in float32."""


@torch.no_grad()
def measured_moment(
    aligner: Aligner, held_out: Pairs, untouched: Untouched, *, step: int, seed: int
) -> AlignmentStep:
    """What held-out pairs show: distance of true and of shuffled partners, drift, both sides, language loss."""
    english, target = aligner.both_sides(held_out)
    partners = strangers(len(held_out), np.random.default_rng(np.random.SeedSequence([seed, step])))
    original = aligner.original(held_out, untouched)
    return AlignmentStep(
        step=step,
        gap=_mean_over_layers((u - v).abs() for u, v in zip(english, target, strict=True)),
        shuffled_gap=_mean_over_layers((u - v[partners]).abs() for u, v in zip(english, target, strict=True)),
        retention=_mean_over_layers((u - o).square() for u, o in zip(english, original, strict=True)),
        english_mean=_mean_over_layers(iter(english)),
        target_mean=_mean_over_layers(iter(target)),
        english_nats_per_token=nats_per_token(aligner.language_model, held_out.english),
        target_nats_per_token=nats_per_token(aligner.language_model, held_out.target),
    )


def strangers(count: int, stream: np.random.Generator) -> list[int]:
    """For every pair the index of another one, each used once."""
    order = stream.permutation(count)
    partner = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [partner[index] for index in range(count)]


@torch.no_grad()
def nats_per_token(language_model: LanguageModel, ids: Sequence[Sequence[int]]) -> float:
    """Mean negative log-likelihood of every token after BOS.

    Runs a few texts at a time: the logits of one position are as wide as the vocabulary.
    """
    total, tokens = 0.0, 0
    for bucket in length_buckets([len(row) for row in ids], LOGIT_POSITIONS):
        batch = [ids[index] for index in bucket]
        input_ids, mask = padded_left(batch, language_model.pad_id, language_model.device)
        counted = counted_positions(input_ids, mask, language_model.bos_id)[:, 1:]
        logits = language_model.model(input_ids=input_ids, attention_mask=mask).logits[:, :-1]
        chosen = torch.log_softmax(logits.to(torch.float32), dim=-1).gather(
            -1, input_ids[:, 1:].unsqueeze(-1)
        )
        total -= float(chosen.squeeze(-1)[counted].sum(dtype=torch.float64))
        tokens += int(counted.sum())
    return total / tokens


def _mean_over_layers(values: Iterator[Tensor]) -> float:
    return float(torch.stack([layer.mean() for layer in values]).mean())
