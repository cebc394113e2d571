"""Before the networks: a clip's pictures, decoded, and of each the part that the presenter's face is in."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

import torch

from models.engine import Clip, Picture
from models.latentsync.align import matrix_of
from models.latentsync.crop import part_of
from models.latentsync.frames import Chunk, Frame, Place
from models.latentsync.stopwatch import Stopwatch
from models.latentsync.takes import CHUNK
from models.takeover import RAMP, takeover_of
from models.track import Track


@dataclass(frozen=True)
class Placing:
    """Of one job. size: of aligned faces; stride: output frames to a sampled one. check: asked while the
    track is waited for; may raise."""

    clip: Clip
    track: Track
    size: int
    stride: int
    check: Callable[[], None]
    watch: Stopwatch

    def chunks(self, begin: int) -> Generator[Chunk]:
        """Chunks from number `begin` on, each frame with where its face is.

        Raises what the track and the clip raise."""
        shown = self.track.index(self.clip.order)
        count, per_chunk = len(shown), CHUNK * self.stride
        numbers = [int(n) for n in self.clip.order[begin * per_chunk :]]
        with closing(self.clip.pictures(numbers)) as pictures:
            for first in range(begin * per_chunk, count, per_chunk):
                places = shown[first : min(first + per_chunk, count)]
                with self.watch("decode"):
                    seen = [next(pictures) for _ in places]
                with self.watch("wait for the track"):
                    # easing in and out looks a few frames further
                    self.track.wait(int(shown[first : first + len(places) + RAMP].max()), self.check)
                with self.watch("place"):
                    strengths = takeover_of(self.track, shown, first, first + len(places)).tolist()
                    each = enumerate(zip(places.tolist(), seen, strengths, strict=True), first)
                    frames = [self._frame(i, k, picture, strength) for i, (k, picture, strength) in each]
                del seen
                yield Chunk(first // per_chunk, frames, self.stride)
                del frames

    def _frame(self, number: int, k: int, picture: Picture, strength: float) -> Frame:
        frame = Frame(number, k, self.track.run(k))
        matrix = matrix_of(self.track, k, self.size, self.clip.pixel_aspect)
        if matrix is not None:
            box = x0, y0, x1, y1 = part_of(matrix, self.size, self.clip.width, self.clip.height)
            part = torch.from_numpy(picture[y0:y1, x0:x1].copy())  # the picture need not be kept for it
            frame.place = Place(matrix, box, part, strength)
        return frame
