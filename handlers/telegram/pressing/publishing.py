"""A finished video goes to a target: now, or at a time. Asks for what is not clear: where to, and when.

publish:JOB:TARGET          schedule:JOB:TARGET.WHEN         WHEN: seconds since 1970, or "typed"
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

from daemon.jobs import JobRow, iso
from daemon.publications.tables import Publication, Standing
from handlers.telegram import moments
from handlers.telegram.buttons import Press, press
from handlers.telegram.content import Button, Content
from handlers.telegram.drafting.awaited import AWAITED
from handlers.telegram.incoming import Said
from handlers.telegram.pressing import times
from handlers.telegram.pressing.jobs import kept
from handlers.telegram.pressing.whose import named_job, pressed_job
from handlers.telegram.publishing import Publishing
from handlers.telegram.report.publication import Telling
from handlers.telegram.report.publications import show
from handlers.telegram.talk import Talk
from handlers.telegram.texts import Marked
from models.errors import BadInput


def by(talk: Talk) -> str:
    """As the log of publications names them."""
    return f"{talk.who.name} (Telegram)"


def there(talk: Talk) -> Publishing:
    """Raises BadInput `publish_nowhere`."""
    if talk.house.publishing is None or not talk.house.publishing.targets():
        raise BadInput("No place to publish to is set up", code="publish_nowhere")
    return talk.house.publishing


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
    if when == times.TYPED:
        talk.wait_for({"what": "time", "job": row.id, "target": target})
        talk.replace(Content(times.ask(talk, there(talk).zone(target))))
    elif (at := times.chosen(talk, when)) is not None:
        _hand_over(talk, row, target, at)
    else:
        talk.replace(_times(talk, row, target))


# ---------------------------------------------------------------- where to, and when


def _target(talk: Talk, row: JobRow, verb: str, word: str) -> str | None:
    """None: the person is asked."""
    targets = there(talk).targets()
    if word:
        return target_of(there(talk), word)
    if len(targets) == 1:
        return targets[0]
    buttons = tuple((Button(target[:60], press(verb, row.id, word_of(target))),) for target in targets)
    talk.replace(Content(talk.say("publishing.where", label=row.label), buttons))
    return None


def _times(talk: Talk, row: JobRow, target: str) -> Content:
    zone = there(talk).zone(target)
    rows = times.offered(talk, lambda when: press("schedule", row.id, f"{word_of(target)}.{when}"), zone)
    said = moments.zone(talk.turn.now, zone)
    text = talk.say("publishing.when", label=row.label, target=target, zone=said)
    return Content(text, tuple(rows))


def _hand_over(talk: Talk, row: JobRow, target: str, at: dt.datetime | None) -> None:
    publishing = there(talk)
    publication, new = publishing.publish(row.id, target, at, by(talk))
    talk.turn.then(publishing.wake)
    if not new:
        show(talk.turn, talk.house, publication)
    talk.replace(Content(_goes(talk, publishing, row.label, publication)))


def _goes(talk: Talk, publishing: Publishing, label: str, row: Publication) -> Marked:
    """What becomes of it; also of what was there already."""
    target = row.target
    if row.state == Standing.PUBLISHED:
        url = (row.receipt or {}).get("url", "")
        link = f"\n{url}" if url else ""
        return talk.say("publication.already_there", label=label, target=target, link=link)
    if row.state in (Standing.SENDING, Standing.UNSURE):
        return talk.say("publication.already_going", label=label, target=target)
    if row.state == Standing.ASKED:
        return talk.say("publication.already_asked", label=label, target=target)
    telling = Telling(publishing, talk.turn.now)
    line = telling.line(row)
    if line is not None and line.at is not None and not line.why and row.due_at is not None:
        if row.due_at <= iso(talk.turn.now):
            return talk.say("publishing.now", label=label, target=target)
        zone = publishing.zone(target)
        time = f"{moments.shown(line.at, zone)} ({moments.zone(line.at, zone)})"
        return talk.say("publishing.at", label=label, target=target, time=time)
    when = telling.when(talk.language, row)
    return talk.say("publication.goes", label=label, target=target, when=when)


def _take_time(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
    """A time that somebody wrote; until it is one, they are asked again."""
    if said.attachment is not None or not said.text.strip():
        return False
    at = times.written(talk, said, there(talk).zone(awaited["target"]))
    if at is None:
        talk.wait_for(awaited)
        return True
    row = kept(named_job(talk, awaited["job"]))
    target = _target(talk, row, "schedule", word_of(awaited["target"]))
    assert target is not None, "a named target needs no question"
    _hand_over(talk, row, target, at)
    return True


def target_of(publishing: Publishing, word: str) -> str:
    """The target that a button names. Raises BadInput `target_gone`."""
    named = next((target for target in publishing.targets() if word_of(target) == word), None)
    if named is None:
        raise BadInput("That place to publish to is not set up any more", code="target_gone")
    return named


def word_of(target: str) -> str:
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
