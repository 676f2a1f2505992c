"""What a study of emergence declares: sizes of a model, checkpoints on the way of its training, and how its features are told apart.

Sizes, phases and layers are named by the study; a world says which checkpoint of which model stands for each.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from harness.words.dictionaries import (
    BILINGUAL,
    ClassChoice,
    CorpusText,
    ExampleChoice,
    Integration,
    PartLength,
    TopKRecipe,
    WindowChoice,
)
from harness.words.study import (
    SILENT,
    Benchmark,
    Choices,
    Home,
    ModelPin,
    Pin,
    Shapes,
    Sizes,
    Sources,
    Study,
    Translator,
)

FINAL = "final"
"""The phase that every study of this kind ends with: the finished model."""


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """One size of a family of models."""

    name: str
    """As people call it, such as "1.8b"; it names estimates."""
    shapes: Shapes


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One moment of training that a study asks about."""

    name: str
    """Such as "mid"; it names estimates."""
    says: str
    """Which checkpoint speaks for it, in a few words."""


@dataclass(frozen=True, kw_only=True)
class EmergenceSpecification(Choices):
    """The answers to what a paper about models on the way of their training leaves open."""

    windows: WindowChoice
    recipe: TopKRecipe
    examples: ExampleChoice
    classes: ClassChoice
    integration: tuple[Integration, ...]
    """What it means to put a part into another model; the primary meaning first."""
    part_length: PartLength = field(default=PartLength.OWN, metadata=SILENT)
    """How long a part is when it is put in."""


@dataclass(frozen=True, kw_only=True)
class SpecifiedClasses:
    """How classes are told under one specification that stored examples give."""

    specification: str
    choice: ClassChoice
    missing: str = ""
    """Why no run has it, in a sentence; empty where runs do."""


@dataclass(frozen=True, kw_only=True)
class EmergenceStudy(Study):
    """A paper about how a bilingual model becomes bilingual."""

    benchmarks: tuple[Benchmark, ...] = field(default=(), metadata=SILENT)
    primary: EmergenceSpecification
    sizes: tuple[ModelSize, ...]
    """Smallest first."""
    phases: tuple[Phase, ...]
    """In the order of training, the finished model last."""
    depths: tuple[float, ...]
    """Which layers are read: so deep, of the last layer's depth."""
    early: str
    """Phase that speaks for the first part of training."""
    mid: str
    """Phase that speaks for its middle part, and recipient of what the finished model has learned."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes of features: those of each language, and those of both."""
        return (*(language.code for language in self.languages), BILINGUAL)

    def layers_of_depth(self, num_layers: int) -> tuple[int, ...]:
        """The layers that are read of a model with so many."""
        return tuple(sorted({math.floor(depth * (num_layers - 1)) for depth in self.depths}))

    def half_depth(self, num_layers: int) -> int:
        """The layer at half depth of a model with so many; of an even number, the earlier one of two."""
        return (num_layers - 1) // 2

    def layers(self, size: ModelSize) -> tuple[int, ...]:
        """The layers of a size that are read."""
        return self.layers_of_depth(size.shapes.num_layers)

    def middle(self, size: ModelSize) -> int:
        """The layer at half depth of a size."""
        return self.half_depth(size.shapes.num_layers)

    def middle_third(self, size: ModelSize) -> tuple[int, ...]:
        """Of the layers that are read, those in the middle third of the depth."""
        return tuple(layer for layer in self.layers(size) if is_middle(layer, size.shapes.num_layers))

    def places(self) -> tuple[tuple[ModelSize, Phase, int], ...]:
        """Every size, phase and layer that is asked about."""
        return tuple(
            (size, phase, layer)
            for size in self.sizes
            for phase in self.phases
            for layer in self.layers(size)
        )


def is_middle(layer: int, num_layers: int) -> bool:
    """Whether the middle of a layer lies in the middle third of a model's depth."""
    return num_layers <= 3 * layer + 1.5 <= 2 * num_layers


@dataclass(frozen=True, kw_only=True)
class ModelCell:
    """The checkpoint that stands for one size and one phase."""

    size: str
    phase: str
    step: int
    tokens: float | None
    """Tokens that the model had read by then; None where nobody says."""
    pin: ModelPin
    shapes: Shapes

    @property
    def name(self) -> str:
        """As artifacts and people call it."""
        return f"{self.size}-{self.phase}"


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A dictionary that the authors released, of a checkpoint that can be had: what they demonstrate of it can be found again."""

    pin: Pin
    cell: str
    """Checkpoint that it reads."""
    layer: int
    """Layer after which it reads the stream, counted from 0."""


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """What the authors published of the features of their own dictionaries: examples, counts and labels of some."""

    pin: Pin
    folder: str
    """Below the pin's root, with one folder a training step."""
    steps: Mapping[str, int]
    """The training step that speaks for each phase; those without one are missing."""
    replayed: Replayed | None = field(default=None, metadata=SILENT)
    """None where no dictionary of it is at hand, or nobody has the model."""


