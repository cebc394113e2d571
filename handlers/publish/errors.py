"""What can go wrong at a place to publish to, told apart by what has to be done about it.

Refused      it says no, and will say no again: a person has to change something
Login        it does not know us (any more): a person has to log in
NotSent      nothing has arrived: the same can be sent again later
Spent        nothing has arrived, and nothing will before `until`: a quota is used up
Unsure       it may have arrived: nothing may be sent before `find`, or a person, has said
"""

from __future__ import annotations

import datetime as dt

from models.errors import BadInput, StageFailed, Unavailable


class Refused(BadInput):
    default_code = "target_refused"


class Login(Unavailable):
    default_code = "target_login"


class NotSent(Unavailable):
    """wait_s: how long it asked us to wait at least; None: it did not say."""

    default_code = "target_away"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str = "", wait_s: float | None = None
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.wait_s = wait_s


class Spent(Unavailable):
    """until: when there is some again; None: it did not say."""

    default_code = "target_quota"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str = "", until: dt.datetime | None = None
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.until = until


class Unsure(StageFailed):
    default_code = "target_unsure"
