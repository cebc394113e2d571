"""What the commands share: opening the application, and the options that recur."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from daemon.app import App
from daemon.bot_token import with_secrets
from daemon.config import Config
from daemon.config_file import load

SECRETS = "vigentd.secrets"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, and nothing else there.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `vigentd ls` shows it.")]


def configuration(ctx: typer.Context) -> Config:
    """Called again, it is read again. What the command starts does not inherit the bot's token."""
    with with_secrets(ctx.meta.setdefault(SECRETS, {})):
        return load(ctx.obj).config


@contextmanager
def opened(ctx: typer.Context) -> Iterator[App]:
    app = App(configuration(ctx))
    try:
        yield app
    finally:
        app.close()
