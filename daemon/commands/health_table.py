"""How the daemon is, for a person. Lean, for `vigentd health` is asked often and keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from daemon.commands.terminal import counted, duration, out, printable
from daemon.health.component import MADE

HEADINGS = ("part", "state", "last progress", "allowed", "")


def show(told: dict[str, Any]) -> None:
    """told: as `Report.as_dict`, with "from"."""
    why = f": {told['why']}" if told["why"] else ""
    late = " (it does not answer; this is from its file)" if told["from"] == "file" else ""
    out(printable(f"{told['verdict']}{why}{late}"))
    out("")
    for line in _lines([HEADINGS, *map(_row, told["components"])]):
        out(printable(line))
    for part in told["components"]:
        if not part["well"]:
            out("")
            out(printable(f"{part['name']}: {part['trouble'] or part['state']}"))
            if part["hint"]:
                out(printable(f"hint: {part['hint']}"))


OVER = ("published", "skipped")  # of publications


def _row(part: dict[str, Any]) -> tuple[str, ...]:
    allowed = "" if part["budget_s"] is None else duration(part["budget_s"])
    mark = "" if part["well"] else "not well"
    return (
        part["name"],
        part["state"],
        f"{duration(part['age_s'])} ago",
        allowed,
        mark or _does(part["name"], part["facts"]),
    )


def _does(name: str, facts: dict[str, Any]) -> str:
    """What a person wants to know of it beside."""
    if name == "disk" and "free" in facts:
        return f"{facts['free'] / 1e9:.1f} GB free"
    if name == "queue" and "counts" in facts:
        return f"{facts['counts']['queued']} waiting"
    if name == "publications" and "counts" in facts:
        open_ = (n for states in facts["counts"].values() for state, n in states.items() if state not in OVER)
        return f"{sum(open_)} waiting"
    if name == "cluster" and "nodes" in facts:
        return nodes_in_short(facts["nodes"])
    does = " ".join(str(facts[name]) for name in ("job", "stage") if facts.get(name))
    return ", ".join(filter(None, (does, *_of_replica(facts))))


def _of_replica(facts: dict[str, Any]) -> Iterable[str]:
    if node := facts.get("node"):
        yield f"on {node}"
    for made in MADE.values():
        if pace := facts.get(f"{made}_per_s"):
            yield f"{pace:.2f} {made}/s"


def nodes_in_short(nodes: Iterable[dict[str, Any]]) -> str:
    alive = [node for node in nodes if node["alive"]]
    free, gpus = (sum(node[name] for node in alive) for name in ("free_gpus", "gpus"))
    return f"{counted(len(alive), 'node')}, {free:g} of {gpus:g} GPUs free"


def _lines(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
