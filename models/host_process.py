"""The process of a host, from its start to its end: begun, spoken to, waited for, ended.

What it says, and what is to be made of that, is host.py's.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models import host_log, wire
from models.errors import VigentdError
from models.launch import Plan, launch
from models.process import Process
from models.wire import Message

KILL_S = 10.0  # for the end of what was killed; a GPU driver may take its time
_TERMINATE_S = 1.2  # from SIGTERM to SIGKILL


class HostProcess:
    """on_exit: told once, after the end. Else as Host. All methods may be called from any thread."""

    def __init__(self, plan: Plan, log: Path, scratch: Path, on_exit: Callable[[], None]) -> None:
        self.plan = plan
        self.exit_reason = ""  # "exit status 3", "killed by SIGKILL"; set when it is gone
        self._log = log
        self._scratch = scratch
        self._on_exit = on_exit
        self._numbers = itertools.count(1)  # of what it is asked
        self._changed = threading.Condition()  # for what follows
        self._process: Process | None = None
        self._unwanted = False
        self.killed = False
        self._gone = False
        self._told = False  # on_exit was
        self._failure: Message | None = None  # why it could not be started or loaded
        self._log_begin = 0  # what stands before it in the log, in bytes, is not this one's
        self._asked_at = 0.0  # when its work, or it, began; of the kernel's clock

    @property
    def pid(self) -> int:
        """0 when it was not started."""
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        return self._process is not None and not self._gone

    # ------------------------------------------------------------ begun and ended

    def start(self) -> None:
        """Returns at once; loading goes on in the process. What keeps it from starting is raised by
        `wait_ready`, as what keeps it from loading is, and `on_exit` is told."""
        name, first = f"host-{self.plan.name}", _load_message(self.plan)
        threading.Thread(target=self._live, args=(first,), name=name, daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._process is not None or self._gone)

    def stop(self, grace_s: float = 2.0) -> None:
        """Ends it, kindly if it listens, and waits for its end."""
        with self._changed:
            self._unwanted = True
            if self._process is None or self._gone:
                return
            self._post(do="stop")
        if not self.wait(lambda: self._gone, grace_s):
            self._process.signal(signal.SIGTERM)
            if not self.wait(lambda: self._gone, min(grace_s, _TERMINATE_S)):
                self.kill()
                self.wait(lambda: self._gone, KILL_S)

    def kill(self) -> None:
        """With all of its process group; does not wait for the end."""
        with self._changed:
            self._unwanted = self.killed = True
            if self._process is not None:
                self._process.signal(signal.SIGKILL, group=True)

    # ------------------------------------------------------------ spoken to, waited for

    @property
    def gone(self) -> bool:
        return self._gone

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.signal(number)

    def wait(self, until: Callable[[], bool], timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(until, timeout_s)

    def _post(self, **message: Any) -> None:
        if self._process is not None:
            self._process.post(wire.pack(message))

    # ------------------------------------------------------------ the attending thread

    def _live(self, first: bytes) -> None:
        try:
            if process := self._launch(first):
                process.attend(self._heard)
        finally:
            self._end(self._process.ended if self._process else "it was not started")

    def _launch(self, first: bytes) -> Process | None:
        with self._changed:
            try:
                if not self._unwanted:
                    self._log_begin, self._asked_at = host_log.size(self._log), time.monotonic()
                    self._process = launch(self.plan, self._log, self._scratch)
                    self._process.post(first)
            except (OSError, VigentdError) as e:
                self._failure = wire.describe(e)
            self._changed.notify_all()
            return self._process

    def _heard(self, message: Message) -> None:
        """It has said something."""
        raise NotImplementedError

    def _ended(self) -> None:
        """It is gone, and `on_exit` was told. Called with `_changed` held."""
        raise NotImplementedError

    def _end(self, reason: str) -> None:
        with self._changed:
            self.exit_reason, self._gone = reason, True
            self._changed.notify_all()
        try:
            self._on_exit()
        finally:
            with self._changed:
                self._told = True
                self._ended()
                self._changed.notify_all()


def _load_message(plan: Plan) -> bytes:
    return wire.pack(
        {
            "do": "load",
            "load": plan.load,
            "arguments": plan.arguments,
            "preload": list(plan.preload),
            "device": plan.device,
        }
    )
