"""The queue: the only module that writes the state of jobs.

    submit ──▶ queued ──claim──▶ running ──finish──▶ done
                 ▲  │               │ ├─────fail───▶ failed ────┐
                 │  └────cancel─────┼─┴────────────▶ cancelled ─┤
                 ├──release/recover─┘                           │
                 └──────────────────retry───────────────────────┘

A claim counts an attempt and hands out a fencing token. Whoever works on a job shows the token with
every word about it; when the job has been given to another worker meanwhile, the word is refused.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from daemon.database import Database
from daemon.jobs import JobRow, State, iso, label_of, new_id
from models.errors import BadInput, Cancelled, StageFailed, VigentdError
from pipeline.progress import Snapshot
from pipeline.spec import JobSpec


@dataclass(frozen=True)
class Claim:
    """The right to work on a job: good until the job is given to somebody else."""

    job_id: str
    token: int
    spec: JobSpec
    attempt: int


class Superseded(VigentdError):
    """This worker no longer owns the job; what it wanted to write is refused."""

    default_code = "superseded"


class Queue:
    """path: the database file. now: the time, with its zone. Methods raise Unavailable as Database does."""

    def __init__(
        self,
        path: Path,
        *,
        max_attempts: int = 3,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        busy_s: float = 10.0,
    ) -> None:
        self._db = Database(path, busy_s=busy_s)
        self._max_attempts = max_attempts
        self._now = now

    def close(self) -> None:
        self._db.close()

    # ------------------------------------------------------------ what anybody may do

    def submit(
        self, spec: JobSpec, *, source: str = "cli", key: str | None = None, priority: int = 0
    ) -> JobRow:
        """A new job at the end of the line; or, when a job with this idempotency key exists, that one.

        Raises BadInput `out_taken`.
        """
        with self._db.writing() as s:
            if key is not None:
                known = s.exec(select(JobRow).where(JobRow.idempotency_key == key)).first()
                if known is not None:
                    return known
            _check_out_is_free(s, spec.out)
            now = self._now()
            row = JobRow(
                id=self._free_id(s, now),
                idempotency_key=key,
                source=source,
                label=label_of(spec),
                spec=spec.model_dump(mode="json"),
                created_at=iso(now),
                priority=priority,
                place=_end_of_line(s),
            )
            s.add(row)
        return row

    def get(self, job_id: str) -> JobRow:
        """Raises BadInput `job_unknown`."""
        with self._db.reading() as s:
            return _row(s, job_id)

    def list(self, limit: int | None = None) -> Sequence[JobRow]:
        """The newest first. Without their specs, which are long."""
        wanted = select(JobRow).order_by(col(JobRow.number).desc()).options(defer(col(JobRow.spec)))  # type: ignore[arg-type]
        with self._db.reading() as s:
            return s.exec(wanted.limit(limit)).all()

    def count(self) -> int:
        with self._db.reading() as s:
            return s.exec(select(func.count()).select_from(JobRow)).one()

    def positions(self) -> dict[str, int]:
        """Of each queued job: 1 is the next one."""
        with self._db.reading() as s:
            ids = s.exec(_in_line(select(JobRow.id))).all()
        return {job_id: place for place, job_id in enumerate(ids, 1)}

    def position(self, job_id: str) -> int | None:
        return self.positions().get(job_id)

    def running(self) -> JobRow | None:
        with self._db.reading() as s:
            return s.exec(select(JobRow).where(JobRow.state == State.RUNNING)).first()

    def cancel(self, job_id: str) -> JobRow:
        """A queued job is cancelled at once; a running one is asked to stop (its worker looks often).

        Raises BadInput `job_unknown`, `job_finished`.
        """
        with self._db.writing() as s:
            row = _row(s, job_id)
            if row.state == State.QUEUED:
                self._end(row, State.CANCELLED)
            elif row.state == State.RUNNING:
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
            row = _row(s, job_id)
            if row.state == State.DONE:
                raise BadInput(
                    f"Job {job_id} is done, so there is nothing to retry",
                    code="job_done",
                    hint=f"Its video is {row.output}. Submit again to make another one.",
                )
            if not row.finished:
                raise BadInput(f"Job {job_id} is {row.state}, so it cannot be retried", code="job_active")
            _check_out_is_free(s, Path(out) if (out := row.spec.get("out")) else None)
            row.attempts, row.place, row.finished_at = 0, _end_of_line(s), None
            row.set_error(None)
            _requeue(row)
            s.add(row)
        return row

    # ------------------------------------------------------------ what a worker does

    def recover(self) -> Sequence[JobRow]:
        """Takes jobs back from workers that died. Only for the holder of the worker lock.

        The job returns to its place in line; after `max_attempts` claims it has failed instead, so
        that a job that kills its workers does not stand at the head of the line for ever.
        """
        with self._db.writing() as s:
            orphans = s.exec(select(JobRow).where(JobRow.state == State.RUNNING)).all()
            for row in orphans:
                if row.cancel_asked:
                    self._end(row, State.CANCELLED)
                elif row.attempts >= self._max_attempts:
                    row.set_error(_died(row))
                    self._end(row, State.FAILED)
                else:
                    _requeue(row)
                s.add(row)
        return orphans

    def claim(self, owner: str, job_id: str | None = None) -> Claim | None:
        """The next job in line, or the one asked for; None when it is not queued or another one runs."""
        wanted = _in_line(select(JobRow))
        if job_id is not None:
            wanted = wanted.where(JobRow.id == job_id)
        with self._db.writing() as s:
            if s.exec(select(JobRow.id).where(JobRow.state == State.RUNNING)).first() is not None:
                return None
            while (row := s.exec(wanted.limit(1)).first()) is not None:
                try:
                    spec = JobSpec.model_validate(row.spec)
                except ValidationError:  # written by another version; it must not block the line
                    row.set_error(_outdated(row))
                    self._end(row, State.FAILED)
                    s.add(row)
                    s.flush()
                    continue
                row.state, row.owner, row.started_at = State.RUNNING, owner, iso(self._now())
                row.attempts += 1
                row.token += 1
                row.notes, row.engines, row.reused = [], {}, []
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
    ) -> None:
        """Adds to what is known about the job: who does the work, how long a stage took, what to tell.

        reused: a stage that an earlier attempt made; the time that it took then stays.
        """
        with self._db.writing() as s:
            row = _owned(s, claim)
            # New objects: a JSON column does not notice a change inside the old one.
            row.engines = row.engines | (engines or {})
            row.timings = row.timings | (timings or {})
            if reused is not None:
                row.reused = [*row.reused, reused]
                row.timings = {reused: 0.0} | row.timings  # 0: its worker died before it could say
            row.notes = list(dict.fromkeys([*row.notes, *notes]))
            s.add(row)

    def finish(self, claim: Claim, output: Path) -> None:
        with self._db.writing() as s:
            row = _owned(s, claim)
            row.output, row.progress = str(output), 1.0
            row.set_error(None)
            self._end(row, State.DONE)
            s.add(row)

    def fail(self, claim: Claim, error: VigentdError) -> None:
        """The job failed, or (with Cancelled) stopped because somebody asked for it."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            if isinstance(error, Cancelled):
                self._end(row, State.CANCELLED)
            else:
                row.set_error(error)
                self._end(row, State.FAILED)
            s.add(row)

    def release(self, claim: Claim) -> None:
        """Puts the job back into its place, untried: the worker leaves in good order."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            row.attempts -= 1
            if row.cancel_asked:
                self._end(row, State.CANCELLED)
            else:
                _requeue(row)
            s.add(row)

    def _end(self, row: JobRow, state: State) -> None:
        row.state, row.finished_at = state, iso(self._now())
        row.owner, row.eta_s, row.cancel_asked = None, None, False

    def _free_id(self, s: Session, now: dt.datetime) -> str:
        while True:
            job_id = new_id(now, secrets.randbits(10))
            if s.exec(select(JobRow.id).where(JobRow.id == job_id)).first() is None:
                return job_id


def _in_line(query: Any) -> Any:
    return query.where(JobRow.state == State.QUEUED).order_by(
        col(JobRow.priority).desc(), col(JobRow.place), col(JobRow.number)
    )


def _end_of_line(s: Session) -> int:
    return (s.exec(select(func.max(JobRow.place))).one() or 0) + 1


def _check_out_is_free(s: Session, out: Path | None) -> None:
    """The later of two jobs with one result would silently write over the earlier one's."""
    if out is None:
        return
    path = col(JobRow.spec)["out"].as_string()
    unfinished = select(JobRow.id, path).where(col(JobRow.state).in_((State.QUEUED, State.RUNNING)))
    for job_id, taken in s.exec(unfinished.where(path.is_not(None))):
        if _companions(Path(taken)) == _companions(out):
            raise BadInput(
                f"Job {job_id} will write its result to {taken} already",
                code="out_taken",
                hint=f"Choose another name for --out, or `vigentd cancel {job_id}` first.",
            )


def _companions(out: Path) -> Path:
    """The same for all results whose files beside the video (.srt, .vtt, .jpg) have the same names."""
    return out.parent.resolve() / out.stem


def _row(s: Session, job_id: str) -> JobRow:
    wanted = job_id.strip().lower()
    if not wanted:
        raise BadInput("The id of the job is empty", code="job_unknown", hint="`vigentd ls` shows all ids.")
    # What is no Unicode (bytes from the command line) the database would not even look for.
    row = s.exec(select(JobRow).where(JobRow.id == wanted)).first() if wanted.isascii() else None
    if row is None:
        raise BadInput(
            f"There is no job {job_id}",
            code="job_unknown",
            hint="`vigentd ls` shows all jobs with their ids.",
        )
    return row


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
