"""The map: which stages a run has, what each item is made from, and where the work is done."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.study import Language, Profile, Study
from harness.tasks import (
    ActivationsTask,
    AdapterTask,
    BenchmarksTask,
    DictionaryTask,
    EstimatesTask,
    Networks,
    Numerics,
    PhrasesTask,
    SelfChecksTask,
    Task,
    TranslationTask,
)

Produce = Callable[[Any, Mapping[str, Path], Path], None]
"""Makes one item: its task, the folders of what it needs by role, and the folder to fill."""

SEED = 20_250_725
"""Root of every sampling stream that is not an adapter's: the day the paper was submitted."""

BATCH_TEXTS = 32
"""Texts per translation batch, and options per benchmark batch."""


SELF_CHECK_STEPS = 2
"""Training steps of the adapter that the self-checks train."""


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


def plan(study: Study, profile: Profile, device: str) -> Plan:
    """The stages of one study in one world; the same arguments give the same plan."""
    draft = _Draft(study, profile, device)
    phrases = draft.phrases()
    translations = {language.code: draft.translation(language, phrases) for language in study.targets}
    texts = {language.code: draft.texts(language, phrases, translations) for language in study.languages}
    activations = {code: draft.activations(code, needs) for code, needs in texts.items()}
    errors = tuple(draft.dictionary_error(code, needs) for code, needs in texts.items())
    adapters = tuple(
        draft.adapter(language, seed, texts[language.code])
        for language in study.tuned
        for seed in profile.sizes.adapter_seeds
    )
    tuned = tuple(
        draft.activations_tuned(adapter, code, texts[code])
        for adapter in adapters
        for code in draft.read_by(adapter)
    )
    base_scores = tuple(draft.benchmarks(language.code) for language in study.languages)
    tuned_scores = tuple(
        draft.benchmarks(code, adapter) for adapter in adapters for code in draft.read_by(adapter)
    )
    measured = (*activations.values(), *errors, *adapters, *tuned, *base_scores, *tuned_scores)
    estimates = draft.estimates((phrases, *translations.values(), *measured))
    stages = (
        Stage(name="phrases", says="phrases on which each latent peaks", module="harness.phrases",
              items=(phrases,), uses_model=False),
        Stage(name="translations", says="the phrases in every target language", module="harness.translation",
              items=tuple(translations.values()), uses_model=True),
        Stage(name="activations", says="latents over every text, untouched model", module="harness.extraction",
              items=tuple(activations.values()), uses_model=True),
        Stage(name="dictionary-error", says="how well the dictionaries describe each language",
              module="harness.dictionary", items=errors, uses_model=True),
        Stage(name="adapters", says="LoRA adapters, one per language and seed", module="harness.alignment",
              items=adapters, uses_model=True),
        Stage(name="activations-tuned", says="latents through each adapter", module="harness.extraction",
              items=tuned, uses_model=True),
        Stage(name="benchmarks", says="benchmark answers, untouched model", module="harness.evaluation",
              items=base_scores, uses_model=True),
        Stage(name="benchmarks-tuned", says="benchmark answers through each adapter", module="harness.evaluation",
              items=tuned_scores, uses_model=True),
        Stage(name="estimates", says="every quantity of the study", module="harness.estimates",
              items=(estimates,), uses_model=False),
        *draft.self_checks(),
    )  # fmt: skip
    return Plan(study=study, profile=profile, stages=tuple(stage for stage in stages if stage.items))


def producer(stage: str) -> Produce:  # noqa: PLR0911  one line per stage is the map
    """The function that makes an item of a stage; imports only what that stage needs.

    Raises:
        ValueError: If no stage has that name.
    """
    match stage:
        case "phrases":
            from harness import phrases

            return phrases.produce
        case "translations":
            from harness import translation

            return translation.produce
        case "activations" | "activations-tuned":
            from harness import extraction

            return extraction.produce
        case "dictionary-error":
            from harness import dictionary

            return dictionary.produce
        case "adapters":
            from harness import alignment

            return alignment.produce
        case "benchmarks" | "benchmarks-tuned":
            from harness import evaluation

            return evaluation.produce
        case "estimates":
            from harness import estimates

            return estimates.produce
        case "self-checks":
            from harness import selfchecks

            return selfchecks.produce
    raise ValueError(f"no stage is called {stage!r}")


