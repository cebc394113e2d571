"""Waiting for one job: work it off here when nobody else does, else watch how it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from daemon.app import App, stopping
from daemon.folders import make_private
from daemon.jobs import JobRow, State
from daemon.stop import Stop
from daemon.terminal import console, duration, tell
from models.quiet import native_stderr_to

POLL_S = 0.3


def follow(app: App, job_id: str, stop: Stop, sleep: Callable[[float], None] = time.sleep) -> JobRow:
    """Until the job is finished, or this process is told to stop; returns the job as it is then.

    Without a daemon it is this process that makes the video, so Ctrl-C gives the job up. With one,
    Ctrl-C only ends the watching.
    """
    engines_log = app.config.job_dir(job_id) / "engines.log"
    make_private(engines_log.parent)
    with stopping(stop), native_stderr_to(engines_log), display() as shown:
        while True:
            row, position = app.job(job_id)
            if row.finished:
                return row
            if stop.asked:
                gives_up = stop.asked == "cancel" and row.state == State.QUEUED and not app.daemon_runs()
                return app.cancel(job_id) if gives_up else row
            line = position if app.somebody_works() else None  # else it is not waited for
            shown.update(_where(row, line), row.progress, row.eta_s)
            if not app.try_work(job_id, lambda at: shown.update(at.stage, at.fraction, at.eta_s), stop):
                sleep(POLL_S)


def _where(row: JobRow, position: int | None) -> str:
    if position is None:
        return row.stage or "starting"
    return "next in line" if position == 1 else f"number {position} in line"


class Display(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, stage: str, fraction: float, eta_s: float | None) -> None: ...


def display() -> Display:
    """A live bar on a terminal, plain lines anywhere else. Both on stderr."""
    return Bar() if sys.stderr.isatty() else Lines()


class Bar:
    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[eta]:>16}"),
            console=console(stderr=True),
            expand=True,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=1.0, eta="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, stage: str, fraction: float, eta_s: float | None) -> None:
        eta = "" if eta_s is None else f"{duration(eta_s)} left"
        self._progress.update(self._task, description=stage, completed=fraction, eta=eta)


class Lines:
    """One line for each stage and each tenth of the work."""

    def __init__(self) -> None:
        self._told: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, stage: str, fraction: float, eta_s: float | None) -> None:
        now = (stage, int(fraction * 10))
        if now == self._told:
            return
        self._told = now
        eta = "" if eta_s is None else f", about {duration(eta_s)} left"
        tell(f"{stage}: {fraction:.0%}{eta}")
