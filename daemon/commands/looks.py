"""voices · styles · styles preview · music: what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.terminal import console, out, out_json, tell


def register(app: typer.Typer) -> None:
    app.command()(voices)
    app.command()(music)
    styles = typer.Typer(help="List the looks of subtitles and titles, or see one.")
    styles.callback(invoke_without_command=True)(list_styles)
    styles.command("preview")(preview)
    app.add_typer(styles, name="styles")


def voices(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the voices."""
    from daemon.catalogue import voices

    _show(voices(configuration(ctx).settings), ("name", "engine"), as_json)


def music(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the music."""
    from daemon.catalogue import music

    _show(music(configuration(ctx).settings), ("name", "title", "mood", "licence"), as_json)


def list_styles(ctx: typer.Context, as_json: AsJson = False) -> None:
    from daemon.catalogue import styles

    if ctx.invoked_subcommand is None:
        _show(styles(configuration(ctx).settings), ("name", "kind", "about"), as_json)


def preview(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A look of subtitles or titles.")],
    out_file: Annotated[Path, typer.Option("--out", metavar="PNG", help="Where the picture goes.")],
    clip: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it on a picture of this clip.")
    ] = None,
) -> None:
    """Draw a picture of a look."""
    from pipeline.preview import preview

    settings = configuration(ctx).settings
    for note in preview(name, out_file.expanduser().absolute(), settings, clip and clip.expanduser()):
        tell(f"note: {note}")
    out(str(out_file))


def _show(items: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    if as_json:
        out_json(items)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for item in items:
        table.add_row(*(Text(str(item[column])) for column in columns))
    console().print(table)
