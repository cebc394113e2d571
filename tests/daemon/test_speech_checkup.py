"""doctor, about the speech engine: which one will serve, its weights, its voices, and who hears."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import doctor
from daemon.config import Config
from daemon.finding import Finding
from daemon.speech_checkup import attention, hearing, measured_attention, speech_engine
from models.qwen3.checkpoint import folder_of
from models.qwen3.decided import Decided
from models.voices import Voices
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN, lay_all
from tests.models.whisper.shell import lay_shell


def speech(folder: Path, whisper: str = "small", **speech: Any) -> dict[str, Finding]:
    """The findings about a configuration, by name; weights are in `folder`/models."""
    config = Config.model_validate({"data_dir": folder, "speech": speech, "whisper": {"model": whisper}})
    checks = (speech_engine, hearing)
    return {found.name: found for check in checks for found in doctor._guarded(partial(check, config))}


def qwen3(folder: Path, **more: Any) -> dict[str, Finding]:
    return speech(folder, engine="qwen3", device="cpu", **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with the tiny checkpoints of all kinds."""
    lay_all(tmp_path / "models")
    return tmp_path


def save(folder: Path, name: str) -> None:
    """A recording, kept as a voice."""
    t = np.arange(3 * 24_000) / 24_000
    wav = (0.2 * np.sin(2 * np.pi * 150 * t)).astype(np.float32)
    Voices(Config(data_dir=folder).voices).save_recording(name, wav, 24_000, text="Good morning.")


def test_voices_that_cannot_be_read_are_told(folder: Path) -> None:
    for name in ("Anna", "Bo", "Eva"):
        save(folder, name)
    anna, bo, _ = Voices(folder / "voices").all()
    (anna.folder / "voice.json").write_text("{}")
    assert bo.wav is not None
    bo.wav.unlink()
    told = qwen3(folder, model=BASE)["saved voices"]
    assert told.state == "warn" and "vigentd voices rm" in told.fix
    assert anna.id in told.found and "Bo (the file is gone)" in told.found and "Eva" not in told.found


def test_that_no_voice_is_saved_is_not_the_fault_of_the_setting(folder: Path) -> None:
    config = Config.model_validate({"data_dir": folder, "speech": {"engine": "qwen3", "device": "cpu"}})
    (told,) = doctor.defaults(config)
    assert "none is saved" in told.found
    assert "vigentd voices add" in told.fix and "Correct" not in told.fix


def test_without_a_gpu_and_without_weights_all_is_calm(tmp_path: Path) -> None:
    found = speech(tmp_path, device="cpu")
    assert set(found) == {"speech engine", "whisper"}
    draft = found["speech engine"]
    assert draft.state == "warn" and "(espeak): speech.device is cpu" in draft.found and "cuda:0" in draft.fix
    assert found["whisper"].state == "ok" and "only in recordings" in found["whisper"].found
    (chosen, _) = speech(tmp_path, engine="espeak").values()
    assert (chosen.state, chosen.found) == ("ok", "espeak")


def test_an_engine_that_is_named_and_not_here(tmp_path: Path) -> None:
    found = qwen3(tmp_path)
    refused = found["speech engine"]
    assert refused.state == "fail"
    assert refused.found.endswith(
        f"weights are not in {tmp_path / 'models'}: there is no {folder_of(Path(), BASE)}"
    )
    assert "`vigentd models pull Qwen3-TTS-12Hz-1.7B-Base`" in refused.fix
    assert found["whisper"].state == "warn" and "`vigentd models pull whisper-small`" in found["whisper"].fix


