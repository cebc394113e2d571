"""The book: the only module that writes what becomes of publications.

    proposed ──approve──▶ approved ──claim──▶ sending ──receipt──▶ published
                             ▲ ▲                 │ ├─nothing arrived─▶ approved (later) or held
                             │ └─certainly not─┐ └─who knows, or it died─▶ unsure ──find──▶ published
                             └──"send again"───┴── asked ◀──cannot be searched──┘

The intent, `sending`, is written before anything is sent, and the receipt after it. What was found
`sending` at a start may have arrived. From `unsure` and `asked` no way leads to a target but through an
answer: the target's own (`find`), or a person's. Nothing is ever deleted.

A claim hands out a fencing token: a word with an older one is refused. Every step leaves an event in the
same transaction.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text as sql
from sqlmodel import Session, col, func, select

from daemon.jobs import JobRow, iso
from daemon.publications.slots import Rules
from daemon.publications.tables import (
    OVER,
    Publication,
    PublicationEvent,
    PublicationTarget,
    Standing,
    key_of,
)
from daemon.store.database import Database
from handlers.publish.errors import Login, NotSent, Refused, Spent
from handlers.publish.target import Receipt
from models.errors import BadInput, VigentdError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 6 * 3600.0
QUOTA_S = 3600.0  # a spent quota that does not say until when
LATE_S = 300.0  # so late something may be noticed without having been missed
MOST_TRIES = 30  # about five days: then a person is to look
UNSETTLED = (Standing.UNSURE, Standing.ASKED)
OPEN = (Standing.PROPOSED, Standing.HELD, Standing.APPROVED)  # nothing of it is on its way
KEPT = {"kept": True}  # of a text: it is not written anew when it is sent


@dataclass(frozen=True)
class Proposal:
    """What is to become of a job's video at a target.

    text: what is written beside it, as JSON. approval: who has approved it; "": nobody has to; None: somebody
    has to. due_at: None: with the next slot, or at once. held: what somebody has to put right first.
    """

    text: Mapping[str, Any]
    approval: str | None = ""
    due_at: dt.datetime | None = None
    held: VigentdError | None = None


@dataclass(frozen=True)
class Sending:
    """The right to send this, or with `settle` only to look whether it has arrived."""

    number: int
    token: int
    job_id: str
    target: str
    key: str
    text: Mapping[str, Any]
    settle: bool = False


class Outdated(VigentdError):
    """Somebody else has this publication by now; what was to be written of it is refused."""

    default_code = "superseded"


class Book:
    """now: with its zone. chance: 0…1, so that many do not come back at the same moment.

    Methods raise Unavailable as Database does.
    """

    def __init__(
        self,
        db: Database,
        *,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._db = db
        self._now = now
        self._chance = chance

    # ------------------------------------------------------------ reading

    def get(self, number: int) -> Publication:
        with self._db.reading() as s:
            return _row(s, number)

    def of_job(self, job_id: str, target: str | None = None) -> Sequence[Publication]:
        wanted = select(Publication).where(Publication.job_id == job_id).order_by(col(Publication.number))
        with self._db.reading() as s:
            return s.exec(wanted if target is None else wanted.where(Publication.target == target)).all()

    def all(self, *states: Standing) -> Sequence[Publication]:
        """Those in one of the states (all, when none is said), in order."""
        wanted = select(Publication).order_by(col(Publication.place))
        with self._db.reading() as s:
            return s.exec(wanted.where(col(Publication.state).in_(states)) if states else wanted).all()

    def events(self, number: int) -> Sequence[PublicationEvent]:
        wanted = select(PublicationEvent).where(PublicationEvent.publication == number)
        with self._db.reading() as s:
            return s.exec(wanted.order_by(col(PublicationEvent.id))).all()

    def changed_since(self, event: int) -> tuple[int, Sequence[Publication]]:
        """Those of which an event tells that came after that one; and the last event there is."""
        told = select(PublicationEvent.publication).where(col(PublicationEvent.id) > event)
        with self._db.reading() as s:
            last = s.exec(select(func.max(PublicationEvent.id))).one() or 0
            if last == event:
                return last, ()
            return last, s.exec(select(Publication).where(col(Publication.number).in_(told))).all()

    def target(self, name: str) -> PublicationTarget:
        with self._db.reading() as s:
            return s.get(PublicationTarget, name) or PublicationTarget(name=name)

    def taken(self, target: str, day: str) -> int:
        """How many that target took on that day; what may have arrived counts, too."""
        with self._db.reading() as s:
            return _taken(s, target, day)

    # ------------------------------------------------------------ what is to be published

    def lacking(self) -> list[tuple[JobRow, str]]:
        """Each target of each job that is done and has no publication there yet, in order."""
        with self._db.reading() as s:
            found = s.connection().execute(sql(_LACKING)).all()
            return [(_job(s, job_id), target) for job_id, target in found]

    def job(self, job_id: str) -> JobRow:
        """Raises BadInput `job_unknown`."""
        with self._db.reading() as s:
            return _job(s, job_id)

    def propose(self, job: JobRow, target: str, proposal: Proposal) -> tuple[int, bool]:
        """The publication of a job that is done at one target, and whether it is new: there is but one."""
        with self._db.writing() as s:
            known = select(Publication.number).where(
                Publication.job_id == job.id, Publication.target == target
            )
            if (number := s.exec(known).first()) is not None:
                return number, False
            row = self._row_for(s, job, target, proposal)
            self._tell(s, row, "proposed", state=row.state)
            assert row.number is not None
            return row.number, True

    def _row_for(self, s: Session, job: JobRow, target: str, proposal: Proposal) -> Publication:
        state = Standing.PROPOSED if proposal.approval is None else Standing.APPROVED
        row = Publication(
            job_id=job.id,
            target=target,
            key=key_of(job.id, job.created_at, target),
            state=state if proposal.held is None else Standing.HELD,
            approval=proposal.approval,
            place=(s.exec(select(func.max(Publication.place))).one() or 0) + 1,
            due_at=iso(proposal.due_at) if proposal.due_at else None,
            text=dict(proposal.text),
            error=proposal.held.as_dict() if proposal.held else None,
            created_at=iso(self._now()),
            changed_at=iso(self._now()),
        )
        s.add(row)
        s.flush()
        return row

    # ------------------------------------------------------------ what a person says

    def approve(self, number: int, by: str, due_at: dt.datetime | None = None) -> Publication:
        """Also what was held is approved again, to be tried at once; and what was skipped, for it was never
        sent. due_at: None: as it was. What a person has approved is sent as it was written then."""
        with self._db.writing() as s:
            row = self._asked_of(s, number, *OPEN, Standing.SKIPPED)
            if due_at is not None:
                row.due_at, row.ripe = iso(due_at), False
            if row.due_at and not row.ripe:  # its time passed while a person thought: nothing was missed
                row.due_at = max(row.due_at, iso(self._now()))
            row.state, row.approval, row.error, row.next_try, row.tries = Standing.APPROVED, by, None, None, 0
            row.text = row.text | KEPT
            self._tell(s, row, "approved", by=by)
        return row

    def edit(self, number: int, by: str, text: Mapping[str, Any]) -> Publication:
        """text: instead of what was written for it. Not while it may have been sent already. What was held is
        tried again."""
        with self._db.writing() as s:
            row = self._asked_of(s, number, *OPEN, Standing.SKIPPED)
            row.text = dict(text) | KEPT
            if row.state == Standing.HELD:
                row.state = Standing.PROPOSED if row.approval is None else Standing.APPROVED
                row.error, row.next_try, row.tries = None, None, 0
            self._tell(s, row, "edited", by=by, text=dict(text))
        return row

    def later(self, number: int, by: str, due_at: dt.datetime | None) -> Publication:
        """due_at: None: with the next slot. It gives back no slot that it has taken."""
        with self._db.writing() as s:
            row = self._asked_of(s, number, *OPEN)
            row.due_at, row.ripe, row.slot = iso(due_at) if due_at else None, False, None
            if row.state == Standing.HELD and row.approval is not None:
                row.state, row.error, row.next_try, row.tries = Standing.APPROVED, None, None, 0
            self._tell(s, row, "later", by=by, due_at=row.due_at)
        return row

    def skip(self, number: int, by: str) -> Publication:
        with self._db.writing() as s:
            row = self._asked_of(s, number, *OPEN)
            row.state = Standing.SKIPPED
            self._tell(s, row, "skipped", by=by)
        return row

    def there(self, number: int, by: str) -> Publication:
        """A person has looked: it has arrived."""
        with self._db.writing() as s:
            row = self._asked_of(s, number, *UNSETTLED)
            self._publish(s, row, Receipt(id=""))
            self._tell(s, row, "there", by=by)
        return row

    def again(self, number: int, by: str) -> Publication:
        """A person has looked: it has not arrived."""
        with self._db.writing() as s:
            row = self._asked_of(s, number, *UNSETTLED)
            self._absent(row)
            self._tell(s, row, "again", by=by)
        return row

    def pause(self, target: str, by: str | None) -> None:
        """by: None: it goes on."""
        with self._db.writing() as s:
            _of(s, target).paused_by = by

    # ------------------------------------------------------------ time

    def fall_due(self, rules: Rules) -> list[int]:
        """Gives the slots that came since it was last asked to approved publications, in order, and marks
        those whose time has come. What came long ago was missed: the target's policy says what becomes of it.
        """
        now = self._now()
        with self._db.writing() as s:
            known = _of(s, rules.name)
            begin = dt.datetime.fromisoformat(known.looked_until) if known.looked_until else now
            for moment in rules.moments(begin, now):
                late = (now - moment).total_seconds() > LATE_S
                if not (late and rules.late == "next_slot") and not self._give_slot(s, rules.name, moment):
                    break  # after a year without the daemon there are many moments
            known.looked_until = iso(max(begin, now))  # a clock that is set back gives no slot twice
            return [number for row in _due(s, rules.name, now) if (number := self._ripen(s, row, rules, now))]

    def _give_slot(self, s: Session, target: str, moment: dt.datetime) -> bool:
        """False: nothing waits for one any more."""
        waiting = _waiting(target).where(col(Publication.due_at).is_(None), col(Publication.ripe).is_(False))
        used = select(Publication.number).where(Publication.target == target, Publication.slot == iso(moment))
        row = s.exec(waiting.limit(1)).first()
        if row is not None and s.exec(used).first() is None:
            row.slot = row.due_at = iso(moment)
            self._tell(s, row, "slot", moment=row.slot)
            s.flush()
        return row is not None

    def _ripen(self, s: Session, row: Publication, rules: Rules, now: dt.datetime) -> int | None:
        late = row.due_at is not None and row.due_at < iso(now - dt.timedelta(seconds=LATE_S))
        if row.due_at is None and rules.slots:
            return None
        if late and rules.late != "publish":
            self._tell(s, row, "late", policy=rules.late, due_at=row.due_at)
        if late and rules.late == "next_slot" and rules.slots:
            row.due_at = row.slot = None
            return None
        if late and rules.late == "ask":
            row.error = BadInput(f"It was to be published at {row.due_at}", code="publish_late").as_dict()
            row.state, row.ripe = Standing.HELD, True
            return None
        row.ripe = True
        self._tell(s, row, "due")
        return row.number

    # ------------------------------------------------------------ what the publisher does

    def recover(self) -> list[int]:
        """For the one daemon, at its start: what was being sent when it died may have arrived."""
        with self._db.writing() as s:
            found = s.exec(select(Publication).where(Publication.state == Standing.SENDING)).all()
            for row in found:
                self._unsure(s, row, None)
        return [row.number for row in found if row.number is not None]

    def claim(self, rules: Rules, *, searchable: bool) -> Sending | None:
        """What is to be done next at this target; None: nothing now. Writes the intent.

        What is unsure comes first. Only a searchable target is searched; else a person is asked.
        """
        now = self._now()
        with self._db.writing() as s:
            sending = (Publication.target == rules.name, Publication.state == Standing.SENDING)
            if s.exec(select(Publication.number).where(*sending)).first() is not None:
                return None
            while (row := s.exec(_unsettled(rules.name, now)).first()) is not None:
                if searchable:
                    row.token += 1
                    self._tell(s, row, "settling")
                    return _sending(row, settle=True)
                row.state = Standing.ASKED
                self._tell(s, row, "asked")
                s.flush()
            known = _of(s, rules.name)
            if known.paused_by is not None or (known.spent_until or "") > iso(now) or rules.is_quiet(now):
                return None
            row = s.exec(_next(rules.name, now)).first()
            day = rules.day(now)
            if row is None or (rules.per_day is not None and _taken(s, rules.name, day) >= rules.per_day):
                return None
            row.state, row.day = Standing.SENDING, day
            row.token += 1
            row.tries += 1
            self._tell(s, row, "sending", attempt=row.tries)
            return _sending(row)

    def put(self, claim: Sending, facts: Mapping[str, Any]) -> None:
        """Adds to the memo; what is None is taken away."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            row.memo = {name: v for name, v in (row.memo | dict(facts)).items() if v is not None}
            self._tell(s, row, "put", names=sorted(facts))

    def memo(self, claim: Sending) -> dict[str, Any]:
        with self._db.reading() as s:
            return dict(_owned(s, claim).memo)

    def published(self, claim: Sending, receipt: Receipt) -> None:
        with self._db.writing() as s:
            self._publish(s, _owned(s, claim), receipt)

    def absent(self, claim: Sending) -> None:
        """Searched for, and certainly not there: it may be sent again."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            self._absent(row)
            self._tell(s, row, "absent")

    def interrupted(self, claim: Sending) -> None:
        """Stopped between two pieces, in good order: it goes on, by its memo."""
        with self._db.writing() as s:
            row = _owned(s, claim)
            if not claim.settle:
                row.state, row.day = Standing.APPROVED, None
                row.tries -= 1
            self._tell(s, row, "interrupted")

    def failed(self, claim: Sending, error: VigentdError) -> None:
        """By its class, as handlers/publish/errors.py says; what is none of those is unsure.

        While it is being settled nothing of it is sent: whatever fails then, it stays unsettled.
        """
        with self._db.writing() as s:
            row = _owned(s, claim)
            row.error = error.as_dict()
            if claim.settle:
                self._not_found_out(s, row, error)
            elif isinstance(error, Spent):
                until = error.until or self._now() + dt.timedelta(seconds=QUOTA_S)
                _of(s, row.target).spent_until = row.next_try = iso(until)
                row.state, row.day = Standing.APPROVED, None
                self._tell(s, row, "spent", code=error.code, until=row.next_try)
            elif isinstance(error, NotSent) and row.tries < MOST_TRIES:
                row.state, row.day = Standing.APPROVED, None
                row.next_try = self._pause(row, error.wait_s)
                self._tell(s, row, "failed", code=error.code, next_try=row.next_try)
            elif isinstance(error, NotSent | Login | Refused):
                row.state, row.day = Standing.HELD, None
                self._tell(s, row, "held", code=error.code)
            else:
                self._unsure(s, row, error)

    def _not_found_out(self, s: Session, row: Publication, error: VigentdError) -> None:
        row.tries += 1
        row.next_try = self._pause(row, getattr(error, "wait_s", None))
        if isinstance(error, Login | Refused) or row.tries >= MOST_TRIES:
            row.state = Standing.ASKED
            self._tell(s, row, "asked", code=error.code)
        else:
            self._tell(s, row, "unsure", code=error.code, next_try=row.next_try)

    def _unsure(self, s: Session, row: Publication, error: VigentdError | None) -> None:
        row.state, row.next_try = Standing.UNSURE, None
        row.error = row.error if error else None  # one of an earlier try says nothing of this one
        row.token += 1  # nobody may say more of it who had it before
        self._tell(s, row, "unsure", code=error.code if error else "daemon_died")

    def _publish(self, s: Session, row: Publication, receipt: Receipt) -> None:
        row.receipt = {"id": receipt.id, "url": receipt.url, "facts": dict(receipt.facts)}
        row.state, row.error, row.next_try, row.memo = Standing.PUBLISHED, None, None, {}
        row.token += 1
        self._tell(s, row, "published", id=receipt.id, url=receipt.url)

    def _absent(self, row: Publication) -> None:
        row.state, row.day, row.next_try = Standing.APPROVED, None, None
        row.token += 1

    def _pause(self, row: Publication, wait_s: float | None) -> str:
        pause_s = min(FIRST_PAUSE_S * 2 ** (min(row.tries, 20) - 1), LONGEST_PAUSE_S)
        pause_s *= 0.75 + 0.5 * self._chance()
        return iso(self._now() + dt.timedelta(seconds=max(pause_s, wait_s or 0.0)))

    def _asked_of(self, s: Session, number: int, *states: Standing) -> Publication:
        row = _row(s, number)
        if row.state in states:
            return row
        if row.state in OVER:
            raise BadInput(f"Publication {number} is {row.state} already", code="publication_over")
        raise BadInput(
            f"Publication {number} is {row.state}, so that cannot be done now", code="publication_busy"
        )

    def _tell(self, s: Session, row: Publication, name: str, /, **facts: Any) -> None:
        now = iso(self._now())
        row.changed_at = now
        s.add(row)
        assert row.number is not None
        s.add(PublicationEvent(publication=row.number, at=now, name=name, facts=facts))


_LACKING = """
    SELECT DISTINCT job.id, target.value FROM job, json_each(job.spec, '$.publish') AS target
    WHERE job.state = 'done' AND job.output IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM publication p WHERE p.job_id = job.id AND p.target = target.value)
    ORDER BY job.finished_at, job.number, target.key"""


def _row(s: Session, number: int) -> Publication:
    row = s.get(Publication, number)
    if row is None:
        raise BadInput(f"There is no publication {number}", code="publication_unknown")
    return row


def _job(s: Session, job_id: str) -> JobRow:
    job = s.exec(select(JobRow).where(JobRow.id == job_id)).first()
    if job is None:
        raise BadInput(f"There is no job {job_id}", code="job_unknown")
    return job


def _of(s: Session, name: str) -> PublicationTarget:
    row = s.get(PublicationTarget, name) or PublicationTarget(name=name)
    s.add(row)
    return row


def _owned(s: Session, claim: Sending) -> Publication:
    row = s.get(Publication, claim.number)
    state = Standing.UNSURE if claim.settle else Standing.SENDING
    if row is None or row.token != claim.token or row.state != state:
        raise Outdated(f"Publication {claim.number} is no longer in these hands")
    return row


def _sending(row: Publication, *, settle: bool = False) -> Sending:
    assert row.number is not None
    return Sending(row.number, row.token, row.job_id, row.target, row.key, dict(row.text), settle)


def _taken(s: Session, target: str, day: str) -> int:
    wanted = select(func.count()).where(Publication.target == target, Publication.day == day)
    return s.exec(wanted).one()


def _waiting(target: str) -> Any:
    approved = select(Publication).where(Publication.target == target, Publication.state == Standing.APPROVED)
    return approved.order_by(col(Publication.place))


def _due(s: Session, target: str, now: dt.datetime) -> Sequence[Publication]:
    due_at = col(Publication.due_at)
    wanted = _waiting(target).where(col(Publication.ripe).is_(False), due_at.is_(None) | (due_at <= iso(now)))
    found: Sequence[Publication] = s.exec(wanted).all()
    return found


def _next(target: str, now: dt.datetime) -> Any:
    next_try = col(Publication.next_try)
    may = col(Publication.ripe).is_(True), next_try.is_(None) | (next_try <= iso(now))
    return _waiting(target).where(*may).limit(1)


def _unsettled(target: str, now: dt.datetime) -> Any:
    next_try = col(Publication.next_try)
    unsure = select(Publication).where(Publication.target == target, Publication.state == Standing.UNSURE)
    return unsure.where(next_try.is_(None) | (next_try <= iso(now))).order_by(col(Publication.place)).limit(1)
