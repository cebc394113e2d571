"""Which hosts there are, and what each loads: what the configuration comes to.

One engine for each kind of work is kept by the host of that kind; where there are several devices for it, or
a cluster, by replicas, and the host, one for each lane, does what is done once for a job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

from daemon.config import Config
from daemon.engines.group import numbered, parsed
from daemon.engines.pool import PROXY
from daemon.engines.roster import (
    LATENTSYNC,
    QWEN3,
    Chosen,
    in_cluster,
    lipsync_loading,
    lipsync_weights,
    on_node,
    speech_loading,
    speech_weights,
    spoken_in_cluster,
)
from models import budgets
from models.host import Plan
from models.stamp import stamp
from pipeline.stages import STAGES, Place

KEPT = ("cache", "cache_bytes")  # of presenters: what is learned of them is kept in one place


def plans(config: Config, chosen: Chosen, *, fanned: bool = False) -> Sequence[Plan]:
    """The hosts that stay. fanned: with replicas for the lips, be it one."""
    lanes = _lanes(config, chosen)
    return (
        *_speech_plans(config, chosen, lanes),
        *_lipsync_plans(config, chosen, fanned, lanes),
        *_cluster_plans(config, chosen),
        *(replace(media_plan(), name=numbered("media", number)) for number in range(1, lanes + 1)),
    )


def _lanes(config: Config, chosen: Chosen) -> int:
    """So many jobs can be worked on side by side at most."""
    if chosen.lipsync.name != LATENTSYNC:
        return config.queue.lanes
    replicas = config.lipsync.replicas if in_cluster(config) else len(config.lipsync.devices)
    return min(config.queue.lanes, replicas)


def _speech_plans(config: Config, chosen: Chosen, lanes: int) -> Iterator[Plan]:
    """One that does all, or one for each lane, and replicas."""
    name, devices, weights = chosen.speech.name, config.speech.devices, speech_weights(chosen, config)

    def engine(device: str, how: dict[str, Any]) -> Plan:
        return _engine("speech", name, device, how, weights)

    hears = devices[0] if chosen.hearing.device != "cpu" else "cpu"
    remote = spoken_in_cluster(config.settings)
    if name != QWEN3 or not (remote or len(devices) > 1):
        speaks = devices[0] if chosen.speech.device != "cpu" else "cpu"
        how = speech_loading(chosen, config, _inside(speaks), _inside(hears))
        # Who hears may use a GPU where the draft voice needs none.
        yield engine(hears if speaks == "cpu" else speaks, how)
        return
    count = config.speech.replicas if remote else len(devices)
    for number in range(1, lanes + 1):
        own = devices[(number - 1) % len(devices)] if hears != "cpu" else "cpu"
        how = speech_loading(chosen, config, "cpu", _inside(own))
        how["how"] |= {"replicas": count}
        yield replace(engine(own, how), name=numbered("speech", number))
    for number in range(1, count + 1):
        device = on_node(config) if remote else devices[number - 1]
        plan = replace(engine(device, _replica_loading(chosen, config, device)), name=f"speech-{number}")
        yield _proxied(config, plan) if remote else plan


def _replica_loading(chosen: Chosen, config: Config, device: str) -> dict[str, Any]:
    """Of one that speaks: what is spoken already is kept by who orders it. All have the same attention, or it
    would matter who speaks."""
    how = speech_loading(chosen, config, _inside(device), _inside(device))
    how["how"] |= {"cache": None, "decided": None}
    if config.speech.attention == "auto":
        how["how"]["attention"] = "sdpa"
    return how if config.speech.verify else how | {"hearing": None}


def _lipsync_plans(config: Config, chosen: Chosen, fanned: bool, lanes: int) -> Sequence[Plan]:
    name, devices, weights = chosen.lipsync.name, config.lipsync.devices, lipsync_weights(chosen, config)

    def engine(device: str) -> Plan:
        return _engine("lipsync", name, device, lipsync_loading(name, config, _inside(device)), weights)

    def one_for_each(plan: Plan) -> list[Plan]:
        return [replace(plan, name=numbered("lipsync", number)) for number in range(1, lanes + 1)]

    if not (fanned or len(devices) > 1 or in_cluster(config)) or name != LATENTSYNC:
        return one_for_each(engine(chosen.lipsync.device))
    how = lipsync_loading(name, config, "cpu")
    if in_cluster(config):
        there = engine(chosen.lipsync.device)
        numbers = range(1, config.lipsync.replicas + 1)
        replicas = [_proxied(config, replace(there, name=f"lipsync-{i}")) for i in numbers]
    else:
        replicas = [replace(engine(device), name=f"lipsync-{i}") for i, device in enumerate(devices, 1)]
    once = {"replicas": len(replicas), "weights": stamp(weights)} | {key: how[key] for key in KEPT}
    lead = Plan("lipsync", "models.choose:fanned_out", once, "cpu", _modules("lipsync"))
    return [*one_for_each(lead), *replicas]


def _cluster_plans(config: Config, chosen: Chosen) -> Iterator[Plan]:
    """Who looks at it. A cluster of this machine may use the devices of those whose replicas it keeps."""
    speaks = chosen.speech.name == QWEN3 and spoken_in_cluster(config.settings)
    lips = chosen.lipsync.name == LATENTSYNC and in_cluster(config)
    if speaks or lips:
        used = [*(config.lipsync.devices if lips else ()), *(config.speech.devices if speaks else ())]
        yield Plan(
            "cluster", "models.cluster.link:Head", _link(config) | {"devices": list(dict.fromkeys(used))}
        )


def _proxied(config: Config, there: Plan) -> Plan:
    """there: as it is on a node."""
    floors = budgets.LOADING[parsed(there.name).kind].times(config.health.patience)
    arguments = _link(config) | {
        "plan": asdict(there),
        "there": str(config.cluster.weights) if config.cluster.weights else None,
        "gpus": config.cluster.gpus,
        "seen": str(config.data_dir),
        "floors": list(astuple(floors)),
    }
    return Plan(there.name, PROXY, arguments)


def _link(config: Config) -> dict[str, Any]:
    return {"address": config.cluster.address, "found": str(found(config))}


def found(config: Config) -> Path:
    """The file that says where a cluster of this machine is."""
    return config.scratch / "cluster.address"


def media_plan() -> Plan:
    return Plan("media", preload=_modules("media"))


def _engine(kind: Place, name: str, device: str, how: dict[str, Any], weights: Sequence[Path]) -> Plan:
    """weights: with others, it is another plan, and a reload replaces the host."""
    arguments = {"kind": kind, "name": name, "weights": stamp(weights)} | how
    return Plan(kind, "models.choose:resident", arguments, device, _modules(kind))


def _inside(device: str) -> str:
    """As it is called in the host, which sees one GPU: the first."""
    return "cpu" if device == "cpu" else "cuda:0"


def _modules(place: Place) -> tuple[str, ...]:
    return ("pipeline.hosted", *(f"pipeline.{stage.name}" for stage in STAGES if stage.place == place))
