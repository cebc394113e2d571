"""Times as people here read and write them: by the clock of the machine, whose zone is said."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from pipeline.spec import Time

AHEAD = dt.timedelta(days=2 * 366)  # nobody means a later time; and at the end of the calendar zones fail
_TIMES = ((0, 18), (1, 8), (1, 12), (1, 18))  # days from today, hour
_read: TypeAdapter[dt.datetime | None] = TypeAdapter(Time)


def zone(at: dt.datetime) -> str:
    """ "CET, UTC+01:00"."""
    local = at.astimezone()
    name, offset = local.tzname() or "", f"UTC{local:%z}"
    offset = f"{offset[:-2]}:{offset[-2:]}"
    return f"{name}, {offset}" if name.isalpha() and name != "UTC" else offset


def shown(at: dt.datetime | str) -> str:
    """ "2026-11-23 08:00". Also of what stands in the database."""
    moment = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    return format(moment.astimezone(), "%Y-%m-%d %H:%M")


def offered(now: dt.datetime) -> list[tuple[str, dt.datetime]]:
    """Times that may suit, none of them over: which ("hour", "today", "tomorrow"), and when that is."""
    local = now.astimezone()
    found = [("hour", local + dt.timedelta(hours=1))]
    for days, hour in _TIMES:
        day = local.date() + dt.timedelta(days=days)
        # Without a zone first: across a change of the clocks an hour is another distance away.
        at = dt.datetime.combine(day, dt.time(hour)).astimezone()
        if at > local:
            found.append(("tomorrow" if days else "today", at))
    return found


def written(text: str) -> dt.datetime | None:
    """The time that somebody wrote; None: it is none. Without a zone it is the machine's."""
    try:
        return _read.validate_python(unicodedata.normalize("NFKC", text[:100]))
    except (ValidationError, OverflowError):
        return None


def unusable(at: dt.datetime, now: dt.datetime) -> Literal["over", "far"] | None:
    """Why nothing can be put off until then; None: it can be."""
    if at <= now:
        return "over"
    return "far" if at > now + AHEAD else None
