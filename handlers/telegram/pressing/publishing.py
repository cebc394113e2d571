"""A finished video goes to a target: now, or at a time. Asks for what is not clear: where to, and when.

publish:JOB:TARGET          schedule:JOB:TARGET.WHEN         WHEN: seconds since 1970, or "typed"
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

from daemon.jobs import JobRow
from handlers.telegram import moments
from handlers.telegram.buttons import Press, press
from handlers.telegram.content import Button, Content
from handlers.telegram.drafting.awaited import AWAITED
from handlers.telegram.incoming import Said
from handlers.telegram.pressing.jobs import kept
from handlers.telegram.pressing.whose import named_job, pressed_job
from handlers.telegram.talk import Talk
from models.errors import BadInput

TYPED = "typed"


def publish(talk: Talk, row: JobRow, word: str = "") -> None:
    """word: of the target, as a button says it. Raises BadInput."""
    target = _target(talk, kept(row), "publish", word)
    if target is not None:
        _hand_over(talk, row, target, None)


def schedule(talk: Talk, row: JobRow, word: str = "", when: str = "") -> None:
    """when: as a button says it. Raises BadInput."""
    target = _target(talk, kept(row), "schedule", word)
    if target is None:
        return
    if when == TYPED:
        talk.wait_for({"what": "time", "job": row.id, "target": target})
        key = "publishing.write" if talk.where.private else "publishing.write_in_group"
        talk.replace(Content(talk.say(key, zone=moments.zone(talk.turn.now))))
    elif when.isascii() and when.isdecimal():
        at = dt.datetime.fromtimestamp(min(int(when[:12]), 2**34), dt.UTC)
        if (wrong := moments.unusable(at, talk.turn.now)) is not None:
            raise BadInput(f"That time is {wrong}", code=f"time_{wrong}")
        _hand_over(talk, row, target, at)
    else:
        talk.replace(_times(talk, row, target))


# ---------------------------------------------------------------- where to, and when


def _target(talk: Talk, row: JobRow, verb: str, word: str) -> str | None:
    """None: the person is asked."""
    targets = talk.house.publishing.targets()
    if not targets:
        raise BadInput("No place to publish to is set up", code="publish_nowhere")
    if word:
        named = next((target for target in targets if _word(target) == word), None)
        if named is None:
            raise BadInput("That place to publish to is not set up any more", code="target_gone")
        return named
    if len(targets) == 1:
        return targets[0]
    buttons = tuple((Button(target[:60], press(verb, row.id, _word(target))),) for target in targets)
    talk.replace(Content(talk.say("publishing.where", label=row.label), buttons))
    return None


def _times(talk: Talk, row: JobRow, target: str) -> Content:
    def data(when: object) -> str:
        return press("schedule", row.id, f"{_word(target)}.{when}")

    buttons = [
        talk.button(f"publishing.{day}", data(round(at.timestamp())), time=f"{at:%H:%M}")
        for day, at in moments.offered(talk.turn.now)
    ]
    rows = [tuple(buttons[i : i + 2]) for i in range(0, len(buttons), 2)]
    other = talk.button("publishing.other", data(TYPED))
    zone = moments.zone(talk.turn.now)
    text = talk.say("publishing.when", label=row.label, target=target, zone=zone)
    return Content(text, (*rows, (other,)))


def _hand_over(talk: Talk, row: JobRow, target: str, at: dt.datetime | None) -> None:
    talk.house.publishing.publish(row.id, target, at)
    if at is None:
        words = talk.say("publishing.now", label=row.label, target=target)
    else:
        when = f"{moments.shown(at)} ({moments.zone(at)})"
        words = talk.say("publishing.at", label=row.label, target=target, time=when)
    talk.replace(Content(words))


def _take_time(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
    """A time that somebody wrote; until it is one, they are asked again."""
    if said.attachment is not None or not said.text.strip():
        return False
    at = moments.written(said.text)
    wrong = "none" if at is None else moments.unusable(at, talk.turn.now)
    if at is None or wrong is not None:
        talk.answer(f"publishing.time_{wrong}", zone=moments.zone(talk.turn.now))
        talk.wait_for(awaited)
        return True
    row = kept(named_job(talk, awaited["job"]))
    target = _target(talk, row, "schedule", _word(awaited["target"]))
    assert target is not None, "a named target needs no question"
    _hand_over(talk, row, target, at)
    return True


def _word(target: str) -> str:
    """For a button: a name may be longer than that, and a place in a list changes with the list."""
    return hashlib.sha256(target.encode()).hexdigest()[:12]


# ---------------------------------------------------------------- buttons


def _publish(talk: Talk, pressed: Press) -> None:
    if found := pressed_job(talk, pressed):
        publish(talk, found[1], pressed.argument)


def _schedule(talk: Talk, pressed: Press) -> None:
    if found := pressed_job(talk, pressed):
        word, _, when = pressed.argument.partition(".")
        schedule(talk, found[1], word, when)


PRESSES: dict[str, Callable[[Talk, Press], None]] = {"publish": _publish, "schedule": _schedule}
AWAITED["time"] = _take_time
