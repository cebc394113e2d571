"""A copy of a finished video that Telegram takes, to the chat that asked for it."""

from __future__ import annotations

from daemon.chats import Errand
from handlers.telegram.content import Content
from handlers.telegram.errands.results import (
    Result,
    content_of,
    gone,
    in_place,
    post,
    result_of,
)
from handlers.telegram.errands.results import (
    told_instead as given_up,
)
from handlers.telegram.errands.work import Work
from handlers.telegram.errors import in_words
from models.errors import BadInput

__all__ = ["fit", "given_up"]


async def fit(work: Work, errand: Errand) -> None:
    """facts: job, run."""
    result = await work.look(lambda turn: result_of(turn, errand.facts))
    if result is None:
        await work.finish(errand)
        return
    if not await work.blocking(result.video.is_file):
        await work.finish(errand, lambda turn: post(turn, result, gone(result)))
        return
    try:
        content = await _copy(work, result)
    except BadInput as e:
        content = in_place(result, in_words(result.link.language, e.as_dict()))
    await work.finish(errand, lambda turn: post(turn, result, content))


async def _copy(work: Work, result: Result) -> Content:
    copy = work.house.places.result(result.row.id, result.run, ".fit.mp4")
    limit = work.house.limits.upload
    await work.aside("fit:fit", {"video": str(result.video), "out": str(copy), "limit": limit})
    size = (await work.blocking(result.video.stat)).st_size
    return await content_of(work, result, copy, size)
