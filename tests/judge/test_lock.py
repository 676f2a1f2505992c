"""The pre-registration: what it holds, when it is intact, and every way in which it can be bent."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import pytest

from claims.sin2025.profiles import PROFILES
from harness.designs.disparity.design import DESIGN
from harness.judge.preregistration import (
    CODE,
    LockBrokenError,
    amend_lock,
    difference,
    lock_state,
    read_lock,
    registration,
    require_unbroken,
    write_lock,
)
from harness.sources import studies
from harness.store.code_digest import import_closure
from harness.words.canonical import Json, digest_of, plain
from harness.words.claim import Minima, Tier
from harness.words.errors import UsageError
from harness.words.judgement import Choice, LockStatus, Protocol
from harness.words.specification import Openness
from harness.words.study import Harvest, SAEForm, SAEKind, Sources, Translator
from tests.judge import test_declared as declared
from tests.small_plan import small_study

VALUE, CITED = declared.VALUE, declared.SOURCES
CLAIM = replace(VALUE, readings=(replace(VALUE.primary, estimates=("gap/layer=1/high/primary",)),))
FACTOR_SAYS = "It matters"
PROTOCOL = Protocol(
    choices=(Choice(name="pooling", alternatives=("mean", "max"), openness=Openness.UNSURE),),
    adapter_seeds=(1, 2),
    exclusions=("nothing",),
)

WORLD = PROFILES["paper"]


def of_sources(**changes: object) -> dict[str, object]:
    """The paper's worlds, where one of them takes something else."""
    other = replace(WORLD, sources=replace(WORLD.sources, **changes))
    return {"profiles": {**PROFILES, "paper": other}}


def swapped(entries: Mapping[str, Translator], one: str, other: str) -> Mapping[str, Translator]:
    return {**entries, one: entries[other], other: entries[one]}


class SmallStudy:
    """A study named small, whose tables a test may change."""

    def __init__(self, root: Path, modules: dict[str, ModuleType]) -> None:
        self.root, self.modules = root, modules
        self.declare()

    @property
    def path(self) -> Path:
        return self.root / "small" / "lock.json"

    def declare(
        self,
        claim: object = CLAIM,
        protocol: object = PROTOCOL,
        study: object = None,
        profiles: object = PROFILES,
        cited: object = CITED,
    ) -> None:
        self.modules["claims"].CLAIMS = (claim,)
        self.modules["study"].PROTOCOL = protocol
        self.modules["study"].STUDY = study or replace(small_study(), name="small")
        self.modules["profiles"].PROFILES = profiles
        self.modules["sources"].SOURCES = cited

    def rewrite(self, change: Callable[[dict[str, Json]], None]) -> None:
        content = json.loads(self.path.read_text())
        change(content)
        self.path.write_text(json.dumps(content))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallStudy:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "study.py").touch()
    monkeypatch.setattr(studies, "CLAIMS", tmp_path)
    package = ModuleType("claims.small")
    package.__path__ = [str(tmp_path / "small")]
    monkeypatch.setitem(sys.modules, "claims.small", package)
    modules = {
        name: ModuleType(f"claims.small.{name}") for name in ("study", "claims", "profiles", "sources")
    }
    for module in modules.values():
        module.__spec__ = object()
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return SmallStudy(tmp_path, modules)


def status(run_locks: tuple[str, ...] = ()) -> LockStatus:
    return lock_state("small", run_locks).lock.status


def test_a_study_that_nobody_registered_has_no_lock_but_a_digest(small: SmallStudy) -> None:
    state = lock_state("small")
    assert state.lock.status is LockStatus.ABSENT
    assert state.lock.sha256 == digest_of(registration("small"))
    assert state.faults == ()


def test_a_registered_study_is_intact(small: SmallStudy) -> None:
    made = write_lock("small")
    state = lock_state("small")
    assert state.lock.status is LockStatus.INTACT
    assert (state.lock.sha256, state.lock.date) == (made.sha256, made.date)
    assert made.content == plain(registration("small"))
    require_unbroken("small", state)


