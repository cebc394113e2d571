"""Which job is meant, and whether it is this person's to decide about."""

from __future__ import annotations

from daemon.chats import ChatJob
from daemon.jobs import JobRow, State
from handlers.telegram.buttons import Press
from handlers.telegram.courier.question import adopt
from handlers.telegram.owning import mine
from handlers.telegram.talk import Talk
from models.errors import BadInput

MOST = 500  # jobs of a chat among which "the newest" is looked for


def pressed_job(talk: Talk, press: Press) -> tuple[ChatJob, JobRow] | None:
    """The job of a button; None: it is somebody else's, and that was said. Raises BadInput `job_unknown`."""
    link, row = _known(talk, press.about)
    if not mine(talk, link.user_id):
        return None
    # Under a result of which nobody knew whether it had arrived: it has.
    adopt(talk.turn, talk.where.chat_id, talk.message_id, row.id)
    return link, row


def named_job(talk: Talk, job_id: str) -> JobRow:
    """The job of an id that was written; somebody else's is as unknown as one that is not there.

    An admin may name jobs that came from elsewhere. Raises BadInput `job_unknown`.
    """
    job_id = job_id.strip().lower()
    link, row = talk.turn.jobs.get(job_id), talk.turn.jobs.row(job_id)
    if row is None or not (talk.admin or (link is not None and link.user_id == talk.who.id)):
        raise _unknown(job_id)
    return row


def own_jobs(talk: Talk, *states: State) -> list[JobRow]:
    """In these states, of this chat; the newest first. An admin's are all."""
    found = talk.turn.jobs.of_chat(talk.where.chat_id, MOST)
    return [row for link, row in found if row.state in states and (talk.admin or link.user_id == talk.who.id)]


def tell_house(talk: Talk, job_id: str) -> None:
    """That something happened to a job; once all of it is written."""
    talk.turn.then(lambda: talk.house.changed(job_id))


def _known(talk: Talk, job_id: str) -> tuple[ChatJob, JobRow]:
    link, row = talk.turn.jobs.get(job_id), talk.turn.jobs.row(job_id)
    if link is None or row is None:
        raise _unknown(job_id)
    return link, row


def _unknown(job_id: str) -> BadInput:
    return BadInput(f"There is no job {job_id}", code="job_unknown")
