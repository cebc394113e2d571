"""demo: a first video, from a face that comes along."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from daemon.commands.common import AsJson, opened
from daemon.commands.terminal import tell


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    ctx: typer.Context,
    out_file: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the video goes.")] = Path(
        "demo.mp4"
    ),
    language: Annotated[Literal["en", "zh"], typer.Option(help="What is spoken.")] = "en",
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also a sheet of its frames, as a JPEG or PNG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a video from a bundled face and script, and print its path."""
    from daemon.admission import admit
    from daemon.commands.jobs import finish
    from daemon.demo import request

    with opened(ctx) as app:
        tell("Making a short video from a NASA portrait; it takes about a minute.")
        spec = admit(request(app.config, out_file, language), app.config)
        finish(app, app.queue.submit(spec, source="demo").id, as_json)
        if sheet is not None:
            from pipeline.sheet import frame_sheet

            frame_sheet(out_file, sheet)
