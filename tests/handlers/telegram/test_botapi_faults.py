"""The faults of the fake server: each does what it is said to do, and what was done stands in the chat."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from telegram import Bot
from telegram.error import NetworkError, RetryAfter, TimedOut

from tests.handlers.telegram.botapi import BotApi, Fault, Kind, Storm
from tests.handlers.telegram.botapi.server import HOST
from tests.handlers.telegram.botapi_kit import ask, refusal, updates


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        api.person(7, "Anna")
        yield api


def send(bot: Bot) -> asyncio.Future[object]:
    return asyncio.ensure_future(bot.send_message(7, "x"))


@pytest.mark.parametrize(
    ("kind", "why", "done"),
    [
        ("error", "Internal Server Error", False),
        ("bad_gateway", "Bad Gateway", False),
        ("drop_before", "disconnected", False),
        ("drop_after", "disconnected", True),
    ],
)
def test_a_fault_does_what_it_says(api: BotApi, kind: Kind, why: str, done: bool) -> None:
    api.faults.add(Fault("send*", kind))
    e = refusal(api, send)
    assert isinstance(e, NetworkError)
    assert why in str(e)
    assert [m.fault for m in api.chat(7).messages] == ([kind] if done else [])
    (call,) = api.calls.of("sendMessage")
    assert (call.outcome, call.done, call.chat_id) == (kind, done, 7)
    ask(api, send)  # once only
    assert api.chat(7).messages[-1].fault is None
    assert api.faults.struck == [("sendMessage", kind)]


def test_too_many_says_how_long(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # else the library warns
    api.faults.add(Fault("sendMessage", "too_many", retry_after=7))
    e = refusal(api, send)
    assert isinstance(e, RetryAfter)
    assert "7" in str(e)
    assert not api.chat(7).messages


def test_who_does_not_wait_for_a_late_answer_finds_it_done(api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "late", seconds=30))
    e = refusal(api, send, read_timeout=0.1)
    assert isinstance(e, TimedOut)
    assert [m.fault for m in api.chat(7).messages] == ["late"]


@pytest.mark.parametrize("kind", ["late", "slow"])
def test_who_waits_gets_the_answer(api: BotApi, kind: Kind) -> None:
    api.faults.add(Fault("sendMessage", kind, seconds=0.2))
    began = time.monotonic()
    ask(api, send)
    assert time.monotonic() - began > 0.2
    assert [m.fault for m in api.chat(7).messages] == [kind]


def test_an_edit_in_spite_of_a_fault_is_noted(api: BotApi) -> None:
    id = ask(api, lambda bot: bot.send_message(7, "x")).message_id
    api.faults.add(Fault("edit*", "drop_after"))
    refusal(api, lambda bot: bot.edit_message_text("y", 7, id))
    (message,) = api.chat(7).messages
    assert (message.text, message.fault, message.edits[0].fault) == ("y", None, "drop_after")


def test_faults_wait_and_count(api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "error", times=2, after=1))

    async def script(bot: Bot) -> str:
        seen = ""
        for _ in range(5):
            try:
                await bot.send_message(7, "x")
                seen += "."
            except NetworkError:
                seen += "!"
        return seen

    assert ask(api, script) == ".!!.."
    assert api.faults.are_over


def test_a_download_can_break_in_the_middle(api: BotApi) -> None:
    media = api.person(7, "Anna").send_document(b"x" * 1_000_000, "big.bin").media
    assert media is not None

    async def download(bot: Bot) -> int:
        return len(await (await bot.get_file(media.file.id)).download_as_bytearray())

    for kind in ("drop_after", "drop_before", "bad_gateway"):
        api.faults.add(Fault("download", kind))
        assert isinstance(refusal(api, download), NetworkError), kind
    assert ask(api, download) == 1_000_000
    assert [c.outcome for c in api.calls.of("download")] == ["drop_after", "drop_before", "bad_gateway", "ok"]


def test_a_poll_whose_answer_is_lost_confirms_nothing(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    first, second = anna.send_text("a").update_id, anna.send_text("b").update_id
    updates(api, offset=second)
    api.replay(first)
    api.faults.add(Fault("getUpdates", "drop_after"))
    assert isinstance(refusal(api, lambda bot: bot.get_updates()), NetworkError)
    assert [u.update_id for u in updates(api)] == [first, second]


def test_down_breaks_polls_and_refuses_and_up_is_the_same_again(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    base_url = api.base_url

    async def script(bot: Bot) -> list[str]:
        seen = []
        poll = asyncio.create_task(bot.get_updates(timeout=30))
        await asyncio.to_thread(api.wait_until_polled)
        await asyncio.to_thread(api.down)
        for attempt in (poll, send(bot)):
            with pytest.raises(NetworkError) as e:
                await attempt
            seen.append(str(e.value))
        anna.send_text("while it was down")
        await asyncio.to_thread(api.up)
        await bot.send_message(7, "back")
        seen += [u.message.text or "" for u in await bot.get_updates() if u.message]
        return seen

    broken, refused, late = ask(api, script)
    assert "isconnected" in broken or "ReadError" in broken
    assert "ConnectError" in refused
    assert late == "while it was down"
    assert api.base_url == base_url
    api.down()
    api.down()
    api.up()
    api.up()
    ask(api, send)


def test_who_connects_while_it_goes_down_is_let_go(api: BotApi) -> None:
    """What were left open would be a warning in whichever test the garbage is collected in."""
    over = threading.Event()

    def knock() -> None:
        while not over.is_set():
            with socket.socket() as bot, suppress(OSError):
                bot.connect((HOST, api.port))

    with ThreadPoolExecutor(2) as bots:
        knocking = [bots.submit(knock) for _ in range(2)]
        for _ in range(200):
            api.down()
            api.up()
        over.set()
    assert not any(bot.exception() for bot in knocking)
    gc.collect()  # pytest fails for a connection that is collected open


def test_a_storm_comes_again_with_its_seed_whatever_happens_between() -> None:
    def course(storm: Storm, between: int) -> list[str]:
        out: list[str] = []
        for _ in range(200):
            for _ in range(between):
                storm.strike("getUpdates")
            fault = storm.strike("sendMessage")
            out.append(fault.kind if fault else "")
        return out

    first = course(Storm(1, 0.3), 0)
    assert first == course(Storm(1, 0.3), 3)
    assert first != course(Storm(2, 0.3), 0)
    assert 30 < sum(map(bool, first)) < 90
    assert len(set(first)) == 8  # all seven kinds, and none
    limited = Storm(1, 1.0, ["send*"], ["error"], most=2)
    assert limited.strike("getMe") is None
    assert course(limited, 0)[:3] == ["error", "error", ""]
    assert limited.is_over


def test_what_a_storm_left_done_stands_in_the_chat(api: BotApi) -> None:
    api.faults.add(Storm(3, 0.5, ["send*"], ["error", "drop_before", "drop_after", "bad_gateway"]))

    async def script(bot: Bot) -> list[str]:
        told = []
        for n in range(60):
            try:
                told.append((await bot.send_message(7, str(n))).text or "")
            except NetworkError:
                continue
        return told

    told = ask(api, script)
    there = api.chat(7).messages
    assert [m.text for m in there if m.fault is None] == told
    assert {m.fault for m in there} == {None, "drop_after"}
    assert len(there) + sum(not c.done for c in api.calls.of("sendMessage")) == 60


def test_a_fault_of_an_unknown_kind_is_a_mistake_of_the_test() -> None:
    with pytest.raises(ValueError, match="'dropp' is no kind of fault"):
        Fault("send*", "dropp")  # type: ignore[arg-type]
