"""What sites say about time: how long to wait, and what time it is there."""

from __future__ import annotations

import datetime as dt
import email.utils
import math
from collections.abc import Mapping
from typing import Any

from handlers.publish.kind import Surroundings

LONGEST_WAIT_S = 30 * 86400.0


def bounded(given: Any) -> float | None:
    """Seconds to wait, from whatever a site gives as such; None: it is no length of time."""
    try:
        wait_s = float(given)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(wait_s, LONGEST_WAIT_S) if 0 <= wait_s < math.inf else None


def retry_after(given: str, now: dt.datetime) -> float | None:
    """The header of that name: seconds, or a time. None: it does not say."""
    given = given.strip()
    if given.isdecimal() and given.isascii():
        return min(float(given), LONGEST_WAIT_S)
    then = _moment(given)
    return None if then is None else min(max((then - now).total_seconds(), 0.0), LONGEST_WAIT_S)


class TheirTime:
    """What time it is at a site, by its own answers: the clock of this machine may be wrong when an upload is
    begun, and set right before it is looked for. As long as the site has said nothing, it is ours."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._said: tuple[dt.datetime, float] | None = None  # and when, by our monotonic clock

    def heard(self, headers: Mapping[str, str]) -> None:
        if (said := _moment(headers.get("date", ""))) is not None:
            self._said = said, self._around.clock()

    def now(self) -> dt.datetime:
        if self._said is None:
            return self._around.now()
        said, at = self._said
        return said + dt.timedelta(seconds=self._around.clock() - at)


def _moment(given: str) -> dt.datetime | None:
    try:
        then = email.utils.parsedate_to_datetime(given)
    except (TypeError, ValueError, OverflowError):
        return None
    return then if then.tzinfo else then.replace(tzinfo=dt.UTC)
