"""A replica on another machine, as a host on the head keeps it: it passes orders on, and heartbeats back."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any

from models import wire
from models.beats import beat
from models.cluster import same
from models.cluster.link import actor_name, link
from models.cluster.replica import Replica
from models.errors import Cancelled, ProcessDied, Unavailable, VigentdError
from models.progress import Progress

LOOK_EVERY_S = 0.2
BACK_S = 0.8  # for work that was cancelled; less than a host's grace
AT_ONCE = 4  # calls of the actor: work, a look at it, its cancel, and one spare


class Proxy:
    """There when the actor has found a node, and the engine there is loaded. Raises Unavailable, ProcessDied.

    address: of the cluster, found: as link.Head's. plan: of the replica's host, with the head's folder of
    weights; there: the nodes', None: the same. gpus: that a replica takes. seen: a folder of the head's that
    all jobs' files lie in.
    """

    version = 1

    def __init__(
        self,
        address: str,
        found: str,
        plan: dict[str, Any],
        there: str | None,
        gpus: float,
        seen: str,
        floors: list[float],
    ) -> None:
        self._ray = ray = link(address, Path(found))
        actor = ray.remote(Replica).options(
            num_gpus=gpus,
            num_cpus=1,
            name=actor_name(plan["name"], os.getpid()),
            max_concurrency=AT_ONCE,
            # One that is gone is replaced from here, with all that is checked at the start; and its work is
            # done by whoever is free.
            max_restarts=0,
            max_task_retries=0,
        )
        self._actor = actor.remote(plan, there, os.environ.get("OMP_NUM_THREADS", ""))
        self._stray: Any = None  # work that was cancelled and has not come back
        facts = self._answer(self._actor.facts.remote())  # waits for a node that has room
        beat()
        self.node = str(facts["node"])
        same.check_same(same.facts(plan), facts["same"], self.node, plan)
        self.shared = self._is_seen(Path(seen))
        self.name, _, version = str(self._value(self._actor.load.remote(floors, self.shared))).partition("/")
        self.version = int(version)

    def _is_seen(self, folder: Path) -> bool:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe, token = folder / f".seen-{os.getpid()}", secrets.token_hex(8)
        probe.write_text(token)
        try:
            return bool(self._answer(self._actor.sees.remote(str(probe), token)))
        finally:
            probe.unlink(missing_ok=True)

    # ------------------------------------------------------------ work

    def work(self, call: str, arguments: dict[str, Any], floors: list[float], progress: Progress) -> Any:
        """What `call` returns there. Raises what it raises, Cancelled, and ProcessDied when it is gone."""
        if self._stray is not None:
            told = self._answer(self._stray)
            self._stray = None
            if "error" in told and isinstance(error := self._error(told), ProcessDied):
                raise error  # it did not come back by itself
        files = None if self.shared else [Path(path).read_bytes() for path in arguments.get("reads", ())]
        work = self._actor.work.remote(call, arguments, files, floors)
        try:
            self._follow(work, progress)
        except Cancelled:
            self._actor.cancel.remote()
            if not self._ray.wait([work], timeout=BACK_S)[0]:
                self._stray = work
            raise
        told = self._answer(work)
        if "error" in told:
            raise self._error(told)
        if "written" in told:
            Path(arguments["writes"]).write_bytes(told["written"])
        return told["value"]

    def _follow(self, work: Any, progress: Progress) -> None:
        look, beats = self._actor.look.remote(), 0
        while not self._ray.wait([work], timeout=LOOK_EVERY_S)[0]:
            if self._ray.wait([look], timeout=0)[0]:
                seen = self._answer(look)
                look = self._actor.look.remote()
                if seen["beats"] > beats:
                    beats = seen["beats"]
                    progress.step(seen["share"], 1.0)
            progress.check()

    # ------------------------------------------------------------ what Ray says

    def _value(self, promised: Any) -> Any:
        told = self._answer(promised)
        if "error" in told:
            raise self._error(told)
        return told["value"]

    def _error(self, told: dict[str, Any]) -> Exception:
        error = wire.restore(told["error"])
        if isinstance(error, ProcessDied):  # the hint names a file there
            error.hint = (
                f"On the node {self.node}: {error.hint}" if error.hint else f"On the node {self.node}"
            )
        return error

    def _answer(self, promised: Any) -> Any:
        try:
            return self._ray.get(promised)
        except VigentdError:
            raise
        except self._ray.exceptions.RayError as e:
            if why := _not_importable(str(e)):
                raise Unavailable(
                    f"A node of the cluster cannot work for this head: {why}",
                    code="node_differs",
                    hint="Install there what is installed here, and start its Ray from there.",
                ) from e
            node = getattr(self, "node", "")
            where = f"on {node} " if node else ""
            raise ProcessDied(f"The replica {where}is gone ({type(e).__name__})", code="replica_gone") from e


def _not_importable(said: str) -> str:
    """Why not even an actor can begin there: a node without vigentd, or with another one. "": it can."""
    if "failed to import on the worker" not in said:
        return ""
    reasons: list[str] = re.findall(r"^\s*(\w*Error: .+)$", said, re.M)
    return reasons[-1]


def files(engine: Proxy, asked: dict[str, Any], progress: Progress) -> str:
    """How they get to the node: "shared", a path that is seen there, or "sent"."""
    return "shared" if engine.shared else "sent"


def forward(engine: Proxy, asked: dict[str, Any], progress: Progress) -> Any:
    """As a host calls it: passes the order on."""
    return engine.work(asked["call"], asked["arguments"], asked["floors"], progress)
