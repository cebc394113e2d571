"""A host, seen from the process that it works for: one process, from its start to its end.

    host = Host(Plan("speech", load="models.choose:resident", arguments={…}), log=…, scratch=…)
    host.start()
    host.ask("pipeline.hosted:make", {…}, progress)      # runs there as make(engine, {…}, progress)
    host.stop()

It loads its engine once and then does one piece of work after the other. It dies alone: whatever
happens in it comes back as an exception here. It is never restarted; a new Host is.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from models import wire
from models.errors import ProcessDied, Unavailable, VigentdError
from models.launch import Plan, launch
from models.process import Process
from models.progress import Progress
from models.pulse import Pulse
from models.wire import Health, HostFault, Message

__all__ = ["Health", "Host", "HostDied", "HostFault", "HostStalled", "Plan"]

_LOOK_EVERY_S = 0.2  # how soon a cancel is noticed while there is no news
_DUMP_S = 0.5  # for writing down where a stalled host is
_KILL_S = 10.0  # for the end of what was killed; a GPU driver may take its time
_TERMINATE_S = 1.2  # from SIGTERM to SIGKILL


class HostDied(ProcessDied):
    """The process ended, or could not be started. The work may be asked of a new one."""

    default_code = "host_died"


class HostStalled(HostDied):
    """The process got nowhere for longer than it may, and was killed."""

    default_code = "host_stalled"


@dataclass(frozen=True)
class _Work:
    """news: steps and the answer, in order; None when the process is gone."""

    number: int
    news: SimpleQueue[Message | None] = field(default_factory=SimpleQueue)


class Host:
    """log, scratch: files of this host alone (launch.py). on_exit: told once, from the thread that
    attends to the process, after its end and before any `ask` fails because of it. All methods may be
    called from any thread."""

    def __init__(
        self,
        plan: Plan,
        *,
        log: Path,
        scratch: Path,
        on_exit: Callable[[Host], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plan = plan
        self.exit_reason = ""  # "exit status 3", "killed by SIGKILL"; set when it is gone
        self._log = log
        self._scratch = scratch
        self._on_exit = on_exit
        self._clock = clock
        self._turn = threading.Lock()  # held by whom it works for
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()  # for what follows
        self._process: Process | None = None
        self._unwanted = False
        self._gone = False
        self._told = False  # on_exit was
        self._loaded = False
        self._failure: Message | None = None  # why it could not be loaded
        self._work: _Work | None = None
        self._health = Health(device=plan.device)
        self._health_number = 0
        self._dumped = False

    @property
    def pid(self) -> int:
        """0 when it was not started."""
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        return self._process is not None and not self._gone

    # ------------------------------------------------------------ its life

    def start(self) -> None:
        """Returns at once; loading goes on in the process. What keeps it from starting is raised by
        `wait_ready`, as what keeps it from loading is, and `on_exit` is told."""
        name, first = f"host-{self.plan.name}", _load_message(self.plan)
        threading.Thread(target=self._live, args=(first,), name=name, daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._process is not None or self._gone)

    def wait_ready(self, timeout_s: float | None) -> bool:
        """True when it is loaded, False when it still loads.

        Raises what the loading raised: HostDied for anything unexpected, or when it is gone.
        """
        with self._changed:
            settled = self._changed.wait_for(
                lambda: self._loaded or self._failure is not None or self._told, timeout_s
            )
            self._check()
            return settled

    def stop(self, grace_s: float = 2.0) -> None:
        """Ends it, kindly if it listens, and waits for its end."""
        with self._changed:
            self._unwanted = True
            if self._process is None or self._gone:
                return
            self._post(do="stop")
        if not self._wait_gone(grace_s):
            self._process.signal(signal.SIGTERM)
            if not self._wait_gone(min(grace_s, _TERMINATE_S)):
                self.kill()
                self._wait_gone(_KILL_S)

    def kill(self) -> None:
        """With all of its process group; does not wait for the end."""
        with self._changed:
            self._unwanted = True
            if self._process is not None:
                self._process.signal(signal.SIGKILL, group=True)

    # ------------------------------------------------------------ asking

    def ask(
        self,
        do: str,
        arguments: dict[str, Any],
        progress: Progress,
        *,
        job: str = "",
        stage: str = "",
        patience_s: float = 120.0,
        grace_s: float = 1.2,
    ) -> Any:
        """What `do` ("package.module:function") returns there: it is called as
        function(engine, arguments, progress); arguments and result are JSON values.

        Waits until the host is loaded and others are served. `progress` gets its steps, and is asked
        between them whether to stop; if it raises, the work has `grace_s` to come back, else the
        process is killed. patience_s: see Pulse.

        Raises what `progress` raises; what the function raises (an expected failure as its nearest kind
        in models.errors, OSError, ImportError, or HostFault); HostStalled; HostDied; and, when the host
        could not be loaded, the reason for that.
        """
        line = {"call": do, "arguments": arguments, "job": job, "stage": stage}
        wire.pack(line)  # raises now if it cannot be sent
        with self._my_turn(progress):
            while not self.wait_ready(_LOOK_EVERY_S):
                progress.check()
            with self._changed:
                self._check()
                work = self._work = _Work(next(self._numbers))
                self._post(do="work", number=work.number, **line)
            try:
                answer = self._follow(work, progress, Pulse(patience_s, self._clock()))
            except HostDied:
                raise
            except BaseException:
                self._call_off(work, grace_s)
                raise
            finally:
                with self._changed:
                    self._work = None
        if "error" in answer:
            raise wire.restore(answer["error"])
        return answer["value"]

    @contextmanager
    def _my_turn(self, progress: Progress) -> Iterator[None]:
        while not self._turn.acquire(timeout=_LOOK_EVERY_S):
            progress.check()
        try:
            yield
        finally:
            self._turn.release()

    def _follow(self, work: _Work, progress: Progress, pulse: Pulse) -> Message:
        beats = 0
        while True:
            try:
                message = work.news.get(timeout=_LOOK_EVERY_S)
            except Empty:
                pulse.feed(beats, self._clock())
                if pulse.stalled:
                    raise self._stalled(pulse.silent_s) from None
                progress.check()
                continue
            if message is None:
                raise self._died()
            if message["say"] == "answer":
                return message
            beats = message["beats"]
            pulse.feed(beats, self._clock())
            progress.step(message["done"], message["total"])

    def _call_off(self, work: _Work, grace_s: float) -> None:
        """Afterwards the work is not being done any more, one way or the other."""
        came_back = False
        try:
            with self._changed:
                self._post(do="cancel", number=work.number)
            until = self._clock() + grace_s
            while not came_back and (left := until - self._clock()) > 0:
                message = work.news.get(timeout=left)
                came_back = message is None or message["say"] == "answer"
        except Empty:
            pass
        finally:  # a second Ctrl-C does not wait
            if not came_back:
                self.kill()
                self._wait_told(_KILL_S)

    def _stalled(self, silent_s: float) -> HostStalled:
        with self._changed:
            self._post(do="dump")
            dumped = self._changed.wait_for(lambda: self._dumped or self._gone, _DUMP_S)
            if not dumped and self._process is not None:
                # Native code holds the interpreter; only a handler that needs none still runs.
                self._process.signal(signal.SIGUSR1)
        if not dumped:
            self._wait_gone(_DUMP_S)
        self.kill()
        self._wait_told(_KILL_S)
        return HostStalled(
            f"The {self.plan.name} process got nowhere for {silent_s:.0f} s and was ended",
            hint=f"Where it was stuck is written in {self._log}",
        )

    # ------------------------------------------------------------ looking

    def health(self, timeout_s: float = 0.1) -> Health:
        """What it says of itself; `answered=False` with what it said before when it does not say now."""
        with self._changed:
            number = next(self._numbers)
            self._post(do="health", number=number)
            self._changed.wait_for(lambda: self._health_number >= number or self._gone, timeout_s)
            return replace(self._health, pid=self.pid, answered=self._health_number >= number)

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
                    self._process = launch(self.plan, self._log, self._scratch)
                    self._process.post(first)
            except (OSError, VigentdError) as e:
                self._failure = wire.describe(e)
            self._changed.notify_all()
            return self._process

    def _heard(self, message: Message) -> None:
        said = message["say"]
        with self._changed:
            if said in ("step", "answer"):
                if self._work is not None and self._work.number == message["number"]:
                    self._work.news.put(message)
            elif said == "health":
                self._health, self._health_number = Health(**message["health"]), message["number"]
            elif said == "failed":
                self._failure = message["error"]
            elif said == "loaded":
                self._loaded = True
            elif said == "dumped":
                self._dumped = True
            self._changed.notify_all()

    def _end(self, reason: str) -> None:
        with self._changed:
            self.exit_reason, self._gone = reason, True
            self._changed.notify_all()
        try:
            self._on_exit(self)
        finally:
            with self._changed:
                self._told = True
                if self._work is not None:
                    self._work.news.put(None)
                self._changed.notify_all()

    # ------------------------------------------------------------ small things

    def _post(self, **message: Any) -> None:
        if self._process is not None:
            self._process.post(wire.pack(message))

    def _wait_gone(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._gone, timeout_s)

    def _wait_told(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._told, timeout_s)

    def _check(self) -> None:
        """Raises when nothing can be asked of it any more."""
        if self._failure is not None:
            raise self._not_loaded(self._failure)
        if self._gone:
            raise self._died()

    def _died(self) -> HostDied:
        if self._unwanted:
            return HostDied(f"The {self.plan.name} process was stopped")
        hint = f"What it said last is in {self._log}"
        if self.exit_reason == "killed by SIGKILL":
            hint = f"The machine may have run out of memory; what it said last is in {self._log}"
        return HostDied(f"The {self.plan.name} process ended unexpectedly ({self.exit_reason})", hint=hint)

    def _not_loaded(self, told: Message) -> VigentdError:
        error = wire.restore(told)
        if isinstance(error, VigentdError) and not isinstance(error, HostFault):
            return error
        if isinstance(error, ImportError):
            return Unavailable(
                f"A part of this machine's installation is missing: {error}",
                code="installation_broken",
                hint="`vigentd doctor` says what is missing and how to install it",
            )
        what = f"{told['name']}: {told['text']}" if isinstance(error, HostFault) else str(error)
        failed = HostDied(
            f"The {self.plan.name} process could not load its engine: {what}",
            code="load_failed",
            hint=f"What happened is written in {self._log}",
        )
        failed.add_note("\n".join(error.__notes__))
        return failed


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
