"""health: is it well?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.commands.health_table import show
from daemon.commands.terminal import out_json, tell
from models.errors import BadInput

if TYPE_CHECKING:
    from daemon.config import Config


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
    from daemon.health.asking import ANSWER_S, PATIENT_S, ask

    # A full disk takes no file: then a late answer is all that tells of a daemon which gets on.
    told = ask(_known(ctx) if heal else configuration(ctx), PATIENT_S if heal else ANSWER_S)
    if heal:  # before anything is shown: a fault in that must not keep it from being healed
        _heal(told, per_user)
    if as_json:
        out_json(told)
    elif not heal or told["verdict"] == "down":
        show(told)
    elif told["exit_code"]:  # all day long, maybe, and every half minute: one line in the journal
        tell(f"{told['verdict']}: {told['why']}")
    raise typer.Exit(told["exit_code"])


def _known(ctx: typer.Context) -> Config:
    """A mistake made in the configuration since the daemon started keeps it from nothing."""
    from daemon.units.last_good import last_good

    try:
        return configuration(ctx)
    except BadInput as e:
        known = last_good()
        if known is None:
            raise
        tell(e.message)
        return known


def _heal(told: dict[str, Any], per_user: bool) -> None:
    from daemon.health.heal import heal, state_folder
    from daemon.health.kept import now
    from daemon.units.systemctl import Systemctl

    heal(told, Systemctl(per_user), state_folder(per_user), now(), tell)
