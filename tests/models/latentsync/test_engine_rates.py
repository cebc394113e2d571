"""Clips of every rate and orientation; faster ones are sampled at every second frame."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.media import VideoClip
from tests.face_kit import clip_of
from tests.media_kit import ffmpeg
from tests.models.latentsync.job_kit import Job, Pictures, assert_same, film, same, untouched
from tests.models.latentsync.reference import Reference


@pytest.mark.parametrize(("fps", "count"), [(24, 8), (30, 8)])
def test_usual_rates_are_sampled_frame_by_frame(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path, fps: int, count: int
) -> None:
    clip = clip_of(film(tmp_path / "clip.mp4", pictures[:count], fps), count)
    assert clip.fps == fps
    assert untouched(job.checked(reference, clip)) == []


@pytest.mark.parametrize(("fps", "count"), [(50, 36), (60, 33), (60, 2)])
def test_fast_clips_are_sampled_at_half_their_rate(
    job: Job,
    reference: Reference,
    pictures: Pictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fps: int,
    count: int,
) -> None:
    """36 frames: the last one is between a sampled one and the end. 33: the last one is sampled."""
    clip = clip_of(film(tmp_path / "clip.mp4", pictures[:count], fps), count)
    assert clip.fps == fps
    decoded: list[int] = []
    decode = job.engine.networks.decode

    def counted(latents: Tensor) -> Tensor:
        decoded.append(len(latents))
        return decode(latents)

    monkeypatch.setattr(job.engine.networks, "decode", counted)
    made = job.checked(reference, clip)
    assert sum(decoded) == -(-count // 2)
    assert untouched(made) == []
    assert all(not same(a, b) for a, b in pairwise(made))


def test_a_fast_clip_goes_on_between_two_chunks(job: Job, pictures: Pictures, tmp_path: Path) -> None:
    """Of 32 output frames a chunk has here, the job before may have kept 16."""
    path, scratch = film(tmp_path / "clip.mp4", pictures[:40], 50), job.options().scratch
    whole = job(clip_of(path, 40), scratch=scratch)
    for first in (16, 32):
        assert_same(job(clip_of(path, 40), first=first, scratch=scratch), whole[first:])


def test_no_face_comes_from_across_a_cut(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    """A shot begins between two sampled frames; later one ends there, and nobody is seen for a while."""
    nobody = np.full((7, *pictures.shape[1:]), 140, np.uint8)
    closer = [cv2.resize(picture[60:260, 34:146], (180, 320)) for picture in pictures[20:30]]
    path = film(tmp_path / "cut.mp4", np.concatenate([pictures[:9], closer, nobody, pictures[:9]]), 50)
    made = job.checked(reference, clip_of(path, 35), max_faceless=0.5)
    assert set(range(19, 26)) <= set(untouched(made)) <= set(range(19, 30))
    widths = [frame.box[2] - frame.box[0] for frame in made[:19] if frame.box]
    assert min(widths[9:]) > 1.3 * max(widths[:9])  # the cut was seen


def test_every_frame_hears_its_own_time(
    job: Job, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 25 and at 50 a second what is sampled first is at 0, 0.04, 0.08 s…; at 24 it is not."""
    heard: dict[int, list[Tensor]] = {}
    whole = job.engine.networks.whole
    for fps in (24, 25, 50):

        def listened(sample: Tensor, time: Tensor, audio: Tensor, fps: int = fps) -> tuple[Tensor, Tensor]:
            heard.setdefault(fps, []).append(audio)
            return whole(sample, time, audio)

        monkeypatch.setattr(job.engine.networks, "whole", listened)
        clip = clip_of(film(tmp_path / f"{fps}.mp4", pictures[:15], fps), 15 if fps == 50 else 8)
        job(clip)
    (slow,), (usual,), (fast,) = heard.values()
    assert torch.equal(usual, fast)
    assert torch.equal(usual[0], slow[0]) and not torch.equal(usual[7], slow[7])


def test_a_clip_that_lies_on_its_side(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    """Stored lying, with the note that it is to be shown upright, as phones film."""
    lying = film(tmp_path / "lying.mp4", np.rot90(pictures[:8], 1, (1, 2)))
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "270", "-i", lying, "-c", "copy", turned)
    clip = clip_of(turned, 8)
    assert isinstance(clip, VideoClip) and clip.facts.rotation == 270
    made = job.checked(reference, clip)
    upright = job(clip_of(film(tmp_path / "upright.mp4", pictures[:8]), 8))
    for a, b in zip(made, upright, strict=True):
        assert a.box is not None and b.box is not None
        assert np.abs(np.subtract(a.box, b.box)).max() <= 4


def test_pixels_that_are_not_square(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    wide = film(tmp_path / "wide.mp4", pictures[:8])
    squeezed = tmp_path / "squeezed.mp4"
    ffmpeg("-i", wide, "-vf", "scale=120:320,setsar=3/2", "-crf", "6", squeezed)
    clip = clip_of(squeezed, 8)
    assert clip.pixel_aspect == 1.5
    for a, b in zip(job.checked(reference, clip), job(clip_of(wide, 8)), strict=True):
        assert a.box is not None and b.box is not None
        assert np.abs(np.multiply(a.box, (1.5, 1, 1.5, 1)) - b.box).max() <= 6
