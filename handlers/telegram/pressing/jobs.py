"""What can be done about a job by a button: look at it, cancel, retry, its files, make another one of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daemon.jobs import JobRow, State
from handlers.telegram.buttons import Press
from handlers.telegram.drafting.drafting import again as draft_again
from handlers.telegram.pressing.cards import job_card
from handlers.telegram.pressing.whose import pressed_job, tell_house
from handlers.telegram.talk import Talk
from models.errors import BadInput


def cancel_job(talk: Talk, row: JobRow) -> str:
    """The key of what is to be said. Raises BadInput `job_finished`."""
    row = talk.turn.queue.cancel(row.id)
    tell_house(talk, row.id)
    return "pressed.stopping" if row.state == State.RUNNING else "pressed.cancelled"


def retry_job(talk: Talk, row: JobRow) -> str:
    """As `cancel_job`. Raises BadInput `job_done`, `job_active`, `out_taken`, `retry_without_clip`."""
    if Path(row.spec["clip"]).is_relative_to(talk.house.places.root) and not Path(row.spec["clip"]).exists():
        raise BadInput("The clip was tidied away", code="retry_without_clip")
    talk.turn.queue.retry(row.id)
    tell_house(talk, row.id)
    return "pressed.retried"


def kept(row: JobRow) -> JobRow:
    """One with a video. Raises BadInput `job_not_done`, `result_gone`."""
    if row.state != State.DONE:
        raise BadInput(f"Job {row.id} is not done", code="job_not_done")
    if row.output is None:
        raise BadInput(f"The video of job {row.id} was removed", code="result_gone")
    return row


def _open(talk: Talk, press: Press) -> None:
    if found := pressed_job(talk, press):
        talk.replace(job_card(talk, found[1]))


def _cancel(talk: Talk, press: Press) -> None:
    _change(talk, press, cancel_job)


def _retry(talk: Talk, press: Press) -> None:
    _change(talk, press, retry_job)


def _change(talk: Talk, press: Press, change: Callable[[Talk, JobRow], str]) -> None:
    if found := pressed_job(talk, press):
        talk.tell(change(talk, found[1]))
        if talk.answered is not None:  # progress is the reporter's to change
            talk.replace(job_card(talk, found[1]))


def _files(talk: Talk, press: Press) -> None:
    if found := pressed_job(talk, press):
        job_id = kept(found[1]).id
        talk.turn.errands.add(
            f"files:{job_id}:{talk.update_id}",
            "files",
            job=job_id,
            chat_id=talk.where.chat_id,
            thread_id=talk.where.thread_id,
            reply_to=talk.message_id,
            language=talk.language,
            update_id=talk.update_id,
        )
        talk.tell("pressed.files")


def _again(talk: Talk, press: Press) -> None:
    """A new draft with the same contents; its card shows everything that can be otherwise."""
    if found := pressed_job(talk, press):
        draft = talk.turn.drafts.get(found[0].draft_id)
        if draft is None:
            raise BadInput("Nobody knows any more what that video was made of", code="draft_gone")
        draft_again(talk, draft)


PRESSES: dict[str, Callable[[Talk, Press], None]] = {
    "job": _open,
    "cancel": _cancel,
    "retry": _retry,
    "files": _files,
    "again": _again,
}
