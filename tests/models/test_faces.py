"""Following one presenter: several people, cuts, small faces, faces that go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.faces import FaceTracker, Found, Sighting
from models.progress import Quiet
from models.track import Track, runs, track_clip
from tests.face_kit import clip_of, portrait
from tests.media_kit import QUICK, ffmpeg
from tests.progress_kit import Steps

OTHER = "hflip,hue=h=130:s=2"  # somebody else: the same face, other hair, other collar, other light


@pytest.fixture(scope="module")
def face(album: Path) -> Path:
    return portrait(album, seconds=2)


def sightings(path: Path, prefer: str = "largest", aspect: float = 1.0, pictures: int = 40) -> list[Sighting]:
    """What the tracker finds in the first pictures of a clip."""
    clip = clip_of(path, pictures)
    tracker = FaceTracker(prefer, aspect)
    try:
        return [tracker(p) for p in clip.pictures([int(n) for n in clip.order])]
    finally:
        tracker.close()


@pytest.fixture(scope="module")
def two_people(face: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait on the left, somebody else, a little smaller, on the right."""
    out = tmp_path_factory.mktemp("two") / "two.mp4"
    chain = f"[0]split[a][b];[b]{OTHER},scale=300:534,pad=360:640:30:60:gray[c];[a][c]hstack"
    ffmpeg("-i", face, "-t", "1.6", "-filter_complex", chain, *QUICK, "-crf", "12", out)
    return out


@pytest.mark.parametrize(("prefer", "side"), [("largest", 0), ("left", 0), ("right", 1)])
def test_one_of_two_is_followed(two_people: Path, prefer: str, side: int) -> None:
    seen = sightings(two_people, prefer)
    assert len(seen) == 40
    assert all(s.found is Found.FACE for s in seen)
    for s in seen:
        low, high = s.points[:, 0].min(), s.points[:, 0].max()
        assert side * 360 <= low and high <= (side + 1) * 360


def insert(face: Path, out: Path, what: str) -> Path:
    """The portrait, with pictures 20…39 replaced by what the filters make of them."""
    chain = (
        "[0]split=3[a][b][c];[a]trim=end_frame=20[x];"
        f"[b]trim=start_frame=20:end_frame=40,setpts=PTS-STARTPTS,{what}[y];"
        "[c]trim=start_frame=40,setpts=PTS-STARTPTS[z];[x][y][z]concat=n=3"
    )
    ffmpeg("-i", face, "-filter_complex", chain, *QUICK, "-crf", "12", out)
    return out


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("drawbox=c=teal:t=fill", Found.NO_FACE),
        (f"{OTHER},scale=300:534,pad=360:640:60:20:teal", Found.OTHER_PERSON),
    ],
)
def test_a_cut_away_is_not_the_presenter(face: Path, tmp_path: Path, what: str, found: Found) -> None:
    seen = sightings(insert(face, tmp_path / "cut.mp4", what), pictures=50)
    assert {s.found for s in seen[20:40]} == {found}
    assert all(s.found is Found.FACE for s in [*seen[:20], *seen[42:]])
    assert seen[20].cut and seen[40].cut


def test_a_small_face_in_a_wide_shot_is_found(face: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.mp4"
    small = "scale=180:320,pad=1280:720:700:200:gray"
    ffmpeg("-i", face, "-t", "1.6", "-vf", small, *QUICK, "-crf", "12", wide)
    assert np.mean([s.found is Found.FACE for s in sightings(wide)]) > 0.95


def test_points_are_where_the_face_is_whatever_the_pixels(face: Path, tmp_path: Path) -> None:
    upright = sightings(face)
    squeezed = tmp_path / "squeezed.mp4"
    ffmpeg("-i", face, "-t", "1.6", "-vf", "scale=180:640,setsar=2/1", *QUICK, "-crf", "10", squeezed)
    narrow = sightings(squeezed, aspect=2.0)
    for a, b in zip(upright[::10], narrow[::10], strict=True):
        assert np.abs(a.points[:, :2] - b.points[:, :2] * (2, 1)).max() < 6


def test_smoothed_blocks_do_not_show_their_borders(
    face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Landmarks read in small blocks are the same as read at once."""
    whole = track_clip(clip_of(face, 50), tmp_path, "largest", Quiet())
    at_once = [whole.points(k) for k in range(len(whole))]
    monkeypatch.setattr("models.track.BLOCK", 16)
    pieces = Track(tmp_path / "points.f32", whole.numbers, whole.found, whole.cut, whole.gap)
    for k, a in enumerate(at_once):
        b = pieces.points(k)
        assert a is not None and b is not None
        assert np.allclose(a, b, atol=1e-9), k


def test_a_finished_track_is_found_again(face: Path, tmp_path: Path) -> None:
    clip, steps = clip_of(face, 25), Steps()
    first = track_clip(clip, tmp_path, "largest", steps)
    assert len(steps.seen) == len(first) == 25 and steps.shares[-1] == 1
    again = Steps()
    second = track_clip(clip, tmp_path, "largest", again)
    assert not again.seen
    assert np.array_equal(first.gap, second.gap)


def test_runs_bridge_short_gaps_and_drop_flickers() -> None:
    face = np.array([1] * 10 + [0] * 4 + [1] * 10 + [0] * 9 + [1] * 2 + [0] * 9 + [1] * 6, bool)
    cut = np.zeros(len(face), bool)
    got = runs(face, cut)
    assert (got[:24] == 0).all()  # four missing pictures inside a shot are bridged
    assert (got[24:44] == -1).all()  # two pictures with a face are a flicker
    assert (got[44:] == 1).all()
    cut[12] = True
    assert runs(face, cut)[9] != runs(face, cut)[15]  # never across a cut
    assert runs(np.array([True]), np.array([False])).tolist() == [0]  # a photo
