"""How the tests of the fake server talk to it: with the library that the real bot uses."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from PIL import Image
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from tests.handlers.telegram.botapi import BotApi

T = TypeVar("T")


def ask(api: BotApi, script: Callable[[Bot], Awaitable[T]], *, read_timeout: float = 5.0) -> T:
    """Runs script(bot) with a Bot of its own."""

    async def run() -> T:
        quick = {"verify": False}  # reading the certificates of the world takes longer than most tests
        requests = [HTTPXRequest(read_timeout=read_timeout, httpx_kwargs=quick) for _ in range(2)]
        bot = Bot(
            api.token,
            base_url=api.base_url,
            base_file_url=api.base_file_url,
            request=requests[0],
            get_updates_request=requests[1],
            local_mode=api.state.local_mode,
        )
        async with bot:
            return await script(bot)

    return asyncio.run(run())


def refusal(api: BotApi, script: Callable[[Bot], Awaitable[Any]], **more: Any) -> TelegramError:
    """The error that script(bot) ends with."""
    try:
        ask(api, script, **more)
    except TelegramError as e:
        return e
    raise AssertionError("it was not refused")


def updates(api: BotApi, **more: Any) -> tuple[Update, ...]:
    return ask(api, lambda bot: bot.get_updates(**more))


@contextmanager
def answering(api: BotApi, handle: Callable[[Bot, Update], Awaitable[Any]]) -> Iterator[None]:
    """A bot at work in a thread: every update goes to handle(bot, update)."""
    stopping = threading.Event()

    async def work(bot: Bot) -> None:
        offset = 0
        while not stopping.is_set():
            for update in await bot.get_updates(offset=offset, timeout=0):
                await handle(bot, update)
                offset = update.update_id + 1
            await asyncio.sleep(0.005)

    thread = threading.Thread(target=lambda: ask(api, work))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(60)


def picture(width: int = 64, height: int = 48, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


def buttons(*data: str) -> InlineKeyboardMarkup:
    """One row."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(d.title(), callback_data=d) for d in data]])
