"""`vigentd bench lipsync`: how long LatentSync's lips take for a second of video, and what they hold.

One engine is loaded, as its host would; then whole videos are made with it, of each length twice: once with
a clip that it has never seen, and once more with what it has kept of that presenter. What needs no engine is
done in a process beside, as a daemon's media process does it.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.benches.draft import script_of
from daemon.benches.processes import rss
from daemon.config import Config
from daemon.engines.plans import media_plan
from daemon.engines.roster import lipsync_loading
from models.host import Host
from models.kernels import keep_kernels
from models.memory import give_back, share_one_heap
from models.quiet import native_stderr_to
from pipeline import hosted, stages
from pipeline.early import Early
from pipeline.job import Job
from pipeline.progress import JobProgress
from pipeline.spec import JobSpec
from pipeline.stages import Made, Maker, Stage
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from models.engine import SpeechEngine
    from models.latentsync.engine import LatentSyncEngine

SAMPLE_EVERY_S = 0.02


@dataclass(frozen=True)
class Plan:
    """clip, speech: files; speech is played again and again until the video is long enough, None: the draft
    voice speaks. seconds: lengths. exact: also how far the samples are from those in single precision."""

    clip: Path
    speech: Path | None
    seconds: tuple[float, ...]
    random_weights: bool
    exact: bool = False


@dataclass(frozen=True)
class Run:
    """One video. factor: seconds of work for a second of it. stages: of the job; parts: of its lip-sync,
    where what goes on side by side counts in full in each. ram, gpu: the most bytes
    that were held while lips were made."""

    what: str
    video_s: float
    wall_s: float
    factor: float
    stages: dict[str, float]
    parts: dict[str, float]
    ram: int
    gpu: int


@dataclass
class Figures:
    """floor: seconds for a second of video if every operation ran at `tflops`, the rate of a matrix product.
    error: relative L2 of the samples against single precision, None: not looked at."""

    device: str
    precision: str
    load_s: float
    warm_s: float
    warmed_ram: int
    tflops: float
    floor: float
    error: float | None = None
    runs: list[Run] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(config: Config, plan: Plan, tell: Callable[[str], None]) -> Figures:
    """Raises what loading the engine and making a video raise."""
    share_one_heap()  # as a host does
    keep_kernels(config.cache / "kernels")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigentd-bench-")))
        stack.enter_context(native_stderr_to(folder / "log"))
        tell("Loading and warming up …")
        from models.latentsync import figures  # not before it is known where kernels are kept

        engine = _engine(config, folder / "presenters", plan.random_weights)
        engine.warm_up()
        give_back()
        gc.freeze()  # as a host does
        beside = stack.enter_context(_beside(folder))
        networks, settings = engine.networks, config.lipsync
        tflops = figures.matmul_tflops(networks.device, networks.dtype)
        found = Figures(
            figures.device_name(networks.device),
            str(networks.dtype).removeprefix("torch."),
            engine.loaded_s,
            engine.warmed_s,
            rss(os.getpid()),
            tflops,
            figures.work(networks, settings.steps, settings.guidance, settings.deepcache_interval)
            / tflops
            / 1e12,
        )
        for seconds in plan.seconds:
            shutil.rmtree(folder / "presenters", ignore_errors=True)
            for what in ("new clip", "same clip again"):
                tell(f"A video of {seconds:g} s, {what} …")
                run = _run(config, plan, engine, beside, what, seconds, folder)
                tell(f"  took {run.wall_s:.1f} s, {run.factor:.2f} × video")
                found.runs.append(run)
        if plan.exact:
            tell("The same samples in single precision …")
            found.error = figures.sampling_error(
                networks, settings.steps, settings.guidance, settings.deepcache_interval
            )
    return found


def report(found: Figures) -> None:
    """For a person."""
    from rich.table import Table

    from daemon.commands.terminal import console, duration

    table = Table(box=None, pad_edge=False)
    for heading in ("video", "", "work", "× video", "memory", "GPU"):
        table.add_column(heading, justify="right" if heading else "left")
    for run in found.runs:
        memory = (f"{run.ram / 1e9:.2f} GB", f"{run.gpu / 1e9:.2f} GB" if run.gpu else "–")
        table.add_row(f"{run.video_s:.1f} s", run.what, duration(run.wall_s), f"{run.factor:.2f}", *memory)
    screen = console()
    screen.print(
        f"{found.device}, {found.precision}; loaded in {found.load_s:.1f} s, warm after another "
        f"{found.warm_s:.1f} s, holding {found.warmed_ram / 1e9:.2f} GB"
    )
    screen.print(table)
    for run in found.runs:
        screen.print(f"{run.video_s:.1f} s, {run.what}: {_listed(run.stages)}")
        screen.print(f"  of the lip-sync, side by side: {_listed(run.parts)}")
    screen.print("(compose: what is left of it after the lip-sync; it goes on beside that)")
    screen.print(f"Floor: {found.floor:.2f} × video, at {found.tflops:.3g} TFLOP/s (a matrix product here)")
    if found.error is not None:
        screen.print(f"Samples differ from single precision by {found.error:.1e} (relative L2)")


def _listed(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())


# ---------------------------------------------------------------- one video


class _Engines:
    """The bench's own engine; and the draft voice, if it is asked for."""

    def __init__(self, lipsync: LatentSyncEngine) -> None:
        self.lipsync = lipsync
        self.aligner = None

    @property
    def speech(self) -> SpeechEngine:
        from models.choose import speech_engine

        return speech_engine("espeak")


