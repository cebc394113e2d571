"""The one message that says how far a job is."""

from __future__ import annotations

import datetime as dt

from daemon.jobs import JobRow, State
from handlers.telegram.buttons import press
from handlers.telegram.content import Button, Content
from handlers.telegram.report.amounts import time_left, time_taken
from handlers.telegram.texts import Marked, plain, say

BAR = 10


def progress_key(job_id: str, run: int) -> str:
    """Of the message; run: how often an end of the job was told before."""
    return f"progress:{job_id}:{run}"


def progress(language: str, row: JobRow, place: int | None, why: str) -> Content:
    """Of a job that has not failed: `failure` is what is said then, and nothing else.

    place: in line. why: the reason why no job is worked on, "" when there is none.
    """
    head = say(language, "job.what", label=row.label)
    if row.state == State.CANCELLED:
        return Content(_lines(head, say(language, "job.cancelled")), _retry(language, row.id))
    if row.state == State.DONE:
        return Content(_lines(head, say(language, "job.delivering", time=took(language, row))))
    if row.cancel_asked:
        return Content(_lines(head, say(language, "job.stopping")))
    cancel = ((Button(plain(language, "failure.cancel"), press("cancel", row.id)),),)
    if row.state == State.QUEUED:
        key = "job.queued_why" if why and place == 1 else "job.queued"
        return Content(_lines(head, say(language, key, place=place or 1, why=why)), cancel)
    return Content(_lines(head, _running(language, row)), cancel)


def delivered(language: str, row: JobRow) -> Content:
    """Once the video is in the chat."""
    head = say(language, "job.what", label=row.label)
    return Content(_lines(head, say(language, "job.done", time=took(language, row))))


def took(language: str, row: JobRow) -> Marked:
    """From its start to its end; of a job that went on after a break, the last part."""
    if row.started_at is None or row.finished_at is None:
        return time_taken(language, 0)
    began, ended = dt.datetime.fromisoformat(row.started_at), dt.datetime.fromisoformat(row.finished_at)
    return time_taken(language, (ended - began).total_seconds())


def _running(language: str, row: JobRow) -> Marked:
    filled = round(row.progress * BAR)
    return say(
        language,
        "job.running",
        bar="▰" * filled + "▱" * (BAR - filled),
        percent=f"{row.progress:.0%}",
        stage=say(language, f"stage.{row.stage or 'starting'}"),
        left="" if row.eta_s is None else say(language, "job.left", time=time_left(language, row.eta_s)),
    )


def _retry(language: str, job_id: str) -> tuple[tuple[Button, ...], ...]:
    return ((Button(plain(language, "failure.retry"), press("retry", job_id)),),)


def _lines(*lines: Marked) -> str:
    return "\n".join(lines)
