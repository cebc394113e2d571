"""Replicas on the nodes of a Ray cluster: raylets on this machine, the whole daemon, and the tiny engine. What
becomes of a job when a node or a replica goes, comes, or gets nowhere; and that its frames are always those
that a single host makes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from daemon.config import Config
from daemon.engines.local import LocalEngines
from daemon.jobs import JobRow, State
from pipeline.spec import JobSpec
from pipeline.stages import STAGES
from pipeline.workspace import Workspace
from tests.daemon.daemon_kit import Daemon, Desk, gone
from tests.daemon.test_lipsync_engine import LATENTSYNC
from tests.face_kit import portrait
from tests.models.latentsync.tiny import lay_models

Cluster = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed").Cluster

LONG = "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen."
# Long enough for a loaded machine, and short enough to wait for: see models.budgets.
PATIENCE = "0.1"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without room for replicas, and two nodes with room for one each."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.first = cluster.add_node(num_cpus=1)
    cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def desk(cluster: Any, tmp_path_factory: pytest.TempPathFactory, album: Path) -> Desk:
    settings = LATENTSYNC | {
        "VIGENTD_CLUSTER__ADDRESS": cluster.address,
        "VIGENTD_CLUSTER__GPUS": "0",
        "VIGENTD_LIPSYNC__REPLICAS": "2",
        "VIGENTD_HEALTH__PATIENCE": PATIENCE,
    }
    desk = Desk(tmp_path_factory.mktemp("cluster"), portrait(album, (180, 320), 1), settings)
    lay_models(desk.config.weights)
    return desk


@pytest.fixture(scope="module")
def daemon(desk: Desk) -> Iterator[Daemon]:
    with desk.daemon() as daemon:
        until(lambda: idle(desk) == 2, desk)
        yield daemon


@pytest.fixture(scope="module")
def local(daemon: Daemon) -> str:
    """What a single host makes of the same job."""
    desk = daemon.desk
    row = daemon.until_finished(desk.submit(LONG))
    assert row.state == State.DONE, row.error
    names = {name.partition("__")[2].lower(): value for name, value in LATENTSYNC.items()}
    config = Config.model_validate({"data_dir": desk.config.data_dir, "lipsync": names})
    spec = JobSpec.model_validate(row.spec)
    engines, workspace = LocalEngines(config), Workspace(desk.folder / "local")
    job = engines.job("local", spec, config.settings)
    for stage in STAGES[: [stage.name for stage in STAGES].index("lipsync") + 1]:
        job.artifacts[stage.name] = engines.make(stage, job, workspace).artifact
    return chunks(workspace.root)


def chunks(folder: Path) -> str:
    """Of all frames that were made."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("lipsync-*/chunk-*.npz")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def folder_of(desk: Desk, job_id: str) -> Path:
    return desk.config.data_dir / "jobs" / job_id


def made(desk: Desk, job_id: str) -> int:
    return len(list(folder_of(desk, job_id).glob("lipsync-*/chunk-*.npz")))


def status(desk: Desk) -> dict[str, Any]:
    told: dict[str, Any] = desk.client.get("/cluster")
    return told


def idle(desk: Desk) -> int:
    return sum(replica["state"] == "idle" for replica in status(desk)["replicas"])


def until(seen: Any, desk: Desk, within_s: float = 90.0) -> None:
    assert gone(lambda: not seen(), within_s), desk.said()[-3000:]


def hosts_on_nodes() -> list[int]:
    """The processes that keep the engine there."""
    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        if "models.resident" in (process.info["cmdline"] or []):
            try:
                above = " ".join(psutil.Process(process.info["ppid"]).cmdline())
            except psutil.NoSuchProcess:
                continue
            if above.startswith("ray::"):
                found.append(process.pid)
    return found


def finished(daemon: Daemon, job_id: str, local: str) -> JobRow:
    row = daemon.until_finished(job_id)
    assert row.state == State.DONE, (row.error, daemon.desk.said()[-3000:])
    assert chunks(folder_of(daemon.desk, job_id)) == local
    return row


def test_x(daemon: Daemon, local: str) -> None:
    t = time.monotonic()
    job = daemon.desk.submit(LONG)
    until(lambda: made(daemon.desk, job) > 0, daemon.desk)
    print("first chunk", time.monotonic() - t, hosts_on_nodes())
    print(json.dumps(status(daemon.desk), indent=1))
    row = finished(daemon, job, local)
    print("done", time.monotonic() - t, made(daemon.desk, job))
    print(daemon.desk.vigentd("cluster", "status").stdout)
