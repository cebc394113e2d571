"""Following the presenter in a thread of its own, while frames are made of what is known of the track."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from models.blocks import BLOCK
from models.errors import Cancelled
from models.latentsync.stopwatch import Stopwatch
from models.progress import Progress
from models.track import Track

# Pictures. Far enough that nobody waits; and when the GPU hangs, these heartbeats end soon, too.
AHEAD = 4 * BLOCK


@contextmanager
def following(track: Track, progress: Progress, watch: Stopwatch) -> Iterator[None]:
    """Inside, the track grows; what goes wrong is raised by `track.wait`. On the way out it ends."""
    over = threading.Event()

    def follow() -> None:
        with suppress(Exception), watch("track"):
            track.follow(_Reined(track, over, progress))

    thread = threading.Thread(target=follow, name="follow", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Reined:
    """Progress that holds the work back when nobody needs it yet, and ends it when nobody does any more."""

    def __init__(self, track: Track, over: threading.Event, progress: Progress) -> None:
        self._track, self._over, self._progress = track, over, progress

    def step(self, done: float, total: float) -> None:
        self.check()
        self._progress.step(done, total)
        self._track.wait_for_reader(int(done) - AHEAD, self.check)

    def check(self) -> None:
        if self._over.is_set():
            raise Cancelled
        self._progress.check()
