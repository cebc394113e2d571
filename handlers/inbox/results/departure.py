"""Takes what an intake became to where it belongs: from AT_WORK to SETTLED.

Where everything goes is decided first and kept in the database; then it is carried there. A daemon that
is killed between carries the rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemon.config import Config
from daemon.intakes import Intake, IntakeItem, IntakeState
from daemon.jobs import JobRow, State
from daemon.queue import Queue
from handlers.inbox.claim.take import Taken, forget
from handlers.inbox.ledger import Ledger
from handlers.inbox.names import shown
from handlers.inbox.places import Places
from handlers.inbox.results import notes, outbox
from handlers.inbox.results.carrying import bring_back, carry_out, drop_note, stands
from handlers.inbox.results.notes import Repeated
from handlers.inbox.results.outbox import Result
from handlers.inbox.results.settlement import Outcome, Settlement, decide
from handlers.inbox.wording import in_their_words
from models.errors import StageFailed

Jobs = dict[str, JobRow]

CANCELLED = {"code": "cancelled", "message": "The job was cancelled", "hint": ""}


class Departure:
    """Everything here may raise OSError, when a place is away or full: then it is tried again later."""

    def __init__(self, config: Config, queue: Queue, ledger: Ledger, inbox: str, places: Places) -> None:
        self._config = config
        self._queue = queue
        self._ledger = ledger
        self._inbox = inbox
        self._places = places

    def leave(self, intake: Intake) -> tuple[Settlement, list[str]] | None:
        """None while its jobs are at work. Else how it was settled, and what is to be told of it."""
        folder = self._places.work / intake.id
        items = self._ledger.items(intake)
        jobs = self._ledger.jobs(items)
        if intake.state == IntakeState.SETTLING:
            settlement = self._decided(intake, items, jobs)
        else:
            if not all(self._is_over(intake, item, jobs) for item in items):
                return None
            self._drop_old_notes(intake)
            settlement = self._decide(intake, items, jobs)
            if not self._ledger.begin_settling(intake, settlement):
                return None
        about = {result.job_id: self._about(intake, result.job_id) for result in settlement.results}
        settlement, told = carry_out(
            settlement, folder, self._config.results, about, lambda now: self._ledger.settling(intake, now)
        )
        self._ledger.settled(intake, settlement)
        forget(folder)
        return settlement, told

    def bring_back(self, intake: Intake) -> list[str]:
        """A job of it is made again: its files return to .work. Returns those that are gone."""
        if intake.settlement is None or intake.state == IntakeState.AT_WORK:
            return []
        folder = self._places.work / intake.id
        settlement, taken = Settlement.from_json(intake.settlement), Taken.from_json(intake.taken)
        missing = bring_back(settlement, folder, taken, str(self._config.data_dir))
        self._ledger.reopen(intake)
        return missing

    def send_after(self, intake: Intake) -> None:
        """It is settled, and has a folder in .work: what is in there goes where the rest went.

        The disk was away when it was settled, or the daemon was killed while files were brought back.
        """
        folder = self._places.work / intake.id
        forget(folder)
        if folder.exists() and intake.settlement is not None:
            self._ledger.settling(intake, Settlement.from_json(intake.settlement))

    def _is_over(self, intake: Intake, item: IntakeItem, jobs: Jobs) -> bool:
        """There is no more to wait for. A duplicate waits for the first to be in its place, to name that."""
        if item.job_id is None or not item.duplicate:
            return item.job_id is None or jobs[item.job_id].finished
        keeper = self._ledger.keeper(item.job_id)
        settled = keeper is None or keeper[0].id == intake.id or keeper[0].state == IntakeState.SETTLED
        return settled and jobs[item.job_id].finished

    # ------------------------------------------------------------ where it goes

    def _decide(self, intake: Intake, items: Sequence[IntakeItem], jobs: Jobs) -> Settlement:
        settlement = self._settlement(intake, items, jobs)
        lost = self._lost(settlement.results)
        return self._settlement(intake, items, _without(jobs, lost)) if lost else settlement

    def _decided(self, intake: Intake, items: Sequence[IntakeItem], jobs: Jobs) -> Settlement:
        """As it was decided; but results may have waited for their place until they were kept no longer."""
        assert intake.settlement is not None
        settlement = Settlement.from_json(intake.settlement)
        lost = self._lost(settlement.results)
        if lost:  # then no source has moved yet
            for result in lost:
                outbox.withdraw(result, self._config.results)
            others = tuple(result for result in settlement.results if result not in lost)
            settlement = replace(self._settlement(intake, items, _without(jobs, lost)), results=others)
            self._ledger.settling(intake, settlement)
        return settlement

    def _lost(self, results: Sequence[Result]) -> list[Result]:
        """Those that were made, and removed before they could be delivered."""
        kept = self._config.results
        return [one for one in results if not one.delivered and not outbox.can_be_delivered(one, kept)]

    def _settlement(self, intake: Intake, items: Sequence[IntakeItem], jobs: Jobs) -> Settlement:
        taken = Taken.from_json(intake.taken)
        is_batch = any(kept.role == "batch" for kept in taken.files)
        outcome = self._outcome(intake, items, jobs)
        videos = [
            (item.job_id, item.name if is_batch else taken.name)
            for item in items
            if item.job_id and self._is_to_deliver(intake, item, jobs[item.job_id])
        ]
        note = None
        if is_batch and intake.error is None:
            note = self._batch_note(taken, items, jobs)
        elif outcome == "failed":
            note = self._failed_note(intake, taken, items, jobs)
        elif outcome == "duplicate":
            note = self._duplicate_note(taken, items, jobs)
        return decide(self._places, taken, outcome, videos, note)

    def _outcome(self, intake: Intake, items: Sequence[IntakeItem], jobs: Jobs) -> Outcome:
        if intake.error or any(_failure(item, jobs) for item in items):
            return "failed"
        return "duplicate" if all(item.duplicate for item in items) else "done"

    def _is_to_deliver(self, intake: Intake, item: IntakeItem, job: JobRow) -> bool:
        """Once: and, when the same files came again before it was done, for those that came last."""
        if item.duplicate or item.result is not None or job.state != State.DONE:
            return False
        keeper = self._ledger.keeper(job.id)
        return keeper is not None and keeper[1].number == item.number

    def _about(self, intake: Intake, job_id: str) -> dict[str, Any]:
        """What stands in the .json beside the video."""
        taken = Taken.from_json(intake.taken)
        sources = [shown(kept.name) for kept in taken.files if kept.role != "note"]
        described = self._queue.described(job_id, self._config.job_log)
        del described["publications"]  # of them nothing is known yet
        called = {str(path): name for path, name in self._called(taken).items()}
        spec = {
            key: called.get(value, value) if isinstance(value, str) else value
            for key, value in described["spec"].items()
        }
        return {"inbox": self._inbox, "sources": sources, **described, "spec": spec}

    # ------------------------------------------------------------ notes

    def _failed_note(self, intake: Intake, taken: Taken, items: Sequence[IntakeItem], jobs: Jobs) -> str:
        item = items[0] if items else None
        error = intake.error or (_failure(item, jobs) if item else None) or CANCELLED
        error = {key: in_their_words(text, self._called(taken)) for key, text in error.items()}
        job_id = item.job_id if item else None
        return notes.failed(_names(taken), error, job_id, self._config.job_log(job_id) if job_id else None)

    def _called(self, taken: Taken) -> dict[Path, str]:
        """What people call the clips and recordings, of which the pipeline speaks by their paths."""
        folder = self._places.work / taken.id
        return {
            folder / kept.kept: shown(kept.name) for kept in taken.files if kept.role in ("clip", "speech")
        }

    def _duplicate_note(self, taken: Taken, items: Sequence[IntakeItem], jobs: Jobs) -> str:
        job = jobs[str(items[0].job_id)]
        return notes.duplicate(_names(taken), job.id, self._earlier(job), job.finished_at)

    def _batch_note(self, taken: Taken, items: Sequence[IntakeItem], jobs: Jobs) -> str | None:
        """None when all rows were made, and none had been made before."""
        called = self._called(taken)
        failures = [
            (item.name, {key: in_their_words(text, called) for key, text in error.items()})
            for item in items
            if (error := _failure(item, jobs))
        ]
        repeated = [
            self._repeated(item, items, jobs) for item in items if item.duplicate and not _failure(item, jobs)
        ]
        if failures:
            return notes.batch(_names(taken), len(items), failures, repeated)
        return notes.batch_repeated(_names(taken), len(items), repeated) if repeated else None

    def _repeated(self, item: IntakeItem, items: Sequence[IntakeItem], jobs: Jobs) -> Repeated:
        for other in items:
            if other.job_id == item.job_id and not other.duplicate:
                return Repeated(item.name, like=other.name)
        return Repeated(item.name, self._earlier(jobs[str(item.job_id)]))

    def _earlier(self, job: JobRow) -> Path | None:
        """Where its video still is: in an outbox, if it came from an inbox, or where the worker left it."""
        keeper = self._ledger.keeper(job.id)
        if keeper and keeper[1].result and outbox.is_at(Path(keeper[1].result), job.id):
            return Path(keeper[1].result)
        return Path(job.output) if job.output and Path(job.output).is_file() else None

    def _drop_old_notes(self, intake: Intake) -> None:
        """Of earlier failures under this name whose files are no longer in failed/: they are tried again."""
        earlier = self._ledger.earlier_notes(intake)
        standing = {one.note for one in earlier if stands(one)}
        for one in earlier:
            if one.note not in standing:
                with contextlib.suppress(OSError):
                    drop_note(one)


def _without(jobs: Jobs, lost: Sequence[Result]) -> Jobs:
    """As if these had failed: their videos were removed before they could be delivered."""
    error = StageFailed(
        "The video was made, but it was removed from the data folder, as `disk.results_days` or "
        "`disk.results_size` say, before it could be put into the outbox",
        code="result_gone",
        hint="What is the same is not made again, so change something: the script, the clip or an option.",
    )
    changed = dict(jobs)
    for one in lost:
        row = JobRow(**jobs[one.job_id].model_dump())
        row.state = State.FAILED
        row.set_error(error)
        changed[one.job_id] = row
    return changed


def _failure(item: IntakeItem, jobs: Jobs) -> dict[str, str] | None:
    if item.job_id is None:
        return item.error
    job = jobs[item.job_id]
    if job.state == State.DONE:
        return None
    return job.error or CANCELLED


def _names(taken: Taken) -> list[str]:
    if taken.folder is not None:
        return [shown(taken.folder)]
    return [shown(kept.name) for kept in taken.files if kept.role != "note"]