def _engine(config: Config, presenters: Path, random_weights: bool) -> LatentSyncEngine:
    from models.latentsync.engine import LatentSyncEngine

    how = lipsync_loading("latentsync", config, config.lipsync.devices[0])
    how |= {"cache": presenters, "kernels": Path(how["kernels"])}
    folder = Path(how.pop("folder"))
    return LatentSyncEngine.open(None if random_weights else folder, **how)


@contextmanager
def _beside(folder: Path) -> Iterator[Maker]:
    """Makes the stages without an engine in a process of their own."""
    host = Host(media_plan(), log=folder / "media.log", scratch=folder / "media")
    host.start()
    try:
        host.wait_ready(None)

        def make(stage: Stage, job: Job, workspace: Workspace) -> Made:
            asked = hosted.request(stage, job, workspace)
            return hosted.answer(
                host.ask(hosted.MAKE, asked, job.progress, stage=stage.name, floors=stage.floors)
            )

        yield make
    finally:
        host.stop()


def _run(
    config: Config,
    plan: Plan,
    engine: LatentSyncEngine,
    beside: Maker,
    what: str,
    seconds: float,
    folder: Path,
) -> Run:
    work = Path(tempfile.mkdtemp(dir=folder))
    spec = JobSpec(
        script="" if plan.speech else script_of(seconds),
        clip=plan.clip,
        speech=repeated(plan.speech, seconds, work) if plan.speech else None,
        subtitles="none",
        voice="en-us" if plan.speech is None else "default",
    )
    job = Job(spec, config.settings, _Engines(engine))
    timings: dict[str, float] = {}
    give_back()
    began = last = time.perf_counter()

    def finished(stage: str, _: object) -> None:
        nonlocal last
        now = time.perf_counter()
        timings[stage], last = now - last, now

    peak = Peak()

    def make(stage: Stage, job: Job, workspace: Workspace) -> Made:
        if stage.place == "media":
            return beside(stage, job, workspace)
        with peak.watched() if stage.name == "lipsync" else nullcontext():
            return stages.make(stage, job, workspace)

    weights = {stage.name: stage.weight for stage in stages.STAGES}
    early = Early(stages.folder, make)
    stages.run(job, Workspace(work / "job"), JobProgress(weights), finished, make, early=early)
    wall = time.perf_counter() - began
    video_s = _seconds(job)
    shutil.rmtree(work)
    return Run(what, video_s, wall, wall / video_s, timings, dict(engine.seconds), peak.ram, peak.gpu)


def _seconds(job: Job) -> float:
    from pipeline.media import load_facts
    from pipeline.timeline import timeline

    return timeline(job.artifacts["speech"], load_facts(job.artifacts["probe"])).duration_s


def repeated(speech: Path, seconds: float, folder: Path) -> Path:
    """A recording of that length."""
    import wave

    out = folder / "speech.wav"
    with wave.open(str(speech)) as source, wave.open(str(out), "wb") as target:
        target.setparams(source.getparams())
        wanted, frames = int(seconds * source.getframerate()), source.readframes(source.getnframes())
        width = source.getsampwidth() * source.getnchannels()
        again = -(-wanted * width // len(frames))
        target.writeframes((frames * again)[: wanted * width])
    return out


class Peak:
    """What this process holds at most while it is watched: ram, and on the GPU, bytes."""

    def __init__(self) -> None:
        self.ram = self.gpu = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        import torch

        over = threading.Event()

        def watch() -> None:
            while not over.wait(SAMPLE_EVERY_S):
                self.ram = max(self.ram, rss(os.getpid()))

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            if torch.cuda.is_available():
                self.gpu = int(torch.cuda.max_memory_reserved())
            over.set()
            thread.join()
