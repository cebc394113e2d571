"""What the daemon lends to its inboxes."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from daemon.config import Config
from daemon.logs.tell import Tell
from daemon.queue import Queue
from handlers.inbox.reception import Door


class Lobby(Door, Protocol):
    def open_door(self) -> None:
        """Somebody is about to come."""


@dataclass(frozen=True)
class House:
    """changed: told of a job that was put into the queue. happened: gets what is told to listeners.

    clock: monotonic seconds. now: the time, with its zone. chance: a random number below the one given.
    """

    config: Config
    queue: Queue
    door: Lobby
    log: Tell
    changed: Callable[[str], None] = lambda _: None
    happened: Callable[[dict[str, Any]], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    chance: Callable[[int], int] = secrets.randbelow
