"""The replicas, and where they are, as `vigentd cluster status --json` prints it."""

from __future__ import annotations

from typing import Any

from daemon.config import Config
from daemon.engines.group import parsed
from daemon.engines.roster import in_cluster
from daemon.health.component import MADE, Component
from daemon.health.report import Report, is_unwell, named

HINT = 'Give lipsync.device several GPUs, ["cuda:1", "cuda:2"], or [cluster] an address: CLUSTER.md says how.'
DRAFT = "The draft engine makes the lips, and that in one process: replicas are for LatentSync"
ONE = "There is no cluster: one process on this machine makes the lips of a video"


def cluster_status(config: Config, report: Report) -> dict[str, Any]:
    """backend: "none", "local" (several devices of this machine) or "ray"."""
    replicas = [_replica(part) for part in report.components if _is_replica(part)]
    cluster, link = named(report.components, "cluster"), named(report.components, "host:cluster")
    unwell = next((part for part in (link, cluster) if part is not None and is_unwell(part)), None)
    why, hint = (unwell.trouble or f"{unwell.name} is {unwell.state}", unwell.hint) if unwell else ("", "")
    backend = "none" if not replicas else "ray" if link is not None else "local"
    if not replicas:
        wants_more = len(config.lipsync.devices) > 1 or in_cluster(config)
        why, hint = (DRAFT, "`vigentd doctor` says what LatentSync lacks.") if wants_more else (ONE, HINT)
    return {
        "backend": backend,
        "address": config.cluster.address if backend == "ray" else "",
        "why": why,
        "hint": hint,
        "files": "/".join(sorted({replica["files"] for replica in replicas if replica["files"]})),
        **{f"{made}_per_s": _together(replicas, f"{made}_per_s") for made in MADE.values()},
        "nodes": list(cluster.facts.get("nodes", ())) if cluster is not None else [],
        "replicas": replicas,
    }


def _together(replicas: list[dict[str, Any]], pace: str) -> float:
    return round(sum(float(replica.get(pace, 0)) for replica in replicas), 3)


def _is_replica(part: Component) -> bool:
    kind, _, name = part.name.partition(":")
    return kind == "host" and parsed(name).replica > 0


def _replica(part: Component) -> dict[str, Any]:
    """files: how they get there, "shared" or "sent"; "" when it works here, or that is not known yet.
    chunks or sentences: that it has made."""
    facts, name = part.facts, part.name.removeprefix("host:")
    makes = MADE[parsed(name).kind]
    told = {name: facts.get(name, "") for name in ("node", "device", "job", "call", "files")}
    counted = {name: facts.get(name, 0) for name in (makes, f"{makes}_per_s", "starts")}
    trouble = {"age_s": round(part.age_s, 1), "trouble": part.trouble, "hint": part.hint}
    return {"name": name, "state": part.state} | told | counted | trouble
