"""The draft lip-sync engine. Two passes: follow the presenter, then set the mouth frame by frame.

Nothing is held that grows with the clip but a few numbers a frame; landmarks are on disk (models.track).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.engine import Clip, Speech, SyncedFrame, SyncOptions, SyncReport
from models.errors import BadInput
from models.faces import FaceTracker, Found
from models.mouthwarp.head import canonical_head, opening, to_head
from models.mouthwarp.interior import Interior, Reference, best_reference
from models.mouthwarp.shapes import Shapes, mouth_shapes
from models.mouthwarp.warp import Mouth, Warper
from models.progress import Progress, Share
from models.track import Track, track_clip

Array = npt.NDArray[np.float64]

WIDEST = (0.13, 0.18)  # eye distances: bounds of the opening at the loudest, by how this presenter speaks
RAMP = 4  # frames over which the mouth is taken over from the clip where a face appears or goes
TRACKING = 0.35  # share of the work that the first pass is
CANDIDATES = 12  # pictures looked at for teeth


class MouthwarpEngine:
    """Satisfies models.engine.LipSyncEngine. Needs no weights; keeps nothing between jobs."""

    name = "mouthwarp"
    version = 1

    def warm_up(self) -> None:
        tracker = FaceTracker()  # its first picture is a slow one
        try:
            tracker(np.full((256, 256, 3), 128, np.uint8))
        finally:
            tracker.close()

    def sync(
        self,
        clip: Clip,
        speech: Speech,
        options: SyncOptions,
        progress: Progress,
        first: int = 0,
        report: SyncReport | None = None,
    ) -> Generator[SyncedFrame]:
        track = track_clip(clip, options.scratch, options.face, Share(progress, 0, TRACKING))
        shown = np.searchsorted(track.numbers, clip.order)  # output frame → tracked picture
        strength = takeover(track.run[shown])
        check_faces(track, shown, options.max_faceless)
        shapes = mouth_shapes(speech, clip.fps, len(clip.order))
        presenter = learn(clip, track)
        if report is not None:
            report.frames, report.faceless = len(shown), int((strength == 0).sum())
        work = Share(progress, TRACKING, 1)
        with closing(clip.pictures([int(n) for n in clip.order[first:]])) as pictures:
            for i, picture in enumerate(pictures, first):
                yield self._set(i, picture, track, int(shown[i]), presenter, shapes, float(strength[i]))
                work.step(i + 1, len(shown))

    def _set(
        self,
        i: int,
        picture: npt.NDArray[np.uint8],
        track: Track,
        k: int,
        presenter: Presenter,
        shapes: Shapes,
        strength: float,
    ) -> SyncedFrame:
        points = track.points(k)
        if points is None or strength == 0:
            return SyncedFrame(i, picture)
        points = points * (presenter.aspect, 1, 1)
        face = to_head(points[None], presenter.head)[0]
        mouth = Mouth(float(shapes.open[i]) * presenter.widest, float(shapes.wide[i]), strength)
        patch = presenter.warper(picture, points, face, mouth, presenter.interior)
        if patch is None:
            return SyncedFrame(i, picture)
        x0, y0, x1, y1 = patch.box
        cv2.copyTo(patch.pixels, patch.touched.view(np.uint8), picture[y0:y1, x0:x1])
        return SyncedFrame(i, picture, patch.box, patch.touched)


@dataclass(frozen=True)
class Presenter:
    """What is learned of one presenter before the first frame is made."""

    head: Array
    aspect: float
    widest: float  # opening at the loudest, eye distances
    warper: Warper
    interior: Interior


def learn(clip: Clip, track: Track) -> Presenter:
    """Head, resting mouth, how wide it opens, and a picture with teeth."""
    scale = (clip.pixel_aspect, 1, 1)
    sample = np.stack([p * scale for k in track.sample() if (p := track.points(int(k))) is not None])
    head = canonical_head(sample)
    faces = to_head(sample, head)
    widest = float(np.clip(np.percentile(opening(faces), 95), *WIDEST))
    reference = best_reference(_open_mouths(clip, track), clip.pixel_aspect)
    return Presenter(
        head,
        clip.pixel_aspect,
        widest,
        Warper(head, faces, clip.pixel_aspect),
        Interior(reference, clip.pixel_aspect),
    )


def _open_mouths(clip: Clip, track: Track) -> list[Reference]:
    """The pictures with the widest mouths, cut out around the face."""
    there = np.flatnonzero((track.run >= 0) & ~np.isnan(track.gap))
    gaps = track.gap[there]
    wide = there[gaps >= max(float(np.percentile(gaps, 80)), 0.06)]
    chosen = np.sort(wide[np.argsort(-track.gap[wide], kind="stable")][:CANDIDATES])
    out = []
    for k, picture in zip(chosen, clip.pictures([int(track.numbers[k]) for k in chosen]), strict=True):
        points = track.points(int(k))
        assert points is not None
        x0, y0 = np.maximum(points[:, :2].min(0).astype(int), 0)
        x1, y1 = points[:, :2].max(0).astype(int) + 1
        moved = (points - (x0, y0, 0)) * (clip.pixel_aspect, 1, 1)
        out.append(Reference(picture[y0:y1, x0:x1].copy(), moved))
    return out


def takeover(run: npt.NDArray[np.int32]) -> Array:
    """(n,) 0..1 how much of the mouth is ours in each output frame: 0 without a face, eased in and out."""
    face = run >= 0
    strength = face.astype(np.float64)
    for edge in np.flatnonzero(np.diff(face.astype(np.int8))):
        for step in range(RAMP):
            value = (step + 1) / (RAMP + 1)
            i = edge + 1 + step if face[edge + 1] else edge - step
            if 0 <= i < len(face) and face[i]:
                strength[i] = min(strength[i], value)
    return strength


def check_faces(track: Track, shown: npt.NDArray[np.int64], most: float) -> None:
    """Raises BadInput when too little of the video shows the presenter's mouth."""
    missing = track.run[shown] < 0
    share = float(missing.mean())
    if share <= most and not missing.all():
        return
    found = track.found[shown]
    if (found == Found.LIPS_OUTSIDE).mean() > 0.5 * share:
        raise BadInput(
            "The presenter's mouth is outside the picture",
            code="lips_outside",
            hint="Use a clip that shows the whole face, chin included.",
        )
    if not (found == Found.FACE).any():
        raise BadInput(
            "No face was found in the clip",
            code="no_face",
            hint="Use a clip with the presenter facing the camera, well lit, the face at least "
            "a tenth of the picture.",
        )
    raise BadInput(
        f"The presenter's face is missing in {share:.0%} of the video; at most {most:.0%} may be",
        code="too_few_faces",
        hint="Use a clip in which the presenter faces the camera throughout, or raise lipsync.max_faceless.",
    )
