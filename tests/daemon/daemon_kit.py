"""A real daemon in a process of its own, on an empty folder; and the jobs to keep it busy."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.benches import processes
from daemon.config import Config
from daemon.control.client import Client, DaemonAway
from daemon.jobs import FINISHED, JobRow
from daemon.queue import Queue
from pipeline.spec import JobSpec

ROOT = Path(__file__).resolve().parents[2]
SHORT = "Good morning."
RELOADED = "Z reloaded"  # in the log; others have tried in vain: not_reloaded
# Long enough that a blow falls within a stage.
LONG = "Every morning we look at what changed overnight, and pick the stories that matter."


@dataclass
class Desk:
    """A folder with a data folder in it, a clip to work with, and what was started there."""

    folder: Path
    clip: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        self.config = Config(data_dir=self.folder / "data")
        self.client = Client(self.config.socket, read_timeout_s=120)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGENTD_")}
        own = {
            "VIGENTD_DATA_DIR": str(self.config.data_dir),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
        }
        return kept | own | self.variables

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        queue = Queue(self.config.database)
        try:
            yield queue
        finally:
            queue.close()

    def submit(self, script: str = SHORT, **options: Any) -> str:
        """Straight into the database, as any door does; then the daemon is told to look."""
        with self.queue() as queue:
            job_id = queue.submit(JobSpec(script=script, clip=self.clip, **options)).id
        with contextlib.suppress(DaemonAway):
            self.client.post("/wake", {})
        return job_id

    def row(self, job_id: str) -> JobRow:
        with self.queue() as queue:
            return queue.get(job_id)

    def milestones(self, job_id: str) -> list[str]:
        with self.queue() as queue:
            return [milestone.name for milestone in queue.milestones(job_id)]

    def vigentd(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "daemon.cli", *map(str, arguments)],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    @contextmanager
    def daemon(self) -> Iterator[Daemon]:
        """Running and ready; afterwards it is ended, and nothing of it may be left."""
        with (self.folder / "daemon.err").open("ab") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "daemon.cli", "run"],
                env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
            )  # fmt: skip
        daemon = Daemon(self, process)
        try:
            daemon.until_up()
            yield daemon
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        assert gone(lambda: self.left()), [processes.command(pid) for pid in self.left()]

    def left(self) -> list[int]:
        """Processes that belong to this desk and still run."""
        mine = processes.with_variable("VIGENTD_DATA_DIR", str(self.config.data_dir))
        return [pid for pid in mine if processes.rss(pid)]

    def said(self) -> str:
        """What the daemons wrote to stderr."""
        return (self.folder / "daemon.err").read_text("utf-8")


@dataclass
class Daemon:
    desk: Desk
    process: subprocess.Popen[bytes]

    def until_up(self) -> None:
        """Its control socket answers."""
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.desk.said()
            try:
                self.desk.client.get("/status")
                return
            except DaemonAway:
                assert time.monotonic() < deadline, self.desk.said()
                time.sleep(0.02)  # there is nothing to wait for that would tell

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.desk.client.get("/status")
        return status

    def host(self, name: str) -> dict[str, Any]:
        (found,) = [host for host in self.status()["hosts"] if host["name"] == name]
        return dict(found)

    def until(self, seen: Callable[[dict[str, Any]], bool]) -> None:
        """Reads the events until one is seen. The truth of now comes first, as events of their own."""
        with self.desk.client.events() as events:
            for event in events:
                now = self.status()["jobs"] if event["event"] == "hello" else []
                at_work = [{"event": "progress", "job": job["id"], "stage": job["stage"]} for job in now]
                if any(map(seen, at_work or [event])):
                    return
        raise AssertionError(f"the events ended: {self.desk.said()}")

    def until_stage(self, job_id: str, stage: str) -> None:
        """The job has got to work in this stage."""
        self.until(lambda e: e.get("job") == job_id and e.get("stage") == stage)

    def until_finished(self, job_id: str) -> JobRow:
        self.until(lambda _: self.desk.row(job_id).state in FINISHED)
        return self.desk.row(job_id)

    @contextmanager
    def configured(self, text: str) -> Iterator[None]:
        """Has taken up this configuration file; afterwards there is none again."""
        file = self.desk.folder / "vigentd.toml"
        file.write_text(text)
        try:
            self.reload()
            yield
        finally:
            file.unlink()
            self.reload()

    def reload(self) -> None:
        """What stands in the configuration now has been taken up: that happens between two jobs."""
        before = self.desk.said().count(RELOADED)
        self.desk.client.post("/reload", {})
        assert gone(lambda: self.desk.said().count(RELOADED) == before, 60), self.desk.said()

    def cancel(self, job_id: str) -> JobRow:
        """It is known to be cancelled when this returns."""
        self.desk.client.post(f"/jobs/{job_id}/cancel", {})
        return self.until_finished(job_id)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def gone(left: Callable[[], object], within_s: float = 10.0) -> bool:
    """Whether nothing is left after a moment: a killed process takes some milliseconds to go, and longer
    where there are other things to do."""
    deadline = time.monotonic() + within_s
    while left():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def log_of(desk: Desk) -> list[dict[str, str]]:
    """The daemon's log, for VIGENTD_LOG__FORMAT=json."""
    return [json.loads(line) for line in desk.said().splitlines() if line.startswith("{")]
