"""The worker lock: one at a time, let go by the kernel, and not inherited."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from daemon.store.lock import Holder, WorkerLock, holder
from tests.daemon.conftest import ROOT


def test_one_at_a_time(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with WorkerLock(tmp_path, "daemon") as first, WorkerLock(tmp_path) as second:
        assert first.take()
        assert not second.take()
        assert holder(tmp_path) == Holder(os.getpid(), "daemon")
        first.release()
        assert second.take()
        assert holder(tmp_path) == Holder(os.getpid(), "foreground")
    assert holder(tmp_path) is None


def test_a_child_program_does_not_keep_the_lock(tmp_path: Path) -> None:
    """An encoder that outlives its killed worker must not stop the next one."""
    lock = WorkerLock(tmp_path)
    assert lock.take()
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    )
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"\n"
        lock.release()
        with WorkerLock(tmp_path) as other:
            assert other.take()


LOOKER = """
import sys
from pathlib import Path
from daemon.store.lock import holder
print(flush=True)
while True:
    holder(Path(sys.argv[1]))
"""


def test_looking_never_turns_a_starting_worker_away(tmp_path: Path) -> None:
    with WorkerLock(tmp_path) as lock:
        assert lock.take()  # makes the file
    looker = subprocess.Popen(
        [sys.executable, "-c", LOOKER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    with looker:
        try:
            assert looker.stdout is not None and looker.stdout.readline() == b"\n"
            for _ in range(3000):
                with WorkerLock(tmp_path) as lock:
                    assert lock.take()
        finally:
            looker.kill()


ASK = """
import sys
from pathlib import Path
from daemon.store.lock import holder
print(holder(Path(sys.argv[1])))
"""


def test_another_process_sees_who_works(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASK, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with WorkerLock(tmp_path, "daemon") as lock:
        assert lock.take()
        seen = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert seen.stdout.strip() == str(Holder(os.getpid(), "daemon"))
    seen = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert seen.stdout.strip() == "None"
