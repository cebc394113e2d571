"""Optional: the three points of a face as LatentSync itself finds them, by insightface's 106 landmarks.

For comparison with the original. The presenter is still followed by mediapipe (models.faces); of the faces
that insightface sees, the one in the same place counts. insightface's code is MIT, but its models are for
non-commercial research only, so neither comes with us: whoever wants them installs them.
"""

from __future__ import annotations

import contextlib
import io
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.engine import Picture
from models.errors import Unavailable
from models.faces import Points, squared
from models.latentsync.needs import DETECTOR, INSIGHTFACE_MODELS, LANDMARKS, alignment_lack
from models.track import Anchors

PARTS = ([43, 48, 49, 51, 50], [101, 102, 103, 104, 105], [74, 77, 83, 86])  # left brow, right brow, nose
DETECTED_AT = (512, 512)  # pixels, as LatentSync has it
SURE = 0.5  # score of a detection that counts
OVERLAP = 0.3  # intersection over union of the two backends' boxes, of one face


def anchors_of(alignment: str, device: str, aspect: float = 1.0, home: Path | None = None) -> Anchors | None:
    """For models.track.open_track: None for "mediapipe", whose landmarks are there anyway.

    device: "cuda" or "cpu". aspect: width of a pixel / its height. home: the user's, where the models are.
    Raises Unavailable.
    """
    if alignment != "insightface":
        return None
    home = home or Path.home()
    if lacks := alignment_lack(alignment, home):
        raise Unavailable(lacks.why, code="insightface_missing", hint=lacks.fix)
    return InsightAnchors(home / INSIGHTFACE_MODELS, device, aspect)


class InsightAnchors:
    """Satisfies models.track.Anchors."""

    def __init__(self, folder: Path, device: str, aspect: float = 1.0) -> None:
        from insightface.app.common import Face
        from insightface.model_zoo import get_model

        self.name = f"insightface {version('insightface')}"
        self._face, self._aspect = Face, aspect
        run_by = ["CUDAExecutionProvider"] if device == "cuda" else []
        with contextlib.redirect_stdout(io.StringIO()):  # it tells what it loads
            self._detector, self._landmarks = (
                get_model(str(folder / name), providers=[*run_by, "CPUExecutionProvider"])
                for name in (DETECTOR, LANDMARKS)
            )
        self._detector.prepare(0 if run_by else -1, input_size=DETECTED_AT, det_thresh=SURE)
        self._landmarks.prepare(0 if run_by else -1)

    def __call__(self, picture: Picture, points: Points) -> npt.NDArray[np.float32] | None:
        """(3, 2) in pixels of the picture, rounded as LatentSync rounds them."""
        square = picture if self._aspect == 1 else squared(picture, self._aspect)
        boxes, _ = self._detector.detect(square)  # RGB, where insightface expects BGR: so does LatentSync
        box = _same_face(np.asarray(boxes, np.float64), points[:, :2] * (self._aspect, 1))
        if box is None:
            return None
        found: Any = np.round(self._landmarks.get(square, self._face(bbox=box)))
        three = np.round([found[part].mean(0) for part in PARTS])
        return np.asarray((three + 0.5) / (self._aspect, 1) - 0.5, np.float32)


def _same_face(boxes: npt.NDArray[np.float64], points: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
    """(4,) x0, y0, x1, y1: of the boxes (n, 5) the one that overlaps most with the face of these points."""
    low, high = points.min(0), points.max(0)
    sides = np.minimum(boxes[:, 2:4], high) - np.maximum(boxes[:, :2], low)
    both = np.maximum(sides, 0).prod(1)
    share = both / ((boxes[:, 2:4] - boxes[:, :2]).prod(1) + (high - low).prod() - both)
    if not len(share) or share.max() < OVERLAP:
        return None
    return np.asarray(boxes[int(share.argmax()), :4])
