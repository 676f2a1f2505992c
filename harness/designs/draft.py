"""Fills every item's task from a study and a profile: which choice of the specification ends up where."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.words.plan import (
    ActivationsTask,
    AdapterTask,
    BenchmarksTask,
    DictionaryTask,
    EstimatesTask,
    Item,
    LanguageChecks,
    Networks,
    Numerics,
    ParallelTexts,
    PhrasesTask,
    PublishedModelTask,
    ReplayTask,
    SelfChecksTask,
    Stage,
    TranslationScoresTask,
    TranslationTask,
)
from harness.words.records import adapter_name, published_name
from harness.words.study import SAMPLING_SEED, Language, Parallel, Profile, PublishedModel, Study

BATCH_TEXTS = 32
"""Texts per translation batch, and options per benchmark batch."""


REPLAYED_ROWS = 50
"""Stored rows of each layer that are computed anew."""

SELF_CHECK_STEPS = 2
"""Training steps of the adapter that the self-checks train."""


@dataclass(frozen=True)
class Draft:
    """Fills tasks from a study and a profile."""

    study: Study
    profile: Profile
    device: str

    @property
    def numerics(self) -> Numerics:
        """Where models run, and in which precision."""
        sizes = self.profile.sizes
        return Numerics(device=self.device, dtype=sizes.dtype, threads=sizes.threads)

    @property
    def networks(self) -> Networks:
        """The language model with its dictionaries."""
        sources = self.profile.sources
        return Networks(
            model=sources.model,
            dictionaries=sources.dictionaries,
            dictionary_files=sources.dictionary_files,
            numerics=self.numerics,
            batch_tokens=self.profile.sizes.batch_tokens,
        )

    def phrases(self) -> Item:
        """The phrases, all layers at once: texts are shared between them."""
        return Item(stage="phrases", name="all", task=self.phrases_task())

    def phrases_task(self) -> PhrasesTask:
        """How phrases are selected."""
        sizes, sources = self.profile.sizes, self.profile.sources
        return PhrasesTask(
            export=sources.phrases,
            source_ids=sources.phrase_source_ids,
            dictionaries=sources.dictionaries,
            dictionary_files=sources.dictionary_files,
            choice=self.study.primary.phrases,
            latents_per_layer=sizes.latents_per_layer,
            panel_latents=sizes.panel_latents,
            held_out_fraction=sizes.held_out_fraction,
            seed=self.profile.sizes.sampling_seed,
        )

    def replay(self) -> Item:
        """The replay gate, all layers at once: the model is loaded for it alone."""
        sources = self.profile.sources
        task = ReplayTask(
            export=sources.phrases,
            source_ids=sources.phrase_source_ids,
            networks=self.networks,
            rows_per_layer=REPLAYED_ROWS,
            seed=self.profile.sizes.sampling_seed,
        )
        return Item(stage="replay", name="all", task=task)

    def translation(self, language: Language, phrases: Item) -> Item:
        """All phrases in one target language."""
        task = self.translation_task(language)
        return Item(stage="translations", name=language.code, task=task, needs=(("phrases", phrases),))

    def translation_task(self, language: Language) -> TranslationTask:
        """How one language is translated into."""
        translator = self.profile.sources.translators[language.code]
        return TranslationTask(
            language=language,
            translator=translator.pin,
            target_token=translator.target_token,
            num_beams=self.study.primary.num_beams,
            batch_texts=BATCH_TEXTS,
            numerics=self.numerics,
        )

    def translation_scores(self) -> tuple[Item, ...]:
        """Every translator on the parallel text; none in a world without such a text."""
        parallel = self.profile.sources.parallel
        if parallel is None:
            return ()
        return tuple(self._translation_score(language, parallel) for language in self.study.targets)

    def _translation_score(self, language: Language, parallel: Parallel) -> Item:
        texts = ParallelTexts(
            pin=parallel.pin,
            split=parallel.split,
            source_config=parallel.configs[self.study.reference.code],
            target_config=parallel.configs[language.code],
            sentences=self.profile.sizes.parallel_texts,
        )
        task = TranslationScoresTask(translation=self.translation_task(language), parallel=texts)
        return Item(stage="translation-scores", name=language.code, task=task)

    def texts(
        self, language: Language, phrases: Item, translations: Mapping[str, Item]
    ) -> tuple[tuple[str, Item], ...]:
        """What a stage that reads one language needs: the phrases, and their translation unless it is English."""
        if language.code == self.study.reference.code:
            return (("phrases", phrases),)
        return (("phrases", phrases), ("translation", translations[language.code]))

    def activations(self, code: str, needs: tuple[tuple[str, Item], ...]) -> Item:
        """One language through the untouched model."""
        similarity_texts = self.profile.sizes.similarity_texts
        task = ActivationsTask(
            language=code,
            networks=self.networks,
            similarity_texts=similarity_texts,
            seed=self.profile.sizes.sampling_seed,
        )
        return Item(stage="activations", name=code, task=task, needs=needs)

    def activations_tuned(self, adapter: Item, code: str, needs: tuple[tuple[str, Item], ...]) -> Item:
        """One language through one adapter; similarity is not asked of tuned models."""
        task = ActivationsTask(
            language=code, networks=self.networks, similarity_texts=0, seed=self.profile.sizes.sampling_seed
        )
        name = f"{adapter.name}/{code}"
        return Item(stage="activations-tuned", name=name, task=task, needs=(*needs, ("adapter", adapter)))

    def dictionary_error(self, code: str, needs: tuple[tuple[str, Item], ...]) -> Item:
        """How well the dictionaries describe one language."""
        texts = self.profile.sizes.dictionary_texts
        task = DictionaryTask(
            language=code, networks=self.networks, texts=texts, seed=self.profile.sizes.sampling_seed
        )
        return Item(stage="dictionary-error", name=code, task=task, needs=needs)

    def adapter(
        self, language: Language, seed: int, needs: tuple[tuple[str, Item], ...], *, is_control: bool = False
    ) -> Item:
        """One adapter of one language; a control is trained on wrong partners, and alike in all else."""
        sizes, choice = self.profile.sizes, self.study.primary.alignment
        task = AdapterTask(
            language=language.code,
            seed=seed,
            networks=self.networks,
            choice=choice,
            max_steps=sizes.max_alignment_steps,
            batch_size=sizes.alignment_batch or choice.batch_size,
            wrong_partners=is_control,
        )
        name = adapter_name(language.code, seed, is_control=is_control)
        return Item(stage="adapters", name=name, task=task, needs=needs)

    def published(self, model: PublishedModel) -> Item:
        """One tuned model as its authors published it; it stands where an adapter would."""
        task = PublishedModelTask(
            language=model.language,
            name=model.name,
            source=model.pin,
            model=self.profile.sources.model,
            numerics=self.numerics,
        )
        return Item(stage="published-models", name=published_name(model.language, model.name), task=task)

    def read_by(self, adapter: Item) -> tuple[str, str]:
        """An adapter is measured on its own language and on the reference language."""
        return adapter.name.split("/")[0], self.study.reference.code

    def benchmarks(self, code: str, adapter: Item | None = None) -> Item:
        """One language's benchmarks, answered by the untouched model or through an adapter."""
        task = self.benchmarks_task(code)
        if adapter is None:
            return Item(stage="benchmarks", name=code, task=task)
        name = f"{adapter.name}/{code}"
        return Item(stage="benchmarks-tuned", name=name, task=task, needs=(("adapter", adapter),))

    def benchmarks_task(self, code: str) -> BenchmarksTask:
        """How one language's benchmarks are asked."""
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
        """Every quantity, from everything measured."""
        task = EstimatesTask(
            languages=self.study.languages,
            benchmarks=self.study.benchmarks,
            num_layers=self.study.shapes.num_layers,
            specification=self.study.primary,
            adapter_seeds=self.profile.sizes.adapter_seeds,
            control_seeds=self.profile.sizes.control_seeds,
            published=tuple((each.language, each.name) for each in self.profile.sources.published_models),
        )
        roles = tuple((f"{item.stage}/{item.name}", item) for item in needs)
        return Item(stage="estimates", name="all", task=task, needs=roles)

    def self_checks(self) -> tuple[Stage, ...]:
        """The self-checks' stage; none in a world without known numbers."""
        known = self.profile.known_numbers
        if known is None:
            return ()
        task = SelfChecksTask(
            known_numbers=known,
            phrases=self.phrases_task(),
            languages=tuple(self._language_checks(language) for language in self.study.tuned),
            benchmarks=self.benchmarks_task(self.study.reference.code),
        )
        item = Item(stage="self-checks", name="all", task=task)
        return (
            Stage(name="self-checks", says="known numbers, computed again", module="harness.stages.self_checks",
                  items=(item,), uses_model=True),
        )  # fmt: skip

    def _language_checks(self, language: Language) -> LanguageChecks:
        sizes, choice = self.profile.sizes, self.study.primary.alignment
        code, networks = language.code, self.networks
        return LanguageChecks(
            translation=self.translation_task(language),
            activations=ActivationsTask(
                language=code, networks=networks, similarity_texts=0, seed=SAMPLING_SEED
            ),
            dictionary=DictionaryTask(
                language=code, networks=networks, texts=sizes.dictionary_texts, seed=SAMPLING_SEED
            ),
            adapter=AdapterTask(
                language=code,
                seed=sizes.adapter_seeds[0],
                networks=networks,
                choice=choice,
                max_steps=SELF_CHECK_STEPS,
                batch_size=sizes.alignment_batch or choice.batch_size,
            ),
        )
