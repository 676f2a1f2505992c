"""What a cluster is asked for and told, with stand-ins for SLURM's commands; a real SLURM: tests/cluster."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.designs.design import plan as draw
from harness.run import cluster as cluster_module
from harness.run import doctor
from harness.run import engine as engine_module
from harness.run.artifacts import Recipes
from harness.run.cluster import Cluster, Sight, probed, sight
from harness.run.engine import Engine
from harness.run.progress import kinds_of_accelerator, stage_cost
from harness.run.stageprocess import leaving_word, run_stage
from harness.sources.pins import known_revision_or_unpinned, revision_of
from harness.sources.studies import load_profile, load_study
from harness.store.files import BusyError, draft_of, process_space
from harness.store.run_folder import RanOn, RunFolder
from harness.store.store import ABANDONED_SECONDS, Recipe, Store
from harness.words.canonical import canonical_json
from harness.words.errors import (
    DamagedArtifactError,
    HarnessError,
    MemoryShortError,
    MissingSourceError,
    NotJudgedError,
    Reason,
    SettingError,
    StageFailedError,
    StoreError,
    UsageError,
)
from harness.words.plan import Part
from tests.small_plan import SmallWorld, small_plan

SQUEUE = """#!/bin/sh
echo "squeue $*" >> "$TOLD"
cat "$QUEUE"
"""
TELLING = """#!/bin/sh
echo "${0##*/} $*" >> "$TOLD"
"""
SINFO = """#!/bin/sh
echo 'main*|(null)|4000|1:00:00|up'
echo 'gpu|(null)|8000|2-00:00:00|up'
echo 'gpu|gpu:h100:4|64000+|2-00:00:00|up'
echo 'old|gpu:1|4000|infinite|down'
"""
SRUN = """#!/bin/sh
echo "srun $*" >> "$TOLD"
while [ "$1" != store ]; do shift; done
exec "$PYTHON" -m harness "$@"
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins that write down what they are told; the queue is a file."""
    programs = tmp_path / "bin"
    programs.mkdir()
    texts = {
        "squeue": SQUEUE,
        "scancel": TELLING,
        "sbatch": TELLING,
        "scontrol": TELLING,
        "sinfo": SINFO,
        "srun": SRUN,
    }
    for name, text in texts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    queue = tmp_path / "queue"
    queue.touch()
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    monkeypatch.setenv("QUEUE", str(queue))
    monkeypatch.setenv("PYTHON", sys.executable)
    return queue


@pytest.fixture
def small(tmp_path: Path) -> SmallWorld:
    world = SmallWorld(tmp_path / "world")
    world.root.mkdir()
    world.write(uses_model=True)
    revision_of.cache_clear()
    return world


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(root=tmp_path / "run")


def profile(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "config.yaml").write_text(text)
    return folder


def told(queue: Path) -> list[str]:
    file = queue.with_name("told")
    return file.read_text().splitlines() if file.exists() else []


def engine(small: SmallWorld, run: RunFolder, cluster: Cluster | None) -> Engine:
    return Engine(
        recipes=Recipes(plan=small_plan(small)), run=run, store=run.root / "store", study="small", profile="fixture",
        device="cuda", cores=2, cluster=cluster,
    )  # fmt: skip


def wiring(maker: Engine) -> dict[str, dict[str, object]]:
    maker.wire()
    return {job["rule"]: job for job in json.loads((maker.run.engine / "wiring.json").read_text())}


@pytest.mark.usefixtures("queue")
def test_jobs_are_told_apart_from_processes_of_this_machine(small: SmallWorld, run: RunFolder) -> None:
    here, there = (engine(small, run, where) for where in (None, Cluster(executor="slurm")))
    assert "--cores" in here._words()
    assert "--cores" not in there._words()
    assert there._words()[-2:] == ["--profile", "cluster"]
    there.wire()
    given = json.loads((run.engine / "cluster/config.yaml").read_text())
    assert (given["executor"], given["jobs"], given["latency-wait"], given["retries"]) == ("slurm", 8, 120, 3)
    assert given["slurm-jobname-prefix"] == there.job_name
    assert "resources" not in given, (
        "no count of accelerators bounds the whole cluster unless one is asked for"
    )


@pytest.mark.usefixtures("queue")
def test_jobs_of_two_folders_are_not_called_alike(small: SmallWorld, run: RunFolder) -> None:
    cluster = Cluster(executor="slurm")
    names = {engine(small, RunFolder(root=run.root / name), cluster).job_name for name in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 50 for name in names)


@pytest.mark.usefixtures("queue")
def test_a_stage_with_a_model_asks_for_an_accelerator_and_every_job_for_memory_and_time(
    small: SmallWorld, run: RunFolder
) -> None:
    jobs = wiring(engine(small, run, Cluster(executor="slurm")))
    assert jobs["translations"]["resources"] == {"mem_mb": 2048, "runtime": 30, "gpu": 1}
    assert jobs["estimates"]["resources"] == {"mem_mb": 2048, "runtime": 30}
    assert not any(job["is_local"] for job in jobs.values())


@pytest.mark.usefixtures("queue")
def test_the_profile_of_the_user_has_the_last_word(small: SmallWorld, run: RunFolder, tmp_path: Path) -> None:
    text = (
        "jobs: 3\nretries: 0\nexecutor: other\nslurm-partition-config: limits.yaml\n"
        "default-resources: {slurm_partition: gpu, mem_mb: 100}\nset-resources: {translations: {runtime: 720}}\n"
    )
    folder = profile(tmp_path / "mine", text)
    (folder / "limits.yaml").touch()
    maker = engine(small, run, Cluster(executor="slurm", profile=folder, gpus=2))
    jobs = wiring(maker)
    given = json.loads((run.engine / "cluster/config.yaml").read_text())
    assert (given["jobs"], given["retries"], given["executor"]) == (3, 0, "slurm")
    assert given["slurm-partition-config"] == str(folder / "limits.yaml"), "the engine works elsewhere"
    assert given["resources"] == {"gpu": 2}
    assert "set-resources" not in given, "rules of parts are not called as their stage is"
    own = {"slurm_partition": "gpu", "mem_mb": 100, "gpu": 1}
    assert jobs["translations_part_2"]["resources"] == {**own, "runtime": 720}
    assert jobs["benchmarks_part_1"]["resources"] == {**own, "runtime": 30}


@pytest.mark.usefixtures("queue")
def test_shards_are_as_many_as_the_profile_says_and_their_host_publishes(
    small: SmallWorld, run: RunFolder
) -> None:
    maker = engine(small, run, Cluster(executor="slurm"))
    plan = maker.recipes.plan
    shared = replace(plan, profile=replace(plan.profile, shards=2))
    jobs = wiring(replace(maker, recipes=Recipes(plan=shared)))
    assert {name for name in jobs if name.startswith("translations")} == {
        "translations",
        "translations_part_1",
        "translations_part_2",
    }
    assert (jobs["translations"]["is_local"], jobs["translations"]["resources"]) == (True, {})
    assert "CUDA_VISIBLE_DEVICES" not in str(jobs["translations_part_1"]["command"]), "SLURM says which"
    assert Recipes(plan=shared).run_id() == maker.recipes.run_id(), "who makes an item is no part of its name"


@pytest.mark.usefixtures("queue")
def test_trainings_and_benchmarks_of_the_paper_run_side_by_side(run: RunFolder) -> None:
    study = load_study("sin2025")
    plan = draw(study, load_profile(study, "paper"), "cuda")
    jobs = wiring(
        Engine(
            recipes=Recipes(plan=plan, revision=known_revision_or_unpinned), run=run, store=run.root / "store",
            study=study.name, profile="paper", device="cuda", cores=2, cluster=Cluster(executor="slurm"),
        )
    )  # fmt: skip
    parts = {
        stage: [name for name in jobs if name.startswith(f"{stage}_part")] for stage in ("adapters", "replay")
    }
    assert (len(parts["adapters"]), parts["replay"]) == (6, [])
    trainings = plan.stage("adapters")
    shares = [Part(number=number, of=6).items(trainings) for number in range(1, 7)]
    assert sorted(item.name for share in shares for item in share) == sorted(
        item.name for item in trainings.items
    )
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    hours = [job["resources"]["runtime"] for name, job in jobs.items() if name.startswith("adapters_part")]
    assert hours == hours[:1] * 6


@pytest.mark.usefixtures("queue")
def test_what_judges_is_one_more_job_and_needs_no_accelerator(
    small: SmallWorld, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = profile(tmp_path / "mine", "set-resources: {verdicts: {slurm_partition: cpu, mem_mb: 100}}\n")
    maker = engine(small, run, Cluster(executor="slurm", profile=folder))
    monkeypatch.setattr(Engine, "_follow", lambda *_: None)
    run.root.mkdir()
    run.log.write_text("nothing more\n")
    with pytest.raises(StageFailedError, match="before it started verdicts"):
        maker.judge(["--reports", "/reports", "--claim", "gap"], lambda: None)
    (job,) = json.loads((run.engine / "judging.json").read_text())
    assert "-m harness verdicts --reports /reports --claim gap --study small" in job["command"]
    assert job["resources"] == {"mem_mb": 100, "runtime": 30, "slurm_partition": "cpu"}
    assert "--config wiring=judging.json" in " ".join(maker._words("judging.json"))


@pytest.mark.usefixtures("queue")
def test_the_command_that_goes_on_says_where_is_judged() -> None:
    assert "--judge-here" in Cluster(executor="slurm", judge_here=True).words()
    assert "--judge-here" not in Cluster(executor="slurm").words()


def test_a_stage_that_met_two_kinds_of_accelerator_is_told_of(small: SmallWorld, run: RunFolder) -> None:
    """Device and dtype name an artifact, and the kind of card does not."""
    cards = (
        "NVIDIA H100, 81559 MiB, 550.54",
        "NVIDIA A100, 40960 MiB, 550.54\nNVIDIA A100, 40960 MiB, 550.54",
    )
    for number, card in enumerate(cards, start=1):
        log = run.event_log("translations", Part(number=number, of=2))
        log.note("started", ran_on=RanOn(host=f"node{number}", accelerator=card, job=str(number)))
    again = RanOn(host="node1", accelerator="NVIDIA H100, 81559 MiB, 560.35", job="3")
    for stage, place in (("benchmarks", again), ("benchmarks", again), ("estimates", None)):
        run.event_log(stage).note("started", ran_on=place)
    found = kinds_of_accelerator(small_plan(small), run)
    assert found == {"translations": ("NVIDIA A100", "NVIDIA H100")}


def test_an_executor_without_its_plugin_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"needs the package snakemake-executor-plugin-nowhere.*install it"
    ):
        Cluster(executor="nowhere")


def test_slurm_without_its_commands_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SettingError, match=r"no sbatch on this machine; start it on a login node"):
        Cluster(executor="slurm")


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            None, "is no profile of Snakemake: expected a folder with a config.yaml", id="no folder"
        ),
        pytest.param("- a\n- b\n", "expected options of Snakemake by name", id="a list"),
        pytest.param("default-resources: [mem_mb=1]\n", "as tables such as", id="resources as words"),
        pytest.param(
            "set-resources: {adapters: 720}\n", "set-resources of adapters is no table", id="a number"
        ),
        pytest.param("jobs: [8\n", "cannot be read", id="torn"),
        pytest.param("jobs: \0", "cannot be read", id="no text"),
    ],
)
def test_what_is_no_profile_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    folder = tmp_path / "mine" if text is None else profile(tmp_path / "mine", text)
    with pytest.raises(UsageError, match=says):
        Cluster(executor="slurm", profile=folder)


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(
    ("resources", "says"),
    [
        pytest.param(
            "{}", "partition main: (null), 4000 MB a node, 60 min a job; no GPU is there", id="no GPU"
        ),
        pytest.param("{slurm_partition: gpu}", "", id="a partition with all of it"),
        pytest.param("{slurm_partition: gpu, mem_mb: 65000}", "65000 MB are asked for", id="memory"),
        pytest.param("{slurm_partition: gpu, runtime: 2881}", "2881 min are asked for", id="time"),
        pytest.param("{slurm_partition: old}", "inf min a job; it is down", id="a partition that is down"),
        pytest.param("{slurm_partition: none}", "there is no partition none", id="a partition that is not"),
    ],
)
def test_the_doctor_asks_slurm_and_not_this_machine(
    small: SmallWorld, tmp_path: Path, resources: str, says: str
) -> None:
    folder = profile(tmp_path / "mine", f"default-resources: {resources}\n")
    cluster = Cluster(executor="slurm", profile=folder)
    needs = list(doctor._partitions(cluster, small_plan(small), "cuda"))
    unmet = [need for need in needs if need.state != "ok"]
    assert bool(unmet) == bool(says)
    assert all(need.cure and need.exit_code for need in unmet)
    assert any(says in need.found for need in needs)


def test_the_store_is_looked_at_from_a_node(queue: Path, tmp_path: Path) -> None:
    cluster, store = Cluster(executor="slurm"), tmp_path / "a store"
    need = doctor.probed_store(cluster, store)
    assert (need.state, "sees a lock that is held here" in need.found) == ("ok", True)
    assert list(store.iterdir()) == []
    assert "--immediate=60" in told(queue)[-1]


def test_downloads_are_looked_for_from_a_node(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, gone = tmp_path / "hub/here", tmp_path / "hub/gone"
    here.mkdir(parents=True)
    for folders, state in (((here,), "ok"), ((here, gone), "missing")):
        monkeypatch.setattr(doctor, "download_folders", lambda pins, folders=folders: folders)
        need = doctor.probed_store(Cluster(executor="slurm"), tmp_path / "store")
        assert (need.state, f"--download {here}" in told(queue)[-1]) == (state, True)
    assert f"does not see {gone}, where what is fetched lies" in need.found
    assert "HF_HOME" in need.found + need.cure


@pytest.mark.parametrize(("is_fetched", "given"), [(True, {"HF_HUB_OFFLINE": "1"}), (False, {})])
@pytest.mark.usefixtures("queue")
def test_jobs_ask_for_no_network_where_all_is_fetched(
    small: SmallWorld,
    run: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_fetched: bool,
    given: dict[str, str],
) -> None:
    monkeypatch.setattr(engine_module, "is_fetched", lambda pins: is_fetched)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for cluster, expected in ((Cluster(executor="slurm"), given), (None, {})):
        around = engine(small, run, cluster)._surroundings()
        assert {name: value for name, value in around.items() if name == "HF_HUB_OFFLINE"} == expected


@pytest.mark.usefixtures("queue")
def test_a_node_without_the_lock_or_the_file_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(executor="slurm")
    for seen, says in (
        ((False, True), "a lock that is held here"),
        ((True, False), "a file that was written here"),
    ):
        sight = Sight(host="node7", is_lock_seen=seen[0], is_file_seen=seen[1])
        monkeypatch.setattr(
            cluster_module, "_answer", lambda *_, sight=sight, **__: json.dumps(asdict(sight))
        )
        with pytest.raises(StoreError, match=f"node7 does not see {says}.*--store"):
            cluster.probe(tmp_path, {})
    monkeypatch.setattr(cluster_module, "_answer", lambda *_, **__: "")
    with pytest.raises(HarnessError, match="no node answered within 60 s"):
        cluster.probe(tmp_path, {})


def test_a_lock_is_seen_for_as_long_as_it_is_held(tmp_path: Path) -> None:
    with probed(tmp_path) as name:
        seen = sight(tmp_path, name)
    assert (seen.is_lock_seen, seen.is_file_seen) == (True, True)
    seen = sight(tmp_path, name)
    assert (seen.is_lock_seen, seen.is_file_seen) == (False, False)


def test_what_another_host_published_is_waited_for_where_an_index_names_it(
    small: SmallWorld, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS, which remembers for a while that a name was not there."""
    from tests.small_plan import install

    install(small, monkeypatch.setattr)
    plan, store = small_plan(small), Store(run.root / "store")
    run_stage(plan, "phrases", store, run)
    (record,) = run.read_index("phrases") or ()
    place = store.folder("phrases", record.key)
    hidden = place.rename(run.root / "hidden")
    monkeypatch.setenv("SLURM_JOB_ID", "34")
    monkeypatch.setattr("time.sleep", lambda seconds: hidden.rename(place) if hidden.exists() else None)
    run_stage(plan, "translations", Store(store.root), run)
    assert run.index("translations").exists()


