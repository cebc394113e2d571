"""What the daemon tells systemd, over the socket that sd_notify(3) speaks of; nothing when there is none.

notifier = Notifier.of(os.environ)
notifier.ready("idle")
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress

ADDRESS, WATCHDOG, WATCHDOG_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
SEND_S = 2.0  # so long systemd may be too busy to take a message
EXTEND_EVERY_S, EXTEND_BY_S = 4.0, 30.0
LONGEST = 400  # characters of a status


class Notifier:
    """address: "/run/…" or "@abstract"; "" for nobody. watchdog_s: within which systemd wants to hear from
    us; 0: it does not. Any thread may call; no method raises."""

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        self.watchdog_s = watchdog_s if address else 0.0
        self._address = "\0" + address[1:] if address.startswith("@") else address

    @property
    def listens(self) -> bool:
        """Whether anybody does."""
        return bool(self._address)

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> Notifier:
        """Takes the variables out: what is started from here must not speak for us."""
        address = environment.pop(ADDRESS, "")
        micros, pid = environment.pop(WATCHDOG, ""), environment.pop(WATCHDOG_PID, "")
        ours = pid in ("", str(os.getpid()))
        return cls(address, int(micros) / 1e6 if ours and micros.isascii() and micros.isdigit() else 0.0)

    def ready(self, status: str = "") -> None:
        self._send("READY=1", *_status(status))

    def status(self, text: str) -> None:
        self._send(*_status(text))

    def watchdog(self) -> None:
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """`ready` has to follow."""
        micros = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={micros}")

    def stopping(self, status: str = "") -> None:
        self._send("STOPPING=1", *_status(status))

    def extend(self, usec: int) -> None:
        """So much time until the next word of ours, beyond what the unit gives for starting or stopping."""
        self._send(f"EXTEND_TIMEOUT_USEC={usec}")

    @contextmanager
    def extending(self, within_s: float, every_s: float = EXTEND_EVERY_S) -> Iterator[None]:
        """While the block runs it is asked for more time, again and again; but for `within_s` only, for
        something that never ends has to be ended."""
        if not self._address:
            yield
            return
        over = threading.Event()
        thread = threading.Thread(
            target=self._extend, args=(over, within_s, every_s), name="extend", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _extend(self, over: threading.Event, within_s: float, every_s: float) -> None:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            self.extend(round(EXTEND_BY_S * 1e6))
            if over.wait(every_s):
                return

    def _send(self, *lines: str) -> None:
        if not self._address or not lines:
            return
        with (
            suppress(OSError, ValueError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.settimeout(SEND_S)
            out.sendto("\n".join(lines).encode("utf-8", "replace"), self._address)


def _status(text: str) -> list[str]:
    """One line, whatever the text holds: a second one would be an order."""
    plain = "".join(c if c.isprintable() else " " for c in text).strip()
    return [f"STATUS={plain[:LONGEST]}"] if plain else []
