"""Where the face stands in what the network sees: always in the same place, upright, as in its training.

Three points (left brow, right brow, nose) are brought onto a template by a similarity, as in LatentSync's
own alignment; the face's crop of 75×100 units is then stretched to a square. Coordinates are of pixels'
centres, as in cv2.warpAffine: the first pixel is at 0. "Left" is left in the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.track import Track

Array = npt.NDArray[np.float64]

VERSION = 1  # goes up when faces come to stand elsewhere: what is made of aligned faces is kept

LEFT_BROW = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55]
RIGHT_BROW = [300, 293, 334, 296, 336, 276, 283, 282, 295, 285]
# LatentSync takes the mean of four of insightface's 106 points (74, 77, 83, 86): the lower bridge, the outer
# sides of both wings, and the tip. These are where those are.
NOSE = [195, 48, 278, 4]

CROP = (75, 100)  # units: width and height of what is cut out
TEMPLATE = np.array([(17, 20), (58, 20), (37.5, 40)])  # units: where the three points come to be in it
UNIT = 2.8 / 256  # of the square's side, in the crop before it is stretched
NEW = 0.8  # share of a picture's own shift in its smoothed one; the rest is the picture's before
MEMORY = 8  # pictures; 0.2 to the 8th of a pixel is nothing


def three_points(points: Array, aspect: float) -> Array:
    """(3, 2) left brow, right brow, nose in square pixels, from (468, 3) landmarks in stored ones."""
    flat = points[:, :2]
    means = np.stack([flat[part].mean(0) for part in (LEFT_BROW, RIGHT_BROW, NOSE)])
    return np.asarray(means * (aspect, 1) - 0.5)  # landmarks count from the pixel's edge


def matrix_of(track: Track, k: int, size: int, aspect: float) -> Array | None:
    """(2, 3) clip picture (stored pixels) → aligned face of `size`×`size`; None outside of any run.

    track: picture k and those before it are settled. aspect: width of a pixel / its height. The shift is
    smoothed over time as a function of the picture alone: of those before it in its run.
    """
    if track.run(k) < 0:
        return None
    template = TEMPLATE * UNIT * size
    bias = np.zeros(2)
    for j in range(first := max(track.run(k), k - MEMORY), k + 1):
        points = _three_points_of(track, j, aspect)
        fitted, raw = similarity(points, template)
        bias = raw if j == first else (1 - NEW) * bias + NEW * raw
    fitted[:, 2] += bias
    square = _scaling(*(1 / (side * UNIT) for side in CROP))
    return np.asarray((square @ np.vstack([fitted, (0, 0, 1)]) @ _scaling(aspect, 1))[:2])


def similarity(points: Array, template: Array) -> tuple[Array, Array]:
    """(2, 3) that brings three points near the template, and (2,) what is smoothed and added to its shift.

    That is how far the nose stays from the template's, both centred and divided by their spread.
    """
    middle, goal = points.mean(0), template.mean(0)
    a, b = points - middle, template - goal
    spread, width = a.std(ddof=1), b.std(ddof=1)
    u, _, vt = np.linalg.svd(a.T @ b)
    unmirrored = np.diag([1.0, np.sign(np.linalg.det(vt.T @ u.T))])
    turn = width / spread * (vt.T @ unmirrored @ u.T)
    return np.column_stack([turn, goal - turn @ middle]), b[2] / width - a[2] / spread


def _three_points_of(track: Track, k: int, aspect: float) -> Array:
    anchors = track.anchors(k)
    if anchors is not None:
        return np.asarray((anchors + 0.5) * (aspect, 1) - 0.5)
    points = track.points(k)
    assert points is not None, "picture k is in a run"
    return three_points(points, aspect)


def _scaling(x: float, y: float) -> Array:
    """(3, 3) a picture stretched as cv2.resize does: its edges stay its edges."""
    return np.array([(x, 0, (x - 1) / 2), (0, y, (y - 1) / 2), (0, 0, 1)])
