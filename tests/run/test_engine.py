"""Stages, recipes, artifact status and progress, on a small plan in one process; Snakemake itself: test_reproduce."""

import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from harness.run import engine as engine_module
from harness.run.artifacts import ArtifactStatus, Recipes
from harness.run.engine import KEPT_MEMORY, MEMORY_VARIABLE, Engine
from harness.run.progress import Lines, duration, showing, stage_cost, stage_progress
from harness.run.stageprocess import run_stage
from harness.sources.pins import revision_of
from harness.store.code_digest import code_digest
from harness.store.run_folder import Event, RunFolder, named_keys
from harness.store.store import Store
from harness.words.errors import MissingArtifactError, MissingSourceError, UsageError
from harness.words.mode import Evidence, Loaded, Mode, mode_of
from harness.words.plan import Part, Plan, Work
from harness.words.study import Shapes
from tests.small_plan import SmallWorld, install, small_plan

STAGES = ("phrases", "translations", "benchmarks", "estimates")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")
    world = SmallWorld(tmp_path / "world")
    world.root.mkdir()
    world.write()
    install(world, monkeypatch.setattr)
    revision_of.cache_clear()
    return world


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(root=tmp_path / "run")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def work(small: SmallWorld, store: Path, run: RunFolder) -> Plan:
    plan = small_plan(small)
    for stage in plan.stages:
        run_stage(plan, stage.name, Store(store), run)
    return plan


def status(small: SmallWorld, store: Path) -> ArtifactStatus:
    return ArtifactStatus(recipes=Recipes(plan=small_plan(small)), store=Store(store))


def test_the_second_time_everything_is_found(small: SmallWorld, store: Path, run: RunFolder) -> None:
    work(small, store, run)
    first = {name: run.index(name).read_bytes() for name in STAGES}
    work(small, store, run)
    assert len(small.counted("start")) == 8
    assert {name: run.index(name).read_bytes() for name in STAGES} == first
    cost = stage_cost("translations", run.events("translations"))
    assert (cost.attempts, cost.items_made, cost.items_found) == (2, 3, 3)


def test_the_index_names_what_stands(small: SmallWorld, store: Path, run: RunFolder) -> None:
    plan = work(small, store, run)
    records = run.read_index("translations")
    assert records is not None
    assert [record.item for record in records] == ["hi", "ml", "mr"]
    assert records[0].key == Recipes(plan=plan).key(plan.stage("translations").items[0])
    assert records[0].size_bytes == len("translations/hi\nphrases/all")
    assert len(named_keys(run.root.parent)) == 8


@pytest.mark.parametrize(
    ("place", "redone"),
    [
        pytest.param("estimates/all", ["estimates/changed"], id="the last stage alone"),
        pytest.param(
            "benchmarks/ml", ["benchmarks/changed", "estimates/all"], id="an item and what needs it"
        ),
        pytest.param(
            "phrases/all",
            ["phrases/changed", "translations/hi", "translations/ml", "translations/mr", "estimates/all"],
            id="the first stage and everything below it",
        ),
    ],
)
def test_a_parameter_redoes_what_depends_on_it(
    small: SmallWorld, store: Path, run: RunFolder, place: str, redone: list[str]
) -> None:
    work(small, store, run)
    small.tally.unlink()
    small.write(texts={place: "new"})
    work(small, store, run)
    assert small.counted("start") == redone


def test_changed_bytes_of_a_source_redo_everything(small: SmallWorld, store: Path, run: RunFolder) -> None:
    before = Recipes(plan=small_plan(small)).run_id()
    small.write(source="changed")
    revision_of.cache_clear()
    assert Recipes(plan=small_plan(small)).run_id() != before


def test_code_counts_by_what_it_says(small: SmallWorld, tmp_path: Path) -> None:
    package = tmp_path / "harness"
    words = package / "words"
    words.mkdir(parents=True)
    for folder in (package, words):
        (folder / "__init__.py").write_text("")
    (words / "study.py").write_text("from harness.words import below\n")
    (words / "below.py").write_text("number = 1\n")

    def run_id() -> str:
        return Recipes(plan=small_plan(small), code=partial(code_digest, package=package)).run_id()

    first = run_id()
    (words / "below.py").write_text("number = 1  # a word\n")
    assert run_id() == first
    (words / "below.py").write_text("number = 2\n")
    assert run_id() != first


