"""`vigentd bench torture`: SIGKILL at random moments, and then the question whether anything was lost.

A daemon works on short jobs, which arrive all the time, by the database and by the control socket. At
random moments the daemon, a host, an ffmpeg, or several of them, are killed; a dead daemon is started
again. In the end everything has to be in order:

    every accepted job is done exactly once, or has failed with a reason (and then `retry` makes it)
    every result can be decoded to its end
    no process, no temporary file is left, and the database is sound
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from daemon.benches import processes
from daemon.benches.queue import config_in
from daemon.config import Config
from daemon.control.client import Client, DaemonAway
from daemon.jobs import FINISHED, State
from daemon.queue import Queue
from models.errors import VigentdError

SCRIPTS = ("Good morning.", "Hello and welcome.", "你好，早上好。", "See you tomorrow.")
SIZE = (180, 320)
PAUSE_S = 2.5  # between two blows, on average
CHANGES_MIND = 0.1  # of the jobs
AHEAD = 3  # jobs that are kept in line
PATIENCE_S = 300.0  # for the line to empty in the end
VICTIMS = ("daemon", "speech", "lipsync", "media", "door", "ffmpeg")
VARIABLE = "VIGENTD_DATA_DIR"


@dataclass
class Outcome:
    """What was done, and all that was wrong (nothing, if all is well)."""

    runs: int = 0
    seed: int = 0
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0  # of the daemon
    accepted: int = 0
    done: int = 0
    cancelled: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # code → jobs
    retried: int = 0  # failed jobs that `retry` made
    attempts: int = 0
    orphans: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.wrong

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def torture(
    clip: Path, folder: Path, runs: int, seed: int, tell: Callable[[str], None] = lambda _: None
) -> Outcome:
    """`runs` kills over a load of short jobs, in a data folder inside `folder`."""
    outcome, began = Outcome(runs, seed), time.monotonic()
    bench = Bench(folder, random.Random(seed), outcome)
    try:
        with Customer(bench.config, clip, random.Random(seed)) as customer:
            for run in range(runs):
                bench.keep_running()
                bench.kill_somebody()
                if run % 10 == 9:
                    tell(f"{run + 1} of {runs}: {dict(outcome.kills)}, {bench.count()}")
            bench.keep_running()
        bench.accepted, bench.cancelled = customer.accepted, customer.cancelled
        outcome.wrong += customer.trouble
        bench.drain()
        bench.check_jobs()
        bench.retry_failed()
        bench.stop()
        bench.check_leftovers()
    finally:
        bench.end()
        outcome.seconds = time.monotonic() - began
    return outcome


class Customer(threading.Thread):
    """Puts jobs into the daemon's line, while it is being killed, too; the same key again whenever the
    answer was lost. Some jobs it then does not want any more. accepted: key → id."""

    def __init__(self, config: Config, clip: Path, chance: random.Random) -> None:
        super().__init__(name="customer")
        self.accepted: dict[str, str] = {}
        self.cancelled: set[str] = set()  # ids; the daemon said that it would
        self.trouble: list[str] = []
        self._client = Client(config.socket)
        self._queue = Queue(config.database)
        self._clip = clip
        self._chance = chance
        self._enough = threading.Event()
        self._interrupted = False

    def run(self) -> None:
        while not self._enough.wait(0.1):
            if self._queue.counts()[State.QUEUED] < AHEAD:
                self._submit(key := f"key-{len(self.accepted)}")
                if key in self.accepted and self._chance.random() < CHANGES_MIND:
                    self._cancel(self.accepted[key])

    def _submit(self, key: str) -> None:
        wish = {"clip": str(self._clip), "script": self._chance.choice(SCRIPTS), "key": key}
        while not self._interrupted:
            try:
                self.accepted[key] = self._client.post("/jobs", wish)["id"]
                return
            except VigentdError as e:
                if e.code not in ("daemon_away", "engine_away", "host_died"):
                    self.trouble.append(f"a job was refused: {e.message}")
                    return
            self._enough.wait(0.05)  # not the end: what was begun must have an answer

    def _cancel(self, job_id: str) -> None:
        with suppress(VigentdError):  # the daemon is away, or the job has ended
            self._client.post(f"/jobs/{job_id}/cancel")
            self.cancelled.add(job_id)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._interrupted = kind is not None
        self._enough.set()
        self.join()
        self._queue.close()


class Bench:
    """The daemon under torture, and what is known of it."""

    def __init__(self, folder: Path, chance: random.Random, outcome: Outcome) -> None:
        self.data = folder / "data"
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self.chance = chance
        self.outcome = outcome
        self.config = config_in(self.data)
        self.queue = Queue(self.config.database)
        self.accepted: dict[str, str] = {}  # key → id
        self.cancelled: set[str] = set()
        self.daemon: subprocess.Popen[bytes] | None = None
        self._log = (folder / "daemon.logs.log").open("ab")

    def keep_running(self) -> None:
        """A daemon is there and answers."""
        client = Client(self.config.socket)
        deadline = time.monotonic() + 60
        while True:
            if self.daemon is None or self.daemon.poll() is not None:
                self._start()
            with suppress(DaemonAway, OSError):
                client.get("/status")
                return
            if time.monotonic() > deadline:
                self.outcome.wrong.append("the daemon did not answer within a minute of its start")
                return
            time.sleep(0.05)

    def _start(self) -> None:
        overlap = str(self.outcome.starts % 2 == 1).lower()  # every second one works ahead
        environment = os.environ | {
            VARIABLE: str(self.data),
            "VIGENTD_INBOX": "[]",  # those of the person who runs this are none of its business
            "TMPDIR": str(self.temporary),
            "VIGENTD_QUEUE__OVERLAP": overlap,
            "VIGENTD_HEALTH__REPLACEMENTS": "1000000",  # after so many blows as fall here it would rest
        }
        self.daemon = subprocess.Popen(
            [sys.executable, "-m", "daemon.cli", "run"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=environment,
        )  # fmt: skip
        self.outcome.starts += 1

    def count(self) -> dict[str, int]:
        return dict(self.queue.counts())

    # ------------------------------------------------------------ the blows

    def kill_somebody(self) -> None:
        """After a random while, one of them, or several at the same moment."""
        time.sleep(self.chance.expovariate(1 / PAUSE_S))
        many = 1 if self.chance.random() < 0.75 else self.chance.randint(2, len(VICTIMS))
        found: list[tuple[str, int]] = []
        while not found:  # not every one of them is there at every moment
            victims = self.chance.sample(VICTIMS, many)
            found = [(name, pid) for name in victims for pid in self._find(name)]
        family = self._family()
        for name, pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.outcome.kills[name] += 1
        if "daemon" in victims and self.daemon is not None:
            self.daemon.wait()
            self._nobody_left(family)

    def _family(self) -> list[int]:
        return processes.family(self.daemon.pid) if self.daemon is not None else []

    def _find(self, name: str) -> Iterator[int]:
        if name == "daemon":
            yield from self._family()[:1]
            return
        for pid in self._family()[1:]:
            is_ffmpeg = name == "ffmpeg" and "ffmpeg" in processes.command(pid)
            if is_ffmpeg or processes.is_host(pid, name):
                yield pid

    def _nobody_left(self, family: list[int]) -> None:
        """Two seconds after their daemon, all its processes are gone."""
        deadline = time.monotonic() + 2.0
        while left := [pid for pid in family if processes.rss(pid)]:
            if time.monotonic() > deadline:
                self.outcome.orphans += len(left)
                self.outcome.wrong += [f"left behind: {processes.command(pid)}" for pid in left]
                for pid in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.01)

    # ------------------------------------------------------------ the questions

    def drain(self) -> None:
        """Nobody is killed any more: all that was accepted comes to its end."""
        deadline = time.monotonic() + PATIENCE_S
        while any(self.queue.counts().get(state, 0) for state in (State.QUEUED, State.RUNNING)):
            if time.monotonic() > deadline:
                self.outcome.wrong.append(f"jobs did not come to an end: {self.count()}")
                return
            self.keep_running()
            time.sleep(0.2)

    def check_jobs(self) -> None:
        rows = {row.id: row for row in self.queue.list()}
        self.outcome.accepted = len(self.accepted)
        if set(rows) != set(self.accepted.values()):
            self.outcome.wrong.append(f"{len(rows)} jobs for {len(self.accepted)} that were accepted")
        for row in rows.values():
            self.outcome.attempts += row.attempts
            finished = [m.name for m in self.queue.milestones(row.id) if m.name in FINISHED]
            if row.state == State.DONE:
                self.outcome.done += 1
                self._check_done(row.id, Path(row.output or ""), finished)
            elif row.state == State.FAILED and row.error_code:
                self.outcome.failed[row.error_code] += 1
            elif row.state == State.CANCELLED and row.id in self.cancelled:
                self.outcome.cancelled += 1
            else:
                self.outcome.wrong.append(f"job {row.id} is {row.state}, {row.error}")

    def _check_done(self, job_id: str, output: Path, finished: list[str]) -> None:
        if finished != [State.DONE]:
            self.outcome.wrong.append(f"job {job_id} ended as {finished}")
        if trouble := _undecodable(output):
            self.outcome.wrong.append(f"the result of job {job_id} is broken: {trouble}")

    def retry_failed(self) -> None:
        """What failed because it was killed too often works when nobody kills."""
        failed = [row.id for row in self.queue.list() if row.state == State.FAILED]
        for job_id in failed:
            self.queue.retry(job_id)
        self.drain()
        for job_id in failed:
            row = self.queue.get(job_id)
            if row.state == State.DONE and not _undecodable(Path(row.output or "")):
                self.outcome.retried += 1
            else:
                self.outcome.wrong.append(f"job {job_id} was retried and is {row.state}: {row.error}")

    def stop(self) -> None:
        """In good order, with nothing left running."""
        assert self.daemon is not None
        family = self._family()
        self.daemon.terminate()
        if (code := self.daemon.wait(60)) != 0:
            self.outcome.wrong.append(f"the daemon ended with exit status {code}")
        self._nobody_left(family)
        others = [pid for pid in processes.with_variable(VARIABLE, str(self.data)) if processes.rss(pid)]
        if others:
            self.outcome.wrong.append(f"{len(others)} processes are left")

    def check_leftovers(self) -> None:
        """No temporary file, no result without a job, a sound database."""
        results = {path.stem for path in self.config.results.iterdir()}
        done = {row.id for row in self.queue.list() if row.state == State.DONE}
        if results != done:
            self.outcome.wrong.append(f"results of {len(results)} jobs, and {len(done)} are done")
        left = [path for path in self.data.rglob("*") if _is_temporary(path)]
        left += self.temporary.rglob("*")
        if self.config.scratch.exists():
            left += [path for path in self.config.scratch.rglob("*") if path.is_file()]
        self.outcome.wrong += [f"left on the disk: {path}" for path in left]
        try:
            self.queue.quick_check()
        except VigentdError as e:
            self.outcome.wrong.append(e.message)

    def end(self) -> None:
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        self.queue.close()
        self._log.close()


def _is_temporary(path: Path) -> bool:
    return path.name.endswith(".part") or (path.name.startswith(".") and ".part" in path.name)


def _undecodable(video: Path) -> str:
    """What ffmpeg has to say against it; "" when every frame and sample can be decoded."""
    from pipeline.ffmpeg import executable

    if not video.is_file():
        return "it is not there"
    command = [executable(), "-v", "error", "-xerror", "-i", str(video), "-f", "null", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return "" if done.returncode == 0 and not done.stderr else done.stderr.decode(errors="replace")[-200:]


@contextmanager
def workplace(keep: Path | None) -> Iterator[Path]:
    """A folder for it all: the one given, which is kept, or one that is gone afterwards."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="vigentd-torture-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def report(outcome: Outcome, tell: Callable[[str], None]) -> None:
    """For a person."""
    kills = ", ".join(f"{name} {count}" for name, count in sorted(outcome.kills.items()))
    failed = ", ".join(f"{code} {count}" for code, count in sorted(outcome.failed.items())) or "none"
    tell(f"{outcome.runs} blows in {outcome.seconds:.0f} s (seed {outcome.seed}); killed: {kills}")
    tell(f"daemon started {outcome.starts} times; orphans: {outcome.orphans}")
    tell(f"jobs accepted {outcome.accepted}: done {outcome.done}, cancelled {outcome.cancelled}")
    tell(f"failed: {failed}; made by retry afterwards: {outcome.retried}")
    tell(f"claims {outcome.attempts}")
    tell("nothing was lost" if outcome.ok else json.dumps(outcome.wrong, ensure_ascii=False, indent=1))
