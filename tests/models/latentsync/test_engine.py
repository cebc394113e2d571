"""The whole engine on real clips: what it streams is what the reference makes, pixel by pixel."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.io import wavfile
from skimage.data import astronaut

from models.engine import Clip, Picture, Speech, SyncedFrame, SyncReport
from models.progress import Quiet
from tests.face_kit import clip_of
from tests.media_kit import QUICK, ffmpeg
from tests.models.latentsync.job_kit import (
    USUAL,
    Job,
    Pictures,
    assert_same,
    film,
    originals,
    same,
    shown,
    untouched,
)
from tests.models.latentsync.reference import Reference

UNUSUAL: dict[str, Any] = {"steps": 4, "deepcache_interval": 3, "guidance": 2.0, "seed": 5}


@pytest.mark.parametrize(
    "count", [1, 17, *(pytest.param(count, marks=pytest.mark.slow) for count in (15, 16, 31, 33))]
)
def test_chunks_may_end_anywhere(job: Job, reference: Reference, face: Path, count: int) -> None:
    report = SyncReport()
    made = job.checked(reference, clip_of(face, count), report, **USUAL)
    assert report == SyncReport(frames=count)
    assert len(made) == count
    assert untouched(made) == []


def test_a_short_clip_is_played_to_and_fro(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    """There and back twice, turning inside chunks."""
    clip = clip_of(film(tmp_path / "short.mp4", pictures[:10]), 37)
    assert clip.order.max() == 9
    made = job.checked(reference, clip)
    assert untouched(made) == []
    assert not same(made[8], made[10])  # one picture, but not said the same


class Hurried:
    """Progress that lets the presenter be followed only when somebody waits for that."""

    def __init__(self) -> None:
        self._waited = threading.Event()
        self.waits = 0

    def step(self, done: float, total: float) -> None:
        if threading.current_thread().name == "follow" and self._waited.wait(0.05):
            self._waited.clear()
            self.waits += 1

    def check(self) -> None:
        self._waited.set()


def test_frames_are_made_while_the_track_grows(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    """Nothing is said of a picture before all that matters to it is known."""
    path = film(tmp_path / "long.mp4", np.concatenate([pictures, pictures[::-1], pictures[:30]]))
    hurried = Hurried()
    growing = job(clip_of(path, 40), hurried)
    assert hurried.waits > 70  # pictures followed because somebody waited for them
    assert_same(growing, reference(clip_of(path, 40), job.voice, job.options()))


def test_a_photo_speaks(job: Job, reference: Reference, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()).resize((256, 256)).save(photo)  # type: ignore[no-untyped-call]
    made = job.checked(reference, clip_of(photo, 18))
    assert untouched(made) == []
    assert {frame.box for frame in made} == {made[0].box}
    assert not same(made[3], made[9])


@pytest.mark.parametrize("count", [1, 3])
def test_a_video_of_next_to_no_pictures(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path, count: int
) -> None:
    made = job.checked(reference, clip_of(film(tmp_path / "brief.mp4", pictures[:count]), 6))
    assert untouched(made) == []


def test_real_footage_and_speech(job: Job, reference: Reference, media: Path, tmp_path: Path) -> None:
    small, footage = tmp_path / "small.mp4", media / "presenter_1080x1920_25fps.mp4"
    ffmpeg("-i", footage, "-an", "-t", "0.8", "-vf", "scale=270:480", *QUICK, "-crf", "12", small)
    rate, wav = wavfile.read(media / "speech_en_9s6.wav")
    job.voice = Speech(wav.astype(np.float32) / 32768, rate)
    clip = clip_of(small, 20)
    made = job.checked(reference, clip, **UNUSUAL)
    assert untouched(made) == []
    assert_only_mouths_differ(made, clip)


# ---------------------------------------------------------------- pixels


def changed(frame: SyncedFrame, picture: Picture) -> npt.NDArray[np.int_]:
    """(h, w) how far each pixel is from the clip's own."""
    return np.asarray(np.abs(shown(frame, picture).astype(int) - picture).max(2))


def assert_only_mouths_differ(made: list[SyncedFrame], clip: Clip) -> None:
    """Whatever is not touched is the clip's own, bit for bit; most of what is touched is not."""
    for frame, picture in zip(made, originals(clip), strict=True):
        difference, allowed = changed(frame, picture), np.zeros(picture.shape[:2], bool)
        if frame.box is not None and frame.touched is not None:
            x0, y0, x1, y1 = frame.box
            allowed[y0:y1, x0:x1] = frame.touched
            assert (difference[allowed] > 0).mean() > 0.5
        assert not difference[~allowed].any()


def test_pixels_outside_the_mouth_are_the_clips_own(job: Job, face: Path, followed: Path) -> None:
    made = job(clip_of(face, 20), scratch=followed)
    assert_only_mouths_differ(made, clip_of(face, 20))
    for frame in made:
        assert frame.box is not None and frame.touched is not None
        x0, y0, x1, y1 = frame.box
        # The portrait's mouth is at (87, 168); eyes and hair are above 120, the neck is below 190.
        assert 40 < x0 < 80 < 95 < x1 < 140
        assert 120 < y0 < 160 < 175 < y1 < 190
        assert 0.3 < frame.touched.mean() < 0.95


def test_the_paste_has_no_edge(job: Job, pictures: Pictures, tmp_path: Path) -> None:
    """What is painted differs much from what was there, and next to what is not touched hardly."""
    clip = clip_of(film(tmp_path / "still.mp4", [pictures[0]] * 8), 8)
    for frame, picture in zip(job(clip), originals(clip), strict=True):
        assert frame.box is not None and frame.touched is not None
        x0, y0, x1, y1 = frame.box
        inside = np.pad(frame.touched, 1)
        whole = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
        difference = changed(frame, picture)[y0:y1, x0:x1]
        assert difference[frame.touched & ~whole].mean() < 0.1 * difference[whole].mean()


# ---------------------------------------------------------------- what decides the frames


def test_seed_and_speech_decide_the_mouths(job: Job, face: Path, followed: Path) -> None:
    """Asked twice, the same; asked otherwise, others."""
    first = job(clip_of(face, 4), scratch=followed)
    assert_same(job(clip_of(face, 4), scratch=followed), first)
    assert_others(job(clip_of(face, 4), scratch=followed, seed=1), first)
    job.voice = Speech(job.voice.wav[::-1].copy(), job.voice.rate)
    assert_others(job(clip_of(face, 4), scratch=followed), first)


def assert_others(made: list[SyncedFrame], than: list[SyncedFrame]) -> None:
    """Every frame is another, and in the same place."""
    for a, b in zip(made, than, strict=True):
        assert a.box == b.box
        assert not same(a, b)


def test_a_generator_is_all_there_is(job: Job, face: Path) -> None:
    """Nothing begins before a frame is asked for, and nothing is left when the last one has been given."""
    before = threading.enumerate()
    frames = job.begun(clip_of(face, 3), Quiet())
    assert threading.enumerate() == before
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert threading.enumerate() == before
