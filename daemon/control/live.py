"""What the daemon tells about one job while a person waits, across restarts of the daemon."""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from daemon.control.client import Client, EventStream
from models.errors import VigentdError

AGAIN_S = 0.3  # between two tries to reach the daemon

News = dict[str, Any]


class Live:
    """A thread reads the stream, so that who waits for it can still hear Ctrl-C. It begins with the first
    `take`, and again with the first one after `close`."""

    def __init__(self, path: Path, job_id: str) -> None:
        self._path = path
        self._job_id = job_id
        self._reader: _Reader | None = None
        self.why = ""  # why no job is worked on, as the daemon last told it

    def take(self, timeout_s: float) -> list[News]:
        """The events since the last time, in order; waits for the first one. [] after the timeout.

        Besides the daemon's own there is "gone", when the stream has ended.
        """
        if self._reader is None:
            self._reader = _Reader(self._path, self._job_id)
            self._reader.start()
        taken = self._reader.take(timeout_s)
        for news in taken:
            if news["event"] in ("hello", "queue"):
                self.why = news.get("why", "")
        return taken

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Reader(threading.Thread):
    def __init__(self, path: Path, job_id: str) -> None:
        super().__init__(name="live", daemon=True)
        self._client = Client(path)
        self._job_id = job_id
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._stream: EventStream | None = None

    def run(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(VigentdError):  # away, or on its way down; it is tried again
                self._read()
            self._closed.wait(AGAIN_S)

    def _read(self) -> None:
        with self._client.events(self._job_id) as self._stream:
            if self._closed.is_set():  # `close` came too early to end this stream
                return
            try:
                for event in self._stream:
                    self._news.put(event)
            finally:
                self._news.put({"event": "gone"})

    def take(self, timeout_s: float) -> list[News]:
        taken = []
        with contextlib.suppress(queue.Empty):
            taken.append(self._news.get(timeout=timeout_s))
            while True:
                taken.append(self._news.get_nowait())
        return taken

    def close(self) -> None:
        self._closed.set()
        if self._stream is not None:
            self._stream.hang_up()
        self.join(1.0)  # a daemon that hangs may keep it in the middle of connecting
