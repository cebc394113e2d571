"""Sets the mouth in a picture: the lower face is a mesh, pulled to a new mouth and resampled once.

The lips go where they are told; the chin follows the lower lip; the cheeks between follow smoothly
(harmonically, the way a rubber sheet would); eyes, nose and everything outside the face stay. So all
pixels outside the pulled triangles are the clip's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.engine import Picture
from models.faces import EYE_L, EYE_R, LANDMARKS
from models.mouthwarp.head import opening, similarity
from models.mouthwarp.interior import Interior
from models.mouthwarp.mesh import (
    ALL_LOWER,
    ALL_UPPER,
    CHIN,
    CORNER_L,
    CORNER_R,
    INNER,
    LIPS,
    LOWER,
    LOWER_RINGS,
    MIDDLE,
    NOSE_TIP,
    OVAL,
    RIGID,
    UPPER,
    UPPER_RINGS,
    Mesh,
    face_mesh,
)

Array = npt.NDArray[np.float64]
Grid = npt.NDArray[np.float32]

UPPER_SHARE, LOWER_SHARE = 0.12, 0.88  # of an opening: the jaw does nearly all
CHIN_FOLLOWS = 0.62  # of the lower lip's way
EXPRESSION = 0.15  # how much of the presenter's own mouth shape stays under the new one
NARROWER = 0.5  # an open mouth is narrower by this share of its opening
SPREAD, ROUNDED = 0.09, 0.20  # change of the mouth's width at wide = +1 and −1
RING = 1.4  # where the mesh is pinned, as a multiple of the face's outline
COARSE = 2  # pixels between the points for which the map is worked out
STILL = 0.02  # pixels: a triangle that moves less is left alone


@dataclass(frozen=True)
class Mouth:
    """A mouth to set. gap: opening in eye distances; wide: −1 round … 1 spread; strength: 0..1 of it all."""

    gap: float
    wide: float
    strength: float = 1.0


@dataclass(frozen=True)
class Patch:
    """What changed: pixels[touched] replace picture[y0:y1, x0:x1][touched]; box is x0, y0, x1, y1."""

    box: tuple[int, int, int, int]
    pixels: Picture
    touched: npt.NDArray[np.bool_]


class Warper:
    """Knows one presenter. head: (468, 3) canonical; faces: (n, 468, 3) in head coordinates.

    aspect: width of a pixel / its height. Geometry is square; only the resampling knows pixels.
    """

    def __init__(self, head: Array, faces: Array, aspect: float = 1.0) -> None:
        self._head, self._aspect = head, aspect
        self._mesh: Mesh = face_mesh()
        self._rest = resting_mouth(faces)
        across = np.linspace(-0.8, 0.8, len(UPPER))
        self._profile = (1 - across**2) ** 0.6  # an opening is widest in the middle
        self._moved, self._followers, self._follow = _harmonic(head, self._mesh)

    def __call__(
        self, picture: Picture, points: Array, face: Array, mouth: Mouth, interior: Interior
    ) -> Patch | None:
        """points: (468, 3) in the picture, square pixels; face: the same in head coordinates."""
        pose = similarity(self._head[None, RIGID], points[None, RIGID])
        pull = pose.scale[0] * self._pull(face, mouth) @ pose.turn[0]
        source, target = self._pinned(points[:, :2], pull[:, :2])
        moving = np.abs(target - source).max(1) > STILL
        triangles = self._mesh.triangles[moving[self._mesh.triangles].any(1)]
        box = self._box(target[np.unique(triangles)], picture) if len(triangles) else None
        if box is None:
            return None
        x0, y0, x1, y1 = box
        pixel = np.array([1 / self._aspect, 1])
        covered, map_x, map_y = _resampling(source * pixel, target * pixel, triangles, box)
        pixels = np.asarray(
            cv2.remap(picture, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        hole = _fill(target[INNER] * pixel - (x0, y0), covered.shape)
        if mouth.gap * mouth.strength > 0.004 and hole.any():
            xs, ys = (
                (np.arange(x0, x1) * self._aspect).astype(np.float32),
                np.arange(y0, y1, dtype=np.float32),
            )
            pixels = interior.paint(pixels, hole, target[:LANDMARKS], points, (xs, ys), mouth.strength)
        touched = covered | (cv2.dilate(hole, np.ones((5, 5), np.uint8)) > 0)
        return Patch(box, pixels, touched)

    def _pull(self, face: Array, mouth: Mouth) -> Array:
        """(468, 3) where every landmark goes, in head coordinates."""
        goal = self._rest.copy()
        opened = mouth.gap * self._profile
        for row in [UPPER, *UPPER_RINGS]:
            goal[row, 1] -= UPPER_SHARE * opened
        for row in [LOWER, *LOWER_RINGS]:
            goal[row, 1] += LOWER_SHARE * opened
        width = 1 - NARROWER * mouth.gap + mouth.wide * (SPREAD if mouth.wide > 0 else ROUNDED)
        middle = (goal[CORNER_L, 0] + goal[CORNER_R, 0]) / 2
        goal[LIPS, 0] = middle + (goal[LIPS, 0] - middle) * width
        pull = np.zeros((LANDMARKS, 3))
        pull[LIPS] = (1 - EXPRESSION) * (goal[LIPS] - face[LIPS])
        # Some of the presenter's own expression stays, but the gap is exactly the one asked for.
        gap = (face[LOWER, 1] + pull[LOWER, 1]) - (face[UPPER, 1] + pull[UPPER, 1])
        missing = opened - gap
        for row in [UPPER, *UPPER_RINGS]:
            pull[row, 1] -= 0.3 * missing
        for row in [LOWER, *LOWER_RINGS]:
            pull[row, 1] += 0.7 * missing
        pull[CHIN] = [0, CHIN_FOLLOWS * pull[LOWER[MIDDLE], 1].mean(), 0]
        pull[self._followers] = self._follow @ pull[self._moved]
        return pull * mouth.strength

    def _pinned(self, points: Array, pull: Array) -> tuple[Array, Array]:
        """The mesh's points before and after, with the pinned outer ring behind them."""
        middle = points[[EYE_L, EYE_R, CHIN[0]]].mean(0)
        ring = middle + (points[OVAL] - middle) * RING
        return np.vstack([points, ring]), np.vstack([points + pull, ring])

    def _box(self, corners: Array, picture: Picture) -> tuple[int, int, int, int] | None:
        height, width = picture.shape[:2]
        corners = corners / (self._aspect, 1)
        x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - 4, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + 5, (width, height))
        return (int(x0), int(y0), int(x1), int(y1)) if x1 - x0 >= 8 and y1 - y0 >= 8 else None


