"""Work done early in a thread: decoding goes on while the caller tracks, warps or encodes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T], depth: int = 3) -> Generator[T]:
    """The same items, made in a thread up to `depth` early, the one that is being made counted in.

    Closing the generator ends the thread; an error in the thread is raised here, in its place.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()
    # For items, taken before one is begun: it holds memory from then on.
    room = threading.Semaphore(depth)
    closed = threading.Event()

    def work() -> None:
        try:
            while room.acquire() and not closed.is_set():
                ready.put((next(items), None))
        except BaseException as e:
            ready.put((None, e))
        finally:
            items.close()

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            room.release()
            yield item  # type: ignore[misc]
            item = None  # nothing is held on to while the next one is waited for
    finally:
        closed.set()
        room.release()
        thread.join()
