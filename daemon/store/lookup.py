"""What may be asked about jobs. Nothing here writes, and nobody waits for a writer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased, defer
from sqlmodel import Session, col, func, select

from daemon.jobs import FINISHED, JobRow, Milestone, StageTime, State, described
from daemon.publications.awaited import awaited
from daemon.publications.told import of_job, publication_json
from daemon.store.database import Database
from models.errors import BadInput


class Finished(NamedTuple):
    """What is enough to decide what is kept of a job."""

    id: str
    state: str
    finished_at: str
    output: str | None
    label: str


class Lookup:
    """Methods raise Unavailable as Database does, and BadInput `job_unknown` for an id that is not there."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @property
    def database(self) -> Database:
        """For what else is kept beside the jobs."""
        return self._db

    def get(self, job_id: str) -> JobRow:
        with self._db.reading() as s:
            return row_of(s, job_id)

    def is_awaited(self, job_id: str) -> bool:
        """Its video is still to go somewhere."""
        with self._db.reading() as s:
            return job_id in awaited(s)

    def of_key(self, key: str) -> JobRow | None:
        """The job that was submitted with this idempotency key."""
        with self._db.reading() as s:
            return s.exec(select(JobRow).where(JobRow.idempotency_key == key)).first()

    def described(self, job_id: str, log: Callable[[str], Path]) -> dict[str, Any]:
        """All that is known of the job, for programs. log: where the log of a job is."""
        row = self.get(job_id)
        publications = [publication_json(one) for one in of_job(self._db, row.id)]
        told = described(row, self.position(row.id), self.milestones(row.id), log(row.id))
        return told | {"publications": publications}

    def list(self, limit: int | None = None) -> Sequence[JobRow]:
        """The newest first. Without their specs, which are long."""
        wanted = select(JobRow).order_by(col(JobRow.number).desc()).options(defer(col(JobRow.spec)))  # type: ignore[arg-type]
        with self._db.reading() as s:
            return s.exec(wanted.limit(limit)).all()

    def count(self) -> int:
        with self._db.reading() as s:
            return s.exec(select(func.count()).select_from(JobRow)).one()

    def counts(self) -> dict[str, int]:
        """Of each state, how many jobs are in it; 0 where there are none."""
        with self._db.reading() as s:
            found = s.exec(select(JobRow.state, func.count()).group_by(col(JobRow.state))).all()
        return {str(state): 0 for state in State} | dict(found)

    # ------------------------------------------------------------ the line

    def next(self) -> JobRow | None:
        """The head of the line: what `claim` would hand out if nothing came in between."""
        with self._db.reading() as s:
            head: JobRow | None = s.exec(in_line(select(JobRow)).limit(1)).first()
        return head

    def running(self) -> JobRow | None:
        """Of several, the one in the first lane."""
        return next(iter(self.all_running()), None)

    def all_running(self) -> Sequence[JobRow]:
        """In the order of their lanes."""
        with self._db.reading() as s:
            return s.exec(
                select(JobRow).where(JobRow.state == State.RUNNING).order_by(col(JobRow.lane))
            ).all()

    def positions(self) -> dict[str, int]:
        """Of each queued job: 1 is the next one."""
        with self._db.reading() as s:
            ids = s.exec(in_line(select(JobRow.id))).all()
        return {job_id: place for place, job_id in enumerate(ids, 1)}

    def position(self, job_id: str) -> int | None:
        """None when the job is not in line."""
        other, own = aliased(JobRow), JobRow
        before = or_(
            col(other.priority) > own.priority,
            and_(col(other.priority) == own.priority, col(other.place) < own.place),
            and_(
                col(other.priority) == own.priority,
                col(other.place) == own.place,
                col(other.number) < own.number,
            ),
        )
        ahead = select(func.count()).where(other.state == State.QUEUED, before).scalar_subquery()
        with self._db.reading() as s:
            found = s.exec(select(ahead).where(own.id == job_id, own.state == State.QUEUED)).first()
        return None if found is None else found + 1

    def oldest_waiting(self) -> str | None:
        """When the job was submitted that came first of those in line."""
        first = select(func.min(JobRow.number)).where(JobRow.state == State.QUEUED).scalar_subquery()
        with self._db.reading() as s:
            return s.exec(select(JobRow.created_at).where(col(JobRow.number) == first)).first()

    # ------------------------------------------------------------ what was

    def finished(self) -> Sequence[Finished]:
        """All jobs that are done, failed or cancelled; the one that ended first comes first."""
        wanted = (
            select(JobRow.id, JobRow.state, JobRow.finished_at, JobRow.output, JobRow.label)  # type: ignore[call-overload]
            .where(col(JobRow.state).in_(FINISHED))
            .order_by(col(JobRow.finished_at), col(JobRow.number))
        )
        with self._db.reading() as s:
            return [Finished(*found) for found in s.exec(wanted)]

    def milestones(self, job_id: str) -> Sequence[Milestone]:
        """What happened to the job, in order."""
        with self._db.reading() as s:
            row = row_of(s, job_id)
            return s.exec(
                select(Milestone).where(Milestone.job_id == row.id).order_by(col(Milestone.id))
            ).all()

    def times(self, job_id: str, name: str) -> int:
        """How often this happened to it, under whichever daemon, since it was submitted or last retried."""
        mine = col(Milestone.job_id) == job_id
        retried = select(func.max(Milestone.id)).where(mine, Milestone.name == "retried").scalar_subquery()
        since = func.coalesce(retried, 0)
        wanted = select(func.count()).where(mine, Milestone.name == name, col(Milestone.id) > since)
        with self._db.reading() as s:
            return s.exec(wanted).one()

    def stage_times(self, limit: int = 20) -> Sequence[StageTime]:
        """The last runs of each stage with each engine, at most so many of each, the oldest first."""
        age = func.row_number().over(
            partition_by=[col(StageTime.stage), col(StageTime.engine)], order_by=col(StageTime.id).desc()
        )
        ranked = select(StageTime.id, age.label("age")).subquery()
        wanted = select(StageTime).join(ranked, col(StageTime.id) == ranked.c.id).where(ranked.c.age <= limit)
        with self._db.reading() as s:
            return s.exec(wanted.order_by(col(StageTime.id))).all()

    def quick_check(self) -> None:
        """Reads the whole database. Raises Unavailable `database_damaged`."""
        self._db.check()


def in_line(query: Any) -> Any:
    return query.where(JobRow.state == State.QUEUED).order_by(
        col(JobRow.priority).desc(), col(JobRow.place), col(JobRow.number)
    )


def row_of(s: Session, job_id: str) -> JobRow:
    """Raises BadInput `job_unknown`."""
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
