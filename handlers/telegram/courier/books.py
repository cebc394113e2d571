"""What is written down of a message before it is sent, and of what became of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import assert_never

from daemon.chats import ChatMessage, MessageState
from daemon.jobs import iso
from handlers.telegram.content import Content, Rank
from handlers.telegram.courier import question
from handlers.telegram.courier.outcome import (
    Hold,
    Missing,
    Moved,
    NoThread,
    NotSent,
    Outcome,
    Refused,
    Same,
    Unknown,
    Unlike,
)
from handlers.telegram.courier.pacing import What
from handlers.telegram.report.arrival import arrived
from handlers.telegram.store.ledger import Turn

UNKNOWN_KIND = "unknown"  # can be changed into nothing, only deleted
COPIES = 3  # of a text of which nobody knows whether it arrived
PAUSES_S = (1, 2, 5, 15, 30, 60)


def begin(turn: Turn, number: int) -> ChatMessage | None:
    """The intent to send it; None: that is not wanted any more."""
    row = turn.messages.numbered(number)
    if row is None or row.state != MessageState.DUE:
        return None
    if row.wanted is None:
        _end(turn, row, MessageState.GONE)
        return None
    row.state, row.attempts, row.due_at = MessageState.SENDING, row.attempts + 1, None
    turn.messages.put(row)
    return row


def interrupted(turn: Turn, row: ChatMessage) -> None:
    """It was on its way when the daemon ended."""
    _unsure(turn, row, "vigentd ended while it was being sent")


def shown(turn: Turn, number: int, version: int, kind: str, message_id: int) -> None:
    """It is there, and shows this version: a newer one may be wanted by now."""
    row = turn.messages.numbered(number)
    if row is None:
        return
    new = row.shown == 0
    row.message_id, row.kind, row.shown = message_id, kind, version
    _end(turn, row, MessageState.SHOWN)
    if new:
        arrived(turn, row.key)


def unreachable(turn: Turn, number: int) -> None:
    """It is there, and cannot be changed: nobody knows its number."""
    row = turn.messages.numbered(number)
    if row is not None:
        row.shown = row.version
        _end(turn, row, MessageState.SHOWN)


def deleted(turn: Turn, number: int) -> None:
    row = turn.messages.numbered(number)
    if row is not None:
        row.shown = row.version
        _end(turn, row, MessageState.GONE)


def send_anew(turn: Turn, number: int) -> None:
    """What it showed was deleted, because it cannot be changed into what is wanted."""
    row = turn.messages.numbered(number)
    if row is not None:
        row.attempts, row.kind, row.error = 0, "", None
        turn.messages.send_again(row)


def failed(turn: Turn, number: int, version: int, what: What, outcome: Outcome) -> None:
    row = turn.messages.numbered(number)
    if row is None:
        return
    match outcome:
        case Moved():
            turn.moved(row.chat_id, outcome.chat_id)
            _again(turn, row, what, 0.0)
        case NoThread() if row.thread_id is None:
            _refused(turn, row, version, what, Refused("there is no topic", gone=True))
        case NoThread():
            row.thread_id = None
            _again(turn, row, what, 0.0)
        case Hold():
            _again(turn, row, what, outcome.seconds, outcome.why)
        case NotSent():
            _again(turn, row, what, None, outcome.why)
        case Unknown() if what == "send":
            _unsure(turn, row, outcome.why)
        case Unknown():  # once more does no harm
            _again(turn, row, what, None, outcome.why)
        case Same():
            row.shown = version
            _end(turn, row, MessageState.SHOWN)
        case Unlike():
            row.kind = UNKNOWN_KIND
            _again(turn, row, what, 0.0)
        case Missing():
            _missing(turn, row, what)
        case Refused():
            _refused(turn, row, version, what, outcome)
        case _:
            assert_never(outcome)


def _again(turn: Turn, row: ChatMessage, what: What, seconds: float | None, why: str | None = None) -> None:
    """Later; seconds None: the longer, the oftener it was tried."""
    if what == "send":
        row.state = MessageState.DUE
    else:
        row.attempts += 1
    if seconds is None:
        seconds = PAUSES_S[min(row.attempts, len(PAUSES_S)) - 1]
    row.due_at = iso(turn.now + dt.timedelta(seconds=seconds)) if seconds else None
    row.error = why
    turn.messages.put(row)


def _unsure(turn: Turn, row: ChatMessage, why: str) -> None:
    if row.repeatable and row.attempts >= COPIES:
        unreachable(turn, row.number or 0)  # it has probably come more than once already
    elif row.repeatable:
        _again(turn, row, "send", 0.0 if row.attempts <= 1 else None, why)
    else:
        row.state, row.error = MessageState.UNSURE, why
        turn.messages.put(row)
        question.ask(turn, row)


def _missing(turn: Turn, row: ChatMessage, what: What) -> None:
    """Somebody deleted it. The answer to something that was done just now is to be seen nevertheless."""
    if what == "edit" and row.rank == Rank.ANSWER:
        send_anew(turn, row.number or 0)
    else:
        row.shown = row.version
        _end(turn, row, MessageState.GONE)


def _refused(turn: Turn, row: ChatMessage, version: int, what: What, outcome: Refused) -> None:
    content = None if row.wanted is None else Content.from_json(row.wanted)
    if content is not None and content.kind == "photo" and not outcome.gone:
        # A picture only goes with the words.
        row.wanted, row.version = replace(content, kind="text", file=None).as_json(), row.version + 1
        _again(turn, row, what, 0.0, outcome.why)
    elif what == "send" and outcome.gone and not row.repeatable:
        _end(turn, row, MessageState.AWAY, outcome.why)
    elif what == "send":
        _end(turn, row, MessageState.REFUSED, outcome.why)
        if content is not None and content.file is not None and not outcome.gone:
            question.tell_place(turn, row, content, outcome)
        arrived(turn, row.key)  # as far as it ever will
    elif what == "delete":
        deleted(turn, row.number or 0)
    else:
        row.shown = version
        _end(turn, row, MessageState.SHOWN, outcome.why)


def _end(turn: Turn, row: ChatMessage, state: MessageState, error: str | None = None) -> None:
    """attempts: those since the last that was accepted."""
    row.state, row.attempts, row.due_at, row.error = state, 0, None, error
    turn.messages.put(row)
