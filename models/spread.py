"""When words are said, as well as it can be guessed: they share the time of the voice by their syllables."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from models.words import syllables

Span = tuple[float, float]


def spread(text: str, words: Sequence[tuple[int, int]], voiced: Sequence[Span]) -> list[Span]:
    """(start_s, end_s) of each word, in proportion to its syllables: in order, apart.

    A guess that is right on average: it knows where there is voice, not what is said there.
    words: offsets into the text. voiced: where somebody speaks, in order; not empty.
    """
    if not words:
        return []
    clock = _VoicedClock(voiced)
    shares = list(accumulate((syllables(text[slice(*word)]) for word in words), initial=0.0))
    borders = [share / shares[-1] * clock.total_s for share in shares]
    return [clock.between(from_s, to_s) for from_s, to_s in pairwise(borders)]


def clipped(voiced: Sequence[Span], begin_s: float, end_s: float) -> list[Span]:
    """The voiced spans between two moments; all that is between them when there is none."""
    inside = [(max(start, begin_s), min(end, end_s)) for start, end in voiced]
    return [(start, end) for start, end in inside if end > start] or [(begin_s, end_s)]


class _VoicedClock:
    """Time that stands still in pauses."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._at = list(accumulate((end - start for start, end in spans), initial=0.0))
        self.total_s = self._at[-1]

    def between(self, from_s: float, to_s: float) -> Span:
        """Real start and end of a stretch of voiced time; one across a pause keeps its larger side."""
        last = len(self._spans) - 1
        first_span = min(max(bisect_right(self._at, from_s) - 1, 0), last)
        last_span = min(max(bisect_left(self._at, to_s) - 1, first_span), last)
        sides = range(first_span, last_span + 1)
        span = max(sides, key=lambda i: min(to_s, self._at[i + 1]) - max(from_s, self._at[i]))
        start, end = self._spans[span]
        inside_from = start + max(from_s - self._at[span], 0.0)
        inside_to = start + min(to_s - self._at[span], end - start)
        return inside_from, inside_to
