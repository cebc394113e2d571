"""plan · log: what is to come, and what was."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.commands.common import AsJson
from daemon.commands.publish import words
from daemon.commands.publish.desk import HOW, ID_CHARS, Open, at_desk
from daemon.commands.terminal import console, local_time, out, out_json, printable, tell
from daemon.publications.plan import DAYS, Plan, Planned, plan
from daemon.publications.told import publication_json, trail

if TYPE_CHECKING:
    from rich.text import Text

RECENT = 50
FREE_SHOWN = 6  # of a target on one day; who has a slot each minute knows the others


def register(group: typer.Typer) -> None:
    group.command("plan")(planned)
    group.command()(log)


def planned(
    ctx: typer.Context,
    days: Annotated[
        int, typer.Option(min=1, max=366, metavar="N", help="So far free slots are shown.")
    ] = DAYS,
    as_json: AsJson = False,
) -> None:
    """Show the coming days, and what waits for you.

    Days and times are by the clock of each target. What waits for a person comes first.
    """
    now = dt.datetime.now(dt.UTC)
    with at_desk(ctx) as there:
        made = plan(there.book, there.desk.rules, now, days)
        if as_json:
            out_json(_json(made, days))
        elif not there.desk.names and not made.waiting:
            tell(HOW)
        elif not made.dated and not made.waiting:
            tell("Nothing waits to be published. `vigentd publish ID --to NAME` publishes a finished video.")
        else:
            _show(there, made, now)
            if any(line.publication for line in made.dated) and not there.app.daemon_runs():
                tell("note: No daemon is running; all this is sent when one runs (`vigentd run`).")


def _json(made: Plan, days: int) -> dict[str, Any]:
    def line(one: Planned) -> dict[str, Any]:
        return {
            "target": one.target,
            "at": one.at.isoformat() if one.at else None,
            "timezone": str(one.at.tzinfo) if one.at else None,
            "why": one.why,
            "publication": publication_json(one.publication) if one.publication else None,
        }

    return {"days": days, "waiting": list(map(line, made.waiting)), "dated": list(map(line, made.dated))}


def _show(there: Open, made: Plan, now: dt.datetime) -> None:
    screen, labels = console(), _Labels(there)
    if made.waiting:
        out("for you to decide")
        for one in made.waiting:
            row = one.publication
            assert row is not None
            why = words.when(one, now) if one.why else words.to_do(row)
            out(printable(f"  {row.number:>4}  {row.target}  {labels(row.job_id)}"))
            out(printable(f"        {why}"))
    by_day: dict[dt.date | None, list[Planned]] = {}
    for one in made.dated:
        by_day.setdefault(one.at.date() if one.at else None, []).append(one)
    for day, lines in sorted(by_day.items(), key=lambda found: found[0] or dt.date.max):
        out(f"{day:%A %Y-%m-%d}" if day else "no time yet")
        free = Counter[str]()
        for one in lines:
            free[one.target] += one.publication is None
            if one.publication is not None or free[one.target] <= FREE_SHOWN:
                screen.print(_line(one, labels, now), soft_wrap=True)
        for target, number in free.items():
            if number > FREE_SHOWN:
                screen.print(f"            -  {target}  {number - FREE_SHOWN} more free", style="dim")
    zones = {str(one.at.tzinfo): one.target for one in made.dated if one.at and _elsewhere(one.at)}
    if zones:
        tell(f"Times are by the clocks of the targets: {', '.join(f'{t} {z}' for z, t in zones.items())}.")


def _line(one: Planned, labels: _Labels, now: dt.datetime) -> Text:
    from rich.text import Text

    time = f"{one.at:%H:%M}" if one.at else "     "
    row = one.publication
    if row is None:
        return Text(f"  {time}     -  {one.target}  free", style="dim")
    when = words.when(one, now)
    why = when.partition(", ")[2] if one.at and one.why else when if not one.at or when == "at once" else ""
    if row.state in ("sending", "unsure"):
        why = words.state(row)
    told = f"  {time}  {row.number:>4}  {one.target}  {labels(row.job_id)}{f'  ({why})' if why else ''}"
    return Text(printable(told))


def _elsewhere(at: dt.datetime) -> bool:
    return at.astimezone().utcoffset() != at.utcoffset()


class _Labels:
    """What people call a job, with its id."""

    def __init__(self, there: Open) -> None:
        self._there = there
        self._known: dict[str, str] = {}

    def __call__(self, job_id: str) -> str:
        if job_id not in self._known:
            self._known[job_id] = f"{job_id}  {self._there.book.job(job_id).label}"
        return self._known[job_id]


# ---------------------------------------------------------------- log


def log(
    ctx: typer.Context,
    which: Annotated[
        str | None, typer.Argument(metavar="ID", help="Of this job, or of the publication of this number.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="NAME", help="Of this target.")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, metavar="N", help="The last N.")] = RECENT,
    as_json: AsJson = False,
) -> None:
    """Show what was done, by whom, and what came of it.

    The oldest first. Nothing is ever taken out of it.
    """
    with at_desk(ctx) as there:
        wanted: dict[str, Any] = {"target": target}
        if which is not None and which.isascii() and which.isdecimal() and len(which) < ID_CHARS:
            wanted["number"] = there.book.get(int(which)).number
        elif which is not None:
            wanted["job_id"] = there.app.queue.get(which).id
        if target is not None and target not in _targets(there):
            raise there.app.config.publish.unknown(target)
        found = trail(there.app.queue.database, limit, **wanted)
    if as_json:
        out_json([_event_json(event, row) for event, row in found])
    elif not found:
        tell("Nothing has been published, or was to be, so far.")
    for event, row in () if as_json else found:
        told = words.event(event.name, event.facts)
        at = local_time(event.at, seconds=True)
        out(printable(f"{at}  {row.number:>4}  {row.target}  {row.job_id}  {told}"))


def _targets(there: Open) -> Sequence[str]:
    """Also those that are in the configuration no more."""
    return [*there.desk.names, *(row.target for row in there.book.all())]


def _event_json(event: Any, row: Any) -> dict[str, Any]:
    return {
        "at": event.at,
        "publication": row.number,
        "job": row.job_id,
        "target": row.target,
        "name": event.name,
        "facts": event.facts,
        "words": words.event(event.name, event.facts),
    }
