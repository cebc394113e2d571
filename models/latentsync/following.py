"""Following the presenter in a thread of its own, while frames are made of what is known of the track."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from models.errors import Cancelled
from models.latentsync.stopwatch import Stopwatch
from models.progress import Progress
from models.track import Track


@contextmanager
def following(track: Track, progress: Progress, watch: Stopwatch) -> Iterator[None]:
    """Inside, the track grows; what goes wrong is raised by `track.wait`. On the way out it ends."""
    over = threading.Event()

    def follow() -> None:
        with suppress(BaseException), watch("track"):
            track.follow(_Until(over, progress))
            progress.step(1, 1)  # there may have been nothing to do

    thread = threading.Thread(target=follow, name="follow", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Until:
    """Progress that ends the work when nobody wants it any more."""

    def __init__(self, over: threading.Event, progress: Progress) -> None:
        self._over, self._progress = over, progress

    def step(self, done: float, total: float) -> None:
        self.check()
        self._progress.step(done, total)

    def check(self) -> None:
        if self._over.is_set():
            raise Cancelled
        self._progress.check()
