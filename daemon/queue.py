"""The queue: the only module that writes the state of jobs.

    submit ──▶ queued ──claim──▶ running ──finish──▶ done
                 ▲  │               │ ├─────fail───▶ failed ────┐
                 │  └────cancel─────┼─┴────────────▶ cancelled ─┤
                 ├──release/recover─┘                           │
                 └──────────────────retry───────────────────────┘

A claim counts an attempt and hands out a fencing token. Whoever works on a job shows the token with
every word about it; when the job has been given to another worker meanwhile, the word is refused.

What changes a job leaves a milestone in the same transaction. What only reads is in lookup.py.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from daemon.jobs import (
    IDS_A_SECOND,
    JobRow,
    Milestone,
    StageTime,
    State,
    iso,
    label_of,
    new_id,
    out_key,
)
from daemon.publications.awaited import awaited
from daemon.store.database import Database
from daemon.store.lookup import Lookup, in_line, row_of
from models.errors import BadInput, Cancelled, StageFailed, VigentdError
from pipeline.progress import Snapshot
from pipeline.spec import JobSpec

TIMES_KEPT = 200  # of each stage with each engine


@dataclass(frozen=True)
class Claim:
    """The right to work on a job: good until the job is given to somebody else."""

    job_id: str
    token: int
    spec: JobSpec
    attempt: int


class Needed(NamedTuple):
    """Ids of jobs. active: queued and running ones. awaited: whose video is still to go somewhere."""

    active: frozenset[str]
    awaited: frozenset[str]


class Superseded(VigentdError):
    """This worker no longer owns the job; what it wanted to write is refused."""

    default_code = "superseded"


class Queue(Lookup):
    """path: the database file. now: the time, with its zone. chance: a random number below the one given.

    Methods raise Unavailable as Database does.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_attempts: int = 3,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        chance: Callable[[int], int] = secrets.randbelow,
        busy_s: float = 10.0,
    ) -> None:
        super().__init__(Database(path, busy_s=busy_s))
        self.max_attempts = max_attempts
        self._now = now
        self._chance = chance

    def close(self) -> None:
        self._db.close()

    # ------------------------------------------------------------ what anybody may do

    def submit(
        self, spec: JobSpec, *, source: str = "cli", key: str | None = None, priority: int = 0
    ) -> JobRow:
        """A new job at the end of the line; or, when a job with this idempotency key exists, that one.

        Raises BadInput `out_taken`.
        """
        return self.submit_once(spec, source=source, key=key, priority=priority)[0]

    def submit_once(
        self,
        spec: JobSpec,
        *,
        source: str = "cli",
        key: str | None = None,
        priority: int = 0,
        label: str | None = None,
    ) -> tuple[JobRow, bool]:
        """As `submit`, and whether the job is new. label: as in `submit_again`."""
        with self._db.writing() as s:
            known = _of_key(s, key)
            if known is not None:
                return known, False
            row = self._add(s, spec, source, key, priority)
            row.label = label or row.label
            return row, True

    def submit_again(
        self,
        spec: JobSpec,
        *,
        source: str,
        key: str,
        priority: int = 0,
        job_id: str | None = None,
        label: str | None = None,
        also: Callable[[Session, JobRow, bool], None] = lambda *_: None,
    ) -> JobRow:
        """As `submit`, but a job with this key that failed or was cancelled is retried, for this spec: its
        files may lie elsewhere now. So is one in line whose files are gone.

        job_id: of a new job, if that is free. label: what lists show for it, if not what `label_of` says.
        also: writes something else in the same transaction; it is told the job, and whether that was there.
        """
        with self._db.writing() as s:
            row = _of_key(s, key)
            known = False
            if row is None:
                row = self._add(s, spec, source, key, priority, job_id)
                row.label = label or row.label
            elif row.state in (State.FAILED, State.CANCELLED):
                row.spec, row.label = spec.model_dump(mode="json"), label_of(spec)
                self._back_in_line(s, row)
            elif row.state == State.QUEUED and not Path(row.spec["clip"]).exists():
                row.spec = spec.model_dump(mode="json")
                s.add(row)
            else:
                known = True
            also(s, row, known)
        return row

    def _add(
        self,
        s: Session,
        spec: JobSpec,
        source: str,
        key: str | None,
        priority: int,
        job_id: str | None = None,
    ) -> JobRow:
        now = self._now()
        if job_id is None or s.exec(select(JobRow.id).where(JobRow.id == job_id)).first() is not None:
            job_id = self._free_id(s, now)
        row = JobRow(
            id=job_id,
            idempotency_key=key,
            source=source,
            label=label_of(spec),
            spec=spec.model_dump(mode="json"),
            created_at=iso(now),
            priority=priority,
            place=_end_of_line(s),
            out_key=_reserved(s, spec.out),
        )
        s.add(row)
        s.flush()  # its milestone refers to it
        self._tell(s, row, "submitted")
        return row

    def _back_in_line(self, s: Session, row: JobRow) -> None:
        row.out_key = _reserved(s, Path(out) if (out := row.spec.get("out")) else None)
        row.attempts, row.place, row.finished_at = 0, _end_of_line(s), None
        row.set_error(None)
        _requeue(row)
        self._tell(s, row, "retried")
        s.add(row)

    def cancel(self, job_id: str) -> JobRow:
        """A queued job is cancelled at once; a running one is asked to stop (its worker looks often).

        Raises BadInput `job_unknown`, `job_finished`.
        """
        with self._db.writing() as s:
            row = row_of(s, job_id)
            if row.state == State.QUEUED:
                self._end(s, row, State.CANCELLED)
            elif row.state == State.RUNNING:
                if not row.cancel_asked:
                    self._tell(s, row, "cancel_asked")
                row.cancel_asked = True
            else:
                raise BadInput(f"Job {job_id} is {row.state} already", code="job_finished")
            s.add(row)
        return row

    def retry(self, job_id: str) -> JobRow:
        """A failed or cancelled job goes to the end of the line; the artifacts it left are used again.

        Raises BadInput `job_unknown`, `job_done`, `job_active`, `out_taken`.
        """
        with self._db.writing() as s:
            row = row_of(s, job_id)
            if row.state == State.DONE:
                where = f"Its video is {row.output}. " if row.output else ""
                raise BadInput(
                    f"Job {job_id} is done, so there is nothing to retry",
                    code="job_done",
                    hint=f"{where}Submit again to make another one.",
                )
            if not row.finished:
                raise BadInput(f"Job {job_id} is {row.state}, so it cannot be retried", code="job_active")
            self._back_in_line(s, row)
        return row

    def expire(self, job_id: str, note: str, finished_at: str | None = None) -> None:
        """What was kept of a finished job was removed: there is no output any more, and a note says why.

        Saying so twice changes nothing. finished_at: when the job ended whose result that was; if it has
        been made again since, nothing is said of it. Raises BadInput `job_unknown`, `job_active`.
        """
        with self._db.writing() as s:
            row = row_of(s, job_id)
            if not row.finished:
                raise BadInput(f"Job {job_id} is {row.state}, so all of it is kept", code="job_active")
            made_again = finished_at is not None and row.finished_at != finished_at
            if made_again or (row.output is None and note in row.notes):
                return
            row.output = None
            row.notes = list(dict.fromkeys([*row.notes, note]))
            self._tell(s, row, "expired")
            s.add(row)

    @contextmanager
    def standing_still(self) -> Iterator[Needed]:
        """During the block, a short one, no job changes its state, and none is published."""
        with self._db.writing() as s:
            unfinished = col(JobRow.state).in_((State.QUEUED, State.RUNNING))
            yield Needed(frozenset(s.exec(select(JobRow.id).where(unfinished))), awaited(s))

    # ------------------------------------------------------------ what a worker does

    def recover(self, but: Collection[str] = ()) -> Sequence[JobRow]:
        """Takes jobs back from workers that died, all but these. Only for the holder of the worker lock.

        The job returns to its place in line; after `max_attempts` claims it has failed instead, so
        that a job that kills its workers does not stand at the head of the line for ever.
        """
        with self._db.writing() as s:
            orphans = s.exec(
                select(JobRow).where(JobRow.state == State.RUNNING, col(JobRow.id).not_in(but))
            ).all()
            for row in orphans:
                if row.cancel_asked:
                    self._end(s, row, State.CANCELLED)
                elif row.attempts >= self.max_attempts:
                    row.set_error(_died(row))
                    self._end(s, row, State.FAILED)
                else:
                    self._tell(s, row, "recovered", attempt=row.attempts, stage=row.stage)
                    _requeue(row)
                s.add(row)
        return orphans

    def claim(
        self, owner: str, job_id: str | None = None, without: Collection[str] = (), lane: int = 0
    ) -> Claim | None:
        """The next job in line, or the one asked for; None when it is not queued or another one runs in this
        lane.

        without: jobs that came from these sources stay where they are.
        """
        wanted = in_line(select(JobRow)).where(col(JobRow.source).not_in(without))
        if job_id is not None:
            wanted = wanted.where(JobRow.id == job_id)
        with self._db.writing() as s:
            runs = select(JobRow.id).where(JobRow.state == State.RUNNING, JobRow.lane == lane)
            if s.exec(runs).first() is not None:
                return None
            while (row := s.exec(wanted.limit(1)).first()) is not None:
                try:
                    spec = JobSpec.model_validate(row.spec)
                except ValidationError:  # written by another version; it must not block the line
                    row.set_error(_outdated(row))
                    self._end(s, row, State.FAILED)
                    s.add(row)
                    s.flush()
                    continue
                row.state, row.owner, row.started_at = State.RUNNING, owner, iso(self._now())
                row.lane = lane
                row.attempts += 1
                row.token += 1
                row.notes, row.engines, row.reused = [], {}, []
                self._tell(s, row, "claimed", attempt=row.attempts, owner=owner)
                s.add(row)
                return Claim(row.id, row.token, spec, row.attempts)
        return None

    def progress(self, claim: Claim, at: Snapshot) -> bool:
        """Where the work is. True: somebody asked to cancel it."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            row.stage, row.progress, row.eta_s = at.stage, at.fraction, at.eta_s
            s.add(row)
        return row.cancel_asked

    def asked_to_stop(self, claim: Claim) -> bool:
        """Whether somebody asked to cancel the job. Raises Superseded like everything that shows a claim."""
        with self._db.reading() as s:
            return _owned(s, claim).cancel_asked

    def record(
        self,
        claim: Claim,
        *,
        engines: dict[str, str] | None = None,
        timings: dict[str, float] | None = None,
        reused: str | None = None,
        notes: Iterable[str] = (),
        amount_s: float | None = None,
        engine: str = "",
    ) -> None:
        """Adds to what is known about the job: who does the work, how long a stage took, what to tell.

        timings:  stages that were made just now, in seconds.
        reused:   a stage that an earlier attempt made; the time that it took then stays.
        amount_s: about how many seconds of video that was; with it the timings are kept for `stage_times`,
                  as those of `engine`. Leave it out when a part of the stage was there already.
        """
        with self._db.writing() as s:
            row = _owned(s, claim)
            # New objects: a JSON column does not notice a change inside the old one.
            row.engines = row.engines | (engines or {})
            row.timings = row.timings | (timings or {})
            if reused is not None:
                row.reused = [*row.reused, reused]
                row.timings = {reused: 0.0} | row.timings  # 0: its worker died before it could say
                self._tell(s, row, "stage", name=reused, seconds=0.0, reused=True)
            for stage, seconds in (timings or {}).items():
                self._tell(s, row, "stage", name=stage, seconds=seconds, reused=False)
                if amount_s:
                    at = iso(self._now())
                    _keep_time(
                        s, StageTime(at=at, stage=stage, engine=engine, seconds=seconds, amount_s=amount_s)
                    )
            row.notes = list(dict.fromkeys([*row.notes, *notes]))
            s.add(row)

    def milestone(self, claim: Claim, name: str, /, **facts: Any) -> None:
        """Something that the worker has to tell. facts: whatever JSON can say."""
        with self._db.writing() as s:
            self._tell(s, _owned(s, claim), name, **facts)

    def finish(self, claim: Claim, output: Path) -> None:
        with self._db.writing() as s:
            row = _owned(s, claim)
            row.output, row.progress = str(output), 1.0
            row.set_error(None)
            self._end(s, row, State.DONE)
            s.add(row)

    def fail(self, claim: Claim, error: VigentdError) -> None:
        """The job failed, or (with Cancelled) stopped because somebody asked for it."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            if isinstance(error, Cancelled):
                self._end(s, row, State.CANCELLED)
            else:
                row.set_error(error)
                self._end(s, row, State.FAILED)
            s.add(row)

    def release(self, claim: Claim, *, tried: bool = False) -> None:
        """Puts the job back into its place: the worker leaves in good order. tried: the attempt counts."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            row.attempts -= not tried
            if row.cancel_asked:
                self._end(s, row, State.CANCELLED)
            else:
                self._tell(s, row, "requeued")
                _requeue(row)
            s.add(row)

    def _end(self, s: Session, row: JobRow, state: State) -> None:
        row.state, row.finished_at = state, iso(self._now())
        row.owner, row.eta_s, row.cancel_asked = None, None, False
        self._tell(s, row, str(state), **({"code": row.error_code} if state == State.FAILED else {}))

    def _tell(self, s: Session, row: JobRow, milestone: str, /, **facts: Any) -> None:
        s.add(Milestone(job_id=row.id, at=iso(self._now()), name=milestone, facts=facts))

    def _free_id(self, s: Session, now: dt.datetime) -> str:
        """When all ids of this second are taken, one of the next second that has some left."""
        while True:
            of_this_second = col(JobRow.id).between(new_id(now, 0), new_id(now, -1))
            taken = set(s.exec(select(JobRow.id).where(of_this_second)))
            first = self._chance(IDS_A_SECOND)
            for chance in range(first, first + IDS_A_SECOND):
                if (job_id := new_id(now, chance)) not in taken:
                    return job_id
            now += dt.timedelta(seconds=1)


def _of_key(s: Session, key: str | None) -> JobRow | None:
    return None if key is None else s.exec(select(JobRow).where(JobRow.idempotency_key == key)).first()


def _end_of_line(s: Session) -> int:
    return (s.exec(select(func.max(JobRow.place))).one() or 0) + 1


def _reserved(s: Session, out: Path | None) -> str | None:
    """The key of this place, which no other unfinished job has, nor one whose video is still to be published.

    The later of two jobs with one result would silently write over the earlier one's.
    """
    if out is None:
        return None
    key = out_key(out)
    unfinished = select(JobRow).where(
        JobRow.out_key == key, col(JobRow.state).in_((State.QUEUED, State.RUNNING))
    )
    other = s.exec(unfinished).first()
    if other is not None:
        raise BadInput(
            f"Job {other.id} will write its result to {other.spec['out']} already",
            code="out_taken",
            hint=f"Choose another name for --out, or `vigentd cancel {other.id}` first.",
        )
    there = select(JobRow).where(JobRow.out_key == key, JobRow.state == State.DONE)
    waiting = awaited(s) if (done := s.exec(there).all()) else frozenset()
    for one in done:
        if one.id in waiting:
            raise BadInput(
                f"The video of job {one.id} at {out} is still to be published",
                code="out_taken",
                hint="Choose another name for --out; `vigentd publish plan` shows what it waits for.",
            )
    return key


def _keep_time(s: Session, time: StageTime) -> None:
    """Adds it, and lets go of the oldest of its kind."""
    s.add(time)
    s.flush()
    kind = (col(StageTime.stage) == time.stage, col(StageTime.engine) == time.engine)
    newest = select(StageTime.id).where(*kind).order_by(col(StageTime.id).desc()).offset(TIMES_KEPT).limit(1)
    s.exec(delete(StageTime).where(*kind, col(StageTime.id) <= newest.scalar_subquery()))


def _owned(s: Session, claim: Claim) -> JobRow:
    row = s.exec(select(JobRow).where(JobRow.id == claim.job_id)).first()
    if row is None or row.state != State.RUNNING or row.token != claim.token:
        raise Superseded(f"Job {claim.job_id} is no longer in the hands of this worker")
    return row


def _requeue(row: JobRow) -> None:
    row.state, row.owner, row.stage, row.progress, row.eta_s = State.QUEUED, None, None, 0.0, None


def _died(row: JobRow) -> VigentdError:
    where = f", the last time in the {row.stage} stage" if row.stage else ""
    times = "once" if row.attempts == 1 else f"{row.attempts} times"
    return StageFailed(
        f"The process that worked on this job died {times}{where}",
        code="worker_died",
        hint=f"Memory may be short. `vigentd retry {row.id} --wait` goes on from the last finished stage.",
    )


def _outdated(row: JobRow) -> VigentdError:
    return BadInput(
        f"Job {row.id} was written by another version of vigentd and cannot be read",
        code="job_outdated",
        hint="Submit it again.",
    )
