"""When a target may be sent to: its slots, quiet hours and days. Pure: nothing here reads a clock.

[[publish.slot]]
target = "site"
cron = "0 18 * * mon-fri"
timezone = "Europe/Berlin"
"""

from __future__ import annotations

import datetime as dt
import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from daemon.publications.cron import Cron

Late = Literal["publish", "next_slot", "ask"]
UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Slot:
    cron: Cron
    zone: ZoneInfo = UTC

    def after(self, moment: dt.datetime) -> Iterator[dt.datetime]:
        return self.cron.after(moment, self.zone)


@dataclass(frozen=True)
class Quiet:
    """By the clock on the wall; from 22:00 to 07:00 lasts over midnight."""

    begin: dt.time
    end: dt.time

    @classmethod
    def of(cls, said: str) -> Quiet:
        """Raises ValueError, with words that follow the name of the key."""
        match = re.fullmatch(r"(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d)", said.strip(), re.ASCII)
        numbers = [int(part) for part in match.groups()] if match else [0, 0, 0, 0]
        if max(numbers[::2]) > 23 or max(numbers[1::2]) > 59 or numbers[:2] == numbers[2:]:
            raise ValueError("should be two times of day, such as 22:00-07:00")
        begin, end = dt.time(numbers[0], numbers[1]), dt.time(numbers[2], numbers[3])
        return cls(begin, end)

    def covers(self, time: dt.time) -> bool:
        if self.begin < self.end:
            return self.begin <= time < self.end
        return time >= self.begin or time < self.end


@dataclass(frozen=True)
class Rules:
    """What is set for one target. per_day: None: as many as there are. zone: of its days and quiet hours."""

    name: str
    approve: bool = False
    per_day: int | None = None
    quiet: Quiet | None = None
    zone: ZoneInfo = UTC
    late: Late = "publish"
    slots: tuple[Slot, ...] = ()

    def moments(self, after: dt.datetime, until: dt.datetime | None = None) -> Iterator[dt.datetime]:
        """Of all its slots, in order, each once; in UTC. until: inclusive; None: without end."""
        last = None
        merged = heapq.merge(*(slot.after(after) for slot in self.slots))
        for moment in merged if until is None else takewhile(lambda one: one <= until, merged):
            if moment != last:
                yield moment
            last = moment

    def is_quiet(self, now: dt.datetime) -> bool:
        return self.quiet is not None and self.quiet.covers(now.astimezone(self.zone).time())

    def day(self, now: dt.datetime) -> str:
        return now.astimezone(self.zone).date().isoformat()