NOTHING = Pin(name="nothing", home=Home.FOLDER, address="", licence="")
"""Stands where the other kind of study has dictionaries and phrases that somebody else made."""


@dataclass(frozen=True, kw_only=True)
class EmergenceSources(Sources):
    """Where a profile takes checkpoints and text from; `model` is the one whose tokenizer cuts the text."""

    dictionaries: Pin = field(default=NOTHING, metadata=SILENT)
    dictionary_files: tuple[str, ...] = field(default=(), metadata=SILENT)
    phrases: Pin = field(default=NOTHING, metadata=SILENT)
    phrase_source_ids: tuple[str, ...] = field(default=(), metadata=SILENT)
    translators: Mapping[str, Translator] = field(default_factory=dict, metadata=SILENT)
    benchmarks: Mapping[str, Pin] = field(default_factory=dict, metadata=SILENT)
    cells: tuple[ModelCell, ...]
    """Checkpoints that can be had; whatever rests on another one is not run."""
    texts: tuple[CorpusText, ...]
    """One of each language, in the study's order."""
    demonstration: Demonstration | None = None

    def pins(self) -> tuple[Pin, ...]:
        """Every pin of the profile, once."""
        texts = (text.pin for text in self.texts)
        told = self.demonstration
        shown = () if told is None else (told.pin, *([told.replayed.pin] if told.replayed else []))
        models = (self.model, *(cell.pin for cell in self.cells))
        return tuple(dict.fromkeys((*(pin for model in models for pin in model.pins), *texts, *shown)))

    def cell(self, size: str, phase: str) -> ModelCell | None:
        """The checkpoint that stands for a size and a phase; None where there is none."""
        return next((cell for cell in self.cells if (cell.size, cell.phase) == (size, phase)), None)


@dataclass(frozen=True, kw_only=True)
class EmergenceSizes(Sizes):
    """How much of everything a profile takes."""

    resizable: ClassVar[tuple[str, ...]] = ()
    """Nothing: a dictionary that is trained on less is another dictionary."""
    extraction_trains: ClassVar[bool] = False
    """Examples and parts are taken from dictionaries that stand."""

    latents_per_layer: int = field(default=1, metadata=SILENT)
    panel_latents: int = field(default=1, metadata=SILENT)
    held_out_fraction: float = field(default=0.5, metadata=SILENT)
    similarity_texts: int = field(default=0, metadata=SILENT)
    dictionary_texts: int = field(default=1, metadata=SILENT)
    adapter_seeds: tuple[int, ...] = field(default=(), metadata=SILENT)
    max_alignment_steps: int | None = field(default=None, metadata=SILENT)
    alignment_batch: int | None = field(default=None, metadata=SILENT)
    items_per_cell: int | None = field(default=None, metadata=SILENT)
    max_shots: int | None = field(default=None, metadata=SILENT)
    sae_seeds: tuple[int, ...]
    """Dictionaries of every layer of every checkpoint."""
    repeated_seeds: tuple[int, ...] = ()
    """More of them at half depth of the middle and the finished checkpoint, where claims on change rest: what one training varies by."""
    spliced_windows: int
    """Windows on which the loss is read with a rebuilt stream."""
    integration_windows: int
    """Windows on which parts of one model are put into another."""
    check_windows: int
    """Windows of each language on which a model's own loss is read."""
    windows: WindowChoice | None = None
    """How text is cut in a world whose text is too short for the study's choice; None where it is not."""
    recipe: TopKRecipe | None = None
    """How dictionaries are trained in a world whose models are too small for the study's choice; None where they are not."""
    classes: ClassChoice | None = None
    """How classes are told in a world with too little text for the study's choice; None where there is enough."""

    @property
    def planned(self) -> Mapping[str, int | None]:
        """How many of each kind of unit a run would have, as far as sizes tell; whether a latent fires, they do not."""
        return {"texts": self.integration_windows, "training seeds": len(self.seeds)}

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the dictionaries on which claims on change rest."""
        return (*self.sae_seeds, *self.repeated_seeds)

    @property
    def departures(self) -> tuple[str, ...]:
        """Those that stand for the study's own choices."""
        return tuple(name for name in ("windows", "recipe", "classes") if getattr(self, name) is not None)

    def where_set(self, path: str) -> str:
        """A choice of the study's that these sizes stand for is set in them."""
        choice, _, rest = path.removeprefix(CHOICES).partition(".")
        return f"profile.sizes.{choice}.{rest}" if choice in self.departures else path

    @property
    def of_one_seed(self) -> Self:
        """The same for a level that trains dictionaries: one seed of each."""
        return replace(self, sae_seeds=self.sae_seeds[:1], repeated_seeds=())


CHOICES = "study.primary."
"""How a level spells that it sets a choice of the study's."""
