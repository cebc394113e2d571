"""A process that forks one child after the other; each does an operation and is killed at its n-th point.

Points: before and after each SQL statement, COMMIT and fsync; before each file or folder that is opened
for writing, renamed or removed; in the middle of each copy.

One line of JSON in: {"operation", "folder", "kill_at"}; one line out: {"killed", "points"}.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import event
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine

from tests.daemon.operations import OPERATIONS, opened

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}


class Points:
    """Counts while it is armed, and kills this process at the one that it was told."""

    def __init__(self, kill_at: int, tell: Callable[[list[str]], None]) -> None:
        self.armed = False
        self.passed: list[str] = []
        self._kill_at = kill_at
        self._tell = tell

    def pass_by(self, name: str) -> None:
        if not self.armed:
            return
        self.passed.append(name)
        if len(self.passed) == self._kill_at:
            self.armed = False
            self._tell(self.passed)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        event.listen(Engine, "before_cursor_execute", lambda *a: self.pass_by(f"before {a[2]}"))
        event.listen(Engine, "after_cursor_execute", lambda *a: self.pass_by(f"after {a[2]}"))
        self._around(SQLiteDialect_pysqlite, "do_commit")
        self._around(os, "fsync")
        shutil.copyfileobj = self._copy  # type: ignore[assignment]
        sys.addaudithook(self._audit)

    def _around(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            self.pass_by(f"before {name}")
            result = original(*arguments)
            self.pass_by(f"after {name}")
            return result

        setattr(owner, name, watched)

    def _audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in CHANGES or (name == "open" and arguments[2] & WRITING):
            self.pass_by(f"{name} {arguments[0]}")

    def _copy(self, source: BinaryIO, target: BinaryIO, length: int = 0) -> None:
        content = source.read()
        target.write(content[: len(content) // 2])
        target.flush()
        self.pass_by("half a copy")
        target.write(content[len(content) // 2 :])


def attempt(work: Callable[[Points], None], kill_at: int) -> dict[str, Any]:
    """In a child of its own, so that nothing but files is left of it. work: arms and disarms the points."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            points = Points(kill_at, lambda passed: _send(writer, passed))
            points.watch()
            work(points)
            _send(writer, points.passed)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        passed = json.loads(told.read() or "[]")
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0, f"it failed at {passed}"
    return {"killed": killed, "points": passed}


def _work(name: str, folder: Path, points: Points) -> None:
    points.armed = OPERATIONS[name].opens
    with opened(folder) as queue:
        points.armed = not points.armed
        OPERATIONS[name].act(queue, folder)
        points.armed = False


def _send(writer: int, passed: list[str]) -> None:
    os.write(writer, json.dumps(passed).encode())


def _warm_up() -> None:
    """What is done once here is not done once more in each child."""
    with tempfile.TemporaryDirectory() as name:
        OPERATIONS["finish"].prepare(Path(name))
        with opened(Path(name)) as queue:
            OPERATIONS["finish"].act(queue, Path(name))
    gc.freeze()


if __name__ == "__main__":
    _warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        work = partial(_work, asked["operation"], Path(asked["folder"]))
        done = attempt(work, asked["kill_at"])
        print(json.dumps(done), flush=True)
