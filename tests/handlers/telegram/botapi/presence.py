"""What the bot is in a chat, and what it hears of it."""

from __future__ import annotations

from tests.handlers.telegram.botapi import wire
from tests.handlers.telegram.botapi.content import User
from tests.handlers.telegram.botapi.state import Chat, Message


def set_bot(chat: Chat, by: User, status: str) -> None:
    """The bot is told what it is in a chat now."""
    state = chat.state
    with state.condition:
        old, chat.bot = chat.bot, status
        state.changed()
        state.updates.add(
            "my_chat_member",
            {
                "chat": wire.chat(chat),
                "from": wire.user(by),
                "date": int(state.now()),
                "old_chat_member": wire.member(state.bot, old),
                "new_chat_member": wire.member(state.bot, status),
            },
        )


def hears(message: Message) -> bool:
    """Whether the bot is told of a message.

    In a group, in privacy mode: of commands that are not for another bot, of mentions of it, of replies to it
    and to what was meant for it, and of what nobody wrote (https://core.telegram.org/bots/features#privacy-mode).
    """
    chat = message.chat
    if chat.bot in {"left", "kicked"}:
        return False
    if chat.kind == "private" or not chat.privacy or chat.bot == "administrator" or message.kind == "service":
        return True
    replied = chat.find(message.reply_to) if message.reply_to else None
    if replied is not None and (replied.from_bot or replied.update_id):
        return True
    name = (chat.state.bot.username or "").lower()
    words = message.words.encode("utf-16-le")
    for e in message.content.entities:
        part = words[2 * e["offset"] : 2 * (e["offset"] + e["length"])].decode("utf-16-le").lower()
        to = part.partition("@")[2]
        if (e["type"] == "bot_command" and to in {"", name}) or (e["type"] == "mention" and to == name):
            return True
    return False
