"""The doctor over a real line: what is well, what is missing, and the cure of each."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from claims.sin2025.study import STUDY
from harness.designs.design import plan
from harness.designs.disparity.costs import costs, stated
from harness.run.doctor import (
    Lines,
    Need,
    NeedState,
    Room,
    _download_rooms,
    _measured,
    _store_room,
    device_for,
    examined,
    fetched,
    is_able,
)
from harness.run.forecast import Rates, accelerator_bytes, projection, projection_lines
from harness.sources.pins import Seen, SeenFile
from harness.sources.studies import load_profile, load_study
from harness.store import provenance
from harness.words.errors import UsageError
from harness.words.plan import Work
from harness.words.study import Home, Pin, Profile, Study
from tests.hub.miniature import miniature_hub
from tests.hub.server import OUTSIDER, TOKEN, Hub, serving

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving(miniature_hub()) as running:
        yield running


def doctor(hub: Hub, home: Path, *words: str, token: str | None = TOKEN, **more: str) -> dict[str, Any]:
    environment = hub.surroundings(home, token, **more)
    command = [sys.executable, "-m", "harness", "doctor", "--json", "--store", str(home / "store"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert not token or token not in done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if answer["able"] else 5)
    return answer


def state_of(answer: dict[str, Any], need: str) -> tuple[str, str]:
    (found,) = [finding for finding in answer["findings"] if finding["need"].startswith(need)]
    return found["state"], found["found"] + found["cure"]


def test_with_an_open_gate_only_the_accelerator_is_missing(hub: Hub, tmp_path: Path) -> None:
    answer = doctor(hub, tmp_path, "--profile", "paper")
    wanting = [each["need"] for each in answer["findings"] if each["state"] == "missing"]
    assert wanting in ([], ["accelerator"], ["room for the store"], ["accelerator", "room for the store"])
    assert state_of(answer, "gate of google/gemma-2-2b") == ("ok", "open; a token is set")
    assert state_of(answer, "gate of openlanguagedata/flores_plus") == ("ok", "open; a token is set")
    assert state_of(answer, "gemma-scope-2b-pt-res")[1].startswith("revision ")
    assert "26 files" in state_of(answer, "gemma-scope-2b-pt-res")[1]
    assert len(answer["findings"]) == 23


@pytest.mark.parametrize("token", [None, OUTSIDER], ids=["no token", "licence not accepted"])
def test_a_shut_gate_comes_with_its_cure(hub: Hub, tmp_path: Path, token: str | None) -> None:
    answer = doctor(hub, tmp_path, "--profile", "paper", token=token)
    for address, expected in (("google/gemma-2-2b", "missing"), ("openlanguagedata/flores_plus", "warn")):
        state, found = state_of(answer, f"gate of {address}")
        assert state == expected
        assert "accept its licence" in found


def test_offline_every_source_is_missing(hub: Hub, tmp_path: Path) -> None:
    answer = doctor(
        hub,
        tmp_path,
        "--profile",
        "paper",
        "--device",
        "cpu",
        HF_HUB_OFFLINE="1",
        AWS_ENDPOINT_URL_S3="http://127.0.0.1:9",
    )
    assert [state_of(answer, name)[0] for name in ("gemma-2-2b", "neuronpedia export", "m_arc")] == [
        "missing"
    ] * 3
    assert state_of(answer, "flores_plus")[0] == "warn"


@pytest.mark.parametrize(("command", "things"), [("doctor", 18), ("fetch", 16)])
def test_without_a_network_each_endpoint_is_told_once(
    hub: Hub, tmp_path: Path, command: str, things: int
) -> None:
    silent = {"HF_ENDPOINT": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    words = [sys.executable, "-m", "harness", command, "--profile", "paper"]
    environment = hub.surroundings(tmp_path, None, **silent)
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout.count("no network (http://127.0.0.1:9 does not answer") == 2
    assert done.stdout.count("the same as for gemma-2-2b") == things - 2


def test_what_many_things_share_is_told_once() -> None:
    lines = Lines()
    problems = [("a", "no network"), ("b", "no network"), ("c", "gated"), ("d", "no network")]
    needs = (Need(need=name, state=NeedState.MISSING, found=problem) for name, problem in problems)
    assert [lines.need(each)[1] for each in needs] == [
        "no network", "the same as for a", "gated", "the same as for a",
    ]  # fmt: skip


def test_offline_the_room_for_downloads_is_not_known(hub: Hub, tmp_path: Path) -> None:
    """What cannot be asked about would count as nothing, and a full disk as well."""
    shut = {"HF_HUB_OFFLINE": "1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    answer = doctor(hub, tmp_path, "--profile", "paper", "--device", "cpu", **shut)
    state, found = state_of(answer, "room for downloads")
    assert state == "warn"
    assert "the size of gemma-2-2b; gemma-scope-2b-pt-res; " in found
    assert "is not known" in found
    assert "the size of neuronpedia export is not known" in state_of(answer, "room for objects")[1]


def test_offline_what_was_recorded_is_known(hub: Hub, tmp_path: Path) -> None:
    online = doctor(hub, tmp_path, "--profile", "paper", "--device", "cpu")
    offline = doctor(hub, tmp_path, "--profile", "paper", "--device", "cpu", HF_HUB_OFFLINE="1")
    before, now = (state_of(answer, "room for downloads") for answer in (online, offline))
    assert (before[0], now[0]) == ("ok", "ok")
    assert "not known" not in now[1]
    assert before[1].partition(", ")[2] == now[1].partition(", ")[2]


def test_of_published_models_that_cannot_be_asked_about_the_copies_room_is_not_known(
    hub: Hub, tmp_path: Path
) -> None:
    answer = doctor(hub, tmp_path, "--profile", "paper-authors", "--device", "cpu", HF_HUB_OFFLINE="1")
    state, found = state_of(answer, "room for the store")
    assert state in {"warn", "missing"}
    assert "the size of the authors' tuned model 4k-0; " in found


def test_a_small_disk_is_missing_whatever_else_is_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**20))
    drawn = plan(STUDY, load_profile(STUDY, "fixture"), "cpu")
    *_, room = examined(drawn, "cpu", tmp_path)
    assert (room.need, room.state) == ("room for the store", NeedState.MISSING)
    assert "0.0 GiB free" in room.found


GIB = 2**30


@pytest.mark.parametrize(("beside", "state"), [(0, NeedState.WELL), (30 * GIB, NeedState.MISSING)])
def test_downloads_and_store_on_one_disk_both_need_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, beside: int, state: NeedState
) -> None:
    """65 GiB are enough for the store's 60, and not for 30 of downloads too."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=65 * GIB))
    need = Room(need="room for the store", folder=tmp_path, wanted=60 * GIB, unknown=())
    room = _measured(need, beside)
    assert room.state is state
    assert room.exit_code == 0  # what is stored is about so much, so a run starts, and says so
    assert ("where 30.0 GiB of downloads will come too" in room.found) == bool(beside)