def test_a_library_version_counts(small: SmallWorld) -> None:
    plan = small_plan(small)
    ids = {Recipes(plan=plan, versions={"torch": version}).run_id() for version in ("1", "2")}
    assert len(ids) == 2


def test_the_name_of_an_artifact_does_not_depend_on_the_checkout(small: SmallWorld, tmp_path: Path) -> None:
    moved = SmallWorld(tmp_path / "moved")
    moved.root.mkdir()
    moved.write()
    assert Recipes(plan=small_plan(small)).run_id() == Recipes(plan=small_plan(moved)).run_id()


def test_a_stage_without_its_inputs_says_what_to_run(small: SmallWorld, store: Path, run: RunFolder) -> None:
    with pytest.raises(
        MissingArtifactError, match=r"translations hi needs phrases all.*'harness stage phrases'"
    ):
        run_stage(small_plan(small), "translations", Store(store), run)


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        pytest.param("raise", ("RuntimeError", 3, "RuntimeError: the sky fell"), id="a crash"),
        pytest.param(
            "no network", ("MissingSourceError", 5, "small source cannot be fetched"), id="no source"
        ),
        pytest.param("full disk", ("StoreError", 3, "ENOSPC"), id="a full disk"),
        pytest.param(
            "short memory",
            ("MemoryShortError", 3, "translations ml does not fit into memory"),
            id="short memory",
        ),
        pytest.param("nothing", ("StoreError", 3, "made no file"), id="an empty result"),
    ],
)
def test_a_failed_stage_leaves_word(
    small: SmallWorld, store: Path, run: RunFolder, how: str, failure: tuple[str, int, str]
) -> None:
    kind, code, says = failure
    small.write(behaviour={"translations/ml": how})
    with pytest.raises(Exception, match=re.escape(says.removeprefix("RuntimeError: "))):
        work(small, store, run)
    (word,) = run.read_failures()
    assert (word.stage, word.item, word.kind, word.exit_code) == ("translations", "ml", kind, code)
    assert says in word.message
    assert "Traceback" in word.traceback
    assert run.read_index("translations") is None
    assert "translations/mr" not in small.counted("start")


def test_a_stage_that_works_again_takes_its_word_back(small: SmallWorld, store: Path, run: RunFolder) -> None:
    small.write(behaviour={"translations/ml": "raise"})
    with pytest.raises(RuntimeError):
        work(small, store, run)
    small.write()
    work(small, store, run)
    assert list(run.read_failures()) == []
    assert small.counted("start").count("translations/hi") == 1


def test_the_status_of_an_empty_store_misses_everything(small: SmallWorld, store: Path) -> None:
    assert [stage.name for stage in status(small, store).missing()] == list(STAGES)


def test_the_status_publishes_what_another_run_made(small: SmallWorld, store: Path, run: RunFolder) -> None:
    work(small, store, run)
    other = RunFolder(root=run.root.with_name("other"))
    status(small, store).publish(other)
    assert {name: other.read_index(name) for name in STAGES} == {
        name: run.read_index(name) for name in STAGES
    }


def test_damage_is_named_removed_and_withdrawn(small: SmallWorld, store: Path, run: RunFolder) -> None:
    work(small, store, run)
    records = run.read_index("translations")
    assert records is not None
    folder = Store(store).folder("translations", records[1].key)
    (folder / "text.txt").write_text("edited")
    look = status(small, store)
    look.publish(run)
    assert "text.txt is damaged: found 6 bytes, expected" in look.damaged[0]
    assert look.damaged[0].endswith(f"Removed: translations ml ({records[1].key[:12]}).")
    assert not folder.exists()
    assert [stage.name for stage in look.missing()] == ["translations", "estimates"]
    assert (run.index("phrases").exists(), run.index("translations").exists()) == (True, False)
    small.tally.unlink()
    work(small, store, run)
    assert small.counted("start") == ["translations/ml"]


