"""The publisher: looks what is due, and sends it; one at a time to each target, each in a thread of its own.

What there is to do stands in the book. A wake, a tick and a start only say "look now".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from daemon.health.component import Component, State
from daemon.publications.book import Book, Outdated, Sending
from daemon.publications.slots import Rules
from handlers.publish.errors import Refused, Unsure
from handlers.publish.facts import Facts
from handlers.publish.target import Target, Text, Video
from models.errors import Cancelled, Unavailable, VigentdError

LOOK_S = 30.0  # between two looks that nothing asked for
STALL_S = 600.0  # a target that was sent nothing for so long, while at it, is a trouble
STOP_S = 5.0

Tell = Callable[..., None]


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
    """The one thing that happens at a target. Its own progress, too."""

    rules: Rules
    clock: Callable[[], float]
    stopping: threading.Event
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
        if self.stopping.is_set():
            raise Cancelled("The publisher is stopped")

    def component(self) -> Component:
        name = f"publish:{self.rules.name}"
        if self.busy is None:
            return Component(name, "idle", trouble=self.trouble, hint=self.hint)
        age_s = self.clock() - self.moved_at
        state: State = "stalled" if age_s > STALL_S else "busy"
        facts = {"job": self.busy.job_id}
        return Component(name, state, age_s, STALL_S, self.trouble, self.hint, facts=facts)


class Publisher:
    """targets: opens one by its name; it may raise, and then nothing is claimed for it.

    video: what a job has made; raises BadInput when it is gone. log: (words, **facts).
    """

    def __init__(
        self,
        book: Book,
        rules: Iterable[Rules],
        targets: Callable[[str], Target],
        video: Callable[[Sending], Video],
        log: Tell = lambda *_, **__: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._targets = targets
        self._video = video
        self._log = log
        self._clock = clock
        self._stopping = threading.Event()
        self._rules = {one.name: one for one in rules}
        self._lines = {
            name: _Line(one, clock, self._stopping, threading.Event()) for name, one in self._rules.items()
        }
        self._trouble = ""

    # ------------------------------------------------------------ from outside

    def start(self) -> None:
        """For the one daemon. What was being sent when the last one died is settled first."""
        self._book.recover()
        for name, line in self._lines.items():
            line.thread = threading.Thread(
                target=self._run, args=(line,), name=f"publish-{name}", daemon=True
            )
            line.thread.start()

    def look(self) -> None:
        """What is done is proposed, and every target looks whether something is due. Safe to call often."""
        try:
            self._book.propose_done(self._rules)
            self._trouble = ""
        except Unavailable as e:
            self._trouble = e.message
        self.wake()

    def wake(self) -> None:
        for line in self._lines.values():
            line.wake.set()

    def stop(self) -> None:
        """Uploads stop between two pieces and go on at the next start. Waits for them; some seconds only."""
        self._stopping.set()
        self.wake()
        until = time.monotonic() + STOP_S
        for line in self._lines.values():
            if line.thread is not None:
                line.thread.join(max(until - time.monotonic(), 0))

    def health(self) -> Iterable[Component]:
        if self._trouble:
            yield Component("publish", "idle", trouble=self._trouble)
        yield from (line.component() for line in self._lines.values())

    # ------------------------------------------------------------ one target

    def _run(self, line: _Line) -> None:
        while not self._stopping.is_set():
            line.wake.clear()
            try:
                while not self._stopping.is_set() and self.work(line.rules.name):
                    pass
            except Unavailable as e:  # the database; what was going on is settled when it is back
                line.trouble, line.hint = e.message, e.hint
            except Exception as e:  # a bug: the thread lives on, and says so
                line.trouble = f"The publisher broke: {type(e).__name__}"
                self._log("publisher broke", target=line.rules.name, error=type(e).__name__)
            if line.busy is not None:
                line.left, line.busy = line.busy, None
            if not self._stopping.is_set():  # else its wake may be gone already
                line.wake.wait(LOOK_S)

    def work(self, name: str) -> bool:
        """Does the next thing at this target. False: there is nothing to do now."""
        line = self._lines[name]
        if line.left is not None:
            with suppress(Outdated):  # it was written after all
                self._book.failed(line.left, Unsure("What became of it could not be written down"))
            line.left = None
        self._book.fall_due(line.rules)
        try:
            target = self._targets(name)
        except VigentdError as e:
            line.trouble, line.hint = e.message, e.hint
            return False
        claim = self._book.claim(line.rules, searchable=target.searchable)
        if claim is None:
            return False
        line.busy, line.moved_at = claim, self._clock()
        try:
            self._settle(target, claim) if claim.settle else self._send(target, claim, line)
            line.trouble = line.hint = ""
        except Outdated:
            self._log("publication was settled by somebody else", number=claim.number)
        except _Failed as e:
            line.trouble, line.hint = e.error.message, e.error.hint
        line.busy = None
        return True

    def _send(self, target: Target, claim: Sending, line: _Line) -> None:
        try:
            video = self._video(claim)
        except VigentdError as e:  # nothing was sent
            refused = Refused(e.message, code=e.code, hint=e.hint)
            self._book.failed(claim, refused)
            raise _Failed(refused) from e
        memo = BookMemo(self._book, claim)
        try:
            receipt = target.publish(video, text_of(claim.text), claim.key, memo, line)
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


def text_of(said: Mapping[str, Any]) -> Text:
    """Of what the book keeps; `text_json` is the other way."""
    facts = said.get("facts")
    return Text(
        title=said.get("title", ""),
        description=said.get("description", ""),
        tags=tuple(said.get("tags", ())),
        language=said.get("language", ""),
        facts=Facts.from_dict(facts) if facts else None,
    )


def text_json(text: Text) -> dict[str, Any]:
    return {
        "title": text.title,
        "description": text.description,
        "tags": list(text.tags),
        "language": text.language,
        "facts": text.facts.as_dict() if text.facts else None,
    }
