"""What lists show of a job: a line, and a card with its buttons."""

from __future__ import annotations

from daemon.jobs import JobRow, State
from handlers.telegram import moments
from handlers.telegram.buttons import press
from handlers.telegram.content import Button, Content
from handlers.telegram.draft import Findings
from handlers.telegram.report.amounts import length
from handlers.telegram.report.progress import progress, took
from handlers.telegram.report.result import failure, result_buttons
from handlers.telegram.talk import Talk
from handlers.telegram.texts import Marked

ICONS = {
    State.QUEUED: "⏳",
    State.RUNNING: "▶️",
    State.DONE: "✅",
    State.FAILED: "❌",
    State.CANCELLED: "⏹",
}


def job_line(talk: Talk, row: JobRow, place: int | None) -> Marked:
    """ "✅ Good morning · 0:42"."""
    return talk.say(
        "jobs.line", icon=ICONS[State(row.state)], label=row.label, far=_how_far(talk, row, place)
    )


def job_card(talk: Talk, row: JobRow) -> Content:
    """With what can be done about it."""
    content = _state(talk, row)
    when = talk.say("jobs.facts", id=row.id, at=moments.shown(row.created_at))
    back = talk.button("jobs.all", press("jobs", talk.who.id, 0))
    return Content(f"{content.text}\n{when}", (*content.buttons, (back,)))


def job_button(row: JobRow, text: str) -> Button:
    """Opens the card."""
    return Button(text, press("job", row.id))


def _state(talk: Talk, row: JobRow) -> Content:
    again = talk.button("result.again", press("again", row.id))
    if row.state == State.FAILED:
        return failure(talk.language, row)
    if row.state == State.DONE:
        head = talk.say("job.what", label=row.label)
        if row.output is None:
            return Content(f"{head}\n{talk.say('jobs.not_kept')}", ((again,),))
        done = talk.say("job.done", time=took(talk.language, row))
        return Content(f"{head}\n{done}", result_buttons(talk.language, row.id))
    content = progress(talk.language, row, talk.turn.queue.position(row.id), "")
    if row.state == State.CANCELLED:
        return Content(content.text, tuple((*buttons, again) for buttons in content.buttons))
    return content


def _how_far(talk: Talk, row: JobRow, place: int | None) -> str:
    if row.state == State.QUEUED:
        return talk.plain("jobs.place", place=place or 1)
    if row.state == State.RUNNING:
        return talk.plain("jobs.stopping") if row.cancel_asked else f"{row.progress:.0%}"
    if row.state != State.DONE:
        return talk.plain(f"jobs.{row.state}")
    draft = talk.turn.drafts.of_job(row.id)
    seconds = Findings.from_json(draft.findings).seconds if draft and draft.findings else 0.0
    return f"≈ {length(seconds)}" if seconds else talk.plain("jobs.done")
