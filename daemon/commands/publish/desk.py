"""What the commands of `publish` share: the desk, who speaks, which publication is meant, what is said."""

from __future__ import annotations

import datetime as dt
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.app import App
from daemon.commands.common import opened
from daemon.commands.publish import words
from daemon.commands.terminal import out_json, printable, tell
from daemon.publications.tables import Publication, Standing
from models.errors import BadInput

if TYPE_CHECKING:
    from daemon.publications.book import Book
    from daemon.publications.desk import Desk
    from handlers.publish.target import Text

ID_CHARS = 8  # of a job; no publication's number is as long
HOW = """No target is set up yet. In vigentd.toml, a folder is one:

[[publish.target]]
name = "site"
kind = "folder"
path = "/srv/videos"

`vigentd publish kinds` lists what else there is."""
Meant = Annotated[str, typer.Argument(metavar="N", help="The publication's number, or its job's id.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The target.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help='Such as "2026-11-24 18:00", by this machine\'s clock.'),
]
Title = Annotated[str | None, typer.Option(metavar="TEXT", help="Instead of what its template says.")]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="Instead of what its template says.")]
Tags = Annotated[str | None, typer.Option(metavar="A,B", help="Instead of those it would have; none: none.")]


@dataclass(frozen=True)
class Open:
    app: App
    book: Book
    desk: Desk


@contextmanager
def at_desk(ctx: typer.Context) -> Iterator[Open]:
    from daemon.publications.book import Book
    from daemon.publications.desk import Desk

    with opened(ctx) as app:
        book = Book(app.queue.database)
        try:
            yield Open(app, book, Desk(app.config, book))
        except BadInput as e:
            if e.hint or not e.code.startswith("publication_"):
                raise
            hint = "`vigentd publish plan` shows what is to come, and `vigentd publish log` what was."
            raise BadInput(e.message, code=e.code, hint=hint) from e


def who() -> str:
    """As the log names them."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    return f"{name} (command line)"


def meant(there: Open, said: str) -> int:
    """Its number. Raises BadInput `publication_unknown`, `publication_unclear`, `job_unknown`."""
    if said.isascii() and said.isdecimal() and len(said) < ID_CHARS:
        there.book.get(int(said))
        return int(said)
    job = there.app.queue.get(said)
    rows = there.book.of_job(job.id)
    if not rows:
        raise BadInput(
            f"Job {job.id} has no publication",
            code="publication_unknown",
            hint=f"`vigentd publish {job.id} --to NAME` makes one.",
        )
    if len(rows) > 1:
        listed = ", ".join(f"{row.number} ({row.target})" for row in rows)
        raise BadInput(
            f"Job {job.id} has {len(rows)} publications",
            code="publication_unclear",
            hint=f"Say which by its number: {listed}.",
        )
    assert rows[0].number is not None
    return rows[0].number


def change(title: str | None, description: str | None, tags: str | None) -> Callable[[Text], Text] | None:
    """What a person wants written; None: nothing was said. Raises BadInput `option_invalid`."""
    from dataclasses import replace

    from models.words import is_unicode
    from pipeline.options import check_options

    said: dict[str, object] = {
        name: value for name, value in (("title", title), ("description", description)) if value is not None
    }
    for name, value in said.items():
        if not is_unicode(str(value)):
            raise BadInput(f"--{name} is not valid UTF-8", code="option_encoding")
    if title is not None:
        said["title"] = " ".join(title.split())
    if tags is not None:
        said["tags"] = check_options({"tags": tags}, "--tags")["tags"]
    if not said:
        return None
    return lambda text: replace(text, **said)  # type: ignore[arg-type]


def becomes(there: Open, row: Publication) -> str:
    """When it goes out, as the plan has it now."""
    from daemon.publications.plan import plan

    if row.state in (Standing.PROPOSED, Standing.HELD, Standing.ASKED, Standing.SKIPPED):
        return words.state(row)
    now = dt.datetime.now(dt.UTC)
    made = plan(there.book, there.desk.rules, now)
    for line in (*made.dated, *made.waiting):
        if line.publication is not None and line.publication.number == row.number:
            return words.when(line, now)
    return words.state(there.book.get(row.number or 0))  # the daemon was quicker


def settled(there: Open, row: Publication, as_json: bool, done: str = "") -> None:
    """What became of it, and when it goes out; and the daemon learns of it. done: "is approved"."""
    from daemon.publications.told import publication_json

    if as_json:
        out_json(publication_json(row))
    else:
        named = f"Publication {row.number} to {row.target}{' ' * bool(done)}{done}"
        over = row.state in (Standing.SKIPPED, Standing.PUBLISHED)
        tell(printable(f"{named}." if done and over else f"{named}: {becomes(there, row)}."))
    hand_over(there.app, waits=row.state == Standing.APPROVED)


def hand_over(app: App, *, waits: bool = True) -> None:
    """waits: something is to be sent."""
    from daemon.control.client import nudge

    nudge(app.config.socket)
    if waits and not app.daemon_runs():
        tell("note: No daemon is running; it is sent when one runs (`vigentd run`).")
