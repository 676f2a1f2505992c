"""A network in which a pencil finds both signs: over all latents the loss lowers the phrase's own, over its own it lifts them.

One layer with one value. The adapter lets that value read what marks a foreign token, once for every unit of its second
factor w, and the value writes to four latents alike. English has its own latent at 2 and the other three silent; the
translation has all four at 1 + w. So with w from 0 on

    over the own latent:   abs(2 - (1 + w))                      = 1 - w,         least where w has grown to 1
    over all four:        (abs(2 - (1 + w)) + 3 * (1 + w)) / 4   = 1 + w / 2,     least where w has fallen to -1

and AdamW's first step is the learning rate, whatever the slope: w becomes 0.1 or -0.1. English is moved by neither.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.models.adapters import trained_adapter
from harness.models.batches import Portion
from harness.models.loading import LanguageModel
from harness.models.sae import Encoder
from harness.stages.alignment_loss import Aligner, Pairs
from harness.stages.training import Training, TrainingRecord, TrainingTask
from harness.words.plan import Networks, Numerics
from harness.words.study import GEMMA_2, AlignedLatents, Home, Pin
from tests.small_study import SPECIFICATION

BOS, ENGLISH, FOREIGN = 1, 2, 3
MARK = 4
"""Place of the residual stream that tells a foreign token; the four before it are the latents."""

VECTORS = torch.tensor([[0.0] * 5, [0.0] * 5, [2.0, 0, 0, 0, 0], [1.0, 1, 1, 1, 1]])
"""Embeddings of padding, BOS, an English token and a foreign one."""

RATE = 0.1
CHOICE = replace(
    SPECIFICATION.alignment,
    layers=(0,),
    rank=1,
    lora_alpha=1,
    target_modules=("v_proj",),
    learning_rate=RATE,
    batch_size=2,
    weight_decay=0.0,
)
PAIRS = Pairs(english=((BOS, ENGLISH),) * 2, target=((BOS, FOREIGN),) * 2, own=(((0, 0),),) * 2)


class Layer(nn.Module):
    """Adds to four places what its value reads, which is nothing without an adapter."""

    def __init__(self) -> None:
        super().__init__()
        self.v_proj = nn.Linear(5, 1, bias=False)
        self.v_proj.weight.data.zero_()

    def forward(self, stream: Tensor) -> Tensor:
        return stream + self.v_proj(stream) * torch.tensor([1.0, 1, 1, 1, 0])


class Decoder(nn.Module):
    """An embedding and one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer()])

    def forward(self, input_ids: Tensor, **_settings: object) -> Tensor:
        stream = VECTORS[input_ids]
        for layer in self.layers:
            stream = layer(stream)
        return stream


class Network(nn.Module):
    """The decoder, and logits for the figures of held-out pairs, of which nothing is asked here."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Decoder()
        self.requires_grad_(requires_grad=False)

    def get_decoder(self) -> Decoder:
        return self.model

    def forward(self, input_ids: Tensor, **settings: Any) -> SimpleNamespace:
        return SimpleNamespace(logits=self.model(input_ids, **settings))


def trained(latents: AlignedLatents, *, steps: int = 1) -> TrainingRecord:
    """Some steps of the product's own training on two equal pairs, which also are the held-out ones."""
    language_model = LanguageModel(
        model=Network(), tokenizer=None, front_ids=(BOS,), pad_id=0, facts=GEMMA_2, device="cpu"
    )
    identity = Encoder(W_enc=torch.eye(5, 4), b_enc=torch.zeros(4), threshold=torch.zeros(4))
    choice = replace(CHOICE, latents=latents, epochs=steps)
    with reading_the_mark(language_model, choice) as tuned:
        return Training(
            aligner=Aligner(language_model=language_model, encoders={0: identity}, choice=choice),
            tuned=tuned,
            training=PAIRS,
            held_out=PAIRS,
            task=task(choice),
            portion=Portion(2),
            positions=Portion(64),
        ).run()


@contextmanager
def reading_the_mark(language_model: LanguageModel, choice: Any) -> Iterator[Any]:
    """A fresh adapter whose first factor reads the mark, once, instead of what a seed drew; the second is zero, as ever."""
    with trained_adapter(language_model.model, choice, seed=0) as tuned:
        (first,) = (weight for name, weight in tuned.named_parameters() if "lora_A" in name)
        first.data = torch.eye(5)[MARK : MARK + 1]
        yield tuned


def task(choice: Any) -> TrainingTask:
    nowhere = Pin(name="none", home=Home.FOLDER, address="none", licence="none")
    numerics = Numerics(device="cpu", dtype="float32", threads=1)
    networks = Networks(
        model=nowhere, dictionaries=nowhere, dictionary_files=(), numerics=numerics, batch_tokens=64
    )
    return TrainingTask(
        language="ml", seed=1, networks=networks, choice=choice, max_steps=None, batch_size=choice.batch_size
    )


@pytest.mark.parametrize(
    ("latents", "english", "target"),
    [
        pytest.param(AlignedLatents.OWN, 2.0, 1 + RATE, id="over its own they rise"),
        pytest.param(AlignedLatents.ALL, 0.5, 1 - RATE, id="over all of the layer they fall"),
    ],
)
def test_what_the_loss_is_over_decides_the_sign_of_a_gain(
    latents: AlignedLatents, english: float, target: float
) -> None:
    record = trained(latents)
    assert record.losses[0].loss == 1.0
    # All four latents of the translation stand at one level, so that it is told whatever the means are over.
    assert record.moments[0].target_mean == 1.0
    assert record.moments[-1].target_mean == pytest.approx(target, rel=1e-6)
    assert {moment.english_mean for moment in record.moments} == {english}


@pytest.mark.parametrize(("latents", "end"), [(AlignedLatents.OWN, 2.0), (AlignedLatents.ALL, 0.0)])
def test_trained_to_the_end_one_has_closed_the_gap_and_the_other_is_silent(
    latents: AlignedLatents, end: float
) -> None:
    assert trained(latents, steps=40).moments[-1].target_mean == pytest.approx(end, abs=2 * RATE)
