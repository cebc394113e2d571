"""publish ID: a finished video to a target, now or at a time."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.commands.common import AsJson
from daemon.commands.publish import words
from daemon.commands.publish.desk import (
    At,
    Description,
    Open,
    Tags,
    Title,
    at_desk,
    change,
    settled,
    who,
)
from daemon.commands.publish.times import typed
from daemon.commands.terminal import local_time, out, out_json, printable, tell, tell_error
from daemon.jobs import JobRow
from daemon.publications.tables import Publication, Standing
from models.errors import BadInput, VigentdError

if TYPE_CHECKING:
    from daemon.publications.desk import Preview
    from handlers.publish.target import Text


def publish(
    ctx: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="ID", help="The job, as `vigentd ls` shows it.")],
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="NAME", help="The target: one of `vigentd publish targets`.")
    ] = None,
    at: At = None,
    title: Title = None,
    description: Description = None,
    tags: Tags = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be sent, and ask the target; send and note nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a finished video at a target: at once, or at a time.

    Asking for it approves it, and no slot is waited for; quiet hours, the number a day and a pause hold. What
    is there already is not sent again: that is said, with the link, and is no error.
    """
    with at_desk(ctx) as there:
        job = _job(there, ctx, job_id)
        name = _target(there, to)
        due = typed(at, "--at") if at is not None else None
        text = change(title, description, tags)
        if dry_run:
            _show(there, job, name, due, text, as_json)
            return
        row, _ = there.desk.publish(job.id, name, who(), due, text)
        if row.state == Standing.PUBLISHED and not as_json:
            _there_already(row)
            return
        settled(there, row, as_json)


def _job(there: Open, ctx: typer.Context, said: str) -> JobRow:
    try:
        return there.app.queue.get(said)
    except BadInput as e:
        commands = getattr(ctx.parent and ctx.parent.command, "commands", {})
        if near := difflib.get_close_matches(said, commands, 1):
            hint = f"Did you mean `vigentd publish {near[0]}`? `vigentd ls` shows all jobs."
            raise BadInput(e.message, code=e.code, hint=hint) from e
        raise


def _target(there: Open, said: str | None) -> str:
    if said is not None:
        return there.desk.section(said).name
    names = ", ".join(there.desk.names)
    raise BadInput(
        "Where to is not said",
        code="usage",
        hint=f"Add --to NAME: there {'is' if len(there.desk.names) == 1 else 'are'} {names}."
        if names
        else "Add --to NAME. No target is set up yet; `vigentd publish targets` shows how.",
    )


def _there_already(row: Publication) -> None:
    url = (row.receipt or {}).get("url", "")
    tell(f"It is there already: publication {row.number}, {local_time(row.changed_at)}.")
    if url:
        out(printable(url))


# ---------------------------------------------------------------- dry run


def _show(
    there: Open,
    job: JobRow,
    name: str,
    at: dt.datetime | None,
    text: Callable[[Text], Text] | None,
    as_json: bool,
) -> None:
    """Raises typer.Exit 2 when it does not fit, 1 when the target cannot be used."""
    from daemon.commands.publish.targets import asked

    preview = there.desk.preview(job, name, at, text or (lambda as_written: as_written))
    before = next(iter(there.book.of_job(job.id, name)), None)
    answer, wrong = "", None
    try:
        answer = asked(there.desk.target(name))
    except VigentdError as e:
        wrong = e
    if as_json:
        out_json(_preview_json(preview, job, name, at, before, answer, wrong))
    else:
        _card(there, preview, job, name, at, before, answer)
        for sentence in preview.misfits:
            tell(printable(f"error: {sentence}"))
    if wrong is not None:
        tell_error(wrong)
    tell("Nothing was sent.")
    if preview.misfits or wrong:
        raise typer.Exit(2 if preview.misfits else 1)


def _card(
    there: Open,
    preview: Preview,
    job: JobRow,
    name: str,
    at: dt.datetime | None,
    before: Publication | None,
    answer: str,
) -> None:
    video, text = preview.video, preview.text
    size = f"{video.size / 1e6:.1f} MB, {_length(video.duration_s)}, {video.width} × {video.height}"
    kind = there.desk.section(name).kind
    lines = {
        "job": f"{job.id}  {job.label}",
        "target": f"{name} ({kind})",
        "who": answer,
        "when": _when(there, name, at),
        "already": f"publication {before.number}: {words.state(before)}" if before else "",
        "title": text.title,
        "text": text.description.replace("\n", "\n           "),
        "tags": ", ".join(text.tags),
        "video": f"{video.path} ({size})",
        "cover": str(video.cover or ""),
    }
    for heading, value in lines.items():
        if value:
            out(printable(f"{heading + ':':<10} {value}"))


def _when(there: Open, name: str, at: dt.datetime | None) -> str:
    """What stands in its way at that time is said, too."""
    own, moment = there.desk.rules[name], at or dt.datetime.now(dt.UTC)
    when = words.at_zone(moment.astimezone(own.zone)) if at else "at once"
    if there.book.target(name).paused_by is not None:
        return f"{when}, but {name} is paused"
    if own.is_quiet(moment):
        return f"{when}, but these are quiet hours: after them"
    if own.per_day is not None and there.book.taken(name, own.day(moment)) >= own.per_day:
        return f"{when}, but that day is full: the next day with room"
    return when


def _preview_json(
    preview: Preview,
    job: JobRow,
    name: str,
    at: dt.datetime | None,
    before: Publication | None,
    answer: str,
    wrong: VigentdError | None,
) -> dict[str, Any]:
    from daemon.publications.told import publication_json

    video, text = preview.video, preview.text
    return {
        "job": job.id,
        "target": name,
        "who": answer,
        "at": at.isoformat() if at else None,
        "title": text.title,
        "description": text.description,
        "tags": list(text.tags),
        "video": str(video.path),
        "size": video.size,
        "duration_s": round(video.duration_s, 3),
        "width": video.width,
        "height": video.height,
        "cover": str(video.cover) if video.cover else None,
        "misfits": list(preview.misfits),
        "already": publication_json(before) if before else None,
        "error": wrong.as_dict() if wrong else None,
    }


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"
