"""The map: which stages a run has, what each item is made from, and where the work is done."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.designs.draft import Draft
from harness.words.plan import Plan, Stage
from harness.words.study import Profile, Study

Produce = Callable[[Any, Mapping[str, Path], Path], None]
"""Makes one item: its task, the folders of what it needs by role, and the folder to fill."""


def plan(study: Study, profile: Profile, device: str) -> Plan:
    """The stages of one study in one world; the same arguments give the same plan."""
    draft = Draft(study, profile, device)
    phrases = draft.phrases()
    translations = {language.code: draft.translation(language, phrases) for language in study.targets}
    translation_scores = draft.translation_scores()
    texts = {language.code: draft.texts(language, phrases, translations) for language in study.languages}
    activations = {code: draft.activations(code, needs) for code, needs in texts.items()}
    errors = tuple(draft.dictionary_error(code, needs) for code, needs in texts.items())
    adapters = tuple(
        draft.adapter(language, seed, texts[language.code])
        for language in study.tuned
        for seed in profile.sizes.adapter_seeds
    )
    controls = tuple(
        (language.code, draft.adapter(language, seed, texts[language.code], is_control=True))
        for language in study.tuned
        for seed in profile.sizes.control_seeds
    )
    published = tuple(draft.published(model) for model in profile.sources.published_models)
    tuned = tuple(
        draft.activations_tuned(adapter, code, texts[code])
        for adapter in (*adapters, *published)
        for code in draft.read_by(adapter)
    ) + tuple(draft.activations_tuned(control, code, texts[code]) for code, control in controls)
    base_scores = tuple(draft.benchmarks(language.code) for language in study.languages)
    tuned_scores = tuple(
        draft.benchmarks(code, adapter)
        for adapter in (*adapters, *published)
        for code in draft.read_by(adapter)
    )
    trained = (*adapters, *(control for _, control in controls))
    measured = (*activations.values(), *errors, *trained, *tuned, *base_scores, *tuned_scores)
    estimates = draft.estimates((phrases, *translations.values(), *translation_scores, *measured))
    stages = (
        Stage(name="replay", says="stored activations, found again", module="harness.stages.replay",
              items=(draft.replay(),), uses_model=True),
        Stage(name="phrases", says="phrases on which each latent peaks", module="harness.stages.phrases",
              items=(phrases,), uses_model=False),
        Stage(name="translations", says="the phrases in every target language", module="harness.stages.translation",
              items=tuple(translations.values()), uses_model=True),
        Stage(name="translation-scores", says="the translators against people, on a text of theirs",
              module="harness.stages.translation_scores", items=translation_scores, uses_model=True),
        Stage(name="activations", says="latents over every text, untouched model", module="harness.stages.extraction",
              items=tuple(activations.values()), uses_model=True),
        Stage(name="dictionary-error", says="how well the dictionaries describe each language",
              module="harness.stages.dictionary_error", items=errors, uses_model=True),
        Stage(name="adapters", says="LoRA adapters, one per language and seed", module="harness.stages.alignment",
              items=trained, uses_model=True),
        Stage(name="published-models", says="tuned models that the authors published", module="harness.stages.published_models",
              items=published, uses_model=True),
        Stage(name="activations-tuned", says="latents through each adapter", module="harness.stages.extraction",
              items=tuned, uses_model=True),
        Stage(name="benchmarks", says="benchmark answers, untouched model", module="harness.stages.evaluation",
              items=base_scores, uses_model=True),
        Stage(name="benchmarks-tuned", says="benchmark answers through each adapter", module="harness.stages.evaluation",
              items=tuned_scores, uses_model=True),
        Stage(name="estimates", says="every quantity of the study", module="harness.designs.estimates",
              items=(estimates,), uses_model=False),
        *draft.self_checks(),
    )  # fmt: skip
    return Plan(study=study, profile=profile, stages=tuple(stage for stage in stages if stage.items))


def producer(stage: str) -> Produce:  # noqa: C901, PLR0911  one line per stage is the map
    """The function that makes an item of a stage; imports only what that stage needs.

    Raises:
        ValueError: If no stage has that name.
    """
    match stage:
        case "phrases":
            from harness.stages import phrases

            return phrases.produce
        case "replay":
            from harness.stages import replay

            return replay.produce
        case "translations":
            from harness.stages import translation

            return translation.produce
        case "translation-scores":
            from harness.stages import translation_scores

            return translation_scores.produce
        case "activations" | "activations-tuned":
            from harness.stages import extraction

            return extraction.produce
        case "dictionary-error":
            from harness.stages import dictionary_error

            return dictionary_error.produce
        case "adapters":
            from harness.stages import alignment

            return alignment.produce
        case "published-models":
            from harness.stages import published_models

            return published_models.produce
        case "benchmarks" | "benchmarks-tuned":
            from harness.stages import evaluation

            return evaluation.produce
        case "estimates":
            from harness.designs import estimates

            return estimates.produce
        case "self-checks":
            from harness.stages import self_checks

            return self_checks.produce
    raise ValueError(f"no stage is called {stage!r}")
