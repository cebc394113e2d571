"""Drafts in a conversation, and the door that looks at them, played by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.chats import ChatFile, Draft
from handlers.telegram.draft import Contents, Findings
from handlers.telegram.drafting.drafting import examined, previewed
from handlers.telegram.drafting.presses import PRESSES
from handlers.telegram.drafting.said import said
from handlers.telegram.settings import ChatSettings
from models.errors import VigentdError
from tests.handlers.telegram.talking import ANNA, PRIVATE, Conversation

Chatting = Callable[..., Conversation]


@pytest.fixture
def chatting(tmp_path: Path) -> Iterator[Chatting]:
    """Makes conversations; all of a test are about one database."""
    made: list[Conversation] = []

    def make(**how: Any) -> Conversation:
        made.append(Conversation(tmp_path, hears=said, presses=PRESSES, **how))
        return made[-1]

    yield make
    for conversation in made:
        conversation.close()


@pytest.fixture
def chat(chatting: Chatting) -> Conversation:
    return chatting()


def drafts(chat: Conversation, where: int = PRIVATE.chat_id) -> list[Draft]:
    """The oldest first."""
    with chat.ledger.look() as turn:
        return list(reversed(turn.drafts.recent(where)))


def contents(chat: Conversation, number: int = -1) -> Contents:
    return Contents.from_json(drafts(chat)[number].contents)


def file_of(chat: Conversation, file_id: str | None) -> ChatFile:
    assert file_id is not None
    with chat.ledger.look() as turn:
        file = turn.files.get(file_id)
    assert file is not None
    return file


def looks(chat: Conversation, *, number: int = -1, error: VigentdError | None = None, **spec: Any) -> None:
    """The door looks at a draft: all is right, or not."""
    with chat.ledger.turn() as turn:
        draft = turn.drafts.get(drafts(chat)[number].id)
        assert draft is not None
        examined(turn, chat.house, draft, found(chat, draft, error, **spec))
    chat.deliver()


def found(chat: Conversation, draft: Draft, error: VigentdError | None = None, **spec: Any) -> Findings:
    its = Contents.from_json(draft.contents)
    if error is not None:
        return Findings(draft.version, error=error.as_dict())
    usual = chat.house.config.defaults.model_dump(exclude={"seed"})
    whole = usual | its.options | {"script": its.text, "clip": f"/files/{its.clip}.mp4"} | spec
    return Findings(
        draft.version,
        spec=whole if its.complete else None,
        seconds=9.0,
        clip={"width": 1080, "height": 1920, "seconds": 12.0},
        script=its.text,
    )


def draws(chat: Conversation, path: str | None, *, number: int = -1, version: int | None = None) -> None:
    """The preview of a draft is there; None: it could not be drawn."""
    with chat.ledger.turn() as turn:
        draft = turn.drafts.get(drafts(chat)[number].id)
        assert draft is not None
        previewed(turn, chat.house, draft, version or draft.version, path)
    chat.deliver()


def settles(chat: Conversation, **settings: Any) -> None:
    """What Anna's chat has chosen."""
    with chat.ledger.turn() as turn:
        turn.people.met(ANNA)
        turn.people.chat(PRIVATE)
        turn.people.choose(PRIVATE.chat_id, ChatSettings(**settings))


def keeps_presenter(chat: Conversation, name: str = "Eva", **settings: Any) -> str:
    """A presenter of Anna's chat, and the one that it uses. Returns the id of its file."""
    from tests.handlers.telegram.talking import video

    settles(chat, presenter=name, **settings)
    with chat.ledger.turn() as turn:
        file = turn.files.add(PRIVATE.chat_id, "clip", video())
        turn.files.here(file, 1000)
        turn.files.keep(PRIVATE.chat_id, name, file.id)
    return file.id
