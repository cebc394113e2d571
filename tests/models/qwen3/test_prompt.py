"""What the model makes of a recording, made once and kept beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from models.errors import BadInput
from models.qwen3.casting import Role, cast
from models.qwen3.checkpoint import look
from models.qwen3.model import Model
from models.qwen3.prompt import prompt_of
from models.voices import SavedVoice, Voices
from tests.models.qwen3.tiny import BASE
from tests.models.qwen3.voices_kit import ANNA, RATE, humming, save_anna


@pytest.fixture(scope="module")
def model(weights: Path) -> Iterator[Model]:
    yield Model.load(look(weights, BASE), "cpu", torch.float32)


def role_of(model: Model, voices: Voices, voice: str = "Anna") -> Role:
    return cast(model.checkpoint, voices, voice, "", "en")


def kept(voice: SavedVoice) -> list[Path]:
    return sorted(voice.folder.glob("*.safetensors"))


def test_it_is_made_once_and_is_the_same_from_disk(model: Model, voices: Voices) -> None:
    role = role_of(model, voices)
    first = prompt_of(model, role, "0123")
    assert first is not None and role.saved is not None and role.saved.wav is not None
    assert [path.name for path in kept(role.saved)] == ["prompt-0123.safetensors"]
    role.saved.wav.write_bytes(b"not to be read again")
    again = prompt_of(model, role, "0123")
    assert again is not None and torch.equal(first.ref_spk_embedding, again.ref_spk_embedding)
    assert torch.equal(first.ref_code, again.ref_code) and first.ref_code.shape[1] == 4
    assert (again.ref_text, again.icl_mode, again.x_vector_only_mode) == (ANNA, True, False)
    assert len(first.ref_code) == 25, "1.5 s of recording and 0.5 s of silence after it, 12.5 frames a second"


def test_without_its_text_only_the_timbre_is_used(model: Model, voices: Voices) -> None:
    voices.save_recording("Bert", humming(), RATE)
    role = role_of(model, voices, "Bert")
    for _ in range(2):  # made, and read
        prompt = prompt_of(model, role, "0123")
        assert prompt is not None and prompt.ref_code is None and prompt.x_vector_only_mode
        assert prompt.ref_text is None and not prompt.icl_mode


def test_it_is_made_anew_for_another_recording_precision_or_text(model: Model, voices: Voices) -> None:
    role = role_of(model, voices)
    assert role.saved is not None
    prompt_of(model, role, "0123")
    (path,) = kept(role.saved)
    before = path.read_bytes()
    other = save_anna(voices, "Something else")
    (other.folder / path.name).write_bytes(before)
    told = prompt_of(model, role_of(model, voices), "0123")
    assert told is not None and told.ref_text == "Something else"
    assert (other.folder / path.name).read_bytes() != before


@pytest.mark.parametrize("damage", [b"", b"{}", b"\x10\x00\x00\x00\x00\x00\x00\x00{", None])
def test_a_damaged_one_is_made_anew(model: Model, voices: Voices, damage: bytes | None) -> None:
    role = role_of(model, voices)
    assert role.saved is not None
    prompt_of(model, role, "0123")
    (path,) = kept(role.saved)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10] if damage is None else damage)
    assert prompt_of(model, role, "0123") is not None
    assert len(path.read_bytes()) == len(whole) and load_file(path).keys() == {"speaker", "codes"}


def test_a_file_in_which_something_is_missing_is_made_anew(model: Model, voices: Voices) -> None:
    role = role_of(model, voices)
    assert role.saved is not None
    prompt_of(model, role, "0123")
    (path,) = kept(role.saved)
    with safe_open(path, "pt") as file:
        made_of = file.metadata()
    save_file({"speaker": load_file(path)["speaker"]}, path, made_of)
    prompt = prompt_of(model, role, "0123")
    assert prompt is not None and prompt.ref_code is not None


def test_where_it_cannot_be_kept_it_is_used_all_the_same(model: Model, voices: Voices) -> None:
    role = role_of(model, voices)
    assert role.saved is not None
    (role.saved.folder / "prompt-0123.safetensors").mkdir()
    assert prompt_of(model, role, "0123") is not None
    assert not list(role.saved.folder.glob(".*")), "nothing half is left"


def test_a_recording_that_is_gone_or_damaged_is_named(model: Model, voices: Voices) -> None:
    role = role_of(model, voices)
    assert role.saved is not None and role.saved.wav is not None
    for content in (b"RIFF", b""):
        role.saved.wav.write_bytes(content)
        with pytest.raises(BadInput, match="The recording of the voice “Anna” cannot be read") as told:
            prompt_of(model, role, "9999")
        assert told.value.code == "voice_unreadable"
