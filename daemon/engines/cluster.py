"""The cluster as the daemon sees it: its nodes, and on which of them each replica has its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daemon.engines.roster import EngineAway
from daemon.engines.seat import Seat
from models.budgets import Budget
from models.cluster.link import actor_name
from models.errors import ProcessDied
from models.progress import Quiet

NODES = "models.cluster.link:nodes"
Node = dict[str, Any]  # as that function tells it, with the names of our own replicas alone


class Cluster:
    """link: the seat that looks at it. replicas: whose actors work there. floors: for a look."""

    def __init__(self, link: Seat, replicas: Sequence[Seat], floors: Budget) -> None:
        self._link, self._replicas, self._floors = link, replicas, floors
        self._node_of: dict[str, str] = {}  # replica → name of its node, as last seen

    def look(self) -> list[Node] | None:
        """Its nodes; takes as long as it does. None: who looks is not there, and says so itself.

        Replaces replicas that have nothing to do and of which the node is gone.
        """
        if self._link.why():
            return None
        pids, idle = self._pids(), [seat for seat in self._replicas if seat.health().state == "idle"]
        try:
            with self._link.asked(Quiet()) as host:
                nodes: list[Node] = host.ask(NODES, {}, Quiet(), floors=self._floors)
        except (EngineAway, ProcessDied):
            return None
        ours = {actor_name(name, pid): name for name, pid in pids.items() if pid is not None}
        for node in nodes:
            node["replicas"] = [ours[actor] for actor in node["replicas"] if actor in ours]
        self._node_of = {name: node["name"] for node in nodes for name in node["replicas"]}
        self._replace([seat for seat in idle if not self.node_of(seat.plan.name)], pids)
        return nodes

    def _replace(self, lost: Sequence[Seat], pids: dict[str, int | None]) -> None:
        """One that works finds it out by itself, and has an order to give back."""
        for seat in lost:
            health = seat.health()
            if health.state == "idle" and health.facts["pid"] == pids[seat.plan.name]:
                seat.replace("its node is gone")

    def node_of(self, replica: str) -> str:
        """As last seen; "" while it has none. At once."""
        return self._node_of.get(replica, "")

    def without_node(self) -> list[str]:
        """Replicas that wait for one, as last seen."""
        waiting = (seat for seat in self._replicas if seat.health().state == "loading")
        names = (seat.plan.name for seat in waiting if seat.health().facts["pid"] is not None)
        return [name for name in names if not self.node_of(name)]

    def _pids(self) -> dict[str, int | None]:
        return {seat.plan.name: seat.health().facts["pid"] for seat in self._replicas}
