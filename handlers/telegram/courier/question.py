"""What only the person can know: whether a file has arrived. And what is said when it never will.

The question is a message of its own with two buttons. A press under the file itself says it, too.
"""

from __future__ import annotations

from pathlib import Path

from daemon.chats import ChatMessage, MessageState
from handlers.telegram.buttons import Press, press
from handlers.telegram.content import Button, Content, Rank
from handlers.telegram.courier.outcome import Refused
from handlers.telegram.report import arrival
from handlers.telegram.report.result import job_of, result_key
from handlers.telegram.store.ledger import Turn
from handlers.telegram.talk import Talk
from handlers.telegram.texts import Language, plain, say, spoken_by

VERB = "arrived"
DIGITS = 19  # of a number that SQLite can have


def ask(turn: Turn, row: ChatMessage) -> None:
    """Within the turn in which the message became unsure."""
    language = _language(turn, row)
    buttons = (
        Button(plain(language, "courier.yes"), press(VERB, row.number, "yes")),
        Button(plain(language, "courier.no"), press(VERB, row.number, "no")),
    )
    _say(turn, row, _key(row), Content(say(language, "courier.question"), (buttons,)))


def tell_place(turn: Turn, row: ChatMessage, content: Content, outcome: Refused) -> None:
    """facts["place"], where it is said, is better than the file, which may be a copy for the way."""
    key = "courier.too_large" if outcome.too_large else "courier.refused"
    place = content.facts.get("place") or content.file
    if not any(Path(str(there)).is_file() for there in (place, content.file)):
        key = "courier.gone"
    text = say(_language(turn, row), key, place=place, why=outcome.why)
    _say(turn, row, f"refused:{row.number}", Content(text))


def arrived(talk: Talk, pressed: Press) -> None:
    """The button of the question."""
    known = pressed.about.isdecimal() and len(pressed.about) < DIGITS
    row = talk.turn.messages.numbered(int(pressed.about)) if known else None
    if row is None or row.chat_id != talk.where.chat_id or row.state != MessageState.UNSURE:
        talk.tell("courier.settled")
        under = talk.turn.messages.at(talk.where.chat_id, talk.message_id)
        if under is not None and under.key == f"ask:{pressed.about}":  # numbers are easily made up
            talk.turn.messages.remove(under.key)
        return
    link = talk.turn.jobs.get(_job_id(row))
    may = {row.chat_id, link.user_id if link else None}  # a private chat has the person's number
    if talk.who.id not in may and not talk.admin:
        talk.tell("courier.not_yours", alarm=True)
        return
    if pressed.argument == "yes":
        talk.turn.messages.arrived(row)
        arrival.arrived(talk.turn, row.key)
        talk.turn.messages.post(row.chat_id, _key(row), Content(talk.say("courier.thanks")))
    else:
        row.attempts = 0
        talk.turn.messages.send_again(row)
        talk.turn.messages.post(row.chat_id, _key(row), Content(talk.say("courier.again")))


def adopt(turn: Turn, chat_id: int, message_id: int, job_id: str) -> None:
    """A button of a result was pressed: so it is there, and this is its id, if that was not known."""
    link = turn.jobs.get(job_id)
    if link is None or link.chat_id != chat_id or turn.messages.at(chat_id, message_id) is not None:
        return
    for run in range(link.run, -1, -1):
        row = turn.messages.of_key(result_key(job_id, run))
        if row is None or row.wanted is None or row.message_id is not None:
            continue
        if row.state in (MessageState.UNSURE, MessageState.SHOWN):
            row.kind = row.wanted["kind"]
            turn.messages.arrived(row, message_id)
            arrival.arrived(turn, row.key)
            turn.messages.remove(_key(row))
            return


def _say(turn: Turn, row: ChatMessage, key: str, content: Content) -> None:
    """A message that was there before, of an earlier time, is left alone: this is a new one, at the end."""
    said = turn.messages.post(
        row.chat_id, key, content, rank=Rank.ANSWER, reply_to=row.reply_to, thread_id=row.thread_id
    )
    if said.state not in (MessageState.DUE, MessageState.SENDING):
        turn.messages.send_again(said)


def _key(row: ChatMessage) -> str:
    return f"ask:{row.number}"


def _job_id(row: ChatMessage) -> str:
    """Also of what belongs to a result: "file:JOB:…"."""
    kind, _, rest = row.key.partition(":")
    of = job_of(row.key)
    return of[0] if of else rest.partition(":")[0] if kind == "file" else ""


def _language(turn: Turn, row: ChatMessage) -> Language:
    """That of the job; otherwise the chat's own, or the person's."""
    link = turn.jobs.get(_job_id(row))
    person = turn.people.person(row.chat_id)
    of_job = link.language if link and link.chat_id == row.chat_id else None
    chosen = of_job or turn.people.settings(row.chat_id).language
    return spoken_by(chosen or (person.language if person else None))
