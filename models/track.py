"""A presenter's track through a clip: landmarks on disk, read back smoothed, in pieces.

An hour of landmarks is 600 MB, so they live in a file of the job's scratch folder; only a block of
pictures is in memory at a time. A finished track is found again when the job resumes.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import savgol_filter

from models.engine import Clip
from models.faces import EYE_L, EYE_R, LANDMARKS, FaceTracker, Found
from models.progress import Progress

BLOCK = 128  # pictures read at once
GAP = 5  # pictures: a face lost for no longer is bridged
SHORTEST_RUN = 5  # pictures: a face seen for less is a flicker
SMOOTH = (7, 2)  # Savitzky–Golay window and order: takes off the mesh's jitter, keeps a blink's speed
MARGIN = 16  # pictures read beyond a block, so that smoothing and bridging do not see its ends
LIP_UP, LIP_LOW = [82, 13, 312], [87, 14, 317]

# A power cut can leave a file that has its name and is empty; then the clip is followed again.
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)

Array = npt.NDArray[np.float64]


class Track:
    """What was found in the pictures `numbers` (rising) of a clip.

    found, cut: (m,) as models.faces.Sighting; gap: (m,) lips' opening in eye distances, NaN faceless.
    run: (m,) the number of the unbroken stretch with a face that a picture belongs to, −1 for none.
    """

    def __init__(
        self,
        points: Path,
        numbers: npt.NDArray[np.int32],
        found: npt.NDArray[np.uint8],
        cut: npt.NDArray[np.bool_],
        gap: npt.NDArray[np.float32],
    ) -> None:
        self.numbers, self.found, self.cut, self.gap = numbers, found, cut, gap
        self.run = runs(found == Found.FACE, cut)
        self._points = points
        self._block = lru_cache(maxsize=3)(self._read_block)

    def __len__(self) -> int:
        return len(self.numbers)

    def points(self, k: int) -> Array | None:
        """(468, 3) smoothed landmarks of the k-th tracked picture, or None when it has no face."""
        if self.run[k] < 0:
            return None
        return np.asarray(self._block(k // BLOCK)[k % BLOCK])

    def sample(self, most: int = 300) -> npt.NDArray[np.int64]:
        """Up to `most` pictures with a face, evenly spread."""
        there = np.flatnonzero(self.run >= 0)
        return np.asarray(there[np.unique(np.linspace(0, len(there) - 1, min(most, len(there))).astype(int))])

    def _read_block(self, block: int) -> Array:
        begin, end = block * BLOCK, min((block + 1) * BLOCK, len(self))
        low, high = max(begin - MARGIN, 0), min(end + MARGIN, len(self))
        raw = self._read(low, high)
        out = np.full_like(raw, np.nan)
        for run in np.unique(self.run[low:high]):
            if run >= 0:
                inside = self.run[low:high] == run
                out[inside] = _smooth(_bridge(raw[inside]))
        return out[begin - low : end - low]

    def _read(self, low: int, high: int) -> Array:
        size = LANDMARKS * 3
        flat = np.fromfile(self._points, np.float32, (high - low) * size, offset=low * size * 4)
        return flat.reshape(-1, LANDMARKS, 3).astype(np.float64)


def runs(face: npt.NDArray[np.bool_], cut: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """(m,) number of the run each picture is in, −1 outside: short gaps bridged, flickers dropped."""
    out = np.full(len(face), -1, np.int32)
    shot = np.cumsum(cut)
    number = 0
    for s in np.unique(shot):
        inside = np.flatnonzero((shot == s) & face)
        for piece in np.split(inside, np.flatnonzero(np.diff(inside) > GAP + 1) + 1):
            if len(piece) and (len(piece) >= SHORTEST_RUN or len(piece) == len(face)):
                out[piece[0] : piece[-1] + 1] = number
                number += 1
    return out


def _bridge(points: Array) -> Array:
    """Fills missing pictures inside a run in straight lines."""
    there = ~np.isnan(points[:, 0, 0])
    if there.all() or not there.any():
        return points
    t = np.arange(len(points))
    flat = points.reshape(len(points), -1)
    filled = [np.interp(t, t[there], column[there]) for column in flat.T]
    return np.stack(filled, 1).reshape(points.shape)


def _smooth(points: Array) -> Array:
    window, order = SMOOTH
    return np.asarray(savgol_filter(points, window, order, axis=0)) if len(points) > window else points


# ---------------------------------------------------------------- making one


def track_clip(clip: Clip, scratch: Path, prefer: str, progress: Progress) -> Track:
    """Follows the presenter through every picture that the video shows, once. Resumes to a finished track.

    progress: one step a picture.
    """
    points, summary = scratch / "points.f32", scratch / "track.npz"
    numbers = np.unique(clip.order)
    with contextlib.suppress(*UNREADABLE), np.load(summary) as kept:
        return Track(points, numbers, kept["found"], kept["cut"], kept["gap"])
    found = np.zeros(len(numbers), np.uint8)
    cut = np.zeros(len(numbers), bool)
    gap = np.full(len(numbers), np.nan, np.float32)
    tracker = FaceTracker(prefer, clip.pixel_aspect)
    try:
        with points.open("wb") as f, closing(clip.pictures([int(n) for n in numbers])) as pictures:
            for k, picture in enumerate(pictures):
                seen = tracker(picture)
                found[k], cut[k] = seen.found, seen.cut
                gap[k] = _gap(seen.points)
                f.write(seen.points.astype(np.float32).tobytes())
                progress.step(k + 1, len(numbers))
            f.flush()
            os.fsync(f.fileno())
    finally:
        tracker.close()
    temporary = scratch / "track.part.npz"
    with temporary.open("wb") as f:
        np.savez(f, found=found, cut=cut, gap=gap)
        f.flush()
        os.fsync(f.fileno())
    temporary.rename(summary)
    return Track(points, numbers, found, cut, gap)


def _gap(points: npt.NDArray[np.float32]) -> float:
    eyes = points[EYE_R, :2] - points[EYE_L, :2]
    distance = np.linalg.norm(eyes)
    down = np.array([-eyes[1], eyes[0]]) / distance
    return float((points[LIP_LOW, :2] - points[LIP_UP, :2]).mean(0) @ down / distance)
