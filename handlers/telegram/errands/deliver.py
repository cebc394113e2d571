"""A finished video, to the chat that asked for it."""

from __future__ import annotations

from pathlib import Path

from daemon.chats import Errand
from handlers.telegram.content import Content, Rank
from handlers.telegram.errands.results import (
    Result,
    content_of,
    gone,
    post,
    result_of,
    waiting_key,
)
from handlers.telegram.errands.results import (
    told_instead as given_up,
)
from handlers.telegram.errands.work import Work
from handlers.telegram.report.amounts import size as in_bytes
from handlers.telegram.store.ledger import Turn
from handlers.telegram.texts import say

__all__ = ["deliver", "given_up"]


async def deliver(work: Work, errand: Errand) -> None:
    """facts: job, run. What is too large is handed on to `fit`, which may take minutes."""
    result = await work.look(lambda turn: result_of(turn, errand.facts))
    if result is None:
        await work.finish(errand)
        return
    size = await work.blocking(_size, result.video)
    limit = work.house.limits.upload
    if size == 0:
        await work.finish(errand, lambda turn: post(turn, result, gone(result)))
    elif size > limit:
        await work.finish(errand, lambda turn: _hand_on(turn, result, size, limit))
    else:
        content = await content_of(work, result, result.video, size)
        await work.finish(errand, lambda turn: post(turn, result, content))


def _hand_on(turn: Turn, result: Result, size: int, limit: int) -> None:
    turn.errands.add(f"fit:{result.row.id}:{result.run}", "fit", job=result.row.id, run=result.run)
    link = result.link
    words = say(
        link.language,
        "delivery.fitting",
        label=result.row.label,
        size=in_bytes(size),
        limit=in_bytes(limit),
        path=result.video,
    )
    turn.messages.post(
        link.chat_id,
        waiting_key(result),
        Content(words),
        rank=Rank.NOTICE,
        reply_to=link.reply_to,
        thread_id=link.thread_id,
    )


def _size(video: Path) -> int:
    """Bytes; 0: it is gone."""
    try:
        return video.stat().st_size
    except FileNotFoundError:
        return 0
