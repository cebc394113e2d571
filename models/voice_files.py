"""A saved voice on disk, in a folder of its own: written so that it is there whole, read without trust.

voice.json                  a Record; it says which recording counts, so that both change at once
voice-<16 digits>.wav       of a recording: 24 kHz, mono, 32-bit float; the digits are of its content
prompt-….safetensors        what an engine made of it
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from models.durable import flushed, moved, written
from models.engine import Audio
from models.errors import BadInput
from models.voice_names import DESCRIPTION_CHARS, TEXT_CHARS, checked_name

RATE = 24_000  # Hz; that of the speech engines
FACTS = "voice.json"
_FACTS_BYTES = 100_000  # more than any has
# RIFF, its size, WAVE; fmt, its size, format 3 (float), channels, rate, bytes a second, bytes a frame, bits
_HEAD = struct.Struct("<4sI4s4sIHHIIHH")
_FLOAT = 3

OWNER: Literal["owner"] = "owner"  # of the machine: may use every voice
EVERYBODY: Literal["everybody"] = "everybody"  # whoever it is: may use those that are everybody's
By = int | Literal["owner", "everybody"]  # a number: that chat, which may use its own voices, too


@dataclass(frozen=True)
class SavedVoice:
    """folder: its own. at: when it was saved, ISO 8601 in UTC. description: how it sounds, in words.

    text: what is said in the recording, "" when that is not known; language: in which it is said, or "".
    seconds: of the recording. chat_id: the chat that it was sent in and may be used in; None: anywhere.
    key: 32 hex digits of what decides its sound. wav: 24 kHz, mono, 32-bit float; None when it is only
    described. damage: what is wrong with that file; "" when nothing is.
    """

    name: str
    folder: Path
    at: str
    description: str = ""
    text: str = ""
    language: str = ""
    seconds: float = 0.0
    chat_id: int | None = None
    key: str = ""
    wav: Path | None = None
    damage: str = ""

    @property
    def id(self) -> str:
        """Stays when it is recorded anew, and never comes again when it was removed. It is no name."""
        return self.folder.name

    @property
    def kind(self) -> Literal["recorded", "described"]:
        return "described" if self.description else "recorded"

    def open_to(self, by: By) -> bool:
        return self.chat_id is None or by in (OWNER, self.chat_id)


@dataclass(frozen=True)
class UnreadableVoice:
    """A folder of which nobody can say whose voice it holds, and why."""

    folder: Path
    why: str


def _name(name: str) -> str:
    try:
        return checked_name(name)
    except BadInput as e:
        raise ValueError(e.message) from e


class Record(BaseModel):
    """What stands in voice.json. sound: SHA-256 of the samples of a recording; null: it is described."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = 1
    name: Annotated[str, AfterValidator(_name)]
    at: AwareDatetime
    chat_id: int | None
    description: Annotated[str, Field(max_length=DESCRIPTION_CHARS)] = ""
    text: Annotated[str, Field(max_length=TEXT_CHARS)] = ""
    language: str = ""
    seconds: Annotated[float, Field(ge=0)] = 0.0
    sound: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.description) == bool(self.sound):
            raise ValueError("a voice has either a sound or a description")
        return self


def hash_of(sound: Audio) -> str:
    return hashlib.sha256(sound.tobytes()).hexdigest()


def write(folder: Path, record: Record, sound: Audio | None) -> None:
    """The folder holds this voice then, and nothing of one before; until then, that one. Raises OSError."""
    wav = _wav(folder, record)
    if wav is not None and sound is not None:
        from scipy.io import wavfile

        part = folder / ".wav.part"
        wavfile.write(part, RATE, sound)
        flushed(part)
        moved(part, wav)
    written(folder / FACTS, record.model_dump_json(indent=1).encode())
    for other in folder.iterdir():
        if other.name not in (FACTS, wav and wav.name) and not other.is_dir():
            other.unlink()


def read(folder: Path) -> SavedVoice | UnreadableVoice | None:
    """None: it was removed meanwhile."""
    try:
        with (folder / FACTS).open("rb") as file:
            facts = file.read(_FACTS_BYTES)
        voice = saved(folder, Record.model_validate_json(facts))
        if voice.damage and facts != (folder / FACTS).read_bytes():
            return read(folder)  # it was recorded anew meanwhile
        return voice
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = "".join(f"{part}: " for part in first["loc"])
        return UnreadableVoice(folder, f"{FACTS} is damaged: {where}{first['msg']}")
    except OSError as e:
        return UnreadableVoice(folder, f"{FACTS}: {e.strerror}") if os.path.lexists(folder) else None


def saved(folder: Path, record: Record) -> SavedVoice:
    wav = _wav(folder, record)
    decides = json.dumps([record.version, record.sound, record.text, record.description])
    return SavedVoice(
        name=record.name,
        folder=folder,
        at=record.at.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        description=record.description,
        text=record.text,
        language=record.language,
        seconds=record.seconds,
        chat_id=record.chat_id,
        key=hashlib.sha256(decides.encode()).hexdigest()[:32],
        wav=wav,
        damage="" if wav is None else _damage(wav),
    )


def _wav(folder: Path, record: Record) -> Path | None:
    return folder / f"voice-{record.sound[:16]}.wav" if record.sound else None


def _damage(wav: Path) -> str:
    """By its header and its size; "" when both are right."""
    try:
        with wav.open("rb") as file:
            head = file.read(_HEAD.size)
        size = wav.stat().st_size
    except FileNotFoundError:
        return "the file is gone"
    except OSError as e:
        return str(e.strerror)
    if len(head) < _HEAD.size:
        return "the file is cut off"
    riff, length, wave, fmt, _, kind, channels, rate, _, _, bits = _HEAD.unpack(head)
    if (riff, wave, fmt) != (b"RIFF", b"WAVE", b"fmt "):
        return "it is not a WAV"
    if (kind, channels, rate, bits) != (_FLOAT, 1, RATE, 32):
        return f"it is not mono, 32-bit float at {RATE} Hz"
    return "" if length + 8 == size else "the file is cut off"
