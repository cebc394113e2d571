"""What a chat sees of a publication: a card with what can be done about it, or a word that it is out."""

from __future__ import annotations

import datetime as dt

from daemon.jobs import iso
from daemon.publications.plan import Plan, Planned
from daemon.publications.tables import OVER, Publication, Standing
from daemon.publications.written import text_of
from handlers.telegram import moments
from handlers.telegram.buttons import press
from handlers.telegram.content import Button, Content
from handlers.telegram.errors import in_words
from handlers.telegram.publishing import Publishing, hashed, tags_in_description
from handlers.telegram.texts import Marked, plain, say
from models.shortened import shortened

TITLE_CHARS, TAGS_CHARS, WORDS_CHARS = 150, 150, 200
TEXT_CHARS, CAPTION_CHARS = 2000, 150  # of the description: a caption has less room
SOON = dt.timedelta(minutes=1)  # so near, it is "now"

Rows = tuple[tuple[Button, ...], ...]


class Telling:
    """At one moment. plan: worked out when it is needed, once."""

    def __init__(self, publishing: Publishing, now: dt.datetime) -> None:
        self._publishing = publishing
        self._now = now
        self._plan: Plan | None = None

    @property
    def plan(self) -> Plan:
        if self._plan is None:
            self._plan = self._publishing.plan(self._now)
        return self._plan

    def card(self, language: str, row: Publication, *, captioned: bool = False) -> Content:
        what = self._what(language, row, CAPTION_CHARS if captioned else TEXT_CHARS)
        parts = [self._head(language, row), "\n".join(what), self.when(language, row)]
        between = "\n" if row.state in OVER else "\n\n"
        return Content(between.join(part for part in parts if part), card_buttons(language, row))

    def news(self, language: str, row: Publication) -> Content:
        """It is published, and there was no card."""
        title = shortened(row.text.get("title", ""), TITLE_CHARS)
        words = say(language, "publication.news", title=title, target=row.target)
        return Content(_with_link(language, words, row), card_buttons(language, row))

    def call(self, language: str, row: Publication) -> Content:
        """Its card shows something else now, and somebody has to see that: nobody is told of an edit."""
        title = shortened(row.text.get("title", ""), TITLE_CHARS)
        return Content(say(language, f"publication.{row.state}_call", title=title, target=row.target))

    def _head(self, language: str, row: Publication) -> Marked:
        target, zone = row.target, self._publishing.zone(row.target)
        if row.state == Standing.HELD:
            return say(language, "publication.held", target=target, words=self._why_held(language, row))
        if row.state == Standing.APPROVED and row.approval:
            return say(language, "publication.approved_by", target=target, by=_person(row.approval))
        time = moments.worded(language, dt.datetime.fromisoformat(row.changed_at), zone)
        return say(language, f"publication.{row.state}", target=target, time=time)

    def _why_held(self, language: str, row: Publication) -> Marked:
        error = row.error or {"code": "internal", "message": "", "hint": ""}
        if self._publishing.rules(row.target) is None:
            return say(language, "publication.gone", target=row.target)
        if error["code"] == "publish_late" and row.due_at:
            at = dt.datetime.fromisoformat(row.due_at)
            zone = self._publishing.zone(row.target)
            return say(language, "publication.late", time=moments.worded(language, at, zone))
        words = error | {name: shortened(error.get(name, ""), WORDS_CHARS) for name in ("message", "hint")}
        return in_words(language, words)

    def _what(self, language: str, row: Publication, room: int) -> list[Marked]:
        text = text_of(row.text)
        lines = [say(language, "publication.what", title=shortened(text.title, TITLE_CHARS))]
        if row.state == Standing.PUBLISHED:
            return [Marked(_with_link(language, lines[0], row))]
        if row.state == Standing.SKIPPED:
            return lines
        if text.description:
            lines.append(say(language, "publication.description", text=shortened(text.description, room)))
        if text.tags and not tags_in_description(text):
            tags = shortened(hashed(text.tags), TAGS_CHARS)
            lines.append(say(language, "publication.tags", tags=tags))
        return lines

    # ------------------------------------------------------------ when

    def when(self, language: str, row: Publication) -> Marked:
        """Empty where that is no question."""
        if row.state == Standing.PROPOSED:
            return self._when_approved(language, row)
        if row.state == Standing.APPROVED:
            return self._when_planned(language, row)
        return Marked()

    def _when_approved(self, language: str, row: Publication) -> Marked:
        rules = self._publishing.rules(row.target)
        if row.due_at:
            passed = row.due_at <= iso(self._now)
            time = moments.worded(
                language, dt.datetime.fromisoformat(row.due_at), self._publishing.zone(row.target)
            )
            return say(language, "publication.when_passed" if passed else "publication.when", time=time)
        if rules is None or not rules.slots:
            return say(language, "publication.when_approved")
        at = self.free_slot(row.target)
        if at is None:
            return say(language, "publication.when_never")
        return say(language, "publication.when_slot", time=moments.worded(language, at, rules.zone))

    def free_slot(self, target: str) -> dt.datetime | None:
        """The next one that nothing waits for."""
        free = (one.at for one in self.plan.dated if one.target == target and one.publication is None)
        return next(free, None)

    def _when_planned(self, language: str, row: Publication) -> Marked:
        line = self.line(row)
        if line is None:
            return Marked()
        if line.why == "paused":
            return say(language, "publication.when_paused", target=row.target)
        if line.at is None:
            return say(language, "publication.when_never")
        if not line.why and line.at <= self._now + SOON:
            return say(language, "publication.when_now")
        time = moments.worded(language, line.at, line.at.tzinfo)
        if not line.why:
            return say(language, "publication.when", time=time)
        return say(
            language, "publication.when_why", time=time, why=plain(language, f"publication.why_{line.why}")
        )

    def line(self, row: Publication) -> Planned | None:
        """Of the plan."""
        found = (one for one in self.plan.dated if one.publication and one.publication.number == row.number)
        return next(found, None)


def card_buttons(language: str, row: Publication) -> Rows:
    def button(name: str, verb: str) -> Button:
        return Button(plain(language, f"publication.{name}"), press(f"p.{verb}", row.number))

    edit, later, skip = button("edit", "edit"), button("later", "later"), button("skip", "skip")
    match row.state:
        case Standing.PROPOSED:
            return (button("approve", "ok"), edit), (later, skip)
        case Standing.APPROVED:
            return ((edit, later, skip),)
        case Standing.HELD:
            late = (row.error or {}).get("code") == "publish_late"
            return (button("now" if late else "retry", "ok"), edit), (later, skip)
        case Standing.ASKED:
            return (button("there", "there"),), (button("again", "again"),)
        case Standing.SKIPPED:
            return ((button("undo", "ok"),),)
    url = _url(row)
    if url.startswith(("https://", "http://")):
        return ((Button(plain(language, "publication.open"), url=url),),)
    return ()


def needs_card(row: Publication) -> bool:
    """Somebody has to do something about it."""
    return row.state in (Standing.PROPOSED, Standing.HELD, Standing.ASKED)


def _with_link(language: str, words: str, row: Publication) -> str:
    url = _url(row)
    return f"{words}\n{say(language, 'publication.link', url=shortened(url, WORDS_CHARS))}" if url else words


def _url(row: Publication) -> str:
    return str((row.receipt or {}).get("url", ""))


def _person(approval: str) -> str:
    return approval.removesuffix(" (Telegram)")
