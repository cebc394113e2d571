"""What is seen between open lips: the presenter's own teeth from another picture, or painted ones.

The texture hangs from the upper lip, as upper teeth do: they stay with the skull while the jaw opens.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.engine import Picture
from models.faces import EYE_L, EYE_R
from models.mouthwarp.mesh import CORNER_L, CORNER_R, INNER, LOWER, UPPER

Array = npt.NDArray[np.float64]
Grid = npt.NDArray[np.float32]

TOP = [CORNER_L, *UPPER, CORNER_R]
BOTTOM = [CORNER_L, *LOWER, CORNER_R]
IVORY = np.array([1.18, 1.12, 1.02])  # colour of teeth where the brightest skin around is 1 …
SKIN_CAST = 0.45  # … with this much of the skin's own colour cast: the light is the same
TOOTH_HEIGHT = 0.085  # eye distances; an incisor is 8.5 mm wide and 10 high, the eyes 90 mm apart
TOOTH_SEAMS = (0.0, 0.094, 0.166, 0.25)
CAVITY_LIT = np.array([0.24, 0.15, 0.14])
TONGUE_LIT = np.array([0.62, 0.36, 0.36])


@dataclass(frozen=True)
class _Axes:
    """Along the eyes and down the face, in the picture; size: the eyes' distance."""

    across: Array
    down: Array
    size: float

    @classmethod
    def of(cls, points: Array) -> _Axes:
        eyes = points[EYE_R, :2] - points[EYE_L, :2]
        size = float(np.linalg.norm(eyes))
        across = eyes / size
        return cls(across, np.array([-across[1], across[0]]), size)

    def line(self, points: Array, indices: list[int], origin: Array) -> tuple[Array, Array]:
        """A lip's edge as (position across, height down) from origin."""
        offset = points[indices, :2] - origin
        return offset @ self.across, offset @ self.down


@dataclass(frozen=True)
class Reference:
    """A picture in which the presenter's mouth is open, cut out around it. points are in the cut."""

    picture: Picture
    points: Array

    def inside(self, aspect: float) -> npt.NDArray[np.uint8]:
        """(n, 3) the pixels between the lips."""
        mask = np.zeros(self.picture.shape[:2], np.uint8)
        cv2.fillPoly(mask, [(self.points[INNER, :2] / (aspect, 1)).astype(np.int32)], (255,))
        return np.asarray(self.picture[mask > 0])


