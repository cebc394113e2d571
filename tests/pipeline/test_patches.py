"""Patches come back bit for bit, in order, and a chunk is whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.engine import SyncedFrame
from pipeline.patches import CHUNK, Patch, chunks_done, patch_of, read_patches, write_chunk


def nobody_waits() -> None:
    pytest.fail("all of it is there")


def synced(number: int, rng: np.random.Generator, *, touched: bool = True) -> SyncedFrame:
    if not touched:
        return SyncedFrame(number)
    x0, y0 = (int(v) for v in rng.integers(0, 30, 2))
    pixels, mask = rng.integers(0, 256, (25, 21, 3), np.uint8), rng.random((25, 21)) < 0.5
    return SyncedFrame(number, (x0, y0, x0 + 21, y0 + 25), pixels, mask)


def test_only_and_all_touched_pixels_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frames = [synced(i, rng, touched=i % 5 != 2) for i in range(CHUNK + 7)]
    for number, begin in enumerate((0, CHUNK)):
        write_chunk(tmp_path, number, [patch_of(f) for f in frames[begin : begin + CHUNK]])
    back = list(read_patches(tmp_path, len(frames), nobody_waits))
    assert len(back) == len(frames)
    for frame, patch in zip(frames, back, strict=True):
        blank = np.zeros((90, 60, 3), np.uint8)
        if patch is None:
            assert frame.box is None
            continue
        patch.paste(blank)
        x0, y0, x1, y1 = patch.box
        inside = np.zeros(blank.shape[:2], bool)
        assert frame.touched is not None and frame.pixels is not None
        inside[y0:y1, x0:x1] = frame.touched
        assert np.array_equal(blank[inside], frame.pixels[frame.touched])
        assert not blank[~inside].any()


def test_a_patch_is_a_copy(tmp_path: Path) -> None:
    frame = synced(0, np.random.default_rng(2))
    patch = patch_of(frame)
    assert patch is not None and frame.pixels is not None
    before = patch.pixels.copy()
    frame.pixels[:] = 0
    assert np.array_equal(patch.pixels, before)


def test_chunks_count_only_without_a_gap(tmp_path: Path) -> None:
    for number in (0, 1, 3):
        write_chunk(tmp_path, number, [None])
    (tmp_path / ".chunk-000002.npz.part").write_bytes(b"half")
    assert chunks_done(tmp_path) == 2


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_mask_may_be_empty_or_full(tmp_path: Path, share: float) -> None:
    mask = np.full((4, 6), bool(share))
    patch = Patch((1, 2, 7, 6), mask, np.full((int(mask.sum()), 3), 7, np.uint8))
    write_chunk(tmp_path, 0, [patch])
    (back,) = read_patches(tmp_path, 1, nobody_waits)
    assert back is not None
    assert np.array_equal(back.touched, mask) and np.array_equal(back.pixels, patch.pixels)
