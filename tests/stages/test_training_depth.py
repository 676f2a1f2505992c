"""How deep training reaches in a model of 26 layers: layers 0 to 20 and nothing above, no head, no final norm."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from harness.designs.design import plan
from harness.models.adapters import trained_adapter
from harness.models.batches import Portion
from harness.models.loading import LanguageModel, load_language_model
from harness.models.sae import load_encoder
from harness.sources.studies import load_profile, load_study
from harness.stages.alignment_loss import Aligner, Pairs
from harness.stages.training import Training, TrainingTask
from tests.world_texts import english_sentences, in_language

ALIGNED = set(range(21))
OWN = tuple((layer, latent) for layer in range(26) for latent in range(64))
"""Latents of every layer, some of which are active in any phrase."""

PASSES = 2
"""Both sides through the adapter in one pass, and English without it in another."""


@pytest.fixture(scope="module")
def task() -> TrainingTask:
    """An adapter of the paper's own study on the committed miniature model."""
    study = load_study("sin2025")
    item = plan(study, load_profile(study, "fixture"), "cpu").stage("adapters").items[0]
    return TrainingTask(**item.parameters)


@pytest.fixture
def training(task: TrainingTask) -> Iterator[Training]:
    language_model = load_language_model(task.networks.model, task.networks.numerics)
    encoders = {
        n: load_encoder(task.networks.dictionaries, task.networks.dictionary_files[n])
        for n in task.choice.layers
    }
    english = english_sentences(4, seed=4)
    sides = (english, [in_language(text, "ml") for text in english])
    pairs = Pairs(
        **{
            name: tuple(map(tuple, language_model.token_ids(texts)))
            for name, texts in zip(("english", "target"), sides, strict=True)
        },
        own=(OWN,) * len(english),
    )
    aligner = Aligner(language_model=language_model, encoders=encoders, choice=task.choice)
    with trained_adapter(language_model.model, task.choice, seed=0) as tuned:
        yield Training(
            aligner=aligner,
            tuned=tuned,
            training=pairs,
            held_out=pairs,
            task=task,
            portion=Portion(4),
            positions=Portion(1_024),
        )


@contextmanager
def counted(language_model: LanguageModel) -> Iterator[Counter[str]]:
    """How often each layer, the final norm and the head run while the block is open."""
    calls: Counter[str] = Counter()
    blocks = language_model.decoder.layers
    assert isinstance(blocks, nn.ModuleList)
    watched = {f"layer {n}": block for n, block in enumerate(blocks)}
    watched |= {"norm": language_model.decoder.get_submodule("norm"), "head": language_model.model.lm_head}
    handles = [
        module.register_forward_pre_hook(lambda _module, _inputs, name=name: calls.update([name]))
        for name, module in watched.items()
    ]
    assert len(blocks) == 26
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def test_the_loss_stops_at_layer_20_and_asks_no_head(training: Training) -> None:
    with counted(training.aligner.language_model) as calls:
        training.gradients([0, 1, 2, 3], 4)
    assert calls == {f"layer {n}": PASSES for n in ALIGNED}


def test_each_part_of_a_batch_takes_as_many_passes(training: Training) -> None:
    with counted(training.aligner.language_model) as calls:
        training.gradients([0, 1, 2, 3], 2)
    assert calls == {f"layer {n}": 2 * PASSES for n in ALIGNED}


def test_a_step_changes_weights_in_layers_0_to_20_alone(training: Training) -> None:
    before = {name: weight.detach().clone() for name, weight in training.tuned.named_parameters()}
    optimizer = torch.optim.AdamW(
        [weight for weight in training.tuned.parameters() if weight.requires_grad], lr=1e-2
    )
    training.gradients([0, 1, 2, 3], 4)
    optimizer.step()
    changed = [
        name for name, weight in training.tuned.named_parameters() if not torch.equal(before[name], weight)
    ]
    assert all("lora_" in name for name in changed)
    assert {int(name.split("model.layers.")[1].split(".")[0]) for name in changed} == ALIGNED
