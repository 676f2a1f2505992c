"""What a run is made of: what every item is made from, the stages that make items, and the plan that orders the stages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.words.errors import UsageError
from harness.words.records import adapter_name
from harness.words.specification import PRIMARY
from harness.words.study import (
    GEMMA_SCOPE,
    SILENT,
    AlignmentChoice,
    ModelPin,
    Pin,
    Profile,
    SAEForm,
    Study,
    layers_read,
)

Parameters = Mapping[str, Any]
"""Everything that decides what an item holds, inputs and code aside, by the names of its stage's keyword-only parameters."""


@dataclass(frozen=True, kw_only=True)
class Numerics:
    """Where and in which precision a model runs."""

    device: str
    """"cpu" or "cuda"."""
    dtype: str
    """Precision of the language model's weights; dictionaries always encode in float32."""
    threads: int


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The language model and its dictionaries."""

    model: ModelPin
    dictionaries: Pin
    dictionary_files: tuple[str, ...]
    numerics: Numerics
    batch_tokens: int
    dictionary_form: SAEForm = field(default=GEMMA_SCOPE, metadata=SILENT)
    dictionary_layers: tuple[int, ...] | None = field(default=None, metadata=SILENT)
    """Layers that the files are of, ascending, where not every layer has one."""

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that have a dictionary."""
        return layers_read(self.dictionary_layers, len(self.dictionary_files))

    def dictionary_file(self, layer: int) -> str:
        """The file of a layer's dictionary."""
        return self.dictionary_files[self.layers.index(layer)]


@dataclass(frozen=True, kw_only=True)
class ParallelTexts:
    """Sentences of a text that people translated, out of one language into another."""

    pin: Pin
    split: str
    source_config: str
    target_config: str
    sentences: int


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """One adapter that is trained otherwise than the primary ones, in one language and under one seed."""

    specification: str
    """What it differs in, such as "alpha=0.1"."""
    choice: AlignmentChoice
    language: str
    seed: int
    read_out: tuple[int, ...]
    """Layers whose latents say what became of the language, the layer that speaks for gains among them."""

    @property
    def name(self) -> str:
        """What it is called among the adapters."""
        return adapter_name(self.language, self.seed, specification=self.specification)


def stage_name(function: str) -> str:
    """What plans and people call the stage of a function: its own name, with dashes."""
    return function.partition(":")[2].replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One artifact to be made, all or nothing."""

    function: str
    """Module and name of the function that makes it, such as "harness.stages.phrases:phrases"."""
    name: str
    parameters: Parameters
    needs: tuple[tuple[str, "Item"], ...] = ()
    """Role and item of everything it reads."""
    specification: str = PRIMARY
    """The first specification that it is made for; others may need it as well."""

    @classmethod
    def of(cls, function: str, name: str, parameters: Parameters, **needs: "Item") -> "Item":
        """An item of a stage, and what it needs by role."""
        return cls(function=function, name=name, parameters=parameters, needs=tuple(needs.items()))

    @property
    def stage(self) -> str:
        """What plans and people call the stage that makes it."""
        return stage_name(self.function)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What passes through networks."""

    texts: int = 0
    """Texts that the language model reads, each as often as it does."""
    tokens: int = 0
    """Positions of them that it passes, padding aside."""
    token_layers: int = 0
    """Layers that each token passes, summed; a layer that is passed with gradients counts as two."""
    encoded: int = 0
    """Products of the stream with encoders and decoders of SAEs, a value by a latent each; one with gradients counts as two."""
    translated: int = 0
    """Texts that a translator is given."""

    def __add__(self, other: "Work") -> "Work":
        """Both together."""
        return self._with(other, 1)

    def __sub__(self, earlier: "Work") -> "Work":
        """What has been added since."""
        return self._with(earlier, -1)

    def _with(self, other: "Work", times: int) -> "Work":
        return Work(
            texts=self.texts + times * other.texts,
            tokens=self.tokens + times * other.tokens,
            token_layers=self.token_layers + times * other.token_layers,
            encoded=self.encoded + times * other.encoded,
            translated=self.translated + times * other.translated,
        )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Items that one process makes, so that a model is loaded once for all of them."""

    function: str
    """Module and name of the function that makes its items."""
    says: str
    items: tuple[Item, ...]
    uses_model: bool
    """True when the stage wants the accelerator."""

    @property
    def name(self) -> str:
        """What plans and people call it."""
        return stage_name(self.function)

    @property
    def module(self) -> str:
        """Where the work is done; its import closure is the stage's code."""
        return self.function.partition(":")[0]

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the stages it reads from, once each."""
        return tuple(dict.fromkeys(need.stage for item in self.items for _, need in item.needs))


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of several processes that share the items of a stage; which items are whose is fixed by the plan alone."""

    number: int
    """From 1 on."""
    of: int

    @classmethod
    def read(cls, text: str) -> "Part":
        """A part as commands spell it, such as "2/4".

        Raises:
            UsageError: If it is none.
        """
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise UsageError(
                f"{text!r} is no part of a stage; expected its number and how many there are, such as 2/4"
            )
        return cls(number=int(number), of=int(of))

    def items(self, stage: Stage) -> tuple[Item, ...]:
        """The items that it makes."""
        return stage.items[self.number - 1 :: self.of]

    def __str__(self) -> str:
        """The part as commands spell it, such as "2/4"."""
        return f"{self.number}/{self.of}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything one run will make, in an order in which it can be made."""

    study: Study
    profile: Profile
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """The stage of that name.

        Raises:
            ValueError: If the plan has no such stage.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.stages)
        raise ValueError(f"unknown stage {name!r}; this plan has {known}")

    def items(self) -> Iterator[Item]:
        """Every item of every stage, in the order of the plan."""
        for stage in self.stages:
            yield from stage.items