def test_room_is_measured_where_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The hub's client may have a disk of its own, and objects of a store do not go there."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(
        "shutil.disk_usage", lambda folder: SimpleNamespace(free=0 if folder.name == "hub" else GIB)
    )
    (tmp_path / "hub").mkdir()
    model = Pin(name="model", home=Home.HUB_MODEL, address="a/model", licence="none")
    export = Pin(
        name="export", home=Home.BUCKET, address="https://b.example/v1", files=("0/",), licence="none"
    )
    file = SeenFile(path="0/x", size_bytes=2**20, digest="git:0")
    seen = {pin: Seen(revision="0" * 40, files=(file,)) for pin in (model, export)}
    rooms = list(_download_rooms([model, export], seen))
    assert [(room.folder, room.wanted) for room in rooms] == [
        (tmp_path / "hub", 2**20),
        (tmp_path / "home" / "harness" / "buckets", 2**20),
    ]
    full, free = (_measured(room, 0) for room in rooms)
    assert (full.state, free.state) == (NeedState.MISSING, NeedState.WELL)
    assert full.exit_code == 3  # what is fetched is known to the byte, so no run starts
    assert f"free at {tmp_path / 'hub'}, " in full.found
    assert "HF_HUB_CACHE" in full.cure


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with a driver, under a torch that is built for CUDA."""
    monkeypatch.setattr(provenance, "_version", lambda _: "2.13.0+cu126")
    monkeypatch.setattr(provenance, "default_device", lambda: "cuda")
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    return monkeypatch


def accelerator() -> Need:
    """What is said of it for the paper profile; what comes later is not asked."""
    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cuda")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.run.doctor.check_versions", lambda: None)
        (_, found) = islice(examined(drawn, "cuda", Path()), 2)
    assert found.need == "accelerator"
    return found


@pytest.mark.parametrize("state", [NeedState.WELL, NeedState.MISSING])
def test_a_library_that_translators_lack_is_told_before_a_run_pays_for_it(
    card: pytest.MonkeyPatch, state: NeedState
) -> None:
    def load(name: str, mode: int) -> None:
        if state is NeedState.MISSING:
            raise OSError(f"{name}: cannot open shared object file")

    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cuda")
    memory = provenance.AcceleratorMemory(free_bytes=80 * GIB, total_bytes=80 * GIB)
    card.setattr("harness.run.doctor.check_versions", lambda: None)
    card.setattr("harness.run.doctor.accelerator_problem", lambda: None)
    card.setattr("harness.run.doctor.accelerator_memory", lambda: memory)
    card.setattr("harness.models.translator.ctypes.CDLL", load)
    (*_, found) = islice(examined(drawn, "cuda", Path()), 3)
    assert (found.need, found.state) == ("translators on an accelerator", state)
    assert ("pip install nvidia-cublas-cu12" in found.found) == (state is NeedState.MISSING)
    assert found.exit_code == (3 if state is NeedState.MISSING else 0)


def test_a_driver_for_another_cuda_is_named_with_its_cure(card: pytest.MonkeyPatch) -> None:
    card.setattr(torch.cuda, "is_available", lambda: False)
    card.setattr(provenance, "accelerator_name", lambda: "NVIDIA L4, 23034 MiB, 470.1")
    found = accelerator()
    assert found.state is NeedState.MISSING
    assert found.found == (
        "the driver (NVIDIA L4, 23034 MiB, 470.1) is not for CUDA 12.6, which torch is built for"
    )
    assert "install a driver" in found.cure


@pytest.mark.parametrize(
    ("free", "total", "state", "cure"),
    [
        pytest.param(23 * GIB, 24 * GIB, NeedState.WELL, "", id="enough"),
        pytest.param(3 * GIB, 24 * GIB, NeedState.MISSING, "end what else uses it", id="enough, but in use"),
        pytest.param(7 * GIB, 8 * GIB, NeedState.MISSING, "with more memory", id="too small"),
    ],
)
def test_free_memory_of_the_accelerator_decides(
    card: pytest.MonkeyPatch, free: int, total: int, state: NeedState, cure: str
) -> None:
    card.setattr(torch.cuda, "mem_get_info", lambda: (free, total))
    found = accelerator()
    assert found.state is state
    assert found.found.startswith(f"{free / GIB:.1f} of {total / GIB:.1f} GiB of memory are free, about ")
    assert bool(found.cure) is bool(cure)
    assert cure in found.cure


def test_a_repository_that_moved_on_is_told_and_nothing_else(tmp_path: Path) -> None:
    with serving(miniature_hub()) as hub:
        doctor(hub, tmp_path, "--profile", "paper")
        hub.repositories["datasets", "richmondsin/m_arc"].parent_revision = "e" * 40
        state, found = state_of(doctor(hub, tmp_path, "--profile", "paper"), "m_arc")
    assert state == "warn"
    assert "eeeeeeeeeeee by now" in found


def test_the_committed_world_is_well_on_any_machine(hub: Hub, tmp_path: Path) -> None:
    answer = doctor(hub, tmp_path, "--profile", "fixture", "--device", "cpu")
    assert {finding["state"] for finding in answer["findings"]} == {"ok"}


def test_one_missing_need_is_enough() -> None:
    well = Need(need="a", state=NeedState.WELL, found="")
    assert is_able([well, replace(well, state=NeedState.WARNING)])
    assert not is_able([well, replace(well, state=NeedState.MISSING)])


def test_true_sizes_ask_for_an_accelerator_wherever_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.doctor.default_device", lambda: "cpu")
    found = {name: device_for(load_profile(STUDY, name)) for name in ("fixture", "paper", "rehearsal")}
    assert found == {"fixture": "cpu", "paper": "cuda", "rehearsal": "cuda"}


def test_the_model_has_the_parameters_of_its_card() -> None:
    """2.6 billion, to the last one."""
    assert STUDY.shapes.parameters == 2_614_341_888


def test_the_largest_stage_fits_a_card_of_24_gibibytes() -> None:
    assert 14 * GIB < accelerator_bytes(STUDY, load_profile(STUDY, "paper")) < 24 * GIB


def test_memory_is_that_of_the_studys_own_model_in_its_own_type() -> None:
    """The miniature model needs no gigabytes, and a model of twice the width and as many heads twice as many."""
    paper = load_profile(STUDY, "paper")
    small = load_study("miniature")
    assert accelerator_bytes(small, load_profile(small, "fixture")) < GIB / 10
    wide = replace(STUDY, shapes=replace(STUDY.shapes, d_model=2 * 2304))
    assert accelerator_bytes(wide, paper) == 2 * accelerator_bytes(STUDY, paper)
    single = replace(paper, sizes=replace(paper.sizes, dtype="float32"))
    more = accelerator_bytes(STUDY, single) - accelerator_bytes(STUDY, paper)
    assert more == 2 * STUDY.shapes.parameters


def stored_bytes(study: Study, profile: Profile, store: Path) -> int:
    return _store_room(plan(study, profile, "cuda"), store, {}).wanted


def test_the_store_is_as_large_as_what_the_study_stores(tmp_path: Path) -> None:
    """Mostly converted translators, and the mean residuals of a sample, once for every language."""
    paper = load_profile(STUDY, "paper")
    whole = stored_bytes(STUDY, paper, tmp_path)
    assert 3 * GIB < whole < 8 * GIB
    half = replace(STUDY, shapes=replace(STUDY.shapes, num_layers=13), languages=STUDY.languages[:6])
    assert stored_bytes(half, paper, tmp_path) < whole / 2
    assert (
        stored_bytes(STUDY, replace(paper, sizes=replace(paper.sizes, similarity_texts=256)), tmp_path)
        < 0.9 * whole
    )


def test_what_the_example_stored_is_what_its_stages_are_said_to_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its export holds 312 texts, of which 42 % make a latent of the panel active: then a language takes what it took."""
    report = json.loads((ROOT / "reports" / "example" / "report.json").read_text(encoding="utf-8"))
    stored = {(row["stage"], row["item"]): row["size_bytes"] for row in report["run"]["artifacts"]}
    study = load_study("miniature")
    fixture = load_profile(study, "fixture")
    assert sum(stored.values()) < stored_bytes(study, fixture, tmp_path) <= 2**29
    monkeypatch.setattr("harness.designs.disparity.costs.phrases_at_most", lambda _: 312)
    monkeypatch.setattr("harness.designs.disparity.costs.ACTIVE_SHARE", 0.42)
    told = costs(plan(study, fixture, "cpu")).stored_bytes["activations"]
    assert told == pytest.approx(stored["activations", "en"], rel=0.2)


