"""For tests of health: a clock that is moved by hand, and who asks every second, as the monitor does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daemon.health.component import Component

Source = Callable[[], Iterable[Component]]


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def pass_by(
    seconds: float, clock: Clock, health: Source, meanwhile: Callable[[], object] = lambda: None
) -> Component:
    """The seconds pass; meanwhile is done in each of them. How the one component is in the end."""
    for _ in range(int(seconds)):
        clock.now += 1
        meanwhile()
        (found,) = health()
    return found
