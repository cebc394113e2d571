"""/jobs: the videos of this chat, the newest first, some on a page."""

from __future__ import annotations

from collections.abc import Callable

from handlers.telegram.buttons import Press, press
from handlers.telegram.content import Content
from handlers.telegram.incoming import Said
from handlers.telegram.owning import mine
from handlers.telegram.pages import Pages, number, turns
from handlers.telegram.pressing.cards import job_button, job_line
from handlers.telegram.talk import Talk

PAGE = 5


def jobs(talk: Talk, said: Said) -> None:
    talk.show(_page(talk, talk.who.id, 0))


def _page(talk: Talk, owner: int, page: int) -> Content:
    """owner: who turns the pages."""
    there = talk.turn.jobs.count(talk.where.chat_id)
    if not there:
        return Content(talk.say("jobs.none"))
    pages = Pages(there, PAGE, page)
    places = talk.turn.queue.positions()
    found = talk.turn.jobs.of_chat(talk.where.chat_id, PAGE, pages.first)
    lines = [
        talk.say("jobs.numbered", number=n, line=job_line(talk, row, places.get(row.id)))
        for n, (_, row) in enumerate(found, pages.first + 1)
    ]
    buttons = tuple(job_button(row, str(n)) for n, (_, row) in enumerate(found, pages.first + 1))
    turning = turns(pages, lambda other: press("jobs", owner, other))
    head = talk.say("jobs.head", pages=f" ({pages.page + 1}/{pages.many})" if pages.many > 1 else "")
    return Content("\n".join((head, *lines)), (buttons, *turning))


def _turn(talk: Talk, pressed: Press) -> None:
    owner = number(pressed.about)
    if mine(talk, owner):
        talk.replace(_page(talk, owner, number(pressed.argument)))


PRESSES: dict[str, Callable[[Talk, Press], None]] = {"jobs": _turn}
