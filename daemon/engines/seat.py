"""The place of one host: whenever its process is gone, the next one is started.

It comes back at once, then after growing pauses, until it has done some work again: an engine that
cannot be loaded must not keep the machine busy with trying. One that works in between, but ends too often,
rests for minutes, and the admins are told; jobs wait meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daemon.engines.admins import NO_ALARMS, Alarms, HostAlarm
from daemon.engines.ends import WINDOW_S, Ends
from daemon.engines.roster import EngineAway
from daemon.health.component import Component
from models import budgets
from models.budgets import Budget
from models.errors import StageFailed, Unavailable, VigentdError
from models.host import Host, HostDied, Plan, Seen
from models.host_errors import GpuFault
from models.host_log import rotate
from models.progress import Progress
from pipeline.progress import loading

PAUSES_S = (0.0, 0.5, 2.0, 10.0, 60.0)  # after the 1st, 2nd, … start with no work done since
LOOK_S = 0.2
KILLED_S = 30.0  # then what was killed is taken for something that does not end
LOOK_AT_END_S = 2.0
GONE = "its process is gone"
BROKEN_OFF = "its work was broken off"

Tell = Callable[[str, dict[str, Any]], None]  # what happened to a host, with facts


class Seat:
    """title: what a person calls it ("lip-sync engine"). tell: gets what happens, from any thread.
    floors: for its loading. replacements: as in Ends.

    One thread, the keeper, starts the hosts and lives as long as the seat; anybody may ask.
    """

    def __init__(
        self,
        plan: Plan,
        title: str,
        *,
        logs: Path,
        scratch: Path,
        tell: Tell,
        floors: Budget = budgets.LOADING["media"],
        replacements: int = 5,
        alarms: Alarms = NO_ALARMS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plan = plan
        self.title = title
        self.starts = 0
        self.load_s = 0.0  # how long the last one took
        self._log = logs / f"host-{plan.name}.log"
        self._scratch = scratch / plan.name
        self._tell = tell
        self._floors = floors
        self._ends = Ends(replacements)
        self._alarms = alarms
        self._alarm = HostAlarm(alarms, f"host:{plan.name}")
        self._clock = clock
        self._opening = threading.Lock()  # held for the whole of `open` and of `close`: one keeper at a time
        self._changed = threading.Condition()  # for what follows
        self._wanted = False
        self._host: Host | None = None
        self._loaded = False
        self._trouble: VigentdError | None = None  # why it could not be loaded the last time
        self._again = ""  # why it is not the first start since `open`
        self._replaced: Host | None = None  # ended by `replace`
        self._fruitless = 0  # starts since work was last done
        self._due = float("-inf")
        self._rests = False  # until then, for it ended too often
        self._refused = False  # the last one could not be loaded, and knew why
        self._since = clock()  # the last one ended
        self._used = clock()
        self._asked = 0  # by so many now
        self._keeper: threading.Thread | None = None

    # ------------------------------------------------------------ there or not

    def open(self) -> None:
        """From now on a host is kept here. While another thread closes the seat, this waits for that."""
        with self._opening, self._changed:
            self._used = self._clock()
            if self._keeper is None:
                self._wanted, self._trouble, self._again = True, None, ""
                self._begin_anew()
                name = f"keeper-{self.plan.name}"
                self._keeper = threading.Thread(target=self._keep, name=name, daemon=True)
                self._keeper.start()

    def close(self) -> None:
        """Ends the host, and waits for its end; none is started any more."""
        with self._opening:
            with self._changed:
                self._wanted = False
                host, keeper, self._keeper = self._host, self._keeper, None
                self._changed.notify_all()
            if host is not None:
                host.stop()
            if keeper is not None:
                keeper.join()

    def replace(self, because: str) -> None:
        """Ends this host in good order; the next one is started from the plan as it is then."""
        with self._changed:
            host, self._loaded, self._trouble = self._host, False, None
            self._begin_anew()
            self._again, self._replaced = because, host
            self._changed.notify_all()
        if host is not None:
            self._say("replaced", because=because)
            host.stop()

    def _begin_anew(self) -> None:
        """What was before says nothing of the next one."""
        self._fruitless, self._due, self._rests = 0, float("-inf"), False
        self._ends.forget()

    # ------------------------------------------------------------ asking

    def ready(self, progress: Progress) -> Host:
        """The host, loaded; waits for it, looking at `progress`. Raises EngineAway."""
        progress.check()
        if (host := self._now(0.0)) is not None:
            return host
        with loading(progress, f"the {self.title}"):
            while True:
                progress.check()
                if (host := self._now(LOOK_S)) is not None:
                    return host

    def _now(self, wait_s: float) -> Host | None:
        """The host, if it is loaded; else None, after a while. Raises EngineAway."""
        with self._changed:
            self._used = self._clock()
            if self._host is not None and self._loaded and self._host.usable:
                return self._host
            if away := self._away():
                raise away
            self._changed.wait(wait_s)
            return None

    @contextmanager
    def asked(self, progress: Progress) -> Iterator[Host]:
        """The host, as `ready` gives it, to be asked for something. When it answers, if only with a refusal,
        it has proved that it works; when nobody waits for it any more, nothing is proved."""
        with self._changed:
            self._asked += 1
        try:
            host = self.ready(progress)
            try:
                yield host
            except HostDied as e:
                if isinstance(e, GpuFault):
                    self._gpu_failed(e)
                raise
            except Exception:
                if host.usable and not host.called_off:
                    self._worked()
                raise
            self._worked()
        finally:
            with self._changed:
                self._asked -= 1

    def _worked(self) -> None:
        with self._changed:
            self._fruitless, self._used = 0, self._clock()
        self._alarm.over("load", "often")

    def _gpu_failed(self, error: GpuFault) -> None:
        self._say("gpu_fault", device=self.plan.device, **error.as_dict())
        if error.kind == "ecc":  # another process may do for a while, and a person must see to the GPU
            self._alarms.raise_alarm(f"gpu:{self.plan.device}", error.message, error.hint)

    def why(self) -> str:
        """Why there is nobody to ask; "" when there is."""
        with self._changed:
            return self._why()

    def trouble(self) -> EngineAway | None:
        """Why nobody can be asked, nor soon; None while somebody can, or is on the way."""
        with self._changed:
            return self._away()

    def _away(self) -> EngineAway | None:
        if self._trouble is None and self._wanted:
            return None
        return EngineAway(self._why(), hint=self._hint())

    @property
    def wanted(self) -> bool:
        return self._wanted

    def idle_s(self) -> float:
        """Since somebody last asked; 0 while it works."""
        return 0.0 if self._asked else self._clock() - self._used

    def _why(self) -> str:
        if self._host is not None and self._loaded:
            return ""
        if self._trouble is not None:
            return f"The {self.title} cannot be loaded: {self._trouble.message}"
        if self._rests:
            return f"The {self.title} {self._too_often} and is started again when these are over"
        if self._again:
            return f"The {self.title} is started again, for {self._again}"
        return f"The {self.title} is loading"

    def _hint(self) -> str:
        if self._trouble is None and self._rests:
            return f"What its process said last is in {self._log}"
        return self._trouble.hint if self._trouble is not None else ""

    @property
    def _too_often(self) -> str:
        return f"has ended {self._ends.most + 1} times within {WINDOW_S / 60:.0f} minutes"

    def trim_log(self) -> None:
        """A host that lives for months writes into one file: when it is large, what is in it is set aside."""
        rotate(self._log)

    def health(self) -> Component:
        """From memory, and at once: nothing is asked of the process."""
        with self._changed:
            host, ailing = self._host, self._trouble is not None or self._rests or self._again == GONE
            seen = host.seen() if host is not None else None
            trouble, hint = (self._why(), self._hint()) if ailing else ("", "")
            since_s, undying = self._clock() - self._since, host is not None and self._trouble is not None
        state, age_s, budget_s = seen[:3] if seen is not None else ("dead", since_s, None)
        if state == "dead" and not ailing:
            state = "loading"  # it was not started yet, or is exchanged for another
        if state == "stalled" and not undying:
            trouble = f"The {self.title} has got nowhere for {age_s:.0f} s"
            hint = f"It is ended and started again; where it was stuck is written in {self._log}"
        facts = dict(zip(Seen._fields[3:], seen[3:], strict=True)) if seen is not None else {}
        facts |= {
            "pid": host.pid if host is not None and host.alive else None,
            "engine": host.engine if host is not None else "",
            "device": self.plan.device,
            "starts": self.starts,
            "load_s": self.load_s,
        }
        return Component(f"host:{self.plan.name}", state, age_s, budget_s, trouble, hint, facts=facts)

    def status(self) -> dict[str, Any]:
        """Its health, as programs see it."""
        with self._changed:
            host, why, hint = self._host, self._why(), self._hint()
        common = {
            "name": self.plan.name,
            "device": self.plan.device,
            "starts": self.starts,
            "load_s": self.load_s,
            "why": why,
            "hint": hint,
        }
        if host is None or not host.alive:
            nothing = dict.fromkeys(("heartbeats", "age_s", "rss", "vram"), 0) | {"job": "", "stage": ""}
            return common | nothing | {"state": "dead", "pid": None, "engine": None, "versions": {}}
        health = asdict(host.health())
        if host.seen().state == "stalled":
            health["state"] = "stalled"
        return health | common | {"engine": health["versions"].get("engine")}

    # ------------------------------------------------------------ the keeper

    def _keep(self) -> None:
        while self._until_due():
            ended = threading.Event()
            with self._changed:  # the plan is read, and the host that has it is known to `replace`
                host = self._new_host(ended)
                self._host = host
                self._rests = False
                self.starts += 1
                self._fruitless += 1
            self._say("starting", start=self.starts, device=self.plan.device)
            try:
                host.start()
            except Exception as e:  # no thread, no memory: whatever it is, the keeper goes on
                known = isinstance(e, VigentdError)
                self._failed(host, e if known else StageFailed(f"No process can be started: {e}"))  # type: ignore[arg-type]
            else:
                self._load(host)
                self._until_ended(host, ended)
            self._gone(host)

    def _new_host(self, ended: threading.Event) -> Host:
        return Host(
            self.plan,
            log=self._log,
            scratch=self._scratch,
            on_exit=lambda _: ended.set(),
            on_rung=lambda rung, facts: self._say("ladder", rung=rung, **facts),
        )

    def _until_due(self) -> bool:
        """Waits for the time of the next start. False: none is wanted."""
        with self._changed:
            while self._wanted and (left := self._due - self._clock()) > 0:
                self._changed.wait(left)
            return self._wanted

    def _load(self, host: Host) -> None:
        began = self._clock()
        with self._changed:
            if not self._wanted:  # closed between the start and here
                host.kill()
        try:
            host.watch_loading(self._floors)
        except VigentdError as e:
            self._failed(host, e)
            return
        with self._changed:
            if host is self._replaced:
                return
            self._loaded, self._trouble, self._again = True, None, ""
            self.load_s = round(self._clock() - began, 3)
            self._changed.notify_all()
        self._alarm.over("load")
        health = host.health(LOOK_S)
        memory = {"rss": health.rss, "vram": health.vram}
        self._say(
            "ready", pid=host.pid, engine=health.versions.get("engine", ""), seconds=self.load_s, **memory
        )

    def _until_ended(self, host: Host, ended: threading.Event) -> None:
        """Or, when none is wanted any more, until it cannot be waited for. One that a driver or a disk holds
        does not even end when it is killed, and no job is to wait for it as for one that loads."""
        killed_at: float | None = None
        told = False
        while not ended.wait(LOOK_AT_END_S):
            if host.killed and killed_at is None:
                killed_at = self._clock()
            if killed_at is None or self._clock() - killed_at < KILLED_S:
                continue
            if not self._wanted:
                return
            if not told:
                told = True
                self._undying(host)

    def _undying(self, host: Host) -> None:
        error = Unavailable(
            f"Its process {host.pid} was killed and does not end",
            code="host_undying",
            hint="A driver or a disk holds it (`dmesg` may say which); restart the machine",
        )
        with self._changed:
            self._loaded, self._trouble = False, error
            self._changed.notify_all()
        self._alarm.tell("load", f"The {self.title} cannot be started again: {error.message}", error.hint)
        self._say("undying", pid=host.pid, **error.as_dict())

    def _failed(self, host: Host, error: VigentdError) -> None:
        with self._changed:
            if not self._wanted or host is self._replaced:  # what ails that one says nothing of the next
                return
            self._refused = not isinstance(error, HostDied) or (isinstance(error, GpuFault) and error.lasting)
            hopeless = self._refused or self._fruitless >= len(PAUSES_S)
            if hopeless:
                self._trouble = error
            self._changed.notify_all()
        self._say("not_loaded", **error.as_dict())
        if hopeless:
            self._alarm.tell("load", f"The {self.title} cannot be loaded: {error.message}", error.hint)

    def _gone(self, host: Host) -> None:
        with self._changed:
            self._host, self._loaded, self._since = None, False, self._clock()
            pause = PAUSES_S[min(self._fruitless, len(PAUSES_S)) - 1] if self._fruitless else 0.0
            self._due, self._rests = self._since + pause, False
            wanted, planned = self._wanted, host is self._replaced or not self._wanted
            if host.called_off and not planned:  # somebody has changed their mind; it did nothing wrong
                self._fruitless, self._due, self._again = 0, self._since, BROKEN_OFF
            elif not planned:
                self._again = GONE
                if not self._refused:  # that one had done nothing, and knew why
                    soon, self._due = self._due, self._ends.next_start(self._since, pause)
                    self._rests = self._due > soon
            self._replaced, self._refused = None, False
            rests, again_in_s = self._rests, round(self._due - self._since, 1)
            self._changed.notify_all()
        if wanted:
            self._say("gone", reason=host.exit_reason, again_in_s=again_in_s)
        else:
            self._say("ended", reason=host.exit_reason)
        if rests:
            when = f"in {again_in_s / 60:.0f} minutes" if again_in_s >= 90 else f"in {again_in_s:.0f} s"
            self._alarm.tell(
                "often", f"The {self.title} {self._too_often}, and is started again {when}", self._hint()
            )

    def _say(self, name: str, **facts: Any) -> None:
        self._tell(name, {"host": self.plan.name, **facts})
