"""The video is in the chat: the message that said how far it is says no more than that it is done."""

from __future__ import annotations

from handlers.telegram.content import Rank
from handlers.telegram.report.progress import delivered, progress_key
from handlers.telegram.report.result import job_of
from handlers.telegram.store.ledger import Turn


def arrived(turn: Turn, key: str) -> None:
    """key: of a message that has arrived; of any."""
    of = job_of(key)
    if of is None:
        return
    job_id, run = of
    link, row = turn.jobs.get(job_id), turn.jobs.row(job_id)
    message = turn.messages.of_key(progress_key(job_id, run))
    if link is not None and row is not None and message is not None:
        turn.messages.post(link.chat_id, message.key, delivered(link.language, row), rank=Rank.NOTICE)
