"""What a run is made of: what every item is asked to make, the stages that make items, and the plan that orders the stages."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.words.study import (
    AlignmentChoice,
    Benchmark,
    Language,
    PhraseChoice,
    Pin,
    Profile,
    Specification,
    Study,
)


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

    model: Pin
    dictionaries: Pin
    dictionary_files: tuple[str, ...]
    numerics: Numerics
    batch_tokens: int


@dataclass(frozen=True, kw_only=True)
class PhrasesTask:
    """English phrases per (layer, latent)."""

    export: Pin
    source_ids: tuple[str, ...]
    dictionaries: Pin
    """Their latents are what rows may be about."""
    dictionary_files: tuple[str, ...]
    choice: PhraseChoice
    latents_per_layer: int
    panel_latents: int
    held_out_fraction: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class ReplayTask:
    """A sample of every layer's stored rows, computed anew."""

    export: Pin
    source_ids: tuple[str, ...]
    networks: Networks
    rows_per_layer: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class ParallelTexts:
    """Sentences of a text that people translated, out of one language into another."""

    pin: Pin
    split: str
    source_config: str
    target_config: str
    sentences: int


@dataclass(frozen=True, kw_only=True)
class TranslationTask:
    """All phrases in one target language. Needs: phrases."""

    language: Language
    translator: Pin
    target_token: str | None
    num_beams: int
    batch_texts: int
    numerics: Numerics


@dataclass(frozen=True, kw_only=True)
class TranslationScoresTask:
    """One translator on sentences that people translated too. Needs: nothing."""

    translation: TranslationTask
    parallel: ParallelTexts


@dataclass(frozen=True, kw_only=True)
class ActivationsTask:
    """Activations of one language's texts. Needs: phrases; translation unless English; adapter if tuned."""

    language: str
    networks: Networks
    similarity_texts: int
    """Size of the sample whose mean-pooled residual stream is kept; the same texts in every language."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class DictionaryTask:
    """How well the dictionaries describe one language. Needs: phrases; translation unless English."""

    language: str
    networks: Networks
    texts: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class AdapterTask:
    """One LoRA adapter. Needs: phrases and translation."""

    language: str
    seed: int
    networks: Networks
    choice: AlignmentChoice
    max_steps: int | None
    batch_size: int
    wrong_partners: bool = False
    """True of a control: every English phrase is paired with the translation of another one."""


@dataclass(frozen=True, kw_only=True)
class PublishedModelTask:
    """One tuned model as its authors published it: an adapter, or whole weights. Needs: nothing."""

    language: str
    name: str
    source: Pin
    model: Pin
    """The base model that it has to fit."""
    numerics: Numerics


@dataclass(frozen=True, kw_only=True)
class BenchmarksTask:
    """Per-item outcomes of every benchmark in one language. Needs: adapter if tuned."""

    language: str
    model: Pin
    benchmarks: tuple[Benchmark, ...]
    data: tuple[Pin, ...]
    """Data set of each benchmark, in the same order."""
    items: int | None
    max_shots: int | None
    numerics: Numerics
    batch_items: int


@dataclass(frozen=True, kw_only=True)
class EstimatesTask:
    """Every quantity of the study. Needs: all stored tables."""

    languages: tuple[Language, ...]
    benchmarks: tuple[Benchmark, ...]
    num_layers: int
    specification: Specification
    adapter_seeds: tuple[int, ...]
    control_seeds: tuple[int, ...] = ()
    published: tuple[tuple[str, str], ...] = ()
    """Language and name of every published model."""


@dataclass(frozen=True, kw_only=True)
class LanguageChecks:
    """What the self-checks ask of one tuned language."""

    translation: TranslationTask
    activations: ActivationsTask
    dictionary: DictionaryTask
    adapter: AdapterTask

    @property
    def language(self) -> Language:
        """The language itself."""
        return self.translation.language


@dataclass(frozen=True, kw_only=True)
class SelfChecksTask:
    """Known numbers of every stage, each recomputed from committed inputs. Needs: nothing."""

    known_numbers: Pin
    """Folder with the recorded numbers and the inputs of every stage."""
    phrases: PhrasesTask
    languages: tuple[LanguageChecks, ...]
    """Every tuned language, in the study's order."""
    benchmarks: BenchmarksTask
    """In the reference language, asked of the untouched model and through each language's adapter."""


Task = (
    PhrasesTask
    | ReplayTask
    | TranslationTask
    | TranslationScoresTask
    | ActivationsTask
    | DictionaryTask
    | AdapterTask
    | PublishedModelTask
    | BenchmarksTask
    | EstimatesTask
    | SelfChecksTask
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One artifact to be made, all or nothing."""

    stage: str
    name: str
    task: Task
    needs: tuple[tuple[str, "Item"], ...] = ()
    """Role and item of everything it reads."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Items that one process makes, so that a model is loaded once for all of them."""

    name: str
    says: str
    module: str
    """Where the work is done; its import closure is the stage's code."""
    items: tuple[Item, ...]
    uses_model: bool
    """True when the stage wants the accelerator."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the stages it reads from, once each."""
        return tuple(dict.fromkeys(need.stage for item in self.items for _, need in item.needs))


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
