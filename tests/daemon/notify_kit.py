"""systemd's end of the socket that sd_notify(3) speaks of."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

_NUMBERS = count()


class Systemd:
    """Hears on an abstract address: a path within a test's folder may be too long for a socket."""

    def __init__(self) -> None:
        self.address = f"@vigentd-test-{os.getpid()}-{next(_NUMBERS)}"
        self._heard: list[str] = []
        self._news = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.address[1:])
        self._thread = threading.Thread(target=self._listen, daemon=True)

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator[Systemd]:
        systemd = cls()
        systemd._thread.start()
        try:
            yield systemd
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", "\0" + systemd.address[1:])
            systemd._thread.join()
            systemd._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(65536):
            with self._news:
                self._heard += message.decode().split("\n")
                self._news.notify_all()

    @property
    def heard(self) -> list[str]:
        """All lines so far."""
        with self._news:
            return list(self._heard)

    def until(self, seen: Callable[[str], bool], within_s: float = 60.0, after: int = 0) -> str:
        """The first such line from the one with the number `after` on."""

        def found() -> str | None:
            return next((line for line in self._heard[after:] if seen(line)), None)

        with self._news:
            assert self._news.wait_for(lambda: found() is not None, within_s), self._heard[after:]
            return found() or ""

    def quiet(self, line: str, for_s: float, within_s: float) -> bool:
        """Whether there comes a time, of so many seconds, in which this line is not heard."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            before = self.heard.count(line)
            time.sleep(for_s)  # silence cannot be waited for in another way
            if self.heard.count(line) == before:
                return True
        return False
