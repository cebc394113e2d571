"""What the network hears: Whisper's states while it listens, 50 rows a second.

Whisper listens to 30 s at a time. The original cuts the speech into such windows: what is said at a cut is
heard without what was said before it, and the lips falter every 30 s. Here, windows overlap by half: each
gives what lies in its middle, and one is faded into the next. Every other window is one of the original's, so
that all rows are the original's own but those within 8 s of its cuts, and the end, which belongs to the first
window that reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.audio import resampled
from models.engine import Audio
from models.errors import BadInput
from models.latentsync.stock import Whisper, log_mel_spectrogram

RATE = 16_000  # samples a second
ROWS = 50  # rows a second
WINDOW = 30 * ROWS  # rows that Whisper makes at once, of twice as many columns of the mel spectrogram
# Rows over which one window is faded into the next. Half a second keeps a row's step as small as any other; a
# longer fade would only mix for longer what two windows say of a sound, which differs by its place in each.
FADE = 24
AROUND = np.arange(-4, 6)  # rows that a video frame hears, around its own
_SHORTEST = RATE // 25  # samples; the spectrogram cannot be had of less than a few hundred

Rows = npt.NDArray[np.float32]


def features(model: Whisper, audio: Audio, windows: str = "overlapped") -> Rows:
    """(T, layers+1, width): input of the encoder's first block and output of each, T = 50 rows a second.

    audio: (n,) at 16 kHz. windows: "overlapped", or "reference": cut as the original does. Of audio up to
    30 s both are the same. Computed in half precision on a GPU, in float32 on a CPU.
    """
    return np.concatenate(list(pieces(model, audio, windows)))


def pieces(model: Whisper, audio: Audio, windows: str = "overlapped") -> Iterator[Rows]:
    """`features`, some seconds after the other; the spectrogram alone is of all of it, 30 MB a minute."""
    audio = np.pad(audio, (0, max(_SHORTEST - len(audio), 0)))
    mel = log_mel_spectrogram(audio, n_mels=model.dims.n_mels)  # normalised by the loudest of all of it
    if windows == "reference":
        return (_heard(model, mel, start) for start in range(0, mel.shape[1] // 2, WINDOW))
    if windows == "overlapped":
        return _overlapped(model, mel)
    raise BadInput(f'Audio windows are "overlapped" or "reference", not "{windows}"', code="bad_option")


class Listened:
    """The features of a speech in a file, for an hour of them is a gigabyte; read as `windows_at`."""

    def __init__(self, path: Path, rows: Iterable[Rows]) -> None:
        """Written to `path`, anew."""
        self._path, self._count = path, 0
        self._shape: tuple[int, ...] = ()
        with path.open("wb") as file:
            for piece in rows:
                file.write(np.ascontiguousarray(piece).data)
                self._count += len(piece)
                self._shape = piece.shape[1:]

    def __call__(self, seconds: npt.NDArray[np.float64]) -> Rows:
        rows = _rows_at(seconds, self._count)
        first, last = int(rows.min()), int(rows.max())
        size = int(np.prod(self._shape))
        flat = np.fromfile(self._path, np.float32, (last + 1 - first) * size, offset=first * size * 4)
        return _gathered(flat.reshape(-1, *self._shape), rows - first)


def windows_at(features: Rows, seconds: npt.NDArray[np.float64]) -> Rows:
    """(n, 10 * (layers+1), width): what frames at these seconds from the start hear.

    Beyond an end it is the row at that end. At 25 frames a second these are the original's windows.
    """
    return _gathered(features, _rows_at(seconds, len(features)))


def resample(wav: Audio, rate: int) -> Audio:
    """(n,) mono at `rate` → at 16 kHz."""
    return resampled(wav, rate, RATE)


def _overlapped(model: Whisper, mel: Tensor) -> Iterator[Rows]:
    total, hop = mel.shape[1] // 2, WINDOW // 2
    weight = ((np.arange(FADE, dtype=np.float32) + 0.5) / FADE)[:, None, None]
    before, start, done = _heard(model, mel, 0), 0, 0  # a window, its first row, and rows that were given out
    for next_start in range(hop, total - hop, hop):
        heard = _heard(model, mel, next_start)
        begin = (WINDOW - hop - FADE) // 2  # of the fade: in the middle of what this and the one before heard
        fade = next_start + begin
        yield before[done - start : fade - start]
        old, new = before[fade - start : fade - start + FADE], heard[begin : begin + FADE]
        yield old + weight * (new - old)
        before, start, done = heard, next_start, fade + FADE
    yield before[done - start :]


def _rows_at(seconds: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """(n, 10) the rows that frames at these seconds hear, of `count`."""
    rows = np.rint(np.asarray(seconds) * ROWS).astype(np.int64)[:, None] + AROUND
    return np.asarray(rows.clip(0, count - 1))


def _gathered(features: Rows, rows: npt.NDArray[np.int64]) -> Rows:
    gathered: Rows = features[rows].reshape(len(rows), -1, features.shape[-1])
    return gathered


@torch.no_grad()
def _heard(model: Whisper, mel: Tensor, start: int) -> Rows:
    """(≤ WINDOW, layers+1, width): the rows from `start` on; after the speech's end Whisper hears zeros."""
    part = mel[:, 2 * start : 2 * (start + WINDOW)]
    dtype = torch.float32 if model.device.type == "cpu" else torch.float16
    padded = torch.nn.functional.pad(part, (0, 2 * WINDOW - part.shape[1])).to(model.device, dtype)
    with _states(model) as states:
        model.encoder(padded[None])
    rows: Rows = torch.stack(states, 2)[0, : part.shape[1] // 2].float().cpu().numpy()
    return rows


@contextmanager
def _states(model: Whisper) -> Iterator[list[Tensor]]:
    """Collects what goes into the encoder's first block and what comes out of each."""
    states: list[Tensor] = []
    blocks = list(model.encoder.blocks)
    hooks = [blocks[0].register_forward_pre_hook(lambda _, given: states.append(given[0]))]
    hooks += [block.register_forward_hook(lambda _, given, out: states.append(out)) for block in blocks]
    try:
        yield states
    finally:
        for hook in hooks:
            hook.remove()
