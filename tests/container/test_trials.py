"""The trials judge what a container did: its ending, its words, its files."""

import re
from pathlib import Path

import pytest

from tests.container.engine import Done, Engine
from tests.container.trials import HARDENED, IMAGE_USER, Outcome, Trial, full_trials, run_trial, small_trials

SHA = "ab" * 20


class Recorded(Engine):
    """An engine that only remembers what it was asked, and answers as it is told."""

    asked: tuple[str, ...] = ()
    answer = Done(exit_code=5, output="error: no network\n")

    def quiet(self, *words: str) -> Done:
        type(self).asked = words
        return self.answer


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    monkeypatch.setattr("tests.container.trials.shutil.chown", lambda *_: None)
    return Recorded(tmp_path)


def tried(engine: Engine, trial: Trial) -> Outcome:
    return run_trial(engine, trial, "hf_mark")


def test_what_is_expected_is_no_fault(engine: Recorded) -> None:
    assert tried(engine, Trial(name="", command=("x",), exit_code=5, says="no network")).complaints == ()


def test_another_exit_code_is_a_fault(engine: Recorded) -> None:
    (complaint,) = tried(engine, Trial(name="", command=("x",), says="no network")).complaints
    assert complaint == "it ended with 5, not 0"


def test_other_words_are_a_fault(engine: Recorded) -> None:
    (complaint,) = tried(engine, Trial(name="", command=("x",), exit_code=5, says="no GPU")).complaints
    assert complaint == "it did not say 'no GPU'"


def test_a_file_that_is_missing_or_says_something_else_is_a_fault(engine: Recorded) -> None:
    trial = Trial(
        name="", command=("x",), exit_code=5, says="", leaves={"run-*/report.json": '"exit_code": 5'}
    )
    assert len(tried(engine, trial).complaints) == 1
    report = engine.work / "reports-1234/run-1/report.json"
    report.parent.mkdir()
    report.write_text('{"exit_code": 0}')
    assert len(tried(engine, trial).complaints) == 1
    report.write_text('{"exit_code": 5}')
    assert tried(engine, trial).complaints == ()


def test_a_trial_runs_hardened_as_a_foreign_user_from_elsewhere_with_the_marked_token(
    engine: Recorded,
) -> None:
    tried(engine, Trial(name="", command=("nox", "-l"), says=""))
    words = " ".join(engine.asked)
    assert " ".join(HARDENED) in words
    assert "--user 1234:1234 --workdir /" in words
    assert "--env HF_TOKEN=hf_mark" in words
    assert words.endswith("localhost/replication-harness:latest nox -l")


def test_the_images_own_user_and_folder_are_tried_too(engine: Recorded) -> None:
    tried(engine, Trial(name="", command=(), says="", user=IMAGE_USER, mounted=None, image="test"))
    assert {"--user", "--workdir", "--volume"} & set(engine.asked) == set()
    assert engine.asked[-1] == "localhost/replication-harness:test"


def test_the_readmes_commands_are_typed_word_by_word_with_the_users_folders(engine: Recorded) -> None:
    tried(engine, Trial(name="", command=("id", "-u"), says="", typed=True))
    typed = engine.asked[-1]
    assert 'mkdir -p cache reports\ndocker run --rm --gpus all --user "$(id -u):$(id -g)"' in typed
    assert typed.endswith("-e HF_TOKEN replication-harness id -u")


def test_nothing_is_tried_with_a_network_or_a_privilege() -> None:
    assert " ".join(HARDENED).startswith("--rm --network none --read-only")
    assert "--cap-drop all --security-opt no-new-privileges" in " ".join(HARDENED)


def test_every_refusal_has_its_exit_code() -> None:
    codes = {trial.exit_code for trial in full_trials(SHA)}
    assert {0, 3, 4, 5} <= codes


def test_the_full_proof_holds_the_small_one() -> None:
    assert full_trials(SHA)[: len(small_trials(SHA))] == small_trials(SHA)


def test_every_expectation_is_a_regular_expression() -> None:
    for trial in full_trials(SHA):
        for pattern in (trial.says, *trial.leaves.values()):
            re.compile(pattern)


def test_trials_have_names_of_their_own() -> None:
    names = [trial.name for trial in full_trials(SHA)]
    assert len(set(names)) == len(names)
