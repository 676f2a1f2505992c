"""Disks that refuse: one clear error, nothing finished is lost, and the same command goes on afterwards."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.proof.smallruns import SmallRun

CAN_MOUNT = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0

needs_mounts = pytest.mark.skipif(
    not CAN_MOUNT, reason="this machine lets nobody mount a file system of his own"
)


def ran_on_a_small_disk(run: SmallRun, before: str, between: str) -> tuple[str, str, str]:
    """Errors of the first attempt, its exit code, and the exit code of the second, with the store on a tmpfs."""
    command = shlex.join(
        [*run.world.command, "reproduce", "--profile", "fixture", "--cores", "2", "--device", "cpu"]
    )
    script = f"""
        mkdir -p .store && mount -t tmpfs -o size=1m none .store
        {before}
        {command} >first.out 2>first.err; echo $? >first.code
        {between}
        {command} >second.out 2>second.err; echo $? >second.code
    """
    subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=run.world.root, check=True, timeout=300)
    read = run.world.root.joinpath
    return read("first.err").read_text(), read("first.code").read_text(), read("second.code").read_text()


@needs_mounts
def test_a_full_disk_is_one_clear_error_and_the_run_goes_on(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = SmallRun.in_folder(tmp_path / "world", seconds=0)
    fill = "head -c 1020k /dev/zero >.store/ballast; head -c 100k /dev/zero >.store/more 2>/dev/null || true"
    err, first, second = ran_on_a_small_disk(run, fill, "rm .store/ballast .store/more")
    assert first.strip() == "3"
    assert "No space left on device [ENOSPC]; free some space" in err
    assert err.count("error:") == 1
    assert "Traceback" not in err
    assert second.strip() == "0"
    other = SmallRun.in_folder(tmp_path_factory.mktemp("other") / "world", seconds=0)
    assert other.finished()[0] == 0
    assert run.report == other.report


@needs_mounts
def test_a_read_only_store_is_one_clear_error_and_the_run_goes_on(tmp_path: Path) -> None:
    run = SmallRun.in_folder(tmp_path / "world", seconds=0)
    err, first, second = ran_on_a_small_disk(run, "mount -o remount,ro .store", "mount -o remount,rw .store")
    assert first.strip() == "3"
    assert "Read-only file system [EROFS]" in err
    assert err.count("error:") == 1
    assert "Traceback" not in err
    assert second.strip() == "0"
