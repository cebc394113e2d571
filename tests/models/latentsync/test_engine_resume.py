"""A job that goes on where another ended, on the same engine or after a restart, gives the same frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.engine import SyncReport
from models.errors import Cancelled
from models.latentsync.engine import LatentSyncEngine
from tests.face_kit import clip_of
from tests.models.latentsync.job_kit import USUAL, CancelWhen, Counts, Job, assert_same

COUNT = 37  # frames of 30 pictures: the clip is played back at the end


def test_going_on_at_each_chunk(job: Job, face: Path) -> None:
    """With the folder of the job before, as after a restart, and with an empty one."""
    scratch = job.options().scratch
    whole = job(clip_of(face, COUNT), scratch=scratch, **USUAL)
    assert [frame.number for frame in whole] == list(range(COUNT))
    for first in (16, 32):
        assert_same(job(clip_of(face, COUNT), first=first, scratch=scratch, **USUAL), whole[first:])
    assert_same(job(clip_of(face, COUNT), first=32, **USUAL), whole[32:])


def test_nothing_is_left_to_do(job: Job, face: Path) -> None:
    """All was checkpointed, but the job did not live to say so. What is to be said of it still is."""
    report = SyncReport()
    assert job(clip_of(face, 20), first=32, report=report) == []
    assert report == SyncReport(frames=20)


def test_after_a_kill(
    job: Job, face: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has nothing but the weights and the folder, with a part of the track in it."""
    monkeypatch.setattr("models.track.BLOCK", 16)
    whole, counts = job(clip_of(face, 20)), Counts(job.engine, monkeypatch)
    scratch = job.options().scratch
    with pytest.raises(Cancelled):
        job(clip_of(face, 20), CancelWhen(lambda: counts.tracked == 20), scratch=scratch)
    assert [path.name for path in scratch.glob("track-*")] == ["track-000000.npz"]

    counts.tracked = 0
    other = Job(LatentSyncEngine.open(weights, "cpu", compile=False), tmp_path)
    assert_same(other(clip_of(face, 20), first=16, scratch=scratch), whole[16:])
    assert counts.tracked == 30 - 16
