"""Jobs for the engine's tests: clips made of pictures, what is asked, and whether two results are one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from torch import Tensor

from models.engine import Clip, Picture, Speech, SyncedFrame, SyncOptions, SyncReport
from models.errors import Cancelled
from models.faces import FaceTracker, Sighting
from models.latentsync.engine import LatentSyncEngine
from models.progress import Progress, Quiet
from pipeline.media import open_clip
from pipeline.patches import patch_of
from pipeline.probe import inspect
from pipeline.spec import Settings
from pipeline.workspace import file_hash
from tests.face_kit import speech
from tests.media_kit import QUICK, ffmpeg
from tests.models.latentsync.reference import Reference

Pictures = npt.NDArray[np.uint8]  # (n, height, width, 3)

# One call of the whole network a chunk, for all that does not ask about sampling.
FAST: dict[str, Any] = {"steps": 1, "guidance": 1.0}
# As many calls as needed: without and with the speech, of the whole network and of its top.
USUAL: dict[str, Any] = {"steps": 2, "guidance": 1.5, "deepcache_interval": 2}


@dataclass
class Job:
    """Runs jobs on an engine, each in a folder of its own."""

    engine: LatentSyncEngine
    folder: Path
    voice: Speech = field(default_factory=speech)

    def __call__(
        self,
        clip: Clip,
        progress: Progress | None = None,
        first: int = 0,
        report: SyncReport | None = None,
        **options: Any,
    ) -> list[SyncedFrame]:
        return list(self.begun(clip, progress, first, report, **options))

    def begun(
        self,
        clip: Clip,
        progress: Progress | None = None,
        first: int = 0,
        report: SyncReport | None = None,
        **options: Any,
    ) -> Generator[SyncedFrame]:
        """Options are those of SyncOptions; where they are not given, fast ones and a fresh folder."""
        progress = progress or Quiet()
        return self.engine.sync(clip, self.voice, self.options(**options), progress, first, report)

    def options(self, **options: Any) -> SyncOptions:
        if "scratch" not in options:
            options["scratch"] = Path(tempfile.mkdtemp(dir=self.folder))
        return SyncOptions(**{**FAST, **options})

    def checked(
        self, reference: Reference, clip: Clip, report: SyncReport | None = None, **options: Any
    ) -> list[SyncedFrame]:
        """The job's frames, which must be the reference's: every pixel of every frame.

        The job's track, which grew while it was read, is found again as a whole.
        """
        asked = self.options(**options)
        made = list(self.engine.sync(clip, self.voice, asked, Quiet(), 0, report))
        assert_same(made, reference(clip, self.voice, asked))
        return made


def assert_same(made: Sequence[SyncedFrame], expected: Sequence[SyncedFrame]) -> None:
    assert [frame.number for frame in made] == [frame.number for frame in expected]
    for a, b in zip(made, expected, strict=True):
        assert same(a, b), f"frame {a.number} differs"


def same(a: SyncedFrame, b: SyncedFrame) -> bool:
    """Whether what is new in them is; every pixel."""
    assert (a.box is None) == (a.pixels is None) == (a.touched is None)
    arrays: list[tuple[Any, Any]] = [(a.pixels, b.pixels), (a.touched, b.touched)]
    return a.box == b.box and all(np.array_equal(one, other) for one, other in arrays)


def untouched(frames: Iterable[SyncedFrame]) -> list[int]:
    """Numbers of those that passed through."""
    return [frame.number for frame in frames if frame.box is None]


def originals(clip: Clip) -> list[Picture]:
    """What the clip shows at every output frame."""
    return list(clip.pictures([int(n) for n in clip.order]))


def shown(frame: SyncedFrame, picture: Picture) -> Picture:
    """The whole frame, of a clip that shows this picture there."""
    whole = picture.copy()
    if (patch := patch_of(frame)) is not None:
        patch.paste(whole)
    return whole


def keyed_clip(path: Path, wanted: int) -> Clip:
    """With a key, so that what is learned of it is kept."""
    return open_clip(inspect(path, Settings(), sha256=file_hash(path)), wanted)


def film(path: Path, pictures: Sequence[Picture] | Pictures, fps: int = 25) -> Path:
    """A video of these pictures, all of one even size."""
    height, width = pictures[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    colours = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709"]
    encode = [*QUICK, "-crf", "6", "-pix_fmt", "yuv420p"]
    ffmpeg(*raw, *colours, *encode, path, stdin=np.ascontiguousarray(pictures).tobytes())
    return path


class CancelWhen:
    """Progress that ends the job as soon as something is so."""

    def __init__(self, so: Callable[[], bool]) -> None:
        self._so = so

    def step(self, done: float, total: float) -> None:
        self.check()

    def check(self) -> None:
        if self._so():
            raise Cancelled


class Counts:
    """What was worked out and not found again: pictures tracked, faces encoded; and the UNet's calls."""

    def __init__(self, engine: LatentSyncEngine, patch: pytest.MonkeyPatch) -> None:
        self.tracked = self.encoded = self.called = 0
        counts, networks = self, engine.networks
        encode, whole, top = networks.encode, networks.whole, networks.top

        class CountingTracker(FaceTracker):
            def __call__(self, picture: Picture) -> Sighting:
                counts.tracked += 1
                return super().__call__(picture)

        def counting_encode(faces: Tensor) -> Tensor:
            counts.encoded += len(faces)
            return encode(faces)

        def counting_whole(sample: Tensor, time: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
            counts.called += 1
            return whole(sample, time, audio)

        def counting_top(kept: Tensor, sample: Tensor, time: Tensor, audio: Tensor) -> Tensor:
            counts.called += 1
            return top(kept, sample, time, audio)

        patch.setattr("models.track.FaceTracker", CountingTracker)
        patch.setattr(networks, "encode", counting_encode)
        patch.setattr(networks, "whole", counting_whole)
        patch.setattr(networks, "top", counting_top)