def test_it_holds_what_decides_verdicts(small: SmallStudy) -> None:
    held = registration("small")
    assert (held.alpha, held.draws, held.draws_when_verdicts_differ) == (0.05, 9_999, 99_999)
    assert held.families == {"primary": 1, "secondary": 0, "exploratory": 0}
    assert (held.protocol, held.cited) == (PROTOCOL, CITED)
    assert held.study.primary == small_study().primary
    assert held.claims == {"gap.first.value": CLAIM}


def test_it_is_written_once(small: SmallStudy) -> None:
    write_lock("small")
    with pytest.raises(UsageError, match="stands already; change it with 'harness lock --amend REASON'"):
        write_lock("small")


CHANGES = [
    pytest.param(
        {"claim": replace(CLAIM, margin=3.0)}, "-/claims/gap.first.value/margin: 2.5\n    +/claims/gap.first.value/margin: 3.0",
        id="a margin",
    ),
    pytest.param({"claim": replace(CLAIM, margin_because="a fifth")}, "/margin_because:", id="a reason"),
    pytest.param({"claim": replace(CLAIM, tier=Tier.SECONDARY)}, "/families/primary: 1", id="a tier and its family"),
    pytest.param({"claim": replace(CLAIM, minima=Minima(units=1))}, "/minima/units: 0", id="a minimum"),
    pytest.param({"claim": replace(CLAIM, null=0.0)}, "/null: null", id="the value of no effect"),
    pytest.param(
        {"protocol": replace(PROTOCOL, adapter_seeds=(1, 3))}, "-/protocol/adapter_seeds/1: 2", id="a training seed",
    ),
    pytest.param({"protocol": replace(PROTOCOL, exclusions=())}, "+/protocol/exclusions: []", id="an exclusion"),
    pytest.param({"protocol": replace(PROTOCOL, choices=())}, "/protocol/choices", id="the grid"),
    pytest.param({"cited": (replace(CITED[0], read="2026-11-20"),)}, '+/cited/0/read: "2026-11-20"', id="a source"),
    pytest.param(
        {"study": replace(small_study(), name="small", primary=replace(small_study().primary, num_beams=9))},
        "/study/primary/num_beams", id="the primary specification",
    ),
]  # fmt: skip


SOURCES = WORLD.sources
OTHER_DICTIONARY = (*SOURCES.dictionary_files[:3], SOURCES.dictionary_files[4], *SOURCES.dictionary_files[4:])
OF_SOURCES = [
    pytest.param({"translators": swapped(SOURCES.translators, "hi", "mr")},
                 '+/sources/paper/translators/hi/pin/address: "Helsinki-NLP/opus-mt-en-mr"', id="two translators swapped"),
    pytest.param({"translators": {**SOURCES.translators, "zh": Translator(pin=SOURCES.translators["zh"].pin)}},
                 "+/sources/paper/translators/zh/target_token: null", id="no token for the target"),
    pytest.param({"dictionary_files": OTHER_DICTIONARY}, "-/sources/paper/dictionary_files/3:", id="another SAE at layer 3"),
    pytest.param({"dictionaries": replace(SOURCES.dictionaries, address="a/b")}, "/dictionaries/address:", id="other SAEs"),
    pytest.param({"model": replace(SOURCES.model, revision="1")}, "-/sources/paper/model/revision: null", id="a revision"),
    pytest.param({"model": replace(SOURCES.model, files=("*.bin",))}, "/model/files/0:", id="other files of a model"),
    pytest.param({"phrases": replace(SOURCES.phrases, address="https://a")}, "/phrases/address:", id="another export"),
    pytest.param({"phrase_source_ids": SOURCES.phrase_source_ids[::-1]}, "/phrase_source_ids/0:", id="layers turned round"),
    pytest.param({"benchmarks": {**SOURCES.benchmarks, "m_arc": SOURCES.benchmarks["m_mmlu"]}}, "/benchmarks/m_arc/address:",
                 id="other questions"),
    pytest.param({"published_models": PROFILES["paper-authors"].sources.published_models}, "/published_models/0/",
                 id="tuned models of others"),
    pytest.param({"parallel": None}, "/parallel/split:", id="no parallel text"),
    pytest.param({"dictionary_form": SAEForm(kind=SAEKind.GEMMA_SCOPE_2)}, "/sources/paper/dictionary_form", id="SAEs of another form"),
    pytest.param({"harvest": Harvest(files=("a.jsonl",), contexts=9, context_tokens=8, rows_per_latent=3)},
                 "/sources/paper/harvest", id="rows of a corpus"),
    pytest.param({"phrase_service": None}, "/phrase_service/address:", id="no service"),
]  # fmt: skip


