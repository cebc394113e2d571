"""A replica on its node: an actor that keeps a host there, and asks it for what the head orders.

All that it returns is JSON and bytes: {"value": …} or {"error": …}, as models.wire describes errors.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from models import wire
from models.budgets import Budget
from models.cluster import same
from models.errors import Cancelled
from models.host import Host, Plan

PREFIX = "vigentd-replica-"  # of its folder among the temporary ones; then its pid
KEPT_S = 86_400.0
Told = dict[str, Any]


class Replica:
    """weights: the folder of the models on this node; None: as on the head. threads: OMP_NUM_THREADS of the
    head, or "": Ray sets one of its own. Methods are called at the same time, in threads."""

    def __init__(self, plan: dict[str, Any], weights: str | None, threads: str) -> None:
        os.environ.pop("OMP_NUM_THREADS", None)
        if threads:
            os.environ["OMP_NUM_THREADS"] = threads
        _tidy(Path(tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        if weights is not None:
            _lie_in(weights, plan["arguments"])
        self._plan = plan
        self._host: Host
        self._steps = _Steps()

    def facts(self) -> dict[str, Any]:
        return {"same": same.facts(self._plan), "node": os.uname().nodename, "pid": os.getpid()}

    def sees(self, path: str, token: str) -> bool:
        """Whether what lies there on the head lies there here, too."""
        try:
            return Path(path).read_text() == token
        except OSError:
            return False

    def load(self, floors: list[float], shared: bool) -> Told:
        """Returns when the engine is ready: its name. shared: whether the head's files are seen here; then
        kernels are compiled once for all nodes, too."""
        if not shared and self._plan["arguments"].get("kernels"):
            self._plan["arguments"]["kernels"] = str(self._kept() / "kernels")

        def load() -> str:
            self._host = Host(
                Plan(**self._plan | {"preload": tuple(self._plan["preload"])}),
                log=self._folder / "host.log",
                scratch=self._folder / "tmp",
            )
            self._host.start()
            self._host.watch_loading(Budget(*floors))
            return self._host.engine

        return _told(load)

    def work(
        self, call: str, arguments: dict[str, Any], files: list[bytes] | None, floors: list[float]
    ) -> Told:
        """files: what `reads` names, where the head's files are not seen; then what is written comes back as
        "written"."""
        self._steps = _Steps()
        if files is None:
            return _told(lambda: self._ask(call, arguments, floors))
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            here = self._laid(Path(folder), arguments, files)
            told = _told(lambda: self._ask(call, here, floors))
            if "value" in told and "writes" in here:
                told["written"] = Path(here["writes"]).read_bytes()
            return told

    def look(self) -> dict[str, float]:
        """How far the present work is, and how many heartbeats it has had."""
        return {"beats": self._steps.beats, "share": self._steps.share}

    def cancel(self) -> None:
        self._steps.cancelled.set()

    def _kept(self) -> Path:
        """Of this node: what outlives the replica."""
        folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "vigentd"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return self._folder
        return folder

    def _ask(self, call: str, arguments: dict[str, Any], floors: list[float]) -> Any:
        return self._host.ask(call, arguments, self._steps, floors=Budget(*floors), more=True)

    def _laid(self, folder: Path, arguments: dict[str, Any], files: list[bytes]) -> dict[str, Any]:
        """The arguments, with the files' names here."""
        reads = []
        for number, content in enumerate(files):
            path = folder / f"{number}{Path(arguments['reads'][number]).suffix}"
            path.write_bytes(content)
            reads.append(str(path))
        here = arguments | {"reads": reads}
        if "writes" in arguments:
            here["writes"] = str(folder / f"out{Path(arguments['writes']).suffix}")
        return here


def _lie_in(weights: str, arguments: dict[str, Any]) -> None:
    """Wherever a plan names the folder of the models, it is this one."""
    for part in (arguments, *(each for each in arguments.values() if isinstance(each, dict))):
        if part.get("folder"):
            part["folder"] = weights


def _tidy(temporary: Path) -> None:
    """Removes the folders of those that are long gone: Ray ends an actor without a word, and for a day
    somebody may look into its log."""
    for folder in temporary.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        with suppress(OSError):
            if not Path("/proc", pid).exists() and time.time() - folder.stat().st_mtime > KEPT_S:
                shutil.rmtree(folder)


class _Steps:
    """The Progress of the present work."""

    def __init__(self) -> None:
        self.beats, self.share = 0, 0.0
        self.cancelled = threading.Event()

    def step(self, done: float, total: float) -> None:
        self.beats += 1
        self.share = done / total if total else 0.0
        self.check()

    def check(self) -> None:
        if self.cancelled.is_set():
            raise Cancelled


def _told(work: Callable[[], Any]) -> Told:
    try:
        return {"value": work()}
    except Exception as e:
        return {"error": wire.describe(e)}
