"""The draft lip-sync engine. Two passes: follow the presenter, then set the mouth frame by frame.

Nothing is held that grows with the clip but a few numbers a frame; landmarks are on disk (models.track).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import faces
from models.engine import Clip, Speech, SyncedFrame, SyncOptions, SyncReport
from models.mouthwarp.head import canonical_head, opening, to_head
from models.mouthwarp.interior import Interior, Reference, best_reference
from models.mouthwarp.shapes import Shapes, mouth_shapes
from models.mouthwarp.warp import Mouth, Warper
from models.progress import Progress, Share
from models.takeover import check_faces, takeover
from models.track import Track, track_clip

Array = npt.NDArray[np.float64]

WIDEST = (0.13, 0.18)  # eye distances: bounds of the opening at the loudest, by how this presenter speaks
TRACKING = 0.35  # share of the work that the first pass is
CANDIDATES = 12  # pictures looked at for teeth
SAMPLE = 300  # pictures from which the head is learned, at most


class MouthwarpEngine:
    """Satisfies models.engine.LipSyncEngine. Needs no weights; keeps nothing between jobs."""

    name = "mouthwarp"
    version = 2

    def warm_up(self) -> None:
        faces.warm_up()

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
        shown = track.index(clip.order)  # output frame → tracked picture
        strength = takeover(track.runs(shown))
        check_faces(track, shown, options.max_faceless)
        shapes = mouth_shapes(speech, clip.fps, len(clip.order))
        presenter = learn(clip, track, np.unique(shown))
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
            return SyncedFrame(i)
        points = points * (presenter.aspect, 1, 1)
        face = to_head(points[None], presenter.head)[0]
        mouth = Mouth(float(shapes.open[i]) * presenter.widest, float(shapes.wide[i]), strength)
        patch = presenter.warper(picture, points, face, mouth, presenter.interior)
        if patch is None:
            return SyncedFrame(i)
        return SyncedFrame(i, patch.box, patch.pixels, patch.touched)


@dataclass(frozen=True)
class Presenter:
    """What is learned of one presenter before the first frame is made."""

    head: Array
    aspect: float
    widest: float  # opening at the loudest, eye distances
    warper: Warper
    interior: Interior


def learn(clip: Clip, track: Track, shown: npt.NDArray[np.int64]) -> Presenter:
    """Head, resting mouth, how wide it opens, and a picture with teeth. shown: the pictures to learn from."""
    scale = (clip.pixel_aspect, 1, 1)
    there = shown[track.runs(shown) >= 0]
    spread = np.unique(np.linspace(0, len(there) - 1, min(SAMPLE, len(there))).astype(int))
    sample = np.stack([p * scale for k in there[spread] if (p := track.points(int(k))) is not None])
    head = canonical_head(sample)
    faces = to_head(sample, head)
    widest = float(np.clip(np.percentile(opening(faces), 95), *WIDEST))
    reference = best_reference(_open_mouths(clip, track, there), clip.pixel_aspect)
    return Presenter(
        head,
        clip.pixel_aspect,
        widest,
        Warper(head, faces, clip.pixel_aspect),
        Interior(reference, clip.pixel_aspect),
    )


def _open_mouths(clip: Clip, track: Track, there: npt.NDArray[np.int64]) -> list[Reference]:
    """The pictures with the widest mouths, cut out around the face. there: pictures with one."""
    there = there[~np.isnan(track.gap[there])]
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