def test_every_kind_of_source_is_tried() -> None:
    tried = {name for case in OF_SOURCES for name in case.values[0]}  # type: ignore[attr-defined]
    assert tried == {field.name for field in fields(Sources)}


@pytest.mark.parametrize(("change", "says"), OF_SOURCES)
def test_other_sources_of_a_world_about_the_paper_are_seen_and_named(
    small: SmallStudy, change: dict[str, object], says: str
) -> None:
    write_lock("small")
    small.declare(**of_sources(**change))
    state = lock_state("small")
    assert state.lock.status is LockStatus.BROKEN
    first, *lines = state.faults[0].splitlines()
    assert first == "claims/small is not what was registered; what differs: sources"
    assert any(says in line for line in lines)


def test_worlds_that_say_nothing_about_the_paper_are_not_held(small: SmallStudy) -> None:
    held = registration("small")
    assert held.sources.keys() == held.sizes.keys() == {"paper", "paper-full", "paper-authors"}


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        pytest.param("MIN_CORRELATION", 0.5, "replay_gate", id="correlation of a replayed row"),
        pytest.param("MIN_SCALE", 0.5, "replay_gate", id="its scale, from below"),
        pytest.param("MAX_SCALE", 2.0, "replay_gate", id="its scale, from above"),
        pytest.param("MIN_PASSING_FRACTION", 0.5, "replay_gate", id="share of a layer's rows"),
        pytest.param("STRONG", 0.5, "replay_gate", id="which rows"),
        pytest.param(
            "design_of",
            lambda _: replace(DESIGN, gate={"rows_of_a_layer": 1}),
            "replay_gate",
            id="how many rows",
        ),
        pytest.param("MAX_POINTS_APART", 50.0, "baseline_gate", id="points between untouched models"),
        pytest.param("MIN_ITEM_AGREEMENT", 0.5, "baseline_gate", id="questions answered alike"),
        pytest.param("CLEAR_OF_CHANCE_SE", 0.0, "baseline_gate", id="errors above chance"),
        pytest.param("installed_code_digest", lambda module: f"other {module}", "code", id="code"),
    ],
)
def test_gates_and_code_are_held_too(
    small: SmallStudy, monkeypatch: pytest.MonkeyPatch, name: str, value: object, part: str
) -> None:
    write_lock("small")
    monkeypatch.setattr(f"harness.judge.preregistration.{name}", value)
    assert (
        lock_state("small")
        .faults[0]
        .startswith(f"claims/small is not what was registered; what differs: {part}\n")
    )


@pytest.mark.parametrize(
    "module",
    [
        "judge",
        "rules",
        "measurements",
        "rules_maximum",
        "resampled",
        "unit_values",
        "baselines",
        "quantities",
        "audit_input",
        "declared_rows",
    ],
)
def test_the_code_that_decides_verdicts_is_held(module: str) -> None:
    """And the estimates', but none that only plans, runs, or shows."""
    roots = [root for modules in (DESIGN.code, *CODE.values()) for root in modules]
    held = {name for root in roots for name in import_closure(root)}
    assert f"harness.judge.{module}" in held
    assert {
        "harness.designs.disparity.estimates",
        "harness.designs.disparity.scores",
        "harness.statistics.metrics",
    } <= held
    assert not any(name.startswith(("harness.run", "harness.report")) for name in held)


