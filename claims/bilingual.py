"""How a bilingual model becomes bilingual: what the studies of it ask alike, and how each is rehearsed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from harness.words.claim import Minima, Reading, Unit
from harness.words.claim_forms import Basis
from harness.words.emergence import (
    FINAL,
    EmergenceSizes,
    EmergenceSources,
    EmergenceStudy,
    ModelCell,
    ModelSize,
)
from harness.words.study import Home, ModelFacts, ModelPin, Pin, Profile

CHANGES = Basis(unit=Unit.POINTS, minima=Minima(units=100, seeds=3))
"""Shares of two dictionaries: the seed of their training sets the error, so one each is too few."""
SHARES = Basis(unit=Unit.PERCENT, minima=Minima(units=100))
TRENDS = Basis(unit=Unit.POINTS, minima=Minima(units=100))
LOSSES = Basis(unit=Unit.NATS, minima=Minima(units=100))

DEPTHS_READ = (
    "Layers at relative depth 0, 1/4, 1/2, 3/4 and 1 are read; those of them in the middle third are named."
)

MEANINGS = {
    "swap": "the part of the finished model in place of the same part of the other",
    "add": "the part beside what is there",
    "replace": "the part in place of all that latents write",
}
"""What it can mean to put a part into another model."""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What the questions of one study mean, as its estimates."""

    study: EmergenceStudy
    model: str
    """The size into whose midst parts of the finished model are put."""
    supported_by: tuple[str, ...]
    parts_supported_by: tuple[str, ...]
    """The sources of what is said of parts."""

    def read(self, says: str, estimates: Iterable[str], by: tuple[str, ...] = ()) -> tuple[Reading]:
        """One meaning, called the primary one; another source may stand behind it."""
        return (
            Reading(
                name="primary",
                says=says,
                supported_by=by or self.supported_by,
                estimates=tuple(estimates),
            ),
        )

    def changes(self, before: str, after: str) -> tuple[Reading]:
        """The change of the bilingual share at half depth, in every size."""
        return self.read(
            "of the labelled latents, at half depth",
            (
                f"share-change/model={size.name}/from={before}/to={after}/layer={self.study.middle(size)}/primary/primary"
                for size in self.study.sizes
            ),
        )

    def lateness(self) -> tuple[Reading]:
        """By how much the second change exceeds the first, at half depth, in every size."""
        return self.read(
            "twice the share at mid training below those before and after",
            (
                f"lateness/model={size.name}/layer={self.study.middle(size)}/primary/primary"
                for size in self.study.sizes
            ),
        )

    def profile(self, size: ModelSize, layers: tuple[int, ...]) -> tuple[Reading]:
        """The bilingual share of the finished model in some layers."""
        return self.read(
            "of the labelled latents",
            (
                f"class-share/model={size.name}/step={FINAL}/class=bilingual/layer={layer}/primary/primary"
                for layer in layers
            ),
        )

    def trends(self) -> tuple[Reading]:
        """The share of every size over that of the next smaller one."""
        return self.read(
            "mean over the layers read, of the labelled latents",
            (
                f"size-trend/step={FINAL}/from={smaller.name}/to={larger.name}/primary/primary"
                for smaller, larger in pairwise(self.study.sizes)
            ),
        )

    def integrations(self, quantity: str, *parts: str) -> tuple[Reading, ...]:
        """What a part brings, on text of either language, under every meaning that the sentence leaves open."""
        (layer,) = (self.study.middle(size) for size in self.study.sizes if size.name == self.model)
        return tuple(
            Reading(
                name=reading.value,
                says=MEANINGS[reading.value],
                supported_by=self.parts_supported_by,
                estimates=tuple(
                    f"{quantity}/model={self.model}/{part}/layer={layer}/lang={language.code}/{reading.value}/primary"
                    for language in self.study.languages
                    for part in parts
                ),
            )
            for reading in self.study.primary.integration
        )

    def gains(self) -> tuple[Reading, ...]:
        """What the bilingual part brings."""
        return self.integrations("integration-gain", "part=bilingual")

    def leads(self) -> tuple[Reading, ...]:
        """What it brings beyond the part of either language."""
        return self.integrations(
            "integration-lead", *(f"over={language.code}" for language in self.study.languages)
        )


def wikipedia(names: Mapping[str, str], files: Mapping[str, tuple[str, ...]]) -> Mapping[str, Pin]:
    """Wikipedia in each language, by its code: text of the kind that the paper's code reads.

    Args:
        names: Of the languages, by code.
        files: Of the data set, by code.
    """
    return {
        code: Pin(
            name=f"Wikipedia in {name}",
            home=Home.HUB_DATASET,
            address="wikimedia/wikipedia",
            files=files[code],
            licence="CC-BY-SA-3.0 and GFDL",
        )
        for code, name in names.items()
    }


def true_sizes(seeds: tuple[int, ...]) -> EmergenceSizes:
    """How much is read of models of true size: a dictionary of the first seed everywhere, of the others where claims on change rest."""
    return EmergenceSizes(
        sae_seeds=seeds[:1],
        repeated_seeds=seeds[1:],
        spliced_windows=1_024,
        integration_windows=4_096,
        check_windows=1_024,
        batch_tokens=32_768,
        dtype="bfloat16",
        threads=1,
    )


def rehearsal(study: EmergenceStudy, true: Profile, model: str) -> Profile:
    """True shapes, random weights made on the spot: what a machine can do, before anything is fetched.

    Args:
        study: The study.
        true: Its true world.
        model: The size whose made tokenizer cuts the text.
    """
    sources, sizes = true.sources, true.sizes
    assert isinstance(sources, EmergenceSources)
    assert isinstance(sizes, EmergenceSizes)
    cells = tuple(replace(cell, pin=_made(cell)) for cell in sources.cells)
    corpus = Pin(
        name="made corpus", home=Home.MADE, address="corpus?documents=512&sentences=40", licence="Apache-2.0"
    )
    return replace(
        true,
        name="rehearsal",
        summary="true shapes with random weights made on this machine; throughput, and no claim",
        sources=replace(
            sources,
            model=next(cell.pin for cell in cells if cell.size == model),
            cells=cells,
            demonstration=None,
            # Made texts are of no language: one text stands for both.
            texts=tuple(replace(text, pin=corpus, files=("texts.jsonl",)) for text in sources.texts),
        ),
        sizes=replace(
            sizes,
            repeated_seeds=(),
            windows=replace(study.primary.windows, per_document=None, per_language=2_048),
            recipe=replace(study.primary.recipe, tokens=1_000_000),
        ),
    )


def _made(cell: ModelCell) -> ModelPin:
    weights, facts = cell.shapes.weights, cell.pin.facts
    assert weights is not None
    spelled: ModelFacts = replace(
        facts, front=("<bos>",), pad="<pad>", document_marks=("<bos>", "<eos>", "<pad>")
    )
    return ModelPin.of(
        Pin(
            name=f"made model {cell.size}",
            home=Home.MADE,
            address=f"llama?vocabulary={cell.shapes.vocab_size}&width={cell.shapes.d_model}&layers={cell.shapes.num_layers}"
            f"&heads={weights.heads}&kv_heads={weights.kv_heads}&head_width={weights.head_width}&mlp={weights.mlp}&tied=0",
            licence="Apache-2.0",
        ),
        spelled,
    )
