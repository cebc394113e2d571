"""The publisher: looks what is due, and sends it; one at a time to each target, each in a thread of its own.

What there is to do stands in the book. A wake, a tick and a start only say "look now".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from daemon.health.component import Component, State
from daemon.logs.tell import Tell
from daemon.publications.book import Book, Outdated, Sending
from daemon.publications.slots import Rules
from daemon.publications.tables import Standing
from handlers.publish.errors import Refused, Unsure
from handlers.publish.target import Target, Text, Video
from models.errors import Cancelled, Unavailable, VigentdError

LOOK_S = 30.0  # between two looks that nothing asked for
STALL_S = 600.0  # a target that was sent nothing for so long, while at it, is a trouble
STOP_S = 5.0


class Desk(Protocol):
    """What the publisher has to know of the configuration, as it is now. All may raise VigentdError."""

    @property
    def rules(self) -> Mapping[str, Rules]: ...

    def target(self, name: str) -> Target:
        """Opened. While it raises, nothing is claimed for it."""

    def propose_done(self) -> int:
        """Whatever is done and to be published is put into the book; returns how many were."""

    def video(self, claim: Sending) -> Video: ...

    def text(self, claim: Sending) -> Text: ...


class BookMemo:
    """The memo of one publication, in the tables."""

    def __init__(self, book: Book, claim: Sending) -> None:
        self._book = book
        self._claim = claim

    def get(self) -> dict[str, Any]:
        return self._book.memo(self._claim)

    def put(self, **facts: Any) -> None:
        self._book.put(self._claim, facts)


@dataclass
class _Line:
    """The one thing that happens at a target. Its own progress, too. leaving: its thread is to end."""

    name: str
    clock: Callable[[], float]
    leaving: threading.Event
    wake: threading.Event
    busy: Sending | None = None
    left: Sending | None = None  # the book could not be told what became of it
    moved_at: float = 0.0
    trouble: str = ""
    hint: str = ""
    thread: threading.Thread | None = None

    def step(self, done: float, total: float) -> None:
        self.check()
        self.moved_at = self.clock()

    def check(self) -> None:
        if self.leaving.is_set():
            raise Cancelled("The publisher is stopped")

    def component(self) -> Component:
        name = f"publish:{self.name}"
        if self.busy is None:
            return Component(name, "idle", trouble=self.trouble, hint=self.hint)
        age_s = self.clock() - self.moved_at
        state: State = "stalled" if age_s > STALL_S else "busy"
        facts = {"job": self.busy.job_id}
        return Component(name, state, age_s, STALL_S, self.trouble, self.hint, facts=facts)


class Publisher:
    """changed: called when something became of a publication. clock: monotonic seconds."""

    def __init__(
        self,
        book: Book,
        desk: Desk,
        log: Tell,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._desk = desk
        self._log = log
        self._changed = changed
        self._clock = clock
        self._started = False
        self._changing = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._trouble = ""
        self.use(desk)

    # ------------------------------------------------------------ from outside

    def start(self) -> None:
        """For the one daemon. What was being sent when the last one died is settled first."""
        self._book.recover()
        with self._changing:
            self._started = True
            for line in self._lines.values():
                self._begin(line)

    def use(self, desk: Desk) -> None:
        """Another configuration. At a target that is gone nothing is begun any more; what is on its way there
        stops between two pieces."""
        with self._changing:
            self._desk = desk
            for name in self._lines.keys() - desk.rules.keys():
                gone = self._lines.pop(name)
                gone.leaving.set()
                gone.wake.set()
            for name in desk.rules.keys() - self._lines.keys():
                line = _Line(name, self._clock, threading.Event(), threading.Event())
                self._lines[name] = line
                if self._started:
                    self._begin(line)
        self.wake()

    def _begin(self, line: _Line) -> None:
        line.thread = threading.Thread(
            target=self._run, args=(line,), name=f"publish-{line.name}", daemon=True
        )
        line.thread.start()

    def look(self) -> None:
        """What is done is proposed, and every target looks whether something is due. Safe to call often."""
        try:
            if self._desk.propose_done():
                self._changed()
            self._trouble = ""
        except Unavailable as e:
            self._trouble = e.message
        self.wake()

    def wake(self) -> None:
        for line in list(self._lines.values()):
            line.wake.set()

    def stop(self) -> None:
        """Uploads stop between two pieces and go on at the next start. Waits for them; some seconds only."""
        with self._changing:
            self._started, lines = False, list(self._lines.values())
        for line in lines:
            line.leaving.set()
            line.wake.set()
        until = time.monotonic() + STOP_S
        for line in lines:
            if line.thread is not None:
                line.thread.join(max(until - time.monotonic(), 0))

    def health(self) -> Iterable[Component]:
        if self._trouble:
            yield Component("publish", "idle", trouble=self._trouble)
        yield from (line.component() for line in list(self._lines.values()))

    # ------------------------------------------------------------ one target

    def _run(self, line: _Line) -> None:
        while not line.leaving.is_set():
            line.wake.clear()
            try:
                while not line.leaving.is_set() and self._work(line):
                    pass
            except Unavailable as e:  # the database; what was going on is settled when it is back
                line.trouble, line.hint = e.message, e.hint
            except Exception as e:  # a bug: the thread lives on, and says so
                line.trouble = f"The publisher broke: {type(e).__name__}"
                self._log.error("publisher_broke", target=line.name, error=type(e).__name__)
            if line.busy is not None:
                line.left, line.busy = line.busy, None
            if not line.leaving.is_set():  # else its wake may be gone already
                line.wake.wait(LOOK_S)

    def work(self, name: str) -> bool:
        """Does the next thing at this target. False: there is nothing to do now."""
        return self._work(self._lines[name])

    def _work(self, line: _Line) -> bool:
        if line.left is not None:
            with suppress(Outdated):  # it was written after all
                self._book.failed(line.left, Unsure("What became of it could not be written down"))
            line.left = None
        desk, name = self._desk, line.name
        rules = desk.rules.get(name)
        if rules is None:  # it was just taken out of the configuration
            return False
        self._book.fall_due(rules)
        try:
            target = desk.target(name)
        except VigentdError as e:
            line.trouble, line.hint = e.message, e.hint
            return False
        claim = self._book.claim(rules, searchable=target.searchable)
        if claim is None:
            if line.trouble and not self._is_told(name):
                line.trouble = line.hint = ""
            return False
        line.busy, line.moved_at = claim, self._clock()
        try:
            self._settle(target, claim) if claim.settle else self._send(desk, target, claim, line)
            line.trouble = line.hint = ""
        except Outdated:
            self._log.event("publication_superseded", publication=claim.number)
        except _Failed as e:
            line.trouble, line.hint = e.error.message, e.error.hint
        line.busy = None
        self._tell(claim)
        return True

    def _is_told(self, name: str) -> bool:
        """Something failed there, and still waits for better."""
        still = self._book.all(Standing.APPROVED, Standing.UNSURE, Standing.HELD, Standing.ASKED)
        return any(row.target == name and row.error is not None for row in still)

    def _tell(self, claim: Sending) -> None:
        """What has become of it: to the log, and to all who listen."""
        row = self._book.get(claim.number)
        facts: dict[str, Any] = {"publication": claim.number, "job": claim.job_id, "target": claim.target}
        if row.state == Standing.PUBLISHED:
            self._log.event("published", **facts)
        else:
            because = (row.error or {}).get("code", "")
            self._log.warning("not_published", **facts, state=str(row.state), because=because)
        self._changed()

    def _send(self, desk: Desk, target: Target, claim: Sending, line: _Line) -> None:
        try:
            video, text = desk.video(claim), desk.text(claim)
        except VigentdError as e:  # nothing was sent
            refused = Refused(e.message, code=e.code, hint=e.hint)
            self._book.failed(claim, refused)
            raise _Failed(refused) from e
        memo = BookMemo(self._book, claim)
        try:
            receipt = target.publish(video, text, claim.key, memo, line)
        except Outdated:
            raise
        except Cancelled:
            self._book.interrupted(claim)
            return
        except Exception as e:
            error = _told(e)
            self._book.failed(claim, error)
            raise _Failed(error) from e
        self._book.published(claim, receipt)

    def _settle(self, target: Target, claim: Sending) -> None:
        try:
            found = target.find(claim.key, BookMemo(self._book, claim))
        except Outdated:
            raise
        except Cancelled:
            self._book.interrupted(claim)
            return
        except Exception as e:
            error = _told(e)
            self._book.failed(claim, error)
            raise _Failed(error) from e
        if found is None:
            self._book.absent(claim)
        else:
            self._book.published(claim, found)


class _Failed(Exception):
    """It is in the book already."""

    def __init__(self, error: VigentdError) -> None:
        super().__init__(error.message)
        self.error = error


def _told(error: Exception) -> VigentdError:
    if isinstance(error, VigentdError):
        return error
    # What a library says may hold an address with a secret in it.
    return Unsure(f"The target broke off: {type(error).__name__}")
