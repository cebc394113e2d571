"""One presenter's face, followed through a clip: 468 landmarks a picture (MediaPipe FaceMesh).

Shared by the lip-sync engines. The mesh is run on a window around the presenter rather than on the
whole picture: a second person cannot capture it, and a small face fills the model's input. The window
is found again by the full-range detector at the start, after a cut, and whenever the face was lost.
"""

from __future__ import annotations

import sys
import types
import warnings
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models.engine import Picture

LANDMARKS = 468
EYE_L, EYE_R = 33, 263  # outer corners as seen in the picture
CHIN_TIP, FOREHEAD = 152, 10
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)

WINDOW = 2.4  # side of the window / side of the face
RECENTRE = 0.22  # of the window: how far the face may drift before the window follows
MAX_YAW = np.radians(52)
CUT = 0.16  # mean change of brightness, 0..1, that is a change of shot
SAME_PERSON = 0.35  # correlation of colour histograms (face, hair, collar)

Points = npt.NDArray[np.float32]  # (468, 3): x, y in pixels of the picture, z in the same unit


class Found(IntEnum):
    """What a picture holds. Everything but FACE passes through the lip-sync untouched."""

    FACE = 0
    NO_FACE = 1
    LIPS_OUTSIDE = 2  # the mouth is beyond the picture's edge; the mesh would invent one
    PROFILE = 3  # turned away too far to see the mouth
    OTHER_PERSON = 4


@dataclass(frozen=True)
class Sighting:
    """points are NaN unless found is FACE; cut: this picture begins a new shot."""

    found: Found
    points: Points
    cut: bool


@dataclass(frozen=True)
class _Box:
    x: float  # centre
    y: float
    side: float

    def distance(self, other: _Box) -> float:
        """Between centres, in sides of the larger one."""
        return float(np.hypot(self.x - other.x, self.y - other.y) / max(self.side, other.side, 1.0))


