"""status · events: what the daemon does, now and live."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import signal
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.app import App
from daemon.commands.common import AsJson, configuration, opened
from daemon.commands.terminal import (
    console,
    counted,
    duration,
    local_time,
    out,
    out_json,
    printable,
    tell,
    tell_error,
)
from daemon.jobs import job_json
from daemon.store.lock import holder
from models.errors import Unavailable

if TYPE_CHECKING:
    from daemon.control.client import EventStream


def register(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(events)


def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show what the daemon does, and what waits. Exit code 1 when none is running."""
    with opened(ctx) as app:
        told, away = _ask(app)
    if as_json:
        out_json(told)
    else:
        _card(told)
        if away is not None and away.hint:
            tell(f"hint: {away.hint}")
    if away is not None:
        raise typer.Exit(1)


def events(
    ctx: typer.Context,
    job_id: Annotated[str | None, typer.Option("--job", metavar="ID", help="Of this job only.")] = None,
) -> None:
    """Print what happens in the daemon, one JSON object a line, until Ctrl-C (exit code 0)."""
    from daemon.control.client import Client, DaemonAway

    away = DaemonAway("The daemon has stopped", hint="The jobs are safe; `vigentd ls` shows them.")
    ended: list[int] = []
    try:
        with Client(configuration(ctx).socket).events(job_id) as stream, _until_ctrl_c(stream, ended):
            for event in stream:
                out(_one_line(event))
                sys.stdout.flush()
    except DaemonAway as e:
        away = e
    if not ended:
        tell_error(away)
        raise typer.Exit(1)


@contextmanager
def _until_ctrl_c(stream: EventStream, ended: list[int]) -> Iterator[None]:
    """Ctrl-C ends the stream, but not in the middle of a line; then `ended` is not empty."""

    def end(number: int, _: FrameType | None) -> None:
        ended.append(number)
        stream.hang_up()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _one_line(event: dict[str, Any]) -> str:
    line = json.dumps(event, ensure_ascii=(sys.stdout.encoding or "").lower() != "utf-8")
    # JSON escapes most control characters itself; the others may command a terminal, too.
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) == "Cc" else c for c in line)


# ---------------------------------------------------------------- status


def _ask(app: App) -> tuple[dict[str, Any], Unavailable | None]:
    """What the daemon says; or what the database knows, and why the daemon says nothing."""
    from daemon.control.client import Client, DaemonAway

    try:
        told: dict[str, Any] = Client(app.config.socket).get("/status")
    except DaemonAway as e:
        return _from_the_database(app, e), e
    return told, None


def _from_the_database(app: App, away: Unavailable) -> dict[str, Any]:
    """The same keys as the daemon's own answer."""
    app.look_after_orphans()
    works = holder(app.config.data_dir)
    pid, state, why = None, "stopped", away.message
    if works is not None and works.kind == "daemon":
        pid, state = works.pid, "silent"
        why = "The daemon does not answer: it is starting or stopping, or it is stuck"
    elif works is not None:
        why = f"{away.message}; process {works.pid} makes a video in the foreground"
    jobs = [job_json(row, None) for row in app.queue.all_running()]
    return {
        "pid": pid,
        "version": None,
        "started_at": None,
        "data_dir": str(app.config.data_dir),
        "state": state,
        "why": why,
        "hint": "",
        "not_reloaded": None,
        "health": None,
        "hosts": [],
        "inboxes": [],
        "telegram": None,
        "publish": _published(app),
        "job": jobs[0] if jobs else None,
        "jobs": jobs,
        "lanes": 0,
        "counts": app.queue.counts(),
        "oldest_waiting": app.queue.oldest_waiting(),
        "free": shutil.disk_usage(app.config.data_dir).free,
    }


def _published(app: App) -> dict[str, Any]:
    from daemon.publications.book import Book
    from daemon.publications.counted import counted

    publish, db = app.config.publish, app.queue.database
    rules = {one.name: one for one in publish.rules()}
    return counted(db, Book(db), rules, dt.datetime.now(dt.UTC)).in_short(list(rules))


