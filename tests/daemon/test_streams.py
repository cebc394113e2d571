"""The program from its first moment to its last: Ctrl-C, closed and full streams, a folder that is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.config import Config
from daemon.demo import PORTRAIT, SECONDS, VERSION
from daemon.queue import Queue
from pipeline.spec import JobSpec
from tests.daemon.conftest import ROOT

VIGENTD = f"{sys.executable} -m daemon.cli"
# Ctrl-C at the moment when a module begins to be imported.
INTERRUPTED_AT = """
import os, signal, sys
from daemon.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, if the tests run in the background
class CtrlC:
    def find_spec(name, *_):
        if name == sys.argv[0]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, CtrlC)
sys.argv = [sys.argv[1], "ls"]
main()
"""

Shell = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("VIGENTD_DATA_DIR", str(config.data_dir))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert list(scratch.iterdir()) == [], "no log of a fault that is none"
        assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
        return done

    return run


@pytest.mark.parametrize(
    "module",
    ["daemon.commands.streams", "typer", "daemon.commands.jobs", "sqlalchemy", "sqlmodel", "rich.table"],
)
def test_ctrl_c_at_an_early_moment(shell: Shell, queue: Queue, spec: JobSpec, module: str) -> None:
    queue.submit(spec)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, module], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: interrupted\n")


@pytest.mark.parametrize(
    "closed",
    [">&-", "<&- >&- 2>&-", *(pytest.param(more, marks=pytest.mark.slow) for more in ("2>&-", ">&- 2>&-"))],
)
def test_closed_streams(shell: Shell, queue: Queue, spec: JobSpec, closed: str) -> None:
    queue.submit(spec)
    done = shell(f"{VIGENTD} ls {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    assert shell(f"{VIGENTD} show nope1234 {closed}").returncode == 2
    assert queue.count() == 1, "nothing was written into the database in place of the terminal"


@pytest.mark.parametrize(
    ("command", "jobs"),
    # 60 as JSON are more than a buffer takes: then it is not the last word that fails
    [("ls", 1), ("ls --json", 1), ("ls --json", 60), ("--help", 0), ("show nope1234 --json", 0)],
)
def test_an_output_that_takes_nothing(
    shell: Shell, queue: Queue, spec: JobSpec, command: str, jobs: int
) -> None:
    for _ in range(jobs):
        queue.submit(spec)
    done = shell(f"{VIGENTD} {command} > /dev/full")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == "error: The output cannot be written: No space left on device"
    assert "show" in command or done.stderr.count("\n") == 1


def test_remarks_that_cannot_be_said_do_not_end_a_command(shell: Shell) -> None:
    assert shell(f"{VIGENTD} ls 2> /dev/full").returncode == 0


def test_a_current_folder_that_is_gone(shell: Shell, config: Config, tmp_path: Path) -> None:
    cache = config.data_dir / "cache"
    cache.mkdir(parents=True)
    (cache / f"portrait-v{VERSION}-{PORTRAIT[0]}x{PORTRAIT[1]}-{SECONDS}s.mp4").touch()  # the demo's clip
    gone = f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; {VIGENTD}"
    assert shell(f"{gone} ls --json").stdout == "[]\n"
    for command in ("--config vigentd.toml ls", "demo --out a.mp4"):
        done = shell(f"{gone} {command}")
        assert done.returncode == 2
        assert "error: The path" in done.stderr and "no longer exists" in done.stderr
    done = shell(f"VIGENTD_DATA_DIR=data; export VIGENTD_DATA_DIR; {gone} ls")
    assert done.returncode == 2 and "no longer exists" in done.stderr
