"""Made by many, in any order: every pixel as one engine makes it."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.engine import SyncedFrame, SyncReport
from models.errors import BadInput, Cancelled
from models.latentsync import fan
from models.latentsync.engine import LatentSyncEngine
from models.latentsync.fan import FanOut
from models.orders import taken_by
from models.presenters import Presenters
from models.progress import Progress, Quiet
from tests.face_kit import clip_of
from tests.models.latentsync.job_kit import (
    USUAL,
    CancelWhen,
    Counts,
    Job,
    Pictures,
    assert_same,
    film,
    keyed_clip,
    untouched,
)
from tests.models.orders_kit import Replicas


class Fanned(Job):
    """A job on replicas. `job` is one on a single engine."""

    replicas: Replicas

    def begun(
        self,
        clip: Any,
        progress: Progress | None = None,
        first: int = 0,
        report: SyncReport | None = None,
        **options: Any,
    ) -> Generator[SyncedFrame]:
        with taken_by(self.replicas):
            yield from super().begun(clip, progress, first, report, **options)


@pytest.fixture
def fanned(engine: LatentSyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fanned:
    monkeypatch.setattr(fan, "MOST", 1)
    job = Fanned(FanOut(3), tmp_path)  # type: ignore[arg-type]
    job.replicas = Replicas(engine)
    return job


@pytest.mark.parametrize(
    "count", [1, 17, *(pytest.param(count, marks=pytest.mark.slow) for count in (16, 30, 83))]
)
def test_the_same_frames(job: Job, fanned: Fanned, face: Path, count: int) -> None:
    """A clip of 30 pictures is played to and fro."""
    report = SyncReport()
    made = fanned(clip_of(face, count), report=report, **USUAL)
    assert_same(made, job(clip_of(face, count), **USUAL))
    assert report == SyncReport(frames=count)
    assert fanned.replicas.done.count("make") >= -(-count // 16)


def test_batches_of_several_chunks(
    job: Job, fanned: Fanned, face: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan, "MOST", 2)
    assert_same(fanned(clip_of(face, 70)), job(clip_of(face, 70)))
    assert fanned.replicas.done.count("make") < 5


@pytest.mark.parametrize(
    ("chunks", "replicas", "sizes"),
    [
        (95, 1, [2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 8, 6, 3, 2, 1]),
        (40, 2, [2, 2, 3, 3, 4, 4, 5, 4, 3, 2, 2, 2, 2, 2]),
        (16, 2, [2, 2, 3, 2, 2, 2, 2, 1]),
        (1, 1, [1]),
        (0, 3, []),
    ],
)
def test_batches_begin_small_and_end_small(chunks: int, replicas: int, sizes: list[int]) -> None:
    assert list(fan._sizes(chunks, replicas)) == sizes


def test_latents_are_made_once_in_a_clip_that_is_played_again(
    fanned: Fanned, face: Path, engine: LatentSyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches that were written before the first ones came back do not know of theirs."""
    encoded: list[int] = []
    encode = engine.networks.encode

    def counted(faces: torch.Tensor) -> torch.Tensor:
        encoded.append(len(faces) // 2)
        return encode(faces)

    monkeypatch.setattr(engine.networks, "encode", counted)
    fanned.engine = FanOut(9)  # type: ignore[assignment]  # so many are under way before the first answer is read
    fanned(clip_of(face, 64))
    assert sum(encoded) == 30, "each picture of the clip, once"
    fanned(clip_of(face, 5), seed=1)
    assert sum(encoded) == 35, "the next job is another one"


@pytest.mark.parametrize(
    ("fps", "count"),
    [(50, 36), (60, 2), *(pytest.param(*each, marks=pytest.mark.slow) for each in ((50, 70), (60, 97)))],
)
def test_fast_clips_have_frames_between_two_batches(
    job: Job, fanned: Fanned, pictures: Pictures, tmp_path: Path, fps: int, count: int
) -> None:
    path = film(tmp_path / "clip.mp4", pictures[:40], fps)
    assert_same(fanned(clip_of(path, count)), job(clip_of(path, count)))


@pytest.mark.slow
def test_a_fast_clip_goes_on_in_the_middle(
    job: Job, fanned: Fanned, pictures: Pictures, tmp_path: Path
) -> None:
    path = film(tmp_path / "clip.mp4", pictures[:40], 50)
    whole = job(clip_of(path, 70))
    for first in (16, 32, 48):
        assert_same(fanned(clip_of(path, 70), first=first), whole[first:])


def test_cuts_and_nobody(job: Job, fanned: Fanned, pictures: Pictures, tmp_path: Path) -> None:
    """A whole batch without a face, and shots that begin within one."""
    nobody = np.full((22, *pictures.shape[1:]), 140, np.uint8)
    path = film(tmp_path / "cut.mp4", np.concatenate([pictures[:12], nobody, pictures[20:31, :, ::-1]]))
    own, theirs = SyncReport(), SyncReport()
    made = fanned(clip_of(path, 45), report=theirs, max_faceless=0.8)
    assert_same(made, job(clip_of(path, 45), report=own, max_faceless=0.8))
    assert untouched(made) and own == theirs


def test_too_few_faces_are_named(fanned: Fanned, pictures: Pictures, tmp_path: Path) -> None:
    nobody = np.full((30, *pictures.shape[1:]), 140, np.uint8)
    path = film(tmp_path / "few.mp4", np.concatenate([pictures[:8], nobody]))
    before = threading.enumerate()
    with pytest.raises(BadInput) as caught:
        fanned(clip_of(path, 38))
    assert caught.value.code == "too_few_faces"
    assert threading.enumerate() == before


@pytest.mark.slow
def test_a_daily_presenter_costs_sampling_alone(
    engine: LatentSyncEngine,
    job: Job,
    fanned: Fanned,
    pictures: Pictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What replicas learn of a presenter is kept here, and told to the next ones."""
    path, counts = film(tmp_path / "daily.mp4", pictures[:20]), Counts(engine, monkeypatch)
    plain = job(clip_of(path, 40))
    kept = Presenters(tmp_path / "presenters", 2**30)
    fanned.engine = FanOut(2, kept)  # type: ignore[assignment]
    fanned.replicas._random = random.Random(4)
    assert_same(fanned(keyed_clip(path, 40)), plain)
    known = counts.tracked, counts.encoded
    assert_same(fanned(keyed_clip(path, 40)), plain)
    assert (counts.tracked, counts.encoded) == known
    own = LatentSyncEngine(engine.networks, engine.whisper, fingerprint=engine.fingerprint, presenters=kept)
    assert_same(Job(own, tmp_path)(keyed_clip(path, 40)), plain)  # alone it knows them, too
    assert (counts.tracked, counts.encoded) == known


def test_only_so_many_are_under_way(fanned: Fanned, face: Path) -> None:
    """And nothing of them is left when they are done."""
    scratch = fanned.options().scratch
    fanned(clip_of(face, 160), scratch=scratch)
    assert fanned.replicas.most <= 3 + fan.SPARE
    assert not [path for path in scratch.iterdir() if path.suffix == ".safetensors"]


def test_who_asks_may_stop(fanned: Fanned, face: Path) -> None:
    before = threading.enumerate()
    with pytest.raises(Cancelled):
        fanned(clip_of(face, 160), CancelWhen(lambda: fanned.replicas.done.count("make") >= 2))
    assert threading.enumerate() == before


def test_it_goes_on_where_it_stopped(job: Job, fanned: Fanned, face: Path) -> None:
    scratch = fanned.options().scratch
    frames = fanned.begun(clip_of(face, 50), scratch=scratch)
    kept = [next(frames) for _ in range(32)]
    frames.close()
    made = kept + fanned(clip_of(face, 50), scratch=scratch, first=32)
    assert_same(made, job(clip_of(face, 50)))


def test_fractions_rise_to_one(fanned: Fanned, face: Path) -> None:
    shares: list[float] = []

    class Kept(Quiet):
        def step(self, done: float, total: float) -> None:
            shares.append(done / total)

    fanned(clip_of(face, 50), Kept(), **USUAL)
    assert shares == sorted(shares)
    assert len(set(shares)) > 20 and shares[-1] == 1


def test_who_samples_nothing_loads_nothing_that_samples() -> None:
    """Seconds of loading, and half a gigabyte, for each lane."""
    asked = "import sys, models.latentsync.fan; print('diffusers' in sys.modules, 'mediapipe' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]
