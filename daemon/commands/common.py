"""What the commands share: opening the application, and the options that recur."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from daemon.app import App
from daemon.config import Config
from daemon.config_file import load

AsJson = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, and nothing else there.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `vigentd ls` shows it.")]


def configuration(ctx: typer.Context) -> Config:
    return load(ctx.obj).config


@contextmanager
def opened(ctx: typer.Context) -> Iterator[App]:
    app = App(configuration(ctx))
    try:
        yield app
    finally:
        app.close()