def test_what_stands_on_bytes_that_are_gone_does_not_stand(
    small: SmallWorld, store: Path, run: RunFolder
) -> None:
    plan = work(small, store, run)
    phrases = plan.stage("phrases").items[0]
    recipes = Recipes(plan=plan)
    Store(store).discard("phrases", recipes.key(phrases))
    # The same recipe, other bytes: a device that does not repeat itself.
    Store(store).produce(recipes.recipe(phrases, {}), lambda out: (out / "text.txt").write_text("other"))
    assert [stage.name for stage in status(small, store).missing()] == ["translations", "estimates"]
    small.tally.unlink()
    work(small, store, run)
    assert small.counted("start") == [
        "translations/hi",
        "translations/ml",
        "translations/mr",
        "estimates/all",
    ]
    assert status(small, store).missing() == ()


def test_an_index_of_other_artifacts_is_replaced(small: SmallWorld, store: Path, run: RunFolder) -> None:
    work(small, store, run)
    before = run.read_index("phrases")
    run.index("phrases").write_text('{"items": "nonsense"}')
    status(small, store).publish(run)
    assert run.read_index("phrases") == before


def engine(small: SmallWorld, store: Path, run: RunFolder) -> Engine:
    recipes = Recipes(plan=small_plan(small))
    return Engine(
        recipes=recipes, run=run, store=store, study="small", profile="fixture", device="cuda", cores=2
    )


def test_the_wiring_is_the_plan(small: SmallWorld, store: Path, run: RunFolder) -> None:
    (wired,) = engine(small, store, run)._jobs(small_plan(small).stage("estimates"))
    assert isinstance(wired, dict)
    assert wired["inputs"] == ["../stages/translations.json", "../stages/benchmarks.json"]
    assert (wired["resources"], wired["threads"]) == ({}, 1)
    assert "-m harness stage estimates --study small --profile fixture --device cuda" in str(wired["command"])


@pytest.mark.parametrize("devices", [(), ("GPU-a",)], ids=["none named", "one"])
def test_with_one_accelerator_every_stage_is_one_process(
    small: SmallWorld, store: Path, run: RunFolder, devices: tuple[str, ...]
) -> None:
    small.write(uses_model=True)
    maker = replace(engine(small, store, run), devices=devices)
    jobs = [job for stage in small_plan(small).stages for job in maker._jobs(stage)]
    assert [job["resources"] for job in jobs] == [{}, {"gpu_0": 1}, {"gpu_0": 1}, {}]
    assert not any("CUDA_VISIBLE_DEVICES" in job["command"] for job in jobs)


def test_parts_of_a_stage_have_a_device_each_and_share_its_items(
    small: SmallWorld, store: Path, run: RunFolder
) -> None:
    small.write(uses_model=True)
    stage = small_plan(small).stage("translations")
    maker = replace(engine(small, store, run), devices=("3", "GPU-b"))
    *parts, last = maker._jobs(stage)
    assert [job["resources"] for job in parts] == [{"gpu_0": 1}, {"gpu_1": 1}]
    for device, job in zip(maker.devices, parts, strict=True):
        assert f"CUDA_VISIBLE_DEVICES={device} " in job["command"]
    assert [job["command"].rpartition(" ")[2] for job in parts] == ["1/2", "2/2"]
    assert last["inputs"] == ["../stages/phrases.json", *(job["output"] for job in parts)]
    assert (last["resources"], last["output"]) == ({}, "../stages/translations.json")
    shares = [[item.name for item in Part(number=number, of=2).items(stage)] for number in (1, 2)]
    assert shares == [["hi", "mr"], ["ml"]]


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "a/b", "1/0", "-1/2"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no part of a stage"):
        Part.read(text)


def test_parts_make_what_one_process_makes(small: SmallWorld, store: Path, run: RunFolder) -> None:
    """The index is the same, byte for byte, and nothing is made twice."""
    work(small, store, run)
    whole = {name: run.index(name).read_bytes() for name in STAGES}
    small.tally.unlink()
    plan, shared = small_plan(small), RunFolder(root=run.root.with_name("shared"))
    other = Store(store.with_name("other"))
    for stage in plan.stages:
        for number in (2, 1):
            run_stage(plan, stage.name, other, shared, Part(number=number, of=2))
        assert not shared.index(stage.name).exists()
        assert stage_progress(stage, shared).done == len(stage.items)
        run_stage(plan, stage.name, other, shared)
    assert {name: shared.index(name).read_bytes() for name in STAGES} == whole
    assert len(small.counted("start")) == 8
    assert stage_cost("translations", shared.events("translations")).items_made == 3


