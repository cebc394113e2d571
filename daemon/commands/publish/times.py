"""Times that are typed, and those that are shown: by the clock of this machine unless a zone stands there."""

from __future__ import annotations

import datetime as dt

from daemon.commands.terminal import local_time
from models.errors import BadInput

AHEAD = dt.timedelta(days=2 * 366)  # nobody means a later time


def typed(text: str, option: str) -> dt.datetime:
    """Raises BadInput `option_invalid`, and as `check`."""
    from pydantic import TypeAdapter, ValidationError

    from pipeline.spec import A_TIME, Time

    try:
        at = TypeAdapter[dt.datetime | None](Time).validate_python(text)
    except ValidationError as e:
        raise BadInput(
            f"{option} must be {A_TIME}, not {text!r}", code="option_invalid", hint=f'{option} "{_example()}"'
        ) from e
    assert at is not None
    check(at, option)
    return at


def check(at: dt.datetime, option: str) -> None:
    """Raises BadInput `time_over`, `time_far`."""
    now = dt.datetime.now(dt.UTC)
    if at <= now:
        raise BadInput(
            f"{option} {local_time(at.isoformat())} is over: it is {local_time(now.isoformat())} now",
            code="time_over",
            hint=f'Give a time that is to come: {option} "{_example()}"',
        )
    if at > now + AHEAD:
        raise BadInput(
            f"{option} {local_time(at.isoformat())} is more than two years from now",
            code="time_far",
            hint="Give a nearer time; the year may be mistyped.",
        )


def _example() -> str:
    """A time that is to come."""
    return f"{dt.datetime.now() + dt.timedelta(days=1):%Y-%m-%d} 18:00"
