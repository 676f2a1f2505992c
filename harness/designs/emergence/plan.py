"""What a run of this design makes: its stages, what each item is told, and what each is made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.designs.emergence.availability import sources_of
from harness.designs.emergence.quantities import emergence
from harness.designs.specified_items import Specifying, specified_items
from harness.stages.stage import staged
from harness.words.dictionaries import ClassChoice, SAEPlace, TopKRecipe, WindowChoice
from harness.words.emergence import (
    FINAL,
    Demonstration,
    EmergenceSizes,
    EmergenceSources,
    EmergenceStudy,
    ModelCell,
    Replayed,
    SpecifiedClasses,
)
from harness.words.plan import Item, Numerics, Parameters, Plan, stage_name
from harness.words.specification import AxisKind, combined, of_kind
from harness.words.study import Profile, Study, specified_world, specified_worlds

CORPUS = "harness.stages.corpus:corpus"
MODEL_CHECKS = "harness.stages.model_checks:model_checks"
SAES = "harness.stages.saes:saes"
SAE_QUALITY = "harness.stages.sae_quality:sae_quality"
EXAMPLES = "harness.stages.examples:examples"
CLASSES = "harness.stages.classes:classes"
INTEGRATION = "harness.stages.integration:integration"
DEMO_REPLAY = "harness.stages.demo_replay:demo_replay"
FEATURE_REPLAY = "harness.stages.feature_replay:feature_replay"
ESTIMATES = "harness.designs.emergence.estimates:estimates"
SPECIFIED_ESTIMATES = "harness.designs.emergence.specified_estimates:specified_estimates"
SELF_CHECKS = "harness.designs.emergence.self_checks:self_checks"

STAGES = (
    CORPUS,
    MODEL_CHECKS,
    FEATURE_REPLAY,
    SAES,
    SAE_QUALITY,
    EXAMPLES,
    CLASSES,
    INTEGRATION,
    DEMO_REPLAY,
    ESTIMATES,
    SPECIFIED_ESTIMATES,
    SELF_CHECKS,
)
"""Every stage, in the order in which people read of them; each reads from earlier ones alone."""


def plan(study: Study, profile: Profile, device: str) -> Plan:
    """The stages of one study in one world; the same arguments give the same plan.

    Of specifications that stored values do not give it holds what they have not in common with the primary one, or with an earlier one.
    """

    def drawn(study: Study, profile: Profile) -> tuple[Item, ...]:
        return tuple(_items(Told(emergence(study), profile, device)))

    specifying = Specifying(
        function=SPECIFIED_ESTIMATES,
        made_from=MADE_FROM,
        estimates_of=lambda study, profile: next(
            item for item in drawn(study, profile) if item.function == ESTIMATES
        ),
        told=lambda world: Told(emergence(world.study), world.profile, device).tables(),
        moves=lambda axis: (kind for kind, stages in MADE_FROM.items() if axis.stage in _upstream(stages)),
        beside=(stage_name(ESTIMATES),),
    )
    primary = drawn(study, profile)
    items = (*primary, *specified_items(primary, specified_worlds(study, profile), specifying))
    stages = (staged(function, items) for function in STAGES)
    return Plan(study=study, profile=profile, stages=tuple(stage for stage in stages if stage.items))


MADE_FROM: Mapping[str, tuple[str, ...]] = {"share": ("classes",), "part": ("classes", "integration")}
"""By kind of estimate: the stages that it reads."""


def _upstream(stages: tuple[str, ...]) -> tuple[str, ...]:
    """Some stages, and those that classes are made from."""
    return ("corpus", "saes", "examples", *stages)


def _items(told: "Told") -> Iterator[Item]:
    corpus = Item.of(CORPUS, "all", told.corpus())
    measured = [corpus]
    trained, classed = {}, {}
    for cell in told.sources.cells:
        saes = Item.of(SAES, cell.name, told.saes(cell), corpus=corpus)
        quality = Item.of(SAE_QUALITY, cell.name, told.quality(cell), corpus=corpus, saes=saes)
        examples = Item.of(EXAMPLES, cell.name, told.examples(cell), corpus=corpus, saes=saes)
        classes = Item.of(CLASSES, cell.name, told.classes(), examples=examples)
        checks = Item.of(MODEL_CHECKS, cell.name, told.checks(cell), corpus=corpus)
        measured += [checks, saes, quality, examples, classes]
        trained[cell.name], classed[cell.name] = saes, classes
    for recipient, donor in told.pairs():
        measured.append(
            Item.of(
                INTEGRATION,
                recipient.size,
                told.integration(recipient, donor),
                corpus=corpus,
                saes=trained[recipient.name],
                classes=classed[recipient.name],
                donor_saes=trained[donor.name],
                donor_classes=classed[donor.name],
            )
        )
    demonstration = told.sources.demonstration
    for step in dict.fromkeys(demonstration.steps.values()) if demonstration else ():
        measured.append(Item.of(DEMO_REPLAY, str(step), told.demonstration(step)))
    if demonstration and demonstration.replayed:
        yield Item.of(FEATURE_REPLAY, "all", told.replayed(demonstration, demonstration.replayed))
    yield from measured
    read = [item for item in measured if item.function not in {CORPUS, SAES, EXAMPLES}]
    needs = {f"{item.stage}/{item.name}": item for item in read}
    yield Item.of(ESTIMATES, "all", told.estimates(), **needs)
    checked = {"corpus/all": corpus} | {
        role: item for role, item in needs.items() if item.function in {MODEL_CHECKS, DEMO_REPLAY}
    }
    learned = tuple(cell.name for cell in told.sources.cells if cell.step)
    training = {
        size.name: tuple(cell.name for cell in told.sources.cells if cell.size == size.name)
        for size in told.study.sizes
    }
    yield Item.of(SELF_CHECKS, "all", {"trained": learned, "training": training}, **checked)


@dataclass(frozen=True)
class Told:
    """What each stage is told of a study and a profile: which choice of the specification ends up where."""

    study: EmergenceStudy
    profile: Profile
    device: str

    @property
    def sources(self) -> EmergenceSources:
        """Where checkpoints and text come from."""
        return sources_of(self.profile)

    @property
    def sizes(self) -> EmergenceSizes:
        """How much of everything is taken.

        Raises:
            TypeError: If the profile has sizes of another design.
        """
        if not isinstance(self.profile.sizes, EmergenceSizes):
            raise TypeError(
                f"profile {self.profile.name} has no sizes of emergence; they must be EmergenceSizes"
            )
        return self.profile.sizes

    @property
    def windows(self) -> WindowChoice:
        """How text is cut: as the study says, unless the world's text is too short for it."""
        return self.sizes.windows or self.study.primary.windows

    @property
    def recipe(self) -> TopKRecipe:
        """How dictionaries are trained: as the study says, unless the world's models are too small for it."""
        return self.sizes.recipe or self.study.primary.recipe

    @property
    def class_choice(self) -> ClassChoice:
        """How classes are told: as the study says, unless the world has too little text for it."""
        return self.sizes.classes or self.study.primary.classes

    @property
    def languages(self) -> tuple[str, str]:
        """Codes of both languages, in the study's order."""
        first, second = (language.code for language in self.study.languages)
        return first, second

    @property
    def numerics(self) -> Numerics:
        """Where models run, and in which precision."""
        return Numerics(device=self.device, dtype=self.sizes.dtype, threads=self.sizes.threads)

    def places(self, cell: ModelCell) -> tuple[SAEPlace, ...]:
        """The dictionaries of a checkpoint: one a layer and seed, and more at half depth where claims on change rest."""
        layers = self.study.layers_of_depth(cell.shapes.num_layers)
        places = [SAEPlace(layer=layer, seed=seed) for layer in layers for seed in self.sizes.sae_seeds]
        if cell.phase in {self.study.early, self.study.mid, FINAL}:
            middle = self.study.half_depth(cell.shapes.num_layers)
            places += [SAEPlace(layer=middle, seed=seed) for seed in self.sizes.repeated_seeds]
        return tuple(places)

    def pairs(self) -> Iterator[tuple[ModelCell, ModelCell]]:
        """Recipient and donor of each size that has both."""
        for size in self.study.sizes:
            recipient, donor = (self.sources.cell(size.name, phase) for phase in (self.study.mid, FINAL))
            if recipient and donor:
                yield recipient, donor

    def corpus(self) -> Parameters:
        """Which text is cut, and how."""
        return {
            "texts": self.sources.texts,
            "tokenizer": self.sources.model,
            "choice": self.windows,
            "seed": self.sizes.sampling_seed,
        }

    def _model(self, cell: ModelCell) -> Parameters:
        return {"model": cell.pin, "numerics": self.numerics, "batch_tokens": self.sizes.batch_tokens}

    def checks(self, cell: ModelCell) -> Parameters:
        """What is held against a model as it is loaded."""
        windows = self.sizes.check_windows
        return {**self._model(cell), "shapes": cell.shapes, "languages": self.languages, "windows": windows}

    def saes(self, cell: ModelCell) -> Parameters:
        """Which dictionaries are trained."""
        return {
            **self._model(cell),
            "places": self.places(cell),
            "recipe": self.recipe.of_width(cell.shapes.d_model),
        }

    def quality(self, cell: ModelCell) -> Parameters:
        """On how much text dictionaries are tried."""
        spliced = self.sizes.spliced_windows
        return {**self._model(cell), "places": self.places(cell), "spliced_windows": spliced}

    def examples(self, cell: ModelCell) -> Parameters:
        """Which windows speak for a latent."""
        return {
            **self._model(cell),
            "places": self.places(cell),
            "languages": self.languages,
            "choice": self.study.primary.examples,
        }

    def classes(self) -> Parameters:
        """When a latent is of one language."""
        return {"languages": self.languages, "choice": self.class_choice}

    def integration(self, recipient: ModelCell, donor: ModelCell) -> Parameters:
        """What is put into which model, at half depth."""
        layer = self.study.half_depth(recipient.shapes.num_layers)
        return {
            **self._model(recipient),
            "donor": donor.pin,
            "place": SAEPlace(layer=layer, seed=self.sizes.sae_seeds[0]),
            "languages": self.languages,
            "readings": self.study.primary.integration,
            "part_length": self.study.primary.part_length,
            "windows": self.sizes.integration_windows,
            "seed": self.sizes.sampling_seed,
        }

    def demonstration(self, step: int) -> Parameters:
        """Which of the authors' counts are found again."""
        told = self.sources.demonstration
        assert told is not None
        return {
            "demo": told.pin,
            "folder": told.folder,
            "step": step,
            "languages": self.languages,
            # Their code labels whatever is there.
            "choice": replace(self.study.primary.classes, min_examples=1),
        }

    def replayed(self, demonstration: Demonstration, replayed: Replayed) -> Parameters:
        """Which of the authors' features are found again, in the dictionary that they released."""
        (cell,) = (each for each in self.sources.cells if each.name == replayed.cell)
        return {
            **self._model(cell),
            "demo": demonstration.pin,
            "folder": demonstration.folder,
            "step": cell.step,
            "dictionary": replayed.pin,
            "k": self.study.primary.recipe.k,
            "layer": replayed.layer,
        }

    def estimates(self) -> Parameters:
        """Everything that turns stored tables into quantities."""
        told = self.sources.demonstration
        return {
            **self.tables(),
            "demonstrated": {} if told is None else dict(told.steps),
            "specified": tuple(self._specified()),
        }

    def tables(self) -> Parameters:
        """What says how tables of classes and of parts are read."""
        return {
            "cells": tuple((cell.size, cell.phase, cell.shapes.num_layers) for cell in self.sources.cells),
            "languages": self.languages,
            "early": self.study.early,
            "mid": self.study.mid,
            "labelled_by": self.class_choice.labelled_by,
        }

    def _specified(self) -> Iterator[SpecifiedClasses]:
        """How classes are told under every other combination of what stored examples give."""
        for differences in combined(of_kind(self.study.computed_axes, AxisKind.ANALYSIS)):
            if differences:
                world = specified_world(self.study, self.profile, differences)
                yield SpecifiedClasses(
                    specification=world.specification,
                    choice=Told(emergence(world.study), world.profile, self.device).class_choice,
                    missing=world.missing,
                )