def test_only_the_jobs_of_this_run_are_cancelled(queue: Path) -> None:
    queue.write_text("7 harness-a_1-2\n8 harness-ab_1-2\n9 mine\n10 harness-a_3\n")
    Cluster(executor="slurm").cancel("harness-a")
    assert told(queue)[-1] == "scancel 7 10"


def test_jobs_are_cancelled_whatever_the_engine_is_busy_with(
    queue: Path, small: SmallWorld, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it asks after its jobs it has none to cancel, and asking can take minutes."""
    monkeypatch.setattr(cluster_module, "STOP_SECONDS_OF_SLURM", 0.5)
    maker = engine(small, run, Cluster(executor="slurm"))
    queue.write_text(f"7 {maker.job_name}_1-2\n")
    ask = "import subprocess, sys; sys.exit(subprocess.run(['sleep', '600']).returncode)"
    deaf = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); {ask}"
    with subprocess.Popen(
        [sys.executable, "-c", deaf], start_new_session=True, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        child.stdout.readline()
        began = time.monotonic()
        maker._stop(child)
    assert time.monotonic() - began < cluster_module.STOP_SECONDS
    assert [line for line in told(queue) if line.startswith("scancel")] == ["scancel 7"] * 2


def test_what_runs_already_is_left_to_finish(queue: Path) -> None:
    Cluster(executor="slurm").cancel("harness-a", waiting_only=True)
    assert told(queue) == ["squeue --noheader --me --format %i %j --states PENDING"]


def test_an_engine_on_another_host_is_named_and_not_shot_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number is that of somebody else here."""
    shot: list[int] = []
    monkeypatch.setattr(engine_module, "_signal_group", lambda group, number: shot.append(group))
    with pytest.raises(BusyError, match="works on login2, as process group 4711; end it there"):
        engine_module._end_group("4711 login2 other-boot pid:[1]\n")
    for written in ("4711\n", f"4711 {process_space()}\n"):
        engine_module._end_group(written)
    assert shot == [4711, 4711]


def test_drafts_of_another_host_stay_while_they_are_young(tmp_path: Path) -> None:
    store = Store(tmp_path)
    recipe = Recipe(stage="phrases", item="all", parameters=canonical_json({}))
    place = store.folder("phrases", recipe.key)
    ours = draft_of(place)
    dead = ours.with_name(ours.name.rpartition(".")[0] + ".1")
    young, old = (place.with_name(f".{place.name}.{name}.7") for name in ("young", "old"))
    for folder in (dead, young, old):
        folder.mkdir(parents=True)
    long_ago = old.stat().st_mtime - ABANDONED_SECONDS - 1
    os.utime(old, (long_ago, long_ago))
    store.produce(recipe, lambda out: (out / "text.txt").write_text("made"))
    assert [folder.exists() for folder in (dead, young, old)] == [False, True, False]


def test_what_another_host_published_meanwhile_stays(tmp_path: Path) -> None:
    """Where locks end at their hosts, both make it; one of the two is kept, and both go on with that."""
    recipe = Recipe(stage="phrases", item="all", parameters=canonical_json({}))

    def make(out: Path) -> None:
        (out / "text.txt").write_text("made here")
        elsewhere = Store(tmp_path / "elsewhere")
        made = elsewhere.produce(recipe, lambda there: (there / "text.txt").write_text("made there"))
        made.folder.rename(Store(tmp_path).folder("phrases", recipe.key))

    artifact = Store(tmp_path).produce(recipe, make)
    assert (artifact.folder / "text.txt").read_text() == "made there"
    assert list(artifact.folder.parent.glob(".*")) == []


def test_a_job_says_where_it_runs(small: SmallWorld, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.small_plan import install

    install(small, monkeypatch.setattr)
    monkeypatch.setenv("SLURM_JOB_ID", "34")
    monkeypatch.setattr("platform.node", lambda: "node2")
    monkeypatch.setattr("harness.run.stageprocess.require_accelerator", lambda device: None)
    monkeypatch.setattr("harness.run.stageprocess.accelerator_name", lambda: "NVIDIA H100")
    plan, store = small_plan(small), Store(run.root / "store")
    for name in ("phrases", "translations"):
        run_stage(plan, name, store, run, device="cuda")
    places = [stage_cost(name, run.events(name)).ran_on for name in ("phrases", "translations")]
    assert places == [
        (RanOn(host="node2", accelerator=None, job="34"),),
        (RanOn(host="node2", accelerator="NVIDIA H100", job="34"),),
    ]


class Processes(Cluster):
    """A cluster whose jobs are processes of this machine: Snakemake's own, with its own retries."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", {})

    def profile_for(self, name: str) -> dict[str, object]:
        return {"executor": self.executor, "cores": 2, "retries": 3, "default-resources": []}


@pytest.mark.slow
def test_a_job_that_was_killed_is_sent_again_and_one_that_said_why_it_failed_is_not(
    small: SmallWorld, run: RunFolder
) -> None:
    small.write(behaviour={"phrases/all at first": "die", "phrases/all": "raise"})
    # A queue is asked how a job fared some time after its end: here, when the engine has read what a stage said. Its log holds
    # this very command once a job was killed, which the brackets do not find.
    waiting = (
        '"$@"; code=$?; for tick in $(seq 300); do [ -e ../errors/phrases.json ] && ! grep -q "[W]ill exit" ../run.log || break; '
        "sleep 0.2; done; exit $code"
    )
    command = ("sh", "-c", waiting, "sh", *small.command)
    sent = replace(engine(small, run, Processes(executor="local")), device="cpu", command=command)
    with pytest.raises(StageFailedError, match="stage phrases, item all: RuntimeError: the sky fell"):
        sent.make(lambda: None)
    assert small.counted("start").count("phrases/all") == 2
    assert set(small.counted("end")) == {f"benchmarks/{code}" for code in ("hi", "ml", "mr")}, (
        "what ran was finished"
    )


@pytest.mark.parametrize(
    ("error", "whose"),
    [
        (ValueError("no such layer"), "stage"),
        (MissingSourceError("gated", reason=Reason.GATED_WEIGHTS), "stage"),
        (DamagedArtifactError("torn"), "stage"),
        (MemoryShortError("a batch does not fit"), "host"),
        (StoreError("the disk is full"), "host"),
        (NotJudgedError("no card", reason=Reason.NO_ACCELERATOR), "host"),
        (MissingSourceError("no route", reason=Reason.NO_NETWORK), "host"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_host_lacks_is_told_from_what_a_stage_met(
    run: RunFolder, error: Exception, whose: str
) -> None:
    with pytest.raises(type(error)), leaving_word(run, "phrases"):
        raise error
    (failure,) = run.read_failures()
    assert failure.is_of_its_host is (whose == "host")


def test_the_accelerator_is_asked_for_where_something_is_made(
    small: SmallWorld, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.small_plan import install

    install(small, monkeypatch.setattr)
    plan, store = small_plan(small), Store(run.root / "store")

    def none(device: str) -> None:
        if device != "cpu":
            raise NotJudgedError("this machine cannot run on cuda", reason="no-accelerator")  # type: ignore[arg-type]

    monkeypatch.setattr("harness.run.stageprocess.require_accelerator", none)
    with pytest.raises(NotJudgedError):
        run_stage(plan, "benchmarks", store, run, device="cuda")
    assert [failure.item for failure in run.read_failures()] == ["hi"], "whoever waits for the job is told"
    run_stage(plan, "benchmarks", store, run, Part(number=1, of=1))
    run_stage(plan, "benchmarks", store, run, device="cuda")  # what stands is found on any machine
