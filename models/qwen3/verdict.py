"""Can this be that sentence, spoken? What goes wrong with Qwen3-TTS is seen from outside, without listening.

Thresholds lie far outside of what people and espeak do: real speech takes 0.1…0.35 s for a syllable, and a
take that is refused costs as much as one that is good. Pure functions.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from models.audio import voiced_spans
from models.engine import Audio
from models.words import syllables, tokens

EXPECTED_S, SHORTEST_S, LONGEST_S = 0.22, 0.08, 0.6  # for a syllable
MARK_S = 0.6  # that a comma may add, at most
SURPLUS_S, LEAST_S = 1.5, 0.08  # of a whole sentence
SLACK_S = 2.5  # from the longest that is believed to where it is stopped: silence before and after

QUIET_DB = -50.0  # RMS of what is voiced
GAP_S = 3.0
FULL, CLIPPED = 0.999, 0.005  # a sample that is as loud as can be; the share of them that is too much

_MARKS = frozenset(',;:.!?…—–，、；：。！？()（）“”"')


def expected_s(text: str) -> float:
    """About how long it takes to say; for progress."""
    return 0.3 + EXPECTED_S * _syllables(text)


def longest_s(text: str) -> float:
    """Nobody takes longer to say this."""
    return SURPLUS_S + LONGEST_S * _syllables(text) + MARK_S * sum(c in _MARKS for c in text)


def shortest_s(text: str) -> float:
    """Nobody says this faster."""
    return max(SHORTEST_S * _fewest_syllables(text), LEAST_S)


def cap_s(text: str) -> float:
    """When it may be stopped: it has derailed."""
    return longest_s(text) + SLACK_S


def fault(wav: Audio, rate: int, text: str, capped: bool) -> str:
    """What is wrong with it, to go on after "it"; "" when nothing is. text: as it is read."""
    if capped:
        return f"did not come to an end within {len(wav) / rate:.0f} s"
    if not np.isfinite(wav).all():
        return "was no sound"
    spans = voiced_spans(wav, rate)
    voiced = [wav[int(begin * rate) : int(end * rate)] for begin, end in spans]
    if not spans or _db(np.concatenate(voiced)) < QUIET_DB:
        return "was silent"
    if np.mean(np.abs(np.concatenate(voiced)) >= FULL) > CLIPPED:
        return "was distorted (clipped)"
    length = spans[-1][1] - spans[0][0]
    if length < shortest_s(text):
        return f"took only {length:.1f} s for about {_fewest_syllables(text):.0f} syllables"
    if length > longest_s(text):
        return f"took {length:.1f} s for about {_syllables(text):.0f} syllables"
    gap = max((after[0] - before[1] for before, after in pairwise(spans)), default=0.0)
    return f"fell silent for {gap:.1f} s" if gap > GAP_S else ""


def _syllables(text: str) -> float:
    return sum(syllables(text[begin:end]) for begin, end in tokens(text))


def _fewest_syllables(text: str) -> float:
    """WORDS IN CAPITALS may be spelled out, or only be loud."""
    return _syllables(text.lower())


def _db(wav: Audio) -> float:
    return 10 * math.log10(float(np.mean(np.square(wav, dtype=np.float64))) + 1e-12)
