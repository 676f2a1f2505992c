"""The whole proof: two builds alike, the right structure, every trial as expected, no secret anywhere."""

import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.container.engine import Engine, EngineError
from tests.container.image import Source, build, head, make_base, make_context, save, size_bytes
from tests.container.trials import (
    FOREIGN_USER,
    IMAGE_USER,
    Outcome,
    full_trials,
    run_trial,
    small_trials,
)

WORK = Path("build/container")
STRUCTURE = Path("tests/container/structure.yaml")

Answer = TypeVar("Answer")


def prove(*, small: bool) -> int:
    """Build the image of the commit twice and try it; 0 if nothing was wrong.

    Raises:
        EngineError: If there is no image to try.
    """
    engine, token, source = Engine(WORK.resolve()), f"hf_{secrets.token_hex(16)}", head()
    engine.prepare()
    for folder in _volumes(engine):
        shutil.rmtree(folder, ignore_errors=True)
    faults = list(_build_faults(engine, token, source, small=small))
    archive = _timed("saved", lambda: save(engine))
    faults += _timed("structure", lambda: _structure_faults(engine, archive))
    trials = small_trials(source.sha) if small else full_trials(source.sha)
    outcomes = [_told(run_trial(engine, trial, token)) for trial in trials]
    faults += [
        f"{outcome.trial.name}: {complaint}" for outcome in outcomes for complaint in outcome.complaints
    ]
    faults += _timed("secrets", lambda: list(_leaks(engine, token, archive, outcomes)))
    archive.unlink()
    for fault in faults:
        _say(f"FAULT {fault}")
    _say(f"{len(outcomes)} trials, {len(faults)} faults")
    return 1 if faults else 0


def _build_faults(engine: Engine, token: str, source: Source, *, small: bool) -> Iterator[str]:
    """Builds twice, and says if the two differ; then the tests onto the whole image."""
    _say(f"commit {source.sha}; what is not committed is not built")
    _timed("stand-in base", lambda: make_base(engine))
    context = make_context(engine, source, token, small=small)
    make = partial(build, engine, context, source, token, small=small)
    first, second = (_timed(f"build {number}", lambda: make(target="run")) for number in (1, 2))
    _say(f"{second}, {size_bytes(engine, 'run') / 1e9:.2f} GB")
    if not small:
        _timed("build of the tests", lambda: make(target="test"))
        _say(f"with tests {size_bytes(engine, 'test') / 1e9:.2f} GB")
    engine.must("podman", "image", "prune", "--force")
    if first != second:
        yield f"the first build gave {first}"


def _structure_faults(engine: Engine, archive: Path) -> list[str]:
    """What the metadata and files of the image lack."""
    words = ("--driver", "tar", "--image", str(archive), "--config", str(STRUCTURE))
    done = engine.quiet("container-structure-test", "test", *words)
    return [f"structure:\n{done.output}"] if done.exit_code else []


def _leaks(engine: Engine, token: str, archive: Path, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Every place that the token went to: layers, labels, logs, reports, caches."""
    yield from (
        f"{path} holds the token" for path in files_holding(engine, token, archive, *_volumes(engine))
    )
    yield from (f"{each.trial.name}: prints the token" for each in outcomes if token in each.output)


def files_holding(engine: Engine, mark: str, *places: Path) -> list[str]:
    """Files at or below some places that hold the mark, in content or in name.

    Raises:
        EngineError: If a place cannot be looked through.
    """
    named = engine.must("find", *map(str, places), "-name", f"*{mark}*")
    held = engine.quiet("grep", "-rlaF", mark, *map(str, places))
    if held.exit_code > 1:
        raise EngineError(f"not everything can be searched for the token: {held.output}")
    return sorted({*named.splitlines(), *held.output.splitlines()})


def _volumes(engine: Engine) -> list[Path]:
    """Folders outside that the trials write to."""
    users = (FOREIGN_USER, IMAGE_USER)
    mounted = [engine.work / f"{name}-{user}" for name in ("cache", "reports") for user in users]
    return [*mounted, engine.work / "typed"]


def _told(outcome: Outcome) -> Outcome:
    _say(f"{'fault' if outcome.complaints else 'as expected'}, {outcome.seconds:.1f} s: {outcome.trial.name}")
    if outcome.complaints:
        _say("\n".join(outcome.output.splitlines()[-40:]))
    return outcome


def _timed(what: str, work: Callable[[], Answer]) -> Answer:
    begun = time.monotonic()
    answer = work()
    _say(f"{what}: {time.monotonic() - begun:.0f} s")
    return answer


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