@dataclass(frozen=True)
class _Draft:
    """Fills tasks from a study and a profile."""

    study: Study
    profile: Profile
    device: str

    @property
    def numerics(self) -> Numerics:
        sizes = self.profile.sizes
        return Numerics(device=self.device, dtype=sizes.dtype, threads=sizes.threads)

    @property
    def networks(self) -> Networks:
        sources = self.profile.sources
        return Networks(
            model=sources.model,
            dictionaries=sources.dictionaries,
            dictionary_files=sources.dictionary_files,
            numerics=self.numerics,
            batch_tokens=self.profile.sizes.batch_tokens,
        )

    def phrases(self) -> Item:
        return Item(stage="phrases", name="all", task=self.phrases_task())

    def phrases_task(self) -> PhrasesTask:
        sizes = self.profile.sizes
        return PhrasesTask(
            export=self.profile.sources.phrases,
            source_ids=self.profile.sources.phrase_source_ids,
            choice=self.study.primary.phrases,
            latents_per_layer=sizes.latents_per_layer,
            panel_latents=sizes.panel_latents,
            held_out_fraction=sizes.held_out_fraction,
            seed=SEED,
        )

    def translation(self, language: Language, phrases: Item) -> Item:
        task = self.translation_task(language)
        return Item(stage="translations", name=language.code, task=task, needs=(("phrases", phrases),))

    def translation_task(self, language: Language) -> TranslationTask:
        translator = self.profile.sources.translators[language.code]
        return TranslationTask(
            language=language,
            translator=translator.pin,
            target_token=translator.target_token,
            num_beams=self.study.primary.num_beams,
            batch_texts=BATCH_TEXTS,
            numerics=self.numerics,
        )

    def texts(
        self, language: Language, phrases: Item, translations: Mapping[str, Item]
    ) -> tuple[tuple[str, Item], ...]:
        if language.code == self.study.reference.code:
            return (("phrases", phrases),)
        return (("phrases", phrases), ("translation", translations[language.code]))

    def activations(self, code: str, needs: tuple[tuple[str, Item], ...]) -> Item:
        similarity_texts = self.profile.sizes.similarity_texts
        task = ActivationsTask(language=code, networks=self.networks, similarity_texts=similarity_texts)
        return Item(stage="activations", name=code, task=task, needs=needs)

    def activations_tuned(self, adapter: Item, code: str, needs: tuple[tuple[str, Item], ...]) -> Item:
        task = ActivationsTask(language=code, networks=self.networks, similarity_texts=0)
        name = f"{adapter.name}/{code}"
        return Item(stage="activations-tuned", name=name, task=task, needs=(*needs, ("adapter", adapter)))

    def dictionary_error(self, code: str, needs: tuple[tuple[str, Item], ...]) -> Item:
        texts = self.profile.sizes.dictionary_texts
        task = DictionaryTask(language=code, networks=self.networks, texts=texts, seed=SEED)
        return Item(stage="dictionary-error", name=code, task=task, needs=needs)

    def adapter(self, language: Language, seed: int, needs: tuple[tuple[str, Item], ...]) -> Item:
        sizes, choice = self.profile.sizes, self.study.primary.alignment
        task = AdapterTask(
            language=language.code,
            seed=seed,
            networks=self.networks,
            choice=choice,
            max_steps=sizes.max_alignment_steps,
            batch_size=sizes.alignment_batch or choice.batch_size,
        )
        return Item(stage="adapters", name=f"{language.code}/seed-{seed}", task=task, needs=needs)

    def read_by(self, adapter: Item) -> tuple[str, str]:
        """An adapter is measured on its own language and on the reference language."""
        return adapter.name.split("/")[0], self.study.reference.code

    def benchmarks(self, code: str, adapter: Item | None = None) -> Item:
        task = self.benchmarks_task(code)
        if adapter is None:
            return Item(stage="benchmarks", name=code, task=task)
        name = f"{adapter.name}/{code}"
        return Item(stage="benchmarks-tuned", name=name, task=task, needs=(("adapter", adapter),))

    def benchmarks_task(self, code: str) -> BenchmarksTask:
        sources, sizes = self.profile.sources, self.profile.sizes
        return BenchmarksTask(
            language=code,
            model=sources.model,
            benchmarks=self.study.benchmarks,
            data=tuple(sources.benchmarks[benchmark.data_folder] for benchmark in self.study.benchmarks),
            items=sizes.items_per_cell,
            max_shots=sizes.max_shots,
            numerics=self.numerics,
            batch_items=BATCH_TEXTS,
        )

    def estimates(self, needs: tuple[Item, ...]) -> Item:
        task = EstimatesTask(
            languages=self.study.languages,
            benchmarks=self.study.benchmarks,
            num_layers=self.study.shapes.num_layers,
            specification=self.study.primary,
            adapter_seeds=self.profile.sizes.adapter_seeds,
        )
        roles = tuple((f"{item.stage}/{item.name}", item) for item in needs)
        return Item(stage="estimates", name="all", task=task, needs=roles)

    def self_checks(self) -> tuple[Stage, ...]:
        known = self.profile.known_numbers
        if known is None:
            return ()
        language, sizes = self.study.tuned[0], self.profile.sizes
        choice = self.study.primary.alignment
        networks = self.networks
        task = SelfChecksTask(
            known_numbers=known,
            phrases=self.phrases_task(),
            translation=self.translation_task(language),
            activations=ActivationsTask(language=language.code, networks=networks, similarity_texts=0),
            dictionary=DictionaryTask(
                language=language.code, networks=networks, texts=sizes.dictionary_texts, seed=SEED
            ),
            adapter=AdapterTask(
                language=language.code,
                seed=sizes.adapter_seeds[0],
                networks=networks,
                choice=choice,
                max_steps=SELF_CHECK_STEPS,
                batch_size=sizes.alignment_batch or choice.batch_size,
            ),
            benchmarks=self.benchmarks_task(self.study.reference.code),
        )
        item = Item(stage="self-checks", name="all", task=task)
        return (
            Stage(name="self-checks", says="known numbers, computed again", module="harness.selfchecks",
                  items=(item,), uses_model=True),
        )  # fmt: skip
