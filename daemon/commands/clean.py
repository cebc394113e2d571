"""clean: remove from the data folder what is no longer kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from daemon.commands.common import AsJson, opened
from daemon.commands.terminal import console, out, out_json, printable, tell
from models.sizes import size

if TYPE_CHECKING:
    from daemon.disk.housekeeping import Swept

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")]


def register(app: typer.Typer) -> None:
    app.command()(clean)


def clean(ctx: typer.Context, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove old work and results, as [disk] says; the daemon does so on its own. Exit code 1 when
    something could not be removed."""
    from daemon.disk.housekeeping import Housekeeping, Unlogged

    with opened(ctx) as app:
        swept = Housekeeping(app.config, app.queue, Unlogged()).sweep(dry_run)
    if as_json:
        out_json(
            {
                "dry_run": dry_run,
                "freed": swept.freed,
                "removed": [removed.as_dict() for removed in swept.removed],
                "failed": [{"path": str(path), "why": why} for path, why in swept.failed],
                "awaited": swept.awaited,
            }
        )
    else:
        _show(swept, dry_run)
    if swept.failed:
        raise typer.Exit(1)


def _show(swept: Swept, dry_run: bool) -> None:
    from rich.table import Table

    table = Table("what", "job", "size", "why", box=None, pad_edge=False)
    for removed in swept.removed:
        table.add_row(removed.what, removed.job, size(removed.bytes), removed.why)
    if swept.removed:
        console().print(table)
        would = "would be " if dry_run else ""
        out(f"\n{len(swept.removed)} {would}removed, {size(swept.freed)} {would}freed.")
    elif not swept.failed:
        out("Nothing to remove.")
    if swept.awaited:
        stay = "1 video stays" if len(swept.awaited) == 1 else f"{len(swept.awaited)} videos stay"
        which = ", ".join(swept.awaited[:5]) + ", …" * (len(swept.awaited) > 5)
        tell(f"note: {stay} until published ({which}); `vigentd publish plan` shows what is waited for.")
    for path, why in swept.failed:
        tell(printable(f"warning: {path} could not be removed: {why}"))
