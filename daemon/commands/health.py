"""health: is it well?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.commands.terminal import console, duration, out, out_json, printable, tell


def register(app: typer.Typer) -> None:
    app.command()(health)


def health(
    ctx: typer.Context,
    as_json: AsJson = False,
    heal: Annotated[
        bool, typer.Option("--heal", help="Restart the service when it is down three times in a row.")
    ] = False,
    per_user: Annotated[bool, typer.Option("--user", help="With --heal: the service is your own.")] = False,
) -> None:
    """Show how each part of the daemon is. Exit code 0: healthy, 1: degraded, 2: down."""
    from daemon.health.asking import ask

    told = ask(configuration(ctx))
    if as_json:
        out_json(told)
    elif not heal or told["exit_code"]:
        _show(told)
    if heal:
        _heal(told, per_user)
    raise typer.Exit(told["exit_code"])


def _heal(told: dict[str, Any], per_user: bool) -> None:
    from daemon.health.heal import heal, state_folder
    from daemon.health.kept import now
    from daemon.units.systemctl import Systemctl

    heal(told, Systemctl(per_user), state_folder(per_user), now(), tell)


def _show(told: dict[str, Any]) -> None:
    why = f": {told['why']}" if told["why"] else ""
    late = " (it does not answer; this is from its file)" if told["from"] == "file" else ""
    out(printable(f"{told['verdict']}{why}{late}"))
    out("")
    _table(told["components"])
    for part in told["components"]:
        if not part["well"]:
            out(printable(f"{part['name']}: {part['trouble'] or part['state']}"))
            if part["hint"]:
                out(printable(f"hint: {part['hint']}"))


def _table(parts: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("part", "state", "last progress", "allowed", ""):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for part in parts:
        allowed = "" if part["budget_s"] is None else duration(part["budget_s"])
        mark = "" if part["well"] else "not well"
        cells = (part["name"], part["state"], f"{duration(part['age_s'])} ago", allowed, mark)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console().print(table)
