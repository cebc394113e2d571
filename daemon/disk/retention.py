"""What is no longer kept, and why. Rules only: nothing is looked at or removed here.

Work of finished jobs goes when it is too old; then the oldest until the rest is small enough, that of
failed and cancelled jobs last, for `retry` goes on from it. Results go by rules of the same kind. A log
goes with the last thing that it tells of. Nothing of a queued or running job ever goes, and no video that is
still to be published.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daemon.config import DiskSettings
from daemon.disk.inventory import VIDEO, WORK, Inventory, JobFolder, Result
from daemon.jobs import State
from daemon.queue import Needed
from daemon.store.lookup import Finished

What = Literal["work", "log", "result", "temporary"]
Why = Literal["age", "size", "unknown", "unfinished", "alone"]

DAY_S = 86_400.0
STRANGE_S = DAY_S  # what no job is known for is left for so long


@dataclass(frozen=True)
class Goes:
    """paths: all that goes at once, the video first; bytes: in them. video: whether there is one."""

    what: What
    job: str
    paths: tuple[Path, ...]
    bytes: int
    why: Why
    video: bool = False


def plan(
    found: Inventory,
    finished: Sequence[Finished],
    needed: Needed,
    disk: DiskSettings,
    now: dt.datetime,
) -> list[Goes]:
    """finished: all finished jobs."""
    jobs = _Jobs({row.id: row for row in finished}, needed.active, needed.awaited, now)
    results = _results(found, jobs, disk)
    gone = {step.job for step in results}
    kept = {job for job in found.results if job not in gone}
    return [*results, *_folders(found, jobs, disk, gone, kept), *_half_written(found, jobs)]


def in_words(what: What, why: str, disk: DiskSettings) -> str:
    """Why it goes, as the end of "it was …"."""
    section = "results" if what == "result" else "work"
    days = disk.results_days if what == "result" else disk.work_days
    size = disk.results_size if what == "result" else disk.work_size
    limit = size.human_readable(decimal=True, separator=" ")
    return {
        "age": f"older than {days:g} days (disk.{section}_days)",
        "size": f"more than fits into {limit} (disk.{section}_size)",
        "unknown": "of no job that the database knows",
        "unfinished": "left half-made by a process that was killed",
        "alone": "all that was left of its job",
    }.get(why, "being removed when vigentd was ended")


def points_here(output: str | None, job: str) -> bool:
    """Whether the job's output is the file in `results`. A person cannot have known the id before."""
    return output is not None and Path(output).name == job + VIDEO


@dataclass(frozen=True)
class _Jobs:
    known: dict[str, Finished]
    active: frozenset[str]
    awaited: frozenset[str]
    now: dt.datetime

    def ended(self, job: str, changed: float) -> float:
        """When the job ended, in seconds since 1970; of an unknown one, when its files were made."""
        row = self.known.get(job)
        return dt.datetime.fromisoformat(row.finished_at).timestamp() if row else changed

    def older(self, since: float, days: float) -> bool:
        return days > 0 and self.now.timestamp() - since > days * DAY_S

    def state(self, job: str) -> str | None:
        row = self.known.get(job)
        return row.state if row else None


# ---------------------------------------------------------------- results


def _results(found: Inventory, jobs: _Jobs, disk: DiskSettings) -> list[Goes]:
    def since(result: Result) -> float:
        return jobs.ended(result.job, result.size.changed)

    begun = {aside.job for aside in found.aside if aside.video}
    steps: list[Goes] = []
    stays: list[Result] = []
    for result in sorted(found.results.values(), key=since):
        if result.job in jobs.active or result.job in jobs.awaited:
            continue
        if not result.video and (result.job in begun or _is_fragment(result, jobs)):
            steps.append(_result(result, "unfinished"))
        elif jobs.older(since(result), disk.results_days):
            steps.append(_result(result, "age"))
        else:
            stays.append(result)
    steps += [_result(result, "size") for result in _beyond(stays, disk.results_size)]
    return steps


