"""Simulated courses: those that a pencil draws, what holds of every course, the engine's own wiring, and a run that was timed."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import cli
from harness.designs.design import plan as draw
from harness.run import simulation
from harness.run.artifacts import Recipes
from harness.run.engine import Engine
from harness.run.simulation import (
    AROUND_SECONDS_OF_QUEUE,
    Checks,
    Course,
    Job,
    course,
    jobs_of,
    simulated,
    timed_processes,
)
from harness.sources.studies import load_profile, load_study
from harness.store.run_folder import EXECUTION_FILE, RunFolder
from harness.words.errors import UsageError
from harness.words.plan import Plan

EXAMPLE = Path(__file__).resolve().parents[2] / "reports" / "example"


def fixture_plan(device: str = "cpu") -> Plan:
    study = load_study("sin2025")
    return draw(study, load_profile(study, "fixture"), device)


def equal(count: int, *, seconds: float = 10.0) -> tuple[Job, ...]:
    """Jobs that wait for nothing."""
    return tuple(
        Job(name=f"j{place}", place=place, item_seconds=seconds, uses_gpu=True) for place in range(count)
    )


def chain(count: int) -> tuple[Job, ...]:
    """Jobs that wait for each other."""
    return tuple(
        replace(job, needs=frozenset({f"j{job.place - 1}"} if job.place else ())) for job in equal(count)
    )


@pytest.mark.parametrize("gpus", [1, 2, 8])
def test_a_chain_takes_as_long_as_its_links_on_any_number(gpus: int) -> None:
    found = course(chain(3), at_once=8, gpus=gpus)
    assert (found.makespan_seconds, found.lost_seconds, found.preemptions) == (30.0, 0.0, 0)
    assert found.idle_share == pytest.approx(1 - 1 / gpus)


@pytest.mark.parametrize(
    ("gpus", "at_once", "seconds", "idle"),
    [(1, 8, 40, 0), (2, 8, 20, 0), (3, 8, 20, 1 / 3), (4, 8, 10, 0), (4, 2, 20, 1 / 2), (0, 2, 20, 0)],
)
def test_equal_jobs_take_turns(gpus: int, at_once: int, seconds: float, idle: float) -> None:
    jobs = tuple(replace(job, uses_gpu=gpus > 0) for job in equal(4))
    found = course(jobs, at_once=at_once, gpus=gpus)
    assert found.makespan_seconds == seconds
    assert found.idle_share == pytest.approx(idle)


def test_the_plan_s_first_job_goes_first() -> None:
    late, early = Job(name="late", place=1, item_seconds=5), Job(name="early", place=0, item_seconds=1)
    after = Job(name="after", place=2, needs=frozenset({"early"}), item_seconds=5)
    assert course((after, late, early), at_once=2, gpus=0).makespan_seconds == 6


@pytest.mark.parametrize(
    ("seconds", "makespan"),
    [
        # Asked after 15; the second one runs from then, and its end is the run's.
        ([1, 1], 15 + 1),
        ([15, 1], 15 + 1),
        # Asked after 15 in vain, and so after 25 more.
        ([16, 1], 15 + 25 + 1),
        ([41, 1], 15 + 25 + 35 + 1),
        # Something had ended at 40: asked 15 later again.
        ([16, 10, 1], 15 + 25 + 15 + 1),
    ],
)
def test_what_has_ended_is_known_when_the_queue_is_next_asked(seconds: list[float], makespan: float) -> None:
    jobs = tuple(replace(job, item_seconds=took) for job, took in zip(chain(3), seconds, strict=False))
    assert course(jobs, at_once=8, gpus=8, checks=Checks()).makespan_seconds == makespan


def test_a_place_is_free_when_it_is_known_to_be() -> None:
    seen = Checks(first_seconds=4)
    assert course(equal(2, seconds=5), at_once=1, gpus=2, checks=seen).makespan_seconds == 4 + 14 + 5
    assert course(equal(2, seconds=5), at_once=2, gpus=1, checks=seen).makespan_seconds == 4 + 14 + 5
    # What gathers parts is no job, and ends where it is known at once.
    jobs = tuple(replace(job, is_sent=False) for job in equal(2, seconds=5))
    assert course(jobs, at_once=1, gpus=2, checks=seen).makespan_seconds == 10


def test_the_wait_between_checks_has_an_end() -> None:
    (long,) = equal(1, seconds=5000)
    after = replace(long, name="after", needs=frozenset({long.name}))
    waits, asked = [15.0], 15.0
    while asked < 5000:
        waits.append(min(waits[-1] + 10, 180))
        asked += waits[-1]
    assert waits[-1] == 180
    assert course((long, after), at_once=2, gpus=2, checks=Checks()).makespan_seconds == asked + 5000


class Moments:
    """Preemptions after so many seconds of running, one a start, and then none."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = iter(seconds)

    def expovariate(self, _: float) -> float:
        return next(self.seconds, math.inf)


