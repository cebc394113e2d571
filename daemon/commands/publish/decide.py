"""approve · edit · later · skip · there · again: what a person decides about one publication."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.commands.common import AsJson
from daemon.commands.publish.desk import (
    At,
    Description,
    Meant,
    Tags,
    Title,
    at_desk,
    change,
    meant,
    settled,
    who,
)
from daemon.commands.publish.times import typed
from models.errors import BadInput


def register(group: typer.Typer) -> None:
    for command in (approve, edit, later, skip, there, again):
        group.command()(command)


def approve(ctx: typer.Context, number: Meant, at: At = None, as_json: AsJson = False) -> None:
    """Let it go out.

    What waits for approval; what was held, when it is put right; also what was skipped, after all.
    """
    with at_desk(ctx) as open_:
        due = typed(at, "--at") if at is not None else None
        row = open_.desk.approve(meant(open_, number), who(), due)
        settled(open_, row, as_json, "is approved")


def edit(
    ctx: typer.Context,
    number: Meant,
    title: Title = None,
    description: Description = None,
    tags: Tags = None,
    as_json: AsJson = False,
) -> None:
    """Change what is written beside the video.

    As long as it has not been sent. What does not fit the target is refused.
    """
    with at_desk(ctx) as open_:
        text = change(title, description, tags)
        if text is None:
            raise BadInput(
                "Nothing is to be changed",
                code="usage",
                hint="Give --title, --description or --tags.",
            )
        row = open_.desk.edit(meant(open_, number), who(), text)
        settled(open_, row, as_json, "is changed")


def later(
    ctx: typer.Context,
    number: Meant,
    at: At = None,
    next_slot: Annotated[
        bool, typer.Option("--next-slot", help="With the next slot of its target that is free.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put it off to another time, or to the next slot."""
    with at_desk(ctx) as open_:
        if (at is None) == (not next_slot):
            raise BadInput(
                "When is not said" if at is None else "When is said twice",
                code="usage",
                hint='Give one of --at "2026-11-24 18:00" and --next-slot.',
            )
        wanted = meant(open_, number)
        target = open_.book.get(wanted).target
        if next_slot and target in open_.desk.rules and not open_.desk.rules[target].slots:
            raise BadInput(
                f"{target} has no slots",
                code="no_slots",
                hint="Give --at TIME, or set a [[publish.slot]] in the configuration.",
            )
        row = open_.book.later(wanted, who(), typed(at, "--at") if at is not None else None)
        settled(open_, row, as_json, "is put off")


def skip(ctx: typer.Context, number: Meant, as_json: AsJson = False) -> None:
    """Never send it. Nothing is deleted: `approve` takes it up again."""
    with at_desk(ctx) as open_:
        row = open_.book.skip(meant(open_, number), who())
        settled(open_, row, as_json, "is skipped, and will not be sent")


def there(ctx: typer.Context, number: Meant, as_json: AsJson = False) -> None:
    """You have looked, and it IS there: it is not sent again.

    It counts as published from now on. That is asked when the line broke, or the daemon died, at the very
    end of an upload to a place that cannot be searched: the video may be there, and no receipt came. Look
    into the channel first.
    """
    with at_desk(ctx) as open_:
        row = open_.book.there(meant(open_, number), who())
        settled(open_, row, as_json, "counts as published")


def again(ctx: typer.Context, number: Meant, as_json: AsJson = False) -> None:
    """You have looked, and it is NOT there: it is sent again.

    See `vigentd publish there --help`. If the video is there after all, it will be there twice.
    """
    with at_desk(ctx) as open_:
        row = open_.book.again(meant(open_, number), who())
        settled(open_, row, as_json, "is sent again")
