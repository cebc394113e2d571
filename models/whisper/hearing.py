"""Writing down what is said, piece by piece: each fits Whisper's window, and is cut off in a pause."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from models.audio import resampled, voiced_spans
from models.engine import Audio, Transcript
from models.progress import Progress
from models.spread import Span
from models.whisper.ear import RATE, Ear

LONGEST_S = 28.0  # of a piece; with MARGIN_S at both ends it is within Whisper's window
MARGIN_S = 0.2  # of silence that is kept around a piece
REPETITIVE = 2.4  # how much smaller text that goes round in circles can be packed; Whisper's own limit

# As openai-whisper tries: again with more chance in it when what came is repetitive or improbable.
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
OPTIONS: dict[str, Any] = {
    "temperature": TEMPERATURES,
    "compression_ratio_threshold": REPETITIVE,
    "condition_on_previous_text": False,  # else one loop leads to the next
    "hallucination_silence_threshold": 2.0,  # seconds of silence in which nobody can have spoken
}
# Chinese is written in simplified characters, and with punctuation, when what comes before it is.
PROMPTS = {"zh": "以下是普通话的句子，带有标点符号。"}

_OURS = {"yue": "zh"}  # languages that go by another's name here


def transcript(ear: Ear, wav: Audio, rate: int, language: str, progress: Progress) -> Transcript:
    """See models.engine.Aligner. The same sound gives the same text, always."""
    duration_s = len(wav) / rate
    pieces = list(pieces_of(voiced_spans(wav, rate), duration_s))
    language = ear.code(language)
    if pieces and not language:
        language = ear.language(_cut(wav, rate, max(pieces, key=lambda piece: piece[1] - piece[0])))
    words: list[tuple[str, float, float]] = []
    for begin, end in pieces:
        words += _heard(ear, wav, rate, (begin, end), language, progress, duration_s)
        progress.step(end, duration_s)
    words = _trimmed(words)
    return Transcript("".join(text for text, _, _ in words), _OURS.get(language, language), words)


def pieces_of(voiced: Sequence[Span], duration_s: float) -> Iterator[Span]:
    """(begin_s, end_s) of what is heard at a time: all of the voice, cut at the longest pause that will do.

    A stretch of voice that is too long by itself, as in noise, stays whole: Whisper goes through it in steps.
    """
    i = 0
    while i < len(voiced):
        fits = [j for j in range(i, len(voiced)) if voiced[j][1] - voiced[i][0] <= LONGEST_S] or [i]
        last = fits[-1]
        if last + 1 < len(voiced):
            half = voiced[i][0] + LONGEST_S / 2
            late = [j for j in fits if voiced[j][1] >= half] or [last]
            # Of pauses that are alike it is the last
            last = max(late, key=lambda j: (round(voiced[j + 1][0] - voiced[j][1], 1), j))
        before = (voiced[i - 1][1] + voiced[i][0]) / 2 if i else 0.0
        after = (voiced[last][1] + voiced[last + 1][0]) / 2 if last + 1 < len(voiced) else duration_s
        yield max(voiced[i][0] - MARGIN_S, before), min(voiced[last][1] + MARGIN_S, after)
        i = last + 1


def _heard(
    ear: Ear, wav: Audio, rate: int, piece: Span, language: str, progress: Progress, duration_s: float
) -> list[tuple[str, float, float]]:
    begin, end = piece
    written = 0

    def beat() -> None:
        nonlocal written
        written += 1
        progress.step(begin + (end - begin) * written / (written + 100), duration_s)

    with ear.beating(beat), _same_chance(ear):
        found = _transcribed(ear, _cut(wav, rate, piece), language)
    words: list[tuple[str, float, float]] = []
    at = begin
    for segment in found["segments"]:
        if segment["compression_ratio"] > REPETITIVE:
            continue  # not even chance has led out of the circle
        for text, start, stop in _words(segment):
            start_s = max(begin + start, at)
            at = max(min(begin + stop, end), start_s)
            words.append((text, start_s, at))
    return words


def _transcribed(ear: Ear, sound: Audio, language: str) -> dict[str, Any]:
    ear.tokenizer(language)
    options = {**OPTIONS, "language": language, "fp16": ear.on_gpu, "initial_prompt": PROMPTS.get(language)}
    with ear.working(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is a GPU, too, and such
        try:
            return dict(ear.network.transcribe(sound, word_timestamps=True, **options))
        except IndexError:  # its division into words stumbles over characters that were cut in two
            options["hallucination_silence_threshold"] = None
            return dict(ear.network.transcribe(sound, word_timestamps=False, **options))


def _words(segment: dict[str, Any]) -> list[tuple[str, float, float]]:
    if "words" not in segment:
        return [(segment["text"], segment["start"], segment["end"])] if segment["text"] else []
    return [(word["word"], float(word["start"]), float(word["end"])) for word in segment["words"]]


@contextmanager
def _same_chance(ear: Ear) -> Iterator[None]:
    """What is left to chance is the same each time; randomness outside goes on as before."""
    with torch.random.fork_rng([ear.network.device] if ear.on_gpu else [], device_type="cuda"):
        torch.manual_seed(0)
        yield


def _cut(wav: Audio, rate: int, piece: Span) -> Audio:
    return resampled(wav[int(piece[0] * rate) : int(piece[1] * rate)], rate, RATE)


def _trimmed(words: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """Without the white space before the first and after the last."""
    if words:
        words[0] = (words[0][0].lstrip(), *words[0][1:])
        words[-1] = (words[-1][0].rstrip(), *words[-1][1:])
    return words
