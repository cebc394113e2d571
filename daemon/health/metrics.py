"""How the daemon is, for Prometheus: its text format, version 0.0.4.

Only numbers and the names of parts: no script, no path, nothing that a stranger on this machine may not know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from daemon.health.component import MADE, Component, State
from daemon.health.report import EXIT_CODES, Report, is_unwell, named

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    value: float
    labels: Mapping[str, str] = {}


class Metric(NamedTuple):
    name: str
    kind: str  # gauge, counter
    help: str
    samples: Iterable[Sample]


def text(report: Report, version: str, now: dt.datetime) -> str:
    """now: with its zone."""
    lines: list[str] = []
    for metric in _metrics(report, version, now):
        samples = [_line(metric.name, sample) for sample in metric.samples]
        if samples:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}", *samples]
    return "\n".join(lines) + "\n"


def _metrics(report: Report, version: str, now: dt.datetime) -> Iterator[Metric]:
    parts = report.components
    yield Metric("vigentd_info", "gauge", "The version that runs.", [Sample(1, {"version": version})])
    verdicts = [Sample(report.verdict == verdict, {"verdict": verdict}) for verdict in EXIT_CODES]
    yield Metric("vigentd_health", "gauge", "1 for what is so: healthy, degraded or down.", verdicts)
    states = [
        Sample(part.state == state, {"component": part.name, "state": state})
        for part in parts
        for state in get_args(State)
    ]
    yield Metric("vigentd_component_state", "gauge", "1 for the state that each part is in.", states)
    well = [Sample(not is_unwell(part), _named(part)) for part in parts]
    yield Metric("vigentd_component_well", "gauge", "1 when nothing is wrong with the part.", well)
    ages = [Sample(part.age_s, _named(part)) for part in parts]
    yield Metric("vigentd_component_age_seconds", "gauge", "Since its last real progress.", ages)
    budgets = [Sample(part.budget_s, _named(part)) for part in parts if part.budget_s is not None]
    yield Metric("vigentd_component_budget_seconds", "gauge", "How long that may be now.", budgets)
    yield from _of_queue(report, now)
    yield from _of_publications(parts)
    yield from _of_hosts(part for part in parts if part.name.startswith("host:"))
    yield from _of_replicas([part for part in parts if not part.facts.keys().isdisjoint(MADE.values())])
    yield from _of_cluster(named(parts, "cluster"))
    free = _numbers(named(parts, "disk"), "free")
    yield Metric("vigentd_disk_free_bytes", "gauge", "Free where the data folder lies.", free)


def _of_queue(report: Report, now: dt.datetime) -> Iterator[Metric]:
    parts = report.components
    queue = named(parts, "queue")
    facts = queue.facts if queue else {}
    counts = [Sample(number, {"state": state}) for state, number in facts.get("counts", {}).items()]
    yield Metric("vigentd_jobs", "gauge", "Jobs in the database, by state.", counts)
    waits = [Sample(_since(facts.get("oldest_waiting"), now))] if queue else []
    yield Metric("vigentd_oldest_waiting_seconds", "gauge", "How long the oldest job in line waits.", waits)
    progress = [sample for part in parts for sample in _progress(part)]
    yield Metric("vigentd_job_progress_ratio", "gauge", "How much of the job at work is done.", progress)


def _progress(worker: Component) -> list[Sample]:
    """With the lane, where there are several: "worker.2"."""
    name, _, lane = worker.name.partition(".")
    labels = {"lane": lane} if lane else {}
    return [Sample(one.value, labels) for one in _numbers(worker, "progress")] if name == "worker" else []


def _of_publications(parts: Iterable[Component]) -> Iterator[Metric]:
    part = named(parts, "publications")
    facts = part.facts if part else {}
    counts = [
        Sample(number, {"target": target, "state": state})
        for target, states in facts.get("counts", {}).items()
        for state, number in states.items()
    ]
    yield Metric("vigentd_publications", "gauge", "Publications, by target and state.", counts)
    last = [
        Sample(dt.datetime.fromisoformat(at).timestamp(), {"target": target})
        for target, at in facts.get("last_published", {}).items()
    ]
    yield Metric("vigentd_last_published_timestamp_seconds", "gauge", "When a target took one last.", last)


def _of_hosts(hosts: Iterable[Component]) -> Iterator[Metric]:
    of = {part.name.removeprefix("host:"): part.facts for part in hosts}
    for name, kind, fact, help_ in (
        ("vigentd_host_memory_bytes", "gauge", "rss", "Memory of the process."),
        ("vigentd_host_gpu_memory_bytes", "gauge", "vram", "Memory on the GPU that it holds."),
        ("vigentd_host_starts_total", "counter", "starts", "How often it was started."),
        ("vigentd_host_heartbeats_total", "counter", "heartbeats", "Steps of work since its last start."),
        ("vigentd_host_load_seconds", "gauge", "load_s", "How long its last loading took."),
    ):
        known = {host: facts[fact] for host, facts in of.items() if _is_number(facts.get(fact))}
        samples = [Sample(number, {"host": host}) for host, number in known.items()]
        yield Metric(name, kind, help_, samples)


def _of_replicas(replicas: Sequence[Component]) -> Iterator[Metric]:
    of = {part.name.removeprefix("host:"): part for part in replicas}
    for kind, help_ in (
        ("lipsync", "Chunks of lips that it has made."),
        ("speech", "Sentences that it has spoken."),
    ):
        what = MADE[kind]
        known = [Sample(p.facts[what], {"replica": name}) for name, p in of.items() if what in p.facts]
        yield Metric(f"vigentd_replica_{what}_total", "counter", help_, known)
    busy = [Sample(part.state == "busy", {"replica": name}) for name, part in of.items()]
    yield Metric("vigentd_replica_busy", "gauge", "1 while it works.", busy)


def _of_cluster(cluster: Component | None) -> Iterator[Metric]:
    known = cluster.facts.get("nodes") if cluster else None
    nodes = [node for node in known or () if node["alive"]]
    for name, help_, values in (
        ("vigentd_cluster_nodes", "Nodes that are there.", [1 for _ in nodes]),
        ("vigentd_cluster_gpus", "GPUs of these nodes.", [node["gpus"] for node in nodes]),
        ("vigentd_cluster_gpus_free", "Those that nobody has.", [node["free_gpus"] for node in nodes]),
    ):
        yield Metric(name, "gauge", help_, [] if known is None else [Sample(sum(values))])


def _named(part: Component) -> dict[str, str]:
    return {"component": part.name}


def _numbers(part: Component | None, fact: str) -> list[Sample]:
    value = part.facts.get(fact) if part else None
    return [Sample(value)] if value is not None and _is_number(value) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _since(at: str | None, now: dt.datetime) -> float:
    return max((now - dt.datetime.fromisoformat(at)).total_seconds(), 0.0) if at else 0.0


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in sample.labels.items())
    return f"{name}{{{labels}}} {float(sample.value)!r}" if labels else f"{name} {float(sample.value)!r}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
