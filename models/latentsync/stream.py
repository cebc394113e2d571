"""The frames of one job: decoded, followed, sampled and pasted side by side, in memory that does not grow.

    decode ──▶ place ──▶ (ahead) ──▶ sample ──▶ paste ──▶ (ahead) ──▶ whoever takes the frames
    another thread follows the presenter through the clip, some blocks further on: models.track

A chunk is 16 sampled frames and the frames between them. What it comes out as depends on nothing that was
made before it but, in videos of 50 and 60 frames a second, the last face of the chunk before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.ahead import ahead
from models.engine import Clip, Picture, SyncedFrame
from models.latentsync.align import matrix_of
from models.latentsync.between import between
from models.latentsync.crop import part_of
from models.latentsync.frames import Chunk, Frame, Made, Place
from models.latentsync.mask import soft
from models.latentsync.network import Networks
from models.latentsync.paste import mouth_box, paste_all
from models.latentsync.sampler import Sampler
from models.latentsync.stopwatch import Stopwatch
from models.latentsync.takes import CHUNK
from models.progress import Progress
from models.takeover import RAMP, takeover_of
from models.track import Track


@dataclass
class Stream:
    """One job on resident networks. stride: output frames to a sampled one."""

    networks: Networks
    clip: Clip
    track: Track
    sampler: Sampler
    stride: int
    progress: Progress
    watch: Stopwatch

    def __post_init__(self) -> None:
        self._shown = self.track.index(self.clip.order)
        self._soft = soft(self.networks.size).to(self.networks.device)

    def frames(self, first: int) -> Generator[SyncedFrame]:
        """Output frames from `first` on. Raises what the track, the clip and progress raise."""
        begin = first // (CHUNK * self.stride)
        with closing(ahead(self._placed(begin), 1)) as chunks, closing(ahead(self._set(chunks), 1)) as done:
            for frames in done:
                while frames:  # each holds a whole picture; none is held on to
                    frame = frames.popleft()
                    if frame.number >= first:
                        yield frame

    # ------------------------------------------------------------ before the networks

    def _placed(self, begin: int) -> Generator[Chunk]:
        """Chunks from number `begin` on, each frame with where its face is."""
        count, per_chunk = len(self.clip.order), CHUNK * self.stride
        numbers = [int(n) for n in self.clip.order[begin * per_chunk :]]
        with self.networks.current(), closing(self.clip.pictures(numbers)) as pictures:
            for first in range(begin * per_chunk, count, per_chunk):
                end = min(first + per_chunk, count)
                with self.watch("decode"):
                    frames = [Frame(i, next(pictures), int(self._shown[i])) for i in range(first, end)]
                with self.watch("wait for the track"):
                    # easing in and out looks a few frames further
                    self.track.wait(int(self._shown[first : end + RAMP].max()), self.progress.check)
                with self.watch("place"):
                    self._place(frames)
                yield Chunk(first // per_chunk, frames, self.stride)
                del frames

    def _place(self, frames: list[Frame]) -> None:
        first = frames[0].number
        strengths = takeover_of(self.track, self._shown, first, first + len(frames))
        for frame, strength in zip(frames, strengths.tolist(), strict=True):
            frame.run = self.track.run(frame.k)
            matrix = matrix_of(self.track, frame.k, self.networks.size, self.clip.pixel_aspect)
            if matrix is not None:
                box = x0, y0, x1, y1 = part_of(matrix, self.networks.size, self.clip.width, self.clip.height)
                part = self._upload(frame.picture[y0:y1, x0:x1])
                frame.place = Place(matrix, box, part, strength)

    def _upload(self, part: Picture) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(part))
        if self.networks.device.type != "cuda":
            return tensor
        return tensor.pin_memory().to(self.networks.device, non_blocking=True)

    # ------------------------------------------------------------ the networks, and after them

    def _set(self, chunks: Iterator[Chunk]) -> Generator[deque[SyncedFrame]]:
        """The frames of each chunk with their mouths set; those before the next sampled one wait for it."""
        last: Made | None = None  # the last sampled frame
        waiting: list[Frame] = []  # after it
        with self.networks.current():
            while (chunk := next(chunks, None)) is not None:
                made = [Made(frame, face) for frame, face in self._sampled(chunk)]
                groups = [waiting, *chunk.between]
                del chunk
                setting: list[Made] = []
                for left, group, right in zip([last, *made], groups, made, strict=False):
                    setting += [*_between(left, group, right), right]
                last, waiting = made[-1], groups[-1]
                yield self._pasted(setting)
                del made, groups, setting
            if waiting:
                yield self._pasted(_between(last, waiting, None))

    def _sampled(self, chunk: Chunk) -> Iterator[tuple[Frame, Tensor | None]]:
        per_chunk, total = CHUNK * self.stride, len(self._shown)

        def stepped(share: float) -> None:
            self.progress.step(min((chunk.number + share) * per_chunk, total), total)

        return zip(chunk.sampled, self.sampler(chunk, stepped), strict=True)

    def _pasted(self, made: list[Made]) -> deque[SyncedFrame]:
        """The frames, each with its face in it; in order."""
        todo = [one for one in made if one.face is not None and one.frame.place and one.frame.place.strength]
        places = [one.frame.place for one in todo if one.frame.place]
        size, (width, height) = self.networks.size, (self.clip.width, self.clip.height)
        with self.watch("paste"):
            patches = paste_all(
                [place.part for place in places],
                [place.box[:2] for place in places],
                [place.matrix for place in places],
                [one.face for one in todo if one.face is not None],
                self._soft,
                [place.strength for place in places],
                [mouth_box(place.matrix, size, width, height) for place in places],
            )
        done = {one.frame.number: SyncedFrame(one.frame.number, one.frame.picture) for one in made}
        for one, patch in zip(todo, patches, strict=True):
            x0, y0, x1, y1 = patch.box
            if x0 < x1:
                frame = done[one.frame.number]
                np.copyto(frame.frame[y0:y1, x0:x1], patch.pixels, where=patch.touched[..., None])
                frame.box, frame.touched = patch.box, patch.touched
        return deque(done.values())


def _between(left: Made | None, group: list[Frame], right: Made | None) -> list[Made]:
    """Frames that were not sampled, each with the face between its neighbours' where these are of one run."""
    ends = [made for made in (left, right) if made is not None and made.face is not None]
    return [Made(frame, _face_between(frame, ends)) for frame in group]


def _face_between(frame: Frame, ends: list[Made]) -> Tensor | None:
    same = [made for made in ends if made.frame.run == frame.run]
    faces = [made.face for made in same if made.face is not None]
    if frame.run < 0 or not faces:
        return None
    if len(faces) == 1:
        return faces[0]
    left, right = (made.frame.number for made in same)
    return between(faces[0], faces[1], (frame.number - left) / (right - left))
