"""The mouth back in the picture: sharp, without an edge, and nothing else touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from models.latentsync import mask
from models.latentsync.crop import Box, align_all, aligned, part_of
from models.latentsync.paste import mouth_box, paste_all, pasted
from models.latentsync.resample import Matrix
from tests.media_kit import ffmpeg, psnr
from tests.models.latentsync.square_kit import around, portrait

Picture = npt.NDArray[np.uint8]


def cut(picture: Picture, box: Box) -> torch.Tensor:
    return torch.from_numpy(picture[box[1] : box[3], box[0] : box[2]].copy())


def put(
    picture: Picture, matrix: Matrix, face: torch.Tensor, strength: float = 1
) -> tuple[Picture, npt.NDArray[np.bool_]]:
    """The whole picture with the face in it, and which pixels were touched."""
    height, width = picture.shape[:2]
    size = face.shape[-1]
    box, part = mouth_box(matrix, size, width, height), part_of(matrix, size, width, height)
    pixels, touched = pasted(cut(picture, part), part[:2], matrix, face, mask.soft(size), strength, box)
    out, where = picture.copy(), np.zeros((height, width), bool)
    out[box[1] : box[3], box[0] : box[2]] = pixels.numpy()
    where[box[1] : box[3], box[0] : box[2]] = touched.numpy()
    return out, where


def flat(level: float, size: int) -> torch.Tensor:
    return torch.full((3, size, size), level / 127.5 - 1)


# ---------------------------------------------------------------- nothing else


@pytest.mark.parametrize("strength", [1, 0.3])
@pytest.mark.parametrize("width", [60, 250])
def test_untouched_pixels_are_the_sources(width: float, strength: float) -> None:
    picture = portrait()
    noise = torch.rand((3, 128, 128), generator=torch.Generator().manual_seed(1)) * 2 - 1
    out, touched = put(picture, around((225, 150), width, 128, 15), noise, strength)
    assert np.array_equal(out[~touched], picture[~touched])
    share = touched.sum() / (width * width * 4 / 3)
    assert 0.36 < share < 0.42, "the mask is 0.41 of the aligned face, and its outermost ring is 0"
    assert (out[touched] != picture[touched]).mean() > 0.5


def test_no_strength_touches_nothing() -> None:
    picture = portrait()
    out, touched = put(picture, around((225, 150), 200, 64), flat(255, 64), 0)
    assert not touched.any()
    assert np.array_equal(out, picture)


def test_what_is_wrong_outside_the_mouth_stays_there() -> None:
    """The network's numbers count for nothing where nothing is pasted, not even where they are none."""
    picture, face = portrait(), flat(200, 64)
    face[:, 24:28, 28:36] = torch.nan  # the nose
    out, touched = put(picture, around((225, 150), 200, 64), face)
    assert np.array_equal(out[~touched], picture[~touched])
    assert (out[touched] > 0).any(-1).all()


@pytest.mark.parametrize("width", [30, 64, 200])
def test_the_box_holds_every_touched_pixel(width: float) -> None:
    picture, matrix = portrait(), around((225, 200), width, 64, -25)
    x0, y0, x1, y1 = mouth_box(matrix, 64, 512, 512)
    whole = torch.from_numpy(picture)
    _, touched = pasted(whole, (0, 0), matrix, flat(0, 64), mask.soft(64), 1, (0, 0, 512, 512))
    there = int(touched.sum())
    assert there == int(touched[y0:y1, x0:x1].sum()) > 0
    rows, columns = np.flatnonzero(touched.any(1)), np.flatnonzero(touched.any(0))
    assert rows[0] - y0 <= 8
    assert x1 - columns[-1] <= 8, "a loose box costs room in every chunk"


def test_a_face_that_leaves_the_picture() -> None:
    picture = portrait()
    out, touched = put(picture, around((505, 480), 150, 64), flat(0, 64))
    assert touched[:, -1].any()
    assert np.array_equal(out[~touched], picture[~touched])
    away = around((900, 100), 150, 64)
    assert mouth_box(away, 64, 512, 512) == (0, 0, 0, 0)
    out, touched = put(picture, away, flat(0, 64))
    assert not touched.any()


# ---------------------------------------------------------------- how it looks


@pytest.mark.parametrize("width", [60, 128, 400])
def test_there_is_no_edge(width: float) -> None:
    """A face brighter by 40 fades in: neighbours differ by no more than a smooth rise over 1/20 asks for."""
    grey = np.full((640, 640, 3), 100, np.uint8)
    out, touched = put(grey, around((320, 320), width, 128, 8), flat(140, 128))
    over = out.astype(int) - 100
    assert over.max() == 40
    assert over.min() == 0
    steepest = max(int(np.abs(np.diff(over, axis=axis)).max()) for axis in (0, 1))
    assert steepest <= 40 * 1.5 * 20 / width + 1
    inner = (
        touched[1:-1, 1:-1] & touched[:-2, 1:-1] & touched[2:, 1:-1] & touched[1:-1, :-2] & touched[1:-1, 2:]
    )
    rim = touched.copy()
    rim[1:-1, 1:-1] &= ~inner
    assert over[rim].mean() < 40 * 0.25


