"""What an errand works with. All that blocks is done in threads: the loop answers people meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from daemon.chats import Errand
from handlers.telegram.house import House
from handlers.telegram.line import Line
from handlers.telegram.store.ledger import Turn
from models.errors import Cancelled, Unavailable
from models.progress import Quiet

T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """stopping: whether the daemon is about to end. threads: for errands alone."""

    house: House
    bot: Line
    threads: Executor
    stopping: Callable[[], bool]

    async def blocking(self, do: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, do, *given)

    async def door(self, do: str, asked: dict[str, Any], limit_s: float | None = None) -> Any:
        """A function of handlers/telegram/door: "examine:examine". limit_s: from its first step on.

        Raises Unavailable `check_timeout`, and what the function raises."""
        ask = self.house.lobby.at_the_door
        progress = UntilStopped(self.stopping, limit_s)
        return await self.blocking(ask, f"handlers.telegram.door.{do}", asked, progress)

    async def aside(self, do: str, asked: dict[str, Any]) -> Any:
        """The same, for what takes minutes."""
        ask = self.house.lobby.aside
        return await self.blocking(ask, f"handlers.telegram.door.{do}", asked, self.progress())

    async def look(self, read: Callable[[Turn], T]) -> T:
        """What `read` gives, of the database as it is now."""

        def reading() -> T:
            with self.house.ledger.look() as turn:
                return read(turn)

        return await self.blocking(reading)

    async def finish(self, errand: Errand, outcome: Callable[[Turn], object] = lambda _: None) -> None:
        """In one transaction: what came of it, and that it is done."""

        def writing() -> None:
            with self.house.ledger.turn() as turn:
                outcome(turn)
                turn.errands.done(errand)

        await self.blocking(writing)

    def progress(self) -> UntilStopped:
        """For whatever is asked of a process: it is not waited for any longer when the daemon ends."""
        return UntilStopped(self.stopping)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration for the door; its secrets are masked."""
        return self.house.config.model_dump(mode="json")


class UntilStopped(Quiet):
    """limit_s: for all of it, counted from its first step: before, it may have waited for others."""

    def __init__(
        self,
        stopping: Callable[[], bool],
        limit_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stopping = stopping
        self._limit_s = limit_s
        self._clock = clock
        self._until: float | None = None

    def step(self, done: float, total: float) -> None:
        if self._until is None and self._limit_s is not None:
            self._until = self._clock() + self._limit_s
        self.check()

    def check(self) -> None:
        if self._stopping():
            raise Cancelled("The daemon is stopping")
        if self._until is not None and self._clock() > self._until:
            raise Unavailable(
                f"It could not be looked at within {self._limit_s:.0f} s",
                code="check_timeout",
                hint="Send other files, or try again.",
            )
