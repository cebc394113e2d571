"""What is done to spoken sound: where there is voice, how loud it is, clean edges, and other rates."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.engine import Audio

VOICE_LEVEL_DB = -20.0  # RMS of the voiced parts; about what -20 LUFS sounds like for speech
PEAK_DB = -1.0
_SILENCE_DB = -60.0  # nothing that is quieter counts as voice
_FRAME_S = 0.02


def voiced_spans(wav: Audio, rate: int) -> list[tuple[float, float]]:
    """Where somebody speaks: (start_s, end_s), in order, apart by at least 0.12 s. [] for silence.

    The threshold follows the recording: it lies between its background and its voice.
    """
    levels = _levels_db(wav, rate)
    if not len(levels) or levels.max() < _SILENCE_DB:
        return []
    loud, background = float(np.percentile(levels, 95)), float(np.percentile(levels, 10))
    threshold = max(_SILENCE_DB, loud - 30.0, min(background + 8.0, loud - 12.0))
    edges = np.flatnonzero(np.diff(np.pad(levels >= threshold, 1).astype(np.int8)))
    spans: list[tuple[float, float]] = []
    duration = len(wav) / rate
    for start, end in zip(edges[::2] * _FRAME_S, edges[1::2] * _FRAME_S, strict=True):
        if spans and start - spans[-1][1] < 0.12:
            spans[-1] = (spans[-1][0], min(float(end), duration))
        else:
            spans.append((float(start), min(float(end), duration)))
    long_enough = [span for span in spans if span[1] - span[0] >= 0.05]
    return long_enough or spans


def level_spread_db(wav: Audio, rate: int) -> float:
    """How far its loud moments are above its quiet ones, in dB. 0 for a tone; speech has 9 and more, in
    noise too."""
    levels = _levels_db(wav, rate)
    return float(np.percentile(levels, 95) - np.percentile(levels, 10)) if len(levels) else 0.0


def levelled(wav: Audio, rate: int) -> Audio:
    """At the common loudness: voiced RMS VOICE_LEVEL_DB, or quieter if the peak would pass PEAK_DB.

    Silence stays what it is.
    """
    spans = voiced_spans(wav, rate)
    if not spans:
        return wav
    voiced = np.concatenate([wav[int(a * rate) : int(b * rate)] for a, b in spans])
    rms = float(np.sqrt(np.mean(np.square(voiced, dtype=np.float64))))
    peak = float(np.abs(wav).max())
    gain = min(10 ** (VOICE_LEVEL_DB / 20) / rms, 10 ** (PEAK_DB / 20) / peak)
    return wav * np.float32(gain)


def faded(wav: Audio, rate: int, in_s: float = 0.003, out_s: float = 0.008) -> Audio:
    """A copy that begins and ends at zero, so that it can be laid beside silence without a click."""
    wav = wav.copy()
    rise, fall = min(int(in_s * rate), len(wav) // 2), min(int(out_s * rate), len(wav) // 2)
    if rise:
        wav[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    if fall:
        wav[-fall:] *= np.linspace(1, 0, fall, dtype=np.float32)
    return wav


def resampled(wav: Audio, rate: int, to_rate: int) -> Audio:
    """At another rate; a rate is samples a second."""
    if rate == to_rate:
        return np.ascontiguousarray(wav, np.float32)
    from scipy.signal import resample_poly

    common = math.gcd(rate, to_rate)
    return np.asarray(resample_poly(wav, to_rate // common, rate // common), np.float32)


def silence(seconds: float, rate: int) -> Audio:
    return np.zeros(round(seconds * rate), np.float32)


def _levels_db(wav: Audio, rate: int) -> npt.NDArray[np.float64]:
    """RMS of each frame of 20 ms, in dB of full scale; the last one may be shorter."""
    size = max(int(_FRAME_S * rate), 1)
    padded = np.pad(wav, (0, -len(wav) % size))
    power: npt.NDArray[np.float64] = np.mean(np.square(padded.reshape(-1, size), dtype=np.float64), axis=1)
    levels: npt.NDArray[np.float64] = 10 * np.log10(power + 1e-12)
    return levels
