"""The mask is the one that the network was trained with, and its soft sibling has no edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.latentsync import mask

# Row → painted columns, first and last, in the mask of LatentSync 1.6 (256 × 256); 26673 pixels in all.
TRAINED = {
    94: [],
    95: [(9, 77), (178, 246)],
    127: [(9, 77), (178, 246)],
    128: [(9, 247)],
    135: [(9, 246)],
    159: [(11, 245)],
    183: [(19, 236)],
    207: [(39, 217)],
    237: [(93, 168)],
    243: [],
}


def spans(row: torch.Tensor) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.numpy() == 0, [0]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def test_the_mask_is_the_trained_one() -> None:
    keep = mask.keep(256)
    assert keep.shape == (1, 256, 256)
    assert keep.dtype == torch.float32
    assert ((keep == 0) | (keep == 1)).all()
    assert int((keep == 0).sum()) == 26673
    for y, painted in TRAINED.items():
        assert spans(keep[0, y]) == painted, y


@pytest.mark.parametrize("size", [32, 64, 128, 512])
def test_the_mask_covers_the_same_of_every_size(size: int) -> None:
    keep = mask.keep(size)
    assert keep.shape == (1, size, size)
    assert keep.min() == 0
    assert keep.max() == 1
    assert float((1 - keep).mean()) == pytest.approx(26673 / 65536, abs=0.002)


def test_at_512_edges_are_as_in_training() -> None:
    """The original enlarges its mask by Lanczos, which leaves edges two pixels wide, and rings."""
    row = mask.keep(512)[0, 300, 18:28] * 255
    assert row.tolist() == pytest.approx([253, 255, 234, 150, 40, 0, 0, 7, 5, 0], abs=1e-4)


@pytest.mark.parametrize("size", [64, 256, 512])
def test_the_soft_mask_stays_inside_and_has_no_edge(size: int) -> None:
    soft, keep = mask.soft(size), mask.keep(size)[0]
    assert soft.shape == (size, size)
    assert float(soft[keep == 1].max()) == 0
    assert float(soft.min()) == 0
    assert float(soft.max()) == 1
    assert float(soft[size * 180 // 256, size // 2]) == 1  # the mouth
    assert float(soft[size * 110 // 256, size // 2]) == 0  # the nose
    steepest = max(float(soft.diff(dim=0).abs().max()), float(soft.diff(dim=1).abs().max()))
    assert steepest <= 1.6 / (mask.FEATHER * size)
    nearly = soft[soft > 0].min()
    assert float(nearly) < 0.1


def test_the_soft_mask_is_whole_well_inside() -> None:
    soft = mask.soft(256)
    assert 0.55 < float((soft == 1).sum()) / 26673 < 0.8
    wide = 256 * mask.FEATHER
    assert float(soft[160, 11 + int(wide) + 1]) == 1
    assert float(soft[160, 11 + int(wide / 2)]) == pytest.approx(0.5, abs=0.1)
