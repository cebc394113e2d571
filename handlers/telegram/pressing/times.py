"""When something is to be published: times to choose from, and times that somebody writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from handlers.telegram import moments
from handlers.telegram.content import Button
from handlers.telegram.incoming import Said
from handlers.telegram.talk import Talk
from models.errors import BadInput

TYPED = "typed"


def offered(talk: Talk, data: Callable[[object], str], zone: dt.tzinfo | None) -> list[tuple[Button, ...]]:
    """Rows of buttons. data: what a button for a time says: seconds since 1970, or TYPED."""
    buttons = [
        talk.button(f"publishing.{day}", data(round(at.timestamp())), time=f"{at:%H:%M}")
        for day, at in moments.offered(talk.turn.now, zone)
    ]
    rows = [tuple(buttons[i : i + 2]) for i in range(0, len(buttons), 2)]
    return [*rows, (talk.button("publishing.other", data(TYPED)),)]


def chosen(talk: Talk, when: str) -> dt.datetime | None:
    """The time of a button; None: it says none. Raises BadInput `time_over`, `time_far`."""
    if not (when.isascii() and when.isdecimal()):
        return None
    at = dt.datetime.fromtimestamp(min(int(when[:12]), 2**34), dt.UTC)
    if (wrong := moments.unusable(at, talk.turn.now)) is not None:
        raise BadInput(f"That time is {wrong}", code=f"time_{wrong}")
    return at


def ask(talk: Talk, zone: dt.tzinfo | None) -> str:
    """What is said to somebody who is to write one."""
    key = "publishing.write" if talk.where.private else "publishing.write_in_group"
    return talk.say(key, zone=moments.zone(talk.turn.now, zone))


def written(talk: Talk, said: Said, zone: dt.tzinfo | None) -> dt.datetime | None:
    """None: it is no time, or none that will do, and that was said."""
    at = moments.written(said.text, zone)
    wrong = "none" if at is None else moments.unusable(at, talk.turn.now)
    if wrong is not None:
        talk.answer(f"publishing.time_{wrong}", zone=moments.zone(talk.turn.now, zone))
        return None
    return at