def test_what_stands_needs_no_room_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = load_study("miniature")
    profile = load_profile(study, "fixture")
    whole = stored_bytes(study, profile, tmp_path)
    monkeypatch.setattr("harness.run.doctor.inventory", lambda *_: (SimpleNamespace(size_bytes=whole - 5),))
    assert stored_bytes(study, profile, tmp_path) == 5


def test_xet_keeps_chunks_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_XET_CACHE", str(tmp_path / "xet"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    model = Pin(name="model", home=Home.HUB_MODEL, address="a/model", licence="none")
    file = SeenFile(path="x", size_bytes=30_000_000_000, digest="git:0")
    files, chunks = _download_rooms([model], {model: Seen(revision="0" * 40, files=(file,))})
    assert (files.folder, files.wanted) == (tmp_path / "hub", 30_000_000_000)
    assert (chunks.folder, chunks.wanted) == (tmp_path / "xet", 10_000_000_000)


def test_questions_that_cannot_be_read_are_told_before_a_run(tmp_path: Path) -> None:
    """A layout that no language follows, or a template that nobody knows."""
    profile = load_profile(STUDY, "fixture")
    (tmp_path / "m_arc").mkdir()
    empty = replace(profile.sources.benchmarks["m_arc"], address=str(tmp_path / "m_arc"))
    sources = replace(profile.sources, benchmarks={**profile.sources.benchmarks, "m_arc": empty})
    drawn = plan(STUDY, replace(profile, sources=sources), "cpu")
    (arc,) = (each for each in examined(drawn, "cpu", tmp_path) if each.need.startswith("questions of"))
    assert (arc.state, arc.exit_code) == (NeedState.MISSING, 5)
    assert "has no */test in any of the layouts" in arc.found
    unknown = replace(STUDY, benchmarks=(replace(STUDY.benchmarks[0], template="arc"),))
    with pytest.raises(UsageError, match="unknown template 'arc' of benchmark arc; expected one of "):
        list(examined(plan(unknown, profile, "cpu"), "cpu", tmp_path))


