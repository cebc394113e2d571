"""Which checkpoint of Qwen3-TTS lies in a folder, and whether it can be what it is called. Without torch.

<weights>/Qwen3-TTS-12Hz-1.7B-Base/     as on huggingface.co, Qwen/Qwen3-TTS-12Hz-1.7B-Base
    config.json  generation_config.json  preprocessor_config.json
    tokenizer_config.json  vocab.json  merges.txt
    model.safetensors                   or several, named in model.safetensors.index.json
    speech_tokenizer/config.json  preprocessor_config.json  model.safetensors
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import Unavailable
from models.weight_files import header, is_there, read_json, unreadable, wrong

KINDS = {"Base": "base", "CustomVoice": "custom_voice", "VoiceDesign": "voice_design"}
MODELS = ("1.7B-Base", "1.7B-CustomVoice", "1.7B-VoiceDesign", "0.6B-Base", "0.6B-CustomVoice")
CODEC = "qwen3_tts_tokenizer_12hz"

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SPEECH_TOKENIZER = "speech_tokenizer"
_BESIDE = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    f"{SPEECH_TOKENIZER}/config.json",
    f"{SPEECH_TOKENIZER}/preprocessor_config.json",
)
# Some weights that no other file has under these names.
_TALKER = ("talker.model.codec_embedding.weight", "talker.codec_head.weight")
_SPEAKER_ENCODER = "speaker_encoder."
_CODEC = ("decoder.", "encoder.")

_PIECES, _PIECE = 8, 1 << 18  # of a file that go into its fingerprint, bytes of each


@dataclass(frozen=True)
class Checkpoint:
    """name: as in `speech.model`. kind: "base", "custom_voice" or "voice_design".

    speakers: built in, "vivian"; languages: as the model calls them, "chinese". Both in small letters.
    """

    name: str
    folder: Path
    kind: str
    speakers: tuple[str, ...]
    languages: tuple[str, ...]

    @property
    def takes_tone(self) -> bool:
        """Whether it can be told how to say something. The small ones drop what they are told."""
        return self.kind != "base" and not self.name.startswith("0.6B")


def folder_of(folder: Path, model: str) -> Path:
    """folder: of all weights; model: as in `speech.model`."""
    return folder / f"Qwen3-TTS-12Hz-{model}"


def missing(folder: Path, model: str) -> list[Path]:
    """What is not there of the files that are needed; [] when all of them are. Raises Unavailable."""
    own = folder_of(folder, model)
    return [path for path in (*(own / name for name in _BESIDE), *_weights(own)) if not is_there(path)]


def look(folder: Path, model: str) -> Checkpoint:
    """What the checkpoint says of itself; its weights are looked at as far as that takes no time.

    Raises Unavailable `weights_missing`, `weights_wrong`.
    """
    if absent := missing(folder, model):
        are = "is" if len(absent) == 1 else "are"
        lacking = ", ".join(str(path.relative_to(folder)) for path in absent)
        raise Unavailable(
            f"The weights of Qwen3-TTS {model} are not complete in {folder}: {lacking} {are} missing",
            code="weights_missing",
            hint=f"Get them with `vigentd models pull {folder_of(folder, model).name}`",
        )
    own = folder_of(folder, model)
    checkpoint = _checkpoint(own, model)
    names = set[str]().union(*(header(path) for path in shards(checkpoint)))
    for needed in (*_TALKER, *((_SPEAKER_ENCODER,) if checkpoint.kind == "base" else ())):
        _need(shards(checkpoint)[0], needed, names)
    codec = own / SPEECH_TOKENIZER / WEIGHTS
    for needed in _CODEC:
        _need(codec, needed, header(codec))
    return checkpoint


def fingerprint(folder: Path, model: str) -> str:
    """16 hex digits that change with the weights, without reading all of them. Raises Unavailable."""
    own = folder_of(folder, model)
    digest = hashlib.sha256()
    for path in (*(own / name for name in _BESIDE), *_weights(own)):
        try:
            _take_in(digest, path)
        except OSError as error:
            raise unreadable(path, error) from error
    return digest.hexdigest()[:16]


def shards(checkpoint: Checkpoint) -> list[Path]:
    """The files that hold the model's own weights."""
    return _own_weights(checkpoint.folder)


def _checkpoint(own: Path, model: str) -> Checkpoint:
    path = own / "config.json"
    config = read_json(path)
    kind, codec = config.get("tts_model_type"), config.get("tokenizer_type", CODEC)
    expected = KINDS[model.partition("-")[2]]
    if kind != expected:
        raise wrong(path, f"is of another model: expected tts_model_type {expected!r}, found {kind!r}")
    if codec != CODEC:
        raise wrong(path, f"is of another model: expected tokenizer_type {CODEC!r}, found {codec!r}")
    talker = config.get("talker_config")
    talker = talker if isinstance(talker, dict) else {}
    speakers, languages = talker.get("spk_id") or {}, talker.get("codec_language_id")
    if not isinstance(languages, dict) or not languages or not isinstance(speakers, dict):
        raise wrong(
            path, "is not complete: talker_config does not say which languages and speakers there are"
        )
    if kind == "custom_voice" and not speakers:
        raise wrong(path, "is not complete: talker_config names no speakers (spk_id)")
    return Checkpoint(
        model,
        own,
        expected,
        tuple(name.lower() for name in speakers),
        tuple(name.lower() for name in languages if "dialect" not in name),
    )


def _weights(own: Path) -> list[Path]:
    """The files of weights that there are, or should be: of the model, then of its codec."""
    return [*_own_weights(own), own / SPEECH_TOKENIZER / WEIGHTS]


def _own_weights(own: Path) -> list[Path]:
    if is_there(own / WEIGHTS) or not is_there(own / INDEX):
        return [own / WEIGHTS]
    listed = read_json(own / INDEX).get("weight_map")
    names = set(listed.values()) if isinstance(listed, dict) else set()
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise wrong(own / INDEX, "does not say in which files the weights are: expected a weight_map")
    return [own / name for name in sorted(names)]


def _need(path: Path, name: str, found: Mapping[str, Any] | set[str]) -> None:
    """name: of a weight, or with a dot at its end of a whole part."""
    if not (any(key.startswith(name) for key in found) if name.endswith(".") else name in found):
        raise wrong(path, f"has other weights than expected: {name.rstrip('.')} is missing")


def _take_in(digest: hashlib._Hash, path: Path) -> None:
    """Name, size, and pieces spread evenly from the first byte to the last."""
    size = path.stat().st_size
    digest.update(f"{path.name} {size}\n".encode())
    with path.open("rb") as file:
        for i in range(_PIECES):
            file.seek(max(size - _PIECE, 0) * i // (_PIECES - 1))
            digest.update(file.read(_PIECE))
            if size <= _PIECE:
                break