def preempted(monkeypatch: pytest.MonkeyPatch, moments: Iterable[float], job: Job) -> Course:
    monkeypatch.setattr(simulation, "Random", lambda _: Moments(*moments))
    return course((job,), at_once=1, gpus=1, preemptions_per_hour=1.0)


@pytest.mark.parametrize(
    ("moments", "makespan", "lost", "count"),
    [
        # Five seconds to start, three items of ten: after 22 one stands; then five to start, and two.
        ((22,), 22 + 25, 12, 1),
        # Before the first item began, all is as it was.
        ((3,), 3 + 35, 3, 1),
        # Twice: two items stand after 26 of the first, none more after 14 of the second.
        ((26, 14), 26 + 14 + 15, 6 + 14, 2),
        ((36,), 35, 0, 0),
    ],
)
def test_what_is_finished_stays_and_what_was_begun_is_lost(
    monkeypatch: pytest.MonkeyPatch, moments: Sequence[float], makespan: float, lost: float, count: int
) -> None:
    job = Job(name="j", place=0, items=3, item_seconds=10, start_seconds=5, uses_gpu=True)
    found = preempted(monkeypatch, moments, job)
    assert (found.makespan_seconds, found.lost_seconds, found.preemptions) == (makespan, lost, count)
    assert found.idle_share == 0


@st.composite
def plans(draws: st.DrawFn) -> tuple[Job, ...]:
    """Jobs that wait for earlier ones."""
    jobs: list[Job] = []
    for place in range(draws(st.integers(1, 12))):
        needs = draws(st.sets(st.sampled_from([job.name for job in jobs]))) if jobs else set()
        jobs.append(
            Job(
                name=f"j{place}",
                place=place,
                needs=frozenset(needs),
                items=draws(st.integers(1, 5)),
                item_seconds=draws(st.integers(0, 50)),
                uses_gpu=draws(st.booleans()),
            )
        )
    return tuple(jobs)


def critical_path(jobs: Sequence[Job]) -> float:
    ends: dict[str, float] = {}
    for job in jobs:
        ends[job.name] = max((ends[name] for name in job.needs), default=0) + job.items * job.item_seconds
    return max(ends.values())


@given(
    plans(),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([0.0, 1.0, 20.0]),
    st.integers(0, 9),
)
def test_no_course_is_faster_than_its_critical_path_or_than_its_work(
    jobs: tuple[Job, ...], at_once: int, gpus: int, rate: float, seed: int
) -> None:
    checks = Checks() if seed % 2 else None
    found = course(jobs, at_once=at_once, gpus=gpus, checks=checks, preemptions_per_hour=rate, seed=seed)
    work = sum(job.items * job.item_seconds for job in jobs)
    on_gpus = sum(job.items * job.item_seconds for job in jobs if job.uses_gpu)
    assert found.makespan_seconds >= critical_path(jobs) - 1e-6
    assert found.makespan_seconds >= max(work / at_once, on_gpus / gpus) - 1e-6
    assert found.lost_seconds >= 0
    assert found.preemptions > 0 or found.lost_seconds == 0
    assert -1e-9 <= found.idle_share <= 1
    assert found == course(
        jobs, at_once=at_once, gpus=gpus, checks=checks, preemptions_per_hour=rate, seed=seed
    )


@given(st.integers(1, 30), st.integers(1, 12))
def test_equal_jobs_are_never_slower_on_more_accelerators(count: int, gpus: int) -> None:
    spans = [course(equal(count), at_once=99, gpus=many).makespan_seconds for many in range(gpus, gpus + 3)]
    assert spans == sorted(spans, reverse=True)
    assert spans[0] == 10 * math.ceil(count / gpus)


def test_preemptions_come_as_often_as_they_are_said_to() -> None:
    jobs = (Job(name="long", place=0, items=100_000, item_seconds=3.6, uses_gpu=True),)
    found = course(jobs, at_once=1, gpus=1, preemptions_per_hour=2.0, seed=3)
    assert found.preemptions == pytest.approx(200, rel=0.2), "a hundred hours at two an hour"
    # Half an item each time.
    assert found.lost_seconds / found.preemptions == pytest.approx(1.8, rel=0.2)


