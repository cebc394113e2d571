"""Takes jobs back from a worker that died."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from daemon.config import Config
from daemon.disk.housekeeping import tidy_job
from daemon.jobs import JobRow
from daemon.queue import Queue
from pipeline.stages import RESUMABLE


def take_back(config: Config, queue: Queue, but: Collection[str] = ()) -> Sequence[JobRow]:
    """Every job that is marked as running; only for the holder of the worker lock.

    Their temporary files go first: one may be at its last attempt, and then nobody comes by again.
    but: ids of jobs that the holder works on; none of them ends, and none is added, meanwhile.
    """
    orphans = [row for row in queue.all_running() if row.id not in but]
    if not orphans:
        return ()
    for row in orphans:
        out = row.spec.get("out")
        tidy_job(config, row.id, Path(out) if out else None, RESUMABLE)
    return queue.recover(but)