def _card(told: dict[str, Any]) -> None:
    """The status for a person: one line for each thing that is known, then the hosts."""
    counts, refused = told["counts"], told.get("not_reloaded")
    _line("daemon", _daemon(told))
    _line("why", told["why"])
    _line("hint", told.get("hint"))
    if refused:
        _line("config", f"not taken up: {refused['message']}")
        _line("hint", refused["hint"])
    _line("health", _health(told.get("health")))
    for job in told.get("jobs") or filter(None, [told["job"]]):
        _line("job", _job(job))
    _line("waiting", _waiting(counts["queued"], told["oldest_waiting"]))
    _line("inboxes", "; ".join(map(_inbox, told["inboxes"])))
    _line("telegram", _telegram(told.get("telegram")))
    _line("publish", _publish(told.get("publish")))
    _line("finished", ", ".join(f"{counts[state]} {state}" for state in ("done", "failed", "cancelled")))
    _line("data", f"{told['data_dir']} ({told['free'] / 1e9:.1f} GB free)")
    if told["hosts"]:
        out("")
        _table(told["hosts"])
        _reasons(host for host in told["hosts"] if host.get("why") != told["why"])


def _line(name: str, value: str | None) -> None:
    if value:
        out(printable(f"{name + ':':<10} {value}"))


def _daemon(told: dict[str, Any]) -> str:
    parts = (
        told["state"],
        told["pid"] and f"process {told['pid']}",
        told["version"] and f"version {told['version']}",
        told["started_at"] and f"since {local_time(told['started_at'])}",
    )
    return ", ".join(str(part) for part in parts if part)


def _health(health: dict[str, str] | None) -> str:
    """Nothing while all is well."""
    if health is None or health["verdict"] == "healthy":
        return ""
    return f"{health['verdict']}: {health['why']} (`vigentd health` says more)"


def _job(job: dict[str, Any]) -> str:
    left = "" if job["eta_s"] is None else f", {duration(job['eta_s'])} left"
    return f"{job['id']}  {job['stage'] or 'starting'} {job['progress']:.0%}{left}  {job['label']}"


def _waiting(queued: int, oldest: str | None) -> str:
    since = f", the oldest since {local_time(oldest)}" if oldest else ""
    return f"{counted(queued, 'job')}{since}"


def _inbox(inbox: dict[str, Any]) -> str:
    held = f", {inbox['held']} held" if inbox["held"] else ""
    return f"{inbox['name']} {inbox['state']}{held}"


def _telegram(bot: dict[str, Any] | None) -> str:
    if bot is None:
        return ""
    name = f"@{bot['name']} " if bot["name"] else ""
    why = f" ({bot['why']})" if bot["why"] else ""
    waiting = f", {counted(bot['waiting'], 'message')} to send" if bot["waiting"] else ""
    return f"{name}{bot['state']}{why}{waiting}"


def _publish(told: dict[str, Any] | None) -> str:
    """Nothing where there are no targets."""
    if told is None or not (told["targets"] or told["counts"]):
        return ""
    counts, coming = told["counts"], told["next"]
    parts = [counted(len(told["targets"]), "target")]
    if waiting := sum(counts.get(state, 0) for state in ("approved", "sending", "unsure")):
        parts.append(f"{waiting} waiting")
    if approvals := counts.get("proposed", 0):
        parts.append(f"{approvals} to approve")
    if stuck := counts.get("held", 0) + counts.get("asked", 0):
        parts.append(f"{stuck} for a person (`vigentd publish plan`)")
    if coming is not None:
        soon = dt.datetime.fromisoformat(coming["at"]) <= dt.datetime.now(dt.UTC)
        parts.append(f"next {coming['target']} {'now' if soon else local_time(coming['at'])}")
    return ", ".join(parts)


def _table(hosts: Iterable[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("host", "state", "engine", "device", "memory", "GPU memory", "does"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for host in hosts:
        cells = (
            host["name"],
            host["state"],
            host["engine"] or "",
            host["device"] or "",
            _gigabytes(host["rss"]),
            _gigabytes(host["vram"]),
            " ".join(filter(None, (host["job"], host["stage"]))),
        )
        table.add_row(*(Text(printable(str(cell))) for cell in cells))
    console().print(table)


def _reasons(hosts: Iterable[dict[str, Any]]) -> None:
    """Why they cannot be asked. Below the table: a sentence in it would leave no room for the rest."""
    for host in hosts:
        _line(host["name"], host.get("why"))
        _line("hint", host.get("hint"))


def _gigabytes(size: int | None) -> str:
    return f"{size / 1e9:.1f} GB" if size else ""
