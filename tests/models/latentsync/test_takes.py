"""Which frames are sampled together, and what fills a chunk."""

from __future__ import annotations

import numpy as np
import pytest

from models.latentsync.takes import CHUNK, Take, fill, stride_of, takes


@pytest.mark.parametrize(
    ("fps", "stride"),
    [(12, 1), (24, 1), (25, 1), (29.97, 1), (30, 1), (31, 1), (48, 2), (50, 2), (60, 2), (90, 3), (240, 8)],
)
def test_fast_videos_are_sampled_at_a_rate_that_the_network_knows(fps: float, stride: int) -> None:
    assert stride_of(fps) == stride
    assert fps / stride <= 31
    assert stride == 1 or fps / stride > 15


@pytest.mark.parametrize(
    ("run", "found"),
    [
        ([7] * 16, [(0, 16)]),
        ([-1] * 16, []),
        ([-1] * 5 + [3] * 4 + [-1] * 7, [(5, 9)]),
        ([3] * 6 + [9] * 10, [(0, 6), (6, 16)]),  # a cut from one shot with a face to another
        ([3] * 6 + [-1] + [3] * 2, [(0, 6), (7, 9)]),  # the end of a video that runs back through a gap
        ([0], [(0, 1)]),
        ([], []),
    ],
)
def test_takes_are_runs(run: list[int], found: list[tuple[int, int]]) -> None:
    assert takes(np.array(run, np.int32)) == [Take(*pair) for pair in found]


def test_a_whole_chunk_is_itself() -> None:
    assert fill(Take(0, CHUNK)).tolist() == list(range(CHUNK))


@pytest.mark.parametrize(
    ("take", "filled"),
    [
        (Take(0, 3), [0, 1, 2, 1, 0, 1, 2, 1]),
        (Take(5, 8), [6, 5, 6, 7, 6, 5, 6, 7]),
        (Take(2, 6), [4, 3, 2, 3, 4, 5, 4, 3]),
        (Take(4, 5), [4] * 8),
        (Take(6, 8), [6, 7, 6, 7, 6, 7, 6, 7]),
    ],
)
def test_a_short_take_is_mirrored(take: Take, filled: list[int]) -> None:
    assert fill(take, 8).tolist() == filled


def test_every_take_fills_a_chunk_with_its_own_frames_without_a_jump() -> None:
    for begin in range(CHUNK):
        for end in range(begin + 1, CHUNK + 1):
            got = fill(Take(begin, end))
            assert got.min() >= begin and got.max() < end and len(got) == CHUNK
            assert np.array_equal(got[begin:end], np.arange(begin, end))
            steps = np.abs(np.diff(got))
            assert (steps == (1 if end - begin > 1 else 0)).all()
