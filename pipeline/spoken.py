"""What the stage speech leaves: speech.wav and speech.json, for programs and for people.

The text that is spoken is in it: for the stages after it, this is the script. It is the person's own, or what
was heard in a recording that came without one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy.io import wavfile

from models.engine import Phoneme, Sentence, Speech, Word


@dataclass
class Spoken:
    """The artifact. `speech.words` is always a list; engine is "recording" for a person's own.

    script: what words and sentences are offsets into.
    """

    script: str
    speech: Speech
    sentences: list[Sentence]
    engine: str
    voice: str
    language: str
    notes: list[str]


def save(spoken: Spoken, folder: Path) -> None:
    """speech.wav is mono, 32-bit float."""
    wavfile.write(folder / "speech.wav", spoken.speech.rate, spoken.speech.wav)
    (folder / "speech.json").write_text(_as_json(spoken), "utf-8")


def load(folder: Path) -> Spoken:
    rate, wav = wavfile.read(folder / "speech.wav")
    facts = json.loads((folder / "speech.json").read_text("utf-8"))
    words = [Word(w["begin"], w["end"], w["start_s"], w["end_s"]) for w in facts["words"]]
    phonemes = facts["phonemes"] and [Phoneme(**p) for p in facts["phonemes"]]
    return Spoken(
        facts["script"],
        Speech(wav, rate, words, phonemes),
        [Sentence(**sentence) for sentence in facts["sentences"]],
        facts["engine"],
        facts["voice"],
        facts["language"],
        facts["notes"],
    )


def _as_json(spoken: Spoken) -> str:
    """One word, sound or sentence a line, with the text of the word."""
    speech, script = spoken.speech, spoken.script
    words = [{"text": script[w.begin : w.end]} | _rounded(asdict(w)) for w in speech.words or []]
    phonemes = None if speech.phonemes is None else [_rounded(asdict(p)) for p in speech.phonemes]
    facts: dict[str, Any] = {
        "engine": spoken.engine,
        "voice": spoken.voice,
        "language": spoken.language,
        "rate": speech.rate,
        "duration_s": round(speech.duration_s, 6),
        "notes": spoken.notes,
        "script": script,
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