@pytest.mark.parametrize("gpus", [1, 2, 3])
def test_processes_are_those_that_the_engine_wires(tmp_path: Path, gpus: int) -> None:
    drawn, run = fixture_plan("cuda"), RunFolder(root=tmp_path / "run")
    engine = Engine(
        recipes=Recipes(plan=drawn), run=run, store=tmp_path, study="sin2025", profile="fixture", device="cuda", cores=4,
        devices=tuple(map(str, range(gpus))),
    )  # fmt: skip
    engine.wire()
    wired = json.loads((run.engine / "wiring.json").read_text(encoding="utf-8"))
    outputs = {rule["output"]: place for place, rule in enumerate(wired)}
    expected = [{outputs[name] for name in rule["inputs"]} for rule in wired]
    jobs = jobs_of(drawn, {}, gpus=gpus)
    places = {job.name: place for place, job in enumerate(jobs)}
    found = [{places[name] for name in job.needs} for job in jobs]
    # What gathers a stage's parts waits for its inputs as well, which they have waited for.
    assert [one <= other for one, other in zip(found, expected, strict=True)] == [True] * len(wired)
    assert sum(map(len, found)) > len(drawn.stages)
    assert all(found[place] for place, rule in enumerate(wired) if rule["inputs"])


def test_a_run_s_own_times_give_its_wall_time() -> None:
    """The committed run, two processes at once: from its stages' seconds and what it took around them, to 15 %."""
    record = json.loads((EXAMPLE / EXECUTION_FILE).read_text(encoding="utf-8"))
    (attempt,) = record["attempts"]
    processes = timed_processes(fixture_plan(), EXAMPLE, 0)
    (found,) = simulated(processes, at_once=attempt["machine"]["cores"], gpus=0, rates=(0.0,))
    assert found.makespan_seconds == pytest.approx(attempt["wall_seconds"], rel=0.15)
    alone = sum(row["wall_seconds"] for row in record["stages"]) + processes.around_seconds
    assert alone > 1.15 * attempt["wall_seconds"], "one after the other they would not"


QUEUED_SECONDS = 13.4
"""The mean of the first run below, from sending a job to its start; the second one was not asked."""

ON_TWO_NODES = {
    "sin2025": (
        8,
        425,
        {
            "replay": (47, ""),
            "phrases": (17, ""),
            "converted": (25, ""),
            "shards": (22, "converted phrases"),
            "translations": (2, "phrases shards"),
            "romanisations": (14, "translations"),
            "scores": (10, "converted"),
            "activations": (88, "phrases romanisations scores translations"),
            "errors": (27, "phrases translations"),
            "adapters": (152, "phrases translations"),
            "tuned": (25, "adapters phrases translations"),
            "benchmarks": (71, ""),
            "benchmarks-tuned": (42, "adapters"),
            "estimates": (17, "activations adapters benchmarks benchmarks-tuned errors scores tuned"),
            "self-checks": (84, ""),
        },
    ),
    "inaba2025": (
        2,
        363,
        {
            "corpus": (21, ""),
            "model-checks": (26, "corpus"),
            "saes": (112, "corpus"),
            "quality": (27, "saes"),
            "examples": (29, "saes"),
            "classes": (3, "examples"),
            "integration": (32, "classes"),
            "demo-replay": (2, ""),
            "estimates": (1, "demo-replay integration model-checks quality"),
            "self-checks": (2, "demo-replay model-checks"),
        },
    ),
}
"""Two miniatures as jobs of a two-node SLURM on 30 November 2026: `--jobs`, seconds from sending the first job to the end of the
last stage, and of each stage its own seconds and the stages that it needs."""


@pytest.mark.parametrize("study", ON_TWO_NODES)
def test_what_a_queue_adds_is_what_two_real_runs_took(study: str) -> None:
    at_once, real, stages = ON_TWO_NODES[study]
    jobs = tuple(
        Job(
            name=name,
            place=place,
            needs=frozenset(needs.split()),
            item_seconds=seconds,
            start_seconds=QUEUED_SECONDS,
        )
        for place, (name, (seconds, needs)) in enumerate(stages.items())
    )
    found = course(jobs, at_once=at_once, gpus=0, checks=Checks())
    assert found.makespan_seconds == pytest.approx(real, rel=0.15)
    started = tuple(replace(job, start_seconds=0) for job in jobs)
    alone = course(started, at_once=at_once, gpus=0).makespan_seconds
    assert alone < 0.8 * real, "without a queue it would not be"


