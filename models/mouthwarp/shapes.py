"""Speech → the shape of the mouth at every frame: how open, and how wide or round.

With phonemes the shape is the sound's own: shut on m, b and p, round on o, u and w, wide on i and e; its
size follows the loudness. Without them (a recording) the loudness alone opens the mouth.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfiltfilt

from models.engine import Phoneme, Speech

Array = npt.NDArray[np.float64]

GRID = 200  # Hz, the fine time grid on which shapes are made
ATTACK_S, RELEASE_S = 0.045, 0.085  # a jaw opens faster than it falls shut, and neither at once
BLEND_S = 0.028  # one sound's shape runs into the next
CLOSURE_S = (0.045, 0.07)  # lips meet for at least and at most this long on m, b, p
BREATH_S = 0.1  # a pause shorter than this does not shut the mouth
MUMBLE = 0.1  # how far the softest speech opens the mouth
SILENT = 0.05  # loudness, 0..1, below which the mouth rests


@dataclass(frozen=True)
class Shapes:
    """One value a frame. open: 0 shut … 1 the widest this speech gets; wide: −1 round … 1 spread."""

    open: Array
    wide: Array


@dataclass(frozen=True)
class _Sound:
    open: float
    wide: float


# How far the jaw is down and how the lips are, by sound. After the vowel chart: height gives the opening,
# rounding and frontness the width.
SOUNDS = {
    **dict.fromkeys("aɑɶ", _Sound(1.0, 0.1)),
    **dict.fromkeys("æɐ", _Sound(0.95, 0.3)),
    **dict.fromkeys("ʌɒ", _Sound(0.85, -0.1)),
    "ɔ": _Sound(0.85, -0.6),
    **dict.fromkeys("ɛœ", _Sound(0.8, 0.4)),
    **dict.fromkeys("əɜɘɵ", _Sound(0.7, 0.0)),
    **dict.fromkeys("ɚɝɤ", _Sound(0.7, -0.2)),
    "o": _Sound(0.7, -0.9),
    "e": _Sound(0.7, 0.6),
    "ø": _Sound(0.65, -0.7),
    **dict.fromkeys("ɪɨ", _Sound(0.65, 0.5)),
    "ʊ": _Sound(0.6, -0.7),
    "i": _Sound(0.6, 0.9),
    "y": _Sound(0.55, -0.8),
    **dict.fromkeys("uʉ", _Sound(0.55, -1.0)),
    "ɯ": _Sound(0.6, 0.2),
    **dict.fromkeys("kgɡŋxɣhɦħχʁq", _Sound(0.65, 0.0)),
    **dict.fromkeys("tdnlɾɫɭɳʈɖ", _Sound(0.55, 0.1)),
    **dict.fromkeys("θð", _Sound(0.55, 0.1)),
    **dict.fromkeys("sz", _Sound(0.45, 0.4)),
    **dict.fromkeys("ɕʑcɟç", _Sound(0.45, 0.3)),
    **dict.fromkeys("ʃʒʂʐ", _Sound(0.5, -0.5)),
    **dict.fromkeys("rɹɻʀ", _Sound(0.6, -0.4)),
    **dict.fromkeys("jʎɲ", _Sound(0.55, 0.6)),
    **dict.fromkeys("wɥʍ", _Sound(0.45, -1.0)),
    **dict.fromkeys("fvʋ", _Sound(0.35, 0.1)),
    "ʔ": _Sound(0.6, 0.0),
}
CLOSED = frozenset("mbpɱɓ")
REST = _Sound(0.0, 0.0)


def mouth_shapes(speech: Speech, fps: float, frames: int) -> Shapes:
    """The shape in the middle of each of `frames` frames."""
    count = max(int(np.ceil(frames / fps * GRID)) + 1, 2)
    loud = _attack_release(loudness(speech, count), ATTACK_S, RELEASE_S)
    if speech.phonemes:
        opened, wide = _by_phonemes(speech.phonemes, loud, fps)
    else:
        opened, wide = loud, np.zeros(count)
    top = np.percentile(opened[opened > SILENT], 95) if (opened > SILENT).any() else 1.0
    opened = np.clip(opened / max(float(top), 1e-6), 0, 1)
    at = (np.arange(frames) + 0.5) / fps * GRID
    grid = np.arange(count)
    return Shapes(np.interp(at, grid, opened), np.interp(at, grid, wide))


def loudness(speech: Speech, count: int) -> Array:
    """0..1 on the fine grid: the voice band's level between this speech's own floor and its loud parts.

    Hissing sounds (s, f, ʃ) are loud with the mouth nearly shut, so energy above 4 kHz counts against.
    """
    level = _level_db(speech, 250, 3000, count)
    heard = level[level > -75]
    if not len(heard):
        return np.zeros(count)
    top = float(np.percentile(heard, 92))
    floor = float(np.clip(np.percentile(heard, 5) + 6, top - 30, top - 12))  # steady voices have no lows
    open_ = np.clip((level - floor) / max(top - floor, 1e-6), 0, 1) ** 1.3
    if speech.rate >= 12000:
        hiss = _level_db(speech, 4000, min(7500, speech.rate * 0.47), count)
        open_ = open_ * np.clip(1 - (hiss - level) / 12, 0.25, 1)
    return np.asarray(open_)


def _level_db(speech: Speech, low: float, high: float, count: int) -> Array:
    """Power in a band, in dB, on the grid; −100 after the end. Works minute by minute."""
    sos = butter(3, [low, high], "band", fs=speech.rate, output="sos")
    out = np.full(count, -100.0)
    at = (np.arange(count) / GRID * speech.rate).astype(int)
    margin = speech.rate // 2  # the filters have settled by then
    for begin in range(0, len(speech.wav), 60 * speech.rate):
        end = min(begin + 60 * speech.rate, len(speech.wav))
        start = max(begin - margin, 0)
        piece = speech.wav[start : end + margin].astype(np.float64)
        band = sosfiltfilt(sos, piece, padlen=min(32, len(piece) - 1))
        power = gaussian_filter1d(band**2, 0.008 * speech.rate)
        here = (at >= begin) & (at < end)
        out[here] = 10 * np.log10(power[at[here] - start] + 1e-10)
    return out


def _attack_release(x: Array, attack_s: float, release_s: float) -> Array:
    """One-pole follower with two speeds, run forwards and then shifted back by the attack (no lag)."""
    up, down = (1 - np.exp(-1 / (GRID * s)) for s in (attack_s / 2, release_s / 2))
    out = np.empty_like(x)
    value = 0.0
    for i, target in enumerate(x):
        value += (up if target > value else down) * (target - value)
        out[i] = value
    early = round(GRID * attack_s / 2)
    return np.concatenate([out[early:], np.full(early, out[-1])])


def _by_phonemes(phonemes: list[Phoneme], loud: Array, fps: float) -> tuple[Array, Array]:
    opened, wide = np.zeros(len(loud)), np.zeros(len(loud))
    shut = np.ones(len(loud))
    least = max(CLOSURE_S[0], 1.1 / fps)  # so that at least one frame shows it
    for phoneme, end_s in _held(phonemes):
        parts = _parts(phoneme.ipa)
        edges = np.linspace(phoneme.start_s, end_s, len(parts) + 1)
        for part, begin, end in zip(parts, edges, edges[1:], strict=False):
            a, b = int(begin * GRID), max(int(end * GRID), int(begin * GRID) + 1)
            opened[a:b], wide[a:b] = part.open, part.wide
        if phoneme.ipa and phoneme.ipa[0] in CLOSED:
            # Lips meet before the sound is released: the closure sits at its start.
            length = np.clip(phoneme.end_s - phoneme.start_s, least, max(CLOSURE_S[1], least))
            a, b = int(phoneme.start_s * GRID), int(np.ceil((phoneme.start_s + length) * GRID))
            shut[max(a, 0) : b] = 0
    blend = BLEND_S * GRID
    opened, wide = gaussian_filter1d(opened, blend), gaussian_filter1d(wide, 1.5 * blend)
    # The sound gives the shape, the voice its size: shouted vowels open wide, mumbled ones do not.
    size = np.where(loud > SILENT, MUMBLE + (1 - MUMBLE) * loud, MUMBLE * loud / SILENT)
    lips = 1 - gaussian_filter1d(1 - shut, 0.012 * GRID)
    lips = np.where(shut == 0, 0, lips)
    return opened * size * lips, wide * np.clip(loud * 3, 0, 1)


def _held(phonemes: list[Phoneme]) -> Iterator[tuple[Phoneme, float]]:
    """Each sound and until when its shape is kept: a stop between sounds does not shut the mouth."""
    for phoneme, after in zip(phonemes, [*phonemes[1:], None], strict=True):
        if phoneme.ipa or phoneme.end_s - phoneme.start_s >= BREATH_S:
            stop = after is not None and not after.ipa and after.end_s - after.start_s < BREATH_S
            yield phoneme, after.end_s if stop and after else phoneme.end_s


def _parts(ipa: str) -> list[_Sound]:
    """The shapes that a sound goes through: two for a diphthong (aɪ), else one."""
    letters = [c for c in unicodedata.normalize("NFD", ipa) if c in SOUNDS or c in CLOSED]
    return [SOUNDS.get(c, REST) for c in letters] or [REST]
