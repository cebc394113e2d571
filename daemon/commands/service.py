"""run: the daemon itself."""

from __future__ import annotations

import asyncio
import os

import typer

from daemon.commands.common import configuration


def register(app: typer.Typer) -> None:
    app.command()(run)


def run(ctx: typer.Context) -> None:
    """Work the queue off, for months: keeps the engines loaded. SIGTERM or Ctrl-C ends it in good order.

    SIGHUP reads the configuration again.
    """
    from daemon.app import owner
    from daemon.sd_notify import Notifier
    from daemon.service import Service
    from daemon.version import installed_version
    from pipeline.deliver import deliver

    notifier = Notifier.of(os.environ)
    service = Service(lambda: configuration(ctx), deliver, owner(), installed_version(), notifier)
    asyncio.run(service.run())
