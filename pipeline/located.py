"""Where the sentences of a script are in a recording, by what a listener wrote down of it.

Only the places come from what was heard; the text stays the script's, and the times of its words are found
in the sound itself afterwards.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from models.engine import Sentence, Transcript
from models.spread import Span
from models.timing import as_written, word_spans
from models.words import tokens

FOUND = 0.5  # of a sentence's words, that have to be among those that were heard
STRAY = 4  # so many more words between two matches than the script has: one of them is a coincidence
PAUSE_S = 1.0  # a sentence may have a longer one, but what is only supposed to be its own has not
MARGIN_S = 0.15  # around what was heard of a sentence; Whisper's times are no finer


@dataclass(frozen=True)
class Place:
    """The stretch of the recording in which a sentence is. found: it was heard there; else that is only what
    is left between its neighbours."""

    start_s: float
    end_s: float
    found: bool


def places(script: str, sentences: Sequence[Sentence], heard: Transcript, duration_s: float) -> list[Place]:
    """Of each sentence, in order. They do not overlap, but for sentences in a row that were not found: these
    have one place together."""
    words = tokens(script)
    match = _match(_folded(script, words), heard)
    begins = [begin for begin, _ in words]
    windows = []
    for sentence in sentences:
        first = bisect_left(begins, sentence.begin)
        last = bisect_left(begins, sentence.begin + len(sentence.text))
        windows.append(_window(first, last, match, duration_s))
    return _between(_apart(windows), duration_s)


@dataclass(frozen=True)
class _Match:
    """partner: number of a word of the script → of the word that was heard. spans: of all that was heard.

    taken: the partners.
    """

    partner: dict[int, int]
    spans: list[Span]
    taken: frozenset[int]


def _match(script: list[str], heard: Transcript) -> _Match:
    words = tokens(heard.text)
    timed = word_spans(words, as_written(heard.text), heard.words)
    certain = [(word, span) for word, span in zip(words, timed, strict=True) if span is not None]
    texts = _folded(heard.text, [word for word, _ in certain])
    matcher = SequenceMatcher(None, script, texts)  # that it disregards frequent words keeps it fast
    partner = {a + k: b + k for a, b, size in matcher.get_matching_blocks() for k in range(size)}
    return _Match(partner, [span for _, span in certain], frozenset(partner.values()))


def _folded(text: str, words: Sequence[tuple[int, int]]) -> list[str]:
    return [unicodedata.normalize("NFKC", text[begin:end]).casefold() for begin, end in words]


def _window(first: int, last: int, match: _Match, duration_s: float) -> Span | None:
    """Where the script's words first…last - 1 were heard; None when too few of them were.

    What was heard beside the matches and matches nothing may be what its other words were taken for.
    """
    run = _longest_run([i for i in range(first, last) if i in match.partner], match)
    if not run or len(run) < FOUND * (last - first):
        return None
    begin = _outwards(match, match.partner[run[0]], run[0] - first, -1)
    end = _outwards(match, match.partner[run[-1]], last - 1 - run[-1], 1)
    start_s, end_s = match.spans[begin][0] - MARGIN_S, match.spans[end][1] + MARGIN_S
    return max(start_s, 0.0), min(end_s, duration_s)


def _longest_run(matched: list[int], match: _Match) -> list[int]:
    """Of a sentence's matched words those that were heard near each other."""
    runs: list[list[int]] = []
    for i in matched:
        near = runs and match.partner[i] - match.partner[runs[-1][-1]] <= i - runs[-1][-1] + STRAY
        if near:
            runs[-1].append(i)
        else:
            runs.append([i])
    return max(runs, key=len, default=[])


def _outwards(match: _Match, at: int, unmatched: int, step: int) -> int:
    """From a matched word over those beside it that match nothing: two for each word that is sought, and not
    over a pause."""
    for _ in range(2 * unmatched):
        beside = at + step
        if beside in match.taken or not 0 <= beside < len(match.spans):
            break
        if match.spans[max(at, beside)][0] - match.spans[min(at, beside)][1] > PAUSE_S:
            break
        at = beside
    return at


def _apart(windows: Sequence[Span | None]) -> list[Span | None]:
    """Where two overlap, each has its half of that."""
    there = [i for i, window in enumerate(windows) if window is not None]
    cut = list(windows)
    for i, j in pairwise(there):
        before, after = cut[i], cut[j]
        assert before is not None and after is not None
        if before[1] > after[0]:
            border = max((before[1] + after[0]) / 2, before[0])
            cut[i], cut[j] = (before[0], border), (border, max(after[1], border))
    return cut


def _between(windows: Sequence[Span | None], duration_s: float) -> list[Place]:
    found: list[Place] = []
    at = 0.0
    for i, window in enumerate(windows):
        if window is not None:
            found.append(Place(*window, True))
            at = window[1]
            continue
        following = next((later for later in windows[i:] if later is not None), None)
        found.append(Place(at, max(following[0] if following else duration_s, at), False))
    return found
