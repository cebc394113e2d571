"""service: vigentd as a service of systemd."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.bot_token import with_secrets
from daemon.commands.common import SECRETS, AsJson, configuration
from daemon.commands.terminal import out, out_json, printable, tell
from daemon.config_file import load
from models.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from daemon.units.deployment import Deployment

PerUser = Annotated[bool, typer.Option("--user", help="Your own service manager, not the system's.")]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Whom the service runs as [vigentd].")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="vigentd as a service of systemd.")
    group.command()(install)
    group.command()(uninstall)
    group.command()(status)
    group.command()(render)
    group.command(hidden=True)(failed)
    app.add_typer(group, name="service")


def install(
    ctx: typer.Context,
    per_user: PerUser = False,
    account: As = "",
    force: Annotated[bool, typer.Option("--force", help="Write over units that are not ours.")] = False,
) -> None:
    """Write the units, and start the service, now and at every boot. Done again, it mends what differs."""
    from daemon.units.install import Place, install
    from daemon.units.notes import notes
    from daemon.units.systemctl import Systemctl

    plan = _plan(ctx, per_user, account)
    if not per_user:
        _root("install", account)
    tell(f"vigentd as a service of {'yours' if per_user else 'the system'}: runs as {plan.user},")
    tell(f"configuration {plan.file}, data {plan.data_dir}")
    install(plan, Place(per_user), Systemctl(per_user), tell, force=force)
    for note in notes(plan):
        tell(f"hint: {note}")


def uninstall(per_user: PerUser = False) -> None:
    """Stop the service and remove its units. Data, configuration, token and drop-ins stay."""
    from daemon.units.install import Place, uninstall
    from daemon.units.systemctl import Systemctl

    if not per_user:
        _root("uninstall", "")
    uninstall(Place(per_user), Systemctl(per_user), tell)


def status(per_user: PerUser = False, as_json: AsJson = False) -> None:
    """Show how systemd sees the service. Exit code 1 when it does not run."""
    from daemon.units.status import lines, unit_status
    from daemon.units.systemctl import Systemctl

    found = unit_status(Systemctl(per_user))
    if as_json:
        out_json(found)
    else:
        for name, value in lines(found):
            out(printable(f"{name + ':':<10} {value}"))
    if found["state"] != "active":
        raise typer.Exit(1)


def render(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write them there.")] = None,
    per_user: PerUser = False,
    account: As = "",
) -> None:
    """Show the units as they would be installed, or write them into a folder. Nothing else is touched."""
    from daemon.units.install import write_out
    from daemon.units.render import rendered

    texts = rendered(_plan(ctx, per_user, account))
    if folder is None:
        for name, text in texts.items():
            out(f"# ---- {name}\n{text}")
        return
    write_out(texts, folder)
    for name in texts:
        out(str(folder / name))


def failed(
    ctx: typer.Context, unit: Annotated[str, typer.Argument(metavar="UNIT")], per_user: PerUser = False
) -> None:
    """Tell the admins that a unit has failed; started by vigentd-failed@.service."""
    from daemon.alarm_by_post import post
    from daemon.health.kept import now
    from daemon.units.failed import GAVE_UP, LINES, tell_admins
    from daemon.units.last_good import last_good
    from daemon.units.systemctl import Journal, Systemctl

    try:
        shown = Systemctl(per_user).show(unit, "Result", "ActiveState")
    except Unavailable:
        shown = {}
    if unit != GAVE_UP and shown.get("ActiveState") in ("active", "activating", "reloading"):
        # The health check aborts a daemon that hangs, and starts it anew; between the two it has "failed".
        tell(f"{unit} has failed, and is started anew; nobody has to be told")
        return
    last = Journal(per_user).tail(unit, LINES)
    try:
        config = configuration(ctx)
    except BadInput:  # it may be why the unit has failed
        known = last_good()
        if known is None:
            raise
        config = known
    tell(tell_admins(config, unit, shown.get("Result", ""), last, now(), post))


def _plan(ctx: typer.Context, per_user: bool, account: str) -> Deployment:
    from daemon.units.deployment import deployment

    if per_user and account:
        raise BadInput(
            "A user's own service runs as that user",
            code="usage",
            hint="Leave --as out, or leave --user out.",
        )
    with with_secrets(ctx.meta.setdefault(SECRETS, {})):
        return deployment(load(ctx.obj), per_user, account)


def _root(what: str, account: str) -> None:
    if os.geteuid() != 0:
        named = f" --as {account}" if account else ""
        raise BadInput(
            "Only root may change the services of the system",
            code="not_root",
            hint=f"`sudo {sys.executable.rpartition('/')[0]}/vigentd service {what}{named}`, "
            "or add --user for a service of your own.",
        )
