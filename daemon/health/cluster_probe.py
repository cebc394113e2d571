"""How is the cluster? Its nodes, and whether each replica has found a place on one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from daemon.health.component import Component
from daemon.health.probe import About, Finding, Probe
from daemon.logs.tell import Tell

ABOUT = About(
    "cluster",
    every_s=5.0,
    budget_s=60.0,
    stuck="The cluster does not say how it is",
    hint="`ray status` on the head says whether it runs.",
    passes_s=math.inf,  # a replica may wait for a node for ever
)
HINT = "`vigentd cluster status` shows the nodes: start Ray on one more, or set lipsync.replicas lower."


class Looked(Protocol):
    """As daemon.engines.cluster.Cluster."""

    def look(self) -> list[dict[str, Any]] | None: ...

    def without_node(self) -> list[str]: ...


class ClusterProbe(Probe):
    """cluster: the present one, None: there is none. As a source of health it is silent then."""

    def __init__(
        self, cluster: Callable[[], Looked | None], log: Tell, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(ABOUT, self._see, log, clock)
        self._cluster = cluster

    def health(self) -> Iterable[Component]:
        parts = list(super().health())
        return parts if self._cluster() is not None else []

    def _see(self) -> Finding:
        cluster = self._cluster()
        nodes = cluster.look() if cluster is not None else None
        if cluster is None or nodes is None:
            return Finding()
        facts = {"nodes": nodes}
        if waiting := cluster.without_node():
            who = f"{waiting[0]} waits" if len(waiting) == 1 else f"{', '.join(waiting)} wait"
            return Finding(f"{who} for a node that has room", HINT, facts, worked=False, passing=True)
        return Finding(facts=facts)
