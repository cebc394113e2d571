"""What takes time and is to be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from daemon.chats import Errand
from daemon.jobs import iso


class Errands:
    def __init__(self, s: Session, now: dt.datetime) -> None:
        self._s = s
        self._now = now

    def add(self, key: str, kind: str, **facts: Any) -> None:
        """Once it is wanted it is not wanted twice: what it is about is read when it is begun.

        One that is being done right now cannot be joined any more: it is to be done again after it."""
        row = self._s.exec(select(Errand).where(Errand.key == key)).first()
        if row is None:
            row = Errand(key=key, kind=kind, facts=facts, at=iso(self._now))
        else:
            row.facts, row.at, row.attempts, row.due_at = facts, iso(self._now), 0, None
            row.asked += 1
        self._s.add(row)
        self._s.flush()

    def to_do(self) -> Sequence[Errand]:
        """In the order in which they were wanted; also those that wait for their time."""
        return self._s.exec(select(Errand).order_by(col(Errand.number))).all()

    def begun(self, number: int) -> Errand | None:
        """It counts; None: it is not wanted any more, or was just put off."""
        row = self._s.get(Errand, number)
        if row is None or (row.due_at is not None and row.due_at > iso(self._now)):
            return None
        row.attempts += 1
        self._s.add(row)
        self._s.flush()
        return row

    def later(self, number: int, until: dt.datetime) -> None:
        row = self._s.get(Errand, number)
        if row is not None:
            row.due_at = iso(until)
            self._s.add(row)
            self._s.flush()

    def done(self, errand: Errand) -> None:
        """Unless it was asked for once more since it was begun."""
        row = self._s.get(Errand, errand.number)
        if row is not None and row.asked == errand.asked:
            self._s.delete(row)
            self._s.flush()
