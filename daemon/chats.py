"""What the bot knows of its chats: the tables. Only `handlers/telegram/ledger.py` writes here.

Telegram's ids are 64-bit numbers. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, text
from sqlmodel import Field, SQLModel


def _json(*, nullable: bool = False) -> Any:
    return Column(JSON(none_as_null=True), nullable=nullable)


def _id(**how: Any) -> Any:
    return Field(sa_type=BigInteger, **how)


class Standing(StrEnum):
    UNKNOWN = "unknown"
    ALLOWED = "allowed"
    DENIED = "denied"
    ADMIN = "admin"


class Person(SQLModel, table=True):
    """Somebody who wrote to the bot. For those who stand in the configuration, that counts."""

    __tablename__ = "telegram_person"

    user_id: int = _id(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str
    language: str = ""  # "zh-hans", "en", …: as Telegram says it
    standing: str = Standing.UNKNOWN
    told_at: str | None = None  # when they were told that the bot is private


class Chat(SQLModel, table=True):
    """A conversation of the bot: with one person, or in a group."""

    __tablename__ = "telegram_chat"

    chat_id: int = _id(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str  # private, group, supergroup
    title: str = ""
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=_json())  # settings.Settings
    awaited: dict[str, Any] = Field(default_factory=dict, sa_column=_json())  # user id → awaited.Awaited


class HandledUpdate(SQLModel, table=True):
    """An update whose effects are all in the database."""

    __tablename__ = "telegram_update"
    __table_args__ = (Index("updates_by_time", "at"), {"sqlite_autoincrement": True})

    number: int | None = Field(default=None, primary_key=True)  # in the order in which they were handled
    update_id: int = _id(unique=True)
    at: str


class MessageState(StrEnum):
    DUE = "due"  # to be sent
    SENDING = "sending"  # a request is on its way; found at a start, it is unsure
    UNSURE = "unsure"  # nobody knows whether it was accepted
    SHOWN = "shown"  # it has a message id
    GONE = "gone"  # it was deleted, by us or by somebody else
    REFUSED = "refused"  # Telegram will not have it: `error` says why
    AWAY = "away"  # a result, and nobody is there: it is sent when somebody speaks again


class ChatMessage(SQLModel, table=True):
    """A message of ours: what it is to show (`wanted`, in `version`) and what it does show (`shown`)."""

    __tablename__ = "telegram_message"
    __table_args__ = (
        Index(
            "messages_to_send",
            "chat_id",
            "number",
            sqlite_where=text("state = 'due' OR state = 'sending' OR (state = 'shown' AND shown != version)"),
        ),
        Index("messages_with_an_id", "chat_id", "message_id"),
        Index("messages_by_state", "state", "changed_at"),
    )

    number: int | None = Field(default=None, primary_key=True)  # order in its chat
    chat_id: int = _id()
    key: str = Field(unique=True)  # "card:DRAFT", "progress:JOB:0", …
    rank: int  # content.Rank: what goes first
    repeatable: bool  # two of them do no harm
    state: str = MessageState.DUE
    wanted: dict[str, Any] | None = Field(
        default=None, sa_column=_json(nullable=True)
    )  # None: nothing, delete it
    version: int = 1
    shown: int = 0  # 0: nothing yet
    kind: str = ""  # of what is shown: text, photo, …; decides how it is edited
    message_id: int | None = _id(default=None)
    reply_to: int | None = _id(default=None)
    thread_id: int | None = _id(default=None)
    attempts: int = 0
    due_at: str | None = None  # not before
    error: str | None = None  # what Telegram said, without secrets
    at: str  # when it was first wanted
    changed_at: str  # when it was last sent or edited


class DraftState(StrEnum):
    OPEN = "open"
    STARTING = "starting"  # Start was pressed, and something is still being looked at
    STARTED = "started"
    DROPPED = "dropped"


class Draft(SQLModel, table=True):
    """A video that is being put together in a chat."""

    __tablename__ = "telegram_draft"
    __table_args__ = (Index("drafts_of_a_person", "chat_id", "user_id", "number"),)

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    chat_id: int = _id()
    user_id: int = _id()
    thread_id: int | None = _id(default=None)
    language: str  # of what it is talked about in: en, zh
    state: str = DraftState.OPEN
    contents: dict[str, Any] = Field(sa_column=_json())  # draft.Contents
    version: int = 1  # grows whenever the contents change
    findings: dict[str, Any] | None = Field(default=None, sa_column=_json(nullable=True))  # draft.Findings
    job_id: str | None = Field(default=None, index=True)
    created_at: str
    changed_at: str


class FileState(StrEnum):
    WANTED = "wanted"  # an errand fetches it
    HERE = "here"
    REFUSED = "refused"  # `error` says why
    REMOVED = "removed"  # nobody needed it any more


class ChatFile(SQLModel, table=True):
    """A file that somebody sent. It is kept under its id, never under a name that people gave."""

    __tablename__ = "telegram_file"

    id: str = Field(primary_key=True)
    chat_id: int = _id()
    role: str  # clip, script, speech
    kind: str  # video, document, video_note, animation, photo, voice, audio
    file_id: str  # Telegram's
    name: str = ""  # as its sender calls it; shown only
    size: int | None = _id(default=None)  # bytes, as Telegram says, then as it is
    seconds: float | None = None
    state: str = FileState.WANTED
    error: dict[str, str] | None = Field(default=None, sa_column=_json(nullable=True))
    at: str
    used_at: str  # when something last referred to it


class Errand(SQLModel, table=True):
    """Something that takes time and is to be done. Done, it is removed in the transaction of its result."""

    __tablename__ = "telegram_errand"
    __table_args__ = ({"sqlite_autoincrement": True},)  # the number of one that was done is not used again

    number: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)  # the same errand is not wanted twice at a time
    kind: str  # fetch, examine, preview, listen, deliver, files, keep
    facts: dict[str, Any] = Field(sa_column=_json())
    asked: int = 1  # for it; once more while it is being done: it is to be done again
    attempts: int = 0  # begun so often
    due_at: str | None = None  # not before
    at: str


class ChatJob(SQLModel, table=True):
    """A job that was asked for in a chat, and how far the chat knows of it."""

    __tablename__ = "telegram_job"

    job_id: str = Field(primary_key=True)
    chat_id: int = _id(index=True)
    user_id: int = _id()
    thread_id: int | None = _id(default=None)
    draft_id: str
    reply_to: int | None = _id(default=None)  # the person's own message
    language: str
    run: int = 0  # how often its end was told: a retried job has another progress message
    told: str | None = Field(default=None, index=True)  # `finished_at` of the end that was told; None: none


class Presenter(SQLModel, table=True):
    """A clip that a chat keeps."""

    __tablename__ = "telegram_presenter"
    __table_args__ = (Index("presenters_of_a_chat", "chat_id", "name", unique=True),)

    number: int | None = Field(default=None, primary_key=True)
    chat_id: int = _id()
    name: str
    file_id: str = Field(foreign_key="telegram_file.id")
    at: str


class PairingCode(SQLModel, table=True):
    """The one code with which somebody becomes an admin. `vigentd telegram pair` writes it."""

    __tablename__ = "telegram_pairing"

    id: int | None = Field(default=None, primary_key=True)
    digest: str  # SHA-256 of salt and code
    salt: str
    until: str
    wrong: dict[str, int] = Field(default_factory=dict, sa_column=_json())  # user id → codes that they tried
