"""What the database knows of the intakes: the only writer of their tables.

    TAKEN ──▶ AT_WORK ──▶ SETTLING ──▶ SETTLED
                 ▲                        │
                 └──── reopen (retry) ────┘

Each step is one transaction; that an intake's job is in the queue and that the intake knows of it is
the same one. So whenever the daemon is killed, the next one reads here what is still to be done.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, col, func, select

from daemon.intakes import Intake, IntakeItem, IntakeState
from daemon.jobs import FINISHED, IDS_A_SECOND, JobRow, iso, new_id
from daemon.queue import Queue
from handlers.inbox.claim.take import Taken
from handlers.inbox.names import shown
from handlers.inbox.results.settlement import Settlement
from models.errors import VigentdError
from pipeline.spec import JobSpec, Options

SOURCE = "inbox:"  # how the source of a job that came from an inbox begins


def content_key(inbox: str, spec: JobSpec, clip: str, speech: str | None, apart: str = "") -> str:
    """The same for the same script, clip, recording and options, whatever the files are called.

    clip, speech: SHA-256 of what is in them. apart: tells from one another what is to be made again.
    """
    options = spec.model_dump(mode="json", include=set(Options.model_fields))
    if not spec.tags:  # there were none once, and what was made then is known by a key without them
        del options["tags"]
    asked = {
        "options": options,
        "script": spec.script,
        "clip": clip,
        "speech": speech,
        "apart": apart,
    }
    canonical = json.dumps(asked, sort_keys=True, ensure_ascii=True)
    return f"{SOURCE}{inbox}:{hashlib.sha256(canonical.encode()).hexdigest()}"


class Ledger:
    """queue: the intakes are kept in its database. now: the time, with its zone.

    Methods raise Unavailable as Database does.
    """

    def __init__(
        self, queue: Queue, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self._queue = queue
        self._db = queue.database
        self._now = now

    # ------------------------------------------------------------ what is known

    def known(self, ids: Collection[str]) -> frozenset[str]:
        """Those of them that are intakes."""
        with self._db.reading() as s:
            return frozenset(s.exec(select(Intake.id).where(col(Intake.id).in_(ids))).all())

    def settled_of(self, ids: Collection[str]) -> Sequence[Intake]:
        """Those of them that are settled."""
        wanted = select(Intake).where(col(Intake.id).in_(ids), Intake.state == IntakeState.SETTLED)
        with self._db.reading() as s:
            return s.exec(wanted).all()

    def again(self, intake: Intake) -> Intake:
        """As it is now."""
        with self._db.reading() as s:
            return s.exec(select(Intake).where(Intake.id == intake.id)).one()

    def adopt(self, ids: Collection[str], inbox: str) -> Sequence[Intake]:
        """Those of them that another inbox took up: their files lie in this one, which has a new name.

        Returns them as they were.
        """
        with self._db.writing() as s:
            theirs = s.exec(select(Intake).where(col(Intake.id).in_(ids), Intake.inbox != inbox)).all()
            for intake in theirs:
                s.expunge(intake)
                s.exec(update(Intake).where(col(Intake.id) == intake.id).values(inbox=inbox))
        return theirs

    def astray(self, inboxes: Collection[str]) -> Sequence[Intake]:
        """The unsettled of all inboxes but these."""
        wanted = select(Intake).where(col(Intake.inbox).not_in(inboxes), Intake.state != IntakeState.SETTLED)
        with self._db.reading() as s:
            return s.exec(wanted.order_by(col(Intake.number))).all()

    def free_id(self, chance: Callable[[int], int]) -> str:
        """One that neither an intake has nor a job. chance: a random number below the one given."""
        with self._db.reading() as s:
            while True:
                found = new_id(self._now(), chance(IDS_A_SECOND))
                taken = [
                    s.exec(select(table.id).where(table.id == found)).first() for table in (Intake, JobRow)
                ]
                if taken == [None, None]:
                    return found

    def unsettled(self, inbox: str) -> Sequence[Intake]:
        """In the order in which they were taken."""
        wanted = select(Intake).where(Intake.inbox == inbox, Intake.state != IntakeState.SETTLED)
        with self._db.reading() as s:
            return s.exec(wanted.order_by(col(Intake.number))).all()

    def movable(self, inbox: str) -> Sequence[Intake]:
        """Those of the unsettled for which something can be done now: not those whose jobs are not ended."""
        waits = (
            select(IntakeItem.number)
            .join(JobRow, col(JobRow.id) == IntakeItem.job_id)
            .where(
                IntakeItem.intake_id == Intake.id,
                col(JobRow.state).not_in(FINISHED),
            )
        )
        wanted = select(Intake).where(
            Intake.inbox == inbox,
            Intake.state != IntakeState.SETTLED,
            or_(col(Intake.state) != IntakeState.AT_WORK, ~waits.exists()),
        )
        with self._db.reading() as s:
            return s.exec(wanted.order_by(col(Intake.number))).all()

    def items(self, intake: Intake) -> Sequence[IntakeItem]:
        with self._db.reading() as s:
            wanted = select(IntakeItem).where(IntakeItem.intake_id == intake.id)
            return s.exec(wanted.order_by(col(IntakeItem.position))).all()

    def jobs(self, items: Sequence[IntakeItem]) -> dict[str, JobRow]:
        """Of the items that have one: its id → the job."""
        ids = [item.job_id for item in items if item.job_id]
        with self._db.reading() as s:
            return {row.id: row for row in s.exec(select(JobRow).where(col(JobRow.id).in_(ids)))}

    def keeper(self, job_id: str) -> tuple[Intake, IntakeItem] | None:
        """The intake whose files the job is made of, and the item: the last one, if it came again."""
        with self._db.reading() as s:
            wanted = select(IntakeItem).where(
                IntakeItem.job_id == job_id, col(IntakeItem.duplicate).is_(False)
            )
            item = s.exec(wanted.order_by(col(IntakeItem.number).desc()).limit(1)).first()
            if item is None:
                return None
            return s.exec(select(Intake).where(Intake.id == item.intake_id)).one(), item

    def counts(self, inbox: str) -> dict[str, int]:
        """Of each outcome, how many intakes ended so."""
        outcome = func.json_extract(Intake.settlement, "$.outcome")
        wanted = (
            select(outcome, func.count())
            .where(Intake.inbox == inbox, Intake.state == IntakeState.SETTLED)
            .group_by(outcome)
        )
        with self._db.reading() as s:
            return {"done": 0, "failed": 0, "duplicate": 0} | dict(s.exec(wanted).all())

    def at_work(self, inbox: str) -> list[dict[str, Any]]:
        """The unsettled, in order, with the ids of their jobs: for `vigentd inbox status`."""
        wanted = (
            select(Intake.id, Intake.name, Intake.state, Intake.at, IntakeItem.job_id)  # type: ignore[call-overload]
            .join(IntakeItem, col(IntakeItem.intake_id) == Intake.id, isouter=True)
            .where(Intake.inbox == inbox, Intake.state != IntakeState.SETTLED)
            .order_by(col(Intake.number), col(IntakeItem.position))
        )
        told: dict[str, dict[str, Any]] = {}
        with self._db.reading() as s:
            for intake_id, name, state, at, job_id in s.exec(wanted):
                one = told.setdefault(
                    intake_id, {"id": intake_id, "name": name, "state": state, "since": at, "jobs": []}
                )
                one["jobs"] += [job_id] if job_id else []
        return list(told.values())

    def earlier_notes(self, intake: Intake) -> list[Settlement]:
        """How intakes of the same name were settled that failed, the last ones first."""
        failed = func.json_extract(Intake.settlement, "$.outcome") == "failed"
        wanted = select(Intake).where(Intake.inbox == intake.inbox, Intake.name == intake.name, failed)
        with self._db.reading() as s:
            found = s.exec(wanted.order_by(col(Intake.number).desc()).limit(10)).all()
        return [
            Settlement.from_json(row.settlement) for row in found if row.settlement and row.id != intake.id
        ]

    # ------------------------------------------------------------ what happens

    def begin(self, inbox: str, taken: Taken) -> Intake:
        row = Intake(
            id=taken.id,
            inbox=inbox,
            name=shown(taken.name),
            taken=taken.as_json(),
            at=iso(self._now()),
        )
        with self._db.writing() as s:
            s.add(row)
        return row

    def refuse(self, intake: Intake, position: int, name: str, error: VigentdError) -> None:
        """No job: `error` says why."""
        with self._db.writing() as s:
            s.add(_item(intake, position, name, error=error.as_dict()))

    def submit(
        self, intake: Intake, position: int, name: str, spec: JobSpec, key: str, priority: int
    ) -> JobRow:
        """Its job is in the queue, or was there: then the item is a duplicate."""

        def also(s: Session, row: JobRow, known: bool) -> None:
            s.add(_item(intake, position, name, job_id=row.id, duplicate=known))

        return self._queue.submit_again(
            spec,
            source=SOURCE + intake.inbox,
            key=key,
            priority=priority,
            job_id=intake.id if position == 0 else None,
            label=None if spec.title or spec.script else shown(name),
            also=also,
        )

    def died(self, intake: Intake) -> int:
        """Another process that looked at it is gone. Returns how many that were."""
        intake.deaths += 1
        self._change(intake, deaths=intake.deaths)
        return intake.deaths

    def examined(self, intake: Intake, error: VigentdError | None = None) -> None:
        """It is known what jobs it is; error: none, for this reason."""
        self._change(intake, state=IntakeState.AT_WORK, error=error.as_dict() if error else None)

    def begin_settling(self, intake: Intake, settlement: Settlement) -> bool:
        """False: meanwhile a job of it is to be made again, and nothing is settled."""
        with self._db.writing() as s:
            unfinished = (
                select(IntakeItem.number)
                .join(JobRow, col(JobRow.id) == IntakeItem.job_id)
                .where(IntakeItem.intake_id == intake.id, col(JobRow.state).not_in(FINISHED))
            )
            if s.exec(unfinished.limit(1)).first() is not None:
                return False
            self._write(s, intake, state=IntakeState.SETTLING, settlement=settlement.as_json())
        return True

    def settling(self, intake: Intake, settlement: Settlement) -> None:
        """It is decided otherwise, or a part of it is done."""
        self._change(intake, state=IntakeState.SETTLING, settlement=settlement.as_json())

    def settled(self, intake: Intake, settlement: Settlement) -> None:
        with self._db.writing() as s:
            for result in settlement.results:
                item = s.exec(
                    select(IntakeItem).where(
                        IntakeItem.intake_id == intake.id, IntakeItem.job_id == result.job_id
                    )
                ).first()
                if item is not None:
                    item.result = result.video
                    s.add(item)
            self._write(s, intake, state=IntakeState.SETTLED, settled_at=iso(self._now()))

    def reopen(self, intake: Intake) -> None:
        """A job of it is made again, and its files are back in .work."""
        self._change(intake, state=IntakeState.AT_WORK, settled_at=None)

    def _change(self, intake: Intake, **values: object) -> None:
        with self._db.writing() as s:
            self._write(s, intake, **values)

    def _write(self, s: Session, intake: Intake, **values: object) -> None:
        row = s.exec(select(Intake).where(Intake.id == intake.id)).one()
        for name, value in values.items():
            setattr(row, name, value)
            setattr(intake, name, value)
        s.add(row)


def _item(
    intake: Intake,
    position: int,
    name: str,
    *,
    job_id: str | None = None,
    duplicate: bool = False,
    error: dict[str, str] | None = None,
) -> IntakeItem:
    return IntakeItem(
        intake_id=intake.id,
        position=position,
        name=shown(name),
        job_id=job_id,
        duplicate=duplicate,
        error=error,
    )
