"""Who makes the lips, and where: `vigentd cluster status`, health and the metrics. No Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from daemon.cluster_status import cluster_status
from daemon.commands.health_table import show
from daemon.config import Config
from daemon.engines.cluster import Cluster
from daemon.engines.pool import PACE_S, Doing
from daemon.engines.roster import EngineAway
from daemon.engines.seat import Seat
from daemon.health.cluster_probe import ABOUT, ClusterProbe
from daemon.health.component import Component
from daemon.health.metrics import text
from daemon.health.report import Report
from models import budgets
from models.cluster.link import actor_name
from models.host_errors import HostDied
from tests.daemon.conftest import ROOT, Cli
from tests.daemon.control_kit import TinyOffice
from tests.daemon.health.kit import Clock, pass_by
from tests.daemon.health.test_metrics import NOW, read
from tests.log_kit import Written

HEAD = {"id": "ab", "name": "head", "address": "10.0.0.1", "alive": True, "head": True, "cpus": 16.0}
HEAD |= {"gpus": 1.0, "free_gpus": 0.0, "replicas": ["lipsync-1"]}
GONE = HEAD | {
    "id": "cd",
    "name": "two",
    "address": "10.0.0.2",
    "alive": False,
    "head": False,
    "replicas": [],
}
LOST = "The lip-sync replica 2 is started again, for its process is gone"


def replica(number: int, **more: Any) -> Component:
    facts: dict[str, Any] = {
        "node": "",
        "device": f"cuda:{number}",
        "job": "",
        "stage": "",
        "call": "",
        "files": "",
    }
    facts |= {"chunks": 0, "chunks_per_s": 0.0, "starts": 1}
    state, trouble = more.pop("state", "idle"), more.pop("trouble", "")
    return Component(f"host:lipsync-{number}", state, trouble=trouble, facts=facts | more)


MAKES: dict[str, Any] = {
    "job": "8h1x4k2m",
    "stage": "lipsync",
    "call": "a.b:make",
    "chunks": 210,
    "chunks_per_s": 0.75,
}
ONE = replica(1, state="busy", node="head", device="", files="shared", **MAKES)
REMOTE = Report(
    (
        *(ONE, replica(2, state="dead", trouble=LOST, device="", files="sent", chunks_per_s=0.5)),
        *(Component("host:cluster", "idle"), Component("host:lipsync", "busy", facts={"device": "cpu"})),
        Component("cluster", "idle", facts={"nodes": [HEAD, GONE]}),
    )
)


def config_of(folder: Path, **sections: Any) -> Config:
    return Config.model_validate({"data_dir": folder} | sections)


def test_what_is_told_of_a_cluster(tmp_path: Path) -> None:
    told = cluster_status(config_of(tmp_path, cluster={"address": "10.0.0.1:6379"}), REMOTE)
    assert (told["backend"], told["address"], told["why"]) == ("ray", "10.0.0.1:6379", "")
    assert (told["files"], told["chunks_per_s"]) == ("sent/shared", 1.25)
    assert [node["name"] for node in told["nodes"]] == ["head", "two"]
    one, two = told["replicas"]
    assert (one["name"], one["state"], one["node"], one["job"], one["call"], one["chunks"]) == (
        *("lipsync-1", "busy", "head", "8h1x4k2m", "a.b:make", 210),
    )
    assert (two["state"], two["trouble"]) == ("dead", LOST)


def test_a_cluster_that_is_away_says_why(tmp_path: Path) -> None:
    link = Component("host:cluster", "dead", trouble="The cluster is away", hint="Start it.")
    told = cluster_status(config_of(tmp_path, cluster={"address": "auto"}), Report((replica(1), link)))
    assert (told["backend"], told["nodes"]) == ("ray", [])
    assert (told["why"], told["hint"]) == ("The cluster is away", "Start it.")


def test_several_devices_are_no_cluster_and_one_says_how_to_have_more(tmp_path: Path) -> None:
    two = {"device": ["cuda:1", "cuda:2"]}
    told = cluster_status(config_of(tmp_path, lipsync=two), Report((replica(1), replica(2))))
    assert (told["backend"], told["why"], told["nodes"]) == ("local", "", [])
    assert [one["device"] for one in told["replicas"]] == ["cuda:1", "cuda:2"]
    told = cluster_status(config_of(tmp_path), Report((Component("host:lipsync", "idle"),)))
    assert told["backend"] == "none" and told["why"].startswith("There is no cluster")
    assert "CLUSTER.md" in told["hint"]
    told = cluster_status(config_of(tmp_path, lipsync=two), Report((Component("host:lipsync.2", "idle"),)))
    assert "draft engine" in told["why"] and "doctor" in told["hint"]


# ---------------------------------------------------------------- the command


def test_the_command_of_a_cluster(cli: Cli, served: Path, office: TinyOffice, tmp_path: Path) -> None:
    office.cluster = cluster_status(config_of(tmp_path, cluster={"address": "auto"}), REMOTE)
    said = cli("cluster", "status")
    assert (said.code, said.err) == (0, "")
    rows = [line.split() for line in said.out.splitlines()]
    assert "cluster:   Ray at auto, 1 node, 0 of 1 GPUs free" in said.out.splitlines()
    assert ["head", "10.0.0.1", "head", "16", "1", "0", "lipsync-1"] in rows
    assert ["lipsync-1", "head", "busy", "0.75/s", "210", "chunks", "8h1x4k2m", "make"] in rows
    assert any(row[:3] == ["two", "10.0.0.2", "gone"] for row in rows)
    assert f"lipsync-2: {LOST}" in said.out
    assert cli("cluster", "status", "--json").json == office.cluster


def test_the_command_where_there_is_none(cli: Cli, served: Path, office: TinyOffice, tmp_path: Path) -> None:
    office.cluster = cluster_status(config_of(tmp_path), Report(()))
    first, hint = cli("cluster", "status").out.splitlines()
    assert first.startswith("There is no cluster") and first.endswith(".") and "CLUSTER.md" in hint
    office.cluster = cluster_status(config_of(tmp_path), Report((replica(1), replica(2))))
    said = cli("cluster", "status").out
    assert "none: 2 replicas on this machine" in said and "cuda:2" in said and "node" not in said


def test_the_command_without_a_daemon(cli: Cli) -> None:
    said = cli("cluster", "status")
    assert (said.code, said.out) == (1, "") and said.err.startswith("error: No daemon is running\nhint: ")
    said = cli("cluster", "status", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "daemon_away")


# ---------------------------------------------------------------- health and metrics


def test_health_and_metrics_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    show(REMOTE.as_dict() | {"from": "daemon"})
    out = capsys.readouterr().out
    assert "8h1x4k2m lipsync, on head, 0.75 chunks/s" in out and "1 node, 0 of 1 GPUs free" in out
    found = read(text(REMOTE, "1", NOW))
    assert found['vigentd_replica_chunks_total{replica="lipsync-1"}'] == 210
    assert found['vigentd_replica_busy{replica="lipsync-1"}'] == 1
    assert found['vigentd_replica_busy{replica="lipsync-2"}'] == 0
    assert [found[f"vigentd_cluster_{name}"] for name in ("nodes", "gpus", "gpus_free")] == [1, 1, 0]
    assert not [name for name in found if name.startswith("vigentd_replica") and 'replica="lipsync"' in name]
    bare = read(text(Report((Component("host:lipsync", "idle"),)), "1", NOW))
    assert not [name for name in bare if name.startswith(("vigentd_replica", "vigentd_cluster"))]


def test_the_pace_is_that_of_the_last_minute() -> None:
    doing = Doing()
    doing.brought(4, 100.0)
    doing.brought(2, 100.0 + PACE_S / 2)
    assert doing.pace(100.0 + PACE_S / 2) == pytest.approx(6 / PACE_S)
    assert doing.pace(100.0 + PACE_S) == pytest.approx(2 / PACE_S)
    assert (doing.pace(100.0 + 2 * PACE_S), doing.made, len(doing.done)) == (0, 6, 0)


class Looked:
    """As much of a Cluster as the probe looks at."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] | None = [HEAD]
        self.waiting: list[str] = []

    def look(self) -> list[dict[str, Any]] | None:
        return self.nodes

    def without_node(self) -> list[str]:
        return self.waiting


