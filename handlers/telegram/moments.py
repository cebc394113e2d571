"""Times as people here read and write them: by the clock of the machine, or of a target; the zone is said."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from handlers.telegram.texts import plain
from pipeline.spec import Time

AHEAD = dt.timedelta(days=2 * 366)  # nobody means a later time; and at the end of the calendar zones fail
_TIMES = ((0, 18), (1, 8), (1, 12), (1, 18))  # days from today, hour
_read: TypeAdapter[dt.datetime | None] = TypeAdapter(Time)


def zone(at: dt.datetime, of: dt.tzinfo | None = None) -> str:
    """ "CET, UTC+01:00"; of a zone with a name, that."""
    if isinstance(of, ZoneInfo):
        return of.key.removeprefix("Etc/")
    local = at.astimezone(of)
    name, offset = local.tzname() or "", f"UTC{local:%z}"
    offset = f"{offset[:-2]}:{offset[-2:]}"
    return f"{name}, {offset}" if name.isalpha() and name != "UTC" else offset


def shown(at: dt.datetime | str, zone: dt.tzinfo | None = None) -> str:
    """ "2026-11-23 08:00". Also of what stands in the database."""
    moment = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    return format(moment.astimezone(zone), "%Y-%m-%d %H:%M")


def offered(now: dt.datetime, zone: dt.tzinfo | None = None) -> list[tuple[str, dt.datetime]]:
    """Times that may suit, none of them over: which ("hour", "today", "tomorrow"), and when that is."""
    local = now.astimezone(zone)
    found = [("hour", local + dt.timedelta(hours=1))]
    for days, hour in _TIMES:
        day = local.date() + dt.timedelta(days=days)
        # Without a zone first: across a change of the clocks an hour is another distance away.
        naive = dt.datetime.combine(day, dt.time(hour))
        at = naive.replace(tzinfo=zone) if zone else naive.astimezone()
        if at > local:
            found.append(("tomorrow" if days else "today", at))
    return found


def written(text: str, zone: dt.tzinfo | None = None) -> dt.datetime | None:
    """The time that somebody wrote; None: it is none. zone: that it has when it says none; None: the
    machine's."""
    said = unicodedata.normalize("NFKC", text[:100]).strip()
    at = _validated(said)
    # What still takes a zone has none of its own.
    if at is not None and zone is not None and (naive := _validated(f"{said}Z")) is not None:
        return naive.replace(tzinfo=zone)
    return at


def _validated(text: str) -> dt.datetime | None:
    try:
        return _read.validate_python(text)
    except (ValidationError, OverflowError):
        return None


def unusable(at: dt.datetime, now: dt.datetime) -> Literal["over", "far"] | None:
    """Why nothing can be put off until then; None: it can be."""
    if at <= now:
        return "over"
    return "far" if at > now + AHEAD else None


# ---------------------------------------------------------------- days in words


def day(language: str, at: dt.date, key: str = "calendar.day") -> str:
    """ "Mon 23 Nov"."""
    weekdays = plain(language, "calendar.weekdays").split()
    months = plain(language, "calendar.months").split()
    return plain(language, key, weekday=weekdays[at.weekday()], day=at.day, month=months[at.month - 1])


def worded(language: str, at: dt.datetime, zone_: dt.tzinfo | None) -> str:
    """ "Mon 23 Nov, 18:00 (Europe/Berlin)", by the clock there."""
    local = at.astimezone(zone_)
    when = plain(language, "calendar.at", day=day(language, local.date()), time=f"{local:%H:%M}")
    return plain(language, "calendar.zoned", at=when, zone=zone(at, zone_))
