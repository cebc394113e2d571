"""A thread that looks at one thing every few seconds, and keeps what it found.

Who asks how it is gets an answer from memory, at once, also while a look takes for ever: in a disk that
is away, say. Then the age of the last look tells.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.health.component import Component, State
from daemon.health.heart import Heart
from daemon.logs.tell import Tell
from models.errors import VigentdError

STOP_S = 1.0
AGAIN_S = 2.0  # after a look that did not work: that it is over should be known soon


@dataclass(frozen=True)
class Finding:
    """What a look found; trouble, hint, facts: as in Component.

    worked: whether it is what the look hopes for. passing: what it is not may pass by itself, and becomes
    a trouble only when that has not happened within the budget, and a stall only after `About.passes_s`.
    """

    trouble: str = ""
    hint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    worked: bool = True
    passing: bool = False
    busy: bool = False


@dataclass(frozen=True)
class About:
    """name, vital: as in Component. stuck: the trouble when no look ends. every_s: between two looks.
    passes_s: how long what may pass is waited for; None: for the budget."""

    name: str
    every_s: float
    budget_s: float
    stuck: str
    hint: str = ""
    vital: bool = False
    passes_s: float | None = None


class Probe:
    """look: what is done; may take as long as it does. end: what is done after the last one, in its thread.
    clock: monotonic seconds. As a source of health: `health`.
    """

    def __init__(
        self,
        about: About,
        look: Callable[[], Finding],
        log: Tell,
        clock: Callable[[], float] = time.monotonic,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self._about = about
        self._look = look
        self._end = end
        self._log = log
        self._found: Finding | None = None
        self._fault = ""  # of ours, the last one
        self._worked = Heart(clock)
        self._answered = Heart(clock)  # a look ended with something that will not pass by itself
        self._looked = Heart(clock)  # … or with anything
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"probe-{about.name}", daemon=True)

    @property
    def name(self) -> str:
        return self._about.name

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Waits for a moment only: the look may be stuck."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def health(self) -> Iterable[Component]:
        about, found = self._about, self._found
        age_s, silent_s, looked_s = (h.age_s() for h in (self._worked, self._answered, self._looked))
        lasts = silent_s > about.budget_s
        late = looked_s > about.budget_s or silent_s > (about.passes_s or about.budget_s)
        trouble, hint = (found.trouble, found.hint) if found and (lasts or not found.passing) else ("", "")
        if late and not trouble:
            trouble, hint = about.stuck, about.hint
        state: State = "idle" if found else "loading"
        if found and found.busy:
            state = "busy"
        yield Component(
            about.name,
            "stalled" if late else state,
            age_s=age_s,
            budget_s=about.budget_s,
            trouble=trouble,
            hint=hint,
            vital=about.vital,
            facts=found.facts if found else {},
        )

    def look(self) -> None:
        """Once."""
        try:
            found = self._look()
        except VigentdError as e:
            found = Finding(e.message, e.hint, worked=False)
        except Exception as e:  # a fault of ours must not be the end of looking
            if repr(e) != self._fault:  # told once, and not every two seconds
                self._fault = repr(e)
                self._log.error("probe_fault", probe=self._about.name, error=repr(e), trace=e)
            found = Finding("It cannot be looked at: a fault of vigentd; its log says more", worked=False)
        self._found = found
        self._looked.beat()
        if found.worked:
            self._worked.beat()
        if not found.passing:
            self._answered.beat()

    def _run(self) -> None:
        while not self._leaving.is_set():
            self.look()
            well = self._found is not None and self._found.worked
            self._leaving.wait(self._about.every_s if well else min(self._about.every_s, AGAIN_S))
        self._end()
