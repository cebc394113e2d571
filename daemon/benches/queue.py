"""`vigentd bench queue`: what the queue and a resident daemon cost, and what they save."""

from __future__ import annotations

import math
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daemon.benches import processes
from daemon.config import Config
from daemon.control.client import Client, DaemonAway
from daemon.jobs import FINISHED, State
from daemon.queue import Queue
from models.errors import StageFailed
from pipeline.spec import JobSpec

WAITING = 10_000
TRIES = 200
LOAD_S = 600.0
LIMIT_MS, LIMIT_IDLE = 20.0, 0.005
SCRIPT = "Good morning, and welcome."
HEAVY = ("torch", "mediapipe", "cv2", "libav", "numpy")


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    median: float
    p99: float
    worst: float

    @staticmethod
    def of(seconds: list[float]) -> Spread:
        ms = sorted(1000 * s for s in seconds)
        return Spread(statistics.median(ms), ms[math.ceil(0.99 * len(ms)) - 1], ms[-1])


@dataclass
class Figures:
    """waiting: jobs in line while submit and claim were measured. Seconds, bytes, and shares of one core."""

    waiting: int
    submit_ms: Spread
    claim_ms: Spread
    load_s: dict[str, float] = field(default_factory=dict)  # host → from its start until it was ready
    jobs_s: list[float] = field(default_factory=list)  # the same short job, again and again
    starts: dict[str, int] = field(default_factory=dict)  # host → how often it was started for them
    foreground_s: float = 0.0  # that job by `submit --wait` without a daemon: loads everything itself
    idle_over_s: float = 0.0
    idle_daemon: float = 0.0
    idle_all: float = 0.0  # with its hosts
    daemon_rss: int = 0
    daemon_heavy: list[str] = field(default_factory=list)  # of HEAVY, what the daemon itself has loaded

    @property
    def wrong(self) -> list[str]:
        """What is worse than it may be."""
        spreads = {"submit": self.submit_ms, "claim": self.claim_ms}
        found = [f"{name} is slow" for name, ms in spreads.items() if ms.p99 > LIMIT_MS]
        if self.idle_daemon > LIMIT_IDLE:
            found.append("the daemon does not rest")
        if "torch" in self.daemon_heavy:
            found.append("the daemon has loaded torch")
        if set(self.starts.values()) - {1}:
            found.append("engines were loaded more than once")
        return found

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"wrong": self.wrong}


def config_in(folder: Path) -> Config:
    """The configuration in force, for another data folder (which an environment variable would outrank)."""
    return Config().model_copy(update={"data_dir": folder})


def measure(clip: Path, folder: Path, idle_s: float, tell: Callable[[str], None]) -> Figures:
    """In data folders of its own inside `folder`."""
    tell(f"Putting {WAITING} jobs in line …")
    figures = Figures(WAITING, *_queue_alone(folder / "queue", clip))
    tell("Making a video without a daemon …")
    figures.foreground_s = _foreground(folder / "foreground", clip)
    tell("Making the same video with a daemon, three times …")
    _daemon(folder / "daemon", clip, idle_s, figures, tell)
    return figures


def _queue_alone(folder: Path, clip: Path) -> tuple[Spread, Spread]:
    queue = Queue(config_in(folder).database)
    spec = JobSpec(script=SCRIPT, clip=clip)
    try:
        for _ in range(WAITING - TRIES):
            queue.submit(spec)
        submits = [_timed(lambda: queue.submit(spec)) for _ in range(TRIES)]
        claims = []
        for _ in range(TRIES):
            began = time.perf_counter()
            claim = queue.claim("bench")
            claims.append(time.perf_counter() - began)
            assert claim is not None
            queue.release(claim)
    finally:
        queue.close()
    return Spread.of(submits), Spread.of(claims)


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _foreground(folder: Path, clip: Path) -> float:
    script = folder.with_suffix(".txt")
    script.write_text(SCRIPT, "utf-8")
    command = [sys.executable, "-m", "daemon.cli", "submit", "--script", str(script), "--clip", str(clip)]
    began = time.perf_counter()
    subprocess.run(
        [*command, "--wait"], check=True, capture_output=True, env=_environment(folder), timeout=600
    )
    return time.perf_counter() - began


