"""How many publications there are, and what comes next: for status, health and numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, func, select

from daemon.jobs import iso
from daemon.publications.book import Book
from daemon.publications.plan import plan
from daemon.publications.slots import Rules
from daemon.publications.tables import OVER, Publication, Standing
from daemon.store.database import Database


@dataclass(frozen=True)
class Counted:
    """counts: target → state → how many. last: target → when something was published there last. open: what
    is not over, in order. next: what goes out next, and when; None: nothing has a time."""

    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    last: Mapping[str, str] = field(default_factory=dict)
    open: Sequence[Publication] = ()
    next: Mapping[str, Any] | None = None

    def in_short(self, targets: Sequence[str]) -> dict[str, Any]:
        """For `vigentd status`: how many are in each state, of those that are not over."""
        states: dict[str, int] = {}
        for row in self.open:
            states[str(row.state)] = states.get(str(row.state), 0) + 1
        return {"targets": list(targets), "counts": states, "next": self.next}


def counted(db: Database, book: Book, rules: Mapping[str, Rules], now: dt.datetime) -> Counted:
    """now: with its zone."""
    counts: dict[str, dict[str, int]] = {}
    with db.reading() as s:
        wanted = select(Publication.target, Publication.state, func.count())
        for target, state, number in s.exec(wanted.group_by(Publication.target, Publication.state)):
            counts.setdefault(target, {})[str(state)] = number
        last = _last(s)
    waiting = book.all(*(state for state in Standing if state not in OVER))
    return Counted(counts, last, waiting, _next(book, rules, now) if waiting else None)


def _last(s: Session) -> dict[str, str]:
    wanted = select(Publication.target, func.max(Publication.changed_at))
    published = wanted.where(col(Publication.state) == Standing.PUBLISHED)
    return dict(s.exec(published.group_by(Publication.target)).all())


def _next(book: Book, rules: Mapping[str, Rules], now: dt.datetime) -> dict[str, Any] | None:
    """at: in UTC."""
    for line in plan(book, rules, now).dated:
        if line.publication is not None and line.at is not None:
            return {"target": line.target, "job": line.publication.job_id, "at": iso(line.at)}
    return None
