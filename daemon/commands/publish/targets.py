"""targets · kinds · check · login · pause · resume: where videos can go."""

from __future__ import annotations

from typing import Any, NoReturn

import typer

from daemon.commands.common import AsJson
from daemon.commands.publish import words
from daemon.commands.publish.desk import HOW, Name, Open, at_desk, hand_over, who
from daemon.commands.terminal import console, local_time, out, out_json, printable, tell, tell_error
from daemon.publications.tables import Publication, Standing
from handlers.publish.registry import Known, Registry
from handlers.publish.target import Target
from models.errors import StageFailed, VigentdError

ABOUT = {
    "command": "any program of your own: how sites without an API are reached",
    "folder": "a folder, also on a mounted share",
    "peertube": "a channel on a PeerTube server",
    "s3": "a bucket of any S3-compatible store",
    "telegram": "a channel or chat on Telegram",
    "webhook": "an address of your own that is told, with the video or a signed link to it",
    "youtube": "a channel on YouTube",
}
FOR_A_PERSON = (Standing.PROPOSED, Standing.ASKED, Standing.HELD)
MOVING = (Standing.APPROVED, Standing.SENDING, Standing.UNSURE)


def register(group: typer.Typer) -> None:
    for command in (targets, kinds, check, login, pause, resume):
        group.command()(command)


# ---------------------------------------------------------------- which there are


