"""One presenter's face, followed through a clip: 468 landmarks a picture (MediaPipe FaceMesh).

Shared by the lip-sync engines. The mesh is run on a window around the presenter rather than on the
whole picture: a second person cannot capture it, and a small face fills the model's input. The window
is found again by the full-range detector at the start, after a cut, and whenever the face was lost.
"""

from __future__ import annotations

import sys
import types
import warnings
from contextlib import closing
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models.engine import Picture
from models.looks import ALIKE, Box, Light, Looks, learned, light, likeness, looks, relit

VERSION = 3  # goes up when what is found changes: tracks are kept
LANDMARKS = 468
EYE_L, EYE_R = 33, 263  # outer corners as seen in the picture
CHIN_TIP, FOREHEAD = 152, 10
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)

WINDOW = 2.4  # side of the window / side of the face
RECENTRE = 0.22  # of the window: how far the face may drift before the window follows
MAX_YAW = np.radians(52)
SETTLE = 5  # looks at one picture until a mesh that starts anew stands still; at first it is off by 1 %
CUT = 0.16  # mean change of brightness, 0..1, that is a change of shot
NEAR = 0.6  # faces' sides: in the same place
LEARN = 0.02  # share by which every picture changes what is known of the presenter's looks

Points = npt.NDArray[np.float32]  # (468, 3): x, y in pixels of the picture, z in the same unit
NOTHING: Points = np.full((LANDMARKS, 3), np.nan, np.float32)
NOTHING.flags.writeable = False


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