def resting_mouth(faces: Array) -> Array:
    """(468, 3) the presenter's own closed mouth: the median of the most closed, then shut."""
    gaps = opening(faces)
    rest = np.asarray(np.median(faces[gaps <= np.percentile(gaps, 30)], 0))
    gap = rest[LOWER, 1] - rest[UPPER, 1]
    for row in [UPPER, *UPPER_RINGS]:
        rest[row, 1] += 0.35 * gap
    for row in [LOWER, *LOWER_RINGS]:
        rest[row, 1] -= 0.65 * gap
    return rest


def _harmonic(head: Array, mesh: Mesh) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Array]:
    """moved, followers, matrix: what the followers do is matrix @ what the moved points do."""
    told = np.zeros(LANDMARKS, bool)
    told[[*ALL_UPPER, *ALL_LOWER, *LIPS, *CHIN]] = True
    told[head[:, 1] < head[NOSE_TIP, 1]] = True  # above the nose's tip nothing moves
    laplace = np.zeros((LANDMARKS, LANDMARKS))
    for i, j in mesh.edges:
        weight = 1 / (np.linalg.norm(head[i, :2] - head[j, :2]) + 1e-3)
        laplace[i, j] -= weight
        laplace[j, i] -= weight
        laplace[i, i] += weight
        laplace[j, j] += weight
    for i in OVAL:
        laplace[i, i] += 3.0  # the pinned ring holds the jaw's outline
    free, given = np.flatnonzero(~told), np.flatnonzero(told)
    matrix = -np.linalg.solve(laplace[np.ix_(free, free)], laplace[np.ix_(free, given)])
    return given, free, matrix


def _resampling(
    source: Array, target: Array, triangles: npt.NDArray[np.int32], box: tuple[int, int, int, int]
) -> tuple[npt.NDArray[np.bool_], Grid, Grid]:
    """Which pixels of the box are in a triangle, and where in the picture each comes from.

    The map is continuous and straight inside each triangle, so it is made for every other pixel, where
    the corners of a block of four meet, and the rest is interpolated.
    """
    x0, y0, x1, y1 = box
    shape = ((y1 - y0 + 1) // COARSE + 1, (x1 - x0 + 1) // COARSE + 1)
    label = np.zeros(shape, np.int32)
    inside = (target - (x0, y0)) / COARSE
    for number, corner in enumerate(np.round(inside[triangles] * 16).astype(np.int32), 1):
        cv2.fillConvexPoly(label, corner, (number,), shift=4)
    affine = np.zeros((len(triangles) + 1, 2, 3), np.float32)
    affine[0] = [[COARSE, 0, x0], [0, COARSE, y0]]
    affine[1:] = _affines(inside[triangles], source[triangles])
    gy, gx = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    columns, rows = np.meshgrid(
        np.arange(x1 - x0, dtype=np.float32) / COARSE, np.arange(y1 - y0, dtype=np.float32) / COARSE
    )
    maps = []
    for axis in (0, 1):
        a, b, c = (affine[:, axis, k].take(label) for k in range(3))
        maps.append(np.asarray(cv2.remap(a * gx + b * gy + c, columns, rows, cv2.INTER_LINEAR), np.float32))
    near = cv2.dilate((label > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    covered = cv2.remap(near, columns, rows, cv2.INTER_NEAREST) > 0
    return np.asarray(covered, bool), maps[0], maps[1]


def _affines(source: Array, target: Array) -> Array:
    """(t, 2, 3) maps that bring triangles (t, 3, 2) onto each other; flat ones get any map."""
    first, second = source[:, 1] - source[:, 0], source[:, 2] - source[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    area = np.where(np.abs(area) < 1e-6, np.inf, area)[:, None]
    to_first, to_second = target[:, 1] - target[:, 0], target[:, 2] - target[:, 0]
    along_x = (to_first * second[:, 1:] - to_second * first[:, 1:]) / area
    along_y = (to_second * first[:, :1] - to_first * second[:, :1]) / area
    shift = target[:, 0] - along_x * source[:, 0, :1] - along_y * source[:, 0, 1:]
    return np.stack([along_x, along_y, shift], 2)


def _fill(polygon: Array, shape: tuple[int, ...]) -> Picture:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(polygon * 16).astype(np.int32)], (255,), cv2.LINE_AA, shift=4)
    return mask