def test_a_language_without_questions_is_told_before_a_run(tmp_path: Path) -> None:
    """Of what lies here from its folder, of what is fetched from what its endpoint says."""
    bengali = replace(STUDY.languages[-1], code="bn", name="Bengali")
    study = replace(STUDY, languages=(*STUDY.languages, bengali))
    profile = load_profile(STUDY, "fixture")
    translators = {**profile.sources.translators, "bn": profile.sources.translators["hi"]}
    # Nobody has put the committed text into Bengali.
    sources = replace(profile.sources, translators=translators, parallel=None)
    drawn = plan(study, replace(profile, sources=sources), "cpu")
    told = [each for each in examined(drawn, "cpu", tmp_path) if each.need.startswith("questions of")]
    assert [each.need for each in told] == [
        f"questions of miniature m_{name}" for name in ("arc", "hellaswag", "mmlu")
    ]
    assert {each.state for each in told} == {NeedState.WARNING}
    assert told[0].found == "none in Bengali; claims about arc there are not run, all else is"


def test_what_is_fetched_is_not_left_in_a_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "huggingface/hub"))
    monkeypatch.setenv("HARNESS_MOUNTS", str(tmp_path))
    with pytest.raises(UsageError, match="goes with the container"):
        next(fetched(load_profile(STUDY, "paper").sources.remote_pins()))