def test_parts_that_fail_together_each_leave_their_word(
    small: SmallWorld, store: Path, run: RunFolder
) -> None:
    small.write(behaviour={"translations/hi": "raise", "translations/ml": "no network"})
    plan = small_plan(small)
    run_stage(plan, "phrases", Store(store), run)
    for number, error in ((1, RuntimeError), (2, MissingSourceError)):
        with pytest.raises(error):
            run_stage(plan, "translations", Store(store), run, Part(number=number, of=2))
    assert [failure.item for failure in run.read_failures()] == ["hi", "ml"]
    assert "the sky fell" in str(engine(small, store, run)._failure(["translations"]))


def test_sizes_reach_every_stage(small: SmallWorld, store: Path, run: RunFolder) -> None:
    maker = replace(engine(small, store, run), sizes=Path("/tmp/few.json"))
    assert "--sizes /tmp/few.json" in " ".join(maker.stage_command("phrases"))


def test_no_folder_is_a_word_of_the_engines_command(small: SmallWorld, store: Path, run: RunFolder) -> None:
    """Snakemake reads braces, colons, hashes, dashes and line breaks of its words in ways of its own."""
    assert not any(
        str(folder) in word for word in engine(small, store, run)._words() for folder in (run.root, store)
    )


def test_a_failure_is_told_in_the_words_of_its_stage(small: SmallWorld, store: Path, run: RunFolder) -> None:
    small.write(behaviour={"benchmarks/mr": "no network"})
    with pytest.raises(MissingSourceError):
        work(small, store, run)
    error = engine(small, store, run)._failure(["benchmarks"])
    assert str(error) == "stage benchmarks, item mr: small source cannot be fetched: no network"
    assert (error.exit_code, error.damaged) == (5, False)


def test_a_stage_killed_without_a_word_is_told_too(small: SmallWorld, store: Path, run: RunFolder) -> None:
    run.event_log("benchmarks").note("started")
    run.log.write_text("loading\nKilled\n\n")
    error = engine(small, store, run)._failure(["translations", "benchmarks"])
    assert "stage benchmarks ended without a word" in str(error)
    assert str(error).endswith("run.log holds what was printed, last: Killed")
    assert error.exit_code == 3


def test_an_engine_that_does_not_start_is_told_too(small: SmallWorld, store: Path, run: RunFolder) -> None:
    run.root.mkdir()
    run.log.write_text("no such option")
    error = engine(small, store, run)._failure(["phrases"])
    assert str(error).startswith("the engine ended before it started phrases; ")


@pytest.mark.parametrize(
    ("kept", "words"), [(None, "env -u XDG_CACHE_HOME "), ("/c", "env XDG_CACHE_HOME=/c ")]
)
def test_stages_keep_the_caches_of_the_caller(
    small: SmallWorld, run: RunFolder, monkeypatch: pytest.MonkeyPatch, kept: str | None, words: str
) -> None:
    if kept is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", kept)
    (wired,) = engine(small, small.root, run)._jobs(small_plan(small).stage("phrases"))
    assert isinstance(wired, dict)
    assert str(wired["command"]).startswith(words)


