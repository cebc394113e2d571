"""LatentSync without networks of its own: one job, made by all replicas that are free, in any order.

    decode ──▶ place ──▶ batches in files ──▶ (any replica) ──▶ answers in files ──▶ frames, in order
    another thread follows the presenter through the clip, some blocks further on: models.track

Here is decoded and followed, once; what is sampled is ordered (models.orders). Only so many batches are under
way at once, as files: however slow one replica is, memory does not grow, and the disk hardly.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from models import faces
from models.ahead import ahead
from models.engine import Clip, Speech, SyncedFrame, SyncOptions, SyncReport
from models.latentsync.batch import Answer, Batch
from models.latentsync.following import following
from models.latentsync.frames import Chunk
from models.latentsync.heard import Listened
from models.latentsync.placing import Placing
from models.latentsync.presenting import TRACKING, VERSION, Looks, open_presenter, while_there
from models.latentsync.stopwatch import Stopwatch
from models.latentsync.takes import CHUNK, stride_of
from models.orders import Order, Orders, orders
from models.presenters import LatentFile, Presenters
from models.progress import Progress, side_by_side

REPLICA = "models.latentsync.replica:"
LEAST, MOST = 2, 8  # chunks in a batch: some seconds of work, so that what it costs beside it does not count
SPARE = 2  # batches that are ready or on their way, beside those that are worked on


class FanOut:
    """Satisfies models.engine.LipSyncEngine. replicas: how many there may be."""

    name = "latentsync"
    version = VERSION

    def __init__(self, replicas: int, presenters: Presenters | None = None) -> None:
        self._replicas, self._presenters = replicas, presenters

    def warm_up(self) -> None:
        faces.warm_up()

    @property
    def fingerprint(self) -> str:
        return self._looks(orders(), lambda: None).fingerprint

    def sync(
        self,
        clip: Clip,
        speech: Speech,
        options: SyncOptions,
        progress: Progress,
        first: int = 0,
        report: SyncReport | None = None,
    ) -> Generator[SyncedFrame]:
        report = SyncReport() if report is None else report
        taker, watch = orders(), Stopwatch()
        looks = self._looks(taker, progress.check)
        with ExitStack() as stack:
            presenter, latents = open_presenter(
                stack, clip, options, self._presenters, replace(looks, device="cpu")
            )
            tracking, sampling = side_by_side(progress, TRACKING, 1 - TRACKING)
            stack.enter_context(following(presenter, tracking, watch))
            stride = stride_of(clip.fps)
            placing = Placing(clip, presenter, looks.size, stride, sampling.check, watch)
            heard = _listen(taker, speech, options, progress.check)
            fan = _Fan(taker, placing, heard, options, sampling, latents, report.notes, self._replicas)
            frames = stack.enter_context(closing(fan.frames(first)))
            yield from while_there(frames, presenter, clip, options, report, progress)
        progress.step(1, 1)  # the presenter may have been followed a little further, and that be broken off

    def _looks(self, taker: Orders, check: Callable[[], None]) -> Looks:
        return Looks(**taker.place(REPLICA + "looks", {}, lambda _: None).result(check))


def _listen(taker: Orders, speech: Speech, options: SyncOptions, check: Callable[[], None]) -> Listened:
    wav, heard = options.scratch / "speech.f32", options.scratch / "heard.f32"
    speech.wav.astype(np.float32).tofile(wav)
    asked = {"reads": [str(wav)], "writes": str(heard), "rate": speech.rate, "windows": options.audio_windows}
    return Listened(heard, tuple(taker.place(REPLICA + "listen", asked, lambda _: None).result(check)))


def _sizes(chunks: int, replicas: int) -> Iterator[int]:
    """Of the batches, in chunks. They begin small, so that nobody waits long for the first ones to be
    decoded; and they end small, so that all replicas are done at about the same time."""
    sent = 0
    while chunks > 0:
        size = min(MOST, LEAST + sent // replicas, max(LEAST, chunks // (2 * replicas)), chunks)
        yield size
        chunks, sent = chunks - size, sent + 1


@dataclass(frozen=True)
class _Sent:
    """A batch that is under way."""

    batch: Path
    answer: Path
    order: Order

    def done(self, check: Callable[[], None]) -> Answer:
        self.order.result(check)
        return Answer.read(self.answer)

    def remove(self) -> None:
        self.batch.unlink()
        self.answer.unlink()


@dataclass
class _Fan:
    """One job."""

    taker: Orders
    placing: Placing
    heard: Listened
    options: SyncOptions
    progress: Progress
    latents: LatentFile | None
    notes: list[str]
    replicas: int

    def __post_init__(self) -> None:
        self._id = secrets.token_hex(8)
        self._made: dict[int, float] = {}  # first frame of a batch → how many are made in it
        self._before = 0

    def frames(self, first: int) -> Generator[SyncedFrame]:
        """Output frames from `first` on, in order."""
        begin = first // (CHUNK * self.placing.stride)
        self._before = begin * CHUNK * self.placing.stride
        with closing(ahead(self._batches(begin), 1)) as batches:
            for answer in self._answers(batches):
                self._learn(answer)
                yield from (frame for frame in answer.frames if frame.number >= first)

    def _answers(self, batches: Iterator[tuple[Path, int, int, int]]) -> Iterator[Answer]:
        """Of all batches, and of what is between them, in order."""
        under_way: deque[_Sent] = deque()
        before: _Sent | None = None  # of which some frames wait
        more = True
        while more or under_way:
            while more and len(under_way) < self.replicas + SPARE:
                batch = next(batches, None)
                more = batch is not None
                if batch is not None:
                    under_way.append(self._send(*batch))
            if not under_way:
                break
            sent = under_way.popleft()
            answer = sent.done(self.progress.check)
            if before is not None:
                yield self._joined(before, sent)
            yield answer
            before = sent if answer.waiting else None
            if before is None:
                sent.remove()
        if before is not None:
            yield self._joined(before, None)

    # ------------------------------------------------------------ there

    def _batches(self, begin: int) -> Generator[tuple[Path, int, int, int]]:
        """File, first frame, frames and chunks of each."""
        per_chunk, frames = CHUNK * self.placing.stride, len(self.placing.clip.order)
        with closing(self.placing.chunks(begin)) as chunks:
            for size in _sizes(-(-frames // per_chunk) - begin, self.replicas):
                group = list(islice(chunks, size))
                number = group[0].frames[0].number
                path = self.options.scratch / f"batch-{number:08d}.safetensors"
                self._batch(group).write(path)
                frames, count = sum(len(chunk.frames) for chunk in group), len(group)
                del group
                yield path, number, frames, count

    def _batch(self, chunks: list[Chunk]) -> Batch:
        clip = self.placing.clip
        sampled = [frame for chunk in chunks for frame in chunk.sampled if frame.run >= 0]
        numbers = [frame.number for frame in sampled]
        heard = dict(zip(numbers, self.heard(np.array(numbers) / clip.fps), strict=True)) if numbers else {}
        kept = {frame.k: self.latents.get(frame.k) for frame in sampled} if self.latents else {}
        known = {k: record for k, record in kept.items() if record is not None}
        return Batch(chunks, heard, known, clip.width, clip.height)

    def _send(self, batch: Path, number: int, frames: int, chunks: int) -> _Sent:
        options, answer = self.options, batch.with_name(batch.name.replace("batch", "answer"))
        # As models.latentsync.sampling.Sampling, which is not imported here: diffusers would come with it.
        sampling = {
            "steps": options.steps,
            "guidance": options.guidance,
            "interval": options.deepcache_interval,
        }
        asked: dict[str, Any] = {"fps": self.placing.clip.fps, "seed": options.seed, "of": self._id}
        asked |= {"sampling": sampling, "reads": [str(batch)], "writes": str(answer)}
        asked["chunks"] = chunks  # for who counts them
        order = self.taker.place(REPLICA + "make", asked, partial(self._told, number, frames))
        return _Sent(batch, answer, order)

    def _joined(self, before: _Sent, after: _Sent | None) -> Answer:
        """The frames that wait for what comes after their batch."""
        joint = before.batch.with_name(before.batch.name.replace("batch", "joint"))
        reads = [before.batch, before.answer, *([after.answer] if after else [])]
        asked = {"reads": [str(path) for path in reads], "writes": str(joint)}
        self.taker.place(REPLICA + "join", asked, lambda _: None).result(self.progress.check)
        answer = Answer.read(joint)
        joint.unlink()
        before.remove()
        return answer

    # ------------------------------------------------------------ and back

    def _learn(self, answer: Answer) -> None:
        for k, record in answer.learned.items():
            if self.latents is not None:
                self.latents.put(k, record)
        self.notes += [note for note in answer.notes if note not in self.notes]

    def _told(self, number: int, frames: int, share: float) -> None:
        self._made[number] = share * frames
        total = len(self.placing.clip.order)
        self.progress.step(min(self._before + sum(self._made.values()), total), total)
