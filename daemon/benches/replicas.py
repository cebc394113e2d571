"""`vigentd bench replicas`: how fast several devices make one video, and what it costs to go through Ray.

The same job is made in several ways: by one host, by one replica and by all of them, each local and through
Ray on this machine. The lips alone are measured, from the request to the last chunk on the disk; the chunks
must be the same in every way, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from daemon.benches.lipsync import repeated
from daemon.config import ClusterSettings, Config
from daemon.engines.hosts import Hosts
from daemon.engines.plans import plans
from daemon.engines.pool import PROXY
from daemon.engines.roster import LATENTSYNC, Chosen
from models.cluster.link import LOCAL
from models.errors import Unavailable
from models.host import Plan
from pipeline.job import Job
from pipeline.progress import JobProgress
from pipeline.spec import JobSpec
from pipeline.stages import STAGES
from pipeline.workspace import Workspace

FIRST_S = 2.0  # of video, made before anything is measured
LOOK_S = 0.1


@dataclass(frozen=True)
class Asked:
    """clip, speech: files; speech is played again until the video is long enough. devices: all there are.
    only: of the ways, such as "local:2"; (): all."""

    clip: Path
    speech: Path
    seconds: float
    devices: tuple[str, ...]
    random_weights: bool
    ray: bool
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """by: "host", "local" or "ray". load_s: until it could be asked. lips_s: of the lips. chunks: a hash."""

    by: str
    replicas: int
    load_s: float
    lips_s: float
    frames: int
    chunks: str


def measure(config: Config, asked: Asked, tell: Callable[[str], None]) -> list[Way]:
    """Raises what loading and making a video raise; Unavailable `frames_differ`."""
    ways: list[Way] = []
    counts = sorted({1, len(asked.devices)})
    backends = [("host", [1]), ("local", counts), *([("ray", counts)] if asked.ray else [])]
    with tempfile.TemporaryDirectory(prefix="vigentd-bench-") as folder:
        for by, numbers in backends:
            for replicas in numbers:
                if asked.only and not {by, f"{by}:{replicas}"} & set(asked.only):
                    continue
                tell(f"{by}, {replicas} …")
                way = _measured(config, asked, by, replicas, Path(folder) / f"{by}-{replicas}")
                tell(f"  loaded in {way.load_s:.1f} s, lips in {way.lips_s:.1f} s")
                ways.append(way)
    if len({way.chunks for way in ways}) > 1:
        raise Unavailable(f"The frames differ: {ways}", code="frames_differ")
    return ways


def report(ways: Sequence[Way]) -> None:
    """For a person."""
    from rich.table import Table

    from daemon.commands.terminal import console

    table = Table(box=None, pad_edge=False)
    for heading in ("by", "replicas", "loaded in", "lips", "frames/s", "× host"):
        table.add_column(heading, justify="left" if heading == "by" else "right")
    for way in ways:
        rate, factor = way.frames / way.lips_s, ways[0].lips_s / way.lips_s
        table.add_row(
            *(way.by, str(way.replicas), f"{way.load_s:.1f} s", f"{way.lips_s:.1f} s"),
            *(f"{rate:.1f}", f"{factor:.2f}"),
        )
    console().print(table)
    console().print(f"{ways[0].frames} frames, the same in every way ({ways[0].chunks[:12]})")


def as_dict(ways: Sequence[Way]) -> list[dict[str, Any]]:
    return [asdict(way) for way in ways]


def _measured(config: Config, asked: Asked, by: str, replicas: int, folder: Path) -> Way:
    folder.mkdir()
    kernels = config.cache / "kernels"  # compiled once for all; in one place, or torch takes them for others
    cluster = ClusterSettings(address=LOCAL, gpus=_share(asked.devices))
    lipsync = config.lipsync.model_copy(
        update={"device": ",".join(asked.devices[:replicas]), "replicas": replicas}
    )
    config = config.model_copy(
        update={
            "data_dir": folder,
            "models": config.models.model_copy(update={"folder": config.weights}),
            "lipsync": lipsync,
            "cluster": cluster if by == "ray" else ClusterSettings(),
        }
    )
    with _opened(config, asked, by, kernels) as (hosts, load_s):
        _lips(config, hosts, asked, FIRST_S, "first")
        lips_s, chunks, frames = _lips(config, hosts, asked, asked.seconds, "whole")
    return Way(by, replicas, load_s, lips_s, frames, chunks)


def _share(devices: Sequence[str]) -> float:
    """Of a GPU, for each replica: one that is named twice is shared by two."""
    return 0.0 if devices[0] == "cpu" else len(set(devices)) / len(devices)


@contextmanager
def _opened(config: Config, asked: Asked, by: str, kernels: Path) -> Iterator[tuple[Hosts, float]]:
    def planned(config: Config, chosen: Chosen) -> Sequence[Plan]:
        chosen.lipsync = replace(chosen.lipsync, name=LATENTSYNC, device=asked.devices[0])
        found = plans(config, chosen, fanned=by != "host")
        own = {"kernels": str(kernels)} | ({"folder": None} if asked.random_weights else {})
        return [_changed(plan, own) for plan in found]

    hosts, began = Hosts(config, lambda *_: None, planned=planned), time.perf_counter()
    hosts.open()
    try:
        while hosts.why():
            if away := hosts.trouble():
                raise away
            time.sleep(LOOK_S)
        yield hosts, time.perf_counter() - began
    finally:
        hosts.close()


def _changed(plan: Plan, own: dict[str, Any]) -> Plan:
    """With these arguments for LatentSync. folder None: networks of full size that make noise."""
    arguments = dict(plan.arguments)
    if plan.load == PROXY:
        inner = arguments["plan"]
        arguments["plan"] = inner | {"arguments": inner["arguments"] | own}
    elif arguments.get("name") == LATENTSYNC:
        arguments |= own
    return replace(plan, arguments=arguments)


def _lips(config: Config, hosts: Hosts, asked: Asked, seconds: float, name: str) -> tuple[float, str, int]:
    """Seconds, the chunks' hash, and how many frames."""
    work = config.data_dir / name
    work.mkdir()
    spec = JobSpec(clip=asked.clip, speech=repeated(asked.speech, seconds, work), subtitles="none")
    job, workspace = Job(spec, config.settings, id=name), Workspace(work / "job")
    progress = JobProgress({stage.name: stage.weight for stage in STAGES})
    job.progress = progress
    for stage in STAGES:
        began = time.perf_counter()
        progress.enter(stage.name)
        made = hosts.make(stage, job, workspace)
        job.artifacts[stage.name] = made.artifact
        progress.leave(reused=made.reused)
        if stage.name == "lipsync":
            break
    lips_s, digest = time.perf_counter() - began, hashlib.sha256()
    for path in sorted(made.artifact.glob("chunk-*.npz")):
        digest.update(path.read_bytes())
    frames = json.loads((made.artifact / "report.json").read_text())["frames"]
    return lips_s, digest.hexdigest(), frames
