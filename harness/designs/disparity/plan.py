"""What a run of this design makes: its stages, what each item is told, and what each is made from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from harness.designs.disparity.specified_items import SPECIFIED_ESTIMATES, specifying
from harness.designs.specified_items import specified_items
from harness.stages.stage import staged
from harness.words.plan import Ablation, Item, Networks, Numerics, ParallelTexts, Parameters, Plan
from harness.words.records import adapter_name, parallel_name, published_name, romanised_name
from harness.words.specification import AxisKind, of_kind
from harness.words.study import (
    GEMMA_2,
    SAMPLING_SEED,
    Language,
    Profile,
    PublishedModel,
    Study,
    specified_worlds,
)

HARVEST = "harness.stages.harvest:harvest"
REPLAY = "harness.stages.replay:replay"
PHRASES = "harness.stages.phrases:phrases"
CONVERTED_TRANSLATORS = "harness.stages.translation:converted_translators"
TRANSLATION_SHARDS = "harness.stages.translation:translation_shards"
TRANSLATIONS = "harness.stages.translation:translations"
ROMANISATIONS = "harness.stages.romanisation:romanisations"
TRANSLATION_SCORES = "harness.stages.translation_scores:translation_scores"
ACTIVATIONS = "harness.stages.extraction:activations"
DICTIONARY_ERROR = "harness.stages.dictionary_error:dictionary_error"
ADAPTERS = "harness.stages.alignment:adapters"
PUBLISHED_MODELS = "harness.stages.published_models:published_models"
ACTIVATIONS_TUNED = "harness.stages.extraction:activations_tuned"
BENCHMARKS = "harness.stages.evaluation:benchmarks"
BENCHMARKS_TUNED = "harness.stages.evaluation:benchmarks_tuned"
ESTIMATES = "harness.designs.disparity.estimates:estimates"
SELF_CHECKS = "harness.stages.self_checks:self_checks"

STAGES = (
    HARVEST,
    REPLAY,
    PHRASES,
    CONVERTED_TRANSLATORS,
    TRANSLATION_SHARDS,
    TRANSLATIONS,
    ROMANISATIONS,
    TRANSLATION_SCORES,
    ACTIVATIONS,
    DICTIONARY_ERROR,
    ADAPTERS,
    PUBLISHED_MODELS,
    ACTIVATIONS_TUNED,
    BENCHMARKS,
    BENCHMARKS_TUNED,
    ESTIMATES,
    SPECIFIED_ESTIMATES,
    SELF_CHECKS,
)
"""Every stage, in the order in which people read of them; each reads from earlier ones alone."""

BATCH_TEXTS = 32
"""Texts per translation batch, and prompts per benchmark batch."""

SHARD_TEXTS = 16_384
"""Phrases that are translated in one piece, all or nothing: some minutes of work on an accelerator, or on many cores."""

WHOLE_DEPTH_TEXTS = 2_048
"""Texts of each language that are read at every layer that has a dictionary, and whose panels are kept."""

TEXTS_PER_SPLICED = 24
"""One text in so many of those that dictionaries are tried on is read once more for every dictionary, with its stream rebuilt."""

REPLAYED_ROWS = 50
"""Stored rows of each layer that are computed anew."""

SELF_CHECK_STEPS = 2
"""Training steps of the adapter that the self-checks train."""


def plan(study: Study, profile: Profile, device: str) -> Plan:
    """The stages of one study in one world; the same arguments give the same plan.

    Of specifications that stored values do not give it holds what they have not in common with the primary one, or with an earlier one.
    """

    def estimates_of(study: Study, profile: Profile) -> Item:
        drawn = _items(study, profile, Told(study, profile, device))
        return next(item for item in drawn if item.function == ESTIMATES)

    primary = tuple(_items(study, profile, Told(study, profile, device)))
    items = (*primary, *specified_items(primary, specified_worlds(study, profile), specifying(estimates_of)))
    stages = (staged(function, items) for function in STAGES)
    return Plan(study=study, profile=profile, stages=tuple(stage for stage in stages if stage.items))


@dataclass(frozen=True, kw_only=True)
class _Texts:
    """Phrases in every language, and what was made on the way."""

    phrases: Item
    translators: Mapping[str, Item]
    shards: Mapping[str, tuple[Item, ...]]
    translations: Mapping[str, Item]

    def of(self, language: str) -> Mapping[str, Item]:
        """What a stage that reads one language needs: the phrases, and their translation unless it is English."""
        translated = self.translations.get(language)
        return {"phrases": self.phrases, **({} if translated is None else {"translation": translated})}


@dataclass(frozen=True, kw_only=True)
class _Trained:
    """Adapters, and what stands where one would."""

    adapters: tuple[Item, ...]
    controls: tuple[Item, ...]
    ablated: tuple[tuple[Ablation, Item], ...]
    published: tuple[Item, ...]


def _items(study: Study, profile: Profile, told: "Told") -> Iterator[Item]:
    codes = [language.code for language in study.languages]
    # Rows come from an export, which is no item, or from what is harvested of a corpus.
    rows = {} if profile.sources.harvest is None else {"harvest": Item.of(HARVEST, "all", told.harvest())}
    texts = _texts(study, told, Item.of(PHRASES, "all", told.phrases(), **rows))
    trained = _trained(study, told, texts)
    # An adapter, or a published model in its place, is measured on its own language and on the reference language.
    read = [
        (adapter, code)
        for adapter in (*trained.adapters, *trained.published)
        for code in (_language(adapter), study.reference.code)
    ]
    romanised, scores = _romanised(study, texts), _translation_scores(study, told, texts)
    measured = [
        texts.phrases,
        *texts.translations.values(),
        *scores,
        *_activations(study, told, texts, romanised, scores),
        *(Item.of(DICTIONARY_ERROR, code, told.dictionary_error(code), **texts.of(code)) for code in codes),
        *trained.adapters,
        *trained.controls,
        *(adapter for _, adapter in trained.ablated),
        *_activations_tuned(study, told, texts, trained, read),
        *(Item.of(BENCHMARKS, code, told.benchmarks(code)) for code in codes),
        *(
            Item.of(BENCHMARKS_TUNED, f"{adapter.name}/{code}", told.benchmarks(code), adapter=adapter)
            for adapter, code in read
        ),
    ]
    yield Item.of(REPLAY, "all", told.replay(), **rows)
    yield from (
        *rows.values(),
        *measured,
        *trained.published,
        *romanised.values(),
        *texts.translators.values(),
        *chain.from_iterable(texts.shards.values()),
    )
    named = {f"{item.stage}/{item.name}": item for item in measured}
    yield Item.of(ESTIMATES, "all", told.estimates(), **named)
    if profile.known_numbers is not None:
        yield Item.of(SELF_CHECKS, "all", told.self_checks())


def _texts(study: Study, told: "Told", phrases: Item) -> _Texts:
    translators = {
        language.code: Item.of(CONVERTED_TRANSLATORS, language.code, told.translator(language))
        for language in study.targets
    }
    shards = {
        language.code: tuple(
            Item.of(
                TRANSLATION_SHARDS,
                f"{language.code}/{shard}",
                told.translation(language, shard),
                phrases=phrases,
                translator=translators[language.code],
            )
            for shard in range(num_shards(study, told.profile))
        )
        for language in study.targets
    }
    translations = {
        language.code: Item.of(
            TRANSLATIONS,
            language.code,
            {"language": language},
            phrases=phrases,
            **{shard.name: shard for shard in shards[language.code]},
        )
        for language in study.targets
    }
    return _Texts(phrases=phrases, translators=translators, shards=shards, translations=translations)


def _romanised(study: Study, texts: _Texts) -> Mapping[str, Item]:
    return {
        language.code: Item.of(
            ROMANISATIONS, language.code, {}, translation=texts.translations[language.code]
        )
        for language in study.targets
        if language.script != study.reference.script
    }


def _translation_scores(study: Study, told: "Told", texts: _Texts) -> list[Item]:
    if told.profile.sources.parallel is None:
        return []
    return [
        Item.of(
            TRANSLATION_SCORES,
            language.code,
            told.translation_scores(language),
            translator=texts.translators[language.code],
        )
        for language in study.targets
    ]


def _activations(
    study: Study, told: "Told", texts: _Texts, romanised: Mapping[str, Item], scores: Sequence[Item]
) -> Iterator[Item]:
    for language in study.languages:
        parameters = told.activations(language.code, told.profile.sizes.similarity_texts)
        yield Item.of(ACTIVATIONS, language.code, parameters, **texts.of(language.code))
    # In other letters only what a phrase's own latents show is asked.
    for code, text in romanised.items():
        parameters = {**told.activations(code, 0), "panel_texts": 0}
        yield Item.of(ACTIVATIONS, romanised_name(code), parameters, phrases=texts.phrases, translation=text)
    # What people translated too is read by the panel alone.
    for score in scores:
        needs = {"phrases": texts.phrases, "parallel": score}
        yield Item.of(ACTIVATIONS, parallel_name(score.name), told.activations(score.name, 0), **needs)


def _trained(study: Study, told: "Told", texts: _Texts) -> _Trained:
    profile = told.profile
    adapters, controls = (
        tuple(
            Item.of(
                ADAPTERS,
                adapter_name(language.code, seed, is_control=is_control),
                told.adapter(language, seed, is_control=is_control),
                **texts.of(language.code),
            )
            for language in languages
            for seed in seeds
        )
        for is_control, languages, seeds in (
            (False, study.tuned, profile.sizes.adapter_seeds),
            (True, ablated_languages(study, profile), profile.sizes.control_seeds),
        )
    )
    ablated = tuple(
        (
            ablation,
            Item.of(ADAPTERS, ablation.name, told.ablated_adapter(ablation), **texts.of(ablation.language)),
        )
        for ablation in ablations(study, profile)
    )
    published = tuple(
        Item.of(PUBLISHED_MODELS, published_name(model.language, model.name), told.published(model))
        for model in profile.sources.published_models
    )
    return _Trained(adapters=adapters, controls=controls, ablated=ablated, published=published)


def _activations_tuned(
    study: Study, told: "Told", texts: _Texts, trained: _Trained, read: list[tuple[Item, str]]
) -> Iterator[Item]:
    """Held-out texts through whatever was trained; a control reads its own language alone."""
    for adapter, code in (*read, *((control, _language(control)) for control in trained.controls)):
        yield _read(adapter, code, told.activations_tuned(code), texts)
    for ablation, adapter in trained.ablated:
        for code in (ablation.language, study.reference.code):
            parameters = {**told.activations_tuned(code), "deepest": max(ablation.read_out)}
            yield _read(adapter, code, parameters, texts)


def _read(adapter: Item, language: str, parameters: Parameters, texts: _Texts) -> Item:
    name = f"{adapter.name}/{language}"
    return Item.of(ACTIVATIONS_TUNED, name, parameters, **texts.of(language), adapter=adapter)


def num_shards(study: Study, profile: Profile) -> int:
    """Shards that hold all phrases of a language, however many of those that could be drawn turn out to be distinct."""
    return -(-most_phrases(study, profile) // SHARD_TEXTS)


def most_phrases(study: Study, profile: Profile) -> int:
    """Phrases that would be drawn if every latent had as many as it may, and no two had the same."""
    sizes, allowed = profile.sizes, study.specification.phrases.max_examples
    of_a_latent = min(allowed, sizes.phrases_per_latent or allowed)
    return len(profile.sources.phrase_source_ids) * sizes.latents_per_layer * of_a_latent


def ablated_languages(study: Study, profile: Profile) -> tuple[Language, ...]:
    """Tuned languages that controls and ablations are trained in."""
    asked = profile.sizes.ablated_languages
    return tuple(language for language in study.tuned if not asked or language.code in asked)


def ablations(study: Study, profile: Profile) -> tuple[Ablation, ...]:
    """Every adapter that is trained otherwise, as the sizes say: one a specification and language, of the first seed."""
    return tuple(
        Ablation(
            specification=name,
            choice=study.alignment(name),
            language=language.code,
            seed=profile.sizes.adapter_seeds[0],
            read_out=study.read_out(name),
        )
        for name in profile.sizes.ablations
        if study.alignment(name) != study.specification.alignment
        for language in ablated_languages(study, profile)
    )


def _language(adapter: Item) -> str:
    language: str = adapter.parameters["language"]
    return language


@dataclass(frozen=True)
class Told:
    """What each stage is told of a study and a profile: which choice of the specification ends up where."""

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
            dictionary_form=sources.dictionary_form,
            dictionary_layers=self.study.shapes.dictionary_layers,
        )

    @property
    def _some_layers(self) -> Parameters:
        """The layers that have a dictionary; nothing where every layer has one, so that names stay what they were."""
        layers = self.study.shapes.dictionary_layers
        return {} if layers is None else {"dictionary_layers": layers}

    def harvest(self) -> Parameters:
        """How much of which corpus is read for each latent's strongest rows."""
        sources = self.profile.sources
        return {
            "corpus": sources.phrases,
            "how": sources.harvest,
            "source_ids": sources.phrase_source_ids,
            "networks": self.networks,
        }

    def replay(self) -> Parameters:
        """Which stored rows are computed anew."""
        return {
            "export": self.profile.sources.phrases,
            "source_ids": self.profile.sources.phrase_source_ids,
            "networks": self.networks,
            "rows_per_layer": REPLAYED_ROWS,
            "seed": self.profile.sizes.sampling_seed,
        }

    def phrases(self) -> Parameters:
        """How phrases are selected."""
        sizes, sources = self.profile.sizes, self.profile.sources
        # Silent like the facts of a pin where they are what they always were.
        facts = sources.model.facts
        return {
            **({} if facts == GEMMA_2 else {"facts": facts}),
            **self._some_layers,
            "export": sources.phrases,
            "source_ids": sources.phrase_source_ids,
            "dictionaries": sources.dictionaries,
            "dictionary_files": sources.dictionary_files,
            "choice": self.study.specification.phrases,
            "latents_per_layer": sizes.latents_per_layer,
            "phrases_per_latent": sizes.phrases_per_latent,
            "panel_latents": sizes.panel_latents,
            "held_out_fraction": sizes.held_out_fraction,
            "seed": self.profile.sizes.sampling_seed,
        }

    def translator(self, language: Language) -> Parameters:
        """Which model translates into one language."""
        return {"translator": self.profile.sources.translators[language.code].pin}

    def translation(self, language: Language, shard: int) -> Parameters:
        """How one shard of the phrases is translated into one language."""
        return {"shard": shard, "shard_texts": SHARD_TEXTS, **self._translating(language)}

    def _translating(self, language: Language) -> Parameters:
        return {
            "target_token": self.profile.sources.translators[language.code].target_token,
            "num_beams": self.study.specification.num_beams,
            "batch_texts": BATCH_TEXTS,
            "numerics": replace(self.numerics, dtype=self.profile.sizes.translator_dtype),
        }

    def translation_scores(self, language: Language) -> Parameters:
        """On which sentences a translator is held against people."""
        parallel = self.profile.sources.parallel
        assert parallel is not None
        texts = ParallelTexts(
            pin=parallel.pin,
            split=parallel.split,
            source_config=parallel.configs[self.study.reference.code],
            target_config=parallel.configs[language.code],
            sentences=self.profile.sizes.parallel_texts,
        )
        return {"language": language.code, **self._translating(language), "parallel": texts}

    def activations(self, language: str, similarity_texts: int, seed: int | None = None) -> Parameters:
        """How one language's texts are read."""
        return {
            "language": language,
            "networks": self.networks,
            "panel_texts": WHOLE_DEPTH_TEXTS,
            "similarity_texts": similarity_texts,
            "seed": self.profile.sizes.sampling_seed if seed is None else seed,
        }

    def activations_tuned(self, language: str, panel_texts: int = 0, seed: int | None = None) -> Parameters:
        """How one language's held-out texts are read through an adapter."""
        return {
            "language": language,
            "networks": self.networks,
            "deepest": self.study.specification.deepest_tuned_layer,
            "panel_texts": panel_texts,
            "seed": self.profile.sizes.sampling_seed if seed is None else seed,
        }

    def dictionary_error(self, language: str, seed: int | None = None) -> Parameters:
        """On which texts the dictionaries are tried."""
        return {
            "language": language,
            "networks": self.networks,
            "texts": self.profile.sizes.dictionary_texts,
            "texts_per_spliced": TEXTS_PER_SPLICED,
            "seed": self.profile.sizes.sampling_seed if seed is None else seed,
        }

    def adapter(self, language: Language, seed: int, *, is_control: bool) -> Parameters:
        """How one adapter is trained; a control on wrong partners, and alike in all else."""
        sizes, choice = self.profile.sizes, self.study.specification.alignment
        return {
            "language": language.code,
            "seed": seed,
            "networks": self.networks,
            "choice": choice,
            "max_steps": sizes.max_alignment_steps,
            "batch_size": sizes.alignment_batch or choice.batch_size,
            "wrong_partners": is_control,
        }

    def ablated_adapter(self, ablation: Ablation) -> Parameters:
        """How an adapter is trained otherwise: alike in all but what its specification says."""
        (language,) = (each for each in self.study.tuned if each.code == ablation.language)
        return {**self.adapter(language, ablation.seed, is_control=False), "choice": ablation.choice}

    def published(self, model: PublishedModel) -> Parameters:
        """Which published model stands where an adapter would."""
        return {
            "language": model.language,
            "name": model.name,
            "source": model.pin,
            "model": self.profile.sources.model,
            "numerics": self.numerics,
        }

    def benchmarks(self, language: str) -> Parameters:
        """How one language's benchmarks are asked."""
        sources, sizes = self.profile.sources, self.profile.sizes
        return {
            "language": language,
            "model": sources.model,
            "benchmarks": self.study.benchmarks,
            "data": tuple(sources.benchmarks[benchmark.data_folder] for benchmark in self.study.benchmarks),
            "items": sizes.items_per_cell,
            "max_shots": sizes.max_shots,
            "numerics": self.numerics,
            "batch_items": BATCH_TEXTS,
        }

    def estimates(self) -> Parameters:
        """Of which languages, layers, benchmarks and seeds quantities are estimated, and how."""
        return {
            "languages": self.study.languages,
            "benchmarks": self.study.benchmarks,
            "num_layers": self.study.shapes.num_layers,
            **self._some_layers,
            "specification": self.study.specification,
            "adapter_seeds": self.profile.sizes.adapter_seeds,
            "control_seeds": self.profile.sizes.control_seeds,
            "published": tuple((each.language, each.name) for each in self.profile.sources.published_models),
            "grid": of_kind(self.study.computed_axes, AxisKind.ANALYSIS),
            # Left out where there are none, so that estimates without them keep their name.
            **{name: value for name, value in self._beside_adapters() if value},
        }

    def _beside_adapters(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        yield "ablations", ablations(self.study, self.profile)
        yield "control_languages", self.profile.sizes.ablated_languages

    def self_checks(self) -> Parameters:
        """What every stage is told on the committed inputs of known numbers."""
        return {
            "known_numbers": self.profile.known_numbers,
            "phrases": self.phrases(),
            "languages": tuple(self._language_checks(language) for language in self.study.tuned),
            "benchmarks": self.benchmarks(self.study.reference.code),
        }

    def _language_checks(self, language: Language) -> Parameters:
        adapter = self.adapter(language, self.profile.sizes.adapter_seeds[0], is_control=False)
        return {
            "language": language,
            "translator": self.translator(language),
            "translation": self.translation(language, 0),
            "activations": self.activations(language.code, 0, SAMPLING_SEED),
            "activations_tuned": self.activations_tuned(language.code, WHOLE_DEPTH_TEXTS, SAMPLING_SEED),
            "dictionary": self.dictionary_error(language.code, SAMPLING_SEED),
            "adapter": {**adapter, "max_steps": SELF_CHECK_STEPS},
        }
