"""Voices that the bot kept for itself, before there were saved ones: they become saved voices of their chats,
under names that are allowed and free. What cannot be taken over is left where it is."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import wavfile

from daemon.config import Config
from models.engine import Audio
from models.errors import BadInput
from models.progress import Progress
from models.voice_names import NAME_CHARS, checked_name, may_begin_names, may_stand_in_names
from models.voices import Voices


@dataclass(frozen=True)
class _Old:
    folder: Path
    name: str
    chat_id: int
    at: str
    wav: Audio
    rate: int


def take_over(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config", "old": the folder, in it <id>/voice.wav and voice.json}.

    Returns {"voices": how many, "left": names in that folder, of what could not be taken over}. Once nothing
    is left, the folder is removed. Raises Unavailable.
    """
    voices, old = Voices(Config(**asked["config"]).voices), Path(asked["old"])
    whole = sorted(_old_ones(old), key=lambda one: one.at)
    for one in whole:
        progress.step(0, 1)
        voices.save_recording(_free(voices, one.name), one.wav, one.rate, chat_id=one.chat_id)
        _remove(one.folder)  # one by one: whoever is killed in between goes on with the next
    left = sorted(path.name for path in old.iterdir())
    if not left:
        _remove(old)
    return {"voices": len(whole), "left": left}


def _old_ones(old: Path) -> Iterator[_Old]:
    """Those that are whole."""
    for path in old.glob("*/voice.json"):
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError, struct.error):
            facts = json.loads(path.read_text("utf-8"))
            name, chat_id, at = facts["name"], facts["chat_id"], str(facts.get("at"))
            rate, wav = wavfile.read(path.with_name("voice.wav"))
            right = isinstance(name, str) and type(chat_id) is int
            if right and wav.dtype == np.float32 and wav.ndim == 1 and len(wav):
                yield _Old(path.parent, name, chat_id, at, wav, rate)


def _remove(folder: Path) -> None:
    """Of a link, only that: what it leads to may be somebody else's."""
    with suppress(OSError):  # what cannot be removed is told as what is left
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder)


def _free(voices: Voices, name: str) -> str:
    """The name, or the nearest to it that a voice may have and none has."""
    words = "".join(c if may_stand_in_names(c) else " " for c in name)
    while words and not may_begin_names(words[0]):
        words = words[1:]
    try:
        words = checked_name(words[:NAME_CHARS])
    except BadInput:
        words = "Voice"
    wanted, number = words, 1
    while voices.find(wanted) is not None:
        number += 1
        wanted = f"{words[: NAME_CHARS - 4]} {number}"
    return wanted
