"""/health and /log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers.telegram.content import TEXT_CHARS
from tests.handlers.telegram.commanding import OFFICE, Bot
from tests.handlers.telegram.talking import GROUP, ROOT

HOST: dict[str, Any] = {
    "name": "speech",
    "state": "busy",
    "engine": "espeak",
    "device": "cpu",
    "rss": 2_100_000_000,
    "vram": 0,
}
STATUS: dict[str, Any] = {
    "pid": 4123,
    "version": "0.1.0",
    "started_at": "2026-11-22T01:30:00.000Z",
    "data_dir": "/data",
    "state": "working",
    "why": "",
    "hosts": [
        HOST,
        HOST | {"name": "lipsync", "state": "away", "engine": None, "device": None, "rss": None},
    ],
    "inboxes": [{"name": "daily", "state": "watching", "why": "", "held": 2}],
    "job": {"id": "abcd1234", "label": "News <1>", "stage": "lipsync", "progress": 0.456},
    "counts": {"queued": 3, "running": 1, "done": 7, "failed": 1, "cancelled": 0},
    "oldest_waiting": "2026-11-22T01:30:00.000Z",
    "free": 42_000_000_000,
    "telegram": {"state": "connected", "why": "", "name": "b", "waiting": 4, "errands": 2, "unsure": 1},
}


@pytest.fixture
def lines() -> list[str]:
    return [f'{n} "<script>" & more' for n in range(1000)]


@pytest.fixture
def bot(tmp_path: Path, lines: list[str]) -> Iterator[Bot]:
    bot = Bot(tmp_path, status=lambda: STATUS, log_tail=lambda n: "\n".join(lines[-n:]))
    yield bot
    bot.close()


def test_health_in_a_few_lines(bot: Bot) -> None:
    bot.says("/health", by=ROOT)
    seen = bot.sees(OFFICE)
    for part in (
        "vigentd: working",
        "process 4123",
        "abcd1234 News <1>: moving the lips, 46%",
        "3 waiting (the oldest since",
        "speech: busy (espeak, cpu, 2.1 GB)",
        "lipsync: away",
        "daily: watching, 2 held",
        "42 GB free",
        "4 messages",
    ):
        assert part in seen


def test_health_of_an_idle_machine(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    idle: dict[str, Any] = {
        "job": None,
        "oldest_waiting": None,
        "telegram": None,
        "started_at": None,
        "hosts": [],
        "inboxes": [],
    }
    monkeypatch.setattr("tests.handlers.telegram.test_commands_admin.STATUS", STATUS | idle)
    bot.says("/health", by=ROOT)
    assert "No video is being made." in bot.sees(OFFICE)


def test_log_shows_the_end_of_it(bot: Bot, lines: list[str]) -> None:
    bot.says("/log", by=ROOT)
    assert len(bot.sees(OFFICE).splitlines()) == 20 and lines[-1] in bot.sees(OFFICE)
    bot.says("/log 3", by=ROOT)
    assert bot.sees(OFFICE) == "\n".join(lines[-3:])
    bot.says("/log 500", by=ROOT)
    assert len(bot.sees(OFFICE)) == 3500 < TEXT_CHARS and bot.sees(OFFICE).endswith(lines[-1])


def test_log_wants_a_number(bot: Bot) -> None:
    for n, given in enumerate(("0", "-1", "x", "501", "9" * 40, "²"), 1):
        bot.says(f"/log {given}", by=ROOT)
        assert bot.sees_all(OFFICE).count("from 1 to 500") == n, given


def test_an_empty_log(bot: Bot, lines: list[str]) -> None:
    lines.clear()
    bot.says("/log", by=ROOT)
    assert "The log is empty" in bot.sees(OFFICE)


def test_for_others_these_commands_do_not_exist(bot: Bot) -> None:
    for command in ("health", "log", "allow 5", "deny 5"):
        bot.says(f"/{command}")
    assert set(bot.sees_all().split("\n\n")) == {"There is no such command. /help shows all of them."}


def test_not_for_the_eyes_of_a_group(bot: Bot) -> None:
    for command in ("health", "log"):
        bot.says(f"/{command}", by=ROOT, where=GROUP)
    words = "That is not for a group: ask me in a private chat."
    assert bot.sees_all(GROUP).split("\n\n") == [words, words]
