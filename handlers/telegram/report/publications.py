"""Tells chats what becomes of publications.

What is to be seen follows from the book: a message of ours shows what its publication is now, whoever changed
it. A publication of a chat's job is told in that chat, below the video; any other one to the admins. Which
were told is known by the keys of the messages, so a restart loses nothing and shows nothing twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from daemon.chats import ChatMessage, MessageState
from daemon.jobs import JobRow, iso
from daemon.publications.finished import finished_video
from daemon.publications.tables import OVER, Publication, Standing
from handlers.telegram.access import language_of, may, reachable
from handlers.telegram.content import Content, Rank
from handlers.telegram.house import House
from handlers.telegram.publishing import Publishing
from handlers.telegram.report.naming import stem
from handlers.telegram.report.publication import Telling, needs_card
from handlers.telegram.report.result import result_key
from handlers.telegram.store.ledger import Turn
from handlers.telegram.texts import spoken_by
from models.errors import BadInput

RECENT = dt.timedelta(days=7)  # what was over before, nobody waits to hear
DELIVERY = dt.timedelta(minutes=10)  # so long a card waits for its video to be in the chat
REFRESH_S = 60.0  # times that are shown move on: "the next free slot"


@dataclass(frozen=True)
class Home:
    """A chat that is told. shown: the card has the video with it."""

    chat_id: int
    language: str
    reply_to: int | None = None
    thread_id: int | None = None
    shown: bool = False


class Publications:
    """The part of the reporter that looks at the book."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._event: int | None = None  # the last of which we know
        self._later: set[int] = set()  # whose video is not in the chat yet
        self._refreshed = 0.0

    @property
    def waiting(self) -> bool:
        """For videos to be in their chats."""
        return bool(self._later)

    def look(self) -> bool:
        """Once. True: some message is to show something else now."""
        publishing = self._house.publishing
        if publishing is None:
            return False
        event, changed = self._changed(publishing)
        fresh = self._house.clock() - self._refreshed < REFRESH_S
        moving = [] if fresh else publishing.book.all(Standing.PROPOSED, Standing.APPROVED)
        posted = False
        if changed or moving:
            with self._house.ledger.turn() as turn:
                telling = Telling(publishing, turn.now)
                later = {row.number or 0 for row in changed if not self._due(turn, row)}
                for row in changed:
                    if row.number not in later:
                        posted |= show(turn, self._house, row, telling)
                numbers = {row.number for row in changed}
                for row in moving:
                    if row.number not in numbers:
                        posted |= show(turn, self._house, row, telling, moved=True)
            self._later = later
        if not fresh:
            self._refreshed = self._house.clock()
        self._event = event
        return posted

    def _changed(self, publishing: Publishing) -> tuple[int, Sequence[Publication]]:
        book = publishing.book
        event, found = book.changed_since(self._event or 0)
        if self._event is None:
            old = iso(self._house.now() - RECENT)
            found = [row for row in found if row.state not in OVER or row.changed_at > old]
        there = {row.number for row in found}
        return event, [*found, *(book.get(number) for number in sorted(self._later - there))]

    def _due(self, turn: Turn, row: Publication) -> bool:
        """Whether its video is in the chat, as far as it ever will be."""
        link, job = turn.jobs.get(row.job_id), turn.jobs.row(row.job_id)
        if link is None or job is None or job.finished_at is None:
            return True
        if turn.now - dt.datetime.fromisoformat(job.finished_at) > DELIVERY:
            return True
        told = next(_results(turn, row.job_id, link.run), None)
        return told is not None and told.state not in (MessageState.DUE, MessageState.SENDING)


def show(
    turn: Turn, house: House, row: Publication, telling: Telling | None = None, *, moved: bool = False
) -> bool:
    """All messages about it show what it is now. True: one of them did not.

    moved: nothing became of it, but time has passed: buttons that somebody looks at stay as they are, and
    nobody is told who was not.
    """
    assert house.publishing is not None
    telling = telling or Telling(house.publishing, turn.now)
    known = turn.messages.about(f"publication:{row.number}:")
    posted = False
    for message in known:
        if message.wanted is not None and _change(turn, telling, row, message, moved):
            posted = True
            if row.state in (Standing.HELD, Standing.ASKED) and not moved:
                _call(turn, telling, row, message)
    if known or moved or not (needs_card(row) or row.state == Standing.PUBLISHED):
        return posted
    for home in _homes(turn, house, row):
        content = _content(turn, house, telling, row, home)
        _post(turn, row, home, content)
        posted = True
    return posted


