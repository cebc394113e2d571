"""The fake Bot API server: its door, its long poll, what it leaves behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
)
from telegram.error import Conflict, InvalidToken

from tests.handlers.telegram.botapi import BotApi
from tests.handlers.telegram.botapi_kit import ask, refusal, updates


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        api.person(7, "Anna")
        yield api


# --- the door


def test_a_wrong_token_and_a_wrong_method_are_refused_as_by_the_real_one(api: BotApi) -> None:
    answer = httpx.post(f"{api.base_url}1:wrong/getMe")
    assert answer.status_code == 401
    assert answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
    assert httpx.get(f"{api.base_url}{api.token}/getCake").json()["error_code"] == 404


def test_the_library_knows_a_wrong_token_by_the_answer(api: BotApi) -> None:
    token, api.token = api.token, "1:wrong"
    assert isinstance(refusal(api, lambda bot: bot.get_me()), InvalidToken)
    api.token = token
    ask(api, lambda bot: bot.get_me())


def test_every_way_of_sending_parameters_is_read(api: BotApi) -> None:
    url, params = f"{api.base_url}{api.token}/sendMessage", {"chat_id": "7", "text": "Grüße & 你好"}
    httpx.get(url, params=params)
    httpx.post(url, data=params)
    httpx.post(url, json={"chat_id": 7, "text": params["text"]})
    httpx.post(url, data=params, files={"unused": b"x"})
    httpx.post(url.replace("sendMessage", "SENDMESSAGE"), data=params)
    assert [m.text for m in api.chat(7).messages] == ["Grüße & 你好"] * 5


def test_nothing_is_left_on_the_disk_and_no_thread_stays(tmp_path: Path) -> None:
    with BotApi() as api:
        api.person(7, "Anna")
        ask(api, lambda bot: bot.send_document(7, b"kept"))
        refusal(api, lambda bot: bot.send_video(8, b"refused"))
        folder = api.state.files.folder
        assert not list((folder / "uploads").iterdir())
        assert [p.read_bytes() for p in (folder / "documents").iterdir()] == [b"kept"]
    assert not folder.exists()
    assert "botapi" not in [t.name for t in threading.enumerate()]


def test_it_starts_by_hand() -> None:
    command = [sys.executable, "-m", "tests.handlers.telegram.botapi"]
    told = subprocess.run(command, input="Hello\n\n", capture_output=True, text=True, timeout=20, check=True)
    assert "base_url       http://127.0.0.1:" in told.stdout
    assert "1 Anna: Hello" in told.stdout
    assert not told.stderr


# --- getUpdates


def test_an_offset_confirms_all_before_it(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    ids = [anna.send_text(str(n)).update_id for n in range(3)]
    assert [u.update_id for u in updates(api, limit=2)] == ids[:2]
    assert [u.update_id for u in updates(api)] == ids  # asking confirms nothing
    assert [u.update_id for u in updates(api, offset=ids[1])] == ids[1:]
    api.wait_until_confirmed(ids[0], timeout=0)
    with pytest.raises(AssertionError, match="was not confirmed"):
        api.wait_until_confirmed(ids[1], timeout=0)
    assert [u.update_id for u in updates(api, offset=-1)] == ids[2:]
    assert updates(api, offset=ids[2] + 1) == ()


def test_a_long_poll_returns_as_soon_as_something_comes(api: BotApi) -> None:
    anna = api.person(7, "Anna")

    async def script(bot: Bot) -> tuple[int, float]:
        poll = asyncio.create_task(bot.get_updates(timeout=30))
        await asyncio.to_thread(api.wait_until_polled)
        began = time.monotonic()
        anna.send_text("now")
        got = await poll
        return len(got), time.monotonic() - began

    number, took = ask(api, script)
    assert number == 1
    assert took < 20
    began = time.monotonic()
    assert updates(api, offset=2_000_000_000, timeout=1) == ()
    assert 0.9 < time.monotonic() - began < 10


def test_a_second_poll_ends_the_first(api: BotApi) -> None:
    async def script(bot: Bot) -> list[Any]:
        first = asyncio.create_task(bot.get_updates(timeout=30))
        await asyncio.to_thread(api.wait_until_polled)
        second = await bot.get_updates(timeout=0)
        return [second, *await asyncio.gather(first, return_exceptions=True)]

    second, first = ask(api, script)
    assert second == ()
    assert isinstance(first, Conflict)
    assert "terminated by other getUpdates request" in str(first)


def test_only_wanted_kinds_come(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    updates(api, allowed_updates=["message"])
    anna.edit(anna.send_text("a"), "b")
    assert [u.message is not None for u in updates(api)] == [True]
