"""A program that is told something, may take as long as it gets on, and answers: run to its end, or ended.

No shell is in between. It leads a process group of its own, and none of that is left when `run` returns,
whatever happened; when this process dies, all of it dies, too.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LEASH = Path(__file__).with_name("leash.py")
LOOK_EVERY_S = 0.2
GRACE_S = 5.0  # between SIGTERM and SIGKILL
_MOST = 2**20  # bytes kept of what it says
_LONGEST_LOOK_S = 1.0  # more passed only because this process itself stood still: no silence of the program


class Hung(Exception):
    """It said nothing for too long, and has been ended."""


@dataclass(frozen=True)
class Task:
    """program: a whole path, and arguments. told: its stdin. stall_s: it may be silent for so long."""

    program: Sequence[str]
    told: bytes
    environment: Mapping[str, str]
    folder: Path
    stall_s: float


@dataclass(frozen=True)
class Ended:
    """status: its exit status, or minus the signal that killed it. said: on stdout, 1 MiB at most."""

    status: int
    said: bytes


def run(
    task: Task,
    heard: Callable[[str], None],
    check: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> Ended:
    """heard: gets each line of stderr. check: is called now and then; when it raises, the program is ended.

    Raises Hung; OSError when there was no such program, and so nothing has happened.
    """
    with ExitStack() as stack:
        popen, gone = _started(task, stack)
        try:
            said = _listened(task, popen, gone, heard, check, clock)
            return Ended(_reaped(popen), said)
        except BaseException:
            _end(popen, gone)
            raise


def _started(task: Task, stack: ExitStack) -> tuple[subprocess.Popen[bytes], int]:
    """The lifeline is ours until the stack is unwound."""
    told: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    told.write(task.told)
    told.seek(0)
    (held, _), (errors, report) = _pipe(stack), _pipe(stack)
    leash = [sys.executable, "-I", "-S", str(LEASH), str(held.fileno()), str(report.fileno())]
    popen = subprocess.Popen(
        [*leash, *task.program],
        stdin=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=task.environment,
        cwd=task.folder,
        start_new_session=True,
        pass_fds=(held.fileno(), report.fileno()),
    )
    for pipe in (popen.stdout, popen.stderr):
        stack.enter_context(_there(pipe))
        os.set_blocking(_there(pipe).fileno(), False)
    try:
        gone = os.pidfd_open(popen.pid)
        stack.callback(os.close, gone)
        held.close()
        report.close()
        if number := errors.read():  # ends when the program begins
            raise OSError(int(number), os.strerror(int(number)))
    except BaseException:
        _reaped(popen)
        raise
    return popen, gone


def _pipe(stack: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    read, write = os.pipe()
    return stack.enter_context(os.fdopen(read, "rb")), stack.enter_context(os.fdopen(write, "wb"))


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _listened(
    task: Task,
    popen: subprocess.Popen[bytes],
    gone: int,
    heard: Callable[[str], None],
    check: Callable[[], None],
    clock: Callable[[], float],
) -> bytes:
    out, err = _there(popen.stdout).fileno(), _there(popen.stderr).fileno()
    answer, lines = bytearray(), _Lines(heard)
    news = select.poll()
    for file in (gone, out, err):
        news.register(file, select.POLLIN)
    silent_s, looked_at = 0.0, clock()
    while True:
        ready = dict(news.poll(LOOK_EVERY_S * 1000))
        now = clock()
        silent_s += min(now - looked_at, _LONGEST_LOOK_S)
        looked_at = now
        for file in (out, err):
            if file not in ready:
                continue
            piece = _read(file)
            if piece:
                silent_s = 0.0
                if file == err:
                    lines.feed(piece)
                elif len(answer) < _MOST:
                    answer += piece
            elif piece is not None:
                news.unregister(file)
        if gone in ready:
            lines.end()
            return bytes(answer[:_MOST])
        check()
        if silent_s > task.stall_s:
            raise Hung


def _read(file: int) -> bytes | None:
    """All that there is now; b"": nothing ever again; None: nothing yet."""
    try:
        return os.read(file, _MOST)
    except BlockingIOError:
        return None


class _Lines:
    """Also of progress bars, which begin a line again and again by "\\r"."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._begun = b""

    def feed(self, piece: bytes) -> None:
        *lines, self._begun = re.split(rb"[\r\n]", self._begun + piece)
        self._begun = self._begun[-_MOST:]
        for line in lines:
            self._heard(line.decode("utf-8", "replace"))

    def end(self) -> None:
        self.feed(b"\n")


def _end(popen: subprocess.Popen[bytes], gone: int) -> None:
    _kill(popen, signal.SIGTERM)
    ended = select.poll()
    ended.register(gone, select.POLLIN)
    ended.poll(GRACE_S * 1000)
    _reaped(popen)


def _reaped(popen: subprocess.Popen[bytes]) -> int:
    """With what it has left behind. As long as it is not reaped, the number of the group is its own."""
    _kill(popen, signal.SIGKILL)
    return popen.wait()


def _kill(popen: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if popen.returncode is None:
        with suppress(ProcessLookupError, PermissionError):  # a group without a living member
            os.killpg(popen.pid, number)
