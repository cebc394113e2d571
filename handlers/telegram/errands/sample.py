"""A picture of a look, on a neutral backdrop."""

from __future__ import annotations

from daemon.chats import Errand
from handlers.telegram.content import Content
from handlers.telegram.errands.answers import answer, unique
from handlers.telegram.errands.answers import sorry as given_up
from handlers.telegram.errands.work import Work
from handlers.telegram.texts import say
from models.errors import BadInput

__all__ = ["given_up", "sample"]


async def sample(work: Work, errand: Errand) -> None:
    """facts: style: its name; chat_id, language, thread_id."""
    house, style, language = work.house, errand.facts["style"], errand.facts["language"]
    picture = house.places.preview("sample", unique(errand))
    asked = {"config": work.config, "style": style, "out": str(picture)}
    try:
        await work.door("preview:sample", asked)
    except BadInput as e:
        refusal = e
        await work.finish(errand, lambda turn: given_up(turn, house, errand, refusal))
        return
    content = Content(say(language, "sample.look", name=style), kind="photo", file=picture)
    await work.finish(errand, lambda turn: answer(turn, errand, content))
