"""The past of an inbox that has been in use for long: files in done/, and what the database knows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from daemon.config import Config
from daemon.intakes import Intake, IntakeItem, IntakeState
from daemon.jobs import JobRow, State, iso, new_id
from daemon.queue import Queue
from handlers.inbox.claim.take import Kept, Taken
from handlers.inbox.ledger import SOURCE
from handlers.inbox.results.settlement import Settlement
from pipeline.spec import JobSpec

SCRIPT = "What was said then."


def invent(inbox: Path, name: str, config: Config, queue: Queue, files: int) -> None:
    """Of every two files in done/ a video was made, which has been removed since."""
    done = inbox / "done"
    done.mkdir()
    began = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with queue.database.writing() as s:
        for number in range(files // 2):
            for suffix in (".txt", ".mp4"):
                (done / f"old-{number}{suffix}").write_text(SCRIPT)
            at = began + dt.timedelta(seconds=number)
            taken = _taken(new_id(at, 0), f"old-{number}")
            clip = config.data_dir / "gone.mp4"
            s.add(_intake(taken, name, done, iso(at)))
            s.add(_job(taken, JobSpec(script=SCRIPT, clip=clip), SOURCE + name, number, iso(at)))
            s.flush()  # the item refers to its intake
            s.add(IntakeItem(intake_id=taken.id, position=0, name=taken.name, job_id=taken.id))


def _taken(intake_id: str, name: str) -> Taken:
    sha256 = "0" * 64
    script = Kept(f"{name}.txt", "script", "script.txt", len(SCRIPT), 0, sha256)
    clip = Kept(f"{name}.mp4", "clip", "clip.mp4", len(SCRIPT), 0, sha256)
    return Taken(intake_id, name, None, (script, clip))


def _intake(taken: Taken, inbox: str, done: Path, at: str) -> Intake:
    sources = tuple((kept.kept, kept.name) for kept in taken.files)
    return Intake(
        id=taken.id,
        inbox=inbox,
        name=taken.name,
        taken=taken.as_json(),
        state=IntakeState.SETTLED,
        at=at,
        settlement=Settlement("done", str(done), taken.name, sources).as_json(),
        settled_at=at,
    )


def _job(taken: Taken, spec: JobSpec, source: str, place: int, at: str) -> JobRow:
    return JobRow(
        id=taken.id,
        idempotency_key=f"{source}:{taken.id}",
        source=source,
        label=spec.script,
        spec=spec.model_dump(mode="json"),
        created_at=at,
        place=place,
        state=State.DONE,
        attempts=1,
        started_at=at,
        finished_at=at,
    )
