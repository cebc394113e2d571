"""A face between two: where things moved to, not two faces at once."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.latentsync.between import between
from models.latentsync.crop import align_all, part_of
from tests.media_kit import ffmpeg
from tests.models.latentsync.square_kit import FACE, around, portrait


def face(moved: tuple[float, float], size: int = 256) -> torch.Tensor:
    """A real face, moved by x and y pixels."""
    matrix = around((FACE[0] - moved[0] * 200 / size, FACE[1] - moved[1] * 200 / size), 200, size, aspect=1)
    box = part_of(matrix, size, 512, 512)
    part = torch.from_numpy(portrait()[box[1] : box[3], box[0] : box[2]].copy())
    return align_all([part], [box[:2]], [matrix], size)[0]


def likeness(made: torch.Tensor, true: torch.Tensor) -> float:
    """PSNR away from the edges, where things come in from outside."""
    edge = true.shape[-1] // 8
    inside = (slice(None), slice(edge, -edge), slice(edge, -edge))
    return -10 * float(torch.log10((made[inside] - true[inside]).square().mean() / 4))


@pytest.mark.parametrize("size", [64, 256, 512])
@pytest.mark.parametrize("t", [0.25, 0.5])
def test_it_is_where_it_must_be(size: int, t: float) -> None:
    far = np.array([0.03, -0.02]) * size
    a, b = face((0, 0), size), face(tuple(far), size)
    true, plain = face(tuple(far * t), size), torch.lerp(a, b, t)
    made = between(a, b, t)
    assert made.shape == (3, size, size)
    assert likeness(made, true) > likeness(plain, true) + 5


def test_at_its_ends_it_is_one_of_the_two() -> None:
    a, b = face((0, 0)), face((5, 3))
    assert torch.allclose(between(a, b, 0), a, atol=1e-5)
    assert torch.allclose(between(a, b, 1), b, atol=1e-5)


def test_backwards_is_the_same() -> None:
    a, b = face((0, 0)), face((7, -4))
    assert torch.allclose(between(a, b, 0.3), between(b, a, 0.7), atol=1e-3)


def test_half_precision_comes_back_as_float() -> None:
    made = between(face((0, 0)).half(), face((5, 3)).half(), 0.5)
    assert made.dtype == torch.float32
    assert torch.allclose(made, between(face((0, 0)), face((5, 3)), 0.5), atol=0.05)


def test_faces_with_nothing_in_common_are_blended() -> None:
    random = torch.Generator().manual_seed(1)
    a, b = (torch.rand((3, 128, 128), generator=random) * 2 - 1 for _ in range(2))
    plain = (a + b) / 2
    assert float((between(a, b, 0.5) - plain).abs().mean()) < 0.05


def test_better_than_a_blend_on_real_footage(media: Path) -> None:
    """Every second picture is left out and made again. The interval is twice that of 50 pictures a second."""
    raw = ffmpeg(
        *("-i", media / "presenter_1080x1920_25fps.mp4", "-frames:v", "25"),
        *("-vf", "crop=300:400:440:560,format=rgb24", "-f", "rawvideo", "-"),
    )
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, 400, 300, 3)
    matrix = around((150, 190), 200, 256)
    parts = [torch.from_numpy(p.copy()) for p in pictures]
    faces = align_all(parts, [(0, 0)] * len(parts), [matrix] * len(parts), 256)
    gains, moves = [], []
    for i in range(1, len(faces) - 1, 2):
        a, true, b = faces[i - 1 : i + 2]
        plain = likeness((a + b) / 2, true)
        gains.append(likeness(between(a, b, 0.5), true) - plain)
        moves.append(-plain)
    moving = np.argsort(moves)[-len(moves) // 2 :]
    assert min(gains) > -0.3
    assert np.mean(gains) > 1
    assert np.mean(np.array(gains)[moving]) > 1


def test_one_thread_or_many_make_the_same_face() -> None:
    threads, made = cv2.getNumThreads(), []
    try:
        for count in (1, 3):
            cv2.setNumThreads(count)
            made.append(between(face((0, 0)), face((9, 3)), 0.5))
    finally:
        cv2.setNumThreads(threads)
    assert torch.equal(*made)
