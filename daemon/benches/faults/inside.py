"""What is wrong inside the daemon under test and its hosts. The product knows nothing of it.

The bench writes a `sitecustomize.py` into a folder of its own that calls `install`, and puts that folder on
PYTHONPATH; so this runs when a Python of the daemon starts, before anything else. It changes functions right
after their module was imported. What is to be done stands in a file (ORDERS), that the bench may change.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import itertools
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

VARIABLE = "BENCH_FAULTS"  # the folder in which the orders stand, and where is noted what was done
ORDERS = "orders.json"
STARTED = """from daemon.benches.faults.inside import install
install()
"""
BLOCK = signal.SIGUSR2  # to the daemon: while there is the file BLOCKED, its event loop gets nowhere
BLOCKED = "blocked"

Do = Literal["loop", "sleep", "exit", "kill", "refused", "eat", "slow"]


@dataclass(frozen=True)
class Order:
    """at: "load:HOST" or "make:STAGE". times: how often it is carried out, over all processes.
    script: only for jobs whose script begins so. after: steps of the stage that go well.
    every_s, steps: "slow": seconds before each of the first steps of that piece of work, in which the
    process answers nothing."""

    at: str
    do: Do
    times: int = 1
    script: str = ""
    after: int = 2
    every_s: float = 0.0
    steps: int = 1_000_000


@dataclass(frozen=True)
class Orders:
    """settings: "module:NAME" → its value there. Of a Budget, seconds for each of its floors; what stands in
    a dictionary or a dataclass is named with a dot: "models.budgets:LOADING.speech"."""

    orders: tuple[Order, ...] = ()
    settings: dict[str, float] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        part = folder / f"{ORDERS}.part"
        part.write_text(json.dumps(asdict(self)), "utf-8")
        part.replace(folder / ORDERS)


def read(folder: Path) -> Orders:
    told = json.loads((folder / ORDERS).read_text("utf-8"))
    return Orders(tuple(Order(**order) for order in told.pop("orders")), **told)


def carried_out(folder: Path) -> list[float]:
    """The moments (monotonic seconds of this machine) at which something went wrong, in order."""
    slow = {number for number, order in enumerate(read(folder).orders) if order.do == "slow"}
    notes = [path for path in folder.glob("done-*") if int(path.name.split("-")[1]) not in slow]
    return sorted(float(path.read_text() or "inf") for path in notes)


def install() -> None:
    """Into this process, if it is one under test."""
    if folder := os.environ.get(VARIABLE):
        if "daemon.cli" in sys.orig_argv:
            signal.signal(BLOCK, lambda *_: _block(Path(folder) / BLOCKED))
        sys.meta_path.insert(0, _Finder(Path(folder)))


# ---------------------------------------------------------------- how functions are changed


class _Finder(MetaPathFinder):
    """Finds modules as ever, and changes some when they have been loaded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changes: dict[str, Callable[[ModuleType], None]] = {
            "pipeline.hosted": self._make,
            "models.choose": self._load,
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        settings = read(self._folder).settings
        mine = f"{name}:"
        values = {key.removeprefix(mine): value for key, value in settings.items() if key.startswith(mine)}
        if name not in self._changes and not values:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            change = self._changes.get(name, lambda _: None)
            spec.loader = _Changed(spec.loader, change, functools.partial(_set, values))
        return spec

    def _make(self, hosted: Any) -> None:
        make = hosted.make

        @functools.wraps(make)
        def faulty(engine: Any, asked: dict[str, Any], progress: Any) -> Any:
            watched = _Faulty(progress, self._folder, f"make:{asked['stage']}", asked["spec"]["script"])
            return make(engine, asked, watched)

        hosted.make = faulty

    def _load(self, choose: Any) -> None:
        resident = choose.resident

        @functools.wraps(resident)
        def faulty(kind: str, *arguments: Any, **named: Any) -> Any:
            for number, order in enumerate(read(self._folder).orders):
                if order.at == f"load:{kind}" and _taken(self._folder, number, order):
                    _carry_out(order)
            return resident(kind, *arguments, **named)

        choose.resident = faulty


class _Changed(Loader):
    def __init__(self, loader: Loader, *changes: Callable[[ModuleType], None]) -> None:
        self._loader, self._changes = loader, changes

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        for change in self._changes:
            change(module)


def _set(values: dict[str, float], module: ModuleType) -> None:
    """Raises AttributeError, KeyError when there is no such thing any more."""
    for key, value in values.items():
        name, _, inner = key.partition(".")
        was: Any = getattr(module, name)
        if inner and isinstance(was, dict):
            setattr(module, name, was | {inner: _like(was[inner], value)})
        elif inner:
            setattr(module, name, replace(was, **{inner: value}))
        else:
            setattr(module, name, _like(was, value))


def _like(was: Any, value: float) -> Any:
    """A Budget is one again."""
    if not is_dataclass(was):
        return value
    make: Any = type(was)
    return make(*(value for _ in fields(was)))


class _Faulty:
    """The Progress of a stage, in which something goes wrong between two steps."""

    def __init__(self, progress: Any, folder: Path, at: str, script: str) -> None:
        self._progress, self._folder, self._steps = progress, folder, 0
        self._lock = threading.Lock()  # engines step from several threads
        self._slow: Order | None = None
        self._orders: list[tuple[int, Order]] = []
        for number, order in enumerate(read(folder).orders):
            if order.at == at and script.startswith(order.script):
                if order.do != "slow":
                    self._orders.append((number, order))
                elif _taken(folder, number, order):
                    self._slow = order

    def step(self, done: float, total: float) -> None:
        with self._lock:
            self._steps += 1
            if self._slow is not None and self._steps <= self._slow.steps:
                _deaf(self._slow.every_s)
            for number, order in self._orders:
                if self._steps == order.after + 1 and _taken(self._folder, number, order):
                    _carry_out(order)
        self._progress.step(done, total)

    def check(self) -> None:
        self._progress.check()


def _taken(folder: Path, number: int, order: Order) -> bool:
    """Whether this process is one that has to carry it out."""
    for time_ in range(order.times):
        try:
            with (folder / f"done-{number}-{time_}").open("x") as note:
                note.write(str(time.monotonic()))
            return True
        except FileExistsError:
            continue
    return False


# ---------------------------------------------------------------- what goes wrong


def _carry_out(order: Order) -> None:
    match order.do:
        case "loop":  # for ever, in C, and without ever letting go of the interpreter
            collections.deque(itertools.repeat(0), maxlen=0)
        case "sleep":
            time.sleep(1e6)
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "refused":
            limit = _address_space() + 2**26
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
            try:
                _eat()
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        case "eat":  # to the limit of its group; where it has none, it ends as if it had
            limit = _address_space() + 2**30
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
            with suppress(MemoryError):
                _eat()
            os.kill(os.getpid(), signal.SIGKILL)


def _block(while_there: Path) -> None:
    """In the main thread, where the event loop runs: the other threads go on."""
    while while_there.exists():
        time.sleep(0.05)


def _deaf(seconds: float) -> None:
    """Waits in C with the interpreter held: nothing of Python runs meanwhile, no question is answered."""
    ctypes.PyDLL(None).usleep(round(seconds * 1e6))


def _eat() -> None:
    """Takes memory until there is none: for who takes it, or for all in its group."""
    eaten = []
    while True:
        eaten.append(b"x" * 2**24)  # written, or it would only be promised


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
