"""What an errand works with. All that blocks is done in threads: the loop answers people meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from daemon.chats import Errand
from handlers.telegram.house import House
from handlers.telegram.line import Line
from handlers.telegram.store.ledger import Turn
from models.errors import Cancelled
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

    async def door(self, do: str, asked: dict[str, Any]) -> Any:
        """A function of handlers/telegram/door: "examine:examine"."""
        ask = self.house.lobby.at_the_door
        return await self.blocking(ask, f"handlers.telegram.door.{do}", asked, self.progress())

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
    def __init__(self, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping

    def step(self, done: float, total: float) -> None:
        self.check()

    def check(self) -> None:
        if self._stopping():
            raise Cancelled("The daemon is stopping")
