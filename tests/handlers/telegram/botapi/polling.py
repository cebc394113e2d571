"""getUpdates: the long poll."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.handlers.telegram.botapi.errors import ApiError, bad
from tests.handlers.telegram.botapi.parsing import Request
from tests.handlers.telegram.botapi.state import State

TAKEN_OVER = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
LONGEST_S = 50


class Polling:
    """One poll at a time: the next one ends it. Lives on the loop it was made on."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Future[None] | None = None  # what the poll now waits for
        self._polls = 0
        state.updates.on_news = self._tell

    async def get_updates(self, request: Request) -> list[dict[str, Any]]:
        """Raises ApiError 409 when another poll has come."""
        updates = self._state.updates
        limit = min(max(request.integer("limit") or 100, 1), 100)
        allowed = request.data("allowed_updates")
        if allowed is not None and not isinstance(allowed, list):
            raise bad("can't parse allowed updates JSON object")
        updates.allow(allowed)
        updates.confirm(request.integer("offset") or 0)
        self._polls += 1
        this = self._polls
        self._wake()
        deadline = self._loop.time() + min(request.integer("timeout") or 0, LONGEST_S)
        while True:
            news = self._news = self._loop.create_future()
            left = deadline - self._loop.time()
            if (batch := updates.batch(limit, may_be_lost=request.fault is not None)) or left <= 0:
                return batch
            updates.set_polled(True)
            try:
                await asyncio.wait([news], timeout=left)
            finally:
                updates.set_polled(False)
            if this != self._polls:
                raise ApiError(409, TAKEN_OVER)

    def _tell(self) -> None:
        """From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
