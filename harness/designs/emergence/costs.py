"""What every stage of this design reads and stores, from what its items are told.

Work is counted in layers of the size that the study is about: a layer of another size, and a step of a dictionary, count as the
layers of it that take as many operations.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.designs.design import Costs
from harness.designs.emergence import plan as stages
from harness.designs.emergence.availability import sources_of
from harness.designs.emergence.quantities import emergence
from harness.models.work import WITH_GRADIENTS
from harness.words.dictionaries import TopKRecipe, WindowChoice
from harness.words.emergence import EmergenceSizes, ModelCell
from harness.words.plan import Item, Plan, Work
from harness.words.study import Profile, Study

DICTIONARY_OPERATIONS = 12
"""Operations of one training step per token, width of the stream and latent: two products, each forwards and twice backwards."""

PASSES_OF_EXAMPLES, PASSES_OF_INTEGRATION = 2, 22
"""Times that test windows pass a model: for maxima and for examples; and clean, for both models, and with every part in every reading."""

PASSES_OF_REPLAY, DEMONSTRATED_WINDOWS = 2, 5_000
"""With what stands in front and without; a hundred features have fifty windows each at most."""

BYTES_PER_LATENT = 60
"""A latent with its class, packed."""

BYTES_PER_EXAMPLE = 20
"""An example by window, position and languages, packed."""

BYTES_PER_TOKEN = 3

ADAM_BYTES = 16
"""A weight of a dictionary with its gradient and both moments, in float32."""


def costs(plan: Plan) -> Costs:
    """What every stage of a plan reads at most."""
    told = stages.Told(emergence(plan.study), plan.profile, "cpu")
    windows, recipe = told.windows, told.recipe
    per_language = windows.per_language or 0
    tokens = 2 * per_language * windows.tokens
    return Costs(
        assumed=(
            f"{2 * per_language:,} windows of {windows.tokens} tokens, if the text has as many",
            f"{recipe.tokens:,} tokens for each dictionary of {recipe.latents:,} latents",
        ),
        work={stage.name: _work(plan, stage.items, windows, recipe) for stage in plan.stages},
        stored_bytes=_stored_bytes(plan, tokens, recipe),
    )


def _stored_bytes(plan: Plan, tokens: int, recipe: TopKRecipe) -> Mapping[str, int]:
    """About what one item of each stage leaves in the store, at the widest size."""
    cells = sources_of(plan.profile).cells
    width = max(cell.shapes.d_model for cell in cells)
    places = max(len(item.parameters["places"]) for item in plan.stage("saes").items)
    return {
        "corpus": tokens * BYTES_PER_TOKEN,
        "saes": places * 2 * recipe.latents * width * (2 if recipe.dtype == "bfloat16" else 4),
        "examples": places * recipe.latents * (BYTES_PER_LATENT + 50 * BYTES_PER_EXAMPLE),
        "classes": places * recipe.latents * BYTES_PER_LATENT,
    }


def _work(plan: Plan, items: tuple[Item, ...], windows: WindowChoice, recipe: TopKRecipe) -> Work:
    cells = {cell.name: cell for cell in sources_of(plan.profile).cells}
    return sum((_of(item, plan, cells, windows, recipe) for item in items), start=Work())


def _of(
    item: Item, plan: Plan, cells: Mapping[str, ModelCell], windows: WindowChoice, recipe: TopKRecipe
) -> Work:
    """What one item reads; one of a stage that runs no network reads nothing."""
    count = 2 * (windows.per_language or 0)
    test = round(count * (1 - windows.train_fraction - windows.validation_fraction))
    told = item.parameters
    texts: Mapping[str, Callable[[], int]] = {
        stages.MODEL_CHECKS: lambda: 4 * told["windows"],
        stages.SAES: lambda: round(recipe.tokens / windows.tokens),
        stages.SAE_QUALITY: lambda: test + told["spliced_windows"] * (1 + len(told["places"])),
        stages.EXAMPLES: lambda: PASSES_OF_EXAMPLES * test,
        stages.INTEGRATION: lambda: PASSES_OF_INTEGRATION * told["windows"],
        stages.FEATURE_REPLAY: lambda: PASSES_OF_REPLAY * DEMONSTRATED_WINDOWS,
    }
    if item.function not in texts:
        return Work()
    cell = cells.get(item.name) or next(each for each in cells.values() if each.pin == told["model"])
    read = texts[item.function]()
    whole = plan.study.shapes.layer_parameters
    layers = cell.shapes.num_layers * cell.shapes.layer_parameters / whole
    tokens = read * windows.tokens
    work = Work(texts=read, tokens=tokens, token_layers=round(tokens * layers))
    if item.function != stages.SAES:
        return work
    trained = len(told["places"]) * DICTIONARY_OPERATIONS * cell.shapes.d_model * recipe.latents / (2 * whole)
    return replace(work, token_layers=work.token_layers + round(recipe.tokens * trained))


def accelerator_bytes(study: Study, profile: Profile) -> int:
    """Memory that the largest stage needs: a model, and all its dictionaries in training at once with the activations of one."""
    told = stages.Told(emergence(study), profile, "cpu")
    sizes: EmergenceSizes = told.sizes
    per_weight = 4 if sizes.dtype == "float32" else 2
    return max(
        per_weight * cell.shapes.parameters
        + len(told.places(cell)) * ADAM_BYTES * 2 * cell.shapes.d_model * told.recipe.latents
        + WITH_GRADIENTS * 4 * told.recipe.batch_tokens * told.recipe.latents
        for cell in told.sources.cells
    )
