"""Presenters who come and go, cuts, and other people."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.engine import SyncedFrame, SyncReport
from models.errors import BadInput
from models.takeover import RAMP
from tests.face_kit import clip_of
from tests.models.latentsync.job_kit import Job, Pictures, film, originals, shown, untouched
from tests.models.latentsync.reference import Reference

MANY: dict[str, Any] = {"max_faceless": 0.9}


def nobody(count: int, like: Pictures, grey: int = 140) -> Pictures:
    return np.full((count, *like.shape[1:]), grey, np.uint8)


def somebody_else(pictures: Pictures) -> Pictures:
    """Mirrored, with red hair and a green collar, and a skin more tanned."""
    chest = pictures.shape[1] * 7 // 10
    made = []
    for picture in pictures[:, :, ::-1]:
        lab = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2LAB).astype(np.int16)
        lab[..., 0] = lab[..., 0] * 3 // 4
        lab[chest:, :, 1] -= 40
        lab[:chest, :, 1] += 16
        made.append(cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB))
    return np.stack(made).astype(np.uint8)


def assert_own(made: list[SyncedFrame], path: Path, numbers: range) -> None:
    """These frames passed through: they are the clip's, wholly."""
    assert all(made[number].box is None for number in numbers)


def test_a_cut_in_the_middle_of_a_faceless_run(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    """Both shots' faces are in one chunk, and are not sampled together."""
    shots = [pictures[:7], nobody(3, pictures, 60), nobody(3, pictures, 200), pictures[20:29, :, ::-1]]
    path, report = film(tmp_path / "cut.mp4", np.concatenate(shots)), SyncReport()
    made = job.checked(reference, clip_of(path, 22), report, **MANY)
    assert untouched(made) == list(range(7, 13))
    assert_own(made, path, range(7, 13))
    assert report.faceless == 6


def test_a_cut_from_face_to_face(job: Job, reference: Reference, pictures: Pictures, tmp_path: Path) -> None:
    """One shot's end is not eased out: the mouth is ours in all of the frames."""
    closer = np.stack([cv2.resize(p[60:260, 34:146], (180, 320)) for p in pictures[30:40]]).astype(np.uint8)
    path = film(tmp_path / "cut.mp4", np.concatenate([pictures[:9], closer]))
    made = job.checked(reference, clip_of(path, 19))
    assert untouched(made) == []
    widths = [frame.box[2] - frame.box[0] for frame in made if frame.box]
    assert min(widths[9:]) > 1.3 * max(widths[:9])  # where the face is, from the first picture of the shot


def test_who_leaves_and_comes_back(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    """Meanwhile somebody else is there, who does not get our mouth."""
    other = somebody_else(pictures)
    path = film(tmp_path / "away.mp4", np.concatenate([pictures[:8], other[8:17], pictures[17:27]]))
    made = job.checked(reference, clip_of(path, 27), **MANY)
    assert_own(made, path, range(8, 17))
    assert set(untouched(made)) <= set(range(8, 20))  # it may take two pictures to know who that is


def test_first_frames_without_a_face(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path
) -> None:
    """A whole chunk of them, which is not sampled at all."""
    path = film(tmp_path / "late.mp4", np.concatenate([nobody(19, pictures), pictures[:12]]))
    made = job.checked(reference, clip_of(path, 31), **MANY)
    assert_own(made, path, range(19))
    assert set(untouched(made)) <= set(range(20))  # at a cut the face is looked for, however long it was away


def test_mouths_are_eased_in_and_out(job: Job, pictures: Pictures, tmp_path: Path) -> None:
    still = np.stack([pictures[0]] * 12)
    path = film(tmp_path / "gap.mp4", np.concatenate([still, nobody(8, pictures), still]))
    made = job(clip_of(path, 32), **MANY)
    own = originals(clip_of(path, 32))
    share = np.array([np.abs(shown(a, b).astype(int) - b).mean() for a, b in zip(made, own, strict=True)])
    whole = share[2:6].mean()
    ramp = np.arange(1, RAMP + 1) / (RAMP + 1)
    assert not share[12:20].any()
    assert np.abs(share[11 : 11 - RAMP : -1] / whole - ramp).max() < 0.1
    assert np.abs(share[20 : 20 + RAMP] / whole - ramp).max() < 0.1


@pytest.mark.parametrize(("choice", "left"), [("left", True), ("right", False)])
def test_one_of_two_people_speaks(
    job: Job, reference: Reference, pictures: Pictures, tmp_path: Path, choice: str, left: bool
) -> None:
    both = np.concatenate([pictures[:18], somebody_else(pictures[:18])], 2)
    path = film(tmp_path / "two.mp4", both)
    made = job.checked(reference, clip_of(path, 18), face=choice)
    assert untouched(made) == []
    for frame, picture in zip(made, originals(clip_of(path, 18)), strict=True):
        other = slice(180, 360) if left else slice(0, 180)
        assert np.array_equal(shown(frame, picture)[:, other], picture[:, other])


@pytest.mark.parametrize(("faces", "code"), [(0, "no_face"), (12, "too_few_faces")], ids=["none", "too few"])
def test_too_few_faces_are_named(job: Job, pictures: Pictures, tmp_path: Path, faces: int, code: str) -> None:
    before, report = threading.enumerate(), SyncReport()
    path = film(tmp_path / "few.mp4", np.concatenate([pictures[:faces], nobody(40 - faces, pictures)]))
    with pytest.raises(BadInput) as caught:
        job(clip_of(path, 40), report=report)
    assert caught.value.code == code
    assert threading.enumerate() == before
