"""What every stage of this design reads and stores, from what its items are told.

Layers are counted as those of the size that the study is about: one of another size, a step of a dictionary and the search for the strongest
latents count as the layers of it that take as long.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.designs.design import Costs
from harness.designs.emergence import plan as stages
from harness.designs.emergence.availability import sources_of
from harness.designs.emergence.quantities import emergence
from harness.models.work import WITH_GRADIENTS
from harness.words.dictionaries import SAEPlace, TopKRecipe, WindowChoice
from harness.words.emergence import EmergenceSizes
from harness.words.plan import Item, Plan, Work
from harness.words.study import Profile, Study

PRODUCTS_OF_A_STEP = 6
"""Of the training of a dictionary: two, each forwards and twice backwards."""

SORTED_AS_PRODUCTS = 12_224
"""Products that take as long as one latent in the search for the strongest of a token: 0.05 to 0.1 s for 32,768 of them at 32,768 tokens,
where an accelerator multiplies at 350 TFLOP/s."""

DEMONSTRATED_WINDOWS = 5_000
"""A hundred features, with fifty windows each at most."""

PARTS_OF_A_SIDE = 7
"""Products by which integration takes a stream apart: encoded, written by five parts, and rebuilt."""

SIDES, CONTROLS = 2, 3
"""Models of an integration, and parts of it that are no class."""

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
        work={
            stage.name: sum((_of(item, plan, windows, recipe) for item in stage.items), start=Work())
            for stage in plan.stages
        },
        layers_stand_for_more=True,
        stored_bytes=_stored_bytes(plan, tokens, recipe),
    )


def _stored_bytes(plan: Plan, tokens: int, recipe: TopKRecipe) -> Mapping[str, int]:
    """About what one item of each stage leaves in the store, in the mean."""
    widths = {cell.pin: cell.shapes.d_model for cell in sources_of(plan.profile).cells}
    items = [item for stage in plan.stages if stage.name == "saes" for item in stage.items]
    if not items:  # some stages alone, as of one level
        return {}
    of_items = [
        (len(told["places"]) * told["recipe"].latents, widths[told["model"]])
        for told in (item.parameters for item in items)
    ]
    latents = sum(count for count, _ in of_items) / len(items)
    values = sum(count * width for count, width in of_items) / len(items)
    per_value = 2 * (2 if recipe.dtype == "bfloat16" else 4)
    return {
        "corpus": tokens * BYTES_PER_TOKEN,
        "saes": round(values * per_value),
        "examples": round(latents * (BYTES_PER_LATENT + 50 * BYTES_PER_EXAMPLE)),
        "classes": round(latents * BYTES_PER_LATENT),
    }


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one item makes windows pass."""

    whole: int = 0
    """Windows that pass the whole model."""
    cut: int = 0
    """Windows that pass it as far as the deepest layer with a dictionary."""
    trained: int = 0
    """Windows that dictionaries are trained on, in the precision of their recipe."""
    encoded: int = 0
    """Windows that dictionaries encode or rebuild in float32, once for each product."""
    sorted: int = 0
    """Windows at whose tokens the strongest latents are searched for."""


def _of(item: Item, plan: Plan, windows: WindowChoice, recipe: TopKRecipe) -> Work:
    """What one item reads; one of a stage that runs no network reads nothing."""
    if item.function not in READINGS:
        return Work()
    reading = READINGS[item.function](item, windows)
    cells = sources_of(plan.profile).cells
    cell = next(each for each in cells if each.name == item.name or each.pin == item.parameters["model"])
    deepest = 1 + max((place.layer for place in _places(item)), default=item.parameters.get("layer", -1))
    positions = windows.tokens + len(cell.pin.facts.front)
    passed = positions * (reading.whole * cell.shapes.num_layers + reading.cut * deepest)
    values = windows.tokens * recipe.of_width(cell.shapes.d_model).latents
    trained = values * reading.trained * PRODUCTS_OF_A_STEP * cell.shapes.d_model
    products = passed * cell.shapes.layer_parameters + trained + values * reading.sorted * SORTED_AS_PRODUCTS
    return Work(
        texts=reading.whole + reading.cut,
        tokens=positions * (reading.whole + reading.cut),
        token_layers=round(products / plan.study.shapes.layer_parameters),
        encoded=values * reading.encoded * cell.shapes.d_model,
    )


def _places(item: Item) -> tuple[SAEPlace, ...]:
    told = item.parameters
    return told["places"] if "places" in told else (told["place"],) if "place" in told else ()


def _tested(windows: WindowChoice) -> int:
    """Windows of the test split."""
    count = 2 * (windows.per_language or 0)
    return count - round((windows.train_fraction + windows.validation_fraction) * count)


def _trains(item: Item, windows: WindowChoice) -> Reading:
    read = -(-item.parameters["recipe"].tokens // windows.tokens)
    trained = read * len(_places(item))
    return Reading(cut=read, trained=trained, sorted=trained)


def _tries(item: Item, windows: WindowChoice) -> Reading:
    """Test windows are rebuilt; some pass once more as they are, and as each dictionary rebuilds them."""
    test, spliced, places = _tested(windows), item.parameters["spliced_windows"], len(_places(item))
    rebuilt = (test + min(spliced, test)) * places
    return Reading(cut=test, whole=2 * min(spliced, test) * places, encoded=2 * rebuilt, sorted=rebuilt)


def _finds_examples(item: Item, windows: WindowChoice) -> Reading:
    """Test windows pass for maxima, and once more for examples."""
    read = 2 * _tested(windows)
    return Reading(cut=read, encoded=read * len(_places(item)), sorted=read * len(_places(item)))


def _integrates(item: Item, windows: WindowChoice) -> Reading:
    """Both models are taken apart for scales and for losses; the recipient passes as it is, and with every part in every reading."""
    told, read = item.parameters, min(item.parameters["windows"], _tested(windows))
    parts = len(told["languages"]) + 1 + CONTROLS
    apart = 2 * SIDES * read
    return Reading(
        cut=apart,
        whole=read * (1 + parts * len(told["readings"])),
        encoded=PARTS_OF_A_SIDE * apart,
        sorted=apart,
    )


READINGS: Mapping[str, Callable[[Item, WindowChoice], Reading]] = {
    # With what stands in front and without, in both languages.
    stages.MODEL_CHECKS: lambda item, _windows: Reading(whole=4 * item.parameters["windows"]),
    stages.FEATURE_REPLAY: lambda _item, _windows: Reading(
        cut=2 * DEMONSTRATED_WINDOWS, encoded=2 * DEMONSTRATED_WINDOWS
    ),
    stages.SAES: _trains,
    stages.SAE_QUALITY: _tries,
    stages.EXAMPLES: _finds_examples,
    stages.INTEGRATION: _integrates,
}
"""By stage that runs a network."""


def accelerator_bytes(study: Study, profile: Profile) -> int:
    """Memory that the largest stage needs: a model, and all its dictionaries in training at once with the activations of one."""
    told = stages.Told(emergence(study), profile, "cpu")
    sizes: EmergenceSizes = told.sizes
    per_weight = 4 if sizes.dtype == "float32" else 2
    return max(
        per_weight * cell.shapes.parameters
        + len(told.places(cell)) * ADAM_BYTES * 2 * cell.shapes.d_model * recipe.latents
        + WITH_GRADIENTS * 4 * recipe.batch_tokens * recipe.latents
        for cell in told.sources.cells
        for recipe in (told.recipe.of_width(cell.shapes.d_model),)
    )