def test_a_replica_that_finds_no_node_is_a_trouble_after_a_while_and_no_stall() -> None:
    clock, cluster = Clock(), Looked()
    probe = ClusterProbe(lambda: cluster, Written(), clock)
    found = pass_by(1, clock, probe.health, probe.look)
    assert found.well and found.facts["nodes"] == [HEAD]
    cluster.waiting = ["lipsync-2", "lipsync-3"]
    assert pass_by(ABOUT.budget_s - 5, clock, probe.health, probe.look).well
    found = pass_by(1000, clock, probe.health, probe.look)
    assert found.trouble == "lipsync-2, lipsync-3 wait for a node that has room"
    assert found.state == "idle" and "lipsync.replicas" in found.hint
    cluster.waiting = []
    assert pass_by(1, clock, probe.health, probe.look).well


def test_no_cluster_is_no_part_of_health_and_one_that_cannot_be_looked_at_is_told_by_its_process() -> None:
    clock, there = Clock(), list[Looked]()
    probe = ClusterProbe(lambda: there[0] if there else None, Written(), clock)
    probe.look()
    assert list(probe.health()) == []
    there.append(Looked())
    there[0].nodes = None
    found = pass_by(1, clock, probe.health, probe.look)
    assert found.well and not found.facts


# ---------------------------------------------------------------- which actor is whose


