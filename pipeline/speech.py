"""Stage speech: the script → speech.wav, and the time of every word and sound in speech.json.

The clock of the video starts here: second 0 of speech.wav is second 0 of the video. So the silence
before the first word and after the last is part of the file and of all times.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.io import wavfile

from models.audio import faded, levelled, silence, voiced_spans
from models.engine import Phoneme, Sentence, Speech, Word
from models.errors import StageFailed
from models.progress import Progress
from models.words import tokens
from pipeline.script import check_script
from pipeline.text import detect_language, split_sentences
from pipeline.workspace import file_hash

if TYPE_CHECKING:
    from pipeline.job import Job

VERSION = 1  # raise it when the same inputs give another result

RECORDING = "recording"  # stands in the place of an engine's name

_SPREAD_NOTE = (
    "The times of the words in the recording are estimated from its pauses, not recognised; "
    "subtitles may be early or late by a few words"
)
_NO_SCRIPT_NOTE = "No script was given with the recording, so there are no subtitles"


@dataclass
class Spoken:
    """The artifact. `speech.words` is always a list; engine is "recording" for a person's own."""

    speech: Speech
    sentences: list[Sentence]
    engine: str
    voice: str
    language: str
    notes: list[str]


def inputs(job: Job) -> dict[str, Any]:
    """All that decides speech.wav. Raises BadInput when the recording is not there."""
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
        return common | {"recording": file_hash(spec.speech, job.progress)}
    engine = job.engines.speech
    return common | {
        "engine": engine.name,
        "engine_version": engine.version,
        "voice": spec.voice,
        "seed": spec.seed,
    }


def make(job: Job, folder: Path, progress: Progress) -> None:
    """Leaves speech.wav (mono, 32-bit float) and speech.json.

    Raises BadInput for a recording or a voice that cannot be used, and what the engine raises.
    """
    spec = job.spec
    language = detect_language(spec.script) if spec.language == "auto" else spec.language
    sentences = split_sentences(spec.script, language)
    produce = _synthesised if spec.speech is None else _recorded
    spoken = produce(job, language, sentences, progress)
    spoken.speech = _padded(spoken.speech, job.settings.speech.lead_s, job.settings.speech.tail_s)
    wavfile.write(folder / "speech.wav", spoken.speech.rate, spoken.speech.wav)
    (folder / "speech.json").write_text(_as_json(spec.script, spoken), "utf-8")


def load(folder: Path) -> Spoken:
    """What `make` left in the folder."""
    rate, wav = wavfile.read(folder / "speech.wav")
    facts = json.loads((folder / "speech.json").read_text("utf-8"))
    words = [Word(w["begin"], w["end"], w["start_s"], w["end_s"]) for w in facts["words"]]
    phonemes = facts["phonemes"] and [Phoneme(**p) for p in facts["phonemes"]]
    return Spoken(
        Speech(wav, rate, words, phonemes),
        [Sentence(**sentence) for sentence in facts["sentences"]],
        facts["engine"],
        facts["voice"],
        facts["language"],
        facts["notes"],
    )


def _synthesised(job: Job, language: str, sentences: list[Sentence], progress: Progress) -> Spoken:
    spec, engine = job.spec, job.engines.speech
    check_script(spec.script, job.settings.limits.script_chars)
    speech = engine.speak(sentences, spec.voice, language, spec.seed, progress)
    if not voiced_spans(speech.wav, speech.rate):
        raise StageFailed(
            f"The speech engine {engine.name} gave only silence for this script",
            code="speech_silent",
            hint="It may not know the script's language: choose another engine, or give a recording",
        )
    notes = engine.remarks(sentences)
    return Spoken(speech, sentences, engine.name, spec.voice, language, notes)


def _recorded(job: Job, language: str, sentences: list[Sentence], progress: Progress) -> Spoken:
    from pipeline.recording import decode_recording, spread_words  # PyAV: only here

    assert job.spec.speech is not None
    longest_s = 60 * job.settings.limits.clip_minutes
    wav, rate = decode_recording(job.spec.speech, longest_s, progress)
    script = job.spec.script
    words = spread_words(script, tokens(script), voiced_spans(wav, rate))
    progress.step(1, 1)
    speech = Speech(faded(levelled(wav, rate), rate), rate, words)
    note = _SPREAD_NOTE if words else _NO_SCRIPT_NOTE
    return Spoken(speech, sentences, RECORDING, RECORDING, language, [note])


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


def _as_json(script: str, spoken: Spoken) -> str:
    """For programs and for people: one word, sound or sentence a line, with the text of the word."""
    speech = spoken.speech
    words = [{"text": script[w.begin : w.end]} | _rounded(asdict(w)) for w in speech.words or []]
    phonemes = None if speech.phonemes is None else [_rounded(asdict(p)) for p in speech.phonemes]
    facts: dict[str, Any] = {
        "engine": spoken.engine,
        "voice": spoken.voice,
        "language": spoken.language,
        "rate": speech.rate,
        "duration_s": round(speech.duration_s, 6),
        "notes": spoken.notes,
        "sentences": [asdict(sentence) for sentence in spoken.sentences],
        "words": words,
        "phonemes": phonemes,
    }
    return "{\n" + ",\n".join(f' "{key}": {_lines(value)}' for key, value in facts.items()) + "\n}\n"


def _lines(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in value) + "\n ]"


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in fields.items()}
