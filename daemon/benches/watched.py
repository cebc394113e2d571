"""A daemon that watches a folder, for `vigentd bench inbox`: with data and a configuration of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from daemon.benches import processes
from daemon.benches.queue import config_in
from daemon.config import ENV_PREFIX
from daemon.config_place import FILE_NAME, FILE_VARIABLE
from daemon.control.client import Client, DaemonAway
from daemon.queue import Queue
from models.errors import StageFailed

START_S = 60.0
LOOK_S = 0.005
NAME = "bench"
HELD = "lipsync"  # the host that is stopped while it loads

# Names in it are relative to the file. The draft engines: what a person has set is not measured here.
_DATA = """data_dir = "data"
speech.engine = "espeak"
lipsync.engine = "mouthwarp"
disk.min_free = 0
"""
_INBOX = f"""
[[inbox]]
name = "{NAME}"
path = "inbox"
settle = {{settle}}
"""


class Watched:
    """A folder with inbox/, data/ and vigentd.toml in it; and aside/, from which things are moved in."""

    def __init__(self, folder: Path, settle_s: float) -> None:
        self.settle_s = settle_s
        self.inbox, self.aside = folder / "inbox", folder / "aside"
        self._file, self._log = folder / FILE_NAME, folder / "daemon.log"
        for made in (self.inbox, self.aside):
            made.mkdir(parents=True)
        self.configure(inbox=True)
        self.config = config_in(folder / "data")
        self.queue = Queue(self.config.database)

    def configure(self, *, inbox: bool) -> None:
        self._file.write_text(_DATA + _INBOX.format(settle=self.settle_s) * inbox, "utf-8")

    @contextmanager
    def running(self, *, held: bool) -> Iterator[Daemon]:
        """Ready. held: it takes no job out of the line."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "daemon.cli", "run"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=kept | {FILE_VARIABLE: str(self._file)},
            )  # fmt: skip
        daemon = Daemon(self, process)
        try:
            if held:
                daemon.hold()
            daemon.until(lambda: daemon.is_ready, START_S)
            yield daemon
        finally:
            daemon.end()

    def until_in_line(self, number: int, within_s: float, look_s: float = LOOK_S) -> None:
        """So many jobs are in the database. Raises StageFailed."""
        deadline = time.monotonic() + within_s
        while (count := self.queue.count()) < number:
            if time.monotonic() > deadline:
                raise StageFailed(
                    f"{number - count} jobs are not in line after {within_s:.0f} s: {self.last_words()}"
                )
            time.sleep(look_s)

    def last_words(self) -> str:
        """Of the daemon."""
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return lines[-1] if lines else "the daemon said nothing"

    def close(self) -> None:
        self.queue.close()


class Daemon:
    def __init__(self, watched: Watched, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._watched, self._process = watched, process
        self._client = Client(watched.config.socket)
        self._stopped = 0

    def hold(self) -> None:
        """A host is stopped before it has loaded, so the line stands: jobs come, and none is worked on."""
        self.until(lambda: self.host(HELD), START_S)
        self._stopped = self.host(HELD)
        os.kill(self._stopped, signal.SIGSTOP)

    def release(self) -> None:
        """Now jobs are worked on."""
        if self._stopped:
            os.kill(self._stopped, signal.SIGCONT)
        self._stopped = 0

    def host(self, name: str) -> int:
        """Its process; 0 when there is none."""
        return processes.host(self.pid, name)

    @property
    def is_ready(self) -> bool:
        """All hosts are loaded, but for the one that is held; the inbox is watched, if there is one."""
        states = {host["name"]: host["state"] for host in self.status()["hosts"]}
        if self._stopped and states[HELD] == "idle":
            raise StageFailed("The daemon had loaded everything before its line could be held")
        loading = [name for name, state in states.items() if state != "idle"]
        watching = [inbox["state"] == "watching" for inbox in self.inboxes()]
        return loading == [HELD] * bool(self._stopped) and all(watching)

    def status(self) -> dict[str, Any]:
        return dict(self._client.get("/status"))

    def inboxes(self) -> list[dict[str, Any]]:
        return list(self._client.get("/inboxes"))

    def reload(self) -> None:
        """It has taken up the configuration when this returns."""
        self._client.post("/reload", {})

    def until(self, seen: Callable[[], object], within_s: float) -> None:
        """Raises StageFailed."""
        deadline = time.monotonic() + within_s
        while True:
            with suppress(DaemonAway):
                if seen():
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StageFailed(f"The daemon did not get ready: {self._watched.last_words()}")
            time.sleep(0.02)

    def end(self) -> None:
        self._process.terminate()
        with suppress(ProcessLookupError):
            self.release()  # that it can end in good order
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