class Interior:
    """Paints the mouth's inside. reference None: no picture of this clip shows teeth, so they are painted."""

    def __init__(self, reference: Reference | None, aspect: float = 1.0) -> None:
        self._reference, self._aspect = reference, aspect
        self._cavity = _darkest(reference.inside(aspect)) if reference else np.zeros(3)

    def paint(
        self,
        pixels: Picture,
        hole: Picture,
        lips: Array,
        points: Array,
        grid: tuple[Grid, Grid],
        strength: float,
    ) -> Picture:
        """pixels with the hole filled.

        hole: uint8 mask of the opening; lips: (468, 2) landmarks after the pull; points: before it;
        grid: x and y (square pixels of the picture) of the columns and rows of `pixels`.
        """
        axes = _Axes.of(points)
        blur = max(0.010 * axes.size, 0.8)
        x, y, w, h = cv2.boundingRect(hole)
        pad = int(np.ceil(4 * blur)) + 2
        rows = slice(max(y - pad, 0), y + h + pad)
        columns = slice(max(x - pad, 0), x + w + pad)
        soft = cv2.GaussianBlur(cv2.dilate(hole[rows, columns], np.ones((3, 3), np.uint8)), (0, 0), blur)
        weight = soft.astype(np.float32)[..., None] * (strength / 255)
        view = pixels[rows, columns]
        texture = self._texture(lips, points, axes, np.meshgrid(grid[0][columns], grid[1][rows]), view)
        pixels = pixels.copy()
        pixels[rows, columns] = np.clip(view * (1 - weight) + texture * weight, 0, 255)
        return pixels

    def _texture(
        self, lips: Array, points: Array, axes: _Axes, grid: list[npt.NDArray[np.float32]], view: Picture
    ) -> Array:
        origin = lips[[CORNER_L, CORNER_R]].mean(0)
        dx, dy = grid[0] - origin[0], grid[1] - origin[1]
        along, depth = dx * axes.across[0] + dy * axes.across[1], dx * axes.down[0] + dy * axes.down[1]
        top_x, top_y = axes.line(lips, TOP, origin)
        bottom_x, bottom_y = axes.line(lips, BOTTOM, origin)
        top = np.interp(along, top_x, top_y)
        tall = np.maximum(np.interp(along, bottom_x, bottom_y) - top, 0.5)
        below = np.clip(depth - top, 0, None)
        half = max(float(top_x[-1] - top_x[0]) / 2, 1.0)
        corner = np.clip(1.8 * np.clip(1 - (along / half) ** 2, 0, 1), 0, 1)
        slit = np.clip(tall / (0.035 * axes.size), 0.65, 1)  # lips just apart show more shade than teeth
        if self._reference is not None:
            # The reference brings its own light; only what the new shape takes away is added.
            colour = self._sampled(self._reference, along / half, below, axes)
            shade = (0.75 + 0.25 * corner) * slit
        else:
            colour = _painted(along / axes.size, below / axes.size, below / tall, view)
            under = np.clip(0.8 + 0.2 * below / (0.03 * axes.size), 0, 1)
            shade = (0.5 + 0.5 * corner) * under * slit
        return np.asarray(colour * shade[..., None])

    def _sampled(self, ref: Reference, across: Array, below: Array, axes: _Axes) -> Array:
        """The reference's mouth: same place across, same distance below the upper lip.

        Teeth keep their size. Where the mouth is opened further than in the reference there is the dark
        behind them; teeth that grow with the jaw look like fangs.
        """
        own = _Axes.of(ref.points)
        origin = ref.points[[CORNER_L, CORNER_R], :2].mean(0)
        top_x, top_y = own.line(ref.points, TOP, origin)
        bottom_x, bottom_y = own.line(ref.points, BOTTOM, origin)
        u = across * (top_x[-1] - top_x[0]) / 2
        top = np.interp(u, top_x, top_y)
        height = np.maximum(np.interp(u, bottom_x, bottom_y) - top, 1)
        down = below * (own.size / axes.size) + 0.06 * height
        v = top + np.minimum(down, 0.88 * height)
        map_x = (origin[0] + u * own.across[0] + v * own.down[0]) / self._aspect
        map_y = origin[1] + u * own.across[1] + v * own.down[1]
        picture = cv2.remap(
            ref.picture,
            map_x.astype(np.float32),
            map_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        dark = np.clip((down / height - 0.78) / 0.2, 0, 1)[..., None]
        return np.asarray(picture + dark * (self._cavity - picture))


def _darkest(pixels: npt.NDArray[np.uint8]) -> Array:
    """The colour behind the teeth: the mean of the darkest fifth."""
    light = pixels.mean(1)
    return np.asarray(pixels[light <= np.percentile(light, 20)].mean(0))


def _painted(across: Array, below: Array, depth: Array, view: Picture) -> Array:
    """Teeth, cavity and tongue in the light of the skin around.

    across, below: in eye distances, from the middle and from the upper lip; depth: 0..1 down the opening.
    """
    skin = np.percentile(view.reshape(-1, 3), 70, axis=0)  # lips and shadow are in the darker part
    tall = TOOTH_HEIGHT * (1 - 2.2 * np.clip(np.abs(across), 0, 0.5) ** 2 / 0.3)
    teeth = np.clip((tall - below) / 0.014, 0, 1) * np.clip((0.30 - np.abs(across)) / 0.08, 0, 1)
    seams = sum(np.exp(-(((np.abs(across) - x) / 0.006) ** 2)) for x in TOOTH_SEAMS)
    light = np.percentile(view.mean(2), 90)
    cast = (1 - SKIN_CAST) + SKIN_CAST * skin / skin.mean()
    ivory = np.minimum(light * IVORY * cast, 236) * (1 - 0.18 * seams)[..., None]
    tongue = np.clip((depth - 0.55) / 0.45, 0, 1) * np.clip(1 - (across / 0.28) ** 2, 0, 1)
    colour = np.broadcast_to(skin * CAVITY_LIT, (*across.shape, 3))
    colour = colour + (0.7 * tongue)[..., None] * (skin * TONGUE_LIT - colour)
    return np.asarray(colour + (0.9 * teeth)[..., None] * (ivory - colour))


def best_reference(candidates: list[Reference], aspect: float = 1.0) -> Reference | None:
    """The one whose open mouth is brightest inside (teeth) and not too small; None if none is open."""
    best, chosen = 0.0, None
    for candidate in candidates:
        inside = candidate.inside(aspect)
        if len(inside) < 30:
            continue
        axes = _Axes.of(candidate.points)
        gap = float((candidate.points[LOWER[4], :2] - candidate.points[UPPER[4], :2]) @ axes.down) / axes.size
        score = float(np.percentile(inside.mean(1), 80)) * min(gap, 0.16)
        if score > best:
            best, chosen = score, candidate
    return chosen
