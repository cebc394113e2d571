"""The place of one host: whenever its process is gone, the next one is started.

It comes back at once, then after growing pauses, until it has done some work again: an engine that
cannot be loaded must not keep the machine busy with trying.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daemon.engines.roster import EngineAway
from models import budgets
from models.budgets import Budget
from models.errors import StageFailed, VigentdError
from models.host import Host, HostDied, Plan
from models.host_log import rotate
from models.progress import Progress
from pipeline.progress import loading

PAUSES_S = (0.0, 0.5, 2.0, 10.0, 60.0)  # after the 1st, 2nd, … start with no work done since
LOOK_S = 0.2
GONE = "its process is gone"

Tell = Callable[[str, dict[str, Any]], None]  # what happened to a host, with facts


class Seat:
    """title: what a person calls it ("lip-sync engine"). tell: gets what happens, from any thread.
    floors: for its loading.

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
                self._fruitless, self._due = 0, float("-inf")
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
            host, self._loaded, self._fruitless = self._host, False, 0
            self._trouble, self._due = None, float("-inf")
            self._again, self._replaced = because, host
            self._changed.notify_all()
        if host is not None:
            self._say("replaced", because=because)
            host.stop()

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
            if self._host is not None and self._loaded and self._host.alive:
                return self._host
            if self._trouble is not None or not self._wanted:
                raise EngineAway(self._why(), hint=self._hint())
            self._changed.wait(wait_s)
            return None

    @contextmanager
    def asked(self, progress: Progress) -> Iterator[Host]:
        """The host, as `ready` gives it, to be asked for something. When it answers, if only with a refusal,
        it has proved that it works."""
        with self._changed:
            self._asked += 1
        try:
            yield self.ready(progress)
        except (HostDied, EngineAway):
            raise
        except Exception:
            self._worked()
            raise
        else:
            self._worked()
        finally:
            with self._changed:
                self._asked -= 1

    def _worked(self) -> None:
        with self._changed:
            self._fruitless, self._used = 0, self._clock()

    def why(self) -> str:
        """Why there is nobody to ask; "" when there is."""
        with self._changed:
            return self._why()

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
        if self._again:
            return f"The {self.title} is started again, for {self._again}"
        return f"The {self.title} is loading"

    def _hint(self) -> str:
        return self._trouble.hint if self._trouble is not None else ""

    def trim_log(self) -> None:
        """A host that lives for months writes into one file: when it is large, what is in it is set aside."""
        rotate(self._log)

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
            nothing = {
                "pid": None,
                "job": "",
                "stage": "",
                "heartbeats": 0,
                "age_s": 0.0,
                "rss": 0,
                "vram": 0,
            }
            return common | nothing | {"state": "dead", "engine": None, "versions": {}}
        health = asdict(host.health())
        return health | common | {"engine": health["versions"].get("engine")}

    # ------------------------------------------------------------ the keeper

    def _keep(self) -> None:
        while self._until_due():
            ended = threading.Event()
            with self._changed:  # the plan is read, and the host that has it is known to `replace`
                host = self._new_host(ended)
                self._host = host
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
                ended.wait()
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
            self._loaded, self._trouble = True, None
            self.load_s = round(self._clock() - began, 3)
            self._changed.notify_all()
        health = host.health(LOOK_S)
        memory = {"rss": health.rss, "vram": health.vram}
        self._say(
            "ready", pid=host.pid, engine=health.versions.get("engine", ""), seconds=self.load_s, **memory
        )

    def _failed(self, host: Host, error: VigentdError) -> None:
        with self._changed:
            if not self._wanted or host is self._replaced:  # what ails that one says nothing of the next
                return
            if not isinstance(error, HostDied) or self._fruitless >= len(PAUSES_S):
                self._trouble = error
            self._changed.notify_all()
        self._say("not_loaded", **error.as_dict())

    def _gone(self, host: Host) -> None:
        with self._changed:
            self._host, self._loaded = None, False
            if host is not self._replaced:
                self._again = GONE
            self._replaced = None
            pause = PAUSES_S[min(self._fruitless, len(PAUSES_S)) - 1] if self._fruitless else 0.0
            self._due = self._clock() + pause
            wanted = self._wanted
            self._changed.notify_all()
        if wanted:
            self._say("gone", reason=host.exit_reason, again_in_s=pause)
        else:
            self._say("ended", reason=host.exit_reason)

    def _say(self, name: str, **facts: Any) -> None:
        self._tell(name, {"host": self.plan.name, **facts})
