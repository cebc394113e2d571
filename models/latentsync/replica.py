"""What is asked of a LatentSync that works for somebody else's job, beside others of its kind (fan.py).

Each function is called as function(engine, arguments, progress), and reads and writes the files that the
arguments name: see models.orders.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from models.ahead import ahead
from models.engine import Speech
from models.latentsync.audio import pieces, resample
from models.latentsync.batch import Answer, Batch, Latents
from models.latentsync.engine import LatentSyncEngine, memory_told
from models.latentsync.frames import Chunk
from models.latentsync.heard import Listened
from models.latentsync.mouths import Mouths
from models.latentsync.network import Networks
from models.latentsync.presenting import SHORT_OF_MEMORY
from models.latentsync.remembered import Remembered
from models.latentsync.sampler import Sampler
from models.latentsync.sampling import Sampling
from models.latentsync.stopwatch import Stopwatch
from models.progress import Progress

Asked = dict[str, Any]


def looks(engine: LatentSyncEngine, asked: Asked, progress: Progress) -> dict[str, Any]:
    """Looks, as a dict."""
    return engine.looks.as_dict()


def listen(engine: LatentSyncEngine, asked: Asked, progress: Progress) -> list[int]:
    """Reads speech, (n,) float32 at `rate`; writes what Listened reads. Returns the shape of that."""
    wav = np.fromfile(asked["reads"][0], np.float32)
    speech = Speech(wav, asked["rate"])
    with engine.networks.current(), memory_told():
        heard = pieces(engine.whisper, resample(speech.wav, speech.rate), asked["windows"])
        return list(Listened.written(Path(asked["writes"]), heard).shape)


def make(engine: LatentSyncEngine, asked: Asked, progress: Progress) -> None:
    """Reads a Batch, writes its Answer. sampling: of models.latentsync.sampling; fps, seed: of the job.
    of: the job, and this attempt at it."""
    batch, notes = Batch.read(Path(asked["reads"][0])), list[str]()
    networks, watch = engine.networks, Stopwatch()
    if engine.remembered.of != asked["of"]:
        engine.remembered = Remembered(asked["of"])
        networks.use_all_memory()  # what the last job lacked may be there again
    latents = _Carried(batch.known, engine.remembered)
    sampler = Sampler(
        networks,
        _Heard(batch.heard, asked["fps"]),
        asked["fps"],
        Sampling(**asked["sampling"]),
        asked["seed"],
        latents,
        lambda: notes.append(SHORT_OF_MEMORY),
        watch,
    )

    def sample(chunk: Chunk) -> list[Tensor | None]:
        done = chunk.number - batch.chunks[0].number
        return sampler(chunk, lambda share: progress.step(done + share, len(batch.chunks)))

    mouths = Mouths(networks, batch.width, batch.height, sample, watch)
    with networks.current(), memory_told(), closing(ahead(_sent(networks, batch.chunks), 1)) as chunks:
        frames = [frame for chunk in chunks for frame in mouths(chunk)]
    answer = Answer(frames, latents.learned, notes)
    if batch.chunks[0].stride > 1:
        answer.ends, answer.waiting = mouths.ends, len(mouths.waiting)
    answer.write(Path(asked["writes"]))


def join(engine: LatentSyncEngine, asked: Asked, progress: Progress) -> None:
    """The frames between two batches. Reads the first one, its Answer, and, but at the video's end, that of
    the next; writes an Answer."""
    networks, (batch_file, *answer_files) = engine.networks, asked["reads"]
    batch = Batch.read(Path(batch_file))
    (_, left), *after = (Answer.read(Path(file)).ends for file in answer_files)
    with networks.current():
        waiting = batch.chunks[-1].on(networks.device).between[-1]
        mouths = Mouths(networks, batch.width, batch.height, _nothing, Stopwatch())
        mouths.left, mouths.waiting = left.on(networks.device), waiting
        right = after[0][0].on(networks.device) if after else None
        Answer(mouths.rest(right)).write(Path(asked["writes"]))


def _sent(networks: Networks, chunks: Sequence[Chunk]) -> Generator[Chunk]:
    """On the networks' device: pixels are sent while others are sampled."""
    with networks.current():
        for chunk in chunks:
            yield chunk.on(networks.device)


def _nothing(_: Chunk) -> list[Tensor | None]:
    return []


class _Heard:
    """What frames hear, by when they are shown."""

    def __init__(self, heard: dict[int, npt.NDArray[np.float32]], fps: float) -> None:
        self._heard, self._fps = heard, fps

    def __call__(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        return np.stack([self._heard[number] for number in np.rint(seconds * self._fps).astype(int).tolist()])


class _Carried:
    """Latents that came with the batch or are remembered, and those that go back with its answer. As a
    LatentFile."""

    def __init__(self, known: Latents, remembered: Remembered) -> None:
        self._known, self._remembered = known, remembered
        self.learned: Latents = {}

    def get(self, k: int) -> npt.NDArray[Any] | None:
        return self._known.get(k, self._remembered.get(k))

    def put(self, k: int, record: npt.NDArray[Any]) -> None:
        self.learned[k] = record
        self._remembered.put(k, record)
