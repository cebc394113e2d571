"""Faces come to stand in the same place: as LatentSync puts them, upright, and still."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from daemon import demo
from models.engine import Picture
from models.faces import Points
from models.latentsync.align import LEFT_BROW, RIGHT_BROW, matrix_of, similarity, three_points
from models.progress import Quiet
from models.track import Track, open_track, track_clip
from tests.face_kit import clip_of, portrait
from tests.media_kit import QUICK, ffmpeg

Array = npt.NDArray[np.float64]
SIZE = 256
# Of the square at 256: the region that the network fills in.
MOUTH = np.array(
    "9,95 9,135 12,170 22,188 34,202 49,215 60,222 95,238 108,241 152,242 164,239 183,231 202,220 223,201 "
    "240,177 244,169 247,134 246,95 178,95 177,128 78,128 77,95".replace(",", " ").split(),
    np.float32,
).reshape(-1, 1, 2)
LIPS, CHIN, EYES = (61, 291, 0, 17), 152, (33, 263)
TEMPLATE = np.array([(17, 20), (58, 20), (37.5, 40)]) * 5.6  # at 512


def moved(matrix: Array, points: npt.ArrayLike) -> Array:
    return np.asarray(np.asarray(points) @ matrix[:, :2].T + matrix[:, 2])


def turned(points: Array, degrees: float, scale: float, shift: tuple[float, float]) -> Array:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(scale * points @ np.array([(c, s), (-s, c)]) + shift)


# ---------------------------------------------------------------- the fit


@pytest.mark.parametrize("degrees", [0, 20, -35, 170])
def test_a_face_like_the_template_is_brought_onto_it(degrees: float) -> None:
    face = turned(TEMPLATE, degrees, 0.4, (300, 700))
    matrix, bias = similarity(face, TEMPLATE)
    assert np.allclose(moved(matrix, face), TEMPLATE)
    # It is taken before the face is turned: LatentSync's way, and a pixel or two at most.
    assert np.linalg.norm(bias) == pytest.approx(1.79 * abs(np.sin(np.radians(degrees / 2))), abs=0.01)


def test_the_fit_is_latentsyncs() -> None:
    """By hand for a face with a long nose: no rotation; spreads over all six numbers decide the scale."""
    face = np.array([(100.0, 200), (200, 200), (150, 290)])
    matrix, bias = similarity(face, TEMPLATE)
    spread = np.sqrt((2 * 50**2 + 2 * 30**2 + 60**2) / 5)
    width = np.sqrt(2 * 114.8**2 + 2 * (112 / 3) ** 2 + (224 / 3) ** 2) / np.sqrt(5)
    scale = width / spread
    assert np.allclose(matrix, [(scale, 0, 210 - scale * 150), (0, scale, 112 * 4 / 3 - scale * 230)])
    assert np.allclose(bias, [0, 224 / 3 / width - 60 / spread])


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    matrix, _ = similarity(TEMPLATE * (-1, 1), TEMPLATE)
    assert np.linalg.det(matrix[:, :2]) > 0


# ---------------------------------------------------------------- on clips


@pytest.fixture(scope="module")
def face(album: Path) -> Path:
    return portrait(album, seconds=2)


@pytest.fixture(scope="module")
def track(face: Path, tmp_path_factory: pytest.TempPathFactory) -> Track:
    return track_clip(clip_of(face), tmp_path_factory.mktemp("track"), "largest", Quiet())


def test_the_square_is_latentsyncs_crop_stretched(face: Path, track: Track) -> None:
    """One matrix does what LatentSync does in two steps."""
    points = track.points(0)
    assert points is not None
    crop, bias = similarity(three_points(points, 1.0), TEMPLATE)
    crop[:, 2] += bias  # of a first picture
    picture = cv2.GaussianBlur(next(clip_of(face).pictures([0])), (0, 0), 2)
    two_steps = cv2.resize(cv2.warpAffine(picture, crop, (420, 560)), (512, 512))
    matrix = matrix_of(track, 0, 512, 1.0)
    assert matrix is not None
    one = cv2.warpAffine(picture, matrix, (512, 512))
    assert np.abs(one.astype(int) - two_steps)[8:-8, 8:-8].mean() < 0.4
    assert np.abs(np.roll(one, 1, 1).astype(int) - two_steps)[8:-8, 8:-8].mean() > 0.8


def test_half_the_size_is_the_same_face(track: Track) -> None:
    large, small = matrix_of(track, 10, 512, 1.0), matrix_of(track, 10, 128, 1.0)
    assert large is not None and small is not None
    corners = [(100, 200), (250, 500)]
    # The shift that is smoothed is in pixels whatever the size, as in LatentSync: below one of them.
    assert np.abs((moved(large, corners) + 0.5) / 4 - (moved(small, corners) + 0.5)).max() < 1


def test_a_face_stands_still_while_the_head_moves(face: Path, track: Track) -> None:
    """The demo's portrait is a still that is moved in a known way: all of it should come to stand still."""
    still = np.array([(200.0, 180), (250, 180), (225, 230)])  # of the enlarged portrait's third
    stands = []
    for k in range(len(track)):
        matrix = matrix_of(track, k, SIZE, 1.0)
        assert matrix is not None
        view = np.asarray(cv2.invertAffineTransform(demo._view(k / demo.FPS, (360, 640))), np.float64)
        stands.append(moved(matrix, moved(view, still * demo.UPSCALE)))
    stand = np.array(stands)
    assert np.abs(stand - stand.mean(0)).max() < 1.6  # pixels of 256
    assert np.abs(np.diff(stand, axis=0)).mean() < 0.2  # and it does not tremble


