"""When a slot comes: the five fields of cron, on the clock on the wall of a time zone. Pure.

    minute hour day month weekday        0 9,18 * * mon-fri

As in cron: 0 and 7 are Sunday, and when both a day and a weekday are said, either will do. (APScheduler's
trigger was tried: 0 is its Monday, and an hour that comes twice gives its moments again and again.)
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec", "sun mon tue wed thu fri sat"
_MONTHS = {name: number for number, name in enumerate(_NAMES[0].split(), 1)}
_WEEKDAYS = {name: number for number, name in enumerate(_NAMES[1].split())}
_DAY = dt.timedelta(days=1)
_FURTHEST = 366 * 8 + 2  # days: from one 29th of February to the next


@dataclass(frozen=True)
class Cron:
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0: Sunday
    either: bool  # a day that is one of `days` or of `weekdays` will do

    @classmethod
    def of(cls, said: str) -> Self:
        """Raises ValueError, with words that follow the name of the key."""
        fields = said.split()
        if len(fields) != 5:
            raise ValueError('should be five fields, such as "0 18 * * mon-fri"')
        minute, hour, day, month, weekday = fields
        cron = cls(
            tuple(sorted(_field(minute, 0, 59))),
            tuple(sorted(_field(hour, 0, 23))),
            _field(day, 1, 31),
            _field(month, 1, 12, _MONTHS),
            frozenset(one % 7 for one in _field(weekday, 0, 7, _WEEKDAYS)),
            not day.startswith("*") and not weekday.startswith("*"),
        )
        if next(cron.days_from(dt.date(2024, 1, 1)), None) is None:
            raise ValueError("should be days that there are")
        return cron

    def days_from(self, day: dt.date) -> Iterator[dt.date]:
        """All days on which there is a moment, up to eight years on."""
        for _ in range(_FURTHEST):
            if self._has(day):
                yield day
            day += _DAY

    def _has(self, day: dt.date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (in_month or in_week if self.either else in_month and in_week)

    def after(self, moment: dt.datetime, zone: ZoneInfo) -> Iterator[dt.datetime]:
        """The moments after that one, in UTC, in order. One that the wall's clock leaps over comes once,
        right after the leap; in an hour that comes twice there is each once, the first time."""
        last = moment.astimezone(dt.UTC)
        for day in self.days_from(moment.astimezone(zone).date() - _DAY):
            times = (dt.datetime.combine(day, dt.time(h, m)) for h in self.hours for m in self.minutes)
            for found in sorted(_real(time, zone) for time in times):
                if found > last:
                    last = found
                    yield found


def _real(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The moment at which the wall's clock shows this for the first time, or first shows more than this."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # Leapt over. Both readings of it lie on either side of the leap: between them the clock changes.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    after = moment
    while after - before > dt.timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _field(said: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in said.lower().split(","):
        match = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d{1,3}))?", part, re.ASCII)
        if not match or (match[1] == "*" and match[2]):
            raise ValueError(f"should be cron's five fields, and {part} is none")
        first = low if match[1] == "*" else _number(match[1], names)
        last = _number(match[2], names) if match[2] else first
        if match[1] == "*" or (match[3] and not match[2]):
            last = high
        step = int(match[3] or 1)
        if not low <= first <= last <= high or step < 1:
            raise ValueError(f"should be cron's five fields, and {part} is not within {low}–{high}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(said: str, names: dict[str, int] | None) -> int:
    if names and said in names:
        return names[said]
    if not said.isdigit():
        raise ValueError(f"should be cron's five fields, and {said} is none")
    return int(said)
