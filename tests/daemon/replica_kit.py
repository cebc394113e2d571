"""A job that several replicas make, and what is seen of it; with the whole daemon and the tiny engine."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.engines.local import LocalEngines
from daemon.jobs import JobRow, State
from models.launch import OFFLINE
from pipeline.spec import JobSpec
from pipeline.stages import STAGES
from pipeline.workspace import Workspace
from tests.daemon.daemon_kit import Daemon, Desk, gone
from tests.daemon.test_lipsync_engine import LATENTSYNC

# Batches enough: when the first is back, each of two replicas has one still, and some wait.
LONG = " ".join(f"{number}, two, three, four, five." for number in ("One", "Six", "Ten"))
# Long enough for a loaded machine, and short enough to wait for: see models.budgets.
PATIENCE = "0.1"
CHUNKS = "lipsync-*/chunk-*.npz"
ENVIRONMENT = ("CUDA_DEVICE_ORDER", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", *OFFLINE)


def by_a_single_host(desk: Desk) -> str:
    """The chunks that it makes of the job."""
    names = {name.partition("__")[2].lower(): value for name, value in LATENTSYNC.items()}
    spec = JobSpec(script=LONG, clip=desk.clip)
    return chunks(made_here(desk, {"lipsync": names}, spec, "lipsync").parent)


def made_here(desk: Desk, settings: dict[str, Any], spec: JobSpec, last: str) -> Path:
    """What this stage leaves, by an engine in this process."""
    config = Config.model_validate({"data_dir": desk.config.data_dir, **settings})
    with pytest.MonkeyPatch.context() as patch:
        for name in ENVIRONMENT:  # is set now, and taken back afterwards
            patch.setenv(name, "")
        engines, workspace = LocalEngines(config), Workspace(Path(tempfile.mkdtemp(dir=desk.folder)))
        job = engines.job("local", spec, config.settings)
        for stage in STAGES[: [stage.name for stage in STAGES].index(last) + 1]:
            job.artifacts[stage.name] = engines.make(stage, job, workspace).artifact
        return job.artifacts[last]


def chunks(folder: Path) -> str:
    """Of all frames that were made."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob(CHUNKS)):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def folder_of(desk: Desk, job_id: str) -> Path:
    return desk.config.job_dir(job_id) / "work"


def made(desk: Desk, job_id: str) -> int:
    return len(list(folder_of(desk, job_id).glob(CHUNKS)))


def when_made(desk: Desk, job_id: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder_of(desk, job_id).glob(CHUNKS)}


def status(desk: Desk) -> dict[str, Any]:
    told: dict[str, Any] = desk.client.get("/cluster")
    return told


def brought(desk: Desk) -> int:
    """Chunks, by all replicas together."""
    return sum(replica["chunks"] for replica in status(desk)["replicas"])


def idle(desk: Desk) -> int:
    return sum(replica["state"] == "idle" for replica in status(desk)["replicas"])


def until(seen: Any, desk: Desk, within_s: float = 240.0) -> None:
    assert gone(lambda: not seen(), within_s), desk.said()[-3000:]


def finished(daemon: Daemon, job_id: str, local: str) -> JobRow:
    row = daemon.until_finished(job_id)
    assert row.state == State.DONE, (row.error, daemon.desk.said()[-3000:])
    assert chunks(folder_of(daemon.desk, job_id)) == local
    return row


@contextmanager
def standing(pids: list[int]) -> Iterator[list[int]]:
    """These stand still meanwhile; those that are left go on afterwards."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield pids
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def in_the_middle(desk: Desk, pids: list[int]) -> Iterator[str]:
    """A job of which some chunks are made, and of which both replicas have a batch; and these stand still."""
    job_id = desk.submit(LONG)
    until(lambda: made(desk, job_id) > 0, desk)
    with standing(pids):
        yield job_id