def test_downloads_lie_where_the_caller_sees_them(
    small: SmallWorld, store: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine works in a folder of its own, from which a relative place would be another one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", "home")
    monkeypatch.setenv("HF_HUB_CACHE", "~/hub")
    told = engine(small, store, run)._surroundings()
    assert told["HF_HOME"] == str(tmp_path / "home")
    assert "HF_HUB_CACHE" not in told


@pytest.mark.parametrize(
    ("device", "said", "told"),
    [
        ("cpu", "", KEPT_MEMORY),
        ("cpu", "glibc.malloc.arena_max=1", "glibc.malloc.arena_max=1"),
        ("cuda", "", None),
    ],
    ids=[
        "on a processor it is kept",
        "whoever says otherwise is obeyed",
        "beside an accelerator it is left alone",
    ],
)
def test_memory_of_a_processors_stages_is_kept(
    small: SmallWorld, run: RunFolder, device: str, said: str, told: str | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MEMORY_VARIABLE, said)
        surroundings = replace(engine(small, small.root, run), device=device)._surroundings()
    assert surroundings.get(MEMORY_VARIABLE) == told


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory its own way")
def test_kept_memory_is_not_cleared_again() -> None:
    """The C library takes what it is told for settings of its own: blocks that are freed and asked for again cost no new pages."""
    words = "import resource\nfor _ in range(16): [b'x' * (20 << 20) for _ in range(3)]\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"
    faults = [
        int(
            subprocess.run(
                [sys.executable, "-c", words], env={MEMORY_VARIABLE: memory}, capture_output=True, check=True
            ).stdout
        )
        for memory in (KEPT_MEMORY, "")
    ]
    assert faults[0] < faults[1] / 2


def test_progress_is_read_from_what_stages_leave(small: SmallWorld, store: Path, run: RunFolder) -> None:
    plan = small_plan(small)
    stage = plan.stage("translations")
    assert stage_progress(stage, run).state == "waiting"
    log = run.event_log("translations")
    for what, item in (("started", ""), ("made", "hi"), ("started", ""), ("found", "hi"), ("made", "ml")):
        log.note(what, item)
    now = stage_progress(stage, run)
    assert (now.state, now.done, now.total) == ("running", 2, 3)
    assert stage_progress(stage, run, earlier={"translations": 2}).state == "waiting"


def test_time_left_is_that_of_what_is_made(
    small: SmallWorld, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred found at once say nothing of how long the next two take."""
    stage = replace(
        small_plan(small).stage("translations"), items=small_plan(small).stage("translations").items * 68
    )
    at = [("started", 0.0)] + [("found", 0.001)] * 200 + [("made", 90.001), ("made", 210.001)]
    events = [
        Event(stage=stage.name, what=what, item=f"i{n}", at="", wall_seconds=seconds, cpu_seconds=0)
        for n, (what, seconds) in enumerate(at)
    ]
    monkeypatch.setattr(RunFolder, "logs", lambda self, name: {name: tuple(events)})
    now = stage_progress(stage, run)
    assert (now.made, now.seconds_making) == (2, pytest.approx(210))
    assert now.items_per_minute == pytest.approx(2 / 3.5)
    assert str(now) == "translations: 202/204 items, 0.6 items/min, 210 s, about 4 min left"


@pytest.mark.parametrize(
    ("seconds", "said"), [(42.4, "42 s"), (90, "2 min"), (3_599, "60 min"), (9_000, "2.5 h")]
)
def test_a_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_what_a_killed_attempt_left_is_no_progress_of_the_next(small: SmallWorld, run: RunFolder) -> None:
    run.event_log("translations").note("started")
    run.event_log("translations").note("made", "hi")
    said: list[str] = []
    with showing(small_plan(small), run, said.append, live=False) as look:
        look()
        assert said == []
        run.event_log("translations").note("started")
        look()
    assert [line.split(",")[0] for line in said] == ["started translations: 0/3 items"]


def test_lines_tell_starts_ends_and_now_and_then(small: SmallWorld, store: Path, run: RunFolder) -> None:
    time = [0.0]
    said: list[str] = []
    lines = Lines(plan=small_plan(small), run=run, say=said.append, clock=lambda: time[0])
    lines()
    log = run.event_log("translations")
    log.note("started")
    lines()
    lines()
    time[0] = 16.0
    lines()
    run.write_index("translations", ())
    lines()
    assert [line.split(":")[0] for line in said] == [
        "started translations",
        "running translations",
        "finished translations",
    ]
    assert said[1].endswith(" 0/3 items, 16 s"), "and not as long as it took to its last event"


def test_every_stage_that_runs_is_told_of(small: SmallWorld, run: RunFolder) -> None:
    time = [0.0]
    said: list[str] = []
    lines = Lines(plan=small_plan(small), run=run, say=said.append, clock=lambda: time[0])
    for name in ("phrases", "benchmarks"):
        run.event_log(name).note("started")
    lines()
    time[0] = 16.0
    lines()
    assert [line.split(":")[0] for line in said[2:]] == ["running phrases", "running benchmarks"]


def test_a_half_written_event_is_passed_over(run: RunFolder) -> None:
    run.event_log("phrases").note("started")
    path = run.root / "events" / "phrases.jsonl"
    path.write_text(path.read_text() + '{"stage": "phr')
    assert [event.what for event in run.events("phrases")] == ["started"]
    run.event_log("phrases").note("started")
    assert [event.what for event in run.events("phrases")] == ["started", "started"]


def test_a_killed_attempt_counts_up_to_its_last_event() -> None:
    def event(what: str, seconds: float, memory: int) -> Event:
        return Event(
            stage="s",
            what=what,
            item="",
            at="",
            wall_seconds=seconds,
            cpu_seconds=seconds / 2,
            peak_memory_bytes=memory,
            peak_accelerator_bytes=10 * memory,
            work=Work(tokens=memory),
        )

    events = (
        event("started", 0, 1),
        event("made", 5, 9),
        event("started", 0, 1),
        event("found", 1, 2),
        event("ended", 2, 4),
    )
    cost = stage_cost("s", events)
    assert (cost.attempts, cost.items_made, cost.items_found) == (2, 1, 1)
    assert (cost.wall_seconds, cost.cpu_seconds) == (7, 3.5)
    assert (cost.peak_memory_bytes, cost.peak_accelerator_bytes) == (9, 90)
    assert cost.work == Work(tokens=1 + 9 + 1 + 2 + 4)
    assert stage_cost("s", ()).attempts == 0


TRUE_SHAPES = Shapes(num_layers=26, d_model=2304, d_sae=16384, vocab_size=256_000)
SMALL_SHAPES = Shapes(num_layers=26, d_model=64, d_sae=256, vocab_size=4000)


@pytest.mark.parametrize(
    ("loaded", "digests", "made_here", "replayed", "mode"),
    [
        pytest.param(TRUE_SHAPES, {"a"}, False, 26, Mode.FULL, id="true shapes, own weights, replayed"),
        pytest.param(TRUE_SHAPES, {"a"}, False, 0, Mode.FIXTURE, id="no layer replayed"),
        pytest.param(TRUE_SHAPES, {"a", "f"}, False, 26, Mode.FIXTURE, id="a fixture's file among them"),
        pytest.param(SMALL_SHAPES, {"a"}, False, 26, Mode.FIXTURE, id="other shapes"),
        pytest.param(None, {"a"}, False, 26, Mode.FIXTURE, id="nothing reported its shapes"),
        pytest.param(TRUE_SHAPES, {"a"}, True, 0, Mode.REHEARSAL, id="weights made on the spot"),
    ],
)
def test_the_mode_follows_from_evidence(
    loaded: Shapes | None, digests: set[str], made_here: object, replayed: int, mode: Mode
) -> None:
    evidence = Evidence(
        loaded=(Loaded(name="", expected=TRUE_SHAPES, found=loaded),),
        source_digests=digests,
        fixture_digests={"f"},
        weights_made_here=bool(made_here),
        layers_replayed=replayed,
    )
    assert mode_of(evidence) is mode


def test_the_manifest_of_a_stage_names_its_inputs(small: SmallWorld, store: Path, run: RunFolder) -> None:
    work(small, store, run)
    records = run.read_index("translations")
    phrases = run.read_index("phrases")
    assert records is not None
    assert phrases is not None
    folder = Store(store).folder("translations", records[0].key)
    content = json.loads((folder / "artifact.json").read_text())
    expected = {"role": "phrases", "key": phrases[0].key, "digest": phrases[0].digest}
    assert content["inputs"] == [expected]
    assert content["parameters"]["needs"] == [["phrases", phrases[0].key]]


@pytest.mark.parametrize("home", [None, "/nonexistent"], ids=["no home", "a home that is not there"])
def test_a_user_who_is_a_number_alone_has_a_name_and_a_home_for_the_engine(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    assert engine_module._person_in(tmp_path) == {}
    monkeypatch.setattr(engine_module, "getuser", nobody)
    monkeypatch.delenv("HOME", raising=False)
    if home:
        monkeypatch.setenv("HOME", home)
    told = engine_module._person_in(tmp_path)
    assert told == {"LOGNAME": f"user-{os.getuid()}", "HOME": home or str(tmp_path)}
