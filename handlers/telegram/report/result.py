"""How a job ended: the video, or why there is none."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from daemon.chats import ChatJob
from daemon.jobs import JobRow
from handlers.inbox.names import shown
from handlers.telegram.buttons import press
from handlers.telegram.content import CAPTION_CHARS, Button, Content
from handlers.telegram.errors import in_words
from handlers.telegram.report.amounts import length, size
from handlers.telegram.report.naming import stem
from handlers.telegram.texts import Marked, bare, plain, say
from models.shortened import shortened

LABEL_CHARS = 100

# How the codes of errors begin that come of what the job was made of: it has to be made of something else.
FOR_GOOD = (
    *("clip_", "script_", "front_matter_", "speech_", "voice_", "music_"),
    *("option", "style_", "title_", "font_"),
    *("no_face", "too_few_faces", "lips_outside", "job_outdated"),
)
PASSING = ("clip_changed", "speech_failed", "speech_engine_broken", "speech_engine_missing")


def result_key(job_id: str, run: int) -> str:
    """Of the message with the video."""
    return f"result:{job_id}:{run}"


def failure_key(job_id: str, run: int) -> str:
    """Of the message that says why there is none. run: how often an end of the job was told before."""
    return f"failure:{job_id}:{run}"


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
        label=shortened(row.label, LABEL_CHARS),
        length=length(facts["seconds"]),
        width=facts["width"],
        height=facts["height"],
        size=size(video.stat().st_size),
    )
    full = Path(row.output)
    if video != full:
        amounts = {"limit": size(limit), "size": size(facts["size"])}
        room = CAPTION_CHARS - _units(text + say(language, "result.fitted", path="", **amounts))
        path = _end(shown(str(full)), room)
        text = Marked(text + say(language, "result.fitted", path=path, **amounts))
    cover = full.with_suffix(".jpg")
    sent = {
        "duration": max(round(facts["seconds"]), 1),
        "width": facts["width"],
        "height": facts["height"],
        "thumbnail": str(thumbnail) if thumbnail else None,
        "cover": str(cover) if cover.is_file() else None,
        "place": str(full),
    }
    return Content(text, result_buttons(language, row.id), "video", video, f"{stem(row.label)}.mp4", sent)


def result_buttons(language: str, job_id: str) -> tuple[tuple[Button, ...], ...]:
    def button(verb: str) -> Button:
        return Button(plain(language, f"result.{verb}"), press(verb, job_id))

    return ((button("publish"), button("schedule")), (button("again"), button("files")))


def failure(language: str, row: JobRow) -> Content:
    """Why there is no video, and what to do."""
    words = in_words(language, row.error or {"code": "internal", "message": "", "hint": ""})
    retry = Button(plain(language, "failure.retry"), press("retry", row.id))
    again = Button(plain(language, "result.again"), press("again", row.id))
    buttons = (retry, again) if may_go_well(row.error_code or "") else (again,)
    return Content(say(language, "failure.text", label=row.label, words=words), (buttons,))


def may_go_well(code: str) -> bool:
    """Whether the same job, tried again, can end otherwise than with this error."""
    return code in PASSING or not code.startswith(FOR_GOOD)


def _end(path: str, room: int) -> str:
    """As much of a path as has room: its end says most."""
    if _units(escape(path)) <= room:
        return path
    while _units(escape(path)) >= room:
        path = path[1:]
    return "…" + path


def _units(text: str) -> int:
    """As Telegram counts characters: UTF-16, without the markup."""
    return len(bare(text).encode("utf-16-le")) // 2
