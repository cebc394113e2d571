"""All inboxes of the daemon: each in a thread of its own, so that a dead network disk stops only its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from daemon.config import Config, InboxSettings
from daemon.health.component import Component
from daemon.intakes import Intake
from daemon.queue import Queue
from handlers.inbox.house import House
from handlers.inbox.inbox import Inbox
from handlers.inbox.ledger import SOURCE, Ledger
from handlers.inbox.places import Places
from handlers.inbox.results.departure import Departure

STOP_S = 5.0


class Inboxes:
    """All may be called from any thread."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ledger = Ledger(house.queue, house.now)
        self._lock = threading.Lock()
        self._inboxes: dict[str, Inbox] = {}
        self._threads: list[tuple[Inbox, threading.Thread]] = []  # also of those that were told to leave off

    def start(self) -> None:
        with self._lock:
            for settings in self._house.config.inbox:
                self._open(settings)
        self._tell_of_strays()

    def stop(self) -> None:
        """Waits until all have left off; some seconds only."""
        with self._lock:
            self._close()
        until = time.monotonic() + STOP_S
        for _, thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    def reload(self, config: Config) -> None:
        """Takes up a new configuration: all begin anew, for all of it may matter to their jobs.

        Does not wait: each one begins when those before it have left off.
        """
        with self._lock:
            if config == self._house.config:
                return
            self._close()
            self._house = replace(self._house, config=config)
            for settings in config.inbox:
                self._open(settings)
        self._tell_of_strays()

    def job_left(self) -> None:
        """A job has ended."""
        for inbox in list(self._inboxes.values()):
            inbox.job_left()

    def away(self) -> dict[str, str]:
        """The source of the jobs whose files are not there now → why."""
        inboxes = list(self._inboxes.values())
        return {SOURCE + inbox.settings.name: inbox.why for inbox in inboxes if inbox.away and inbox.why}

    def bring_back(self, job_id: str) -> None:
        """A job is about to be worked on: if it came from an inbox, its files have to be there.

        Raises OSError, and Unavailable.
        """
        intake = _keeper(self._ledger, self._house.queue, job_id)
        inbox = self._inboxes.get(intake.inbox) if intake else None
        if intake and inbox:
            inbox.bring_back(job_id)

    def brief(self) -> list[dict[str, Any]]:
        """For `vigentd status`."""
        return [inbox.brief() for inbox in list(self._inboxes.values())]

    def health(self) -> Iterable[Component]:
        return [inbox.health() for inbox in list(self._inboxes.values())]

    def status(self) -> list[dict[str, Any]]:
        known = list(self._inboxes.values())
        return [inbox.status() for inbox in known] + strays(self._ledger, [i.settings.name for i in known])

    def _open(self, settings: InboxSettings) -> None:
        inbox = Inbox(settings, self._house)
        # One may hang in a dead disk: then only what watches the same folder waits for it.
        before = [thread for other, thread in self._threads if other.settings.path == settings.path]

        def run() -> None:
            for thread in before:
                thread.join()
            inbox.run()

        thread = threading.Thread(target=run, name=f"inbox-{settings.name}", daemon=True)
        self._inboxes[settings.name] = inbox
        self._threads = [*((i, t) for i, t in self._threads if t.is_alive()), (inbox, thread)]
        thread.start()

    def _close(self) -> None:
        for inbox in self._inboxes.values():
            inbox.leave()
        self._inboxes = {}

    def _tell_of_strays(self) -> None:
        for stray in strays(self._ledger, list(self._inboxes)):
            self._house.log.warning("inbox_gone", inbox=stray["name"], because=stray["why"])


def strays(ledger: Ledger, inboxes: list[str]) -> list[dict[str, Any]]:
    """Inboxes that are not configured any more, with something under way; as `Inbox.status`."""
    names = dict.fromkeys(intake.inbox for intake in ledger.astray(inboxes))
    why = "It is not in the configuration any more; put it back, and what it took up goes on"
    return [
        {
            "name": name,
            "state": "gone",
            "why": why,
            "path": "",
            "way": "",
            "arriving": [],
            "held": [],
            "at_work": ledger.at_work(name),
            "counts": ledger.counts(name),
        }
        for name in names
    ]


class Foreground:
    """What a command does about the files of a job that it works off itself, where there is no daemon."""

    def __init__(self, config: Config, queue: Queue) -> None:
        self._config = config
        self._queue = queue
        self._ledger = Ledger(queue)

    def bring_back(self, job_id: str) -> None:
        """Before the work. Raises OSError."""
        if found := self._departure(job_id):
            departure, intake = found
            departure.bring_back(intake)

    def leave(self, job_id: str) -> None:
        """After it. Raises OSError; then the daemon does it, when it runs."""
        if found := self._departure(job_id):
            departure, intake = found
            departure.leave(intake)

    def _departure(self, job_id: str) -> tuple[Departure, Intake] | None:
        intake = _keeper(self._ledger, self._queue, job_id)
        for settings in self._config.inbox:
            if intake and settings.name == intake.inbox:
                places = Places.of(settings)
                return Departure(self._config, self._queue, self._ledger, settings.name, places), intake
        return None


def _keeper(ledger: Ledger, queue: Queue, job_id: str) -> Intake | None:
    """The intake that has the files of the job, if it came from an inbox."""
    if not queue.get(job_id).source.startswith(SOURCE):
        return None
    keeper = ledger.keeper(job_id)
    return keeper[0] if keeper else None
