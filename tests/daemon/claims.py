"""For tests of the queue: what a worker does."""

from __future__ import annotations

from daemon.queue import Claim, Queue
from pipeline.progress import Snapshot

AT = Snapshot("lipsync", 0.5, 0.4, 12.0, 7)


def claimed(queue: Queue, job_id: str | None = None) -> Claim:
    claim = queue.claim("tests", job_id)
    assert claim is not None
    return claim
