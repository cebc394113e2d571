"""The face out of the picture: in its place, sharp, and without moiré."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from models.latentsync.crop import GREY, align_all, aligned, part_of
from models.latentsync.resample import Matrix
from tests.media_kit import psnr
from tests.models.latentsync.square_kit import FACE, around, portrait

Picture = npt.NDArray[np.uint8]


def taken(picture: Picture, matrix: Matrix, size: int) -> torch.Tensor:
    x0, y0, x1, y1 = part_of(matrix, size, picture.shape[1], picture.shape[0])
    return aligned(torch.from_numpy(picture[y0:y1, x0:x1].copy()), (x0, y0), matrix, size)


def levels(face: torch.Tensor) -> Picture:
    shown = ((face + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return np.asarray(shown, np.uint8)


@pytest.mark.parametrize("width", [48, 128, 300])
@pytest.mark.parametrize("turn", [-20, 0, 35])
def test_a_point_comes_to_its_place(width: float, turn: float) -> None:
    at = np.array([307.3, 181.8])  # from the first pixel's middle
    y, x = np.mgrid[0:400, 0:600]
    spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (width / 16) ** 2))
    picture = np.repeat((GREY + spot * 128).round().astype(np.uint8)[..., None], 3, 2)
    matrix = around(at + np.array([width / 9, -width / 12]), width, 128, turn)
    found = levels(taken(picture, matrix, 128))[..., 0] - GREY
    v, u = np.mgrid[0:128, 0:128]
    centre = np.array([(found * u).sum(), (found * v).sum()]) / found.sum()
    assert centre == pytest.approx(matrix @ [*at, 1], abs=0.06)


@pytest.mark.parametrize("turn", [-12, 7])
def test_matrices_are_read_as_opencv_reads_them(turn: float) -> None:
    picture, matrix = portrait(), around(FACE, 110, 128, turn)
    theirs = cv2.warpAffine(picture, matrix, (128, 128), flags=cv2.INTER_CUBIC)
    assert psnr(levels(taken(picture, matrix, 128)), np.asarray(theirs, np.uint8)) > 42


@pytest.mark.parametrize(("size", "most"), [(30, 4), (64, 0.1), (128, 0.1), (256, 0.1)])
@pytest.mark.parametrize("turn", [0, 25])
def test_the_part_holds_all_that_is_read(size: int, most: float, turn: float) -> None:
    """What lies beyond the part must not matter: with the whole picture the face is the same."""
    picture = portrait()
    matrix = around(FACE, 170, size, turn)
    whole = aligned(torch.from_numpy(picture), (0, 0), matrix, size)
    assert float((taken(picture, matrix, size) - whole).abs().max()) * 127.5 < most


def test_the_part_is_even_and_inside() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        width, height = rng.integers(1, 700, 2).tolist()
        centre = rng.uniform(-0.5, 1.5, 2) * (width, height)
        matrix = around(centre, rng.uniform(20, 900), 64, rng.uniform(-40, 40))
        x0, y0, x1, y1 = part_of(matrix, 64, width, height)
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert (x1 - x0) % 2 == 0 or x1 - x0 == width
        assert (y1 - y0) % 2 == 0 or y1 - y0 == height


@pytest.mark.parametrize("width", [40, 200])
def test_beyond_the_picture_is_grey(width: float) -> None:
    picture = portrait()
    face = levels(taken(picture, around((512, 256), width, 128, aspect=1), 128))
    assert (face[:, 70:] == GREY).all()
    assert (face[:, :58] != GREY).mean() > 0.9
    away = levels(taken(picture, around((5000, -900), width, 128), 128))
    assert (away == GREY).all()


@pytest.mark.parametrize(("width", "size"), [(512, 200), (512, 128), (128, 300)])
def test_as_sharp_as_a_well_kept_library(width: int, size: int) -> None:
    picture = portrait()[:512, :512] if width == 512 else portrait()[64 : 64 + width, 160 : 160 + width]
    mine = levels(taken(picture, around((width / 2, width / 2), width, size, aspect=1), size))
    way = Image.Resampling.LANCZOS if size < width else Image.Resampling.BICUBIC
    theirs = np.asarray(Image.fromarray(picture).resize((size, size), way))
    inside = slice(8, -8)  # edges are the grey's there, and the picture's own here
    assert psnr(mine[inside, inside], theirs[inside, inside]) > 36


@pytest.mark.parametrize("shrink", [1.4, 2.6, 4.5])
@pytest.mark.parametrize("turn", [0, 10])
def test_fine_stripes_do_not_turn_into_coarse_ones(shrink: float, turn: float) -> None:
    """Stripes too fine for the face become an even grey; those that fit keep their contrast."""
    size, edge = 96, 16
    x = np.arange(640)
    for pitch, low, high in [(1.4, 0, 0.1), (4, 0.93, 1.07)]:  # target pixels from stripe to stripe
        wave = np.sin(2 * np.pi * x / (pitch * shrink)) * 100
        picture = np.broadcast_to(wave[None, :, None] + 127, (640, 640, 3)).round().astype(np.uint8)
        face = taken(np.ascontiguousarray(picture), around((320, 320), size * shrink, size, turn, 1), size)
        contrast = float(face[:, edge:-edge, edge:-edge].std()) * 127.5 * 2**0.5 / 100
        assert low <= contrast <= high, f"{pitch} pixels: {contrast:.2f}"


def test_a_face_does_not_depend_on_those_beside_it() -> None:
    picture = portrait()
    matrices = [around(FACE, width, 64, width / 9) for width in (40, 90, 170)]
    boxes = [part_of(m, 64, 512, 512) for m in matrices]
    parts = [torch.from_numpy(picture[b[1] : b[3], b[0] : b[2]].copy()) for b in boxes]
    faces = align_all(parts, [b[:2] for b in boxes], matrices, 64)
    assert faces.shape == (3, 3, 64, 64)
    assert faces.dtype == torch.float32
    assert -1 <= float(faces.min()) < float(faces.max()) <= 1
    for face, matrix in zip(faces, matrices, strict=True):
        assert torch.equal(face, taken(picture, matrix, 64))
