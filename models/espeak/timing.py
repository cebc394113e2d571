"""When each word of a sentence is spoken, from espeak's events.

espeak does not tell the start of every word: of Chinese characters that it reads together it names
the first, of a number it names odd inner positions, and some events come twice. A word that has an
event starts there; those between two such words share the time by the vowels heard, or by syllables.
"""

from __future__ import annotations

import re
from itertools import pairwise

from models.engine import Phoneme
from models.words import syllables

_SHORTEST_S = 0.02
_STRESS = re.compile(r"[ˈˌ]")
_PSEUDO = re.compile(r"^\(.*")  # (en), (cmn): a change of language, not a sound
_VOWEL = re.compile(r"[aeiouyɐɑɒæɔəɘɚɛɜɝɞɤɨɪɯɵøœɶʉʊʌʏᵻ]")

Span = tuple[float, float]


def phonemes_of(sounds: list[tuple[str, float]], end_s: float) -> list[Phoneme]:
    """Sounds as they follow each other from 0 to end_s, without gaps and without marks of stress."""
    real = [("", 0.0)] + [(_STRESS.sub("", ipa), start) for ipa, start in sounds if not _PSEUDO.match(ipa)]
    starts = [min(start, end_s) for _, start in real] + [end_s]
    found: list[Phoneme] = []
    for (ipa, _), (start, end) in zip(real, pairwise(starts), strict=True):
        if end <= start:
            continue
        if found and not ipa and not found[-1].ipa:
            found[-1] = Phoneme("", found[-1].start_s, end)
        else:
            found.append(Phoneme(ipa, start, end))
    return found


def word_times(
    sentence: str,
    words: list[tuple[int, int]],
    events: list[tuple[int, int, float]],
    phonemes: list[Phoneme],
    end_s: float,
) -> list[Span]:
    """(start_s, end_s) of each word: in order, apart, each longer than nothing.

    words:  offsets (begin, end) into the sentence.
    events: (begin, end, second), offsets into the sentence too.
    """
    known = _anchors(words, events)
    sounding = [p for p in phonemes if p.ipa]
    starts: list[float] = []
    for first, last in pairwise([0, *sorted(known.keys() - {0}), len(words)]):
        begin = known.get(first, sounding[0].start_s if sounding else 0.0)
        limit = known.get(last, end_s)
        inside = [p for p in sounding if begin <= p.start_s < limit]
        weights = [syllables(sentence[slice(*word)]) for word in words[first:last]]
        starts += _shared_out(begin, inside[-1].end_s if inside else limit, weights, inside)
    return _apart(starts, sounding, end_s)


def _anchors(words: list[tuple[int, int]], events: list[tuple[int, int, float]]) -> dict[int, float]:
    """Index of a word → the second at which it is known to start."""
    known: dict[int, float] = {}
    latest = -1
    for begin, end, second in events:
        for i in range(max(latest, 0), len(words)):
            if words[i][0] >= end:
                break
            if words[i][1] <= begin:
                continue
            if i > latest:
                known[i] = second
                latest = i
                break
            # An event at the very start of a word that has begun already means the next one that it
            # covers; one from inside it is only another part of a number.
            if begin > words[i][0]:
                break
    return known


def _shared_out(begin: float, end: float, weights: list[float], sounds: list[Phoneme]) -> list[float]:
    """The starts of the words that share begin…end."""
    if len(weights) == 1:
        return [begin]
    onsets = _syllable_onsets(sounds)
    shares = [0.0]
    for weight in weights:
        shares.append(shares[-1] + weight)
    if len(onsets) == round(shares[-1]) and all(float(w).is_integer() for w in weights):
        return [begin] + [onsets[round(share)] for share in shares[1:-1]]
    return [begin + (end - begin) * share / shares[-1] for share in shares[:-1]]


def _syllable_onsets(sounds: list[Phoneme]) -> list[float]:
    """Where each syllable starts: at the consonant just before its vowel, if there is one."""
    onsets: list[float] = []
    for i, sound in enumerate(sounds):
        if not _VOWEL.search(sound.ipa):
            continue
        has_onset = i > 0 and not _VOWEL.search(sounds[i - 1].ipa)
        onsets.append((sounds[i - 1] if has_onset else sound).start_s)
    return onsets


def _apart(starts: list[float], sounding: list[Phoneme], end_s: float) -> list[Span]:
    """Starts made strictly rising, and ends: at the next start, or where the sound stops before it."""
    step = min(_SHORTEST_S, end_s / (len(starts) + 1))
    for i in range(1, len(starts)):
        starts[i] = max(starts[i], starts[i - 1] + step)
    limit = end_s
    for i in reversed(range(len(starts))):
        starts[i] = max(min(starts[i], limit - step), 0.0)
        limit = starts[i]
    spans: list[Span] = []
    for start, following in pairwise([*starts, end_s]):
        heard = [p.end_s for p in sounding if start <= p.start_s < following]
        end = min(heard[-1], following) if heard else following
        spans.append((start, max(end, min(start + step, following))))
    return spans
