"""cluster status: the replicas, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.commands.health_table import nodes_in_short
from daemon.commands.terminal import console, counted, out, out_json, printable, tell_error
from daemon.health.component import MADE

FILES = {
    "shared": "nodes see the data folder",
    "sent": "they are sent through Ray; nodes do not see the data folder",
    "sent/shared": "some nodes see the data folder; to the others they are sent through Ray",
}


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Several GPUs, and several machines.")
    group.callback()(_cluster)
    group.command("status")(cluster_status)
    app.add_typer(group, name="cluster")


def _cluster() -> None:
    """Keeps `cluster status` two words: typer folds a group of one command into it."""


def cluster_status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the nodes, the replicas, what each does and how fast. Exit code 1 when no daemon is running."""
    from daemon.control.client import Client, DaemonAway

    try:
        told: dict[str, Any] = Client(configuration(ctx).socket).get("/cluster")
    except DaemonAway as e:
        tell_error(e)
        if as_json:
            out_json({"error": e.as_dict()})
        raise typer.Exit(1) from e
    if as_json:
        out_json(told)
    else:
        _card(told)


def _card(told: dict[str, Any]) -> None:
    replicas, nodes = told["replicas"], told["nodes"]
    if told["backend"] == "none":
        out(f"{told['why']}.")
        out(f"hint: {told['hint']}")
        return
    _line("cluster", _cluster_of(told))
    _line("why", told["why"])
    _line("hint", told["hint"])
    _line("files", FILES.get(told["files"], ""))
    _line("pace", f"{_pace(told)} in the last minute")
    if nodes:
        out("")
        _table(("node", "address", "state", "CPUs", "GPUs", "free", "replicas"), map(_node, nodes))
    out("")
    _table(("replica", "on", "state", "pace", "made", "does"), map(_replica, replicas))
    for replica in replicas:
        _line(replica["name"], replica["trouble"])
        _line("hint", replica["hint"])


def _line(name: str, value: str) -> None:
    if value:
        out(printable(f"{name + ':':<10} {value}"))


def _cluster_of(told: dict[str, Any]) -> str:
    if told["backend"] == "local":
        kinds = dict.fromkeys(replica["name"].partition("-")[0] for replica in told["replicas"])
        said = " and ".join(f"{kind}.device" for kind in kinds)
        return f"none: {counted(len(told['replicas']), 'replica')} on this machine ({said})"
    nodes = f", {nodes_in_short(told['nodes'])}" if told["nodes"] else ""
    return f"Ray at {told['address']}{nodes}"


def _node(node: dict[str, Any]) -> Sequence[str]:
    state = "gone" if not node["alive"] else "head" if node["head"] else "there"
    numbers = (f"{node[name]:g}" for name in ("cpus", "gpus", "free_gpus"))
    return node["name"], node["address"], state, *numbers, " ".join(node["replicas"])


def _replica(replica: dict[str, Any]) -> Sequence[str]:
    does = " ".join(filter(None, (replica["job"], replica["call"].rpartition(":")[2])))
    makes = next(name for name in MADE.values() if name in replica)
    return (
        *(replica["name"], replica["node"] or replica["device"], replica["state"]),
        *(f"{replica[f'{makes}_per_s']:.2f}/s", f"{replica[makes]} {makes}", does),
    )


def _pace(told: dict[str, Any]) -> str:
    """Of those that there are replicas for."""
    there = (name for name in MADE.values() if any(name in replica for replica in told["replicas"]))
    return ", ".join(f"{told[f'{name}_per_s']:.2f} {name}/s" for name in there)


def _table(headings: Sequence[str], rows: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)
