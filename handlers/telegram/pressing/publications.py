"""The buttons of a publication's card.

p.ok:N   p.edit:N   p.skip:N   p.there:N   p.again:N   p.back:N   p.card:N
p.later:N:WHEN      WHEN: seconds since 1970, "typed", "slot"; "" asks
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daemon.chats import ChatMessage
from daemon.publications.tables import Publication, Standing
from daemon.publications.written import text_of
from handlers.telegram import moments
from handlers.telegram.buttons import Press, press
from handlers.telegram.content import Content
from handlers.telegram.drafting.awaited import AWAITED
from handlers.telegram.errors import in_words
from handlers.telegram.incoming import Said
from handlers.telegram.owning import mine
from handlers.telegram.pages import number as number_of
from handlers.telegram.pressing import times
from handlers.telegram.pressing.publishing import by, there
from handlers.telegram.publishing import Publishing, written_text
from handlers.telegram.report.publication import Telling
from handlers.telegram.report.publications import Home, show, show_here, shown_at
from handlers.telegram.talk import Talk
from models.errors import BadInput
from models.shortened import shortened

SLOT = "slot"
SHOWN_CHARS = 3000  # of a text that is to be changed: a message has no room for more
MISFITS = ("does_not_fit", "text_empty")  # of a text that somebody writes: they can write another one

Do = Callable[[Talk, Press, Publishing, Publication], None]


def _for_those_who_may(do: Do) -> Callable[[Talk, Press], None]:
    """Those whose job it is, and admins. What cannot be done any more changes nothing but the card."""

    def pressed(talk: Talk, press: Press) -> None:
        publishing = talk.house.publishing
        if publishing is None:
            raise BadInput("No place to publish to is set up", code="publish_nowhere")
        row = publishing.book.get(number_of(press.about))
        if not _may(talk, row):
            return
        try:
            do(talk, press, publishing, row)
        except BadInput as e:
            if e.code not in ("publication_over", "publication_busy"):
                raise
            show(talk.turn, talk.house, publishing.book.get(number_of(press.about)))
            talk.toast, talk.alarm = html.unescape(in_words(talk.language, e.as_dict()))[:200], True

    return pressed


def _may(talk: Talk, row: Publication) -> bool:
    link = talk.turn.jobs.get(row.job_id)
    return mine(talk, link.user_id if link else 0)


def _changed(talk: Talk, publishing: Publishing, row: Publication, told: str) -> None:
    show(talk.turn, talk.house, row)
    talk.turn.then(publishing.wake)
    talk.tell(told)


def _approve(talk: Talk, press: Press, publishing: Publishing, row: Publication) -> None:
    assert row.number is not None
    if row.state == Standing.APPROVED:
        _changed(talk, publishing, row, "publication.told_approved_already")
        return
    row = publishing.approve(row.number, by(talk))
    _changed(talk, publishing, row, "publication.told_approved")


def _skip(talk: Talk, press: Press, publishing: Publishing, row: Publication) -> None:
    assert row.number is not None
    if row.state != Standing.SKIPPED:
        row = publishing.book.skip(row.number, by(talk))
    _changed(talk, publishing, row, "publication.told_skipped")


def _there(talk: Talk, press: Press, publishing: Publishing, row: Publication) -> None:
    assert row.number is not None
    _changed(talk, publishing, publishing.book.there(row.number, by(talk)), "publication.told_there")


def _again(talk: Talk, press: Press, publishing: Publishing, row: Publication) -> None:
    assert row.number is not None
    _changed(talk, publishing, publishing.book.again(row.number, by(talk)), "publication.told_again")


def _back(talk: Talk, press: Press, publishing: Publishing, row: Publication) -> None:
    show(talk.turn, talk.house, row)


def _card(talk: Talk, press: Press, publishing: Publishing, row: Publication) -> None:
    """From a list: here, at the end of the chat."""
    video = shown_at(talk.turn, talk.where.chat_id, row.job_id)
    reply_to = video or (None if talk.where.private else talk.message_id)
    home = Home(talk.where.chat_id, talk.language, reply_to, talk.where.thread_id, shown=video is not None)
    show_here(talk.turn, talk.house, row, home, talk.update_id)


# ---------------------------------------------------------------- later


def _later(talk: Talk, pressed: Press, publishing: Publishing, row: Publication) -> None:
    assert row.number is not None
    zone = publishing.zone(row.target)
    if pressed.argument == times.TYPED:
        talk.wait_for({"what": "publication_time", "number": row.number})
        talk.show(Content(times.ask(talk, zone)))
    elif pressed.argument == SLOT or (at := times.chosen(talk, pressed.argument)) is not None:
        at = None if pressed.argument == SLOT else at
        _changed(talk, publishing, publishing.book.later(row.number, by(talk), at), "publication.told_later")
    elif (card := _card_at(talk, row)) is not None and row.state in (
        *(Standing.PROPOSED, Standing.APPROVED),
        Standing.HELD,
    ):
        assert card.wanted is not None
        content = replace(Content.from_json(card.wanted), buttons=_times(talk, publishing, row))
        talk.turn.messages.post(card.chat_id, card.key, content)
    else:
        show(talk.turn, talk.house, row)


def _times(talk: Talk, publishing: Publishing, row: Publication) -> tuple[tuple[Any, ...], ...]:
    rules = publishing.rules(row.target)

    def data(when: object) -> str:
        return press("p.later", row.number, when)

    rows = times.offered(talk, data, publishing.zone(row.target))
    free = Telling(publishing, talk.turn.now).free_slot(row.target) if rules and rules.slots else None
    if free is not None:
        time = moments.day(talk.language, free.date()) + f" {free:%H:%M}"
        rows.insert(0, (talk.button("publication.next_slot", data(SLOT), time=time),))
    return (*rows, (talk.button("publication.back", press("p.back", row.number)),))


def _card_at(talk: Talk, row: Publication) -> ChatMessage | None:
    """The card that was pressed, if it is one of this publication."""
    card = talk.turn.messages.at(talk.where.chat_id, talk.message_id)
    begin = f"publication:{row.number}:"
    return card if card is not None and card.key.startswith(begin) and card.wanted is not None else None


def _take_time(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
    if said.attachment is not None or not said.text.strip():
        return False
    publishing, row = _awaited(talk, awaited)
    zone = publishing.zone(row.target)
    at = times.written(talk, said, zone)
    if at is None:
        talk.wait_for(awaited)
        return True
    row = publishing.book.later(awaited["number"], by(talk), at)
    _changed(talk, publishing, row, "publication.told_later")
    time = moments.worded(talk.language, at, zone)
    talk.answer("publication.told_later_at", target=row.target, time=time)
    return True


# ---------------------------------------------------------------- edit


def _edit(talk: Talk, press: Press, publishing: Publishing, row: Publication) -> None:
    if row.state not in (Standing.PROPOSED, Standing.APPROVED, Standing.HELD):
        show(talk.turn, talk.house, row)
        return
    talk.wait_for({"what": "publication", "number": row.number})
    text = shortened(written_text(text_of(row.text)), SHOWN_CHARS)
    words = talk.say("publication.write", target=row.target, text=text)
    if not talk.where.private:
        words = type(words)(f"{words}\n\n{talk.say('publication.write_in_group')}")
    talk.show(Content(words))


def _take_text(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
    """Until it fits, they are asked again."""
    if said.attachment is not None or not said.text.strip():
        return False
    publishing, row = _awaited(talk, awaited)
    try:
        row = publishing.edit(awaited["number"], by(talk), said.text)
    except BadInput as e:
        if e.code not in MISFITS:
            raise
        talk.answer("publication.write_again", words=in_words(talk.language, e.as_dict()))
        talk.wait_for(awaited)
        return True
    _changed(talk, publishing, row, "publication.told_edited")
    talk.answer("publication.told_edited")
    return True


def _awaited(talk: Talk, awaited: dict[str, Any]) -> tuple[Publishing, Publication]:
    """Raises BadInput `publication_unknown` also when it is not theirs any more."""
    publishing = there(talk)
    row = publishing.book.get(awaited["number"])
    if not _may(talk, row):
        raise BadInput(f"There is no publication {awaited['number']}", code="publication_unknown")
    return publishing, row


PRESSES: dict[str, Callable[[Talk, Press], None]] = {
    "p.ok": _for_those_who_may(_approve),
    "p.edit": _for_those_who_may(_edit),
    "p.later": _for_those_who_may(_later),
    "p.skip": _for_those_who_may(_skip),
    "p.there": _for_those_who_may(_there),
    "p.again": _for_those_who_may(_again),
    "p.back": _for_those_who_may(_back),
    "p.card": _for_those_who_may(_card),
}
AWAITED["publication"] = _take_text
AWAITED["publication_time"] = _take_time
