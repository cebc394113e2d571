"""The presenter of a job: the track of their face, what is kept of them, and whether it is there enough."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models import faces, track
from models.engine import Clip, SyncedFrame, SyncOptions, SyncReport
from models.errors import Unavailable
from models.latentsync import align
from models.latentsync.insight import anchors_of
from models.presenters import LatentFile, Presenters
from models.progress import Progress
from models.takeover import check_faces
from models.track import Track, open_track

VERSION = 1  # of LatentSync's pictures: models.engine.LipSyncEngine.version
TRACKING = 0.08  # share of the work that following the presenter is, when nothing of it is kept
SHORT_OF_MEMORY = "The GPU's memory was short: the lips were made with less at once, which takes longer"


@dataclass(frozen=True)
class Looks:
    """What others have to know of networks to work for them.

    fingerprint: of the weights, and how precisely is computed. size: side of an aligned face; latent: of its
    latents, which numpy keeps as `bits`, "int16" or "int32". device: "cuda" or "cpu".
    """

    fingerprint: str
    size: int
    latent: int
    bits: str
    device: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def open_presenter(
    stack: ExitStack, clip: Clip, options: SyncOptions, presenters: Presenters | None, looks: Looks
) -> tuple[Track, LatentFile | None]:
    """The presenter's track, and the latents that are kept of this clip, if any are."""
    anchors = anchors_of(options.alignment, looks.device, clip.pixel_aspect)
    folder = options.scratch
    if presenters is None or not clip.key:
        return open_track(clip, folder, options.face, anchors), None
    settings = {
        "face": options.face,
        "anchors": anchors.name if anchors else "",
        "fps": clip.fps,
        "size": [clip.width, clip.height, clip.pixel_aspect],
        "engine": [VERSION, looks.fingerprint],
        "found by": [track.VERSION, faces.VERSION, align.VERSION],
    }
    try:
        kept = stack.enter_context(presenters.open(clip.key, settings))
        latents = kept.latents((2, 4, looks.latent, looks.latent), np.dtype(looks.bits))
    except Unavailable:  # it is there to save time, and no job is lost without it
        return open_track(clip, folder, options.face, anchors), None
    return open_track(clip, folder, options.face, anchors, kept.folder), latents


def while_there(
    frames: Iterator[SyncedFrame],
    presenter: Track,
    clip: Clip,
    options: SyncOptions,
    report: SyncReport,
    progress: Progress,
) -> Generator[SyncedFrame]:
    """The frames, until it is certain that too few of them show the presenter's face."""
    shown = presenter.index(clip.order)
    last, missing = int(shown.max()), 0
    for frame in frames:
        missing += presenter.run(int(shown[frame.number])) < 0
        if missing > options.max_faceless * len(shown):
            break  # no need to make the rest
        yield frame
    presenter.wait(last, progress.check)
    check_faces(presenter, shown, options.max_faceless)
    report.frames, report.faceless = len(shown), int((presenter.runs(shown) < 0).sum())
