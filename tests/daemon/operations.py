"""The writes of a job's life, each from a known state: to be killed, starved and locked out by tests.

Time and chance are fixed, so an operation that is done twice from one state gives the same rows.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from daemon.queue import Claim, Queue
from models.errors import StageFailed
from pipeline.deliver import deliver
from pipeline.progress import Snapshot
from pipeline.result import files_of
from pipeline.spec import JobSpec
from pipeline.workspace import Workspace

OLDER = Path(__file__).parent / "databases" / "version2.sql"
SPEC = JobSpec(script="Good morning. " * 400, clip=Path("/clips/anna.mp4"))  # of more than a page
AT = Snapshot("lipsync", 0.5, 0.4, 12.0, 7)
INPUTS = {"clip": "anna"}
VIDEO = b"video" * 4000
MADE = {"compose": {"video.mp4": VIDEO, "cover.jpg": b"cover" * 400}, "captions": {"captions.srt": b"1"}}


@dataclass(frozen=True)
class Operation:
    """prepare: makes the state before, in an empty folder. act: the operation itself.

    opens: it is the opening of the database that is the operation.
    """

    prepare: Callable[[Path], None]
    act: Callable[[Queue, Path], None] = lambda queue, folder: None
    opens: bool = False


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """In memory where it can be: what is tried here does not depend on the disk, only its speed does."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


@contextmanager
def opened(folder: Path, hour: int = 12, busy_s: float = 10.0) -> Iterator[Queue]:
    seconds = count()

    def now() -> dt.datetime:
        return dt.datetime(2026, 8, 1, hour, tzinfo=dt.UTC) + dt.timedelta(seconds=next(seconds))

    queue = Queue(folder / "vigentd.db", now=now, chance=lambda n: n // 2, busy_s=busy_s)
    try:
        yield queue
    finally:
        queue.close()


def claimed(queue: Queue) -> Claim:
    """The claim of the running job, as its worker holds it."""
    row = queue.running()
    assert row is not None
    return Claim(row.id, row.token, JobSpec.model_validate(row.spec), row.attempts)


# ---------------------------------------------------------------- the states before


def no_jobs(folder: Path) -> None:
    with opened(folder, 9):
        pass


def one_queued(folder: Path) -> None:
    with opened(folder, 9) as queue:
        queue.submit(SPEC, key="a key")


def one_running(folder: Path) -> None:
    one_queued(folder)
    with opened(folder, 10) as queue:
        queue.claim("a worker")
        queue.progress(claimed(queue), AT)


def one_made(folder: Path) -> None:
    one_running(folder)
    for stage in ("captions", "compose"):
        make(stage, folder)
    (folder / "results").mkdir()


def an_older_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "vigentd.db")) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executescript(OLDER.read_text("utf-8"))


# ---------------------------------------------------------------- the operations


def make(stage: str, folder: Path) -> Path:
    """The stage's artifact, found or made."""

    def work(part: Path) -> None:
        for name, content in MADE[stage].items():
            (part / name).write_bytes(content)

    workspace = Workspace(folder / "work")
    return workspace.find(stage, INPUTS) or workspace.make(stage, INPUTS, work)


def finish_stage(queue: Queue, folder: Path) -> None:
    claim = claimed(queue)
    make("compose", folder)
    queue.record(claim, timings={"compose": 2.5}, notes=["It is bright"], amount_s=30.0, engine="x264")


def finish(queue: Queue, folder: Path) -> None:
    claim = claimed(queue)
    out = folder / "results" / f"{claim.job_id}.mp4"
    deliver(make("compose", folder), make("captions", folder), out)
    queue.finish(claim, Path(f"results/{out.name}"))


def fail(queue: Queue, folder: Path) -> None:
    queue.fail(claimed(queue), StageFailed("It broke " * 600, code="broken", hint="Mend it"))


OPERATIONS = {
    "first start": Operation(lambda folder: None, opens=True),
    "upgrade": Operation(an_older_database, opens=True),
    "submit": Operation(no_jobs, lambda queue, folder: _(queue.submit(SPEC, key="a key"))),
    "claim": Operation(one_queued, lambda queue, folder: _(queue.claim("a worker" * 600))),
    "finish stage": Operation(one_running, finish_stage),
    "finish": Operation(one_made, finish),
    "fail": Operation(one_running, fail),
    "release": Operation(one_running, lambda queue, folder: queue.release(claimed(queue))),
    "recover": Operation(one_running, lambda queue, folder: _(queue.recover())),
    "cancel": Operation(one_queued, lambda queue, folder: _(queue.cancel(queue.list()[0].id))),
}


def _(result: object) -> None:
    """For its effect only."""


def go_on(folder: Path) -> None:
    """What a daemon does that starts now: all jobs end done (what failed or was cancelled, by a retry)."""
    with opened(folder, 15) as queue:
        queue.recover()
        if queue.count() == 0:
            queue.submit(SPEC, key="a key")
        for row in queue.list():
            if row.state in ("failed", "cancelled"):
                queue.retry(row.id)
        (folder / "results").mkdir(exist_ok=True)
        while queue.claim("another worker") is not None:
            finish(queue, folder)


# ---------------------------------------------------------------- what is there


def rows(folder: Path) -> dict[str, Any]:
    """The whole database; empty when there is none yet. Raises AssertionError when it is not sound."""
    path = folder / "vigentd.db"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path)) as raw:
        raw.row_factory = sqlite3.Row
        assert [tuple(row) for row in raw.execute("PRAGMA integrity_check")] == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        tables = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: [dict(row) for row in raw.execute(f"SELECT * FROM {name}")] for name in tables}
        return found | {"version": raw.execute("PRAGMA user_version").fetchone()[0]} if found else {}


def files(folder: Path) -> dict[str, bytes]:
    """Artifacts and results under their final names, in the order in which results are delivered."""
    results = [p for out in (folder / "results").glob("*") for p in files_of(out.with_suffix(".mp4"))]
    there = [*sorted((folder / "work").glob("*/*")), *dict.fromkeys(results)]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in there
        if path.is_file() and not path.parent.name.endswith(".part")
    }