def test_what_serves_its_weights_and_its_voices(folder: Path) -> None:
    found = qwen3(folder)
    assert found["speech engine"].state == "warn" and "many seconds" in found["speech engine"].found
    weights = found["speech weights"]
    assert weights.state == "ok" and weights.found.startswith(
        f"1.7B-Base in {folder_of(folder / 'models', BASE)}: "
    )
    assert found["speech voices"].state == "warn" and "vigentd voices add" in found["speech voices"].fix
    save(folder, "anna")
    found = qwen3(folder)
    assert (found["speech voices"].state, found["speech voices"].found) == ("ok", "1 for 1.7B-Base: anna")
    assert qwen3(folder, model=CUSTOM)["speech voices"].found.startswith("9 for 1.7B-CustomVoice: ")
    assert qwen3(folder, model=DESIGN)["speech voices"].found == "1 for 1.7B-VoiceDesign: default"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (lambda whole: whole[:-1000], "is not whole: expected"),
        (lambda _: b"<!DOCTYPE html><html>404</html>", "found a web page"),
    ],
    ids=["cut", "page"],
)
def test_weights_that_cannot_be_what_they_are_called(folder: Path, content: Any, what: str) -> None:
    """They are looked at, not loaded: a file that ends too early is seen by its header and its size."""
    file = folder_of(folder / "models", BASE) / "model.safetensors"
    file.write_bytes(content(file.read_bytes()))
    wrong = qwen3(folder)["speech weights"]
    assert wrong.state == "fail" and wrong.found.startswith(str(file)) and what in wrong.found and wrong.fix
    assert speech(folder, device="cpu")["speech weights"].state == "warn", "the draft voice serves"


def test_some_files_are_missing(folder: Path) -> None:
    (folder_of(folder / "models", BASE) / "merges.txt").unlink()
    some = speech(folder, device="cpu")["speech weights"]
    assert some.state == "warn" and "merges.txt is missing" in some.found and "models pull" in some.fix


def test_who_hears(folder: Path) -> None:
    lay_shell(folder / "models")
    assert qwen3(folder)["whisper"] == Finding("whisper", "ok", "small, on cpu")
    deaf = qwen3(folder, whisper="turbo")["whisper"]
    assert deaf.state == "warn" and "times of words are estimated" in deaf.found
    refused = qwen3(folder, whisper="turbo", verify=True)["speech engine"]
    assert (
        refused.state == "fail" and ": speech.verify is on, and Whisper's weights are not in" in refused.found
    )


def test_a_damaged_whisper_is_told_whichever_voice_speaks(folder: Path) -> None:
    small = lay_shell(folder / "models")
    small.write_bytes(small.read_bytes()[:-100])
    for found in (qwen3(folder), speech(folder, engine="espeak")):
        told = found["whisper"]
        assert told.state == "warn" and told.found.startswith(f"{small} is not a checkpoint")
        assert "ends too early" in told.found and "vigentd models pull" in told.fix


def test_a_missing_engine_is_not_the_fault_of_the_defaults(tmp_path: Path) -> None:
    config = Config.model_validate({"data_dir": tmp_path, "speech": {"engine": "qwen3", "device": "cpu"}})
    (told,) = doctor.defaults(config)
    assert told.state == "ok" and "the voice when its engine is there" in told.found


def test_which_attention_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = "flash_attn, where it works (host-speech.log says so); torch's own (SDPA) within CUDA graphs"
    for there, setting, precision, said in (
        (False, "auto", "auto", "torch's own (SDPA): flash_attn is not installed"),
        (True, "auto", "auto", tried),
        (True, "auto", "fp32", "torch's own (SDPA): flash_attn knows no fp32"),
        (True, "sdpa", "bf16", "torch's own (SDPA): as it is set"),
    ):
        monkeypatch.setattr("daemon.speech_checkup.find_spec", lambda _, there=there: there or None)
        assert attention(setting, precision) == Finding("speech attention", "ok", said)


def test_which_attention_was_measured_to_be_the_quicker_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.speech_checkup.find_spec", lambda _: True)
    monkeypatch.setattr("daemon.speech_checkup.version", {"torch": "2.11.0", "flash_attn": "2.8"}.get)
    config = Config(data_dir=tmp_path)
    kept = Decided(config.attention_measured)
    here = "An H100, torch 2.11.0+cu130, flash_attn 2.8, 1.7B-Base, torch.bfloat16"
    for where, what, said in (
        (here.replace("2.8", "2.7"), "sdpa", "flash_attn, where it works (host-speech.log says so)"),
        (here, "sdpa", "torch's own (SDPA): flash_attn was measured, and does not help here"),
        (here, "flash_attention_2", "flash_attn, measured to be the quicker one"),
    ):
        kept.put(where, what)
        found = attention("auto", "auto", measured_attention(config))
        assert found.state == "ok" and found.found.startswith(said)
    assert attention("sdpa", "auto", measured_attention(config)).found.endswith("as it is set")
