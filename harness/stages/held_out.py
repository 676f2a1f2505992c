"""What held-out pairs show of an adapter: distance of true and of wrong partners, drift, and what it cost the model.

Pairs go through the model a few at a time, those of about one length together, and are put back into their order
afterwards: one long translation makes its own few neighbours wide, and not every pair.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from harness.models.batches import length_buckets, padded_left
from harness.models.loading import LanguageModel
from harness.models.residuals import counted_positions
from harness.stages.alignment_loss import Aligner, Pairs, Untouched
from harness.words.records import AlignmentStep

LOGIT_POSITIONS = 1_024
"""Padded positions whose logits are held at once: a gigabyte at the real vocabulary, in float32."""


@torch.no_grad()
def measured_moment(
    aligner: Aligner, held_out: Pairs, untouched: Untouched, *, batch_tokens: int, step: int, seed: int
) -> AlignmentStep:
    """What held-out pairs show: distance of true and of shuffled partners, drift, both sides, language loss.

    Activations are those that the loss is a mean over; a shuffled partner is read at the English phrase's own latents.
    u, v and u_orig of a pair are padded alike; those of another pair may be padded otherwise, so that another
    `batch_tokens` moves the figures by what rounding does: under 1e-5 of themselves in float32, more in bfloat16.

    Args:
        aligner: The model under the adapter, its encoders, and the choice of the loss.
        held_out: Pairs to measure on, at least two.
        untouched: Opens a block without the adapter.
        batch_tokens: Padded positions per forward pass.
        step: Steps taken so far.
        seed: Draws the wrong partners, with the step.
    """
    english, target, original = _three_sides(aligner, held_out, untouched, batch_tokens)
    shares = aligner.shares(held_out, held_out)
    partners = strangers(len(held_out), np.random.default_rng(np.random.SeedSequence([seed, step])))
    return AlignmentStep(
        step=step,
        gap=_mean(shares, ((u - v).abs() for u, v in zip(english, target, strict=True))),
        shuffled_gap=_mean(shares, ((u - v[partners]).abs() for u, v in zip(english, target, strict=True))),
        retention=_mean(shares, ((u - o).square() for u, o in zip(english, original, strict=True))),
        english_mean=_mean(shares, english),
        target_mean=_mean(shares, target),
        english_nats_per_token=nats_per_token(aligner.language_model, held_out.english, batch_tokens),
        target_nats_per_token=nats_per_token(aligner.language_model, held_out.target, batch_tokens),
    )


def strangers(count: int, stream: np.random.Generator) -> list[int]:
    """For every pair the index of another one, each used once."""
    order = stream.permutation(count)
    partner = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [partner[index] for index in range(count)]


@torch.no_grad()
def nats_per_token(
    language_model: LanguageModel, ids: Sequence[Sequence[int]], batch_tokens: int = LOGIT_POSITIONS
) -> float:
    """Mean negative log-likelihood of every token after BOS.

    Runs a few texts at a time, `LOGIT_POSITIONS` at most: the logits of one position are as wide as the vocabulary.
    """
    total, tokens = 0.0, 0
    for bucket in length_buckets([len(row) for row in ids], min(batch_tokens, LOGIT_POSITIONS)):
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


def _three_sides(
    aligner: Aligner, pairs: Pairs, untouched: Untouched, batch_tokens: int
) -> list[list[Tensor]]:
    """u, v and u_orig, each per layer, in the order of the pairs."""
    longest = [max(map(len, sides)) for sides in zip(pairs.english, pairs.target, strict=True)]
    # One forward pass holds both sides, so a pair takes two rows of it.
    buckets = length_buckets(longest, batch_tokens // 2)
    places = torch.tensor([index for bucket in buckets for index in bucket]).argsort()
    batches = [pairs.chosen(bucket) for bucket in buckets]
    sides = [(*aligner.both_sides(batch), aligner.original(batch, untouched)) for batch in batches]
    return [
        [torch.cat(layer)[places] for layer in zip(*of_batches, strict=True)]
        for of_batches in zip(*sides, strict=True)
    ]


def _mean(shares: Sequence[Tensor], values: Iterable[Tensor]) -> float:
    """Mean over what the loss is a mean over."""
    return float(sum((weights * layer).sum() for weights, layer in zip(shares, values, strict=True)))
