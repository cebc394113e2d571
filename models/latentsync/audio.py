"""What the network hears: Whisper's states while it listens, 50 rows a second.

Whisper listens to 30 s at a time. The original cuts the speech into such windows: what is said at a cut is
heard without what was said before it, and the lips falter every 30 s. Here, windows overlap by half: each
gives what lies in its middle, and one is faded into the next. Every other window is one of the original's, so
that all rows are the original's own but those within 8 s of its cuts, and the end, which belongs to the first
window that reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from models.audio import resampled
from models.engine import Audio
from models.errors import BadInput
from models.latentsync.heard import ROWS, Rows
from models.latentsync.stock import Whisper, log_mel_spectrogram

RATE = 16_000  # samples a second
WINDOW = 30 * ROWS  # rows that Whisper makes at once, of twice as many columns of the mel spectrogram
# Rows over which one window is faded into the next. Half a second keeps a row's step as small as any other; a
# longer fade would only mix for longer what two windows say of a sound, which differs by its place in each.
FADE = 24
_SHORTEST = RATE // 25  # samples; the spectrogram cannot be had of less than a few hundred


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