def targets(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the targets, with their rules.

    And what waits there, what was published last, and what is wrong with their settings.
    """
    with at_desk(ctx) as there:
        rows = there.book.all()
        told = [_target(there, name, rows) for name in there.desk.names]
    if as_json:
        out_json(told)
    elif not told:
        tell(HOW)
    else:
        for number, target in enumerate(told):
            if number:
                out("")
            _card(target)


def _target(there: Open, name: str, rows: Any) -> dict[str, Any]:
    own, known, section = there.desk.rules[name], there.book.target(name), there.desk.section(name)
    here: list[Publication] = [row for row in rows if row.target == name]
    published = [row for row in here if row.state == Standing.PUBLISHED]
    last = max(published, key=lambda row: row.changed_at, default=None)
    slots = [slot for slot in there.app.config.publish.slot if slot.target == name]
    return {
        "name": name,
        "kind": section.kind,
        "rules": words.rules(own, [(slot.cron, slot.timezone) for slot in slots]),
        "approve": own.approve,
        "per_day": own.per_day,
        "quiet": section.quiet,
        "timezone": str(own.zone),
        "late": own.late,
        "slots": [{"cron": slot.cron, "timezone": slot.timezone or str(own.zone)} for slot in slots],
        "paused_by": known.paused_by,
        "spent_until": known.spent_until,
        "waiting": sum(row.state in MOVING for row in here),
        "for_a_person": sum(row.state in FOR_A_PERSON for row in here),
        "published": len(published),
        "last": last
        and {
            "number": last.number,
            "job": last.job_id,
            "at": last.changed_at,
            "url": (last.receipt or {}).get("url", ""),
        },
        "error": _trouble(there, name),
    }


def _trouble(there: Open, name: str) -> dict[str, str] | None:
    try:
        there.desk.target(name)
    except VigentdError as e:
        return e.as_dict()
    return None


def _card(target: dict[str, Any]) -> None:
    last, wrong = target["last"], target["error"] or {}
    paused = target["paused_by"]
    for_a_person = f", and {target['for_a_person']} for you (`vigentd publish plan`)"
    lines = {
        "target": f"{target['name']}  ({target['kind']})",
        "rules": target["rules"],
        "paused": f"by {paused}; `vigentd publish resume {target['name']}`" if paused else "",
        "quota": f"used up until {local_time(target['spent_until'])}" if _spent(target) else "",
        "waiting": f"{target['waiting']}{for_a_person if target['for_a_person'] else ''}",
        "last": f"{local_time(last['at'])}  {last['job']}  {last['url']}".rstrip() if last else "nothing yet",
        "error": wrong.get("message"),
        "hint": wrong.get("hint"),
    }
    for heading, value in lines.items():
        if value:
            out(printable(f"{heading + ':':<10} {value}"))


def _spent(target: dict[str, Any]) -> bool:
    import datetime as dt

    until = target["spent_until"]
    return until is not None and dt.datetime.fromisoformat(until) > dt.datetime.now(dt.UTC)


# ---------------------------------------------------------------- kinds


def kinds(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the kinds of targets, with their keys.

    These stand in [[publish.target]], beside name and kind and what every target may have.
    """
    registry = Registry()
    told = [_kind(registry, known) for known in registry.known()]
    if as_json:
        out_json(told)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("kind", no_wrap=True)
    table.add_column("what it is")
    table.add_column("must have")
    table.add_column("may have")
    for kind in told:
        cells = (
            kind["name"],
            kind["about"],
            ", ".join(key["name"] for key in kind["keys"] if key["required"]),
            ", ".join(key["name"] for key in kind["keys"] if not key["required"]),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console().print(table)
    for kind in told:
        if kind["trouble"]:
            tell(printable(f"{kind['name']}: {kind['trouble']}"))


def _kind(registry: Registry, known: Known) -> dict[str, Any]:
    trouble, keys = known.trouble, []
    if not trouble:
        try:
            fields = registry.kind(known.name).settings.model_fields
            ours = {"name", "kind", "text"}
            keys = [
                {"name": name, "required": field.is_required()}
                for name, field in fields.items()
                if name not in ours
            ]
        except VigentdError as e:
            trouble = e.message
    about = f"of {known.package}" if known.package else ABOUT[known.name]
    return {
        "name": known.name,
        "package": known.package,
        "about": about,
        "keys": keys,
        "trouble": trouble,
    }


# ---------------------------------------------------------------- at one of them


def check(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Ask a target who we are there. Sends nothing. Exit code 1 when it cannot be used, with what to do."""
    with at_desk(ctx) as there:
        there.desk.section(name)
        try:
            answer = asked(there.desk.target(name))
        except VigentdError as e:
            _not_usable(e, as_json)
    if as_json:
        out_json({"name": name, "who": answer})
    else:
        out(printable(f"{name}: {answer}"))


def asked(target: Target) -> str:
    """Who we are there. Raises VigentdError."""
    try:
        return target.check()
    except VigentdError:
        raise
    except Exception as e:  # what a library says may hold an address with a secret in it
        raise StageFailed(f"The target broke off: {type(e).__name__}", code="target_broke") from None


def login(ctx: typer.Context, name: Name) -> None:
    """Log in at a target whose kind needs it: youtube.

    What to do is shown. All others have what they need in the configuration.
    """
    with at_desk(ctx) as there:
        section = there.desk.section(name)
        try:
            target = there.desk.target(name)
            enter = getattr(target, "login", None)
            if enter is None:
                tell(f"{name} needs no login: what a {section.kind} needs stands in the configuration.")
                return
            answer = enter(tell)
        except VigentdError as e:
            _not_usable(e, as_json=False)
        out(printable(f"{name}: {answer}"))
        hand_over(there.app, waits=False)
        held = [row for row in there.book.all(Standing.HELD) if row.target == name]
        for row in held:
            if (row.error or {}).get("code") == "target_login":
                tell(f"note: Publication {row.number} waited for it: `vigentd publish approve {row.number}`.")


def _not_usable(error: VigentdError, as_json: bool) -> NoReturn:
    tell_error(error)
    if as_json:
        out_json({"error": error.as_dict()})
    raise typer.Exit(1)


def pause(ctx: typer.Context, name: Name) -> None:
    """Send nothing more to a target, until `resume`. What is on its way is finished."""
    with at_desk(ctx) as there:
        there.desk.section(name)
        if (by := there.book.target(name).paused_by) is not None:
            tell(printable(f"{name} is paused already, by {by}."))
            return
        there.book.pause(name, who())
        tell(f"{name} is paused; `vigentd publish resume {name}` lets it go on.")
        hand_over(there.app, waits=False)


def resume(ctx: typer.Context, name: Name) -> None:
    """Let a target go on."""
    with at_desk(ctx) as there:
        there.desk.section(name)
        if there.book.target(name).paused_by is None:
            tell(f"{name} is not paused.")
            return
        there.book.pause(name, None)
        tell(f"{name} goes on.")
        hand_over(there.app)
