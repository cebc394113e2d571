"""inbox status: what lies in the watched folders, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from daemon.app import App
from daemon.commands.common import AsJson, opened
from daemon.commands.terminal import local_time, out, out_json, printable, tell
from models.errors import BadInput


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The watched folders.")
    group.callback()(_inbox)
    group.command("status")(inbox_status)
    app.add_typer(group, name="inbox")


def _inbox() -> None:
    """Keeps `inbox status` two words: typer folds a group of one command into it."""


def inbox_status(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One inbox only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what lies in the inboxes: what waits and why, what is being made. Exit code 1 without a daemon."""
    from daemon.control.client import Client, DaemonAway

    away = None
    with opened(ctx) as app:
        _check(app, name)
        try:
            told = Client(app.config.socket).get("/inboxes")
        except DaemonAway as e:
            away, told = e, _from_the_folders(app)
    told = [inbox for inbox in told if name in (None, inbox["name"])]
    if as_json:
        out_json(told)
    elif not told:
        tell("No inbox is configured; `[[inbox]]` in vigentd.toml makes one (name, path).")
    else:
        for number, inbox in enumerate(told):
            if number:
                out("")
            _card(inbox)
    if away is not None:
        tell(f"hint: {away.hint}" if away.hint else away.message)
        raise typer.Exit(1)


def _check(app: App, name: str | None) -> None:
    known = [inbox.name for inbox in app.config.inbox]
    if name is not None and name not in known:
        raise BadInput(
            f"There is no inbox named {name}",
            code="inbox_unknown",
            hint=f"There {'is' if len(known) == 1 else 'are'} {', '.join(known)}."
            if known
            else "None is configured.",
        )


def _from_the_folders(app: App) -> list[dict[str, Any]]:
    from handlers.inbox.glance import glance
    from handlers.inbox.inboxes import strays
    from handlers.inbox.ledger import Ledger

    known = [settings.name for settings in app.config.inbox]
    return [glance(settings, app.queue) for settings in app.config.inbox] + strays(Ledger(app.queue), known)


def _card(inbox: dict[str, Any]) -> None:
    counts = inbox["counts"]
    lines = [
        ("inbox", f"{inbox['name']}  {inbox['path']}"),
        ("state", inbox["state"] + (f" ({inbox['way']})" if inbox["way"] else "")),
        ("why", inbox["why"]),
        (
            "settled",
            f"{counts['done']} done, {counts['failed']} failed, {counts['duplicate']} made before",
        ),
        *(("arriving", name) for name in inbox["arriving"]),
        *(("taken", _at_work(intake)) for intake in inbox["at_work"]),
        *(("held", _held(held)) for held in inbox["held"]),
    ]
    for heading, text in lines:
        if text:
            out(printable(f"{heading + ':':<10} {text}"))


def _at_work(intake: dict[str, Any]) -> str:
    jobs = intake["jobs"]
    what = f"job {jobs[0]}" if len(jobs) == 1 else f"{len(jobs)} jobs"
    return f"{intake['name']}, {what if jobs else 'being looked at'}, since {local_time(intake['since'])}"


def _held(held: dict[str, Any]) -> str:
    hint = f" ({held['hint']})" if held["hint"] else ""
    return f"{held['why']}{hint}; here since {local_time(held['since'])}"
