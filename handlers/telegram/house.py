"""What the daemon lends to the bot."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from daemon.config import Config
from daemon.logs.tell import Tell
from daemon.queue import Queue
from handlers.telegram.choices import Choices
from handlers.telegram.places import Places
from handlers.telegram.publishing import Publishing
from handlers.telegram.store.ledger import Ledger
from models.progress import Progress
from pipeline.job import Job
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

__all__ = ["CLOUD_DOWNLOAD", "CLOUD_UPLOAD", "LOCAL_BYTES", "FileLimits", "House", "Lobby", "Publishing"]

CLOUD_DOWNLOAD, CLOUD_UPLOAD = 20_000_000, 50_000_000
LOCAL_BYTES = 2_000_000_000


class Lobby(Protocol):
    """daemon.engines.hosts.Hosts. All of it blocks: not for the thread of the bot's loop."""

    def at_the_door(self, do: str, asked: dict[str, Any], progress: Progress) -> Any:
        """A function of ours, "module:name", in a process of its own: what takes seconds."""

    def aside(self, do: str, asked: dict[str, Any], progress: Progress) -> Any:
        """The same, in another process: what takes minutes, and must keep nobody at the door waiting."""

    def open_door(self) -> None:
        """Somebody is about to come."""

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job: ...

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made: ...


@dataclass(frozen=True)
class FileLimits:
    """Bytes that the bot may fetch, and send."""

    download: int = CLOUD_DOWNLOAD
    upload: int = CLOUD_UPLOAD


@dataclass(frozen=True)
class House:
    """changed: told of a job that was put into the queue, cancelled, or retried; None: look at all of them.
    status: as `vigentd status --json` prints it. log_tail: the last lines of the daemon's log, masked.
    choices: what the door said last; all empty until then. publishing: None: not here.

    clock: monotonic seconds. now: the time, with its zone.
    """

    config: Config
    queue: Queue
    ledger: Ledger
    lobby: Lobby
    log: Tell
    places: Places
    limits: FileLimits = FileLimits()
    publishing: Publishing | None = None
    changed: Callable[[str | None], None] = lambda _: None
    status: Callable[[], dict[str, Any]] = dict
    log_tail: Callable[[int], str] = lambda _: ""
    choices: Callable[[], Choices] = Choices
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    @property
    def inbox(self) -> Path | None:
        """A watched folder, for what is too large for Telegram."""
        return self.config.inbox[0].path if self.config.inbox else None
