"""A host, seen from the process that it works for: one process, from its start to its end.

    host = Host(Plan("speech", load="models.choose:resident", arguments={…}), log=…, scratch=…)
    host.start()
    host.ask("pipeline.hosted:make", {…}, progress)      # runs there as make(engine, {…}, progress)
    host.stop()

It loads its engine once and then does one piece of work after the other. It dies alone: whatever
happens in it comes back as an exception here. It is never restarted; a new Host is.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, NamedTuple, NoReturn

from models import budgets, gpu_faults, gpus, host_errors, host_log, wire, xid
from models.budgets import Budget
from models.follow import LOOK_EVERY_S, Stuck, follow
from models.gpu_faults import Fault
from models.host_errors import HostDied, HostStalled
from models.host_process import KILL_S, HostProcess
from models.ladder import GRACE_S, Ladder, Say
from models.launch import Plan
from models.orders import Heeding, Taker
from models.progress import Progress, Quiet
from models.pulse import Pulse
from models.wire import Health, HostFault, Message

__all__ = ["Health", "Host", "HostDied", "HostFault", "HostStalled", "Plan", "Seen"]

_TOLD_S = 1.0  # for the keeper to be told of an end


class Seen(NamedTuple):
    """A host as its parent sees it, without asking. age_s: since its last real progress, or since its work
    ended. budget_s: how long that may be; None: it has nothing to do, or waits for others."""

    state: Literal["loading", "idle", "busy", "stalled", "dead"]
    age_s: float
    budget_s: float | None
    job: str = ""
    stage: str = ""
    heartbeats: int = 0
    rss: int = 0
    vram: int = 0


@dataclass
class _Work:
    """news: as in follow.News; None when the process is gone. over: one of the two is there."""

    number: int
    job: str
    stage: str
    taker: Taker | None = None
    news: SimpleQueue[Message | None] = field(default_factory=SimpleQueue)
    over: bool = False

    def rests(self) -> bool:
        return self.taker is not None and self.taker.busy


class Host(HostProcess):
    """log, scratch: files of this host alone (launch.py). on_exit: told once, from the thread that
    attends to the process, after its end and before any `ask` fails because of it. on_rung: gets what is
    done about it when it is stuck (ladder.py). All methods may be called from any thread."""

    def __init__(
        self,
        plan: Plan,
        *,
        log: Path,
        scratch: Path,
        on_exit: Callable[[Host], None] = lambda _: None,
        on_rung: Say = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(plan, log, scratch, lambda: on_exit(self))
        self._on_rung = on_rung
        self._clock = clock
        self._turn = threading.Lock()  # held by whom it works for
        self._loaded = False
        self._work: _Work | None = None
        self._health = Health(device=plan.device)
        self._health_number = 0
        self._size: Message = {"heartbeats": 0, "rss": 0, "vram": 0}
        self._engine = ""
        self._load_beats = 0
        self._pulse: Pulse | None = None  # of what it does
        self._since = clock()  # nothing has been done
        self._climbing = False  # it is stuck, and something is done about that
        self._stalled = False  # it is ended for that
        self.called_off = False  # it is ended, for its work was not wanted any more and did not come back
        self._dump_number = 0  # asked for
        self._dumped_number = 0  # done

    @property
    def usable(self) -> bool:
        """Alive, and not about to be ended because it was stuck."""
        return self.alive and not self._stalled

    @property
    def engine(self) -> str:
        """ "latentsync/1"; "" when it is not loaded, or is none."""
        return self._engine

    # ------------------------------------------------------------ its life

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

    def watch_loading(self, floors: Budget) -> None:
        """Until it is loaded; for the one who keeps it. Raises as `wait_ready` does, and HostStalled when it
        has got nowhere; then it is ended."""
        pulse = self._pulse = Pulse(floors, self._clock())
        try:
            while not self.wait_ready(LOOK_EVERY_S):
                pulse.feed(self._load_beats, self._clock())
                if pulse.stalled:
                    self._climb(pulse, None, Quiet())
        finally:
            self._pulse, self._since = None, self._clock()

    # ------------------------------------------------------------ asking

    def ask(
        self,
        do: str,
        arguments: dict[str, Any],
        progress: Progress,
        *,
        job: str = "",
        stage: str = "",
        floors: Budget = budgets.ASKED,
        grace_s: float = GRACE_S,
        taker: Taker | None = None,
        more: bool = False,
    ) -> Any:
        """What `do` ("package.module:function") returns there: it is called as
        function(engine, arguments, progress); arguments and result are JSON values.

        Waits until the host is loaded and others are served. `progress` gets its steps, and is asked
        between them whether to stop; if it raises, the work has `grace_s` to come back, else the
        process is killed. floors: see Pulse. taker: of what it orders; closed when the work is over.
        more: another such piece comes soon, and what memory this one leaves is kept for it.

        Raises what `progress` raises; what the function raises (an expected failure as its nearest kind
        in models.errors, OSError, ImportError, or HostFault); HostStalled; GpuFault; HostDied; and, when the
        host could not be loaded, the reason for that.
        """
        line = {"call": do, "arguments": arguments, "job": job, "stage": stage, "more": more}
        wire.pack(line)  # raises now if it cannot be sent
        with self._my_turn(progress):
            while not self.wait_ready(LOOK_EVERY_S):
                progress.check()
            with self._changed:
                self._check()
                work = self._work = _Work(next(self._numbers), job, stage, taker)
                pulse = self._pulse = Pulse(floors, self._clock(), offered=True)
                self._asked_at = time.monotonic()
                self._post(do="work", number=work.number, **line)
            try:
                answer = self._answer(work, Heeding(progress, taker) if taker else progress, pulse)
            except HostDied:
                raise
            except BaseException:
                self._call_off(work, grace_s)
                raise
            finally:
                if taker is not None:
                    taker.close()
                with self._changed:
                    self._work, self._pulse, self._since = None, None, self._clock()
            if "error" in answer:
                raise self._refused(answer["error"])
        return answer["value"]

    @contextmanager
    def _my_turn(self, progress: Progress) -> Iterator[None]:
        while not self._turn.acquire(timeout=LOOK_EVERY_S):
            progress.check()
        try:
            yield
        finally:
            self._turn.release()

    def _answer(self, work: _Work, progress: Progress, pulse: Pulse) -> Message:
        try:
            answer = follow(work.news, progress, pulse, self._clock, work.rests)
        except Stuck:
            self._climb(pulse, work, progress)
        if answer is None:
            raise self._died(self._known)
        return answer

    def _refused(self, told: Message) -> Exception:
        """After a fault of the GPU, which is with the process for good, it is ended; and when it can have no
        more memory, of which it may hold too much."""
        memory = told["kind"] == "MemoryError"
        if "gpu" not in told and not memory:
            return host_errors.refused(told)
        self.kill()
        self.wait(lambda: self._told, KILL_S)
        if memory:
            return host_errors.out_of_memory(self.plan.name, wire.restore(told))
        return host_errors.refused(told, self._known(Fault(*told["gpu"])))

    def _known(self, fault: Fault | None) -> Fault | None:
        """With what the kernel's log has about this process or its GPU."""
        device = self.plan.device
        if device == "cpu":
            return fault
        place = xid.place_of(device, os.environ.get(gpus.VISIBLE))
        return gpu_faults.with_xids(fault, xid.since(self._asked_at, self.pid, place))

    def _call_off(self, work: _Work, grace_s: float) -> None:
        """Afterwards the work is not being done any more, one way or the other."""
        try:
            self._cancel(work)
            self.wait(lambda: work.over, grace_s)
        finally:  # a second Ctrl-C does not wait
            if not work.over:
                self.called_off = True
                self.kill()
                self.wait(lambda: self._told, KILL_S)

    def _cancel(self, work: _Work) -> None:
        with self._changed:
            self._post(do="cancel", number=work.number)

    # ------------------------------------------------------------ what is done when it is stuck

    def _climb(self, pulse: Pulse, work: _Work | None, progress: Progress) -> NoReturn:
        """Raises HostStalled, or what `progress` raises. work: None while it loads."""
        doing = {"job": work.job, "stage": work.stage} if work else {"stage": "loading"}
        how_long = {"silent_s": round(pulse.silent_s, 1), "budget_s": round(pulse.budget_s, 1)}
        self._on_rung("found", doing | how_long)
        ladder = Ladder(self, self._log, self._on_rung, progress.check, self._clock)
        self._stalled = self._climbing = True
        back = False
        try:
            cancel = None if work is None else partial(self._cancel, work)
            back = ladder.climb(cancel, lambda: work is not None and work.over)
        finally:
            if back:
                self._stalled = False
            else:
                self.wait(lambda: self._told, _TOLD_S)
            self._climbing = self.alive and not back
        raise host_errors.stalled(
            self.plan.name,
            self._log,
            pulse.silent_s,
            loading=work is None,
            ended=not back,
            fault=self._known(None),
        )

    @property
    def dumped(self) -> bool:
        return self._dumped_number >= self._dump_number

    def order_dump(self) -> None:
        with self._changed:
            self._dump_number = next(self._numbers)
            self._post(do="dump", number=self._dump_number)

    # ------------------------------------------------------------ looking

    def seen(self) -> Seen:
        """At once, and without asking it: an answer that comes late would mean nothing."""
        pulse, work = self._pulse, self._work
        job, stage = (work.job, work.stage) if work else ("", "")
        doing: Any = {"job": job, "stage": stage, **self._size}
        if not self.alive:
            return Seen("dead", self._clock() - self._since, None, **doing)
        if pulse is None:
            return Seen("idle" if self._loaded else "loading", self._clock() - self._since, None, **doing)
        stuck = self._climbing or pulse.stalled
        state: Any = "stalled" if stuck else "busy" if self._loaded else "loading"
        limit = (
            pulse.budget_s if math.isfinite(pulse.budget_s) else None
        )  # who waits for others may do so for ever
        return Seen(state, pulse.silent_s, limit, **doing)

    def health(self, timeout_s: float = 0.1) -> Health:
        """What it says of itself; `answered=False` with what it said before when it does not say now."""
        with self._changed:
            number = next(self._numbers)
            self._post(do="health", number=number)
            self._changed.wait_for(lambda: self._health_number >= number or self._gone, timeout_s)
            return replace(self._health, pid=self.pid, answered=self._health_number >= number)

    # ------------------------------------------------------------ what it says

    def _heard(self, message: Message) -> None:
        said = message["say"]
        with self._changed:
            self._size = message.get("size", self._size)
            if said in ("taken", "step", "answer"):
                if self._work is not None and self._work.number == message["number"]:
                    self._work.over = said == "answer"
                    self._work.news.put(message)
            elif said == "order":
                self._ordered(message)
            elif said == "health":
                self._health, self._health_number = Health(**message["health"]), message["number"]
            elif said == "loading":
                self._load_beats = message["beats"]
            elif said == "failed":
                self._failure = message["error"]
            elif said == "loaded":
                self._loaded, self._engine = True, message["engine"]
            elif said == "dumped":
                self._dumped_number = message["number"]
            self._changed.notify_all()

    def _ordered(self, message: Message) -> None:
        """By its work, from somebody else."""
        work, number, order = self._work, message["number"], message["order"]
        if work is None or work.taker is None or work.number != number:
            return

        def reply(answer: Message) -> None:
            with self._changed:
                self._post(**answer, number=number, order=order)

        work.taker.take(order, message["call"], message["arguments"], reply)

    def _ended(self) -> None:
        if self._work is not None:
            self._work.over = True
            self._work.news.put(None)

    def _check(self) -> None:
        """Raises when nothing can be asked of it any more."""
        if self._failure is not None:
            raise host_errors.not_loaded(self.plan.name, self._log, self._failure)
        if self._gone or self._stalled:
            raise self._died()

    def _died(self, known: Callable[[Fault | None], Fault | None] = lambda fault: fault) -> HostDied:
        name, log = self.plan.name, self._log
        if self._stalled:  # under the work of somebody else, who is told more
            return HostDied(f"The {name} process was ended, for it got nowhere")
        if self._unwanted:
            return host_errors.died(name, log, "")
        fault = known(gpu_faults.in_log(host_log.tail(log, self._log_begin)))
        return host_errors.died(name, log, self.exit_reason, fault)