def test_the_matrix_depends_on_the_picture_alone(face: Path, track: Track, tmp_path: Path) -> None:
    short = open_track(clip_of(face, 5), tmp_path, "largest")
    short.follow(Quiet())
    for k in (4, 0, 3):
        assert np.array_equal(matrix_of(short, k, SIZE, 1.0), matrix_of(track, k, SIZE, 1.0))  # type: ignore[arg-type]


def test_non_square_pixels_are_squared(face: Path, track: Track, tmp_path: Path) -> None:
    squeezed = tmp_path / "squeezed.mp4"
    ffmpeg("-i", face, "-t", "1.6", "-vf", "scale=180:640,setsar=2/1", *QUICK, "-crf", "8", squeezed)
    narrow = track_clip(clip_of(squeezed), tmp_path, "largest", Quiet())
    for k in (0, 20):
        a, b = matrix_of(track, k, SIZE, 1.0), matrix_of(narrow, k, SIZE, 2.0)
        assert a is not None and b is not None
        wide = np.array([(120.5, 200), (240.5, 400)])
        assert np.abs(moved(a, wide) - moved(b, (wide + 0.5) / (2, 1) - 0.5)).max() < 5


def test_without_a_face_there_is_none(face: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.mp4"
    box = "drawbox=c=teal:t=fill:enable='between(n,20,39)'"
    ffmpeg("-i", face, "-vf", box, *QUICK, "-crf", "12", gone)
    track = track_clip(clip_of(gone), tmp_path, "largest", Quiet())
    assert matrix_of(track, 30, SIZE, 1.0) is None
    first = track.run(45)
    assert first >= 40
    points = track.points(first)
    assert points is not None
    fresh, bias = similarity(three_points(points, 1.0), TEMPLATE / 2)
    fresh[:, 2] += bias  # nothing of the shot before is in it
    matrix = matrix_of(track, first, SIZE, 1.0)
    assert matrix is not None
    stretched = (moved(fresh, [(100, 100)]) + 0.5) * (256 / 210, 256 / 280) - 0.5
    assert np.allclose(moved(matrix, [(100, 100)]), stretched)


class Elsewhere:
    """Another backend that sees the face ten pixels to the right."""

    name = "elsewhere"

    def __call__(self, picture: Picture, points: Points) -> npt.NDArray[np.float32]:
        return np.asarray(three_points(points.astype(np.float64), 1.0) + np.array((10, 0)), np.float32)


def test_another_backends_points_are_taken(face: Path, track: Track, tmp_path: Path) -> None:
    other = open_track(clip_of(face, 5), tmp_path, "largest", Elsewhere())
    other.follow(Quiet())
    a, b = matrix_of(track, 3, SIZE, 1.0), matrix_of(other, 3, SIZE, 1.0)
    assert a is not None and b is not None
    assert np.abs(moved(a, [(100, 100)]) - moved(b, [(110, 100)])).max() < 1


def test_a_real_face_stands_where_the_network_expects_it(media: Path, tmp_path: Path) -> None:
    small, footage = tmp_path / "small.mp4", media / "presenter_1080x1920_25fps.mp4"
    ffmpeg("-i", footage, "-an", "-t", "2", "-vf", "scale=450:800", *QUICK, "-crf", "12", small)
    track = track_clip(clip_of(small), tmp_path, "largest", Quiet())
    for k in range(0, len(track), 5):
        matrix, points = matrix_of(track, k, SIZE, 1.0), track.points(k)
        assert matrix is not None and points is not None
        at = moved(matrix, points[:, :2])
        for point in [*LIPS, CHIN]:
            assert cv2.pointPolygonTest(MOUTH, at[point].tolist(), True) > 0, (k, point)
        for point in EYES:
            assert cv2.pointPolygonTest(MOUTH, at[point].tolist(), True) < -10
        tilt = at[EYES[1]] - at[EYES[0]]
        assert abs(np.degrees(np.arctan2(tilt[1], tilt[0]))) < 8
        brows = [at[part].mean(0) for part in (LEFT_BROW, RIGHT_BROW)]
        assert np.mean([y for _, y in brows]) == pytest.approx(20 * 2.8 * 256 / 280, abs=12)
        assert np.mean([x for x, _ in brows]) == pytest.approx(128, abs=8)
