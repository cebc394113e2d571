"""Takes jobs back from a worker that died."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daemon.config import Config
from daemon.disk.housekeeping import tidy_job
from daemon.jobs import JobRow
from daemon.queue import Queue
from pipeline.stages import RESUMABLE


def take_back(config: Config, queue: Queue) -> Sequence[JobRow]:
    """Every job that is marked as running; only for the holder of the worker lock.

    Its temporary files go first: it may be at its last attempt, and then nobody comes by again.
    """
    row = queue.running()
    if row is None:
        return ()
    out = row.spec.get("out")
    tidy_job(config, row.id, Path(out) if out else None, RESUMABLE)
    return queue.recover()
