"""What the model made of a saved recording, kept beside it: made once, and not for every job.

    <voice folder>/prompt-<fingerprint>.safetensors     speaker (D,), codes (frames, 16) of the recording

It may be taken away at any time, and is made again then.
"""

from __future__ import annotations

import logging
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from scipy.io import wavfile

from models.audio import silence
from models.engine import Audio
from models.qwen3.casting import Role, unreadable
from models.qwen3.model import RATE, Model
from models.qwen3.stock import VoiceClonePromptItem
from models.voices import SavedVoice

VERSION = 1  # of what stands in the file
AFTER_S = 0.5  # of silence after the recording, or its last sound would run into the sentence

log = logging.getLogger(__name__)


def prompt_of(model: Model, role: Role, fingerprint: str) -> VoiceClonePromptItem | None:
    """Of a recording; without its text only its timbre is used. None for who needs none.

    fingerprint: of the weights. Raises BadInput `voice_unreadable`.
    """
    if role.kind != "base" or (voice := role.saved) is None:
        return None
    path = voice.folder / f"prompt-{fingerprint}.safetensors"
    made_of = {"version": str(VERSION), "voice": voice.key, "dtype": str(model.dtype), "text": voice.text}
    if (kept := _read(path, made_of)) is not None:
        return kept
    made = model.prompt_of(np.concatenate([_recording(voice), silence(AFTER_S, RATE)]), voice.text)
    tensors = {"speaker": made.ref_spk_embedding}
    if made.ref_code is not None:
        tensors["codes"] = made.ref_code
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    try:
        _write(path, tensors, made_of)
    except (OSError, SafetensorError) as error:  # a full disk, say: it is made again next time
        log.warning("what was made of the voice %s is not kept: %s", voice.name, error)
    return _item(tensors, voice.text)


def _item(tensors: dict[str, torch.Tensor], text: str) -> VoiceClonePromptItem:
    return VoiceClonePromptItem(
        ref_code=tensors.get("codes"),
        ref_spk_embedding=tensors["speaker"],
        x_vector_only_mode=not text,
        icl_mode=bool(text),
        ref_text=text or None,
    )


def _read(path: Path, made_of: dict[str, str]) -> VoiceClonePromptItem | None:
    """None when it is not there, damaged, or made of something else."""
    try:
        with safe_open(path, "pt") as file:
            if file.metadata() != made_of:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    whole = set(tensors) == ({"speaker", "codes"} if made_of["text"] else {"speaker"})
    return _item(tensors, made_of["text"]) if whole else None


def _write(path: Path, tensors: dict[str, torch.Tensor], made_of: dict[str, str]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, part, made_of)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _recording(voice: SavedVoice) -> Audio:
    assert voice.wav is not None, "it was cast as a recording"
    try:
        rate, wav = wavfile.read(voice.wav)
    except (OSError, ValueError, struct.error) as error:
        raise unreadable(voice, str(error)) from error
    if rate != RATE or wav.ndim != 1 or wav.dtype != np.float32 or not len(wav):
        raise unreadable(voice, f"expected mono float32 at {RATE} Hz, found {wav.dtype} at {rate} Hz")
    return np.asarray(wav, np.float32)
