"""A presenter's track through a clip: landmarks on disk, smoothed, to be read while it is still being made.

What is said of a picture depends on the clip alone: it is the same whether the job shows two seconds of it
or all, in one go or after a restart. So the tracker starts anew at every block (models.blocks) from what it
knew at the end of the one before, and of a picture nothing is said before that is settled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.signal import savgol_filter

from models.blocks import BLOCK, UNREADABLE, Block, Blocks
from models.engine import Clip, Picture
from models.errors import StageFailed
from models.faces import EYE_L, EYE_R, FaceTracker, Found, Points, Sighting
from models.faces import VERSION as FACES
from models.progress import Progress
from models.runs import GAP, Runs
from models.runs import LOOKAHEAD as RUN_LOOKAHEAD

VERSION = 1  # of the numbers, with models.faces.VERSION: blocks of another one are made again
SMOOTH = (7, 2)  # Savitzky–Golay window and order: takes off the mesh's jitter, keeps a blink's speed
# Pictures after which nothing changes any more in what is said of one. Whether its run is long enough to be
# smoothed is known from the run of the picture a window later.
LOOKAHEAD = RUN_LOOKAHEAD + SMOOTH[0]
TOGETHER = 16  # pictures that are settled together, so that those before them are not smoothed again for each
PIECE = 64  # pictures smoothed at once
MARGIN = 16  # pictures read beyond them: more than bridging and smoothing look at
TICK_S = 0.2
LIP_UP, LIP_LOW = [82, 13, 312], [87, 14, 317]

Array = npt.NDArray[np.float64]


class Anchors(Protocol):
    """Another opinion about where a face is, for engines that were trained with it."""

    name: str  # with its version

    def __call__(self, picture: Picture, points: Points) -> npt.NDArray[np.float32] | None:
        """(3, 2) left brow, right brow, nose in pixels of the picture; None: it sees no face there."""


class Track:
    """What is found in the pictures `numbers` (rising) of a clip; k is a place in them.

    One thread may `follow` the clip while one other reads. Of what is read, only settled pictures are to be
    asked for: `wait` for them. cut: (m,) whether a picture begins a new shot. gap: (m,) lips' opening in eye
    distances, NaN faceless. After a failure one opens another.
    """

    def __init__(
        self, clip: Clip, folder: Path, prefer: str, anchors: Anchors | None = None, kept: Path | None = None
    ) -> None:
        self._clip, self._prefer, self._finder = clip, prefer, anchors
        self.numbers: npt.NDArray[np.int32] = np.unique(clip.natural).astype(np.int32)
        total = len(self.numbers)
        self.cut = np.zeros(total, bool)
        self.gap = np.full(total, np.nan, np.float32)
        self._followed = 0
        self._found = np.zeros(total, np.uint8)
        self._anchors = np.full((total if anchors else 0, 3, 2), np.nan, np.float32)
        self._runs = Runs(total)
        of = f"{VERSION}.{FACES} {prefer} {clip.pixel_aspect!r} {anchors.name if anchors else ''}"
        self._blocks = Blocks(folder, of, kept)
        self._growing: tuple[int, Block] | None = None  # the block that is not on disk yet
        self._raw = lru_cache(maxsize=3)(self._read)
        self._piece = lru_cache(maxsize=4)(self._smoothed)
        self._news = threading.Condition()
        self._over = False
        self._failed: BaseException | None = None
        self._asked = 0  # the furthest picture that was waited for

    def __len__(self) -> int:
        return len(self.numbers)

    # -- what is known

    def index(self, clip_pictures: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Places of these pictures of the clip, which are among `numbers`."""
        return np.asarray(np.searchsorted(self.numbers, clip_pictures))

    def found(self, k: int) -> Found:
        return Found(int(self._found[k]))

    def founds(self, k: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """`found` of many."""
        return np.asarray(self._found[k])

    def run(self, k: int) -> int:
        """The place of the first picture of the unbroken stretch that k is in; −1 without a face."""
        return int(self._runs.run[k])

    def runs(self, k: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """`run` of many."""
        return np.asarray(self._runs.run[k])

    def points(self, k: int) -> Array | None:
        """(468, 3) smoothed landmarks in pixels of the clip's pictures, or None outside of any run."""
        if self.run(k) < 0:
            return None
        settled = min(self.settled, (k // PIECE + 1) * PIECE)
        return np.asarray(self._piece(k // PIECE, settled)[k % PIECE])

    def anchors(self, k: int) -> Array | None:
        """(3, 2) the other opinion, in straight lines where it is missing; None outside of any run."""
        if self._finder is None or self.run(k) < 0:
            return None
        low = max(k - GAP, self.run(k))
        near = self._anchors[low : k + GAP + 1].astype(np.float64)
        same = self._runs.run[low : k + GAP + 1] == self.run(k)
        return np.asarray(_bridge(near[same])[k - low])

    # -- waiting for it

    @property
    def settled(self) -> int:
        """So many pictures, from the first, are settled: nothing changes any more in what is said of them."""
        known = self._followed
        return known if known == len(self) else max(known - LOOKAHEAD, 0) // TOGETHER * TOGETHER

    def wait(self, k: int, alive: Callable[[], None]) -> None:
        """Returns when picture k is settled.

        alive is called meanwhile, every 0.2 s at least, and may raise. Raises what `follow` raised.
        """
        while True:
            with self._news:
                if k > self._asked:
                    self._asked = k
                    self._news.notify_all()
                if k < self.settled:
                    return
                if self._failed is not None:
                    raise self._failed
                if self._over:
                    raise RuntimeError(f"picture {k} is beyond what was to be followed")
                self._news.wait(TICK_S)
            alive()

    def wait_for_reader(self, k: int, alive: Callable[[], None]) -> None:
        """For who follows: returns when somebody waits for picture k or a later one. alive: as in `wait`."""
        while self._asked < k:
            with self._news:
                if self._asked < k:
                    self._news.wait(TICK_S)
            alive()

    # -- finding it out

    def follow(self, progress: Progress, upto: int | None = None) -> None:
        """Looks at the pictures until the first `upto` are settled: if None, all that the clip's order shows.

        progress: one step a picture; none for those that an earlier job has looked at. Blocks are always
        whole, so some pictures more are looked at. Raises what the clip, the disk and progress raise.
        """
        if upto is None:
            upto = int(self.index(self._clip.order.max())) + 1
        ready = -(-upto // TOGETHER) * TOGETHER + LOOKAHEAD
        end = min(-(-ready // BLOCK) * BLOCK, len(self))
        with self._end_told():
            state = self._take_up(end)
            if self._followed < end:
                self._look(state, end, progress)

    def _take_up(self, end: int) -> dict[str, npt.NDArray[Any]]:
        """What earlier jobs left; returns the tracker's state after it."""
        state: dict[str, npt.NDArray[Any]] = {}
        for begin in range(max(self._followed - BLOCK, 0), end, BLOCK):
            block = self._blocks.read(begin // BLOCK, self.numbers[begin : begin + BLOCK])
            if block is None:
                break
            state = block.state
            for i in range(self._followed - begin, len(block.numbers)):
                self._publish(begin + i, block, i)
        return state

    def _look(self, state: dict[str, npt.NDArray[Any]], end: int, progress: Progress) -> None:
        tracker = FaceTracker(self._prefer, self._clip.pixel_aspect)
        todo = self.numbers[self._followed : end].tolist()
        with closing(tracker), closing(self._clip.pictures(todo)) as pictures:
            tracker.resume(state)
            for begin in range(self._followed, end, BLOCK):
                block = Block.empty(self.numbers[begin : begin + BLOCK])
                self._growing = (begin // BLOCK, block)
                tracker.restart()
                for i, picture in enumerate(islice(pictures, len(block.numbers))):
                    self._note(block, i, picture, tracker(picture))
                    self._publish(begin + i, block, i)
                    progress.step(begin + i + 1, end)
                block.state = tracker.state()
                self._blocks.write(begin // BLOCK, block)
                self._growing = None

    def _note(self, block: Block, i: int, picture: Picture, seen: Sighting) -> None:
        block.found[i], block.cut[i] = seen.found, seen.cut
        if seen.found is not Found.FACE:
            return
        if self._finder is not None:
            anchors = self._finder(picture, seen.points)
            if anchors is None:
                block.found[i] = Found.NO_FACE
                return
            block.anchors[i] = anchors
        block.points[i], block.gap[i] = seen.points, _gap(seen.points)

    def _publish(self, k: int, block: Block, i: int) -> None:
        self._found[k], self.cut[k], self.gap[k] = block.found[i], block.cut[i], block.gap[i]
        if self._finder is not None:
            self._anchors[k] = block.anchors[i]
        self._runs.add(bool(block.found[i] == Found.FACE), bool(block.cut[i]))
        with self._news:
            self._followed = k + 1
            self._news.notify_all()

    @contextmanager
    def _end_told(self) -> Generator[None]:
        """To those who wait."""
        self._over = False
        try:
            yield
        except BaseException as e:
            self._failed = e
            raise
        finally:
            self._over = True
            with self._news:
                self._news.notify_all()

    # -- landmarks in pieces

    def _smoothed(self, piece: int, settled: int) -> Array:
        """The pictures of a piece; right for those before `settled`."""
        begin = piece * PIECE
        low, high = max(begin - MARGIN, 0), min(settled + MARGIN, len(self))
        raw = np.concatenate(
            [self._slice(b, low, high) for b in range(low // BLOCK, (high - 1) // BLOCK + 1)]
        )
        run = self._runs.run[low:high]
        out = np.full(raw.shape, np.nan)
        for number in np.unique(run[run >= 0]):
            out[run == number] = _smooth(_bridge(raw[run == number].astype(np.float64)))
        return out[begin - low : begin - low + PIECE]

    def _slice(self, block: int, low: int, high: int) -> npt.NDArray[np.float32]:
        growing = self._growing
        points = growing[1].points if growing and growing[0] == block else self._raw(block)
        return points[max(low - block * BLOCK, 0) : high - block * BLOCK]

    def _read(self, block: int) -> npt.NDArray[np.float32]:
        try:
            return self._blocks.points(block)
        except UNREADABLE as e:
            raise StageFailed(
                f"The presenter's track cannot be read back from the disk: {e}",
                code="track_unreadable",
                hint="Check the disk, then retry the job; what cannot be read is made again.",
            ) from e


def _bridge(points: Array) -> Array:
    """(n, …) with missing pictures filled in straight lines."""
    flat = points.reshape(len(points), -1)
    there = ~np.isnan(flat[:, 0])
    if there.all() or not there.any():
        return points
    t = np.arange(len(points))
    return np.stack([np.interp(t, t[there], column[there]) for column in flat.T], 1).reshape(points.shape)


def _smooth(points: Array) -> Array:
    window, order = SMOOTH
    return np.asarray(savgol_filter(points, window, order, axis=0)) if len(points) > window else points


def _gap(points: Points) -> float:
    eyes = points[EYE_R, :2] - points[EYE_L, :2]
    distance = np.linalg.norm(eyes)
    down = np.array([-eyes[1], eyes[0]]) / distance
    return float((points[LIP_LOW, :2] - points[LIP_UP, :2]).mean(0) @ down / distance)


def open_track(
    clip: Clip, folder: Path, prefer: str, anchors: Anchors | None = None, kept: Path | None = None
) -> Track:
    """A track of which nothing is known yet; `follow` it. What earlier jobs left in the folders is found.

    prefer: as models.faces.FaceTracker. folder: of the job; kept: for the clip's next jobs, as models.blocks.
    Both are for one clip.
    """
    return Track(clip, folder, prefer, anchors, kept)


def track_clip(clip: Clip, folder: Path, prefer: str, progress: Progress) -> Track:
    """Followed through all that the clip's order shows: every picture of it is settled."""
    track = open_track(clip, folder, prefer)
    track.follow(progress)
    return track
