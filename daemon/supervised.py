"""Tells systemd how the daemon is: that it is fit, and what it does. Each has a thread of its own, for the
one must not wait for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from daemon.lane import Doing
from daemon.sd_notify import Notifier
from pipeline.progress import Snapshot

STATUS_EVERY_S = 2.0
FEEDS = 4  # for each span of the watchdog: so many may be missed, but one


class Supervised:
    """fit: whether loop, database and worker pass, from memory. said: the status, as a person reads it.

    Nothing is done where nobody listens.
    """

    def __init__(self, notifier: Notifier, fit: Callable[[], bool], said: Callable[[], str]) -> None:
        self._notifier = notifier
        self._fit = fit
        self._said = said
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        if not self._notifier.listens:
            return
        works = {"status": self._tell}
        if self._notifier.watchdog_s:
            works["watchdog"] = self._feed
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True) for name, work in works.items()
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Without waiting: a thread that hangs in the database must not hold up the end."""
        self._over.set()

    def _feed(self) -> None:
        while not self._over.is_set():
            with suppress(Exception):  # no memory this moment, say: this span is not over yet
                if self._fit():
                    self._notifier.watchdog()
            self._over.wait(self._notifier.watchdog_s / FEEDS)

    def _tell(self) -> None:
        told = ""
        while not self._over.is_set():
            try:
                now = self._said()
            except Exception:  # a word for people: its fault must not end the words after it
                now = told
            if now != told and not self._over.is_set():
                self._notifier.status(now)
                told = now
            self._over.wait(STATUS_EVERY_S)


def status_line(
    job_id: str | None, at: Snapshot | None, why: str, counts: Mapping[str, int], others: Sequence[Doing] = ()
) -> str:
    """ "job 7k3w, lipsync 42 %, 3 waiting", "idle", "held: Only 1.2 GB are free, 3 waiting".

    others: that are worked on beside this job: "job 7k3w, lipsync 42 %; job 9m2x, speech 3 %".
    """
    waiting = f", {counts['queued']} waiting" if counts.get("queued") else ""
    if job_id is not None:
        jobs = [(job_id, at), *((other.job_id, other.at) for other in others)]
        return "; ".join(f"job {job}{_where(snapshot)}" for job, snapshot in jobs) + waiting
    if why:
        return f"held: {why}{waiting}"
    return f"idle{waiting}"


def _where(at: Snapshot | None) -> str:
    return f", {at.stage} {at.fraction:.0%}".replace("%", " %") if at is not None else ""
