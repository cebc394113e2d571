"""The updates that wait for the bot, with the server's own idea of which are confirmed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

FIRST = 700_000_001  # as unlike a message id as the real ones
KEPT_BACK = {"chat_member", "message_reaction", "message_reaction_count"}  # sent only to who asks for them


class Updates:
    """on_news: called with every update that comes, from any thread, the condition held."""

    def __init__(self, condition: threading.Condition) -> None:
        self._condition = condition
        self._ids = itertools.count(FIRST)
        self._allowed: set[str] = set()  # empty: all but KEPT_BACK
        self.all: dict[int, dict[str, Any]] = {}  # every update there ever was
        self.waiting: list[dict[str, Any]] = []  # not confirmed
        self.replayed: list[dict[str, Any]] = []  # to be delivered once more
        self.delivered: list[dict[str, Any]] = []  # of those: with the last answer
        self.polled = False  # whether a poll waits right now
        self.on_news: Callable[[], None] = lambda: None

    def add(self, kind: str, payload: dict[str, Any]) -> int:
        """Returns its id. Like the real server, drops what the bot does not want to hear of."""
        with self._condition:
            id = next(self._ids)
            update = {"update_id": id, kind: payload}
            self.all[id] = update
            if kind in self._allowed or (not self._allowed and kind not in KEPT_BACK):
                self.waiting.append(update)
            self._tell()
            return id

    def replay(self, update_id: int) -> None:
        """Comes once more with the next answer, whatever its offset."""
        with self._condition:
            self.replayed.append(self.all[update_id])
            self._tell()

    def allow(self, kinds: list[str] | None) -> None:
        """None: as it was. For updates that come from now on."""
        if kinds is not None:
            self._allowed = set(kinds)

    def confirm(self, offset: int) -> None:
        """All before offset are done with; a negative one leaves only the last -offset."""
        with self._condition:
            self.delivered.clear()
            if offset < 0:
                self.waiting = self.waiting[offset:]
            elif offset > 0:
                self.waiting = [u for u in self.waiting if u["update_id"] >= offset]
            self._condition.notify_all()

    def batch(self, limit: int, *, may_be_lost: bool) -> list[dict[str, Any]]:
        """may_be_lost: the answer may not arrive, so what is replayed comes with the next one, too."""
        with self._condition:
            again = self.replayed[:limit]
            if not may_be_lost:
                self.replayed = self.replayed[limit:]
                self.delivered += again
            return again + self.waiting[: limit - len(again)]

    def is_confirmed(self, update_id: int) -> bool:
        """Whether the bot has asked for later ones; of a replayed one: whether it has asked again since."""
        open_ones = self.waiting + self.replayed + self.delivered
        return update_id in self.all and all(u["update_id"] != update_id for u in open_ones)

    def set_polled(self, polled: bool) -> None:
        with self._condition:
            self.polled = polled
            self._condition.notify_all()

    @property
    def all_confirmed(self) -> bool:
        return not (self.waiting or self.replayed or self.delivered)

    def forget(self) -> None:
        with self._condition:
            self.waiting.clear()
            self._condition.notify_all()

    def _tell(self) -> None:
        self._condition.notify_all()
        self.on_news()
