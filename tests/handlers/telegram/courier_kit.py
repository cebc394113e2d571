"""A courier at work: a real database, the fake Bot API server, and a clock that may run faster than ours.

with BotApi() as api, Office(tmp_path, api) as office:
    office.want("hello", "Good morning")
    with office.courier():
        api.chat(7).wait_for(...)
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr

from daemon.chats import ChatMessage
from daemon.config import Config, TelegramSettings
from daemon.queue import Queue
from handlers.telegram.content import Button, Content, Rank
from handlers.telegram.courier.courier import Courier
from handlers.telegram.house import House
from handlers.telegram.line import Line, build
from handlers.telegram.places import Places
from handlers.telegram.store.ledger import Ledger
from tests.database_kit import lay_database
from tests.handlers.telegram.botapi import BotApi
from tests.handlers.telegram.talking import Forbidden
from tests.log_kit import Written

BEGINNING = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)
TICK_S = 0.005


class Time:
    """speed: seconds of theirs in one of ours."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._start = time.monotonic()

    def clock(self) -> float:
        return 1000.0 + (time.monotonic() - self._start) * self.speed

    def now(self) -> dt.datetime:
        return BEGINNING + dt.timedelta(seconds=self.clock())


class Office:
    """house, queue, ledger: real. api: has to be running."""

    def __init__(self, folder: Path, api: BotApi, *, times: Time | None = None) -> None:
        self.api = api
        self.times = times or Time()
        self.config = Config(
            data_dir=folder,
            telegram=TelegramSettings(
                token=SecretStr(api.token),
                base_url=api.base_url,
                base_file_url=api.base_file_url,
                local_mode=api.state.local_mode,
            ),
        )
        if not (folder / "vigentd.db").exists():
            lay_database(folder / "vigentd.db")
        self.queue = Queue(folder / "vigentd.db", now=self.times.now, busy_s=1.0)
        self.ledger = Ledger(self.queue, self.times.now)
        self.log = Written()
        self.house = House(
            config=self.config,
            queue=self.queue,
            ledger=self.ledger,
            lobby=Forbidden(),
            log=self.log,
            places=Places(folder / "telegram"),
            clock=self.times.clock,
            now=self.times.now,
        )
        self.now_at_work: Courier | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.queue.close()

    def line(self) -> Line:
        return build(self.config.telegram, self.api.token)

    # ------------------------------------------------------------ what is wanted

    def want(
        self,
        key: str,
        content: Content | str,
        *,
        chat_id: int = 7,
        rank: Rank = Rank.ANSWER,
        repeatable: bool = True,
        **more: Any,
    ) -> None:
        shown = Content(content) if isinstance(content, str) else content
        with self.ledger.turn() as turn:
            turn.messages.post(chat_id, key, shown, rank=rank, repeatable=repeatable, **more)
        self.nudge()

    def remove(self, key: str) -> None:
        with self.ledger.turn() as turn:
            turn.messages.remove(key)
        self.nudge()

    def nudge(self) -> None:
        if self.now_at_work is not None:
            self.now_at_work.nudge()

    def row(self, key: str) -> ChatMessage:
        with self.ledger.look() as turn:
            row = turn.messages.of_key(key)
        assert row is not None, f"there is no message {key}"
        return row

    def until(self, key: str, fits: Callable[[ChatMessage], bool], timeout: float = 60.0) -> ChatMessage:
        deadline = time.monotonic() + timeout
        while not fits(row := self.row(key)):
            assert time.monotonic() < deadline, f"{row!r}\n{self.api}\n{self.log.lines}"
            time.sleep(TICK_S)
        return row

    def until_state(self, key: str, state: str) -> ChatMessage:
        return self.until(key, lambda row: row.state == state)

    # ------------------------------------------------------------ at work

    @contextmanager
    def courier(self) -> Iterator[Courier]:
        """In a thread of its own, as in the daemon; ended as there."""
        line = self.line()
        courier = Courier(line, self.house)

        async def run() -> None:
            ticking = asyncio.create_task(self._tick(courier))
            try:
                await courier.run()
            finally:
                ticking.cancel()
                await line.hang_up()

        with in_a_thread(run):
            self.now_at_work = courier
            try:
                yield courier
            finally:
                self.now_at_work = None

    async def _tick(self, courier: Courier) -> None:
        """Waits are counted in their time: with a fast clock somebody has to look oftener."""
        while self.times.speed != 1.0:
            await asyncio.sleep(TICK_S)
            courier.nudge()


@contextmanager
def in_a_thread(run: Callable[[], Coroutine[Any, Any, None]]) -> Iterator[asyncio.AbstractEventLoop]:
    """Cancelled at the end; what it raises is raised here."""
    loop = asyncio.new_event_loop()
    begun: list[asyncio.Task[None]] = []
    broken: list[BaseException] = []

    def work() -> None:
        asyncio.set_event_loop(loop)
        begun.append(loop.create_task(run()))
        with suppress(asyncio.CancelledError):
            try:
                loop.run_until_complete(begun[0])
            except Exception as e:
                broken.append(e)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=work, name="telegram")
    thread.start()
    try:
        yield loop
    finally:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: begun[0].cancel())
        thread.join(60)
        assert not thread.is_alive(), "it does not end"
    if broken:
        raise broken[0]


def button(text: str, data: str) -> tuple[tuple[Button, ...], ...]:
    return ((Button(text, data),),)
