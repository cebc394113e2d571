"""What the errands of a result have in common: which one it is, and how its chat is told where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.chats import ChatJob, Errand
from daemon.jobs import JobRow, State
from handlers.telegram.content import Content, Rank
from handlers.telegram.errands.work import Work
from handlers.telegram.errors import in_words
from handlers.telegram.house import House
from handlers.telegram.report.result import result_buttons, result_content, result_key
from handlers.telegram.store.ledger import Turn
from handlers.telegram.texts import Marked, say
from models.errors import VigentdError


@dataclass(frozen=True)
class Result:
    """run: how often an end of this job was told before."""

    link: ChatJob
    row: JobRow
    run: int
    video: Path

    @property
    def key(self) -> str:
        return result_key(self.row.id, self.run)


def result_of(turn: Turn, facts: dict[str, Any]) -> Result | None:
    """facts: of the errand: job, run. None: it is no job of a chat that has a result, or that was told."""
    link, row = turn.jobs.get(facts["job"]), turn.jobs.row(facts["job"])
    if link is None or row is None or row.state != State.DONE:
        return None
    # Without an output it was swept away before it could be sent, and that is told, too.
    result = Result(link, row, facts["run"], Path(row.output or f"{row.id}.mp4"))
    return None if turn.messages.of_key(result.key) else result


async def content_of(work: Work, result: Result, sent: Path, size: int) -> Content:
    """The message with the video. sent: the result, or its smaller copy; size: bytes of the result."""
    thumbnail = work.house.places.result(result.row.id, result.run, ".thumb.jpg")
    cover = result.video.with_suffix(".jpg")
    asked = {
        "video": str(sent),
        "cover": str(cover) if cover.is_file() else None,
        "thumbnail": str(thumbnail),
    }
    facts = await work.door("result:facts", asked)
    limit = work.house.limits.upload
    return await work.blocking(
        result_content, result.link, result.row, facts | {"size": size}, sent, thumbnail, limit
    )


def post(turn: Turn, result: Result, content: Content) -> None:
    """A video is never sent twice without a question; a text does no harm."""
    turn.messages.post(
        result.link.chat_id,
        result.key,
        content,
        rank=Rank.RESULT,
        reply_to=result.link.reply_to,
        thread_id=result.link.thread_id,
        repeatable=content.file is None,
    )
    turn.messages.remove(waiting_key(result))


def waiting_key(result: Result) -> str:
    """Of the message that says that a smaller copy is being made."""
    return f"fitting:{result.row.id}:{result.run}"


def gone(result: Result) -> Content:
    words = say(result.link.language, "delivery.gone", label=result.row.label, path=result.video)
    return Content(words, result_buttons(result.link.language, result.row.id))


def told_instead(turn: Turn, house: House, errand: Errand, error: VigentdError) -> None:
    """It cannot be sent: at least the person learns where it lies."""
    result = result_of(turn, errand.facts)
    if result is not None:
        post(turn, result, in_place(result, in_words(result.link.language, error.as_dict())))


def in_place(result: Result, why: Marked) -> Content:
    language, row = result.link.language, result.row
    words = say(language, "delivery.in_place", label=row.label, why=why, path=result.video)
    return Content(words, result_buttons(language, row.id))
