"""The list of commands that Telegram shows beside the text field. What each does stands in the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from handlers.telegram.texts import Language, plain

if TYPE_CHECKING:
    from telegram import Bot

FOR_ALL = (
    *("new", "jobs", "queue", "cancel", "retry", "presenters", "voices", "styles", "music"),
    *("publish", "schedule", "settings", "help", "start"),
)
FOR_ADMINS = ("health", "allow", "deny", "log")
_CODES: tuple[tuple[Language, str | None], ...] = (
    ("en", None),
    ("zh", "zh"),
)  # None: for all other languages


def menu(language: Language, *, admin: bool) -> list[tuple[str, str]]:
    """Each command, and what it does in a few words."""
    names = FOR_ALL + (FOR_ADMINS if admin else ())
    return [(name, plain(language, f"menu.{name}")) for name in names]


async def set_menu(bot: Bot, admins: Iterable[int]) -> None:
    """Done twice it is the same. An admin who never wrote to the bot has no chat, and gets no list.

    Raises TelegramError when Telegram cannot be reached."""
    from telegram import BotCommandScopeChat
    from telegram.error import BadRequest, Forbidden

    for language, code in _CODES:
        await bot.set_my_commands(menu(language, admin=False), language_code=code)
        await bot.set_my_description(plain(language, "about.description"), code)
        await bot.set_my_short_description(plain(language, "about.short"), code)
    for user_id in admins:
        for language, code in _CODES:
            try:
                scope = BotCommandScopeChat(user_id)
                await bot.set_my_commands(menu(language, admin=True), scope=scope, language_code=code)
            except (BadRequest, Forbidden):
                break
