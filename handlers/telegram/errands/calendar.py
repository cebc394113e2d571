"""The coming week as a picture."""

from __future__ import annotations

from daemon.chats import Errand
from handlers.telegram.content import Content
from handlers.telegram.errands.answers import answer, unique
from handlers.telegram.errands.answers import sorry as given_up
from handlers.telegram.errands.work import Work

__all__ = ["calendar", "given_up"]


async def calendar(work: Work, errand: Errand) -> None:
    """facts: week: as door/calendar.py is asked for it; chat_id, language, thread_id, reply_to."""
    week = errand.facts["week"]
    picture = work.house.places.preview("calendar", unique(errand))
    await work.door("calendar:calendar", {"config": work.config, "week": week, "out": str(picture)})
    await work.finish(errand, lambda turn: answer(turn, errand, Content(kind="photo", file=picture)))
