"""bench draft · lipsync · replicas · speech · queue · inbox · torture · faults: speed, and what breaks it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from daemon.commands.common import AsJson
from daemon.commands.terminal import out_json, tell
from daemon.config_file import load
from models.errors import BadInput, Unavailable
from pipeline.spec import DEVICE


def register(app: typer.Typer) -> None:
    bench = typer.Typer(no_args_is_help=True, help="Measure how fast this machine is, and how hard to break.")
    bench.command("draft")(draft)
    bench.command("lipsync")(lipsync)
    bench.command("replicas")(replicas)
    bench.command("speech")(speech)
    bench.command("queue")(queue)
    bench.command("inbox")(inbox)
    bench.command("torture")(torture)
    bench.command("faults")(faults)
    app.add_typer(bench, name="bench")


def draft(
    ctx: typer.Context,
    clip: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this clip, not the demo's face at 1080x1920.")
    ] = None,
    seconds: Annotated[
        list[int] | None, typer.Option(metavar="S", min=1, help="Length of a video; may be given again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make videos of 10 s and 120 s with the draft engines: speed of each stage, and peak memory."""
    from daemon.benches.draft import measure, report

    results = measure(load(ctx.obj), clip, seconds or [10, 120])
    if as_json:
        out_json([result.as_dict() for result in results])
    else:
        report(results)
    if not all(result.ok for result in results):
        raise typer.Exit(1)


