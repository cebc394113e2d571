"""The aligner: sentence by sentence, when each of the script's own words is said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from models.audio import resampled, voiced_spans
from models.engine import Aligned, Audio, Said, Transcript, Word
from models.progress import Progress
from models.spread import Span, clipped, spread
from models.timing import in_order, on_voice, word_spans
from models.whisper import NAME, VERSION
from models.whisper.ear import RATE, Ear
from models.whisper.hearing import transcript
from models.whisper.plausible import doubt
from models.whisper.weights import load
from models.words import syllables, tokens

_MARGIN_S = 0.2  # of the sound around a sentence, that is heard with it where there is a pause
_SHORTEST_S = 0.1  # of a sentence in which words can be found


class WhisperAligner:
    """openai-whisper, as it is. See models.engine.Aligner."""

    name = NAME
    version = VERSION

    def __init__(self, ear: Ear) -> None:
        self._ear = ear

    @classmethod
    def open(cls, *, folder: Path, model: str, device: str) -> WhisperAligner:
        """folder: where the weights of all models lie. model: as in `whisper.model`. device: "cpu", "cuda:0".

        Raises Unavailable weights_missing, weights_wrong.
        """
        return cls(Ear(load(folder, model, device)))

    def warm_up(self) -> None:
        """What finds the words in the network's attention is compiled when it is first used."""
        hum = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
        self._ear.alignment(hum, "One, two.", "en")

    def align(self, wav: Audio, rate: int, said: Sequence[Said], progress: Progress) -> Aligned:
        """Every word of the sentences gets a time within its sentence's. A step a sentence.

        guessed: sentences whose alignment was not plausible, or which are too long for it.
        Raises what `progress` raises.
        """
        duration_s = len(wav) / rate
        words: list[Word] = []
        guessed = 0
        for i, one in enumerate(said):
            before = said[i - 1].end_s if i else 0.0
            after = said[i + 1].start_s if i + 1 < len(said) else duration_s
            begin = min(max(one.start_s - _MARGIN_S, before, 0.0), one.start_s)
            end = max(min(one.end_s + _MARGIN_S, after), one.end_s)
            with self._ear.beating(partial(progress.step, i + 0.5, len(said))):
                spans, found = self._spans(wav[int(begin * rate) : int(end * rate)], rate, begin, one)
            guessed += not found
            offset = one.sentence.begin
            words += [
                Word(offset + first, offset + last, *span)
                for (first, last), span in zip(tokens(one.sentence.text), spans, strict=True)
            ]
            progress.step(i + 1, len(said))
        return Aligned(words, guessed)

    def transcribe(self, wav: Audio, rate: int, language: str, progress: Progress) -> Transcript:
        """See models.engine.Aligner. A stretch of which nothing but repetitions was heard is left out."""
        return transcript(self._ear, wav, rate, language, progress)

    def _spans(self, sound: Audio, rate: int, begin: float, one: Said) -> tuple[list[Span], bool]:
        """Of each word of the sentence; and whether they were found, not guessed. sound: from `begin` on."""
        text = one.sentence.text
        words = tokens(text)
        heard = [(begin + start, begin + end) for start, end in voiced_spans(sound, rate)]
        voiced = clipped(heard, one.start_s, one.end_s)
        guess = spread(text, words, voiced)
        if len(words) < 2:
            return guess, True  # it is where the voice is
        if not heard or one.end_s - one.start_s < _SHORTEST_S:
            return guess, False
        pieces = self._ear.alignment(resampled(sound, rate, RATE), one.reading.text, one.sentence.language)
        if not pieces:
            return guess, False
        timed = [(piece.text, begin + piece.start_s, begin + piece.end_s) for piece in pieces]
        spans = on_voice(word_spans(words, one.reading, timed), voiced)
        known = [i for i, span in enumerate(spans) if span is not None]
        reason = doubt(
            [span for span in spans if span is not None],
            [guess[i] for i in known],
            [syllables(text[slice(*words[i])]) for i in known],
            voiced,
            [piece.probability for piece in pieces if any(map(str.isalnum, piece.text))],
        )
        if reason or not known:
            return guess, False
        return in_order(spans, one.start_s, one.end_s), True
