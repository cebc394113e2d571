"""A daemon under test: on data of its own, with faults inside it, watched from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.benches import processes
from daemon.benches.faults import inside
from daemon.benches.faults.inside import Order, Orders
from daemon.benches.queue import config_in
from daemon.config import ENV_PREFIX
from daemon.config_place import FILE_NAME, FILE_VARIABLE
from daemon.control.client import Client, DaemonAway, EventStream
from daemon.jobs import FINISHED, JobRow
from daemon.queue import Queue
from models.errors import StageFailed, VigentdError
from pipeline.spec import JobSpec

ROOT = Path(__file__).resolve().parents[3]
READY_S = 60.0
STOP_S = 60.0
LOOK_S = 0.05
REPORT = "health.json"  # what the daemon writes of its health while it cannot be asked

# The draft engines: what a person has set is not measured here.
_CONFIGURATION = """data_dir = "data"
speech.engine = "espeak"
lipsync.engine = "mouthwarp"
disk.min_free = 0
log.format = "json"
"""


class House:
    """A folder in which daemons run, one after the other. before: what the daemon's command is prefixed with.

    settings: see inside.Orders. variables, configured: further ones for the daemon.
    """

    def __init__(
        self,
        folder: Path,
        clip: Path,
        *,
        orders: Sequence[Order] = (),
        settings: dict[str, float] | None = None,
        configured: str = "",
        variables: dict[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        self.folder, self.clip = folder, clip
        self.orders = folder / "orders"
        self._site, self._err = folder / "site", folder / "daemon.err"
        for made in (self.orders, self._site, folder / "tmp", folder / "home"):
            made.mkdir(parents=True, exist_ok=True)
        (self._site / "sitecustomize.py").write_text(inside.STARTED, "utf-8")
        self.lay(*orders, settings=settings)
        (folder / FILE_NAME).write_text(_CONFIGURATION + configured, "utf-8")
        self._variables, self._before = variables or {}, before
        self.config = config_in(folder / "data")
        self.client = Client(self.config.socket, read_timeout_s=20)

    def lay(
        self,
        *orders: Order,
        settings: dict[str, float] | None = None,
    ) -> None:
        """From now on these orders stand."""
        Orders(orders, settings or {}).write(self.orders)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        kept.pop("NOTIFY_SOCKET", None)
        path = [str(self._site), str(ROOT), os.environ.get("PYTHONPATH", "")]
        own = {
            FILE_VARIABLE: str(self.folder / FILE_NAME),
            inside.VARIABLE: str(self.orders),
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "TMPDIR": str(self.folder / "tmp"),
            "HOME": str(self.folder / "home"),
        }
        return kept | own | self._variables

    @contextmanager
    def running(self) -> Iterator[Living]:
        """It answers; its hosts may still load. Afterwards nothing of it is left."""
        with self._err.open("ab") as err:
            process = subprocess.Popen(
                [*self._before, sys.executable, "-m", "daemon.cli", "run"],
                env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
            )  # fmt: skip
        living = Living(self, process)
        try:
            living.until(living.answers, READY_S, "the daemon did not answer")
            living.listen()
            yield living
        finally:
            living.end()

    def said(self) -> list[dict[str, Any]]:
        """The daemons' log so far."""
        lines = self._err.read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def last_words(self) -> str:
        lines = self._err.read_text("utf-8", "replace").splitlines()
        return " | ".join(lines[-4:]) if lines else "the daemon said nothing"

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        queue = Queue(self.config.database)
        try:
            yield queue
        finally:
            queue.close()

    def row(self, job_id: str) -> JobRow:
        with self.queue() as queue:
            return queue.get(job_id)

    def milestones(self, job_id: str) -> list[str]:
        with self.queue() as queue:
            return [milestone.name for milestone in queue.milestones(job_id)]


