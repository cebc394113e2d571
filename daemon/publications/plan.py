"""What goes where in the coming days, as things stand: worked out from the book and the rules, kept nowhere.

The publisher does not ask it: it looks what is due. Both follow the same rules, in the same order.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from daemon.jobs import iso
from daemon.publications.book import Book
from daemon.publications.slots import Rules
from daemon.publications.tables import Publication, Standing

DAYS = 7
STEP = dt.timedelta(minutes=1)  # quiet hours begin and end with a minute
OPEN_ENDED = 400  # days after which nobody looks any further for a day with room


@dataclass(frozen=True)
class Planned:
    """One line of the plan. at: in its target's zone; None: not before somebody does something. publication:
    None: a slot that nothing waits for. why: what it waits for beside its time: "quiet", "full", "paused",
    "spent", "retry", "gone" (there is no such target); "" for nothing."""

    target: str
    at: dt.datetime | None
    publication: Publication | None = None
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """dated: in order of time. waiting: for a person, in the order of the line."""

    dated: tuple[Planned, ...]
    waiting: tuple[Planned, ...]


def plan(book: Book, rules: Mapping[str, Rules], now: dt.datetime, days: int = DAYS) -> Plan:
    """What stands at a time later than `days` from now is told, too; free slots only so far."""
    until = now + dt.timedelta(days=days)
    rows = book.all(*(state for state in Standing if state not in (Standing.PUBLISHED, Standing.SKIPPED)))
    dated: list[Planned] = []
    waiting: list[Planned] = []
    for name in dict.fromkeys([*rules, *(row.target for row in rows)]):
        here = [row for row in rows if row.target == name]
        own = rules.get(name)
        if own is None:
            waiting += [Planned(name, None, row, "gone") for row in here]
            continue
        moving = [row for row in here if row.state in (Standing.APPROVED, Standing.SENDING, Standing.UNSURE)]
        waiting += [Planned(name, _time(row.due_at, own), row) for row in here if row not in moving]
        dated += _of_target(book, own, moving, now, until)
    dated.sort(key=lambda one: (one.at is None, iso(one.at) if one.at else "", one.target))
    waiting.sort(key=lambda one: one.publication.place if one.publication else 0)
    return Plan(tuple(dated), tuple(waiting))


def _of_target(
    book: Book, rules: Rules, rows: Sequence[Publication], now: dt.datetime, until: dt.datetime
) -> Iterator[Planned]:
    known = book.target(rules.name)
    moments = _slots(rules, rows, now)
    line = _Line(
        rules, now, known.spent_until, Counter({rules.day(now): book.taken(rules.name, rules.day(now))})
    )
    for row in rows:
        due = _time(row.due_at, rules)
        if due is None:
            due = now if row.ripe or not rules.slots else next(moments, None)
        if row.state != Standing.APPROVED:
            yield Planned(rules.name, now.astimezone(rules.zone), row)
        elif known.paused_by is not None:
            yield Planned(rules.name, None, row, "paused")
        elif due is None:  # a day that never comes
            yield Planned(rules.name, None, row)
        else:
            line.add(row, due)
    yield from line.sent()
    for moment in takewhile(lambda one: one <= until, moments):
        yield Planned(rules.name, moment.astimezone(rules.zone))


class _Line:
    """What waits at one target, and is sent as the publisher does it: of all whose time has come, the lowest
    place first. taken: by day."""

    def __init__(self, rules: Rules, now: dt.datetime, spent_until: str | None, taken: Counter[str]) -> None:
        self._rules = rules
        self._now = now
        self._spent = dt.datetime.fromisoformat(spent_until) if spent_until else now
        self._taken = taken
        self._rows: list[tuple[dt.datetime, Publication, str]] = []

    def add(self, row: Publication, due: dt.datetime) -> None:
        again = dt.datetime.fromisoformat(row.next_try) if row.next_try else due
        over = again <= max(due, self._now)
        why = "" if over else "spent" if again <= self._spent else "retry"
        self._rows.append((max(due, again, self._now), row, why))

    def sent(self) -> Iterator[Planned]:
        coming = sorted(self._rows, key=lambda one: one[0])
        ripe: list[tuple[Publication, str]] = []
        at = self._now
        last = at + dt.timedelta(days=OPEN_ENDED)
        while ripe or coming:
            at = at if ripe else max(at, coming[0][0])
            while coming and coming[0][0] <= at:
                _, row, why = coming.pop(0)
                ripe.append((row, why))
            later, why = self._later(at)
            if later > last:
                yield from (Planned(self._rules.name, None, row, why) for row, _ in ripe)
                return
            if later > at:
                at, ripe = later, [(row, why) for row, _ in ripe]
                continue
            ripe.sort(key=lambda one: one[0].place)
            row, why = ripe.pop(0)
            self._taken[self._rules.day(at)] += 1
            yield Planned(self._rules.name, at.astimezone(self._rules.zone), row, why)

    def _later(self, at: dt.datetime) -> tuple[dt.datetime, str]:
        """When nothing may be sent now, when to look again, and why not now; else `at` itself."""
        if self._spent > at:
            return self._spent, "spent"
        if self._rules.is_quiet(at):
            return at.replace(second=0, microsecond=0) + STEP, "quiet"
        if self._rules.per_day is not None and self._taken[self._rules.day(at)] >= self._rules.per_day:
            return _tomorrow(at, self._rules), "full"
        return at, ""


def _slots(rules: Rules, rows: Sequence[Publication], now: dt.datetime) -> Iterator[dt.datetime]:
    """Those that nothing has taken yet."""
    used = {row.slot for row in rows}
    return (moment for moment in rules.moments(now) if iso(moment) not in used)


def _tomorrow(at: dt.datetime, rules: Rules) -> dt.datetime:
    """When its next day begins, by the clock on the wall."""
    day = at.astimezone(rules.zone).date() + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(), rules.zone).astimezone(dt.UTC)


def _time(said: str | None, rules: Rules) -> dt.datetime | None:
    return dt.datetime.fromisoformat(said).astimezone(rules.zone) if said else None