def _is_fragment(result: Result, jobs: _Jobs) -> bool:
    """What a killed delivery left of a job that then failed. What is left of a job that is done, the person
    left there: they took the video away."""
    state = jobs.state(result.job)
    if state is None:
        return jobs.now.timestamp() - result.size.changed > STRANGE_S
    return state != State.DONE


def _result(result: Result, why: Why) -> Goes:
    return Goes("result", result.job, tuple(result.files), result.size.bytes, why, result.video)


def _beyond(oldest_first: Sequence[Result], limit: int) -> Iterable[Result]:
    total = sum(result.size.bytes for result in oldest_first)
    for result in oldest_first:
        if limit == 0 or total <= limit:
            return
        total -= result.size.bytes
        yield result


# ---------------------------------------------------------------- work and logs


def _folders(
    found: Inventory, jobs: _Jobs, disk: DiskSettings, gone: Collection[str], kept: Collection[str]
) -> list[Goes]:
    """gone, kept: the jobs whose results in the data folder go now, and stay."""
    by_age = sorted(found.folders.values(), key=lambda folder: jobs.ended(folder.job, folder.changed))
    idle = [folder for folder in by_age if folder.job not in jobs.active]
    strange = [folder for folder in idle if folder.job not in jobs.known]
    steps = [_whole(f, "unknown") for f in strange if jobs.now.timestamp() - f.changed > STRANGE_S]
    work_goes = _work(idle, jobs, disk)
    for folder in idle:
        row = jobs.known.get(folder.job)
        if row is None:
            continue
        why = work_goes.get(folder.job)
        if folder.work is not None and why is None:
            continue
        tells_nothing = folder.empty or _log_goes(row, jobs, disk, gone, kept)
        if tells_nothing:
            steps.append(_whole(folder, why or "alone"))
        elif why is not None and folder.work is not None:
            steps.append(Goes("work", folder.job, (folder.path / WORK,), folder.work.bytes, why))
    return steps


def _work(idle: Sequence[JobFolder], jobs: _Jobs, disk: DiskSettings) -> dict[str, Why]:
    """Of the jobs whose work goes, why."""
    goes: dict[str, Why] = {}
    stays: list[tuple[bool, float, str, int]] = []
    for folder in idle:
        if folder.work is None or folder.job not in jobs.known:
            continue
        since = jobs.ended(folder.job, 0.0)
        if jobs.older(since, disk.work_days):
            goes[folder.job] = "age"
        else:
            for_retry = jobs.state(folder.job) != State.DONE
            stays.append((for_retry, since, folder.job, folder.work.bytes))
    total = sum(bytes_ for *_, bytes_ in stays)
    for _, _, job, bytes_ in sorted(stays):
        if disk.work_size == 0 or total <= disk.work_size:
            break
        total -= bytes_
        goes[job] = "size"
    return goes


def _log_goes(
    row: Finished, jobs: _Jobs, disk: DiskSettings, gone: Collection[str], kept: Collection[str]
) -> bool:
    """With the result; of a job that has none, with what `retry` could have gone on from."""
    if row.id in kept:
        return False
    if row.state == State.DONE:
        return row.output is None or (row.id in gone and points_here(row.output, row.id))
    return jobs.older(jobs.ended(row.id, 0.0), disk.work_days)


def _whole(folder: JobFolder, why: Why) -> Goes:
    what: What = "log" if folder.work is None else "work"
    size = (folder.work.bytes if folder.work else 0) + folder.rest.bytes
    return Goes(what, folder.job, (folder.path,), size, why)


# ---------------------------------------------------------------- half-written files


def _half_written(found: Inventory, jobs: _Jobs) -> list[Goes]:
    """Beside the results. Only one job at a time is delivered, and it is a running one."""
    return [
        Goes("temporary", job, (path,), size.bytes, "unfinished")
        for job, path, size in found.half_written
        if job not in jobs.active
    ]
