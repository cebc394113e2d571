"""What errors mean: those of a real connection, and those that telegram makes of answers."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)

from daemon.config import TelegramSettings
from handlers.telegram.courier.outcome import (
    Hold,
    Missing,
    Moved,
    NoThread,
    NotSent,
    Outcome,
    Refused,
    Same,
    Unknown,
    Unlike,
    judge,
)
from handlers.telegram.line import Line, ServerTrouble, TooLarge, TooMany, build, scrub
from tests.handlers.telegram.botapi import BotApi, Fault

TOKEN = "7600000001:AAFfakeTokenOfTheFakeServer_0123456"


def caused(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TooMany(7), Hold(7, "Too many requests: not before 7 s")),
        (ChatMigrated(-100), Moved(-100)),
        (InvalidToken(), Hold(60, "Telegram does not know the bot's token", everywhere=True)),
        (Forbidden("bot was blocked by the user"), Refused("bot was blocked by the user", gone=True)),
        (TooLarge("Request Entity Too Large"), Refused("the file is too big", too_large=True)),
        (BadRequest("Message is not modified: specified new message content"), Same()),
        (BadRequest("Message to edit not found"), Missing()),
        (BadRequest("Message to delete not found"), Missing()),
        (BadRequest("There is no text in the message to edit"), Unlike()),
        (BadRequest("Message thread not found"), NoThread()),
        (BadRequest("Chat not found"), Refused("chat not found", gone=True)),
        (BadRequest("Can't parse entities: x"), Refused("Can't parse entities: x")),
        (ServerTrouble(503), NotSent("Telegram's server has trouble (503)")),
        (ServerTrouble(502), Unknown("Telegram's server has trouble (502)")),
        (ServerTrouble(504), Unknown("Telegram's server has trouble (504)")),
        (caused(NetworkError("x"), httpx.ConnectError("x")), NotSent("x")),
        (caused(TimedOut("x"), httpx.ConnectTimeout("x")), NotSent("x")),
        (caused(TimedOut("x"), httpx.PoolTimeout("x")), NotSent("x")),
        (caused(TimedOut("x"), httpx.WriteTimeout("x")), NotSent("x")),
        (caused(NetworkError("x"), httpx.WriteError("x")), NotSent("x")),
        (caused(TimedOut("x"), httpx.ReadTimeout("x")), Unknown("x")),
        (caused(NetworkError("x"), httpx.ReadError("x")), Unknown("x")),
        (caused(NetworkError("x"), httpx.RemoteProtocolError("x")), Unknown("x")),
        (TelegramError("Invalid server response"), Unknown("Invalid server response")),
        (asyncio.CancelledError(), Unknown("vigentd was stopped")),
        (FileNotFoundError(2, "gone"), Refused("the file is not there any more")),
        (OSError(5, "Input/output error"), NotSent("the file cannot be read: Input/output error")),
    ],
)  # fmt: skip
def test_what_it_means(error: BaseException, outcome: Outcome) -> None:
    assert judge(error, TOKEN) == outcome


def test_a_file_that_was_not_given_to_its_end_did_not_arrive() -> None:
    broken = caused(NetworkError("x"), httpx.ReadError("x"))
    assert judge(broken, TOKEN, whole=False) == NotSent("x")
    assert judge(asyncio.CancelledError(), TOKEN, whole=False) == NotSent("vigentd was stopped")


def test_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(KeyError):
        judge(KeyError("x"), TOKEN)


def test_no_token_in_any_word() -> None:
    address = f"https://api.telegram.org/bot{TOKEN}/getMe"
    got = judge(caused(NetworkError(f"httpx.ReadError: {address}"), httpx.ReadError("x")), TOKEN)
    assert isinstance(got, Unknown)
    assert TOKEN not in got.why and "api.telegram.org" in got.why
    assert TOKEN.partition(":")[2] not in scrub(f"quoted {TOKEN.replace(':', '%3A')}", TOKEN)
    other = "123456789:AAExampleOfATokenOfSomebodyElse1234"
    assert other not in scrub(f"The token `{other}` was rejected", "")


def told(base_url: str, call: Callable[[Line], Awaitable[Any]]) -> Outcome:
    async def ask() -> Outcome:
        line = build(TelegramSettings(base_url=base_url), TOKEN)
        try:
            await call(line)
        except TelegramError as e:
            return judge(e, TOKEN)
        finally:
            await line.hang_up()
        raise AssertionError("it went well")

    return asyncio.run(ask())


async def hello(line: Line) -> None:
    await line.send_message(7, "Hello")


def test_real_faults() -> None:
    with BotApi(token=TOKEN) as api:
        api.person(7, "Anna")
        expected: list[tuple[Any, type]] = [
            ("too_many", Hold),
            ("error", NotSent),
            ("bad_gateway", Unknown),
            ("drop_after", Unknown),
            ("drop_before", Unknown),  # nobody can tell it from the one above
        ]
        for kind, outcome in expected:
            api.faults.add(Fault("sendMessage", kind, retry_after=9))
            assert isinstance(told(api.base_url, hello), outcome), kind
        api.down()
        assert isinstance(told(api.base_url, hello), NotSent)


def test_a_name_that_nobody_knows_was_not_reached() -> None:
    assert isinstance(told("http://nowhere.invalid/bot", hello), NotSent)


def test_a_door_that_hangs_up_says_nothing_of_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """And neither do the libraries, at whatever level."""
    caplog.set_level(logging.INFO)
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"http://127.0.0.1:{door.getsockname()[1]}/bot"
        door.close()
        got = told(address, hello)
    assert TOKEN not in repr(got)
    assert TOKEN not in caplog.text
