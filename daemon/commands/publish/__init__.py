"""publish ID --to NAME, and what there is to say and to ask about publications.

one.py      publish ID        planned.py  plan · log
decide.py   approve · edit · later · skip · there · again
targets.py  targets · kinds · check · login · pause · resume
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from models.errors import BadInput

ONE = "ID"  # stands in the help for the command of a job's id


class _Group(TyperGroup):
    """What is no command is a job's id: `publish 8h1x4k2m --to site`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            if len(args) > 1 and not args[1].startswith("-"):
                self._no_command(args[0])
            args = [ONE, *args]
        return super().parse_args(ctx, args)

    def _no_command(self, said: str) -> None:
        """`aprove 3`: a job's id has no argument after it."""
        import difflib

        if near := difflib.get_close_matches(said, self.commands, 1):
            raise BadInput(
                f"There is no command publish {said}",
                code="usage",
                hint=f"Did you mean `vigentd publish {near[0]}`?",
            )


class _One(TyperCommand):
    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece for piece in super().collect_usage_pieces(ctx) if piece != ONE]


def register(app: typer.Typer) -> None:
    from daemon.commands.publish import decide, one, planned, targets

    group = typer.Typer(
        cls=_Group,
        no_args_is_help=True,
        help="Finished videos go where they should, when they should, once. N is a publication's number, as "
        "`vigentd publish plan` shows it; or its job's id, when that job has just one.",
    )
    group.command(ONE, cls=_One)(one.publish)
    for theme in (planned, decide, targets):
        theme.register(group)
    app.add_typer(group, name="publish")
