"""Keeps the data folder from growing for ever, and free of what the killed have left.

What goes (retention.py says what) is renamed first, while no job can change its state; then the job's row
is told; then it is removed. So whenever a sweep is killed, the next one finds what it had begun.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from daemon.config import Config
from daemon.disk import inventory, retention
from daemon.disk.inventory import VIDEO, WORK, Aside
from daemon.disk.retention import Goes, What, in_words, points_here
from daemon.folders import make_private, unwritable
from daemon.jobs import State
from daemon.queue import Needed, Queue
from daemon.store.lookup import Finished
from models.beats import beat
from models.errors import BadInput, VigentdError
from pipeline.result import left_by_the_killed
from pipeline.stages import RESUMABLE
from pipeline.workspace import SPILL_BYTES, Workspace, remove

JOB_BYTES = 200 * 2**20  # what a minute of 1080x1920 leaves while it is made
AT_ONCE = 100  # as many are renamed while the queue stands still: a few milliseconds


class Log(Protocol):
    """daemon.logs.log.Log, or `Unlogged`."""

    def event(self, name: str, /, **facts: object) -> None: ...

    def warning(self, name: str, /, **facts: object) -> None: ...


class Unlogged:
    """For a command, which tells the person itself."""

    def event(self, name: str, /, **facts: object) -> None:
        pass

    def warning(self, name: str, /, **facts: object) -> None:
        pass


@dataclass(frozen=True)
class Removed:
    """path: of what goes; of a result, of its video. why: the end of "it was …"."""

    what: What
    job: str
    path: Path
    bytes: int
    why: str

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "path": str(self.path)}


@dataclass
class Swept:
    """failed: what could not be removed, and the reason. awaited: ids of jobs whose video would have gone,
    were it not still to be published."""

    removed: list[Removed] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(removed.bytes for removed in self.removed)


class Housekeeping:
    """now: the time, with its zone."""

    def __init__(
        self,
        config: Config,
        queue: Queue,
        log: Log,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._config = config
        self._queue = queue
        self._log = log
        self._now = now

    def sweep(self, dry_run: bool = False) -> Swept:
        """Removes what is no longer kept; with dry_run only says what that is. May run beside a worker.

        Raises Unavailable when the database cannot be used; what was begun is completed the next time.
        """
        swept = Swept()
        found = inventory.take(self._config)
        for path in found.elsewhere:
            self._log.warning("not_swept", path=path, because="it is a symbolic link")
        with self._queue.standing_still() as needed:
            pass
        finished = self._queue.finished()
        steps = retention.plan(found, finished, needed, self._config.disk, self._now())
        if needed.awaited:
            as_if = needed._replace(awaited=frozenset())
            others = retention.plan(found, finished, as_if, self._config.disk, self._now())
            swept.awaited = [step.job for step in others if _is_needed(step, needed)]
        rows = {row.id: row for row in finished}
        for aside in found.aside:
            self._complete(aside, rows.get(aside.job), swept, dry_run)
        if dry_run:
            swept.removed += map(self._removed, steps)
        else:
            for begin in range(0, len(steps), AT_ONCE):
                self._carry_out(steps[begin : begin + AT_ONCE], rows, swept)
        return swept

    def _carry_out(self, steps: list[Goes], rows: dict[str, Finished], swept: Swept) -> None:
        with self._queue.standing_still() as needed:
            moved = [(step, self._set_aside(step, swept)) for step in steps if not _is_needed(step, needed)]
        for step, paths in moved:
            if len(paths) < len(step.paths):
                continue  # what could be moved of it is completed the next time
            if step.video:
                self._tell(step.job, rows.get(step.job), step.why)
            self._remove(paths, self._removed(step), swept)

    def _set_aside(self, step: Goes, swept: Swept) -> list[Path]:
        paths: list[Path] = []
        for path in step.paths:
            target = inventory.aside(path, step.why)
            try:
                path.rename(target)
            except FileNotFoundError:
                pass  # somebody else was quicker
            except OSError as e:
                self._could_not(path, e, swept)
                break
            paths.append(target)
        return paths

    def _complete(self, aside: Aside, row: Finished | None, swept: Swept, dry_run: bool) -> None:
        """What an earlier sweep had begun."""
        what: What = "result" if aside.path.parent == self._config.results else "work"
        removed = Removed(
            what, aside.job, aside.path, aside.bytes, in_words(what, aside.why, self._config.disk)
        )
        if dry_run:
            swept.removed.append(removed)
            return
        if aside.video:
            self._tell(aside.job, row, aside.why)
        self._remove([aside.path], removed, swept)

    def _tell(self, job: str, row: Finished | None, why: str) -> None:
        """The row that the video is gone; unless it knows, or the person has it somewhere else."""
        if row is None or (row.output is None and row.state == State.DONE):
            return
        if row.output is not None and not points_here(row.output, job):
            return
        reason = in_words("result", why, self._config.disk)
        with contextlib.suppress(BadInput):  # it is retried this very moment, and makes a new one
            note = f"The video was removed on {self._now():%Y-%m-%d}: it was {reason}"
            self._queue.expire(job, note, row.finished_at)

    def _remove(self, paths: list[Path], removed: Removed, swept: Swept) -> None:
        try:
            for path in paths:
                remove(path)
        except OSError as e:
            self._could_not(removed.path, e, swept)
            return
        swept.removed.append(removed)
        self._log.event("removed", **removed.__dict__)

    def _could_not(self, path: Path, error: OSError, swept: Swept) -> None:
        reason = error.strerror or str(error)
        swept.failed.append((path, reason))
        self._log.warning("not_removed", path=path, because=reason)

    def _removed(self, step: Goes) -> Removed:
        why = in_words(step.what, step.why, self._config.disk)
        return Removed(step.what, step.job, step.paths[0], step.bytes, why)


def _is_needed(step: Goes, needed: Needed) -> bool:
    return step.job in needed.active or (step.what == "result" and step.job in needed.awaited)


# ---------------------------------------------------------------- what the killed have left


def tidy_job(config: Config, job_id: str, out: Path | None, keep_parts: Collection[str] = ()) -> None:
    """Removes every temporary file of the job: in its workspace, beside its result, beside `out`.

    keep_parts: stages whose half-made artifact stays, to be gone on with. Only while nobody works on the
    job. What cannot be removed stays.
    """
    with contextlib.suppress(OSError):
        Workspace(config.job_dir(job_id) / WORK).tidy(keep_parts)
    for target in (config.results / (job_id + VIDEO), out):
        for path in left_by_the_killed(target) if target else ():
            with contextlib.suppress(OSError):
                remove(path)


def sweep(config: Config, queue: Queue, log: Log) -> None:
    """One sweep of the daemon's, told in its log."""
    try:
        swept = Housekeeping(config, queue, log).sweep()
    except (VigentdError, OSError) as e:
        log.warning("not_swept", error=str(e))
        return
    if swept.removed:
        log.event("swept", removed=len(swept.removed), freed_mb=swept.freed // 10**6)


def tidy_all(config: Config) -> None:
    """Removes what workers that were killed have left in any job's workspace. Only while nobody works."""
    with contextlib.suppress(OSError):
        for job in os.scandir(config.data_dir / "jobs"):
            beat()
            with contextlib.suppress(OSError):
                Workspace(Path(job.path) / WORK).tidy(RESUMABLE)


def empty_scratch(config: Config) -> None:
    """An empty folder for temporary files. Only for the holder of the worker lock, before there are hosts.

    Raises Unavailable `data_dir_unwritable`.
    """
    try:
        if config.scratch.is_symlink():  # what it leads to is not ours
            config.scratch.unlink()
        make_private(config.scratch)
        for path in list(config.scratch.iterdir()):
            with contextlib.suppress(OSError):
                remove(path)
    except OSError as e:
        raise unwritable(config.data_dir, e) from e


# ---------------------------------------------------------------- room


def room_needed() -> int:
    """Bytes in the data folder: a job of a minute, and pictures put aside to be played backwards, of the two
    stages that work at the same time."""
    return 2 * SPILL_BYTES + JOB_BYTES


def watermark(config: Config) -> int:
    """Bytes that must be free in the data folder for a job to be begun, be it beside others."""
    return max(config.disk.min_free, config.queue.lanes * room_needed())


def room(config: Config) -> str:
    """Why the disk has no room for a job, as a sentence; "" when it has."""
    try:
        return too_little(config, shutil.disk_usage(config.data_dir).free)
    except OSError as e:
        return unwritable(config.data_dir, e).message


def too_little(config: Config, free: int) -> str:
    """As `room`; free: bytes in the data folder."""
    least = watermark(config)
    if free >= least:
        return ""
    return (
        f"Only {free // 10**6:,} MB are free for {config.data_dir}, "
        f"and a job is begun with {-(-least // 10**6):,} MB or more"
    )
