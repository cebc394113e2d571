"""The speech engine: sentences → one stretch of sound with the time of every word and phoneme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.audio import faded, levelled, silence
from models.engine import Audio, Phoneme, Sentence, Speech, Word
from models.errors import BadInput
from models.espeak.library import Manner, Utterance, say
from models.espeak.reading import reading
from models.espeak.timing import phonemes_of, word_times
from models.progress import Progress, Quiet
from models.words import is_han, tokens

_RATE = 22050

_LANGUAGES = {
    "zh": "cmn",
    "en": "en-us",
    "de": "de",
    "it": "it",
    "pt": "pt-br",
    "es": "es",
    "ja": "ja",
    "ko": "ko",
    "fr": "fr-fr",
    "ru": "ru",
}
# A voice of espeak that does not know the language's own name is asked for by its file.
_VOICE_FILES = {"pt-br": "roa/pt-BR", "fr-fr": "roa/fr"}

_LEAD_S = 0.01  # kept before the first sound
_TAIL_S = 0.03  # kept after the last, which rings on a little
_UNREADABLE_WORD_S = 0.25  # silence for a word that no voice can read


@dataclass(frozen=True)
class _Timbre:
    """variant: espeak's; pitch and range: 0..99, as measured to be near a person's (see VOICES)."""

    variant: str
    pitch: int
    pitch_range: int


VOICES = {
    "default": _Timbre("m7", 55, 60),
    "male": _Timbre("m3", 50, 70),
    "female": _Timbre("f2", 50, 65),
    "bright": _Timbre("f3", 55, 60),
    "deep": _Timbre("edward", 35, 60),
}
_WPM = 145  # nominal; measured: 167 English words a minute, 250 Chinese characters
_WPM_OF = {"zh": 200, "ko": 165}


class EspeakEngine:
    """The draft engine for speech: no GPU, no weights, hundreds of times faster than real time."""

    name = "espeak"
    version = 2  # raise it with every change of a sound or a time, and with the pin of espeakng-loader

    def voices(self) -> list[str]:
        return list(VOICES)

    def warm_up(self) -> None:
        self.speak([Sentence("Hello", 0, "en", 0.0)], "default", "en", 0, Quiet())

    def remarks(self, sentences: Sequence[Sentence]) -> list[str]:
        """What the listener should be told about the reading of these sentences."""
        if any(s.language == "ja" and any(map(is_han, s.text)) for s in sentences):
            return ["The draft voice espeak cannot read Japanese kanji: it says “Chinese letter” for each"]
        return []

    def decided_by(self, voice: str) -> dict[str, str]:
        return {}  # the name says it all

    def speak(
        self,
        sentences: Sequence[Sentence],
        voice: str,
        language: str,
        seed: int,
        progress: Progress,
        tone: str = "",
    ) -> Speech:
        """See models.engine.SpeechEngine. The same arguments give the same samples and times, always.

        Every sentence is at the common loudness (models.audio). Every word of it gets a time.
        Raises BadInput voice_unknown, Unavailable, and what `progress.step` raises.
        """
        timbre = VOICES.get(voice)
        if timbre is None:
            raise BadInput(
                f"There is no voice named “{voice}” for the speech engine espeak",
                code="voice_unknown",
                hint=f"Choose one of: {', '.join(VOICES)}",
            )
        spoken: list[Audio] = []
        spans: list[tuple[float, float]] = []
        words: list[Word] = []
        phonemes: list[Phoneme] = []
        samples = 0
        for i, sentence in enumerate(sentences):
            said = _speak_one(sentence, timbre, language, seed)
            at_s = samples / _RATE
            spans.append((at_s, at_s + said.duration_s))
            spoken += [said.wav, silence(sentence.pause_s, _RATE)]
            samples += len(spoken[-2]) + len(spoken[-1])
            words += [
                Word(sentence.begin + w.begin, sentence.begin + w.end, at_s + w.start_s, at_s + w.end_s)
                for w in said.words or []
            ]
            phonemes += [Phoneme(p.ipa, at_s + p.start_s, at_s + p.end_s) for p in said.phonemes or []]
            if sentence.pause_s > 0:
                phonemes.append(Phoneme("", at_s + said.duration_s, samples / _RATE))
            progress.step(i + 1, len(sentences))
        wav = np.concatenate(spoken) if spoken else np.zeros(0, np.float32)
        return Speech(wav, _RATE, words, phonemes, spans)


def _speak_one(sentence: Sentence, timbre: _Timbre, language: str, seed: int) -> Speech:
    """One sentence without its pause; word offsets into the sentence, times from its start."""
    spoken_language = _voice_language(sentence, language)
    told = reading(sentence.text, spoken_language)
    name = _LANGUAGES[spoken_language]
    manner = Manner(
        f"{_VOICE_FILES.get(name, name)}+{timbre.variant}",
        _WPM_OF.get(spoken_language, _WPM),
        timbre.pitch,
        timbre.pitch_range,
    )
    said = say(told.text, manner, seed)
    words = tokens(sentence.text)
    if not any(ipa for ipa, _ in said.sounds):
        return _unread(words, said.rate)
    begin, end = _heard(said)
    wav = faded(levelled(said.wav[begin:end], said.rate), said.rate)
    shift, duration = begin / said.rate, (end - begin) / said.rate
    phonemes = phonemes_of([(ipa, max(at - shift, 0.0)) for ipa, at in said.sounds], duration)
    events = [
        (told.origin[first], told.origin[min(first + count, len(told.origin)) - 1] + 1, max(at - shift, 0.0))
        for first, count, at in said.words
        if 0 <= first < len(told.origin)
    ]
    spans = word_times(sentence.text, words, events, phonemes, duration)
    timed = [Word(*offsets, *span) for offsets, span in zip(words, spans, strict=True)]
    return Speech(wav, said.rate, timed, phonemes)


def _voice_language(sentence: Sentence, language: str) -> str:
    own = sentence.language if sentence.language in _LANGUAGES else language
    if own not in ("ja", "ko") and any(map(is_han, sentence.text)):
        return "zh"  # the one voice that reads Chinese; it reads Latin words as English
    return own if own in _LANGUAGES else "en"


def _heard(said: Utterance) -> tuple[int, int]:
    """The samples from just before the first sound to where the last has died away."""
    sounding = [at for ipa, at in said.sounds if ipa and not ipa.startswith("(")]
    begin = max(int((min(sounding, default=0.0) - _LEAD_S) * said.rate), 0)
    loud = np.flatnonzero(np.abs(said.wav) > 0.01 * np.abs(said.wav).max())
    end = min(int(loud[-1]) + int(_TAIL_S * said.rate), len(said.wav)) if len(loud) else len(said.wav)
    return begin, end


def _unread(words: list[tuple[int, int]], rate: int) -> Speech:
    """Silence for a sentence that no voice can read, so that its words have a time all the same."""
    wav = silence(len(words) * _UNREADABLE_WORD_S, rate)
    each = len(wav) / rate / max(len(words), 1)
    timed = [Word(begin, end, i * each, (i + 1) * each) for i, (begin, end) in enumerate(words)]
    return Speech(wav, rate, timed, [Phoneme("", 0.0, len(wav) / rate)] if len(wav) else [])
