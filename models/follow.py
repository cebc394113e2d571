"""Watches one piece of work in a host by its steps, until it answers or is taken for stuck.

Nothing is asked of the host here, and no answer is waited for: who is slow to answer may well get on.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty
from typing import Protocol

from models.progress import Progress
from models.pulse import Pulse
from models.wire import Message

LOOK_EVERY_S = 0.2  # how soon a cancel is noticed while there is no news


class News(Protocol):
    """That it is taken up, steps, and the answer, in order; None when the process is gone."""

    def get(self, block: bool = True, timeout: float | None = None) -> Message | None:
        """Raises queue.Empty."""


class Stuck(Exception):
    """The work has been silent for longer than it may."""


def follow(
    news: News,
    progress: Progress,
    pulse: Pulse,
    clock: Callable[[], float],
    rests: Callable[[], bool] = lambda: False,
) -> Message | None:
    """The answer; None when the process is gone. rests: whether others do its work now, so that it need not
    be heard. Raises Stuck, and what `progress` raises."""
    beats = 0
    while True:
        try:
            message = news.get(timeout=LOOK_EVERY_S)
        except Empty:
            if rests():
                pulse.rest(clock())
            else:
                pulse.feed(beats, clock())
            if pulse.stalled:
                raise Stuck from None
            progress.check()
            continue
        if message is None or message["say"] == "answer":
            return message
        if message["say"] == "taken":
            pulse.taken_up(clock())
            continue
        beats = message["beats"]
        pulse.feed(beats, clock())
        progress.step(message["done"], message["total"])
