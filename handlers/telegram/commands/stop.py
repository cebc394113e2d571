"""/cancel and /retry: of the job that is named, or of the one that is probably meant."""

from __future__ import annotations

from daemon.jobs import State
from handlers.telegram.buttons import press
from handlers.telegram.content import Button, Content
from handlers.telegram.incoming import Said
from handlers.telegram.pressing.jobs import cancel_job, retry_job
from handlers.telegram.pressing.whose import named_job, own_jobs
from handlers.telegram.talk import Talk
from models.shortened import shortened

MOST, LABEL_CHARS = 8, 40  # buttons, and how long each is


def cancel(talk: Talk, said: Said) -> None:
    """Without an id: what is under way in this chat; of several, the person chooses."""
    if said.argument:
        row = named_job(talk, said.argument)
        talk.answer(cancel_job(talk, row))
        return
    under_way = own_jobs(talk, State.QUEUED, State.RUNNING)
    if not under_way:
        talk.answer("stop.nothing")
    elif len(under_way) == 1:
        talk.answer(cancel_job(talk, under_way[0]))
    else:
        buttons = tuple(
            (Button(shortened(row.label, LABEL_CHARS), press("cancel", row.id)),) for row in under_way[:MOST]
        )
        talk.show(Content(talk.say("stop.which"), buttons))


def retry(talk: Talk, said: Said) -> None:
    """Without an id: the last of this chat that failed or was cancelled."""
    if said.argument:
        row = named_job(talk, said.argument)
    elif found := own_jobs(talk, State.FAILED, State.CANCELLED):
        row = found[0]
    else:
        talk.answer("stop.nothing_failed")
        return
    talk.answer(retry_job(talk, row))
