"""Replicas on the nodes of a Ray cluster: raylets on this machine, the whole daemon, the tiny engine. What
becomes of a job when a node or a replica goes, comes, or gets nowhere; and that its frames are always those
that a single host makes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.daemon.daemon_kit import Daemon, Desk
from tests.daemon.replica_kit import (
    LONG,
    PATIENCE,
    brought,
    by_a_single_host,
    finished,
    idle,
    in_the_middle,
    standing,
    status,
    until,
    when_made,
)
from tests.daemon.test_lipsync_engine import LATENTSYNC
from tests.face_kit import portrait
from tests.models.latentsync.tiny import lay_models

Cluster = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed").Cluster

pytestmark = pytest.mark.timeout(900)  # a cluster and several loads of an engine: minutes on a busy machine

SETTINGS = LATENTSYNC | {"VIGENTD_CLUSTER__GPUS": "0", "VIGENTD_HEALTH__PATIENCE": PATIENCE}


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
    settings = SETTINGS | {"VIGENTD_CLUSTER__ADDRESS": cluster.address, "VIGENTD_LIPSYNC__REPLICAS": "2"}
    desk = Desk(tmp_path_factory.mktemp("cluster"), portrait(album, (180, 320), 1), settings)
    lay_models(desk.config.weights)
    return desk


@pytest.fixture(scope="module")
def daemon(desk: Desk) -> Iterator[Daemon]:
    with desk.daemon() as daemon:
        until(lambda: idle(desk) == 2, desk)
        yield daemon


def hosts_on_nodes() -> list[int]:
    """The processes that keep the engine there."""
    return sorted(process.pid for process in psutil.Process().children(recursive=True) if _is_one(process))


def _is_one(process: Any) -> bool:
    try:
        if "models.resident" not in process.cmdline():
            return False
        return str(psutil.Process(process.ppid()).cmdline()[0]).startswith("ray::")
    except (psutil.NoSuchProcess, IndexError):
        return False


@pytest.fixture(scope="module")
def local(desk: Desk) -> str:
    return by_a_single_host(desk)


def test_the_same_frames_as_from_a_single_host(daemon: Daemon, local: str) -> None:
    desk = daemon.desk
    before = {replica["name"]: replica["chunks"] for replica in status(desk)["replicas"]}
    finished(daemon, desk.submit(LONG), local)
    told = status(desk)
    assert (told["backend"], told["files"], told["why"]) == ("ray", "shared", "")
    assert all(replica["chunks"] > before[replica["name"]] for replica in told["replicas"]), "both worked"
    assert len([node for node in told["nodes"] if node["replicas"]]) == 2


def test_a_replica_that_is_killed_loses_only_its_batch(daemon: Daemon, local: str) -> None:
    desk, said, (pid, _) = daemon.desk, len(daemon.desk.said()), hosts_on_nodes()
    with in_the_middle(desk, [pid]) as job_id:
        os.kill(pid, signal.SIGKILL)
        finished(daemon, job_id, local)
    assert desk.said()[said:].count(" host_order_failed ") == 1
    assert desk.milestones(job_id).count("claimed") == 1
    until(lambda: idle(desk) == 2, desk)


def test_one_that_gets_nowhere_is_replaced_and_its_batch_done_elsewhere(daemon: Daemon, local: str) -> None:
    desk, said = daemon.desk, len(daemon.desk.said())
    with standing(hosts_on_nodes()[:1]) as (pid,):
        finished(daemon, desk.submit(LONG), local)
        until(lambda: not psutil.pid_exists(pid), desk)
    assert "code=host_stalled" in desk.said()[said:]
    until(lambda: idle(desk) == 2, desk)


def test_a_node_that_dies_costs_a_batch_and_one_that_comes_is_used(
    daemon: Daemon, cluster: Any, local: str
) -> None:
    desk, pids = daemon.desk, hosts_on_nodes()
    with in_the_middle(desk, pids) as job_id:
        cluster.remove_node(cluster.first, allow_graceful=False)
        until(lambda: sum(map(psutil.pid_exists, pids)) == 1, desk)
        cluster.first = cluster.add_node(num_cpus=1)
        before = brought(desk)
        until(lambda: brought(desk) > before, desk)  # by the new one: the other one still stands
    finished(daemon, job_id, local)
    assert desk.milestones(job_id).count("claimed") == 1


def test_the_next_daemon_goes_on_at_the_chunks_that_are_made(daemon: Daemon, local: str) -> None:
    """This is the last test: it ends the daemon."""
    desk, pids = daemon.desk, hosts_on_nodes()
    with in_the_middle(desk, pids) as job_id:
        daemon.kill()
        before = when_made(desk, job_id)
        until(lambda: not any(map(psutil.pid_exists, pids)), desk)
    with desk.daemon() as second:
        row = finished(second, job_id, local)
    assert row.attempts == 2
    assert before and before.items() <= when_made(desk, job_id).items(), "they were not made again"


@pytest.mark.slow
def test_a_cluster_of_this_machine_alone_is_reached_by_nobody_else(tmp_path: Path, album: Path) -> None:
    """And nothing is left of it afterwards."""
    settings = SETTINGS | {"VIGENTD_CLUSTER__ADDRESS": "local", "VIGENTD_LIPSYNC__REPLICAS": "1"}
    desk = Desk(tmp_path, portrait(album, (180, 320), 1), settings)
    lay_models(desk.config.weights)
    with desk.daemon():
        until(lambda: idle(desk) == 1, desk)
        reached = {
            connection.laddr.ip
            for pid in desk.left()
            for connection in psutil.Process(pid).net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert reached and reached <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
        (folder,) = Path("/tmp").glob(f"vigentd-ray-{os.getuid()}-*")
    assert not folder.exists(), "it was ended with the daemon"
