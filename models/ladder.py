"""What is done about a host that is stuck, one rung after the other, until one of them helps.

    dump     its stacks go to its log: by its control thread; when native code holds the interpreter, by a
             signal handler that needs none
    cancel   its work is told to stop. Comes it back, the host is kept: its main thread has just proved that
             it gets on, all that the work had started (an ffmpeg that hung, say) is ended, and loading
             another engine would cost minutes
    term     SIGTERM: the host leaves, if its control thread can still act
    kill     SIGKILL, to all of its process group, stopped or not

In all it takes less than ten seconds. A person who cancels meanwhile does not wait for the rungs between.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from models import host_log

DUMP_S = 0.5  # for writing down where it is, each way
GRACE_S = 1.2  # for work to come back
TERMINATE_S = 1.5  # from SIGTERM to SIGKILL; a host gives its work 1 s of that
KILL_S = 4.0  # for the end of what was killed; a GPU driver may take its time
_LOOK_EVERY_S = 0.1

Say = Callable[[str, dict[str, Any]], None]  # a rung, with facts


class Held(Protocol):
    """A host, as the ladder needs it."""

    @property
    def gone(self) -> bool: ...

    @property
    def dumped(self) -> bool:
        """Whether it has said so, since it was last asked."""

    def order_dump(self) -> None: ...

    def signal(self, number: signal.Signals) -> None: ...

    def kill(self) -> None: ...

    def wait(self, until: Callable[[], bool], timeout_s: float) -> bool: ...


@dataclass
class Ladder:
    """log: the host's. say: gets each rung as it is left, with the seconds since the first one began.
    check: raises when a person does not want to wait any longer."""

    held: Held
    log: Path
    say: Say
    check: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False, default=0.0)

    def climb(self, cancel: Callable[[], None] | None, came_back: Callable[[], bool]) -> bool:
        """True: the work has come back, and the host can be asked for more. False: the host has ended, or
        will, when the machine lets it. cancel: tells the work to stop; None when there is none.

        Raises what `check` raises; then the host has ended, too.
        """
        self._began = self.clock()
        back = False
        try:
            self._dump()
            if cancel is not None:
                back = self._cancel(cancel, came_back)
            if not back:
                self._terminate()
        finally:
            if not back:
                self._kill()
        return back

    def _dump(self) -> None:
        held, before = self.held, host_log.size(self.log)
        held.order_dump()
        by = "control"
        if not self._wait(lambda: held.dumped or held.gone, DUMP_S):
            held.signal(signal.SIGUSR1)
            self._wait(lambda: held.gone, DUMP_S)
            by = "signal" if host_log.size(self.log) > before else "none"
        self._left("dump", stacks=by)

    def _cancel(self, cancel: Callable[[], None], came_back: Callable[[], bool]) -> bool:
        cancel()
        self._wait(lambda: came_back() or self.held.gone, GRACE_S)
        back = came_back() and not self.held.gone
        self._left("cancel", came_back=back)
        return back

    def _terminate(self) -> None:
        self.held.signal(signal.SIGTERM)
        gone = self._wait(lambda: self.held.gone, TERMINATE_S)
        self._left("term", gone=gone)

    def _kill(self) -> None:
        if self.held.gone:
            return
        self.held.kill()
        gone = self.held.wait(lambda: self.held.gone, KILL_S)
        self._left("kill", gone=gone)

    def _wait(self, until: Callable[[], bool], seconds: float) -> bool:
        end = self.clock() + seconds
        while not self.held.wait(until, min(_LOOK_EVERY_S, seconds)):
            self.check()
            if self.clock() >= end:
                return False
        return True

    def _left(self, rung: str, **facts: Any) -> None:
        self.say(rung, {**facts, "after_s": round(self.clock() - self._began, 2)})
