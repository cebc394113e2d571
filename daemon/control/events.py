"""What happens in the daemon, told to whoever listens.

    job        the whole job, as `job_json` gives it       at each change of its state
    progress   job, stage, progress, eta_s, loading        milestone   job, name, facts
    host       name, state, …                              queue       why, counts
    inbox      inbox, what (taken, held, settled, …)        lagged     dropped: you were too slow, look again
    alarm      key, message, hint, over

Events are hints: they say when to look, and the database says what is. So a listener may be slow, or
away for a while, and still end up knowing what matters.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from daemon.jobs import iso

SIZE = 256  # events that a listener may be behind


@dataclass(frozen=True)
class Event:
    """at: when, ISO 8601 in UTC. facts: values that JSON knows; nobody changes them any more."""

    name: str
    at: str
    facts: dict[str, Any]


class Events:
    """now: the time, with its zone."""

    def __init__(self, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()

    def publish(self, name: str, /, **facts: Any) -> None:
        """From any thread; never waits for a listener, and never fails because of one."""
        event = Event(name, iso(self._now()), facts)
        for subscription in self._subscriptions:
            subscription._put(event)

    def subscribe(self, notify: Callable[[], None] | None = None, size: int = SIZE) -> Subscription:
        """Everything that is published from now on, until the subscription is closed.

        notify: called, in the thread that publishes, when there is something to take and was nothing
        before; it must not wait.
        """
        subscription = Subscription(notify, size, self._forget)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)


class Subscription:
    """What one listener has not taken yet; of events that replace each other, only the newest."""

    def __init__(
        self, notify: Callable[[], None] | None, size: int, forget: Callable[[Subscription], None]
    ) -> None:
        self._notify = notify
        self._size = size
        self._forget = forget
        self._changed = threading.Condition()  # reentrant: a signal handler may publish meanwhile
        self._waiting: dict[Hashable, Event] = {}  # in the order of their arrival
        self._numbers = itertools.count()
        self._dropped = 0
        self._closed = False

    def take(self, timeout_s: float) -> list[Event]:
        """All that has come since the last time, in order; waits for the first one. [] after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s)
            taken = list(self._waiting.values())
            self._waiting, self._dropped = {}, 0
        return taken

    def close(self) -> None:
        """Nothing comes any more; who waits in `take` returns."""
        self._forget(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, event: Event) -> None:
        with self._changed:
            was_empty = not self._waiting
            key = _replaces(event) or next(self._numbers)
            self._waiting.pop(key, None)  # the new one stands at the end, behind what came before it
            if len(self._waiting) >= self._size:
                self._dropped += len(self._waiting) - ("lagged" in self._waiting)
                self._waiting = {"lagged": Event("lagged", event.at, {"dropped": self._dropped})}
            self._waiting[key] = event
            self._changed.notify_all()
        if was_empty and self._notify is not None:
            with contextlib.suppress(Exception):  # its event loop is closed: it will not listen any more
                self._notify()


def _replaces(event: Event) -> Hashable | None:
    """What an event is the newest word about; None: every word counts."""
    if event.name == "progress":
        return "progress", event.facts.get("job")
    return event.name if event.name == "queue" else None
