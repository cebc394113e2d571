"""Drives a process that forks children and has each killed at a point: see killing.py for what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon.conftest import ROOT

Kill = Callable[[str, Path, int], dict[str, Any]]
# What was synced matters to power cuts; a kill takes nothing from what was written.
HARMLESS = (
    "after ",
    "before fsync",
    "before SELECT",
    "before BEGIN",
    "before PRAGMA main.table",
    "before PRAGMA temp.table",
)


def changes(points: Sequence[str]) -> list[int]:
    """The points (from 1) before something changes on the disk, and the last one. Between them there is
    nothing to be torn: all of them are for the slow run."""
    there = [n for n, point in enumerate(points, start=1) if not point.startswith(HARMLESS)]
    return sorted({*there, len(points)})


@contextmanager
def killer(module: str, what: str) -> Iterator[Kill]:
    """module: of the process. what: what it calls that which is to be done, "operation" or "step"."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        told, answers = process.stdin, process.stdout

        def attempt(name: str, folder: Path, kill_at: int) -> dict[str, Any]:
            print(json.dumps({what: name, "folder": str(folder), "kill_at": kill_at}), file=told, flush=True)
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield attempt
        told.close()
