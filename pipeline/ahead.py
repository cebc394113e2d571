"""Work done early in a thread: decoding goes on while the caller tracks, warps or encodes."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T], depth: int = 3) -> Generator[T]:
    """The same items, made in a thread up to `depth` early.

    Closing the generator ends the thread; an error in the thread is raised here, in its place.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: T | None, error: BaseException | None) -> None:
        waiting = True
        while waiting and not closed.is_set():
            with contextlib.suppress(queue.Full):
                ready.put((item, error), timeout=0.2)
                waiting = False

    def work() -> None:
        try:
            for item in items:
                put(item, None)
                if closed.is_set():
                    break
            else:
                put(None, StopIteration())
        except BaseException as e:
            put(None, e)
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
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        thread.join()