class Chair:
    """As much of a Seat as a Cluster looks at. nodes: what its host answers, or raises."""

    def __init__(self, name: str, pid: int | None = None, nodes: Any = None, state: Any = "idle") -> None:
        self.plan, self.pid, self.nodes, self.state = SimpleNamespace(name=name), pid, nodes, state
        self.replaced: list[str] = []

    def replace(self, because: str) -> None:
        self.replaced.append(because)

    def why(self) -> str:
        return "" if self.nodes is not None else "it loads"

    def health(self) -> Component:
        return Component(f"host:{self.plan.name}", self.state, facts={"pid": self.pid})

    @contextmanager
    def asked(self, _: Any) -> Iterator[Chair]:
        yield self

    def ask(self, *_: Any, **__: Any) -> Any:
        if isinstance(self.nodes, Exception):
            raise self.nodes
        return [dict(node) for node in self.nodes]


def test_actors_are_found_by_the_process_that_they_work_for() -> None:
    """One of an earlier process of the same replica, and one of another head, may still be there."""
    actors = [actor_name("lipsync-1", 70), actor_name("lipsync-1", 7), "lipsync-2.8.elsewhere"]
    link = Chair("cluster", 5, nodes=[HEAD | {"replicas": actors}])
    replicas = [
        Chair("lipsync-1", 7),
        Chair("lipsync-2", 8, state="loading"),
        Chair("lipsync-3", state="loading"),
    ]
    cluster = Cluster(cast(Seat, link), cast(list[Seat], replicas), budgets.ASKED)
    assert cluster.node_of("lipsync-1") == ""
    (node,) = cluster.look() or []
    assert node["replicas"] == ["lipsync-1"]
    assert (cluster.node_of("lipsync-1"), cluster.node_of("lipsync-2")) == ("head", "")
    assert cluster.without_node() == ["lipsync-2"], "the third has no process yet"
    for trouble in (None, EngineAway("away"), HostDied("dead")):
        link.nodes = trouble
        assert cluster.look() is None


def test_one_that_has_nothing_to_do_is_replaced_when_its_node_is_gone() -> None:
    """It looked idle until it was asked for something."""
    link = Chair("cluster", 5, nodes=[HEAD | {"replicas": [actor_name("lipsync-1", 7)]}, GONE])
    chairs = {
        n: Chair(f"lipsync-{n}", 6 + n, state=state) for n, state in enumerate(("idle", "idle", "busy"), 1)
    }
    Cluster(cast(Seat, link), cast(list[Seat], list(chairs.values())), budgets.ASKED).look()
    assert {n: chair.replaced for n, chair in chairs.items()} == {1: [], 2: ["its node is gone"], 3: []}


def test_nothing_of_ray_is_loaded_by_the_daemon() -> None:
    code = "import sys, daemon.service, daemon.cluster_checkup; print({'ray', 'torch'} & set(sys.modules))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert said.stdout == "set()\n", said.stderr
