"""Several devices for the lips: one job on all of them, the same pixels as on one, and what becomes of it
when one of them dies. Real processes, the tiny engine, on a CPU. The same through Ray: test_cluster.py."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.daemon_kit import Daemon, Desk
from tests.daemon.replica_kit import (
    LONG,
    PATIENCE,
    by_a_single_host,
    finished,
    idle,
    in_the_middle,
    standing,
    status,
    until,
)
from tests.daemon.test_lipsync_engine import LATENTSYNC
from tests.face_kit import portrait
from tests.models.latentsync.tiny import lay_models

pytestmark = pytest.mark.slow  # the usual suite has them with Ray, and the pool by itself: test_pool.py


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, album: Path) -> Iterator[Daemon]:
    settings = LATENTSYNC | {"VIGENTD_LIPSYNC__DEVICE": "cpu,cpu", "VIGENTD_HEALTH__PATIENCE": PATIENCE}
    desk = Desk(tmp_path_factory.mktemp("two"), portrait(album, (180, 320), 1), settings)
    lay_models(desk.config.weights)
    with desk.daemon() as daemon:
        until(lambda: idle(desk) == 2, desk)
        yield daemon


@pytest.fixture(scope="module")
def local(daemon: Daemon) -> str:
    return by_a_single_host(daemon.desk)


def test_the_same_frames_as_from_a_single_host(daemon: Daemon, local: str) -> None:
    finished(daemon, daemon.desk.submit(LONG), local)
    told = status(daemon.desk)
    assert (told["backend"], told["nodes"], told["files"], told["why"]) == ("local", [], "", "")
    assert all(replica["chunks"] > 0 for replica in told["replicas"]), "both worked"
    card = daemon.desk.vigentd("cluster", "status").stdout
    assert "none: 2 replicas on this machine" in card and "lipsync-2" in card


def test_one_that_is_killed_loses_only_its_batch(daemon: Daemon, local: str) -> None:
    desk, said = daemon.desk, len(daemon.desk.said())
    pids = [daemon.host(f"lipsync-{number}")["pid"] for number in (1, 2)]
    with in_the_middle(desk, pids) as job_id:
        os.kill(pids[0], signal.SIGKILL)
    finished(daemon, job_id, local)
    assert desk.said()[said:].count(" host_order_failed ") == 1
    assert desk.milestones(job_id).count("claimed") == 1


def test_one_that_gets_nowhere_is_replaced_and_its_batch_done_elsewhere(daemon: Daemon, local: str) -> None:
    desk, said = daemon.desk, len(daemon.desk.said())
    until(lambda: idle(desk) == 2, desk)
    with standing([daemon.host("lipsync-1")["pid"]]):
        finished(daemon, desk.submit(LONG), local)
        until(lambda: "code=host_stalled" in desk.said()[said:], desk)