STATE = ("_window", "_last", "_looks", "_light", "_thumb")  # of the tracker, besides what is in numbers


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
        self._window: Box | None = None  # None: the presenter is being looked for
        self._last: Box | None = None
        self._looks: Looks | None = None  # the presenter's
        self._light: Light | None = None  # in which they are
        self._thumb: npt.NDArray[np.float32] | None = None
        self._lost = 0  # pictures since the presenter was seen
        self._missing = Found.NO_FACE  # why not
        self._fresh = False  # whether the mesh has seen nothing yet

    def __call__(self, picture: Picture) -> Sighting:
        cut = self._is_cut(picture)
        if cut:
            self._window = self._last = None
            self._lost = 0  # who was away in the last shot may be in this one from its first picture
        square = picture if self._aspect == 1 else squared(picture, self._aspect)
        found, points = self._look(square)
        if self._aspect != 1:
            points = points * np.array([1 / self._aspect, 1, 1], np.float32)
        return Sighting(found, points, cut)

    def close(self) -> None:
        self._mesh.close()
        self._detector.close()

    # -- going on later

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What is known after the last picture; trackers that take it up and `restart` go on alike."""
        known = {"lost": np.array(self._lost), "missing": np.array(self._missing)}
        for name in STATE:
            value = getattr(self, name)
            if value is not None:
                known[name[1:]] = np.array(astuple(value) if isinstance(value, Box) else value)
        return known

    def resume(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Takes up what `state` returned; of an empty one, nothing."""
        for name in STATE:
            value = state.get(name[1:])
            is_box = name in ("_window", "_last")
            setattr(self, name, Box(*value.tolist()) if is_box and value is not None else value)
        self._lost = int(state.get("lost", 0))
        self._missing = Found(int(state.get("missing", Found.NO_FACE)))

    def restart(self) -> None:
        """Forgets what the mesh saw last, which is the one thing that `state` cannot hold."""
        self._start_mesh()

    # -- one picture

    def _look(self, picture: Picture) -> tuple[Found, Points]:
        points = self._followed(picture) if self._window is not None else None
        # A missing face is looked for at every picture at first, then now and then.
        if points is None and (self._lost <= 8 or self._lost % 4 == 0):
            points = self._found_again(picture)
        if points is None:
            self._window = None
            self._lost += 1
            return self._missing, NOTHING
        self._lost = 0
        found = _usable(points, picture.shape[1], picture.shape[0])
        self._go_along(_box_of(points))
        if found is not Found.FACE:
            return found, NOTHING
        self._learn(picture, _box_of(points))
        return found, points

    def _followed(self, picture: Picture) -> Points | None:
        """The presenter's mesh, if he or she is in the window."""
        points = self._mesh_points(picture)
        self._missing = Found.NO_FACE
        if points is not None and not self._is_presenter(picture, _box_of(points)):
            self._missing = Found.OTHER_PERSON  # who came between, or stands in the same place
            return None
        return points

    def _found_again(self, picture: Picture) -> Points | None:
        """The same, with the window set on whoever is most like the presenter."""
        people = self._detect(picture)
        if not people:
            self._missing = Found.NO_FACE
            return None
        if self._looks is None:
            presenter = self._choose(people, picture.shape[1])
        else:
            known = self._looks
            presenter = max(people, key=lambda face: likeness(known, looks(picture, face)))
            if not self._is_presenter(picture, presenter):
                self._missing = Found.OTHER_PERSON
                return None
        self._set_window(presenter)
        return self._followed(picture)

    def _is_presenter(self, picture: Picture, face: Box) -> bool:
        if self._looks is None or likeness(self._looks, looks(picture, face)) >= ALIKE:
            return True
        # In another light nobody looks as before; then it is who is in the same place.
        near = self._last is not None and face.distance(self._last) < NEAR
        return near and self._light is not None and relit(self._light, light(picture))

    def _learn(self, picture: Picture, face: Box) -> None:
        now, shine = looks(picture, face), light(picture)
        alike = self._looks is None or likeness(self._looks, now) >= ALIKE
        share = LEARN if alike else 1.0
        self._looks = learned(self._looks, now, share)
        self._light = (
            shine if self._light is None else self._light + np.float32(share) * (shine - self._light)
        )

    def _choose(self, people: list[Box], width: int) -> Box:
        if self._prefer == "left":
            return min(people, key=lambda b: b.x)
        if self._prefer == "right":
            return max(people, key=lambda b: b.x)
        if self._prefer == "center":
            return min(people, key=lambda b: abs(b.x - width / 2))
        return max(people, key=lambda b: b.side)

    def _detect(self, picture: Picture) -> list[Box]:
        height, width = picture.shape[:2]
        result = self._detector.process(picture)
        boxes = [d.location_data.relative_bounding_box for d in result.detections or []]
        return [
            Box(
                (b.xmin + b.width / 2) * width,
                (b.ymin + b.height / 2) * height,
                max(b.width * width, b.height * height),
            )
            for b in boxes
        ]

    def _set_window(self, face: Box) -> None:
        self._window = Box(face.x, face.y, face.side * WINDOW)
        self._last = face
        self._start_mesh()

    def _start_mesh(self) -> None:
        self._mesh.reset()
        self._fresh = True

    def _mesh_points(self, picture: Picture) -> Points | None:
        """The mesh inside the window, in pixels of the picture; None when it is not the one followed."""
        assert self._window is not None and self._last is not None
        half = self._window.side / 2
        x0, y0 = max(int(self._window.x - half), 0), max(int(self._window.y - half), 0)
        x1, y1 = int(self._window.x + half), int(self._window.y + half)
        view = np.ascontiguousarray(picture[y0:y1, x0:x1])
        if min(view.shape[:2]) < 16:
            return None
        # The mesh looks where the face was in the picture before; at first it has to find out where that is.
        for _ in range(SETTLE if self._fresh else 1):
            faces = self._mesh.process(view).multi_face_landmarks
            if not faces:
                return None
        self._fresh = False
        h, w = view.shape[:2]
        raw = np.array([(p.x, p.y, p.z) for p in faces[0].landmark[:LANDMARKS]], np.float32)
        points = raw * np.array([w, h, w], np.float32) + np.array([x0, y0, 0], np.float32)
        return points if _box_of(points).distance(self._last) < NEAR else None

    def _go_along(self, face: Box) -> None:
        assert self._window is not None
        self._last = face
        drift = max(abs(face.x - self._window.x), abs(face.y - self._window.y)) / self._window.side
        zoom = face.side * WINDOW / self._window.side
        if drift > RECENTRE or not 0.7 < zoom < 1.4:
            self._set_window(face)

    # -- the picture as a whole

    def _is_cut(self, picture: Picture) -> bool:
        coarse = picture[:: max(picture.shape[0] // 128, 1), :: max(picture.shape[1] // 128, 1)]
        thumb = cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32).mean(2) / 255
        before, self._thumb = self._thumb, thumb
        return before is not None and float(np.abs(thumb - before).mean()) > CUT


def squared(picture: Picture, aspect: float) -> Picture:
    """With square pixels, from pixels of this width / height."""
    height, width = picture.shape[:2]
    size = (max(round(width * aspect), 1), height)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _box_of(points: Points) -> Box:
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return Box(float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, float((high - low).max()))


def _usable(points: Points, width: int, height: int) -> Found:
    lips = points[list(LIPS), :2]
    if (lips < 1).any() or (lips[:, 0] > width - 2).any() or (lips[:, 1] > height - 2).any():
        return Found.LIPS_OUTSIDE
    across = points[EYE_R] - points[EYE_L]
    if abs(np.arctan2(across[2], np.hypot(across[0], across[1]))) > MAX_YAW:
        return Found.PROFILE
    return Found.FACE


def warm_up() -> None:
    """The first picture of a process is a slow one: a library is loaded, and models."""
    with closing(FaceTracker()) as tracker:
        tracker(np.full((256, 256, 3), 128, np.uint8))


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
