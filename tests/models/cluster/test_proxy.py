"""Replicas on the nodes of a Ray cluster: two raylets on this machine, and the tiny engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from daemon.jobs import State
from tests.daemon.daemon_kit import Daemon, Desk
from tests.daemon.test_lipsync_engine import LATENTSYNC
from tests.face_kit import portrait
from tests.models.latentsync.tiny import lay_models

LONG = "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen."


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def daemon(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, album: Path) -> Iterator[Daemon]:
    settings = LATENTSYNC | {
        "VIGENTD_CLUSTER__ADDRESS": cluster.address,
        "VIGENTD_CLUSTER__GPUS": "0",
        "VIGENTD_LIPSYNC__REPLICAS": "2",
    }
    desk = Desk(tmp_path_factory.mktemp("two"), portrait(album, (180, 320), 1), settings)
    lay_models(desk.config.weights)
    with desk.daemon() as daemon:
        yield daemon


def test_x(daemon: Daemon) -> None:
    print(daemon.desk.vigentd("status").stdout)
    row = daemon.until_finished(daemon.desk.submit(LONG))
    print(daemon.desk.vigentd("status").stdout)
    print(daemon.desk.vigentd("health").stdout)
    for log in (daemon.desk.config.logs).glob("host-*"):
        print(log, log.read_text()[-1500:])
    assert row.state == State.DONE, row.error
