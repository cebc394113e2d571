"""Where the head is: every picture's landmarks brought into one head's own coordinates.

Head coordinates: unit = distance of the eyes' outer corners, origin = bridge of the nose, x along the
eyes, y down the face, z away from the camera. There a mouth can be compared and set whatever the head does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.faces import CHIN_TIP, EYE_L, EYE_R, FOREHEAD
from models.mouthwarp.mesh import BRIDGE, LOWER, MIDDLE, RIGID, UPPER

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """point = scale · canonical @ turn + shift, and back. One, or a stack of n."""

    scale: Array  # (n,)
    turn: Array  # (n, 3, 3)
    shift: Array  # (n, 3)

    def apply(self, points: Array) -> Array:
        return np.asarray(self.scale[:, None, None] * (points @ self.turn) + self.shift[:, None, :])


def similarity(source: Array, target: Array) -> Pose:
    """The scaling, rotation and shift that bring source nearest to target (Umeyama 1991).

    source, target: (n, k, 3); one of them may be (1, k, 3).
    """
    n = max(len(source), len(target))
    middle_s, middle_t = source.mean(1, keepdims=True), target.mean(1, keepdims=True)
    s, t = source - middle_s, target - middle_t
    u, size, vt = np.linalg.svd(np.broadcast_to(s.transpose(0, 2, 1) @ t, (n, 3, 3)))
    mirror = np.ones((n, 3))
    mirror[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = u @ (mirror[:, :, None] * vt)
    scale = (size * mirror).sum(1) / (s**2).sum((1, 2))
    shift = middle_t[:, 0] - scale[:, None] * (middle_s @ turn)[:, 0]
    return Pose(scale, turn, shift)


def canonical_head(samples: Array) -> Array:
    """(468, 3) the presenter's head, from (n, 468, 3) landmarks of many pictures."""
    middle = samples[len(samples) // 2]
    head: Array = (middle - middle[BRIDGE]) / np.linalg.norm(middle[EYE_R] - middle[EYE_L])
    for _ in range(3):
        head = _upright(np.median(to_head(samples, head), 0))
    return head


def to_head(points: Array, head: Array) -> Array:
    """(n, 468, 3) landmarks in head coordinates."""
    return similarity(points[:, RIGID], head[None, RIGID]).apply(points)


def opening(points: Array) -> Array:
    """(n,) the gap between the lips' inner edges at the middle, in eye distances, from head coordinates."""
    gap = points[:, LOWER[MIDDLE], 1] - points[:, UPPER[MIDDLE], 1]
    return np.asarray(np.maximum(gap.mean(1), 0))


def _upright(head: Array) -> Array:
    across = head[EYE_R] - head[EYE_L]
    across /= np.linalg.norm(across)
    down = head[CHIN_TIP] - head[FOREHEAD]
    down -= across * (down @ across)
    down /= np.linalg.norm(down)
    axes = np.stack([across, down, np.cross(across, down)])
    return np.asarray((head - head[BRIDGE]) @ axes.T / np.linalg.norm(head[EYE_R] - head[EYE_L]))