class Living:
    """A daemon that runs, as it is seen from outside."""

    def __init__(self, house: House, process: subprocess.Popen[bytes]) -> None:
        self.house, self._process = house, process
        self.events: list[tuple[float, dict[str, Any]]] = []  # with the moment at which they came
        self._stream: EventStream | None = None
        self._listener = threading.Thread(target=self._listen, name="listener", daemon=True)
        self._ending = False
        self._quick = Client(house.config.socket, read_timeout_s=0.3)

    # ------------------------------------------------------------ its processes

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def host(self, name: str) -> int:
        """Its process; 0 when there is none."""
        return processes.host(self.pid, name)

    def ffmpeg(self) -> int:
        """One that encodes pictures; 0 when there is none."""
        for pid in processes.family(self.pid)[1:]:
            command = processes.command(pid)
            if "rawvideo" in command and "tether.py" not in command:
                return pid
        return 0

    # ------------------------------------------------------------ what it says

    def answers(self) -> bool:
        with contextlib.suppress(DaemonAway):
            return bool(self.house.client.get("/status"))
        return False

    def status(self) -> dict[str, Any]:
        return dict(self.house.client.get("/status"))

    def starts(self) -> dict[str, int]:
        """Host → how often it was started."""
        return {host["name"]: host["starts"] for host in self.status()["hosts"]}

    def is_loaded(self) -> bool:
        return all(host["state"] == "idle" for host in self.status()["hosts"])

    def health(self) -> dict[str, Any]:
        """Its own report, from its mouth or from the file; {} while there is none."""
        with contextlib.suppress(VigentdError):
            return dict(self._quick.get("/health"))
        try:
            return dict(json.loads((self.house.config.data_dir / REPORT).read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def unwell(self) -> dict[str, str]:
        """Component → what is wrong with it, as its own report says."""
        told = self.health().get("components", [])
        bad = [one for one in told if one["trouble"] or one["state"] in ("stalled", "dead")]
        return {one["name"]: one["trouble"] or one["state"] for one in bad}

    def vigentd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "daemon.cli", *arguments],
            env=self.house.environment, cwd=self.house.folder, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def listen(self) -> None:
        self._stream = self.house.client.events()
        self._listener.start()

    def _listen(self) -> None:
        """Until the daemon ends; while it says nothing for long, it is asked again."""
        while not self._ending and self.alive:
            try:
                if self._stream is None:
                    self._stream = self.house.client.events()
                for event in self._stream:
                    self.events.append((time.monotonic(), event))
            except (VigentdError, OSError, ValueError, AttributeError):  # hung up from the other thread, too
                time.sleep(LOOK_S)
            finally:
                if self._stream is not None:
                    self._stream.close()
                self._stream = None

    def progress(self, since: float) -> list[float]:
        """What the job at work was said to have reached since then."""
        return [
            event["progress"]
            for at, event in list(self.events)
            if event["event"] == "progress" and at >= since and not event["loading"]
        ]

    # ------------------------------------------------------------ its work

    def submit(self, script: str) -> str:
        with self.house.queue() as queue:
            job_id = queue.submit(JobSpec(script=script, clip=self.house.clip)).id
        with contextlib.suppress(DaemonAway):
            self.house.client.post("/wake", {})
        return job_id

    def until_stage(self, job_id: str, stage: str, within_s: float = READY_S) -> None:
        def there() -> bool:
            return any(e.get("job") == job_id and e.get("stage") == stage for _, e in list(self.events))

        self.until(there, within_s, f"the job did not get to {stage}")

    def finished(self, *jobs: str) -> bool:
        return all(self.house.row(job).state in FINISHED for job in jobs)

    def until(self, seen: Callable[[], object], within_s: float, otherwise: str) -> float:
        """The moment (monotonic seconds) at which it was seen. Raises StageFailed."""
        deadline = time.monotonic() + within_s
        while not seen():
            if not self.alive:
                raise StageFailed(f"The daemon has ended: {self.house.last_words()}")
            if time.monotonic() > deadline:
                raise StageFailed(f"After {within_s:.0f} s {otherwise}: {self.house.last_words()}")
            time.sleep(LOOK_S)
        return time.monotonic()

    def end(self) -> None:
        """In good order if it can, and in any case."""
        self._ending = True
        family = processes.family(self.pid)
        if self.alive:
            for pid in family:  # one that was stopped ends when it goes on
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(STOP_S / 4)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for pid in family[1:]:
            if processes.command(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self._stream is not None:
            self._stream.hang_up()
        if self._listener.is_alive():
            self._listener.join(5)
