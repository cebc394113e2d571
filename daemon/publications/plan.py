"""What goes where in the coming days, as things stand: worked out from the book and the rules, kept nowhere.

The publisher does not ask it: it looks what is due. Both follow the same rules, in the same order.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    wanted: list[tuple[dt.datetime, Publication]] = []
    for row in rows:
        due = _time(row.due_at, rules)
        if due is None:
            due = now if row.ripe or not rules.slots else next(moments, None)
        if due is not None:
            wanted.append((max(due, now), row))
    # What is approved but finds no slot any more (a day that never comes) has no time.
    placed = {row.number for _, row in wanted}
    yield from (Planned(rules.name, None, row) for row in rows if row.number not in placed)
    wanted.sort(key=lambda one: (one[0], one[1].place))
    taken = Counter({day: book.taken(rules.name, day) for day in [rules.day(now)]})
    for due, row in wanted:
        if row.state != Standing.APPROVED:
            yield Planned(rules.name, now.astimezone(rules.zone), row)
        elif known.paused_by is not None:
            yield Planned(rules.name, None, row, "paused")
        else:
            yield _sent(rules, row, due, known.spent_until, taken)
    for moment in moments:
        if moment > until:
            break
        yield Planned(rules.name, moment.astimezone(rules.zone))


def _sent(
    rules: Rules, row: Publication, due: dt.datetime, spent_until: str | None, taken: Counter[str]
) -> Planned:
    at, why = due, ""
    for moment, reason in ((row.next_try, "retry"), (spent_until, "spent")):
        if moment is not None and dt.datetime.fromisoformat(moment) > at:
            at, why = dt.datetime.fromisoformat(moment), reason
    last = at + dt.timedelta(days=OPEN_ENDED)
    while at < last:
        if rules.is_quiet(at):
            at, why = _ceiling(at), "quiet"
        elif rules.per_day is not None and taken[rules.day(at)] >= rules.per_day:
            at, why = _tomorrow(at, rules), "full"
        else:
            taken[rules.day(at)] += 1
            return Planned(rules.name, at.astimezone(rules.zone), row, why)
    return Planned(rules.name, None, row, why)


def _slots(rules: Rules, rows: Sequence[Publication], now: dt.datetime) -> Iterator[dt.datetime]:
    """Those that nothing has taken yet."""
    used = {row.slot for row in rows}
    return (moment for moment in rules.moments(now) if iso(moment) not in used)


def _ceiling(at: dt.datetime) -> dt.datetime:
    return at.replace(second=0, microsecond=0) + STEP


def _tomorrow(at: dt.datetime, rules: Rules) -> dt.datetime:
    """When its next day begins, by the clock on the wall."""
    day = at.astimezone(rules.zone).date() + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(), rules.zone).astimezone(dt.UTC)


def _time(said: str | None, rules: Rules) -> dt.datetime | None:
    return dt.datetime.fromisoformat(said).astimezone(rules.zone) if said else None
