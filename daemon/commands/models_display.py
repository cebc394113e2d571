"""How far the work on big files is: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from daemon.commands.terminal import console, printable, tell
from models.hub.watch import Doing, Watch
from models.sizes import size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LARGE = 100_000_000  # bytes: of a file that is larger, it is also said how far it is
STEP = 10  # percent


@contextmanager
def display() -> Iterator[Watch]:
    """On stderr: stdout is for the result."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    with _progress() as progress:
        yield Bars(progress)


def _progress() -> Progress:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        console=console(stderr=True),
    )


class Bars:
    """A bar for each file."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: list[tuple[Doing, TaskID]] = []

    def begin(self, doing: Doing, what: str, size: int, done: int = 0) -> int:
        label = what if doing == "getting" else f"{what} (checking)"
        self._tasks.append((doing, self._progress.add_task(printable(label), total=size, completed=done)))
        return len(self._tasks) - 1

    def advance(self, number: int, count: int) -> None:
        self._progress.advance(self._tasks[number][1], count)

    def end(self, number: int) -> None:
        doing, task = self._tasks[number]
        if doing == "checking":  # of what was fetched, the bar above stays
            self._progress.update(task, visible=False)

    def note(self, text: str) -> None:
        self._progress.console.print(printable(f"note: {text}"), markup=False, soft_wrap=True)


class Lines:
    """A line for each file that is fetched, and of a large one for every tenth of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: list[_File] = []

    def begin(self, doing: Doing, what: str, size: int, done: int = 0) -> int:
        with self._lock:
            self._files.append(_File(doing, what, size, done))
            if doing == "getting" or size > LARGE:
                self._files[-1].begin()
            return len(self._files) - 1

    def advance(self, number: int, count: int) -> None:
        with self._lock:
            self._files[number].advance(count)

    def end(self, number: int) -> None:
        """Nothing is said: what comes next says it."""

    def note(self, text: str) -> None:
        tell(f"note: {text}")


class _File:
    def __init__(self, doing: Doing, what: str, size: int, done: int) -> None:
        self._doing, self._what, self._size, self._done = doing, what, size, done
        self._said = self._percent()

    def begin(self) -> None:
        so_far = f", from {size(self._done)} on" if self._done else ""
        tell(f"{self._doing} {self._what} ({size(self._size)}{so_far})")

    def advance(self, count: int) -> None:
        self._done += count
        percent = self._percent()
        if self._size > LARGE and percent >= self._said + STEP:
            self._said = percent
            tell(f"{self._what}: {percent} %")

    def _percent(self) -> int:
        return self._done * 100 // max(self._size, 1) // STEP * STEP
