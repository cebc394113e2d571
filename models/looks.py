"""What a person looks like, coarsely: the colours of hair, face and collar, each by itself.

Enough to tell two people in one clip apart, and cheap enough for every picture. It is no biometric: two
people with the same hair in the same uniform are alike. Exposure is taken out; a change of the light's colour
is not, so `light` tells of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.engine import Picture

BANDS = 3  # from the hair down to the collar, alike in height
HALF = (0.46, 0.62)  # of the face's side: half the width and height of what is looked at
RAISE = 0.05  # of the face's side: it is centred above the face, for the hair
VISIBLE = 0.4  # share of a band that must be inside the picture for it to count
BINS, CHROMA = (4, 24, 24), 48.0  # of lightness and Lab's a and b, which go from −CHROMA to CHROMA
WHITE, BRIGHTEST = 200.0, 90.0  # the percentile that is brought to this value, of 255
ALIKE = 0.5  # one person stays above 0.75, also in a small or noisy picture; others stay below 0.4
RELIT = 0.12  # change of any colour's level in the picture that is another light

Looks = npt.NDArray[np.float32]  # (3, 4, 24, 24) histograms, each with sum 1 or all 0 where nothing is seen
Light = npt.NDArray[np.float32]  # (3,) RGB


@dataclass(frozen=True)
class Box:
    """Of a face: centre and side, in pixels."""

    x: float
    y: float
    side: float

    def distance(self, other: Box) -> float:
        """Between centres, in sides of the larger one."""
        return float(np.hypot(self.x - other.x, self.y - other.y) / max(self.side, other.side, 1.0))


def looks(picture: Picture, face: Box) -> Looks:
    """Of the person whose face this is."""
    across, height = HALF[0] * face.side, 2 * HALF[1] * face.side / BANDS
    top = face.y - (HALF[1] + RAISE) * face.side
    bands = [_band(picture, face.x - across, top + i * height, 2 * across, height) for i in range(BANDS)]
    seen = [band for band in bands if band is not None]
    out = np.zeros((BANDS, *BINS), np.float32)
    if not seen:
        return out
    gain = WHITE / max(float(np.percentile(np.concatenate(seen), BRIGHTEST)), 1.0)
    for i, band in enumerate(bands):
        if band is not None:
            out[i] = _histogram(np.minimum(band * gain, 255))
    return out


def likeness(a: Looks, b: Looks) -> float:
    """0..1 (Bhattacharyya), of the bands that both show; 1 when there is none: nothing speaks against it."""
    both = a.any((1, 2, 3)) & b.any((1, 2, 3))
    return float(np.sqrt(a[both] * b[both]).sum() / both.sum()) if both.any() else 1.0


def learned(known: Looks | None, now: Looks, share: float) -> Looks:
    """What is known, moved by `share` towards what is seen now, where anything is."""
    if known is None:
        return now
    seen, was = now.any((1, 2, 3)), known.any((1, 2, 3))
    weight = (seen * np.where(was, share, 1.0)).astype(np.float32)[:, None, None, None]
    return np.asarray(known + weight * (now - known), np.float32)


def light(picture: Picture) -> Light:
    """The middle level of each colour: of the room rather than of a person in it."""
    coarse = picture[:: max(picture.shape[0] // 32, 1), :: max(picture.shape[1] // 32, 1)]
    return np.asarray(np.median(coarse.reshape(-1, 3), axis=0), np.float32)


def relit(before: Light, now: Light) -> bool:
    """Whether the light has changed so much that nobody looks as before."""
    return bool((np.abs(now - before) > RELIT * (before + 32)).any())


def _band(
    picture: Picture, x: float, y: float, width: float, height: float
) -> npt.NDArray[np.float32] | None:
    """(16, 36, 3) of what is there; None when too much of it is outside the picture."""
    x0, x1 = max(int(x), 0), min(int(x + width), picture.shape[1])
    y0, y1 = max(int(y), 0), min(int(y + height), picture.shape[0])
    if x1 - x0 < 1 or y1 - y0 < 1 or (x1 - x0) * (y1 - y0) < VISIBLE * width * height:
        return None
    small = cv2.resize(picture[y0:y1, x0:x1], (36, 16), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _histogram(rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lab = cv2.cvtColor(np.asarray(rgb / 255, np.float32), cv2.COLOR_RGB2LAB)
    ranges = [0, 100.1, -CHROMA, CHROMA, -CHROMA, CHROMA]
    lab[..., 1:] = np.clip(lab[..., 1:], -CHROMA, CHROMA - 0.1)
    counts = cv2.calcHist([lab], [0, 1, 2], None, list(BINS), ranges)
    soft = np.stack([cv2.GaussianBlur(level, (0, 0), 0.7) for level in counts])
    return np.asarray(soft / max(float(soft.sum()), 1e-6), np.float32)
