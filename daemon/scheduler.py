"""The tick: calls what is due, every so many seconds, each in a thread of its own.

Only that: what there is to do stands in tables and folders, and an action looks there. A tick that was
missed is not made up for, an action is not begun again while it still runs, and one that breaks is called
again the next time.

The tick is a thread that waits by the monotonic clock. APScheduler, which was meant for this, works out how
long to sleep from the time of day: when that is set back by a day, it sleeps for a day (tried with 3.11).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from daemon.health.component import Component, State
from daemon.health.heart import Heart
from daemon.logs.tell import Tell

LOOK_S = 1.0  # how late an action may begin
SELF_S = 10.0
BUDGET_S = 60.0
STOP_S = 5.0


class Scheduler:
    """clock: monotonic seconds. All methods may be called from any thread.

    Its own tick, every SELF_S, goes the same way as all others; its age tells whether that works.
    """

    def __init__(self, log: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._slots: dict[str, _Slot] = {}
        self._heart = Heart(clock)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self.every(SELF_S, "tick", self._heart.beat)

    def every(
        self, seconds: float, name: str, action: Callable[[], object], budget_s: float | None = None
    ) -> None:
        """action: called at the first tick, and then every so many seconds. budget_s: running for longer,
        it is a trouble; None: it may run for as long as it does. The one of this name before ends with this.
        """
        self._slots = {**self._slots, name: _Slot(name, seconds, action, budget_s, self._clock())}

    def hurry(self, name: str) -> None:
        """That action is due at the next tick; when it runs right now, once more after that."""
        slot = self._slots[name]
        slot.due = min(slot.due, self._clock())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is begun any more. Waits for what still runs; some seconds only."""
        self._leaving.set()
        until = time.monotonic() + STOP_S
        for thread in (self._thread, *(slot.thread for slot in self._slots.values())):
            if thread is not None and thread.is_alive():
                thread.join(max(until - time.monotonic(), 0))

    def tick(self) -> None:
        """Begins what is due now."""
        now = self._clock()
        for slot in self._slots.values():
            if now >= slot.due and not slot.running:
                slot.due = now + slot.seconds  # before it begins: it may be hurried from then on
                self._begin(slot)

    def health(self) -> Iterable[Component]:
        age_s = self._heart.age_s()
        late = age_s > BUDGET_S
        state: State = "loading" if self._thread.ident is None else "idle"
        slots = list(self._slots.values())
        if any(slot.running for slot in slots):
            state = "busy"
        trouble, hint = next((told for slot in slots if (told := slot.trouble(self._clock()))[0]), ("", ""))
        if late:
            state, trouble = "stalled", f"The scheduler has not ticked for {age_s:.0f} s"
            hint = "Its log says what it did last."
        facts: dict[str, Any] = {slot.name: slot.facts(self._clock()) for slot in slots}
        yield Component("scheduler", state, age_s, BUDGET_S, trouble, hint, facts=facts)

    def _run(self) -> None:
        while not self._leaving.is_set():
            try:
                self.tick()
            except Exception as e:  # the machine gives no more threads, say
                self._log.error("scheduler_fault", error=repr(e), trace=e)
            self._leaving.wait(LOOK_S)

    def _begin(self, slot: _Slot) -> None:
        slot.began = self._clock()
        slot.thread = threading.Thread(
            target=self._call, args=(slot,), name=f"scheduled-{slot.name}", daemon=True
        )
        slot.thread.start()

    def _call(self, slot: _Slot) -> None:
        try:
            slot.action()
            slot.failed = ""
        except Exception as e:
            slot.failed = f"{type(e).__name__}: {e}"
            self._log.error("scheduled_failed", what=slot.name, error=repr(e), trace=e)
        finally:
            slot.ended = self._clock()


class _Slot:
    """One action. due, began, ended: of the clock."""

    def __init__(
        self, name: str, seconds: float, action: Callable[[], object], budget_s: float | None, due: float
    ) -> None:
        self.name = name
        self.seconds = seconds
        self.action = action
        self.budget_s = budget_s
        self.due = due
        self.began = 0.0
        self.ended: float | None = None
        self.failed = ""  # how the last call broke
        self.thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def trouble(self, now: float) -> tuple[str, str]:
        """And a hint; "" for none."""
        for_s = now - self.began
        if self.budget_s is not None and self.running and for_s > self.budget_s:
            return f"{self.name} has been at work for {for_s:.0f} s", "Does a disk not answer?"
        if self.failed:
            return f"{self.name} met a fault of vigentd: {self.failed}", "Its log says more."
        return "", ""

    def facts(self, now: float) -> dict[str, Any]:
        ended_s = None if self.ended is None else round(now - self.ended, 1)
        return {"every_s": self.seconds, "running": self.running, "ended_s_ago": ended_s}