def test_a_projection_is_arithmetic_over_sizes_and_rates() -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cpu")
    rates = Rates(tflops=150, float32_tflops=30, translations_per_second=150)
    stages = {stage.stage: stage for stage in projection(drawn, rates)}
    phrases = stated(drawn).phrases
    assert phrases == 117_000
    assert stages["translation-shards"].work == Work(translated=9 * phrases)
    assert stages["translation-shards"].seconds == pytest.approx(9 * phrases / 150)
    assert stages["translation-scores"].work == Work(translated=9 * 256)
    tokens = stages["activations"].work.tokens
    # Five languages are read once more in Latin letters, and nine on sentences that a machine and people translated.
    assert tokens == ((10 + 5) * phrases + 9 * 2 * 256) * 32
    # No text of this stage reaches the head, and looking up an embedding multiplies nothing.
    of_the_layers = 26 * STUDY.shapes.layer_parameters
    # A sample climbs all 26 layers, the others as far as they speak, as do all in Latin letters; sentences climb all.
    far = stated(drawn).layers
    climbed = 32 * (10 * (26 * 2_048 + far * (phrases - 2_048)) + 5 * far * phrases + 9 * 2 * 256 * 26)
    # The model computes in bfloat16, and what is encoded of its stream in float32.
    seconds = 2 * (of_the_layers / 26 * climbed / 150e12 + stages["activations"].work.encoded / 30e12)
    assert stages["activations"].seconds == pytest.approx(seconds)
    doubled = {each.stage: each for each in projection(drawn, rates.times(2))}
    assert doubled["activations"].seconds == pytest.approx(seconds / 2)
    assert doubled["translation-shards"].seconds == pytest.approx(9 * phrases / 300)


def test_a_plan_says_which_rates_would_make_it_two_hours() -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cpu")
    slow = Rates()
    hours = sum(stage.seconds for stage in projection(drawn, slow)) / 3600
    last = list(projection_lines(drawn, slow))[-1]
    assert last.startswith(f"2 hours would take {hours / 2:.1f} times these rates: ")
    fast = slow.times(hours / 2)
    assert sum(stage.seconds for stage in projection(drawn, fast)) == pytest.approx(2 * 3600)
    assert list(projection_lines(drawn, replace(fast, tflops=1.01 * fast.tflops)))[-1].startswith("together")


def test_a_model_in_float32_is_as_slow_as_its_dictionaries() -> None:
    profile = load_profile(STUDY, "paper")
    single = replace(profile, sizes=replace(profile.sizes, dtype="float32"))
    (benchmarks,) = (
        each for each in projection(plan(STUDY, single, "cpu"), Rates()) if each.stage == "benchmarks"
    )
    assert benchmarks.float32_flops == benchmarks.flops
    assert benchmarks.seconds == pytest.approx(benchmarks.flops / 20e12)


def test_the_language_model_alone_can_make_it_where_translations_leave_time() -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cpu")
    others = Rates(float32_tflops=60, translations_per_second=5_000)
    last = list(projection_lines(drawn, others))[-1]
    enough = float(last.split("; or ")[1].split(" TFLOP/s")[0].replace(",", ""))
    stages = projection(drawn, replace(others, tflops=enough))
    assert sum(stage.seconds for stage in stages) == pytest.approx(2 * 3600, rel=0.01)
