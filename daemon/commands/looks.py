"""styles · styles preview · music: what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.commands.terminal import console, out, out_json, tell
from daemon.folders import absolute


def register(app: typer.Typer) -> None:
    app.command()(music)
    styles = typer.Typer(help="List the looks of subtitles and titles, or see one.")
    styles.callback(invoke_without_command=True)(list_styles)
    styles.command("preview")(preview)
    app.add_typer(styles, name="styles")


def music(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the music."""
    from daemon.catalogue import music

    config = configuration(ctx)
    items = [m | {"default": m["name"] == config.defaults.music} for m in music(config.settings)]
    _show(items, ("name", "title", "mood", "licence"), as_json, config.defaults.music)


def list_styles(ctx: typer.Context, as_json: AsJson = False) -> None:
    from daemon.catalogue import styles

    if ctx.invoked_subcommand is None:
        config = configuration(ctx)
        default = {"subtitle": config.defaults.subtitles, "title": config.defaults.title_style}
        items = [s | {"default": s["name"] == default[s["kind"]]} for s in styles(config.settings)]
        _show(items, ("name", "kind", "about"), as_json, default["subtitle"])


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
    for note in preview(name, absolute(out_file), settings, clip and clip.expanduser()):
        tell(f"note: {note}")
    out(str(out_file))


def _show(items: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool, default: str) -> None:
    """default: what is taken when nothing is said; it need not be among the items ("none", or a file)."""
    if as_json:
        out_json(items)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    table.add_column("")
    for item in items:
        mark = "default" if item["default"] else ""
        table.add_row(*(Text(str(item[column])) for column in columns), mark)
    console().print(table)
    if default not in [item["name"] for item in items]:
        tell(f"The default is {default}.")
