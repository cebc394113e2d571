"""After the networks: the faces that they made, put into the pictures; and those between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from models.engine import SyncedFrame
from models.latentsync.between import between
from models.latentsync.frames import Chunk, Frame, Made
from models.latentsync.mask import soft
from models.latentsync.network import Networks
from models.latentsync.paste import mouth_box, paste_all
from models.latentsync.stopwatch import Stopwatch

Sample = Callable[[Chunk], list[Tensor | None]]  # the face for each sampled frame of a chunk


@dataclass
class Mouths:
    """Sets the mouths of chunks that follow one another. width, height: of the clip's pictures.

    first: the first sampled frame of all. left: the last one so far, and waiting: the frames after it, which
    need the next one.
    """

    networks: Networks
    width: int
    height: int
    sample: Sample
    watch: Stopwatch
    first: Made | None = None
    left: Made | None = None
    waiting: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._soft = soft(self.networks.size).to(self.networks.device)

    def __call__(self, chunk: Chunk) -> list[SyncedFrame]:
        """The frames that can be had now, in order: what waited, and the chunk's, but for those after its
        last sampled one."""
        made = [Made(frame, face) for frame, face in zip(chunk.sampled, self.sample(chunk), strict=True)]
        groups = [self.waiting, *chunk.between]
        ready: list[Made] = []
        for left, group, right in zip([self.left, *made], groups, made, strict=False):
            ready += [*_between(left, group, right), right]
        self.first, self.left, self.waiting = self.first or made[0], made[-1], groups[-1]
        return self._pasted(ready)

    @property
    def ends(self) -> list[Made]:
        """The first sampled frame and the last one."""
        return [made for made in (self.first, self.left) if made is not None]

    def rest(self, right: Made | None = None) -> list[SyncedFrame]:
        """What still waits. right: the next sampled frame; None at the video's end."""
        waiting, self.waiting = self.waiting, []
        return self._pasted(_between(self.left, waiting, right))

    def _pasted(self, made: list[Made]) -> list[SyncedFrame]:
        """The frames, each with its face in it; in order."""
        todo = [one for one in made if one.face is not None and one.frame.place and one.frame.place.strength]
        places = [one.frame.place for one in todo if one.frame.place]
        size = self.networks.size
        with self.watch("paste"):
            patches = paste_all(
                [place.part for place in places],
                [place.box[:2] for place in places],
                [place.matrix for place in places],
                [one.face for one in todo if one.face is not None],
                self._soft,
                [place.strength for place in places],
                [mouth_box(place.matrix, size, self.width, self.height) for place in places],
            )
        done = {one.frame.number: SyncedFrame(one.frame.number) for one in made}
        for one, patch in zip(todo, patches, strict=True):
            if patch.box[0] < patch.box[2]:
                done[one.frame.number] = SyncedFrame(one.frame.number, *patch)
        return list(done.values())


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
