"""/schedule alone: what goes where in the coming week, in words and as a picture; and what is paused.

plan.pause:TARGET   plan.resume:TARGET
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from daemon.publications.plan import DAYS, Plan, Planned
from daemon.publications.tables import Publication, Standing
from handlers.telegram import moments
from handlers.telegram.buttons import Press, press
from handlers.telegram.commands.line import may_be_named
from handlers.telegram.content import TEXT_CHARS, Button, Content
from handlers.telegram.incoming import Said
from handlers.telegram.pressing.publishing import by, target_of, there, word_of
from handlers.telegram.publishing import Publishing
from handlers.telegram.talk import Talk
from handlers.telegram.texts import Marked
from models.errors import BadInput
from models.shortened import shortened

LABEL_CHARS = 48
MOST_WAITING, MOST_DATED, MOST_FREE = 8, 24, 4  # free slots: of a day
IN_A_ROW, MOST_PAUSED = 5, 8  # buttons
TEXT_ROOM = TEXT_CHARS - 200  # for the head
PAUSE, RESUME = "pause", "resume"


def schedule(talk: Talk) -> None:
    """Raises BadInput `publish_nowhere`."""
    week = _Week(talk, there(talk))
    talk.show(week.content())
    talk.turn.errands.add(
        f"calendar:{talk.where.chat_id}:{talk.update_id}",
        "calendar",
        week=week.pictured(),
        chat_id=talk.where.chat_id,
        thread_id=talk.where.thread_id,
        language=talk.language,
        reply_to=None if talk.where.private else talk.message_id,
    )


@dataclass(frozen=True)
class _Entry:
    """What one person may see of a line of the plan. label: "": of somebody else."""

    line: Planned
    label: str
    at: dt.datetime | None
    number: int | None  # of the publication, where they may look at it

    @property
    def is_free(self) -> bool:
        return self.line.publication is None


class _Week:
    """At one moment, for one person."""

    def __init__(self, talk: Talk, publishing: Publishing) -> None:
        self._talk, self._publishing = talk, publishing
        told: Plan = publishing.plan(talk.turn.now)
        waiting = [self._entry(line) for line in told.waiting]
        self.waiting = [one for one in waiting if one.label]
        self.hidden = len(waiting) - len(self.waiting)
        self.dated = [self._entry(line) for line in told.dated]
        zones = {str(publishing.zone(name)) for name in publishing.targets()}
        self.zone = publishing.zone(publishing.targets()[0])
        self._one_zone = len(zones) == 1
        self._buttons: list[Button] = []

    def _entry(self, line: Planned) -> _Entry:
        row = line.publication
        if row is None or not self._is_theirs(row):
            return _Entry(line, "", line.at, None)
        job = self._talk.turn.jobs.row(row.job_id)
        return _Entry(line, shortened(job.label if job else row.job_id, LABEL_CHARS), line.at, row.number)

    def _is_theirs(self, row: Publication) -> bool:
        return may_be_named(self._talk, self._talk.turn.jobs.get(row.job_id))

    # ------------------------------------------------------------ in words

    def content(self) -> Content:
        zone = moments.zone(self._talk.turn.now, self.zone) if self._one_zone else ""
        head = self._talk.say("plan.head", zone=self._talk.plain("plan.zone", zone=zone) if zone else "")
        parts = ["\n".join(lines) for lines in self._parts()]
        text = "\n\n".join([head, *(_fitting(parts) or [self._talk.say("plan.nothing")])])
        rows = [tuple(self._buttons[i : i + IN_A_ROW]) for i in range(0, len(self._buttons), IN_A_ROW)]
        return Content(text, (*rows, *self._pausing()))

    def _parts(self) -> Iterator[list[Marked]]:
        talk = self._talk
        shown = self.waiting[:MOST_WAITING]
        asked = [one for one in shown if _state(one) == Standing.PROPOSED]
        for key, entries in (
            ("plan.to_approve", asked),
            ("plan.needs", [one for one in shown if one not in asked]),
        ):
            if entries:
                yield [talk.say(key), *(self._waits(one) for one in entries)]
        if more := len(self.waiting) - len(shown):
            yield [talk.say("plan.more", n=more)]
        if self.hidden:
            yield [talk.say("plan.others", n=self.hidden)]
        yield from self._days()
        undated = [one for one in self.dated if one.at is None]
        if undated:
            yield [talk.say("plan.undated"), *(self._undated(one) for one in undated[:MOST_WAITING])]
        if paused := self._publishing.paused():
            yield [talk.say("plan.paused", targets=", ".join(paused))]

    def _days(self) -> Iterator[list[Marked]]:
        talk, left = self._talk, MOST_DATED
        days: dict[dt.date, list[_Entry]] = {}
        for one in self.dated:
            if one.at is not None:
                days.setdefault(one.at.date(), []).append(one)
        for day in sorted(days):
            lines = [self._line(one, one.at) for one in days[day] if one.at and not one.is_free][:left]
            left -= len(lines)
            free = [one for one in days[day] if one.is_free]
            if lines or free:
                head = talk.say("plan.day", day=moments.day(talk.language, day))
                yield [head, *lines, *([self._free(free)] if free else [])]
        taken = sum(not one.is_free for one in self.dated if one.at is not None)
        if taken > MOST_DATED:
            yield [talk.say("plan.more", n=taken - MOST_DATED)]

    def _line(self, one: _Entry, at: dt.datetime) -> Marked:
        label = one.label or self._talk.plain("calendar.taken")
        said = {"label": label, "target": one.line.target, "why": self._why(one)}
        return self._talk.say("plan.line", time=self._clock(at), **said)

    def _free(self, slots: list[_Entry]) -> Marked:
        """Those of a day, in one line."""
        shown = [f"{self._clock(one.at)} {one.line.target}" for one in slots[:MOST_FREE] if one.at]
        more = f" +{len(slots) - MOST_FREE}" if len(slots) > MOST_FREE else ""
        return self._talk.say("plan.free", slots=", ".join(shown) + more)

    def _clock(self, at: dt.datetime) -> str:
        return f"{at:%H:%M}" if self._one_zone else f"{at:%H:%M %Z}"

    def _waits(self, one: _Entry) -> Marked:
        n = self._numbered(one)
        state = "gone" if one.line.why == "gone" else _state(one)
        said = {"n": n, "label": one.label, "target": one.line.target}
        if state == Standing.PROPOSED:
            when = self._talk.plain("plan.wish", time=self._at(one.at)) if one.at else ""
            return self._talk.say("plan.proposed", **said, when=when)
        return self._talk.say(f"plan.{state}", **said)

    def _undated(self, one: _Entry) -> Marked:
        label = one.label or self._talk.plain("calendar.taken")
        return self._talk.say("plan.waits", label=label, target=one.line.target, why=self._why(one))

    def _why(self, one: _Entry) -> str:
        talk, why = self._talk, one.line.why
        if _state(one) in (Standing.SENDING, Standing.UNSURE):
            return talk.plain("plan.why", why=talk.plain("plan.why_sending"))
        if why == "paused" or one.at is None:
            return talk.plain("plan.why", why=talk.plain("plan.why_paused" if why else "plan.why_never"))
        return talk.plain("plan.why", why=talk.plain(f"publication.why_{why}")) if why else ""

    def _at(self, at: dt.datetime) -> str:
        day = moments.day(self._talk.language, at.date())
        return self._talk.plain("calendar.at", day=day, time=f"{at:%H:%M}")

    # ------------------------------------------------------------ buttons

    def _numbered(self, one: _Entry) -> int:
        """The button opens its card."""
        n = len(self._buttons) + 1
        self._buttons.append(Button(str(n), press("p.card", one.number)))
        return n

    def _pausing(self) -> list[tuple[Button, ...]]:
        if not self._talk.admin:
            return []
        paused = self._publishing.paused()
        buttons = [
            self._talk.button(
                f"plan.{RESUME if name in paused else PAUSE}",
                press(f"plan.{RESUME if name in paused else PAUSE}", word_of(name)),
                target=name,
            )
            for name in list(self._publishing.targets())[:MOST_PAUSED]
        ]
        return [tuple(buttons[i : i + 2]) for i in range(0, len(buttons), 2)]

    # ------------------------------------------------------------ as a picture

    def pictured(self) -> dict[str, Any]:
        """For door/calendar.py."""
        talk = self._talk
        today = talk.turn.now.astimezone(self.zone).date()
        days = [today + dt.timedelta(days=n) for n in range(DAYS)]

        def short(day: dt.date) -> str:
            return moments.day(talk.language, day, "calendar.short")

        entries: dict[dt.date, list[dict[str, Any]]] = {day: [] for day in days}
        timed = [(one.at, one) for one in (*self.waiting, *self.dated) if one.at is not None]
        for at, one in sorted(timed, key=lambda pair: pair[0]):
            if at.date() in entries:
                entries[at.date()].append(self._drawn(at, one))
        return {
            "title": talk.plain("calendar.week", first=short(days[0]), last=short(days[-1])),
            "zone": moments.zone(talk.turn.now, self.zone) if self._one_zone else "",
            "targets": list(self._publishing.targets()),
            "days": [
                {"name": _weekday(talk, day), "date": short(day), "entries": entries[day]} for day in days
            ],
            "words": {key: talk.plain(f"calendar.{key}", n="{n}") for key in ("more", "open")},
        }

    def _drawn(self, at: dt.datetime, one: _Entry) -> dict[str, Any]:
        kind = "free" if one.is_free else "open" if _state(one) == Standing.PROPOSED else "taken"
        label = self._talk.plain("calendar.free") if one.is_free else one.label
        return {
            "time": f"{at:%H:%M}",
            "label": label or self._talk.plain("calendar.taken"),
            "target": one.line.target,
            "kind": kind,
        }


def _fitting(parts: list[str]) -> list[str]:
    """As many as a message has room for; the picture shows the rest."""
    lengths = accumulate(len(part) + 2 for part in parts)
    fitting = [part for part, length in zip(parts, lengths, strict=True) if length <= TEXT_ROOM]
    return fitting if len(fitting) == len(parts) else [*fitting, "…"]


def _state(one: _Entry) -> str:
    return one.line.publication.state if one.line.publication else ""


def _weekday(talk: Talk, day: dt.date) -> str:
    return talk.plain("calendar.weekdays").split()[day.weekday()]


# ---------------------------------------------------------------- pause and resume


def pause(talk: Talk, said: Said) -> None:
    """/publish pause NAME, /publish resume NAME."""
    verb, _, name = said.argument.partition(" ")
    _admins_only(talk)
    publishing = there(talk)
    if name.strip() not in publishing.targets():
        talk.answer("plan.usage", verb=verb, targets=", ".join(publishing.targets()))
        return
    _set(talk, publishing, name.strip(), verb.lower())
    told = "plan.told_paused" if verb.lower() == PAUSE else "plan.told_resumed"
    talk.answer(told, target=name.strip())


def _admins_only(talk: Talk) -> None:
    if not talk.admin:
        raise BadInput("Only an admin can pause a target", code="admins_only")


def _set(talk: Talk, publishing: Publishing, target: str, verb: str) -> None:
    publishing.book.pause(target, by(talk) if verb == PAUSE else None)
    talk.turn.then(publishing.wake)


def _pressed(verb: str) -> Callable[[Talk, Press], None]:
    def do(talk: Talk, pressed: Press) -> None:
        _admins_only(talk)
        publishing = there(talk)
        target = target_of(publishing, pressed.about)
        _set(talk, publishing, target, verb)
        told = "plan.told_paused" if verb == PAUSE else "plan.told_resumed"
        talk.tell(told, target=target)
        if talk.answered is not None:
            talk.replace(_Week(talk, publishing).content())

    return do


PRESSES: dict[str, Callable[[Talk, Press], None]] = {
    f"plan.{PAUSE}": _pressed(PAUSE),
    f"plan.{RESUME}": _pressed(RESUME),
}
