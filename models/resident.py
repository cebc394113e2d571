"""A host: keeps one engine loaded and does with it what its parent asks for, one thing after the other.

    python -P -m models.resident CONTROL LIFELINE        two descriptors; started by launch.py

The main thread loads and works. The control thread reads what the parent says and answers for the
process; it waits for nothing and touches no engine and no GPU, so it answers while the work is stuck.
What anything here prints goes to the log, for that is where descriptors 1 and 2 lead.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any

from models import lifeline, wire
from models.beats import beating, heard
from models.errors import Cancelled, VigentdError
from models.memory import give_back, share_one_heap
from models.notes import write_notes
from models.orders import ByWire, taken_by
from models.wire import Message
from models.work import Status, Steps

_LOG = logging.getLogger("vigentd.host")
_LEAVE_S = 1.0  # that work may take to come back when the host is told to end
_AT_ONCE = 65536  # bytes
_MORE_S = 5.0  # in which the next piece comes of work that is given in pieces
_NOT_LOADED = 1  # exit status
_TERMINATED = 128 + signal.SIGTERM  # exit status, as a shell counts


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    line = int(sys.argv[2])
    os.set_inheritable(line, False)
    lifeline.hold(line)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    share_one_heap()
    write_notes(logging.StreamHandler())
    _note("started")
    resident = Resident(control, _signals())
    threading.Thread(target=resident.control, name="control", daemon=True).start()
    status = resident.work()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # an engine's own way of ending may take long, or hang; nothing here needs it


def _signals() -> int:
    """Ctrl-C is the parent's to handle. Others are told to the control thread, by this descriptor: a
    handler of Python's would have to wait for the main thread to come back from native code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told, tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return told


class Resident:
    """control: the socket to the parent. signals: a descriptor from which numbers of signals are read."""

    def __init__(
        self, control: socket.socket, signals: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._socket = control
        self._signals = signals
        self._clock = clock
        self._sending = threading.Lock()
        self._orders: SimpleQueue[Message | None] = SimpleQueue()
        self._engine: Any = None
        self._orders_out = ByWire(0, self._say)  # of the present work
        self._status = Status(clock)
        self._cancelled = 0  # the number of the last work that was
        self._leave_at: float | None = None
        self._exit_status = 0
        self._kept = False  # what was free after the last work, for the next

    # ------------------------------------------------------------ main thread

    def work(self) -> int:
        """Until told to end. Returns the exit status."""
        plan = self._orders.get()
        if plan is not None and not self._load(plan):
            return _NOT_LOADED
        while (order := self._next()) is not None:
            answer = self._do(order)
            if order["more"]:
                self._kept = True
            else:
                give_back()  # before the answer: who asks for the memory then is told what is really kept
            self._status.enter("idle")
            if answer is not None:
                self._say(answer | {"size": self._status.size()})
        return self._exit_status

    def _next(self) -> Message | None:
        while True:
            try:
                return self._orders.get(timeout=_MORE_S if self._kept else None)
            except Empty:
                give_back()
                self._kept = False

    def _load(self, plan: Message) -> bool:
        self._status.device = plan["device"]
        try:
            with beating(self._gets_on):
                for name in plan["preload"]:
                    import_module(name)
                if plan["load"]:
                    self._engine = _function(plan["load"])(**plan["arguments"])
        except BaseException as e:
            if not isinstance(e, VigentdError):
                traceback.print_exc()
            self._status.enter("failed")
            self._say({"say": "failed", "error": wire.describe(e)})
            return False
        self._status.look_at_engine(self._engine)
        give_back()
        gc.freeze()  # what is loaded stays, so it need not be looked through after every work
        self._status.enter("idle")
        self._say({"say": "loaded", "size": self._status.size(), "engine": self._status.engine})
        return True

    def _gets_on(self, beats: int) -> None:
        self._status.beat()
        self._say({"say": "loading", "beats": beats})

    def _do(self, order: Message) -> Message | None:
        """The answer, ready to be sent; None when the work was broken off because the host ends."""
        number = order["number"]
        self._status.enter("busy", order["job"], order["stage"])
        self._say({"say": "taken", "number": number})
        steps = Steps(number, self._status, self._say, lambda: self._is_cancelled(number), self._clock)
        self._orders_out = ByWire(number, self._say)
        answer = {"say": "answer", "number": number}
        try:
            with heard(steps.beat), taken_by(self._orders_out):
                answer["value"] = _function(order["call"])(self._engine, order["arguments"], steps)
            wire.pack(answer)
        except BaseException as e:
            if self._leave_at is not None and isinstance(e, Cancelled):
                return None  # nobody cancelled the job
            answer = {"say": "answer", "number": number, "error": wire.describe(e)}
        steps.finish()
        return answer

    def _is_cancelled(self, number: int) -> bool:
        return self._cancelled >= number or self._leave_at is not None

    # ------------------------------------------------------------ control thread

    def control(self) -> None:
        try:
            self._listen()
        except BaseException:
            traceback.print_exc()
        _end_group()  # without this thread nobody could reach the process any more

    def _listen(self) -> None:
        """Until the parent is gone, or until work that was told to come back has not done so."""
        lines, news = wire.Lines(), select.poll()
        news.register(self._socket, select.POLLIN)
        news.register(self._signals, select.POLLIN)
        while True:
            left = None if self._leave_at is None else max(self._leave_at - self._clock(), 0.0)
            ready = dict(news.poll(None if left is None else left * 1000))
            if left == 0.0:
                os._exit(self._exit_status)
            if self._signals in ready and signal.SIGTERM in os.read(self._signals, 64):
                self._leave(_TERMINATED)
            if self._socket.fileno() in ready:
                piece = _received(self._socket)
                if not piece:
                    return
                for message in lines.feed(piece):
                    self._heard(message)

    def _heard(self, message: Message) -> None:
        do = message["do"]
        if do in ("load", "work"):
            self._orders.put(message)
        elif do in ("told", "brought"):
            self._orders_out.heard(message)
        elif do == "cancel":
            self._cancelled = message["number"]
        elif do == "health":
            self._say({"say": "health", "number": message["number"], "health": self._status.health()})
        elif do == "dump":
            _note("stuck")
            faulthandler.dump_traceback(all_threads=True)
            self._say({"say": "dumped", "number": message["number"]})
        elif do == "stop":
            self._leave(0)

    def _leave(self, exit_status: int) -> None:
        if self._leave_at is None:
            self._exit_status = exit_status
            self._leave_at = self._clock() + _LEAVE_S
            self._orders.put(None)

    # ------------------------------------------------------------ both

    def _say(self, message: Message) -> None:
        try:
            with self._sending:
                self._socket.sendall(wire.pack(message))
        except OSError:
            _end_group()  # the parent is gone


def _function(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def _note(what: str) -> None:
    _LOG.info("%s pid=%d", what, os.getpid())


def _received(control: socket.socket) -> bytes:
    try:
        return control.recv(_AT_ONCE)
    except ConnectionResetError:
        return b""


def _end_group() -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
