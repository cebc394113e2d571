"""Gathers how all parts are, every two seconds, so that whoever asks gets an answer from memory.

Two watch each other: the gathering, in a thread of its own, sees whether the event loop ticks, and the loop
looks at the age of the gathering. Who stands still with the whole daemon (SIGSTOP, a machine asleep) is not
found to stand still: of what lies between two looks only a few seconds count.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from daemon.health.component import Component
from daemon.health.heart import Heart
from daemon.health.report import Report, Verdict, is_unwell
from daemon.logs.tell import Tell

Source = Callable[[], Iterable[Component]]
Publish = Callable[..., object]

EVERY_S = 2.0
LONGEST_LOOK_S = 4.0
LOOP_S = 10.0
GATHERING_S = 30.0
STOP_S = 1.0
FIT = ("loop", "database", "worker", "gathering")  # what the watchdog is fed for; "worker.2" is a worker


class Monitor:
    """sources: by the name that stands for one which raises; each answers from memory, at once.
    publish: gets the event "health" when something has changed. clock: monotonic seconds."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        log: Tell,
        publish: Publish,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._log = log
        self._publish = publish
        self._loop_heart = Heart(clock, LONGEST_LOOK_S)
        self._gathered = Heart(clock, LONGEST_LOOK_S)
        self._parts: tuple[Component, ...] = ()
        self._asked = ""  # which source is being asked
        self._faults: dict[str, str] = {}
        self._was: dict[str, str] = {}  # component → how it was unwell
        self._verdict: Verdict = "healthy"
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From within the loop; it is over when that ends."""
        self._ticking(loop)
        self._thread.start()

    def stop(self) -> None:
        """Waits for a moment only: a source may be stuck."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def report(self) -> Report:
        """From memory, from any thread."""
        age_s = self._gathered.age_s()
        return Report((*self._parts, self._gathering(age_s)), os.getpid(), age_s)

    @property
    def fit(self) -> bool:
        """Whether the daemon can do its work: what only a restart mends, makes it unfit."""
        parts = self.report().components
        return not any(
            part.state in ("stalled", "dead") for part in parts if part.name.partition(".")[0] in FIT
        )

    def tick(self) -> None:
        """The loop is alive."""
        self._loop_heart.beat()
        self._gathered.age_s()

    def gather(self) -> None:
        """Once."""
        parts = [self._loop()]
        for name, source in self._sources.items():
            self._asked = name
            parts += self._answers(name, source)
        self._asked = ""
        self._parts = tuple(parts)
        self._gathered.beat()
        self._tell_changes()

    # ------------------------------------------------------------

    def _ticking(self, loop: asyncio.AbstractEventLoop) -> None:
        self.tick()
        if not self._leaving.is_set():
            loop.call_later(EVERY_S / 2, self._ticking, loop)

    def _run(self) -> None:
        while not self._leaving.is_set():
            try:
                self.gather()
            except Exception as e:  # a fault of ours must not be the end of looking
                self._log.error("health_fault", error=repr(e), trace=e)
            self._leaving.wait(EVERY_S)

    def _loop(self) -> Component:
        age_s = self._loop_heart.age_s()
        if age_s <= LOOP_S:
            return Component("loop", "idle", age_s, LOOP_S, vital=True)
        trouble = f"The daemon's event loop has stood still for {age_s:.0f} s"
        hint = "Restart vigentd; no job is lost."
        return Component("loop", "stalled", age_s, LOOP_S, trouble, hint, vital=True)

    def _gathering(self, age_s: float) -> Component:
        if age_s <= GATHERING_S:
            return Component("gathering", "idle", age_s, GATHERING_S, vital=True)
        asked = self._asked
        who = f": {asked} does not say how it is" if asked else ""
        trouble = f"What is said here is {age_s:.0f} s old{who}"
        hint = "Restart vigentd if this lasts; no job is lost."
        return Component("gathering", "stalled", age_s, GATHERING_S, trouble, hint, vital=True)

    def _answers(self, name: str, source: Source) -> list[Component]:
        try:
            parts = list(source())
        except Exception as e:
            if self._faults.get(name) != repr(e):
                self._faults[name] = repr(e)
                self._log.error("health_fault", source=name, error=repr(e), trace=e)
            trouble = f"It cannot say how it is: {type(e).__name__}"
            return [Component(name, "dead", trouble=trouble, hint="The log says more.", vital=name in FIT)]
        self._faults.pop(name, None)
        return parts

    def _tell_changes(self) -> None:
        """Each change once. A trouble whose words change, as with every second that it lasts, is none."""
        report = self.report()
        now = {part.name: part.state if not part.well else "late" for part in report.unwell}
        for part in report.components:
            if (state := now.get(part.name)) != self._was.get(part.name):
                facts = {"component": part.name, "state": part.state, "well": not is_unwell(part)}
                self._tell(state is not None, facts | {"trouble": part.trouble, "hint": part.hint})
        for name in self._was.keys() - {part.name for part in report.components}:
            self._tell(False, {"component": name, "state": "gone", "well": True, "trouble": "", "hint": ""})
        if report.verdict != self._verdict:
            bad = report.verdict != "healthy"
            facts = {"verdict": report.verdict, "was": self._verdict, "why": report.why if bad else ""}
            self._tell(bad, facts)
        self._was, self._verdict = now, report.verdict

    def _tell(self, bad: bool, facts: dict[str, object]) -> None:
        (self._log.warning if bad else self._log.event)("health_changed", **facts)
        self._publish("health", **facts)
