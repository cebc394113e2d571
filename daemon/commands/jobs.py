"""submit · wait · ls · show · cancel · retry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from daemon.app import App
from daemon.commands.common import AsJson, JobId, opened
from daemon.commands.terminal import console, duration, local_time, out, out_json, printable, tell, tell_error
from daemon.jobs import JobRow, State, beginning, job_json
from daemon.stop import Stop
from models.errors import BadInput, VigentdError
from pipeline.spec import JobSpec, Language

RECENT = 30  # finished or not, what `ls` shows a person; a program gets all

LANGUAGES = ", ".join(code for code in get_args(Language) if code != "auto")

Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Follow the job to its end; without a daemon, make this very video right here."
    ),
]


def register(app: typer.Typer) -> None:
    app.command()(submit)
    app.command()(wait)
    app.command()(ls)
    app.command()(show)
    app.command()(cancel)
    app.command()(retry)


def submit(
    ctx: typer.Context,
    *,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE|-", help="The text to be spoken; - reads it from stdin.")
    ] = None,
    clip: Annotated[Path, typer.Option(metavar="FILE", help="The presenter: a video or a photo.")],
    speech: Annotated[
        Path | None, typer.Option(metavar="WAV", help="A recording, instead of speaking the script.")
    ] = None,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="One of `vigentd voices`.")] = None,
    tone: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="How it is to be said: warm and calm. Not every voice can."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help=f"Of the script: auto (looks at it), {LANGUAGES}.")
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Shown at the beginning.")] = None,
    subtitles: Annotated[
        str | None, typer.Option(metavar="STYLE|none", help="One of `vigentd styles`.")
    ] = None,
    title_style: Annotated[str | None, typer.Option(metavar="STYLE", help="One of `vigentd styles`.")] = None,
    music: Annotated[
        str | None, typer.Option(metavar="NAME|FILE|none", help="One of `vigentd music`, or a file.")
    ] = None,
    music_volume: Annotated[float | None, typer.Option(metavar="0..1", help="How loud the music is.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The same seed gives the same video.")] = None,
    tags: Annotated[
        str | None, typer.Option(metavar="A,B", help="Shown where it is published: news,morning.")
    ] = None,
    publish: Annotated[
        str | None,
        typer.Option(metavar="NAME[,NAME]", help="Where it goes when it is done: `vigentd publish targets`."),
    ] = None,
    publish_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help='When, such as "2026-11-24 18:00"; usually with the next slot, or at once.'
        ),
    ] = None,
    out_file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where the video goes; .srt, .vtt and .jpg beside it."),
    ] = None,
    wait_for_it: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Ask for a video. Prints the job's id."""
    from daemon.admission import Request, admit
    from daemon.engines.roster import Chosen
    from models.voices import OWNER

    options = {
        "voice": voice,
        "tone": tone,
        "language": language,
        "title": title,
        "subtitles": subtitles,
        "title_style": title_style,
        "music": music,
        "music_volume": music_volume,
        "seed": seed,
        "tags": tags,
        "publish": publish,
        "publish_at": publish_at,
    }
    with opened(ctx) as app:
        text = _read_script(script, app.config.limits.script_chars)
        asked = Request(clip, text, speech, out_file, options, script, by=OWNER)
        spec = admit(asked, app.config)
        if publish_at is not None:
            _check_publish_at(spec)
        row = app.queue.submit(spec)
        if not as_json:
            out(row.id)
        if note := Chosen(app.config).unheard(spec):
            tell(f"note: {note}")
        if spec.speech and (voice or tone):
            tell("note: The recording is heard as it is: --voice and --tone are for scripts that are spoken")
        if wait_for_it:
            sys.stdout.flush()
            finish(app, row.id, as_json)
        else:
            if as_json:
                out_json(_described(app, row))
            _hand_over(app, row.id)


def wait(ctx: typer.Context, job_id: JobId, as_json: AsJson = False) -> None:
    """Follow a job to its end; without a daemon, work it off right here."""
    with opened(ctx) as app:
        finish(app, job_id, as_json)


