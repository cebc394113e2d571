"""Whether the times that were found for a sentence's words can be true; of one that fails they are guessed.

Whisper finds a place for every word, also for words that nobody said: then they are squeezed into a moment,
stand still while the voice goes on, or run far from where syllables alone would have them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from models.spread import Span

LEAST_PROBABLE = 0.05  # mean over what was read; below, something else was said
SQUEEZED = 0.4  # of the voice, that the words must take at least
AT_ONCE_S = 0.02  # a shorter word has no length: Whisper counts time in steps of this
MOST_AT_ONCE = 1 / 3  # of the words
LONG_WORD_S, PER_SYLLABLE_S = 1.0, 0.5  # that a word may take, and what each of its syllables adds
STRAYS_S, STRAYS = 1.0, 0.35  # from a guess by syllables, in seconds or by this share of the sentence


def doubt(
    spans: Sequence[Span],
    guess: Sequence[Span],
    syllables: Sequence[float],
    voiced: Sequence[Span],
    probabilities: Sequence[float],
) -> str:
    """What is wrong with the times, in words for a log; "" when they can be true.

    spans: as they were found, of each word. guess: of each word, by its syllables. voiced: where somebody
    speaks. probabilities: of the pieces that were read. Nothing is asked of a sentence without words.
    """
    if not spans:
        return ""
    numbers = [*(second for span in spans for second in span), *probabilities]
    if not all(map(math.isfinite, numbers)):
        return "a time is no number"
    return (
        _improbable(probabilities)
        or _squeezed(spans, voiced)
        or _at_once(spans)
        or _stuck(spans, syllables)
        or _astray(spans, guess)
    )


def _improbable(probabilities: Sequence[float]) -> str:
    mean = sum(probabilities) / len(probabilities) if probabilities else 0.0
    return "something else seems to be said" if mean < LEAST_PROBABLE else ""


def _squeezed(spans: Sequence[Span], voiced: Sequence[Span]) -> str:
    """One word may be short in a long noise; two may not."""
    voice_s = voiced[-1][1] - voiced[0][0]
    words_s = max(end for _, end in spans) - spans[0][0]
    return "the words are squeezed into a moment" if len(spans) > 1 and words_s < SQUEEZED * voice_s else ""


def _at_once(spans: Sequence[Span]) -> str:
    short = sum(end - start < AT_ONCE_S - 1e-6 for start, end in spans)
    most = MOST_AT_ONCE * len(spans) if len(spans) > 2 else 0
    return "too many words take no time" if short > most else ""


def _stuck(spans: Sequence[Span], syllables: Sequence[float]) -> str:
    stuck = any(
        end - start > LONG_WORD_S + PER_SYLLABLE_S * count
        for (start, end), count in zip(spans, syllables, strict=True)
    )
    return "a word takes too long" if stuck else ""


def _astray(spans: Sequence[Span], guess: Sequence[Span]) -> str:
    allowed = max(STRAYS_S, STRAYS * (guess[-1][1] - guess[0][0]))
    strays = any(
        abs(start - guessed) > allowed for (start, _), (guessed, _) in zip(spans, guess, strict=True)
    )
    return "a word is far from where its syllables have it" if strays else ""
