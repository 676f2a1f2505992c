"""The tables of `docs/scale.md` are what `harness plan` says today; `python -m tests.test_scale` writes them anew."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.designs.design import plan as draw
from harness.run.forecast import Rates, projection
from harness.run.simulation import Simulated, foreseen_processes, simulated
from harness.sources.studies import load_profile, load_study
from harness.words.plan import Plan
from harness.words.specification import Grid
from harness.words.study import Profile, Study, gridded

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
STUDY = load_study("sin2025")
PROFILE = load_profile(STUDY, "paper")
MODELS = ("gemma_3_1b", "sin2025", "qwen3_1_7b", "mistral_7b", "llama_3_1_8b", "gemma_2_9b")

Row = tuple[str, ...]


def drawn(study: Study = STUDY, profile: Profile = PROFILE) -> Plan:
    return draw(study, profile, "cuda")


def hours(plan: Plan, *stages: str) -> str:
    """Of some stages of a plan, or of all."""
    chosen = [each for each in projection(plan, Rates()) if not stages or each.stage in stages]
    return f"{sum(each.seconds for each in chosen) / 3600:.1f}"


def parts(plan: Plan) -> Row:
    """Of everything, of translating, of reading and encoding, of training, of benchmarks."""
    return (
        hours(plan),
        hours(plan, "translation-shards"),
        hours(plan, "activations", "activations-tuned", "dictionary-error"),
        hours(plan, "adapters"),
        hours(plan, "benchmarks", "benchmarks-tuned"),
    )


PARTS = ("hours", "translations", "activations", "adapters", "benchmarks")


def languages() -> Iterator[Row]:
    yield ("languages", "tuned", *PARTS)
    for count in (4, 6, 7, 8, 10):
        study = replace(STUDY, languages=STUDY.languages[:count])
        yield (str(count), str(len(study.tuned)), *parts(drawn(study)))


def layers() -> Iterator[Row]:
    """Without ablations, which name layers of their own."""
    yield ("layers with an SAE", *PARTS)
    sources = PROFILE.sources
    for count in (7, 13, 20, 26):
        profile = replace(
            PROFILE,
            sizes=replace(PROFILE.sizes, ablations=()),
            sources=replace(
                sources,
                dictionary_files=sources.dictionary_files[:count],
                phrase_source_ids=sources.phrase_source_ids[:count],
            ),
        )
        shapes = replace(STUDY.shapes, dictionary_layers=tuple(range(count)))
        yield (f"the first {count}", *parts(drawn(replace(STUDY, shapes=shapes), profile)))


def latents() -> Iterator[Row]:
    yield ("latents a layer", *PARTS)
    for count in (625, 1250, 2500, 5000):
        profile = replace(PROFILE, sizes=replace(PROFILE.sizes, latents_per_layer=count))
        yield (f"{count:,}", *parts(drawn(profile=profile)))


def models() -> Iterator[Row]:
    yield ("study", "layers", "width", *PARTS)
    for name in MODELS:
        study = load_study(name)
        shapes = study.shapes
        yield (
            f"`{name}`",
            str(shapes.num_layers),
            f"{shapes.d_model:,}",
            *parts(drawn(study, load_profile(study, "paper"))),
        )


def specifications() -> Iterator[Row]:
    yield ("`--grid`", *PARTS)
    for grid in Grid:
        yield (f"`{grid}`", *parts(drawn(gridded(STUDY, grid))))


def accelerators() -> Iterator[Row]:
    yield ("`--gpus`", "hours", "idle", "hours at 1 preemption an hour", "worst of 20", "lost")
    for gpus in (1, 4, 16, 32, 64, 128):
        calm, rough = courses(gpus)
        yield (
            str(gpus),
            f"{calm.makespan_seconds / 3600:.2f}",
            f"{100 * calm.idle_share:.0f} %",
            f"{rough.makespan_seconds / 3600:.2f}",
            f"{rough.worst_makespan_seconds / 3600:.2f}",
            f"{rough.lost_seconds / 3600:.2f}",
        )


def courses(gpus: int) -> tuple[Simulated, ...]:
    processes = foreseen_processes(drawn(), Rates(), gpus)
    return tuple(simulated(processes, at_once=2 * gpus, gpus=gpus, rates=(0.0, 1.0)))


TABLES: Mapping[str, Callable[[], Iterator[Row]]] = {
    table.__name__: table for table in (languages, layers, latents, models, specifications, accelerators)
}


def formed(rows: Sequence[Row]) -> str:
    """A table of Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], ("---",) * len(rows[0]), *rows[1:]))


def stated(page: str, name: str) -> re.Match[str]:
    """The table below a mark of the page."""
    found = re.search(rf"(?<=<!-- {name} -->\n\n)(?:\|.*\|\n?)+", page)
    assert found is not None, name
    return found


@pytest.mark.parametrize("name", TABLES)
def test_the_page_says_what_plans_say(name: str) -> None:
    expected = formed(list(TABLES[name]()))
    found = stated(PAGE.read_text(encoding="utf-8"), name)[0].rstrip("\n")
    assert found == expected, "write the page anew: python -m tests.test_scale"


def test_every_table_of_the_page_is_held() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- (\w+) -->", page)) == set(TABLES)


def main() -> None:
    """Write every table of the page anew."""
    page = PAGE.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        old = stated(page, name)
        page = f"{page[: old.start()]}{formed(list(table()))}\n{page[old.end() :]}"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
