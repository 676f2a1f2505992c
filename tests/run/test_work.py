"""Work of a small run: what its stages counted is what passed through the model, and what its design declares."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from statistics import mean

import numpy as np
import pytest

from claims.sin2025.study import STUDY
from harness.designs.design import plan
from harness.designs.disparity.costs import DECLARED, Declared, Texts, stated
from harness.models.batches import depth_buckets
from harness.sources.studies import load_profile
from harness.store.tables import read_table
from harness.words.plan import Item, Work
from harness.words.records import ReplayedRow, Selection, Text, TextLength
from harness.words.study import AlignedLatents
from tests.spied_run import SpiedRun

TOLERANCE = 0.02


@pytest.fixture(scope="session")
def counted(spied_run: SpiedRun) -> Mapping[str, Work]:
    """By stage, from the execution record."""
    rows = json.loads(spied_run.folder.execution.read_text())["stages"]
    return {row["stage"]: Work(**row["work"]) for row in rows}


def test_counted_work_is_what_passed_through_the_model(
    spied_run: SpiedRun, counted: Mapping[str, Work]
) -> None:
    spy = spied_run.spy
    seen = {
        stage: Work(texts=spy.texts[stage], tokens=spy.tokens[stage], token_layers=spy.token_layers[stage])
        for stage in spy.tokens
    }
    assert seen.keys() == counted.keys() - {
        "phrases",
        "converted-translators",
        "translation-shards",
        "translations",
        "romanisations",
        "estimates",
    }
    # What dictionaries encode is held against what is declared.
    assert {stage: replace(counted[stage], encoded=0) for stage in seen} == seen


def test_translations_of_a_small_run_are_counted_as_texts(
    spied_run: SpiedRun, counted: Mapping[str, Work]
) -> None:
    phrases = len(read_table(spied_run.artifact("phrases", "all"), Text))
    assert counted["translation-shards"] == Work(translated=3 * phrases)
    assert counted["phrases"] == counted["translations"] == Work()


def test_what_is_found_took_no_work(spied_run: SpiedRun) -> None:
    made, found = defaultdict(int), defaultdict(int)
    for stage in spied_run.plan.stages:
        for event in spied_run.folder.events(stage.name):
            (made if event.what == "made" else found)[stage.name] += event.work.tokens
    assert made["activations"] > 0
    assert not any(found.values())


def texts_of(run: SpiedRun, item: Item) -> Texts:
    """How many texts the run read, and how long those are that an item is made from."""
    phrases = read_table(run.artifact("phrases", "all"), Text)
    held_out = {text.text_id for text in phrases if text.held_out}
    selections = read_table(run.artifact("phrases", "all"), Selection)
    deepest = {row.text_id: row.layer for row in sorted(selections, key=lambda row: row.layer)}
    asked = [row for row in selections if row.layer <= run.plan.study.primary.deepest_tuned_layer]
    tuned = {
        row.text_id: row.layer for row in sorted(asked, key=lambda row: row.layer) if row.text_id in held_out
    }
    rows = read_table(run.artifact("replay", "all"), ReplayedRow)
    readings = run.spy.readings[item.stage, item.name]
    asked = [row for reading in readings for row in reading.rows]
    # What all questions begin with is read once, without examples too.
    begun = sum(len(reading.stem) for reading in readings)
    # A language in Latin letters takes other tokens than in its own script.
    lengths = {language.code: language.code for language in run.plan.study.languages}
    lengths |= {item.parameters["language"]: item.name} if item.name.endswith("/romanised") else {}
    options = [option.continuation for row in asked for option in row.options]
    return Texts(
        phrases=len(phrases),
        held_out=len(held_out),
        layers=climbed(run, deepest),
        tuned=len(tuned),
        tuned_layers=climbed(run, tuned),
        tokens={
            code: mean(
                1 + row.tokens
                for row in read_table(run.artifact("activations", name), TextLength)
                if row.tokens
            )
            for code, name in lengths.items()
        },
        row_tokens=mean(row.tokens for row in rows),
        example_tokens=(begun + sum(len(row.prompt) for row in asked)) / max(len(asked), 1),
        option_tokens=mean(len(option) - 1 for option in options) if options else 0.0,
    )


def climbed(run: SpiedRun, depths: Mapping[int, int]) -> float:
    """Layers that texts climb in the mean, those of a batch as far as the deepest of them."""
    rows = read_table(run.artifact("activations", "en"), TextLength)
    lengths = {row.text_id: 1 + row.tokens for row in rows}
    buckets = depth_buckets(
        [*depths.values()], [lengths[text] for text in depths], run.plan.profile.sizes.batch_tokens
    )
    reached = [[1 + [*depths.values()][place] for place in bucket] for bucket in buckets]
    return float(np.mean([max(batch) for batch in reached for _ in batch]))


SAMPLED = {"dictionary-error": 0.05, "adapters": 0.05, "activations-tuned": 0.05}
"""Stages that read a few drawn texts, whose length is not that of all: 6 of 56, 8 pairs, and a third."""


def test_declared_work_is_counted_work(spied_run: SpiedRun, counted: Mapping[str, Work]) -> None:
    for stage in spied_run.plan.stages:
        declared = sum(
            (
                Declared(
                    study=spied_run.plan.study,
                    profile=spied_run.plan.profile,
                    texts=texts_of(spied_run, item),
                ).of(item, stage.items[:place])
                for place, item in enumerate(stage.items)
            ),
            start=Work(),
        )
        found, tolerance = counted[stage.name], SAMPLED.get(stage.name, TOLERANCE)
        assert (declared.texts, declared.translated) == (found.texts, found.translated), stage.name
        assert declared.tokens == pytest.approx(found.tokens, rel=tolerance), stage.name
        depths = (work.token_layers / max(work.tokens, 1) for work in (declared, found))
        assert next(depths) == pytest.approx(next(depths), rel=TOLERANCE), stage.name


def test_adapters_of_the_same_pairs_and_layers_share_their_first_look() -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper-authors"), "cpu")
    declared = Declared(study=drawn.study, profile=drawn.profile, texts=stated(drawn))
    one = drawn.stage("adapters").items[0]
    own, every = (_aligned(one, latents) for latents in AlignedLatents)
    assert own.parameters["choice"].latents is AlignedLatents.OWN
    assert declared.of(own) - declared.of(own, (own,)) == declared.moment(own.parameters, is_first=True)
    assert declared.of(own, (every, _aligned(one, AlignedLatents.OWN, layers=(0,)))) == declared.of(own)
    assert declared.of(every, (own, every)) == declared.of(every)


def _aligned(item: Item, latents: AlignedLatents, **changes: tuple[int, ...]) -> Item:
    choice = replace(item.parameters["choice"], latents=latents, **changes)
    return replace(item, parameters={**item.parameters, "choice": choice})


def test_every_stage_with_a_network_declares_what_it_reads() -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper-authors"), "cpu")
    with_network = {stage.function for stage in drawn.stages if stage.uses_model}
    # A published model is tried on a single token.
    assert {function.partition(":")[2] for function in with_network - DECLARED.keys()} == {"published_models"}
