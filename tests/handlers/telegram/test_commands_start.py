"""/start, /help, /new, and the list of commands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from telegram import BotCommandScopeChat
from telegram.error import BadRequest

from handlers.telegram.commands import COMMANDS
from handlers.telegram.content import TEXT_CHARS
from handlers.telegram.menu import FOR_ADMINS, FOR_ALL, menu, set_menu
from handlers.telegram.texts import LANGUAGES
from tests.handlers.telegram.commanding import HOME, OFFICE, Bot
from tests.handlers.telegram.talking import BO, GROUP, ROOT, video


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path, {"inbox": [{"name": "daily", "path": str(tmp_path / "daily")}]})
    yield bot
    bot.close()


def test_start_says_the_three_steps(bot: Bot) -> None:
    bot.says("/start")
    assert all(step in bot.sees() for step in ("Hello Anna", "1. ", "2. ", "3. ", "Start"))
    bot.says("/start", by=BO)
    assert "Bo，您好" in bot.sees(HOME)


def test_help_says_the_limits_before_they_hurt_and_all_commands(bot: Bot, tmp_path: Path) -> None:
    bot.says("/help")
    seen = bot.sees()
    for part in ("20 MB", "50 MB", "20,000 characters", str(tmp_path / "daily"), ".srt"):
        assert part in seen
    assert all(f"/{name} – " in seen for name in FOR_ALL) and "/log" not in seen
    bot.says("/help", by=ROOT)
    assert all(f"/{name} – " in bot.sees(OFFICE) for name in FOR_ADMINS)
    bot.says("/help", where=GROUP)
    assert "In a group" in bot.sees(GROUP) and len(bot.sees(GROUP)) < TEXT_CHARS


def test_new_drops_what_is_open_and_begins_anew(bot: Bot) -> None:
    bot.says("/new")
    assert bot.sees() == "Good. Send the clip or the script."
    bot.says("Good morning.")
    bot.says("/new")
    assert "The one before is dropped" in bot.sees()
    assert any("Dropped" in text for text in bot.sees_all().split("\n\n"))
    bot.says("Good evening.")
    assert "Good evening." in bot.sees() and "Good morning." not in bot.sees()


def test_new_with_a_script_begins_with_it(bot: Bot) -> None:
    bot.says("Good morning.")
    bot.says("/new Good evening.", attached=video())
    assert "Good evening." in bot.sees() and "/new" not in bot.sees()
    assert [key for key in bot.errands() if key.startswith("fetch:")]


def test_new_leaves_others_alone(bot: Bot) -> None:
    bot.says("Good morning.", where=GROUP)
    bot.says("/new", by=BO, where=GROUP)
    assert "Dropped" not in bot.sees_all(GROUP)


# ---------------------------------------------------------------- the list of commands


def test_every_command_is_listed_and_every_listed_one_is_there() -> None:
    assert set(FOR_ALL) | set(FOR_ADMINS) == set(COMMANDS)
    assert {name for name, command in COMMANDS.items() if command.admin_only} == set(FOR_ADMINS)
    for language in LANGUAGES:
        listed = menu(language, admin=True)
        assert len(listed) == len(COMMANDS) and all(0 < len(words) <= 256 for _, words in listed)


class Ears:
    """Keeps what would be told to Telegram."""

    def __init__(self) -> None:
        self.told: dict[Any, list[tuple[str, str]]] = {}

    async def set_my_description(self, text: str, language_code: str | None) -> None:
        assert len(text) <= 512

    async def set_my_short_description(self, text: str, language_code: str | None) -> None:
        assert len(text) <= 120

    async def set_my_commands(
        self, commands: list[tuple[str, str]], scope: Any = None, language_code: str | None = None
    ) -> None:
        chat = scope.chat_id if isinstance(scope, BotCommandScopeChat) else None
        if chat == 404:
            raise BadRequest("chat not found")
        self.told[chat, language_code] = commands


def test_the_menu_is_set_for_all_and_with_more_for_admins() -> None:
    ears: Any = Ears()
    asyncio.run(set_menu(ears, [404, ROOT.id]))
    first = dict(ears.told)
    asyncio.run(set_menu(ears, [404, ROOT.id]))
    assert ears.told == first
    assert set(first) == {(None, None), (None, "zh"), (ROOT.id, None), (ROOT.id, "zh")}
    assert "log" not in dict(first[None, None]) and "log" in dict(first[ROOT.id, "zh"])
    assert dict(first[None, "zh"])["jobs"] == "本聊天的视频"
