"""telegram.Update → Incoming: what somebody said or pressed, or None when it is nothing for us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery, Chat, Message, MessageEntity, Update, User

from handlers.telegram.buttons import pressed
from handlers.telegram.incoming import Attachment, AttachmentKind, Incoming, Moved, Pressed, Said, Where, Who
from handlers.telegram.names import clean

CHATS = frozenset(("private", "group", "supergroup"))
# In this order: an animation comes with a document of the same file, for programs that know none.
FILES: tuple[AttachmentKind, ...] = ("animation", "video", "video_note", "voice", "audio", "document")
OTHERS = (
    *("sticker", "location", "venue", "contact", "poll", "dice", "story", "game", "invoice"),
    *("paid_media", "checklist"),
)


@dataclass(frozen=True)
class Me:
    """The bot itself. username: without "@"."""

    id: int
    username: str


def incoming(update: Update, me: Me) -> Incoming | None:
    """None: nothing that we answer: a word to another bot, a note that somebody joined, a channel's post."""
    if update.callback_query is not None:
        return _pressed(update.update_id, update.callback_query)
    message = update.message or update.edited_message
    if message is None:
        return None
    if message.migrate_to_chat_id is not None:
        return Moved(update.update_id, message.chat.id, message.migrate_to_chat_id)
    return _said(update.update_id, message, me, edited=update.edited_message is not None)


def _pressed(update_id: int, query: CallbackQuery) -> Pressed | None:
    under = query.message  # also one that is too old for its text to be told
    if under is None or query.data is None or query.from_user.is_bot or under.chat.type not in CHATS:
        return None
    thread = _thread(under) if isinstance(under, Message) else None
    return Pressed(
        update_id,
        _who(query.from_user),
        _where(under.chat, thread),
        under.message_id,
        query.id,
        pressed(query.data),
    )


def _said(update_id: int, message: Message, me: Me, *, edited: bool) -> Said | None:
    sender = message.from_user
    if sender is None or sender.is_bot or message.sender_chat is not None or message.chat.type not in CHATS:
        return None
    words = _Words(message)
    attachment = _attachment(message)
    if attachment is None and not words.text:
        return None
    command, of_bot, argument = words.command()
    if of_bot and of_bot.casefold() != me.username.casefold():
        return None
    answered = _answered(message)
    text, mentioned = words.without_mention(me)
    to_us = (
        message.chat.type == "private"
        or command[:1].isalpha()
        or mentioned
        or (answered is not None and answered.from_user is not None and answered.from_user.id == me.id)
    )
    return Said(
        update_id=update_id,
        who=_who(sender),
        where=_where(message.chat, _thread(message)),
        message_id=message.message_id,
        at=message.date,
        text=text,
        attachment=attachment,
        album=message.media_group_id or "",
        command=command,
        argument=argument,
        reply_to=answered.message_id if answered else None,
        to_us=to_us,
        edited=edited,
    )


def _who(user: User) -> Who:
    name = clean(user.full_name or user.username or "") or str(user.id)
    return Who(user.id, name, user.language_code or "")


def _where(chat: Chat, thread_id: int | None) -> Where:
    return Where(chat.id, str(chat.type), chat.title or "", thread_id)


def _thread(message: Message) -> int | None:
    """Of a topic. Answers outside of topics have such a number too, with which nothing can be sent."""
    return message.message_thread_id if message.is_topic_message else None


def _answered(message: Message) -> Message | None:
    """Everything in a topic says that it answers the note which opened it."""
    answered = message.reply_to_message
    if answered is None or (message.is_topic_message and answered.message_id == message.message_thread_id):
        return None
    return answered


def _attachment(message: Message) -> Attachment | None:
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return Attachment("photo", largest.file_id, mime="image/jpeg", size=largest.file_size)
    for kind in FILES:
        file = getattr(message, kind)
        if file is not None:
            return _file(kind, file)
    if any(getattr(message, kind, None) for kind in OTHERS):
        return Attachment("other")
    return None


def _file(kind: AttachmentKind, file: Any) -> Attachment:
    seconds = file.to_dict().get("duration")  # the attribute is about to change its type, and warns of it
    return Attachment(
        kind,
        file.file_id,
        name=getattr(file, "file_name", None) or "",
        mime=getattr(file, "mime_type", None) or "",
        size=file.file_size,
        seconds=None if seconds is None else float(seconds),
    )


class _Words:
    """The text of a message, or its caption, with what Telegram has marked in it: offsets in UTF-16 units."""

    def __init__(self, message: Message) -> None:
        self.text = message.text or message.caption or ""
        self._units = self.text.encode("utf-16-le", "surrogatepass")
        self._marked = message.entities or message.caption_entities or ()

    def command(self) -> tuple[str, str, str]:
        """The command at its beginning, the bot that it is for, and what follows; "" where there is none."""
        for mark in self._marked:
            if mark.type == MessageEntity.BOT_COMMAND and mark.offset == 0:
                name, _, of_bot = self._of(mark).removeprefix("/").partition("@")
                return name.lower(), of_bot, self._cut(mark.length, len(self._units)).strip()
        return "", "", ""

    def without_mention(self, me: Me) -> tuple[str, bool]:
        """The text without mentions of us, and whether there was one."""
        ours = [mark for mark in self._marked if self._means(mark, me)]
        text, at = "", 0
        for mark in ours:
            before = self._cut(at, mark.offset)
            text += before.removesuffix(" ") if at or mark.offset else before
            at = mark.offset + mark.length
        return ((text + self._cut(at, len(self._units))).strip(), True) if ours else (self.text, False)

    def _means(self, mark: MessageEntity, me: Me) -> bool:
        if mark.type == MessageEntity.TEXT_MENTION:
            return mark.user is not None and mark.user.id == me.id
        return (
            mark.type == MessageEntity.MENTION and self._of(mark).casefold() == f"@{me.username}".casefold()
        )

    def _of(self, mark: MessageEntity) -> str:
        return self._cut(mark.offset, mark.offset + mark.length)

    def _cut(self, start: int, end: int) -> str:
        return self._units[2 * start : 2 * end].decode("utf-16-le", "replace")
