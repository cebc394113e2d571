"""Who asked for an errand, and a message to them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from daemon.chats import Errand
from handlers.telegram.content import Content, Rank
from handlers.telegram.errors import in_words
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from models.errors import VigentdError


@dataclass(frozen=True)
class Asker:
    """reply_to: the message that asked, where several people talk."""

    chat_id: int
    thread_id: int | None
    language: str
    reply_to: int | None = None


def asker(turn: Turn, facts: dict[str, Any]) -> Asker | None:
    """facts: of an errand: that of a draft, of a job, or of a chat (chat_id, thread_id, language,
    reply_to)."""
    if "chat_id" in facts:
        return Asker(facts["chat_id"], facts.get("thread_id"), facts["language"], facts.get("reply_to"))
    about = turn.drafts.get(facts["draft"]) if facts.get("draft") else turn.jobs.get(facts.get("job", ""))
    return Asker(about.chat_id, about.thread_id, about.language) if about else None


def answer(turn: Turn, errand: Errand, content: Content) -> None:
    """One message for each time that it was asked for, however often it was begun."""
    to = asker(turn, errand.facts)
    if to is not None:
        key = f"{errand.key}:{errand.at}"
        turn.messages.post(
            to.chat_id,
            key,
            content,
            rank=Rank.ANSWER,
            reply_to=to.reply_to,
            thread_id=to.thread_id,
        )


def sorry(turn: Turn, house: House, errand: Errand, error: VigentdError) -> None:
    """Why it could not be done."""
    to = asker(turn, errand.facts)
    if to is not None:
        answer(turn, errand, Content(in_words(to.language, error.as_dict())))


def unique(errand: Errand) -> int:
    """For the name of a file. The errand's own number will not do: SQLite gives that of a row that is gone to
    another one, and a message may still wait to be sent with its file."""
    at_ms = round(dt.datetime.fromisoformat(errand.at).timestamp() * 1000)
    return at_ms * 1000 + (errand.number or 0) % 1000
