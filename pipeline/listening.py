"""The times of words that nobody knows yet: found by an aligner, or guessed where there is none.

A sentence whose times are only a guess is counted: the person is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from models.audio import voiced_spans
from models.engine import Aligned, Aligner, Audio, Said, Sentence, Speech, Transcript, Word
from models.progress import Progress, Share
from models.reading import read
from models.spread import Span, clipped, spread
from models.timing import as_written, in_order, on_voice, word_spans
from models.words import syllables, tokens
from pipeline.located import Place, places

SHORTEST_S = 0.08  # of voice for a syllable; in less, something else was said, or nothing
_HEARD = 0.7  # share of the work that writing down a recording is; finding words in it is the rest


def in_speech(
    script: str, sentences: Sequence[Sentence], speech: Speech, aligner: Aligner | None, progress: Progress
) -> Aligned:
    """The words of a speech whose engine has told where its sentences are."""
    spans = speech.spans
    if spans is None or len(spans) != len(sentences):
        words = spread_words(script, tokens(script), voiced_spans(speech.wav, speech.rate))
        return Aligned(words, len(sentences))
    if aligner is not None:
        said = [_said(sentence, *span) for sentence, span in zip(sentences, spans, strict=True)]
        return aligner.align(speech.wav, speech.rate, said, progress)
    voiced = voiced_spans(speech.wav, speech.rate)
    words = []
    for sentence, (start_s, end_s) in zip(sentences, spans, strict=True):
        words += _guessed(script, [sentence], voiced, start_s, end_s)
    return Aligned(words, len(sentences))


def in_recording(
    script: str,
    sentences: Sequence[Sentence],
    language: str,
    wav: Audio,
    rate: int,
    aligner: Aligner,
    progress: Progress,
) -> tuple[Aligned, int]:
    """The words of a script that somebody has read out; and how many sentences were left out, whose words are
    not among them. language: of the script.

    What was said is written down, which tells where each sentence is; there its own words are found.
    """
    heard = aligner.transcribe(wav, rate, language, Share(progress, 0.0, _HEARD))
    where = places(script, sentences, heard, len(wav) / rate)
    said = [_said(s, p.start_s, p.end_s) for s, p in zip(sentences, where, strict=True) if p.found]
    if not said:
        progress.step(1, 1)
        guess = spread_words(script, tokens(script), voiced_spans(wav, rate))
        return Aligned(guess, len(sentences)), 0
    aligned = aligner.align(wav, rate, said, Share(progress, _HEARD, 1.0))
    misheard, guessed, left_out = _of_the_lost(script, sentences, where, voiced_spans(wav, rate))
    words = sorted(aligned.words + misheard, key=lambda word: word.begin)
    return Aligned(words, aligned.guessed + guessed), left_out


def of_transcript(heard: Transcript, voiced: Sequence[Span], duration_s: float) -> list[Word]:
    """The words of what was written down, when it is the text itself."""
    words = tokens(heard.text)
    spans = on_voice(word_spans(words, as_written(heard.text), heard.words), voiced)
    timed = in_order(spans, 0.0, duration_s)
    return [Word(*offsets, *span) for offsets, span in zip(words, timed, strict=True)]


def spread_words(script: str, words: Sequence[tuple[int, int]], voiced: Sequence[Span]) -> list[Word]:
    """A guess: the words laid over the voice by their syllables. words: offsets into the script."""
    spans = spread(script, words, voiced)
    return [Word(*offsets, *span) for offsets, span in zip(words, spans, strict=True)]


def _said(sentence: Sentence, start_s: float, end_s: float) -> Said:
    return Said(sentence, read(sentence.text, sentence.language), start_s, end_s)


def _of_the_lost(
    script: str, sentences: Sequence[Sentence], where: Sequence[Place], voiced: Sequence[Span]
) -> tuple[list[Word], int, int]:
    """The words of sentences that were not found, of how many sentences these are, and of how many more there
    are none: where they should be, nobody speaks for long enough. Of several in a row together, as they share
    one place."""
    words: list[Word] = []
    guessed = left_out = 0
    for found, run in groupby(zip(sentences, where, strict=True), key=lambda pair: pair[1].found):
        if found:
            continue
        lost, (place, *_) = zip(*run, strict=True)
        own = _guessed(script, lost, voiced, place.start_s, place.end_s)
        voice_s = sum(max(min(end, place.end_s) - max(start, place.start_s), 0.0) for start, end in voiced)
        if voice_s < SHORTEST_S * sum(syllables(script[word.begin : word.end]) for word in own):
            left_out += len(lost)
        else:
            words += own
            guessed += len(lost)
    return words, guessed, left_out


def _guessed(
    script: str, sentences: Sequence[Sentence], voiced: Sequence[Span], start_s: float, end_s: float
) -> list[Word]:
    """The words of sentences that follow each other, over the voice between two moments."""
    words = [
        (sentence.begin + begin, sentence.begin + end)
        for sentence in sentences
        for begin, end in tokens(sentence.text)
    ]
    return spread_words(script, words, clipped(voiced, start_s, end_s))