def ls(
    ctx: typer.Context,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help=f"The newest N; usually {RECENT}, with --json all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the jobs, newest first."""
    with opened(ctx) as app:
        app.look_after_orphans()
        rows = app.queue.list(limit or (None if as_json else RECENT))
        positions = app.queue.positions()
        if as_json:
            out_json([job_json(row, positions.get(row.id)) for row in rows])
            return
        if not rows:
            tell("No jobs yet. `vigentd demo` makes a first video.")
            return
        _table(rows, positions)
        if (older := app.queue.count() - len(rows)) > 0:
            tell(f"… and {older} older (--limit {older + len(rows)} shows them)")


def show(ctx: typer.Context, job_id: JobId, as_json: AsJson = False) -> None:
    """Show one job."""
    with opened(ctx) as app:
        app.look_after_orphans()
        row = app.queue.get(job_id)
        if as_json:
            out_json(_described(app, row))
        else:
            _card(_described(app, row))


def cancel(ctx: typer.Context, job_id: JobId, as_json: AsJson = False) -> None:
    """Stop a job, or take it out of the queue. What it has made so far is kept for `retry`."""
    with opened(ctx) as app:
        row = app.cancel(job_id)
        _nudge(app)
        if as_json:
            out_json(_described(app, row))
        elif row.state == State.RUNNING:
            tell(f"Job {row.id} is being stopped.")
        else:
            tell(f"Job {row.id} is cancelled.")


def retry(ctx: typer.Context, job_id: JobId, wait_for_it: Wait = False, as_json: AsJson = False) -> None:
    """Put a failed or cancelled job back into the queue; the stages that it finished are not made again."""
    with opened(ctx) as app:
        app.look_after_orphans()
        row = app.queue.retry(job_id)
        if wait_for_it:
            finish(app, row.id, as_json)
            return
        if as_json:
            out_json(_described(app, row))
        else:
            tell(f"Job {row.id} is back in the queue.")
        _hand_over(app, row.id)


# ---------------------------------------------------------------- shared with `demo`


def finish(app: App, job_id: str, as_json: bool) -> JobRow:
    """Follow the job to its end and say how it ended. Raises typer.Exit(1) unless it is done."""
    from daemon.commands.follow import follow

    job_id = app.job(job_id)[0].id  # as it is written in the database; an unknown one is wrong use
    _nudge(app)
    try:
        row = follow(app, job_id, Stop())
    except VigentdError as e:  # from here on it is the machine (a full disk, a locked database)
        tell_error(e)
        if as_json:
            out_json({"error": e.as_dict()})
        raise typer.Exit(1) from e
    if as_json:
        out_json(_described(app, row))
    elif row.state == State.DONE:
        out(str(row.output))
    if row.state != State.DONE:
        _say_why_not(app, row)
        raise typer.Exit(1)
    for note in row.notes:
        tell(f"note: {note}")
    if not app.daemon_runs() and app.queue.is_awaited(row.id):
        tell("note: It will be published when the daemon runs (`vigentd run`).")
    return row


def _described(app: App, row: JobRow) -> dict[str, Any]:
    return app.queue.described(row.id, app.config.job_log)


def _check_publish_at(spec: JobSpec) -> None:
    """Raises BadInput `time_over`, `time_far`, `usage`."""
    from daemon.commands.publish.times import check

    assert spec.publish_at is not None
    check(spec.publish_at, "--publish-at")
    if not spec.publish:
        raise BadInput(
            "--publish-at says when, and nothing says where to",
            code="usage",
            hint="Add --publish NAME; `vigentd publish targets` shows the names.",
        )


def _read_script(script: Path | None, limit_chars: int) -> bytes | None:
    from daemon.admission import read_script_file
    from daemon.said import limit_bytes

    if script is None:
        return None
    if str(script) != "-":
        return read_script_file(script.expanduser(), limit_chars)
    if sys.stdin.isatty():
        tell("Type the script; Ctrl-D on an empty line ends it.")
    return sys.stdin.buffer.read(limit_bytes(limit_chars))


def _nudge(app: App) -> None:
    from daemon.control.client import nudge

    nudge(app.config.socket)


def _hand_over(app: App, job_id: str) -> None:
    """The daemon learns of the job at once; when there is none, the person learns what to do."""
    _nudge(app)
    if not app.daemon_runs():
        tell(f"No daemon is running; `vigentd wait {job_id}` makes the video here and now.")


def _say_why_not(app: App, row: JobRow) -> None:
    if row.error:
        tell(f"error: {row.error['message']}")
        if row.error["hint"]:
            tell(f"hint: {row.error['hint']}")
    elif row.state == State.CANCELLED:
        tell("error: The job was cancelled")
        tell(f"hint: `vigentd retry {row.id} --wait` goes on where it stopped.")
    elif app.daemon_runs() or (row.state == State.RUNNING and app.somebody_works()):
        where = "the daemon" if app.daemon_runs() else "another process"
        tell(f"Job {row.id} goes on in {where}; `vigentd cancel {row.id}` would stop it.")
    else:
        tell(f"Job {row.id} is back in the queue; `vigentd wait {row.id}` goes on where it stopped.")


def _table(rows: Any, positions: dict[str, int]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("id", "state", "progress", "submitted"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    table.add_column("what", overflow="fold")  # on a narrow terminal it gives way, and no other
    for row in rows:
        cells = (row.id, str(row.state), _how_far(row, positions.get(row.id)), local_time(row.created_at))
        table.add_row(*cells, Text(printable(_what(row)), no_wrap=not row.error_message, overflow="ellipsis"))
    console().print(table)


def _what(row: JobRow) -> str:
    """Which video, and why there is none."""
    return f"{row.label}: {beginning(row.error_message)}" if row.error_message else row.label


def _how_far(row: JobRow, position: int | None) -> str:
    if row.state == State.QUEUED:
        return f"number {position}"
    if row.state == State.RUNNING:
        left = "" if row.eta_s is None else f", {duration(row.eta_s)} left"
        return f"{row.stage or 'starting'} {row.progress:.0%}{left}"
    return ""


def _milestone(milestone: dict[str, Any]) -> str:
    """ "2026-11-21 22:39:25 stage lipsync, 1.8 s"."""
    name, facts = milestone["name"].replace("_", " "), dict(milestone["facts"])
    if name == "stage":
        name += " " + facts["name"]
        told = "reused" if facts["reused"] else f"{facts['seconds']:.1f} s"
    else:
        told = ", ".join(f"{key} {value}" for key, value in facts.items() if key != "owner")
    return f"{local_time(milestone['at'], seconds=True)} {name}{', ' * bool(told)}{told}"


def _spoken(spec: dict[str, Any]) -> dict[str, str]:
    """Who says it, how and in which language; or whose recording it is."""
    from pipeline.language import detect_language

    language = spec["language"]
    if language == "auto" and spec["script"]:
        language = f"{detect_language(spec['script'])} (auto)"
    if spec["speech"]:
        return {"speech": spec["speech"], "language": language}
    return {"voice": spec["voice"], "tone": spec.get("tone", ""), "language": language}


def _where_to(job: dict[str, Any]) -> list[str]:
    """What became of each publication; and where to it goes that is not done yet."""
    lines = []
    for one in job["publications"]:
        state = one["state"].replace("proposed", "waits for approval").replace("asked", "nobody knows")
        told = (
            f"{one['target']}: {state}",
            local_time(one["changed_at"] if state == "published" else one["due_at"]),
            one["url"],
            (one["error"] or {}).get("message"),
        )
        lines.append(", ".join(part for part in told if part) + f" (number {one['number']})")
    known = {one["target"] for one in job["publications"]}
    wanted = [name for name in job["spec"].get("publish", ()) if name not in known]
    if wanted and not job["finished_at"]:
        at = local_time(job["spec"].get("publish_at"))
        lines.append(f"{', '.join(wanted)}{', ' * bool(at)}{at}, when it is done")
    return lines


def _card(job: dict[str, Any]) -> None:
    """The job for a person: one line for each thing that is known."""
    spec = job["spec"]
    error = job["error"] or {}
    lines = {
        "job": f"{job['id']}  {job['label']}",
        "state": job["state"]
        + (f", number {job['queue_position']} in line" if job["queue_position"] else ""),
        "progress": f"{job['stage']} {job['progress']:.0%}" if job["stage"] else None,
        "error": error.get("message"),
        "hint": error.get("hint"),
        "video": job["output"],
        "clip": spec["clip"],
        **_spoken(spec),
        "seed": str(spec["seed"]),
        "engines": ", ".join(f"{kind}: {name}" for kind, name in job["engines"].items()),
        "stages": ", ".join(
            f"{stage} {seconds:.1f} s{' (reused)' if stage in job['reused'] else ''}"
            for stage, seconds in job["timings"].items()
        ),
        "submitted": local_time(job["created_at"]),
        "started": local_time(job["started_at"])
        + (f" (attempt {job['attempts']})" if job["attempts"] > 1 else ""),
        "finished": local_time(job["finished_at"]),
        "notes": "\n           ".join(job["notes"]),
        "history": "\n           ".join(map(_milestone, job["milestones"])),
        "publish": "\n           ".join(_where_to(job)),
        "log": job["log"],
    }
    for name, value in lines.items():
        if value:
            out(printable(f"{name + ':':<10} {value}"))