def _environment(data: Path) -> dict[str, str]:
    return os.environ | {"VIGENTD_DATA_DIR": str(data), "VIGENTD_INBOX": "[]"}


def _daemon(folder: Path, clip: Path, idle_s: float, figures: Figures, tell: Callable[[str], None]) -> None:
    config = config_in(folder)
    client = Client(config.socket)
    queue = Queue(config.database)
    with subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", "run"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=_environment(folder),
    ) as daemon:  # fmt: skip
        try:
            figures.load_s = _until_ready(client, daemon)
            for _ in range(3):
                figures.jobs_s.append(_one_job(queue, client, JobSpec(script=SCRIPT, clip=clip)))
            status = client.get("/status")
            figures.starts = {host["name"]: host["starts"] for host in status["hosts"]}
            tell(f"Watching it idle for {idle_s:.0f} s …")
            _idle(daemon.pid, idle_s, figures)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
            queue.close()


def _until_ready(client: Client, daemon: subprocess.Popen[bytes]) -> dict[str, float]:
    """Host → seconds that its loading took."""
    until = time.monotonic() + LOAD_S
    while daemon.poll() is None and time.monotonic() < until:
        with suppress(DaemonAway):
            hosts = client.get("/status")["hosts"]
            if all(host["state"] == "idle" for host in hosts):
                return {host["name"]: host["load_s"] for host in hosts}
        time.sleep(0.1)
    raise StageFailed("The daemon did not get ready", code="daemon_away")


def _one_job(queue: Queue, client: Client, spec: JobSpec) -> float:
    """From its submission until it is done."""
    began = time.perf_counter()
    row = queue.submit(spec)
    client.post("/wake", {})
    for _ in client.events(row.id):
        if (row := queue.get(row.id)).state in FINISHED:
            break
    if row.state != State.DONE:
        raise StageFailed(row.error_message or f"The job is {row.state}", code=row.error_code)
    return time.perf_counter() - began


def _idle(pid: int, idle_s: float, figures: Figures) -> None:
    family = processes.family(pid)
    before = {member: processes.cpu_s(member) for member in family}
    time.sleep(idle_s)
    used = {member: processes.cpu_s(member) - before[member] for member in family}
    figures.idle_over_s = idle_s
    figures.idle_daemon, figures.idle_all = used[pid] / idle_s, sum(used.values()) / idle_s
    figures.daemon_rss = processes.rss(pid)
    mapped = processes.maps(pid)
    figures.daemon_heavy = [name for name in HEAVY if name in mapped]


def report(figures: Figures, tell: Callable[[str], None]) -> None:
    """For a person, one figure a line."""
    for name, ms in (("submit", figures.submit_ms), ("claim", figures.claim_ms)):
        tell(
            f"{name + ':':<22} median {ms.median:.1f} ms, 99 % under {ms.p99:.1f} ms, worst {ms.worst:.1f} ms"
            f" (with {figures.waiting} jobs in line)"
        )
    loads = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in figures.load_s.items())
    tell(f"{'engines load once:':<22} {loads}")
    tell(f"{'without a daemon:':<22} {figures.foreground_s:.1f} s for a short video")
    jobs = ", ".join(f"{seconds:.1f} s" for seconds in figures.jobs_s)
    starts = ", ".join(f"{name} {count}" for name, count in figures.starts.items())
    tell(f"{'with it, one by one:':<22} {jobs} (starts of hosts: {starts})")
    tell(
        f"{'idle:':<22} {figures.idle_daemon:.2%} of a core over {figures.idle_over_s:.0f} s,"
        f" with all hosts {figures.idle_all:.2%}"
    )
    tell(
        f"{'the daemon itself:':<22} {figures.daemon_rss / 1e6:.0f} MB;"
        f" of {', '.join(HEAVY)} it has loaded {', '.join(figures.daemon_heavy) or 'none'}"
    )
    for complaint in figures.wrong:
        tell(f"too much: {complaint}")