def test_the_command_tells_courses_for_people_and_machines(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "--profile", "paper", "--simulate", "--jobs", "64", "--gpus"]
    assert cli.exit_code_of([*words, "32"]) == 0
    assert "simulated on 64 jobs at once and 32 accelerators:" in capsys.readouterr().out
    spans = []
    for gpus in ("1", "32"):
        assert cli.exit_code_of([*words, gpus, "--preempted", "0", "--preempted", "0.2", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        calm, rough = told["simulation"]
        assert (calm["preemptions_per_hour"], rough["preemptions_per_hour"]) == (0, 0.2)
        assert calm["makespan_seconds"] < rough["makespan_seconds"] <= rough["worst_makespan_seconds"]
        assert calm["lost_seconds"] == 0 < rough["lost_seconds"]
        spans.append(calm["makespan_seconds"])
        hours = sum(stage["seconds"] for stage in told["projection"])
        assert spans[-1] >= hours / int(gpus)
    assert spans[1] < spans[0] / 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--preempted", "1"), "say --simulate too"),
        (("--queued", "0"), "say --simulate too"),
        (("--simulate", "--timed-by", "nowhere"), "nowhere holds no execution.json"),
        (("--simulate", "--timed-by", str(EXAMPLE), "--study", "inaba2025"), "timed none of the plan's"),
        (("--simulate", "--profile", "paper", "--preempted", "1000"), "preemptions an hour; name a rate of"),
    ],
)
def test_what_cannot_be_simulated_is_one_error(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.exit_code_of(["plan", *words]) == 4
    assert says in capsys.readouterr().err


def recorded(folder: Path, lacking: str = "", queued: float | None = None) -> Path:
    """The record of a run whose every stage took a second, ten after the one before, and whose attempt two minutes."""
    stages = fixture_plan().stages
    rows = [
        {
            "stage": stage.name,
            "wall_seconds": 1.0,
            "items_made": len(stage.items) - (stage.name == lacking),
            "items_found": len(stage.items),
            "started": f"2026-11-30T08:{place // 6:02}:{place % 6}5.000+00:00",
            "ended": f"2026-11-30T08:{place // 6:02}:{place % 6}6.000+00:00",
            "ran_on": [{"host": "node1", "queued_seconds": queued}],
        }
        for place, stage in enumerate(stages)
    ]
    record = {"stages": rows, "attempts": [{"wall_seconds": 10.0 * len(stages)}]}
    (folder / EXECUTION_FILE).write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_a_finished_run_says_what_its_stages_take_and_what_passes_around_them(tmp_path: Path) -> None:
    found, count = timed_processes(fixture_plan(), recorded(tmp_path), 0), len(fixture_plan().stages)
    assert course(found.jobs, at_once=1, gpus=0).makespan_seconds == pytest.approx(count)
    assert (found.around_seconds, found.checks) == (pytest.approx(9), None)


def test_a_run_of_a_cluster_says_how_long_its_jobs_were_queued(tmp_path: Path) -> None:
    run = recorded(tmp_path, queued=4.0)
    found = timed_processes(fixture_plan(), run, 0)
    assert {job.start_seconds for job in found.jobs} == {4.0}
    assert (found.around_seconds, found.checks) == (pytest.approx(5), Checks())
    told = timed_processes(fixture_plan(), run, 0, queued_seconds=60)
    assert {job.start_seconds for job in told.jobs} == {60}
    assert told.around_seconds == found.around_seconds


def test_a_queue_can_be_told_of_where_none_was_measured(tmp_path: Path) -> None:
    found = timed_processes(fixture_plan(), recorded(tmp_path), 0, queued_seconds=0)
    assert {job.start_seconds for job in found.jobs} == {0}
    assert (found.around_seconds, found.checks) == (AROUND_SECONDS_OF_QUEUE, Checks())


def test_what_gathers_parts_is_not_queued(tmp_path: Path) -> None:
    found = timed_processes(fixture_plan(), recorded(tmp_path, queued=4.0), 2)
    assert {job.start_seconds for job in found.jobs if job.is_sent} == {4.0}
    gathering = [job for job in found.jobs if not job.is_sent]
    assert gathering
    assert {job.start_seconds for job in gathering} == {0.0}


def test_a_run_that_found_its_items_says_no_times(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found items of adapters in its store, and so did not time them"):
        timed_processes(fixture_plan(), recorded(tmp_path, "adapters"), 0)
