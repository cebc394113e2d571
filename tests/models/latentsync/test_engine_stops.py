"""Heartbeats, and how a job ends before its time: cancelled, given up by its reader, out of memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.engine import SyncedFrame, SyncReport
from models.errors import Cancelled, Unavailable
from models.latentsync import network
from models.latentsync.engine import LatentSyncEngine
from models.latentsync.network import Networks
from tests.face_kit import clip_of
from tests.models.latentsync.job_kit import CancelWhen, Counts, Job, Pictures, film
from tests.progress_kit import Steps


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Of all that goes on beside a job, however it ends."""
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before


def assert_rising(steps: Steps) -> None:
    assert all(a <= b for a, b in pairwise(steps.shares))
    assert 0 < steps.shares[0] < 0.2  # a step of four, of a chunk that is most of the video
    assert steps.shares[-1] == pytest.approx(1.0, abs=1e-9)


def test_every_denoising_step_is_a_heartbeat(job: Job, face: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, counts = Steps(), Counts(job.engine, monkeypatch)
    job(clip_of(face, 40), steps, steps=4)
    assert counts.called == 3 * 4
    assert len(steps.seen) >= counts.tracked + counts.called
    assert_rising(steps)


def test_it_ends_with_the_last_frame(job: Job, pictures: Pictures, tmp_path: Path) -> None:
    """Of a long clip more is followed than is shown, in whole blocks; that is given up then."""
    path = film(tmp_path / "long.mp4", np.concatenate([pictures, pictures[::-1]]))
    steps = Steps()
    assert len(job(clip_of(path, 3), steps)) == 3
    assert_rising(steps)


def test_the_heart_beats_where_nothing_is_sampled(job: Job, pictures: Pictures, tmp_path: Path) -> None:
    """Nobody is there for two chunks; and again when all is known of the track."""
    nobody = np.full((34, *pictures.shape[1:]), 140, np.uint8)
    path, scratch = (
        film(tmp_path / "late.mp4", np.concatenate([nobody, pictures[:14]])),
        job.options().scratch,
    )
    for _ in range(2):
        steps = Steps()
        job(clip_of(path, 48), steps, scratch=scratch, max_faceless=0.9)
        sampled = [share for share in steps.shares if share > 0.1]
        assert len(set(sampled)) >= 2 + 1
        assert steps.shares[-1] == pytest.approx(1.0, abs=1e-9)


def test_a_resumed_job_begins_where_it_was(job: Job, face: Path, followed: Path) -> None:
    steps = Steps()
    job(clip_of(face, 40), steps, first=32, scratch=followed, steps=4)
    assert max(steps.shares) == steps.shares[-1] == pytest.approx(1.0, abs=1e-9)
    assert sorted(steps.shares)[-2] > 0.8


@pytest.mark.parametrize("step", [1, 2, 6])
def test_cancelled_within_a_denoising_step(
    job: Job, face: Path, followed: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """In the first chunk or in a later one, with frames that are waiting to be taken."""
    counts = Counts(job.engine, monkeypatch)
    with pytest.raises(Cancelled):
        job(clip_of(face, 50), CancelWhen(lambda: counts.called == step), steps=4, scratch=followed)
    assert counts.called == step


def test_cancelled_while_the_presenter_is_looked_for(
    job: Job, face: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = Counts(job.engine, monkeypatch)
    with pytest.raises(Cancelled):
        job(clip_of(face, 50), CancelWhen(lambda: counts.tracked == 3))
    assert counts.tracked == 3
    assert counts.called == 0


@pytest.mark.parametrize("taken", [0, 1, 16, 17])
def test_a_reader_may_stop_at_any_frame(job: Job, face: Path, followed: Path, taken: int) -> None:
    frames = job.begun(clip_of(face, 50), scratch=followed)
    for number in range(taken):
        assert next(frames).number == number
    frames.close()
    assert list(frames) == []


@pytest.mark.parametrize("at", [20, 35])
def test_the_engine_serves_after_a_job_that_failed(job: Job, face: Path, at: int) -> None:
    """A clip that breaks, while it is followed or while frames are made, takes no other job with it."""
    clip = clip_of(face, 40)
    pictures = clip.pictures

    def broken(numbers: Any) -> Iterator[Any]:
        for count, picture in enumerate(pictures(numbers)):
            if count == at:
                raise OSError("the disk is gone")
            yield picture

    clip.pictures = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(OSError, match="the disk is gone"):
        job(clip)
    assert len(job(clip_of(face, 4))) == 4


# ---------------------------------------------------------------- out of memory


# The whole network at every step, without and with the speech.
ALL: dict[str, Any] = {"steps": 2, "guidance": 1.5, "deepcache_interval": 0}


class Short:
    """The UNet on a device whose memory is short: at one call, or whenever it has two samples at once."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int = 10**9, most: int = 2) -> None:
        self.calls, whole = 0, network.whole

        def called(unet: Any, sample: Tensor, time: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
            self.calls += 1
            if self.calls == at or len(sample) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return whole(unet, sample, time, audio)

        patch.setattr(network, "whole", called)


def anew(job: Job) -> Job:
    """On networks that have not had to save memory yet; what they call is looked up when they are made."""
    old = job.engine
    networks = Networks(old.networks.unet, old.networks.vae)
    return Job(LatentSyncEngine(networks, old.whisper, fingerprint="tiny"), job.folder)


def furthest(made: list[SyncedFrame], expected: list[SyncedFrame]) -> int:
    assert [frame.number for frame in made] == [frame.number for frame in expected]
    differences = [0]
    for a, b in zip(made, expected, strict=True):
        assert a.box == b.box
        if a.pixels is not None and b.pixels is not None:
            differences.append(int(np.abs(a.pixels.astype(int) - b.pixels).max()))
    return max(differences)


@pytest.mark.parametrize("at", [1, 3])
def test_short_of_memory_once(
    job: Job, face: Path, followed: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """In the first chunk, or when a chunk is done. The job is finished with less at once, and says so."""
    plain = job(clip_of(face, 20), **ALL, scratch=followed)
    short, report, steps = Short(monkeypatch, at), SyncReport(), Steps()
    made = anew(job)(clip_of(face, 20), steps, 0, report, **ALL, scratch=followed)
    assert short.calls > at
    assert furthest(made, plain) <= 1  # rounding
    (note,) = report.notes
    assert "memory" in note
    assert steps.shares[-1] == pytest.approx(1.0, abs=1e-9)


def test_memory_for_one_sample_and_not_for_two(
    job: Job, face: Path, followed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Short(monkeypatch, most=1)
    assert len(anew(job)(clip_of(face, 20), scratch=followed, **ALL)) == 20


def test_short_of_memory_again(job: Job, face: Path, followed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Short(monkeypatch, most=0)
    with pytest.raises(Unavailable) as caught:
        anew(job)(clip_of(face, 20), scratch=followed, **ALL)
    assert caught.value.code == "out_of_memory"
    assert caught.value.hint


def test_fractions_never_fall_when_a_chunk_is_made_anew(
    job: Job, face: Path, followed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Short(monkeypatch, 4)
    steps = Steps()
    anew(job)(clip_of(face, 20), steps, **{**ALL, "steps": 4}, scratch=followed)
    assert_rising(steps)