@pytest.mark.parametrize(("strength", "level"), [(1, 101), (0.5, 55), (0.25, 33)])
def test_values_are_rounded_and_strength_is_a_share(strength: float, level: int) -> None:
    dark = np.full((300, 300, 3), 10, np.uint8)
    out, _ = put(dark, around((150, 150), 128, 64), flat(100.6, 64), strength)
    assert out.max() == level
    assert out[150 + 34, 150, 0] == level


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_values_beyond_the_range_do_not_wrap(dtype: torch.dtype) -> None:
    dark = np.full((300, 300, 3), 10, np.uint8)
    for value, level in [(1.2, 255), (-1.3, 0)]:
        face = torch.full((3, 64, 64), value, dtype=dtype)
        out, _ = put(dark, around((150, 150), 128, 64), face)
        assert out[150 + 34, 150].tolist() == [level] * 3


@pytest.mark.parametrize("turn", [0, 20])
def test_a_small_face_has_no_moire(turn: float) -> None:
    """Stripes that the face can hold and the picture cannot become an even grey."""
    grey = np.full((200, 200, 3), 127, np.uint8)
    stripes = (torch.arange(256) // 2 % 2 * 2 - 1.0).expand(3, 256, 256)  # 4 pixels from one to the next
    out, touched = put(grey, around((100, 100), 80, 256, turn, 1), stripes)
    assert touched.sum() > 1000
    assert np.abs(out[touched].astype(int) - 127).max() < 12


# ---------------------------------------------------------------- there and back


def round_trip(picture: Picture, centre: tuple[float, float], width: float, turn: float, size: int) -> float:
    """PSNR, inside the touched pixels, of a face that was taken out and put back."""
    matrix = around(centre, width, size, turn)
    part = part_of(matrix, size, picture.shape[1], picture.shape[0])
    out, touched = put(picture, matrix, aligned(cut(picture, part), part[:2], matrix, size).half())
    return psnr(out[touched], picture[touched])


@pytest.mark.parametrize(
    ("width", "least"),
    [(1280, 37), (500, 51), (256, 58), (185, 58)],
    ids=["scale 0.4", "scale 1", "scale 2", "the clip's own face"],
)
def test_there_and_back_on_real_footage(media: Path, width: float, least: float) -> None:
    raw = ffmpeg(
        *("-i", media / "presenter_1080x1920_25fps.mp4", "-frames:v", "1"),
        *("-vf", "format=rgb24", "-f", "rawvideo", "-"),
    )
    picture = np.frombuffer(raw, np.uint8).reshape(1920, 1080, 3)
    assert round_trip(picture, (590, 760), width, 4, 512) > least


@pytest.mark.parametrize(("size", "least"), [(96, 0), (128, 0)])
def test_there_and_back_as_sharp_as_a_well_kept_library(size: int, least: float) -> None:
    """A face larger than the square loses what the square cannot hold, and not more."""
    picture = portrait()[:384, :384]
    matrix = around((192, 192), 384, size, aspect=1)
    part = part_of(matrix, size, 384, 384)
    out, touched = put(picture, matrix, aligned(cut(picture, part), part[:2], matrix, size))
    small = Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS)
    theirs = np.asarray(small.resize((384, 384), Image.Resampling.BICUBIC))
    alpha = touched & (out != picture).any(-1)
    assert psnr(out[alpha], picture[alpha]) > psnr(theirs[alpha], picture[alpha]) + least


# ---------------------------------------------------------------- a chunk


def test_a_chunk_is_its_faces() -> None:
    picture = portrait()
    matrices = [around((225, 150), 200, 64), around((900, 100), 150, 64), around((230, 160), 61, 64, 30)]
    strengths = [1, 1, 0.4]
    faces = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(2)) * 2 - 1
    boxes = [mouth_box(m, 64, 512, 512) for m in matrices]
    parts = [part_of(m, 64, 512, 512) for m in matrices]
    each, origins = [cut(picture, p) for p in parts], [p[:2] for p in parts]
    made = paste_all(each, origins, matrices, faces.half(), mask.soft(64), strengths, boxes)
    assert [m.box for m in made] == boxes
    assert made[1].pixels.size == 0, "a mouth beyond the picture"
    for i in (0, 2):
        out, touched = put(picture, matrices[i], faces[i].half(), strengths[i])
        x0, y0, x1, y1 = boxes[i]
        assert np.array_equal(made[i].pixels, out[y0:y1, x0:x1])
        assert np.array_equal(made[i].touched, touched[y0:y1, x0:x1])
        assert made[i].touched.dtype == np.bool_


def test_no_faces_are_no_work() -> None:
    assert paste_all([], [], [], torch.zeros(0, 3, 64, 64), mask.soft(64), [], []) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_a_gpu_makes_the_same_and_is_not_waited_for() -> None:
    picture, size = portrait(), 256
    matrices = [around((225, 150), width, size, 10) for width in (60, 200, 420)]
    parts = [cut(picture, part_of(m, size, 512, 512)) for m in matrices]
    origins = [part_of(m, size, 512, 512)[:2] for m in matrices]
    boxes = [mouth_box(m, size, 512, 512) for m in matrices]
    made = {}
    for device in ("cpu", "cuda"):
        there, alpha = [p.to(device) for p in parts], mask.soft(size).to(device)
        torch.cuda.set_sync_debug_mode("error")
        try:
            faces = align_all(there, origins, matrices, size)
            each = zip(there, origins, matrices, faces, boxes, strict=True)
            pixels = [pasted(p, o, m, f.neg(), alpha, 0.7, b)[0] for p, o, m, f, b in each]
        finally:
            torch.cuda.set_sync_debug_mode("default")
        made[device] = [faces.cpu(), *(p.cpu() for p in pixels)]
    assert float((made["cpu"][0] - made["cuda"][0]).abs().max()) < 0.01
    for ours, theirs in zip(made["cpu"][1:], made["cuda"][1:], strict=True):
        assert int((ours.int() - theirs.int()).abs().max()) <= 1