class FaceTracker:
    """Call it with the pictures of a clip in their order. Not thread-safe; `close` it.

    prefer: which of several people is the presenter: "largest", "left", "right" or "center".
    pixel_aspect: width of a pixel / its height; points come back in stored pixels.
    """

    def __init__(self, prefer: str = "largest", pixel_aspect: float = 1.0) -> None:
        self._prefer, self._aspect = prefer, pixel_aspect
        kit = solutions()
        self._mesh = kit.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)
        self._detector = kit.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.4)
        self._window: _Box | None = None  # None: the presenter is being looked for
        self._last: _Box | None = None
        self._looks: npt.NDArray[np.float32] | None = None  # the presenter's colours
        self._thumb: npt.NDArray[np.float32] | None = None
        self._lost = 0  # pictures since the presenter was seen
        self._missing = Found.NO_FACE  # why not

    def __call__(self, picture: Picture) -> Sighting:
        cut = self._is_cut(picture)
        if cut:
            self._window = self._last = None
        square = picture if self._aspect == 1 else self._squared(picture)
        found, points = self._look(square)
        if self._aspect != 1:
            points = points * np.array([1 / self._aspect, 1, 1], np.float32)
        return Sighting(found, points, cut)

    def close(self) -> None:
        self._mesh.close()
        self._detector.close()

    # -- one picture

    def _look(self, picture: Picture) -> tuple[Found, Points]:
        nothing = np.full((LANDMARKS, 3), np.nan, np.float32)
        if self._window is None:
            # A missing face is looked for at every picture at first, then now and then.
            if self._lost > 8 and self._lost % 4:
                self._lost += 1
                return self._missing, nothing
            found = self._search(picture)
            if found is not Found.FACE:
                self._lost += 1
                self._missing = found
                return found, nothing
        points = self._mesh_points(picture)
        if points is None:
            self._window = None
            self._lost += 1
            return Found.NO_FACE, nothing
        self._lost = 0
        box = _box_of(points)
        verdict = _usable(points, picture.shape[1], picture.shape[0])
        self._follow(picture, box, remember=verdict is Found.FACE)
        return verdict, points if verdict is Found.FACE else nothing

    def _search(self, picture: Picture) -> Found:
        """Sets the window on the presenter, if he or she is there."""
        people = self._detect(picture)
        if not people:
            return Found.NO_FACE
        if self._looks is None:
            presenter = self._choose(people, picture.shape[1])
        else:
            presenter = max(people, key=lambda b: self._likeness(picture, b))
            near = self._last is not None and presenter.distance(self._last) < 0.6
            if not near and self._likeness(picture, presenter) < SAME_PERSON:
                return Found.OTHER_PERSON
        self._set_window(presenter)
        return Found.FACE

    def _choose(self, people: list[_Box], width: int) -> _Box:
        if self._prefer == "left":
            return min(people, key=lambda b: b.x)
        if self._prefer == "right":
            return max(people, key=lambda b: b.x)
        if self._prefer == "center":
            return min(people, key=lambda b: abs(b.x - width / 2))
        return max(people, key=lambda b: b.side)

    def _detect(self, picture: Picture) -> list[_Box]:
        height, width = picture.shape[:2]
        result = self._detector.process(picture)
        boxes = [d.location_data.relative_bounding_box for d in result.detections or []]
        return [
            _Box(
                (b.xmin + b.width / 2) * width,
                (b.ymin + b.height / 2) * height,
                max(b.width * width, b.height * height),
            )
            for b in boxes
        ]

    def _set_window(self, face: _Box) -> None:
        self._window = _Box(face.x, face.y, face.side * WINDOW)
        self._last = face
        self._mesh.reset()

    def _mesh_points(self, picture: Picture) -> Points | None:
        """The mesh inside the window, in pixels of the picture; None when it is not the one followed."""
        assert self._window is not None and self._last is not None
        half = self._window.side / 2
        x0, y0 = max(int(self._window.x - half), 0), max(int(self._window.y - half), 0)
        x1, y1 = int(self._window.x + half), int(self._window.y + half)
        view = np.ascontiguousarray(picture[y0:y1, x0:x1])
        if min(view.shape[:2]) < 16:
            return None
        faces = self._mesh.process(view).multi_face_landmarks
        if not faces:
            return None
        h, w = view.shape[:2]
        raw = np.array([(p.x, p.y, p.z) for p in faces[0].landmark[:LANDMARKS]], np.float32)
        points = raw * np.array([w, h, w], np.float32) + np.array([x0, y0, 0], np.float32)
        return points if _box_of(points).distance(self._last) < 0.5 else None

    def _follow(self, picture: Picture, box: _Box, *, remember: bool) -> None:
        assert self._window is not None
        self._last = box
        drift = max(abs(box.x - self._window.x), abs(box.y - self._window.y)) / self._window.side
        zoom = box.side * WINDOW / self._window.side
        if drift > RECENTRE or not 0.7 < zoom < 1.4:
            self._set_window(box)
        if remember:
            looks = _colours(picture, box)
            self._looks = looks if self._looks is None else 0.98 * self._looks + 0.02 * looks

    def _likeness(self, picture: Picture, box: _Box) -> float:
        assert self._looks is not None
        return float(cv2.compareHist(self._looks, _colours(picture, box), cv2.HISTCMP_CORREL))

    # -- the picture as a whole

    def _is_cut(self, picture: Picture) -> bool:
        coarse = picture[:: max(picture.shape[0] // 128, 1), :: max(picture.shape[1] // 128, 1)]
        thumb = cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32).mean(2) / 255
        before, self._thumb = self._thumb, thumb
        return before is not None and float(np.abs(thumb - before).mean()) > CUT

    def _squared(self, picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        size = (max(round(width * self._aspect), 1), height)
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _box_of(points: Points) -> _Box:
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return _Box(float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, float((high - low).max()))


def _usable(points: Points, width: int, height: int) -> Found:
    lips = points[list(LIPS), :2]
    if (lips < 1).any() or (lips[:, 0] > width - 2).any() or (lips[:, 1] > height - 2).any():
        return Found.LIPS_OUTSIDE
    across = points[EYE_R] - points[EYE_L]
    if abs(np.arctan2(across[2], np.hypot(across[0], across[1]))) > MAX_YAW:
        return Found.PROFILE
    return Found.FACE


def _colours(picture: Picture, box: _Box) -> npt.NDArray[np.float32]:
    """Hue and saturation of the head and collar, as a normalised histogram."""
    half = box.side * 0.8
    x0, y0 = max(int(box.x - half), 0), max(int(box.y - half), 0)
    view = picture[y0 : int(box.y + half), x0 : int(box.x + half)]
    small = cv2.resize(view, (48, 48), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    hist = cv2.calcHist([hsv], [0, 1], None, [18, 8], [0, 180, 0, 256])
    return np.asarray(hist / max(hist.sum(), 1), np.float32)


def solutions() -> Any:
    """mediapipe.solutions, without the matplotlib of its drawing helpers (10 s, and a cache in ~)."""
    if "mediapipe" not in sys.modules:
        absent = [m for m in ("matplotlib", "matplotlib.pyplot") if m not in sys.modules]
        for name in absent:
            sys.modules[name] = types.ModuleType(name)
        try:
            with warnings.catch_warnings():
                # Python 3.12 finds its SWIG types old-fashioned; where warnings are errors it would not load.
                warnings.simplefilter("ignore", DeprecationWarning)
                import mediapipe  # noqa: F401
        finally:
            for name in absent:
                sys.modules.pop(name, None)
    return sys.modules["mediapipe"].solutions
