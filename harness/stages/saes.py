"""The saes stage: every dictionary of one model, trained in one pass over the corpus.

Streams go from the model into a buffer of each layer, and from there into all dictionaries of that layer: nothing is held
longer, so that memory does not grow with tokens. Dictionaries of one layer differ in where they start and, where a buffer
holds several batches, in the order of the tokens within it; the corpus they read in one order.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from harness.models.loading import LanguageModel, load_language_model
from harness.models.topk import unit, write_sae
from harness.models.topk_training import TopKTraining
from harness.models.windows import visit_windows
from harness.stages.corpus import windows_of
from harness.stages.stage import stage
from harness.statistics.finite import require_finite, require_number
from harness.store.tables import write_table
from harness.words.dictionaries import CorpusWindow, SAEPlace, Split, TopKRecipe, TrainedStep
from harness.words.errors import UsageError
from harness.words.plan import Numerics
from harness.words.study import ModelPin


@stage(on="accelerator")
def saes(
    corpus: Path,
    *,
    out: Path,
    model: ModelPin,
    numerics: Numerics,
    places: tuple[SAEPlace, ...],
    recipe: TopKRecipe,
    batch_tokens: int,
) -> None:
    """TopK SAEs of one model.

    Writes the weights of each, and the loss of every step.

    Raises:
        UsageError: If a dictionary has fewer latents than are to fire.
        NotFiniteError: If a stream or a loss is no number.
    """
    if not 0 < recipe.k <= recipe.latents:
        raise UsageError(
            f"{recipe.k} of {recipe.latents} latents are to fire; expected some, and no more than there are"
        )
    language_model = load_language_model(model, numerics)
    trained = trainings(language_model, places, recipe)
    train_all(language_model, corpus, trained, recipe, batch_tokens)
    for place, training in trained.items():
        write_sae(out / place.file, training.weights, recipe.k)
    write_table(out, TrainedStep, steps_of(trained))


def trainings(
    language_model: LanguageModel, places: Sequence[SAEPlace], recipe: TopKRecipe
) -> dict[SAEPlace, TopKTraining]:
    """The dictionaries as they start."""
    width = int(language_model.model.get_input_embeddings().weight.shape[1])
    return {place: TopKTraining.begun(recipe, place, width, language_model.device) for place in places}


def train_all(
    language_model: LanguageModel,
    corpus: Path,
    trained: dict[SAEPlace, TopKTraining],
    recipe: TopKRecipe,
    batch_tokens: int,
) -> None:
    """Read as many tokens of the training split as the recipe says, and take every step."""
    layers = sorted({place.layer for place in trained})
    buffers: dict[int, list[Float[Tensor, "token d_model"]]] = {layer: [] for layer in layers}
    left = dict.fromkeys(layers, recipe.tokens)

    def train(layer: int, size: int) -> None:
        held = torch.cat(buffers[layer])
        buffers[layer] = [held[size:]]
        for place, training in trained.items():
            if place.layer == layer:
                training.train(held[:size])

    def visit(layer: int, stream: Tensor, _windows: Sequence[CorpusWindow]) -> None:
        require_finite(stream)
        tokens = unit(stream.flatten(0, 1))[: left[layer]]
        left[layer] -= len(tokens)
        buffers[layer].append(tokens)
        while sum(map(len, buffers[layer])) >= recipe.buffer_tokens:
            train(layer, recipe.buffer_tokens)

    visit_windows(language_model, _repeated(corpus, recipe.tokens), layers, batch_tokens, visit)
    for layer in layers:
        if rest := sum(map(len, buffers[layer])):
            train(layer, rest)


def _repeated(corpus: Path, tokens: int) -> Iterator[CorpusWindow]:
    """Windows of the training split, from the first one again as often as it takes to reach some tokens."""
    first = next(windows_of(corpus, Split.TRAIN))
    needed = -(-tokens // len(first.token_ids))

    def endless() -> Iterator[CorpusWindow]:
        while True:
            yield from windows_of(corpus, Split.TRAIN)

    return islice(endless(), needed)


def steps_of(trained: dict[SAEPlace, TopKTraining]) -> Iterator[TrainedStep]:
    """What every step of every dictionary was."""
    for place, training in trained.items():
        losses = torch.stack(training.losses).to(torch.float64).tolist()
        for step, (loss, tokens) in enumerate(zip(losses, training.sizes, strict=True), start=1):
            yield TrainedStep(
                layer=place.layer,
                seed=place.seed,
                step=step,
                tokens=tokens,
                loss=require_number("loss of a dictionary", loss),
            )