def lipsync(
    ctx: typer.Context,
    clip: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this clip, not the demo's face at 1080x1920.")
    ] = None,
    speech: Annotated[
        Path | None,
        typer.Option(metavar="WAV", help="Use this speech, again and again, not the draft voice."),
    ] = None,
    seconds: Annotated[
        list[float] | None, typer.Option(metavar="S", min=1, help="Length of the speech; may be given again.")
    ] = None,
    random_weights: Annotated[
        bool,
        typer.Option("--random-weights", help="Full-size networks that make noise: no weights are needed."),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare with single precision, too; takes a minute, and 24 GB.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make videos with LatentSync on `lipsync.device`: speed of each part, memory, and the floor."""
    from daemon.benches.lipsync import Plan, measure, report
    from daemon.demo import clip as portrait
    from daemon.folders import absolute

    config = load(ctx.obj).config
    plan = Plan(
        absolute(clip or portrait(config.data_dir / "cache", (1080, 1920))),
        absolute(speech) if speech else None,
        tuple(seconds or [10.0]),
        random_weights,
        exact,
    )
    figures = measure(config, plan, tell)
    if as_json:
        out_json(figures.as_dict())
    else:
        report(figures)


def replicas(
    ctx: typer.Context,
    speech: Annotated[Path, typer.Option(metavar="WAV", help="Speech, played again and again.")],
    clip: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this clip, not the demo's face at 1080x1920.")
    ] = None,
    seconds: Annotated[float, typer.Option(metavar="S", min=1, help="Length of the video.")] = 60.0,
    random_weights: Annotated[
        bool,
        typer.Option("--random-weights", help="Full-size networks that make noise: no weights are needed."),
    ] = False,
    ray: Annotated[bool, typer.Option("--ray", help="Through Ray, too, on this machine.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="WAY", help="host, local:1, local:2, ray:1, …; may be given again."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make one video with LatentSync on one and on all of `lipsync.device`: time, and the same frames."""
    from daemon.benches.replicas import Asked, as_dict, measure, report
    from daemon.demo import clip as portrait
    from daemon.folders import absolute

    config = load(ctx.obj).config
    asked = Asked(
        absolute(clip or portrait(config.data_dir / "cache", (1080, 1920))),
        absolute(speech),
        seconds,
        tuple(config.lipsync.devices),
        random_weights,
        ray,
        tuple(only or ()),
    )
    ways = measure(config, asked, tell)
    if as_json:
        out_json(as_dict(ways))
    else:
        report(ways)


def speech(
    ctx: typer.Context,
    seconds: Annotated[float, typer.Option(metavar="S", min=1, max=120, help="Of sound, each time.")] = 12.0,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="cpu, cuda:0, …; without, `speech.device`.")
    ] = None,
    random_weights: Annotated[
        bool,
        typer.Option("--random-weights", help="A full-size network that makes noise: no weights are needed."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Speak with Qwen3-TTS on `speech.device`: with CUDA graphs and without, seconds to load, and memory."""
    from daemon.benches.speech import measure, show

    config = load(ctx.obj).config
    device = device or config.speech.devices[0]
    _check_speech_device(device)
    result = measure(config, random_weights=random_weights, seconds=seconds, device=device)
    if as_json:
        out_json(result)
    else:
        show(result)


def queue(
    ctx: typer.Context,
    idle: Annotated[float, typer.Option(metavar="S", min=1, help="How long to watch it idle.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Submit and claim with 10,000 jobs in line, resident engines, and what a daemon costs that idles."""
    from daemon.benches.queue import measure, report
    from daemon.benches.torture import workplace

    with workplace(None) as folder:
        figures = measure(_small_clip(ctx), folder, idle, tell)
    if as_json:
        out_json(figures.as_dict())
    else:
        report(figures, tell)
    if figures.wrong:
        raise typer.Exit(1)


def inbox(
    ctx: typer.Context,
    pairs: Annotated[int, typer.Option(metavar="N", min=2, help="Pairs that are dropped at once.")] = 500,
    times: Annotated[int, typer.Option(metavar="N", min=1, help="Drops one by one, in each way.")] = 20,
    old: Annotated[int, typer.Option(metavar="N", min=0, help="Files that lie in done/ already.")] = 10_000,
    settle: Annotated[float, typer.Option(metavar="S", min=0.1, help="`settle` of the inbox.")] = 1.0,
    seconds: Annotated[float, typer.Option(metavar="S", min=1, help="How long to watch it idle.")] = 30,
    as_json: AsJson = False,
) -> None:
    """How soon dropped files are in line, many at once, and what it costs to watch a folder."""
    import random

    from daemon.benches.inbox import Plan, measure, report
    from daemon.benches.torture import workplace

    plan = Plan(settle, times, pairs, old, seconds)
    with workplace(None) as folder:
        figures = measure(_small_clip(ctx), folder, plan, random.Random(0), tell)
    if as_json:
        out_json(figures.as_dict())
    else:
        report(figures, tell)
    if figures.wrong:
        raise typer.Exit(1)


def torture(
    ctx: typer.Context,
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="How often somebody is killed.")] = 300,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed chooses the same victims.")] = 0,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Work in this new folder, and leave all there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Kill the daemon and its processes at random moments; exit code 1 when anything was lost by it."""
    from daemon.benches import torture as rack

    with rack.workplace(keep) as folder:
        outcome = rack.torture(_small_clip(ctx), folder, runs, seed, tell)
    if as_json:
        out_json(outcome.as_dict())
    else:
        rack.report(outcome, tell)
    if not outcome.ok:
        raise typer.Exit(1)


def faults(
    ctx: typer.Context,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="This fault; may be given again.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Work in this new folder, and leave all there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Break a daemon in every way that is known: how soon it is found, healed or told; exit code 1 if not."""
    from daemon.benches.faults import bench
    from daemon.benches.torture import workplace

    with workplace(keep) as folder:
        outcome = bench.measure(_small_clip(ctx), folder, only or (), tell)
    if as_json:
        out_json(outcome.as_dict())
    else:
        bench.report(outcome)
    if not outcome.ok:
        raise typer.Exit(1)


def _check_speech_device(device: str) -> None:
    """Raises BadInput `device_unknown`, Unavailable `engine_missing`."""
    from models.needs import Machine
    from models.qwen3.needs import LOOKED_FOR, machine_lack

    if not re.fullmatch(DEVICE, device):
        raise BadInput(
            f"--device must be cpu, cuda:0, cuda:1 or so on, not {device!r}",
            code="device_unknown",
            hint="`nvidia-smi` lists the GPUs, from 0 on.",
        )
    if lacks := machine_lack(device, Machine.here(LOOKED_FOR)):
        raise Unavailable(
            f"Qwen3-TTS cannot speak on {device}: {lacks.why}", code="engine_missing", hint=lacks.fix
        )


def _small_clip(ctx: typer.Context) -> Path:
    """The demo's face, small: what is measured here is not how fast pictures are made."""
    from daemon.demo import clip

    return clip(load(ctx.obj).config.data_dir / "cache", (180, 320))