def show_here(turn: Turn, house: House, row: Publication, home: Home, serial: int) -> None:
    """The card once more, at the end of a chat, instead of one that stands further up. serial: of a key."""
    assert house.publishing is not None
    for message in turn.messages.about(f"publication:{row.number}:{home.chat_id}:"):
        turn.messages.remove(message.key)
    content = _content(turn, house, Telling(house.publishing, turn.now), row, home)
    _post(turn, row, home, content, serial, Rank.ANSWER)


def shown_at(turn: Turn, chat_id: int, job_id: str) -> int | None:
    """The message with the video of a job, in that chat."""
    link = turn.jobs.get(job_id)
    if link is None or link.chat_id != chat_id:
        return None
    found = (row for row in _results(turn, job_id, link.run) if row.kind == "video")
    return next((row.message_id for row in found if row.message_id is not None), None)


def _change(turn: Turn, telling: Telling, row: Publication, message: ChatMessage, moved: bool) -> bool:
    assert message.wanted is not None
    before = Content.from_json(message.wanted)
    language = _language(turn, message.chat_id, row.job_id)
    if before.facts.get("news"):
        told = telling.news(language, row)
    else:
        told = telling.card(language, row, captioned=before.file is not None)
    after = replace(before, text=told.text, buttons=before.buttons if moved else told.buttons)
    if after != before:
        turn.messages.post(message.chat_id, message.key, after, rank=Rank.RESULT)
    return after != before


def _call(turn: Turn, telling: Telling, row: Publication, card: ChatMessage) -> None:
    turn.messages.post(
        card.chat_id,
        f"publication_call:{row.number}:{card.chat_id}:{row.token}",
        telling.call(_language(turn, card.chat_id, row.job_id), row),
        rank=Rank.RESULT,
        reply_to=card.message_id,
        thread_id=card.thread_id,
    )


def _content(turn: Turn, house: House, telling: Telling, row: Publication, home: Home) -> Content:
    if row.state == Standing.PUBLISHED:
        return replace(telling.news(home.language, row), facts={"news": True})
    job = turn.jobs.row(row.job_id)
    if home.shown or job is None or job.output is None:
        return telling.card(home.language, row)
    return _with_video(telling.card(home.language, row, captioned=True), job, house.limits.upload) or (
        telling.card(home.language, row)
    )


def _with_video(card: Content, job: JobRow, limit: int) -> Content | None:
    """The video itself, or its cover when it is too large. None: neither is there."""
    try:
        video = finished_video(job)
    except BadInput:
        return None
    if video.size > limit:
        return replace(card, kind="photo", file=video.cover) if video.cover else None
    facts = {
        "duration": max(round(video.duration_s), 1),
        "width": video.width,
        "height": video.height,
        "cover": str(video.cover) if video.cover else None,
        "place": str(video.path),
    }
    return replace(card, kind="video", file=Path(video.path), name=f"{stem(job.label)}.mp4", facts=facts)


def _post(
    turn: Turn, row: Publication, home: Home, content: Content, serial: int = 0, rank: Rank = Rank.RESULT
) -> None:
    turn.messages.post(
        home.chat_id,
        f"publication:{row.number}:{home.chat_id}:{serial}",
        content,
        rank=rank,
        reply_to=home.reply_to,
        thread_id=home.thread_id,
        repeatable=content.file is None,
    )


def _homes(turn: Turn, house: House, row: Publication) -> Iterator[Home]:
    link = turn.jobs.get(row.job_id)
    if link is not None and may(turn, house.config, link.user_id):
        video = shown_at(turn, link.chat_id, row.job_id)
        yield Home(link.chat_id, link.language, video or link.reply_to, link.thread_id, shown=True)
        return
    for admin in reachable(turn, house.config):
        yield Home(admin.user_id, language_of(turn, admin))


def _language(turn: Turn, chat_id: int, job_id: str) -> str:
    link, person = turn.jobs.get(job_id), turn.people.person(chat_id)
    if link is not None and link.chat_id == chat_id:
        return link.language
    chosen = turn.people.settings(chat_id).language
    return spoken_by(chosen or (person.language if person else None))


def _results(turn: Turn, job_id: str, run: int) -> Iterator[ChatMessage]:
    """The messages with the video of a job, the newest first."""
    for before in range(run, -1, -1):
        row = turn.messages.of_key(result_key(job_id, before))
        if row is not None and row.wanted is not None:
            yield row
