"""Stage speech: the script → speech.wav, and the time of every word and sound in speech.json.

The clock of the video starts here: second 0 of speech.wav is second 0 of the video. So the silence
before the first word and after the last is part of the file and of all times.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models import reading
from models.audio import faded, levelled, silence, voiced_spans
from models.engine import Aligned, Aligner, Audio, Phoneme, Speech, Word
from models.errors import BadInput, StageFailed, Unavailable
from models.progress import Progress, Share
from models.words import LONGEST_PAUSE_S, tokens, too_long_pauses
from pipeline.listening import in_recording, in_speech, of_transcript, spread_words
from pipeline.script import check_script
from pipeline.spec import JobSpec
from pipeline.spoken import Spoken, load, save
from pipeline.text import detect_language, leading_pause_s, split_sentences
from pipeline.workspace import file_hash

if TYPE_CHECKING:
    from pipeline.job import Job

__all__ = ["Spoken", "inputs", "load", "make"]

VERSION = 3  # raise it when the same inputs give another result

RECORDING = "recording"  # stands in the place of an engine's name
TELLS_WORDS = ("espeak",)  # engines that know the times of their words; others need an aligner
_SPOKEN, _DECODED = 0.85, 0.1  # shares of the work, when words have to be found after it

_SPREAD_NOTE = (
    "The times of the words in the recording are estimated from its pauses, not recognised; "
    "subtitles may be early or late by a few words"
)
_NO_SCRIPT_NOTE = "No script was given with the recording, so there are no subtitles"
_NOTHING_HEARD_NOTE = "No words were understood in the recording, so there are no subtitles"
_TRANSCRIPT_NOTE = "No script was given with the recording: the subtitles show what Whisper heard in it"


def inputs(job: Job) -> dict[str, Any]:
    """All that decides speech.wav and the times. Raises BadInput when the recording is not there."""
    spec, settings = job.spec, job.settings.speech
    common = {
        "version": VERSION,
        "script": spec.script,
        "language": spec.language,
        "lead_s": settings.lead_s,
        "tail_s": settings.tail_s,
    }
    if spec.speech is not None:
        from pipeline.recording import check_recording

        check_recording(spec.speech)
        return common | {"recording": file_hash(spec.speech, job.progress)} | _timed_by(job)
    engine = job.engines.speech
    with _named(spec) as voice:
        decided_by = engine.decided_by(voice)
    common |= {
        "engine": engine.name,
        "engine_version": engine.version,
        "reading": reading.VERSION,
        "voice": spec.voice,
        "tone": spec.tone,
        "seed": spec.seed,
        "decided_by": decided_by,
    }
    if engine.name in TELLS_WORDS:
        return common
    checked = settings.max_error if settings.verify else None  # decides which of several takes it is
    return common | {"checked": checked} | _timed_by(job)


def make(job: Job, folder: Path, progress: Progress) -> None:
    """Leaves speech.wav and speech.json (pipeline.spoken).

    Raises BadInput for a recording or a voice that cannot be used, and what the engine raises.
    """
    lead_s = job.settings.speech.lead_s
    if job.spec.speech is None:
        spoken = _synthesised(job, progress)
        lead_s += leading_pause_s(job.spec.script)
    else:
        spoken = _recorded(job, progress)
    spoken.speech = _padded(spoken.speech, lead_s, job.settings.speech.tail_s)
    save(spoken, folder)


def _timed_by(job: Job) -> dict[str, Any]:
    """Whether somebody hears, who, and what is listened for."""
    aligner = job.engines.aligner
    if aligner is None:
        return {"aligner": None}
    return {"aligner": [aligner.name, aligner.version, job.settings.whisper.model, reading.VERSION]}


# ---------------------------------------------------------------- spoken by an engine


def _synthesised(job: Job, progress: Progress) -> Spoken:
    spec, engine = job.spec, job.engines.speech
    check_script(spec.script, job.settings.limits.script_chars)
    language = detect_language(spec.script) if spec.language == "auto" else spec.language
    sentences = split_sentences(spec.script, language)
    told = engine.name in TELLS_WORDS
    speaking = progress if told else Share(progress, 0.0, _SPOKEN)
    with _named(spec) as voice:
        speech = engine.speak(sentences, voice, language, spec.seed, speaking, spec.tone)
    if not voiced_spans(speech.wav, speech.rate):
        raise StageFailed(
            f"The speech engine {engine.name} gave only silence for this script",
            code="speech_silent",
            hint="It may not know the script's language: choose another engine, or give a recording",
        )
    notes = [*engine.remarks(sentences), *_cut_pauses(spec.script)]
    if speech.words is None:
        aligner = None if told else job.engines.aligner
        hearing = Share(progress, _SPOKEN, 1.0)
        try:
            timed = in_speech(spec.script, sentences, speech, aligner, hearing)
            if aligner is not None:  # else the person was told so before, and why
                notes = [*notes, *_guesses(timed, len(sentences))]
        except Unavailable as e:  # its file is damaged
            timed = in_speech(spec.script, sentences, speech, None, hearing)
            notes = [*notes, _deaf(e)]
        speech = replace(speech, words=timed.words)
    return Spoken(spec.script, speech, sentences, engine.name, spec.voice, language, notes)


@contextmanager
def _named(spec: JobSpec) -> Generator[str]:
    """As the engine is asked for it: a saved voice by its id, because by its name it could find another one
    that was saved since, even one of other people. Raises BadInput `voice_gone`."""
    try:
        yield spec.voice_id or spec.voice
    except BadInput as e:
        if not spec.voice_id or e.code != "voice_unknown":
            raise
        raise BadInput(
            f"The voice “{spec.voice}” that this job was submitted with can be had no more: it was removed, "
            "or another engine speaks now",
            code="voice_gone",
            hint="Submit it again, with one of `vigentd voices`",
        ) from e


def _deaf(error: Unavailable) -> str:
    """For the person: why nobody hears."""
    return (
        "The times of words are estimated, and subtitles may be early or late by a word: "
        f"{error.message}. {error.hint}"
    )


def _cut_pauses(script: str) -> list[str]:
    """For the person: which marks asked for a longer silence than there is."""
    marks = list(dict.fromkeys(too_long_pauses(script)))
    return [f"A pause is {LONGEST_PAUSE_S:.0f} seconds long at most: {', '.join(marks)}"] if marks else []


def _guesses(timed: Aligned, sentences: int) -> list[str]:
    """For the person: of how many sentences the times are only a guess."""
    if not timed.guessed:
        return []
    which = f"all {sentences}" if timed.guessed == sentences else f"{timed.guessed} of {sentences}"
    which = "its only sentence" if sentences == 1 else f"{which} sentences"
    return [f"The times of words are estimated in {which}: subtitles may be early or late there by a word"]


# ---------------------------------------------------------------- a person's own recording


def _recorded(job: Job, progress: Progress) -> Spoken:
    from pipeline.recording import decode_recording  # PyAV: only here

    assert job.spec.speech is not None
    aligner = job.engines.aligner
    decoding = progress if aligner is None else Share(progress, 0.0, _DECODED)
    wav, rate = decode_recording(job.spec.speech, 60 * job.settings.limits.clip_minutes, decoding)
    hearing = Share(progress, _DECODED, 1.0)
    if tokens(job.spec.script):
        spoken = _read_out(job, wav, rate, aligner, hearing)
    else:
        spoken = _free(job, wav, rate, aligner, hearing)
    progress.step(1, 1)
    spoken.speech.wav = faded(levelled(wav, rate), rate)
    return spoken


def _read_out(job: Job, wav: Audio, rate: int, aligner: Aligner | None, progress: Progress) -> Spoken:
    """A recording of the script."""
    script = job.spec.script
    language = detect_language(script) if job.spec.language == "auto" else job.spec.language
    sentences = split_sentences(script, language)
    words, notes = [], []
    try:
        if aligner is not None:
            timed, left_out = in_recording(script, sentences, language, wav, rate, aligner, progress)
            words = timed.words
            notes = [*_omissions(left_out, len(sentences)), *_guesses(timed, len(sentences))]
    except Unavailable as e:  # its file is damaged
        aligner, notes = None, [_deaf(e)]
    if aligner is None:
        words = spread_words(script, tokens(script), voiced_spans(wav, rate))
        notes = notes or [_SPREAD_NOTE]
    return Spoken(script, Speech(wav, rate, words), sentences, RECORDING, RECORDING, language, notes)


def _omissions(left_out: int, sentences: int) -> list[str]:
    """For the person: how much of the script is not in the recording."""
    if not left_out:
        return []
    were = "was" if left_out == 1 else "were"
    return [
        f"{left_out} of {sentences} sentences {were} not found in the recording: subtitles leave them out"
    ]


def _free(job: Job, wav: Audio, rate: int, aligner: Aligner | None, progress: Progress) -> Spoken:
    """A recording without a script: what is heard in it becomes the text."""
    asked = "" if job.spec.language == "auto" else job.spec.language
    if aligner is None:
        silent = Speech(wav, rate, [])
        return Spoken("", silent, [], RECORDING, RECORDING, asked or "en", [_NO_SCRIPT_NOTE])
    heard = aligner.transcribe(wav, rate, asked, progress)
    language = asked or heard.language or "en"
    words = of_transcript(heard, voiced_spans(wav, rate), len(wav) / rate)
    script = heard.text if words else ""
    sentences = split_sentences(script, language)
    notes = [_TRANSCRIPT_NOTE if words else _NOTHING_HEARD_NOTE]
    return Spoken(script, Speech(wav, rate, words), sentences, RECORDING, RECORDING, language, notes)


# ---------------------------------------------------------------- the clock of the video


def _padded(speech: Speech, lead_s: float, tail_s: float) -> Speech:
    """With silence before and after, and all times moved along."""
    lead, tail = silence(lead_s, speech.rate), silence(tail_s, speech.rate)
    shift = len(lead) / speech.rate
    end_s = shift + speech.duration_s
    phonemes = None
    if speech.phonemes is not None:
        phonemes = [Phoneme(p.ipa, p.start_s + shift, p.end_s + shift) for p in speech.phonemes]
        phonemes = [Phoneme("", 0.0, shift), *phonemes, Phoneme("", end_s, end_s + len(tail) / speech.rate)]
        phonemes = [p for p in phonemes if p.end_s > p.start_s]
    return Speech(
        np.concatenate([lead, speech.wav, tail]),
        speech.rate,
        [Word(w.begin, w.end, w.start_s + shift, w.end_s + shift) for w in speech.words or []],
        phonemes,
    )
