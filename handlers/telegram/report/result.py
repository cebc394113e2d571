"""How a job ended: the video, or why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon.chats import ChatJob
from daemon.jobs import JobRow
from handlers.telegram.buttons import press
from handlers.telegram.content import Button, Content
from handlers.telegram.errors import in_words
from handlers.telegram.report.amounts import length, size
from handlers.telegram.texts import Marked, plain, say


def result_key(job_id: str, run: int) -> str:
    """Of the message with the video."""
    return f"result:{job_id}:{run}"


def job_of(key: str) -> tuple[str, int] | None:
    """Job and run of a message with a video; None: the key is of another one."""
    kind, _, rest = key.partition(":")
    job_id, _, run = rest.partition(":")
    return (job_id, int(run)) if kind == "result" and run.isdecimal() else None


def result_content(
    link: ChatJob, row: JobRow, facts: dict[str, Any], video: Path, thumbnail: Path | None, limit: int
) -> Content:
    """video: what is sent: the result itself, or a copy that fits into the limit (bytes).

    facts: of the video that is sent: width, height, seconds; and `size`, bytes, of the result itself.
    """
    assert row.output is not None
    language = link.language
    text = say(
        language,
        "result.caption",
        label=row.label,
        length=length(facts["seconds"]),
        width=facts["width"],
        height=facts["height"],
        size=size(video.stat().st_size),
    )
    full = Path(row.output)
    if video != full:
        text = Marked(
            text + say(language, "result.fitted", limit=size(limit), size=size(facts["size"]), path=full)
        )
    cover = full.with_suffix(".jpg")
    sent = {
        "duration": max(round(facts["seconds"]), 1),
        "width": facts["width"],
        "height": facts["height"],
        "thumbnail": str(thumbnail) if thumbnail else None,
        "cover": str(cover) if cover.is_file() else None,
        "place": str(full),
    }
    return Content(text, result_buttons(language, row.id), "video", video, f"{row.id}.mp4", sent)


def result_buttons(language: str, job_id: str) -> tuple[tuple[Button, ...], ...]:
    def button(verb: str) -> Button:
        return Button(plain(language, f"result.{verb}"), press(verb, job_id))

    return ((button("publish"), button("schedule")), (button("again"), button("files")))


def failure(language: str, row: JobRow) -> Content:
    """Why there is no video, and what to do."""
    words = in_words(language, row.error or {"code": "internal", "message": "", "hint": ""})
    retry = Button(plain(language, "failure.retry"), press("retry", row.id))
    again = Button(plain(language, "result.again"), press("again", row.id))
    return Content(say(language, "failure.text", label=row.label, words=words), ((retry, again),))
