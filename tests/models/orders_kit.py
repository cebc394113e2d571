"""Whoever takes orders in this process: an engine that works on whichever it likes."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from typing import Any

from models.progress import Quiet


class Placed:
    def __init__(self, replicas: Replicas, do: str, arguments: dict[str, Any], told: Callable[[float], None]):
        self._replicas, self.do, self.arguments, self._told = replicas, do, arguments, told
        self.value: Any = None
        self.done = False

    def work(self, engine: Any) -> None:
        module, _, name = self.do.partition(":")
        self.value = getattr(import_module(module), name)(engine, self.arguments, _Told(self._told))
        self.done = True

    def result(self, check: Callable[[], None]) -> Any:
        while not self.done:
            check()
            self._replicas.work()
        return self.value


class _Told(Quiet):
    def __init__(self, told: Callable[[float], None]) -> None:
        self._told = told

    def step(self, done: float, total: float) -> None:
        self._told(done / total)


class Replicas:
    """Works on whichever order it likes; and on some twice, as after a death."""

    def __init__(self, engine: Any, seed: int = 0) -> None:
        self._engine, self._random = engine, random.Random(seed)
        self.open: list[Placed] = []
        self.most = 0
        self.done: list[str] = []  # what was called

    def place(self, do: str, arguments: dict[str, Any], told: Callable[[float], None]) -> Placed:
        self.open.append(Placed(self, do, arguments, told))
        self.most = max(self.most, len(self.open))
        return self.open[-1]

    def work(self) -> None:
        order = self._random.choice(self.open)
        for _ in range(self._random.choice((1, 1, 1, 2))):
            order.work(self._engine)
        self.done.append(order.do.rpartition(":")[2])
        self.open.remove(order)
