"""From what was heard when to the times of a text's own words.

A listener counts other pieces than we do: of "$5" it hears "five dollars", of 今天 both characters at once.
So a time first goes to each character that was read, and from there to the place that it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from models.engine import Reading
from models.spread import Span

SHORTEST_S = 0.02
LATE_S = 0.3  # a first word that begins so little after the voice does began with it

Offsets = tuple[int, int]


def as_written(text: str) -> Reading:
    """A text that is read as it stands."""
    return Reading(text, list(range(len(text))))


def word_spans(
    words: Sequence[Offsets], reading: Reading, heard: Sequence[tuple[str, float, float]]
) -> list[Span | None]:
    """(start_s, end_s) of each word; None for one of which nothing was read.

    words: offsets into the sentence, in order. heard: (text, start_s, end_s); the texts together are the
    reading's, but for white space at its ends.
    """
    times = _character_times(reading.text, heard)
    spans: list[Span | None] = []
    at = 0
    for begin, end in words:
        while at < len(times) and reading.origin[at] < begin:
            at += 1
        first = at
        while at < len(times) and reading.origin[at] < end:
            at += 1
        read = [time for time in times[first:at] if time is not None]
        spans.append((min(start for start, _ in read), max(end for _, end in read)) if read else None)
    return spans


def on_voice(spans: Sequence[Span | None], voiced: Sequence[Span]) -> list[Span | None]:
    """The spans without the pauses at their ends; the first word of a stretch of voice begins with it.

    A listener's word often begins in the pause before it, or some time after its first sound, and then
    its subtitle would be late.
    """
    homes = [None if span is None else _home(span, voiced) for span in spans]
    last = {home: i for i, home in enumerate(homes)}
    first = {home: i for i, home in reversed(list(enumerate(homes)))}
    found: list[Span | None] = []
    for i, (span, home) in enumerate(zip(spans, homes, strict=True)):
        if span is None or home is None:
            found.append(span)
            continue
        (start, end), (rises, falls) = span, voiced[home]
        start, end = max(start, rises), min(end, falls)
        if first[home] == i and start - rises <= LATE_S:
            start = rises
        if last[home] == i and falls - end <= LATE_S:
            end = falls
        found.append((start, end))
    return found


def in_order(spans: Sequence[Span | None], begin_s: float, end_s: float) -> list[Span]:
    """All of them between the two moments: in order, apart, and each longer than nothing.

    A word without a time shares the gap between its neighbours with others of its kind.
    """
    if not spans:
        return []
    step = min(SHORTEST_S, max(end_s - begin_s, 0.0) / (len(spans) + 1))
    starts = _starts(spans, begin_s, end_s)
    latest = begin_s - step
    for i, start in enumerate(starts):
        latest = starts[i] = max(start, latest + step)
    limit = end_s
    for i in reversed(range(len(starts))):
        limit = starts[i] = min(starts[i], limit - step)
    ordered = []
    for span, (start, following) in zip(spans, pairwise([*starts, end_s]), strict=True):
        end = following if span is None else min(span[1], following)
        ordered.append((start, max(end, min(start + step, following))))
    return ordered


def _character_times(text: str, heard: Sequence[tuple[str, float, float]]) -> list[Span | None]:
    """Of each character of the text; None for white space and punctuation, which stand for pauses."""
    lead = len(text) - len(text.lstrip())
    times: list[Span | None] = [None] * lead
    first = True
    for piece, start, end in heard:
        piece = piece.lstrip() if first else piece
        first = first and not piece
        sounding = sum(map(_sounds, piece))
        done = 0
        for c in piece:
            if not _sounds(c):
                times.append(None)
                continue
            each = (end - start) / sounding
            times.append((start + done * each, start + (done + 1) * each))
            done += 1
    return (times + [None] * len(text))[: len(text)]


def _sounds(c: str) -> bool:
    return c.isalnum() or not (c.isspace() or c.isascii() or not c.isprintable() or c in _PUNCTUATION)


_PUNCTUATION = frozenset("。，、；：？！（）「」『』《》〈〉【】～…—–‐‑·‘’“”«»‹›．｡､¿¡")


def _home(span: Span, voiced: Sequence[Span]) -> int | None:
    """Which stretch of voice most of it is in."""
    shares = [min(span[1], falls) - max(span[0], rises) for rises, falls in voiced]
    best = max(range(len(shares)), key=lambda i: shares[i], default=None)
    return best if best is not None and shares[best] > 0 else None


def _starts(spans: Sequence[Span | None], begin_s: float, end_s: float) -> list[float]:
    starts: list[float] = []
    before = begin_s
    i = 0
    while i < len(spans):
        span = spans[i]
        if span is not None:
            starts.append(span[0])
            before, i = span[1], i + 1
            continue
        j = next((k for k in range(i, len(spans)) if spans[k] is not None), len(spans))
        following = spans[j] if j < len(spans) else None
        after = max(following[0] if following else end_s, before)
        starts += [before + (after - before) * k / (j - i) for k in range(j - i)]
        i = j
    return starts
