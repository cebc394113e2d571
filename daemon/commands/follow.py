"""Waiting for one job: work it off here when nobody else does, else watch how it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Protocol, Self

from daemon.app import App, stopping
from daemon.commands.terminal import console, duration, tell
from daemon.control.live import Live
from daemon.folders import make_private
from daemon.jobs import JobRow, State
from daemon.stop import Stop
from models.notes import notes_to
from models.quiet import native_stderr_to

POLL_S = 0.3
LOOK_S = 2.0  # the database is read at least this often: the daemon's events are only hints
GRACE_S = 5.0  # a daemon that is gone may be restarting


def follow(
    app: App,
    job_id: str,
    stop: Stop,
    sleep: Callable[[float], None] = time.sleep,
    *,
    clock: Callable[[], float] = time.monotonic,
    grace_s: float = GRACE_S,
) -> JobRow:
    """Until the job is finished, or this process is told to stop; returns the job as it is then.

    Without a daemon it is this process that makes the video, so Ctrl-C gives the job up. With one,
    Ctrl-C only ends the watching; should the daemon go, it gets `grace_s` seconds to come back.
    """
    engines_log = app.config.job_dir(job_id) / "engines.log"
    make_private(engines_log.parent)
    daemon = Expected(grace_s, clock)
    live = Live(app.config.socket, job_id)
    with stopping(stop), native_stderr_to(engines_log), notes_to(engines_log), display() as shown, live:
        while True:
            row, position = app.job(job_id)
            if row.finished:
                return row
            presence = daemon.look(app.daemon_runs())
            if stop.asked:
                gives_up = stop.asked == "cancel" and row.state == State.QUEUED and presence == "none"
                return app.cancel(job_id) if gives_up else row
            if presence == "here":
                shown.update(_where(row, position, live.why), row.progress, row.eta_s)
                _watch(live, shown, stop, clock)
                continue
            live.close()
            if presence == "missed":
                shown.update("waiting for the daemon", row.progress, None)
                sleep(POLL_S)
                continue
            line = position if app.somebody_works() else None  # else it is not waited for
            shown.update(_where(row, line), row.progress, row.eta_s)
            if not app.try_work(
                job_id, lambda at: shown.update(at.stage, at.fraction, at.eta_s, at.loading), stop
            ):
                sleep(POLL_S)


def _watch(live: Live, shown: Display, stop: Stop, clock: Callable[[], float]) -> None:
    """Shows the progress as the daemon tells it, until it is time to look into the database."""
    until = clock() + LOOK_S
    while not stop.asked and (left := until - clock()) > 0:
        for event in live.take(min(left, POLL_S)):
            if event["event"] == "progress":
                loading = event.get("loading", "")  # a daemon from before an upgrade tells none
                shown.update(event["stage"], event["progress"], event["eta_s"], loading)
            elif event["event"] in ("hello", "job", "queue", "lagged", "gone"):
                return


class Expected:
    """Whether there is a daemon to wait for. One that was there is given `grace_s` seconds to return."""

    def __init__(self, grace_s: float, clock: Callable[[], float]) -> None:
        self._grace_s = grace_s
        self._clock = clock
        self._was_here = False
        self._gone_at: float | None = None

    def look(self, runs: bool) -> Literal["here", "missed", "none"]:
        if runs:
            self._was_here, self._gone_at = True, None
            return "here"
        if not self._was_here:
            return "none"
        now = self._clock()
        self._gone_at = now if self._gone_at is None else self._gone_at
        if now - self._gone_at < self._grace_s:
            return "missed"
        self._was_here, self._gone_at = False, None
        tell(f"The daemon did not come back within {self._grace_s:.0f} s; the video is made without it.")
        return "none"


def _where(row: JobRow, position: int | None, why: str = "") -> str:
    if position is None:
        return row.stage or "starting"
    if why:
        return f"waiting: {why}"
    return "next in line" if position == 1 else f"number {position} in line"


class Display(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, stage: str, fraction: float, eta_s: float | None, loading: str = "") -> None: ...


def display() -> Display:
    """A live bar on a terminal, plain lines anywhere else. Both on stderr."""
    return Bar() if sys.stderr.isatty() else Lines()


class Bar:
    """While something is loaded, it says for how long, and moves by itself: that takes up to minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn
        from rich.text import Text

        class Time(ProgressColumn):
            def render(self, task: Task) -> Text:
                since = task.fields["since"]
                shown = task.fields["eta"] if since is None else duration(task.get_time() - since)
                return Text(f"{shown:>16}")

        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            Time(),
            console=console(stderr=True),
            expand=True,
            transient=True,
            get_time=clock,
        )
        self._task = self._progress.add_task("starting", total=1.0, eta="", since=None)
        self._loading = ""
        self._clock = clock

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, stage: str, fraction: float, eta_s: float | None, loading: str = "") -> None:
        eta = "" if eta_s is None else f"{duration(eta_s)} left"
        self._progress.update(self._task, description=_doing(stage, loading), completed=fraction, eta=eta)
        if loading != self._loading:
            self._loading = loading
            self._progress.update(self._task, since=self._clock() if loading else None)


class Lines:
    """One line for each stage, each tenth of the work, and whatever is loaded."""

    def __init__(self) -> None:
        self._told: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, stage: str, fraction: float, eta_s: float | None, loading: str = "") -> None:
        now = (_doing(stage, loading), int(fraction * 10))
        if now == self._told:
            return
        self._told = now
        eta = "" if eta_s is None else f", about {duration(eta_s)} left"
        tell(f"{now[0]} …" if loading else f"{stage}: {fraction:.0%}{eta}")


def _doing(stage: str, loading: str) -> str:
    return f"{stage}: loading {loading}" if loading else stage