@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_a_study_that_changed_is_broken(small: SmallStudy, change: dict[str, object], says: str) -> None:
    made = write_lock("small")
    small.declare(**change)
    state = lock_state("small")
    assert state.lock.status is LockStatus.BROKEN
    assert says in "\n".join(state.faults)
    assert state.lock.sha256 == made.sha256
    with pytest.raises(
        LockBrokenError, match=r"lock\.json is broken:\n  claims/small is not what was registered"
    ) as told:
        require_unbroken("small", state)
    assert told.value.exit_code == 11


def test_alpha_and_the_number_of_draws_are_held_too(
    small: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lock("small")
    monkeypatch.setattr("harness.judge.preregistration.ALPHA", 0.1)
    assert status() is LockStatus.BROKEN
    monkeypatch.setattr("harness.judge.preregistration.ALPHA", 0.05)
    assert status() is LockStatus.INTACT
    monkeypatch.setattr("harness.judge.preregistration.NUM_DRAWS", 10)
    assert status() is LockStatus.BROKEN


def test_an_amendment_keeps_reason_and_difference(small: SmallStudy) -> None:
    first = write_lock("small")
    small.declare(replace(CLAIM, margin=3.0))
    amend_lock("small", " the pilot was wrong ")
    state = lock_state("small")
    (amendment,) = state.lock.amendments
    assert state.lock.status is LockStatus.AMENDED
    assert (amendment.number, amendment.because, amendment.after_results) == (1, "the pilot was wrong", False)
    assert amendment.diff == "-/claims/gap.first.value/margin: 2.5\n+/claims/gap.first.value/margin: 3.0"
    assert read_lock(small.path).known_sha256 == (first.sha256, state.lock.sha256)


def test_an_amendment_after_a_full_run_is_marked(small: SmallStudy) -> None:
    first = write_lock("small")
    small.declare(replace(CLAIM, margin=3.0))
    amend_lock("small", "seen", run_locks=(first.sha256,))
    small.declare(replace(CLAIM, margin=4.0))
    amend_lock("small", "seen again", run_locks=(first.sha256,))
    state = lock_state("small", run_locks=(first.sha256,))
    assert state.lock.status is LockStatus.AMENDED
    assert [each.after_results for each in state.lock.amendments] == [True, True]
    assert [each.number for each in state.lock.amendments] == [1, 2]


def test_a_study_that_changes_again_breaks_an_amended_lock(small: SmallStudy) -> None:
    write_lock("small")
    small.declare(replace(CLAIM, margin=3.0))
    amend_lock("small", "why")
    small.declare(CLAIM)
    assert status() is LockStatus.BROKEN


@pytest.mark.parametrize(
    ("because", "written", "says"),
    [
        pytest.param(" ", True, "an amendment needs a reason", id="no reason"),
        pytest.param("why", False, r"there is no .*lock\.json to amend", id="no lock"),
        pytest.param("why", True, "nothing to amend", id="no change"),
    ],
)
def test_an_amendment_that_cannot_be_made_is_refused(
    small: SmallStudy,
    because: str,
    written: bool,  # noqa: FBT001
    says: str,
) -> None:
    if written:
        write_lock("small")
    with pytest.raises(UsageError, match=says):
        amend_lock("small", because)


def edit_margin(content: dict[str, Json]) -> None:
    content["content"]["claims"]["gap.first.value"]["margin"] = 3.0


def edit_margin_and_name(content: dict[str, Json]) -> None:
    edit_margin(content)
    content["sha256"] = digest_of(content["content"])


TAMPERED = [
    pytest.param(edit_margin, "its content has digest", id="content edited"),
    pytest.param(lambda c: c.update(sha256="0" * 64), "but it is named 000000000000: edited by hand", id="name edited"),
    pytest.param(edit_margin_and_name, "its last amendment does not lead to its content", id="content and name edited"),
    pytest.param(lambda c: c.update(study="other"), "for study 'other'; expected 1 for 'small'", id="another study"),
    pytest.param(lambda c: c.update(format=2), "it is of format 2", id="another format"),
    pytest.param(
        lambda c: c["amendments"][0]["amendment"].update(because="none"), "amendment 1 is not what was written",
        id="a reason edited",
    ),
    pytest.param(
        lambda c: c["amendments"][0]["amendment"].update(after_results=False), "amendment 1 is not what was written",
        id="results unseen",
    ),
    pytest.param(lambda c: c["amendments"].pop(0), "amendment 1 is not what was written", id="the first removed"),
    pytest.param(lambda c: c["amendments"].pop(), "its last amendment does not lead", id="the last removed"),
    pytest.param(lambda c: c["amendments"].reverse(), "amendment 2 does not follow", id="moved"),
    pytest.param(lambda c: c.pop("sha256"), "is no registration", id="no name"),
    pytest.param(lambda c: c.update(more=1), "is no registration", id="something more"),
    pytest.param(lambda c: c.update(amendments=3), "is no registration", id="no amendments"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), TAMPERED)
def test_tampering_with_the_file_is_seen_and_named(
    small: SmallStudy, change: Callable[[dict[str, Json]], None], says: str
) -> None:
    first = write_lock("small")
    for margin in (2.6, 2.7):
        small.declare(replace(CLAIM, margin=margin))
        amend_lock("small", f"to {margin}", run_locks=(first.sha256,))
    small.rewrite(change)
    state = lock_state("small")
    assert state.lock.status is LockStatus.BROKEN
    assert says in "\n".join(state.faults)
    with pytest.raises(LockBrokenError):
        amend_lock("small", "hide it")


def test_a_file_that_is_no_json_is_broken(small: SmallStudy) -> None:
    small.path.write_text("{")
    assert status() is LockStatus.BROKEN


def test_a_lock_that_was_replaced_after_a_full_run_is_seen_by_the_ledger(small: SmallStudy) -> None:
    first = write_lock("small")
    small.path.unlink()
    small.declare(replace(CLAIM, margin=3.0))
    write_lock("small")
    assert status() is LockStatus.INTACT
    state = lock_state("small", run_locks=(first.sha256,))
    assert state.lock.status is LockStatus.BROKEN
    assert f"full runs under lock {first.sha256[:12]}" in state.faults[0]


def test_a_run_under_a_broken_lock_does_not_break_the_mended_one(small: SmallStudy) -> None:
    write_lock("small")
    small.declare(replace(CLAIM, margin=3.0))
    run_under = lock_state("small").lock.sha256
    small.declare(CLAIM)
    assert status((run_under,)) is LockStatus.INTACT


def test_a_study_without_a_protocol_cannot_be_registered(small: SmallStudy) -> None:
    small.declare(protocol=None)
    with pytest.raises(UsageError, match=r"claims/small/study\.py must hold PROTOCOL"):
        lock_state("small")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 3]}, "-/b/1: 2\n+/b/1: 3", id="an entry"),
        pytest.param({"a": 1}, {"a": 1, "b": {}}, "+/b: {}", id="something empty"),
        pytest.param({"a": []}, {"a": [1]}, "-/a: []\n+/a/0: 1", id="no longer empty"),
        pytest.param({"a": "x"}, {"a": "x"}, "", id="nothing"),
        pytest.param(
            {"b": 0},
            {"a": list(range(20)), "b": 0},
            "\n".join(f"+/a/{n}: {n}" for n in range(20)),
            id="a new part",
        ),
        pytest.param(
            {"a": {"b": {"c": 1}}},
            {"a": {"b": {"c": 1, "d": {str(n): n for n in range(21)}}}},
            "+/a/b/d: 21 values",
            id="a large new part of a part that was there",
        ),
        pytest.param(
            {"b": 0}, {"a": list(range(21)), "b": 1}, "-/b: 0\n+/a: 21 values\n+/b: 1", id="a large new part"
        ),
        pytest.param(
            {"a": list(range(51))},
            {"a": []},
            "\n".join((*(f"-/a/{n}: {n}" for n in range(51)), "+/a: []")),
            id="a large part that goes",
        ),
    ],
)
def test_a_difference_names_the_place(old: Json, new: Json, expected: str) -> None:
    assert difference(old, new) == expected
