"""A process of ours and the line to it: messages go out, messages come in, and its end is noticed.

One thread attends to it from its start to its end. That thread never waits for anything but news, and
nobody who posts a message ever waits for the process to read it.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress

from models.wire import Lines, Message

_AT_ONCE = 65536  # bytes


class Process:
    """popen: leads a process group of its own. control: our end of the socket. lifeline: our end of the
    pipe that it dies with. All three are this object's from now on; `attend` must be called, once."""

    def __init__(self, popen: subprocess.Popen[bytes], control: socket.socket, lifeline: int) -> None:
        self.pid = popen.pid
        self.ended = ""  # "exit status 3", "killed by SIGKILL"; set when it is gone
        self._popen = popen
        self._control = control
        self._lifeline = lifeline
        self._lock = threading.Lock()  # for what follows
        self._outbox = bytearray()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._there = True  # not reaped: its number and our descriptors are still its own

    def post(self, line: bytes) -> None:
        """Sends it as soon as the process reads; dropped when the process is gone."""
        with self._lock:
            if self._there:
                self._outbox += line
                os.eventfd_write(self._wake, 1)

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """To the process, or to all of its group; to nobody when it is gone."""
        with self._lock:
            if self._there:
                # A group without a living member refuses; what is to be reached is gone then.
                with suppress(ProcessLookupError, PermissionError):
                    (os.killpg if group else os.kill)(self.pid, number)

    def attend(self, heard: Callable[[Message], None]) -> None:
        """Hands over what it says until it is gone. Leaves no zombie, and no member of its process group,
        also when `heard` raises."""
        try:
            gone = os.pidfd_open(self.pid)  # may fail, too: there may be no descriptor left
            try:
                self._listen(gone, heard)
            finally:
                os.close(gone)
        finally:
            self.signal(signal.SIGKILL, group=True)  # as long as it is not reaped, the group is its own
            self._reap()

    def _listen(self, gone: int, heard: Callable[[Message], None]) -> None:
        lines, news, control = Lines(), select.poll(), self._control.fileno()
        news.register(gone, select.POLLIN)
        news.register(self._wake, select.POLLIN)
        news.register(control, select.POLLIN)
        while True:
            ready = dict(news.poll())
            if self._wake in ready:
                os.eventfd_read(self._wake)
            if control in ready or gone in ready:
                while piece := self._read():
                    for message in lines.feed(piece):
                        heard(message)
                if piece is not None and control >= 0:
                    news.unregister(control)  # it is about to end
                    control = -1
            if gone in ready:
                return
            if control >= 0:
                news.modify(control, select.POLLIN | (select.POLLOUT if self._write() else 0))

    def _read(self) -> bytes | None:
        """None: nothing yet. Empty: nothing ever again."""
        try:
            return self._control.recv(_AT_ONCE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except ConnectionResetError:  # it ended before it read all
            return b""

    def _write(self) -> bool:
        """True when there is more to write than it takes now."""
        with self._lock:
            if self._outbox:
                try:
                    del self._outbox[: self._control.send(self._outbox, socket.MSG_DONTWAIT)]
                except BlockingIOError:
                    pass
                except OSError:
                    self._outbox.clear()  # it is about to end
            return bool(self._outbox)

    def _reap(self) -> None:
        self.ended = _words_for(self._popen.wait())
        with self._lock:
            self._there = False
            self._control.close()
            os.close(self._wake)
            os.close(self._lifeline)


def _words_for(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by {name_of(-status)}"


def name_of(number: int) -> str:
    """ "SIGKILL"; those between the first and the last real-time signal have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
