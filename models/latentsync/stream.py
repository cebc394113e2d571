"""The frames of one job: decoded, followed, sampled and pasted side by side, in memory that does not grow.

    decode ──▶ place ──▶ (ahead) ──▶ sample ──▶ paste ──▶ (ahead) ──▶ whoever takes the frames
    another thread follows the presenter through the clip, some blocks further on: models.track

A chunk is 16 sampled frames and the frames between them. What it comes out as depends on nothing that was
made before it but, in videos of 50 and 60 frames a second, the last face of the chunk before.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from torch import Tensor

from models.ahead import ahead
from models.engine import SyncedFrame
from models.latentsync.frames import Chunk
from models.latentsync.mouths import Mouths
from models.latentsync.network import Networks
from models.latentsync.placing import Placing
from models.latentsync.sampler import Sampler
from models.latentsync.takes import CHUNK
from models.progress import Progress


@dataclass(frozen=True)
class Stream:
    """One job on resident networks."""

    networks: Networks
    placing: Placing
    sampler: Sampler
    progress: Progress

    def frames(self, first: int) -> Generator[SyncedFrame]:
        """Output frames from `first` on. Raises what the track, the clip and progress raise."""
        begin = first // (CHUNK * self.placing.stride)
        with closing(ahead(self._sent(begin), 1)) as chunks, closing(ahead(self._set(chunks), 1)) as done:
            for frames in done:
                yield from (frame for frame in frames if frame.number >= first)

    def _sent(self, begin: int) -> Generator[Chunk]:
        """Chunks from number `begin` on, on the networks' device."""
        with self.networks.current(), closing(self.placing.chunks(begin)) as chunks:
            while (chunk := next(chunks, None)) is not None:
                yield chunk.on(self.networks.device)
                del chunk

    def _set(self, chunks: Iterator[Chunk]) -> Generator[list[SyncedFrame]]:
        clip = self.placing.clip
        mouths = Mouths(self.networks, clip.width, clip.height, self._sampled, self.placing.watch)
        with self.networks.current():
            while (chunk := next(chunks, None)) is not None:
                yield mouths(chunk)
                del chunk
            yield mouths.rest()

    def _sampled(self, chunk: Chunk) -> list[Tensor | None]:
        per_chunk, total = CHUNK * self.placing.stride, len(self.placing.clip.order)

        def stepped(share: float) -> None:
            self.progress.step(min((chunk.number + share) * per_chunk, total), total)

        return self.sampler(chunk, stepped)
