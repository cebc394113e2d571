"""Who is to speak, and how: what the checkpoint cannot do is refused at every door, in plain words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import catalogue
from daemon.admission import Request, admit, admit_wish
from daemon.config import Config, JobDefaults
from daemon.said import Said
from models.errors import BadInput, Unavailable
from models.progress import Quiet
from models.qwen3.checkpoint import folder_of
from models.voices import OWNER, SavedVoice, Voices
from pipeline.spec import JobSpec
from tests.media_kit import pattern
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN, lay_all
from tests.models.whisper.shell import lay_shell

GERMAN = "Guten Morgen, wir haben heute nicht viel Zeit, und das ist auch gut so."


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_all(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pattern(tmp_path_factory.mktemp("clip") / "clip.mp4", size="240x426", seconds=1)


@pytest.fixture
def house(tmp_path: Path, weights: Path) -> Config:
    """Base speaks, and nobody's voice is saved."""
    return configured(tmp_path, weights, BASE)


def configured(folder: Path, weights: Path, model: str, **more: Any) -> Config:
    speech = {"engine": "qwen3", "device": "cpu", "model": model}
    settings = {"data_dir": folder / "data", "models": {"folder": weights}, "speech": speech}
    return Config.model_validate(settings | {"lipsync": {"engine": "mouthwarp"}} | more)


def with_model(config: Config, model: str) -> Config:
    return config.model_copy(update={"speech": config.speech.model_copy(update={"model": model})})


def save_anna(config: Config) -> None:
    saved(config, "anna")


def saved(config: Config, name: str, chat_id: int | None = None) -> SavedVoice:
    wav = (0.2 * np.sin(2 * np.pi * 150 * np.arange(3 * 24_000) / 24_000)).astype(np.float32)
    return Voices(config.voices).save_recording(name, wav, 24_000, text="Good morning.", chat_id=chat_id)


def taken(config: Config, clip: Path, script: str = "Good morning.", **options: Any) -> JobSpec:
    return admit(Request(clip, script=script.encode(), options=options), config)


def refused(config: Config, clip: Path, script: str = "Good morning.", **options: Any) -> BadInput:
    with pytest.raises(BadInput) as caught:
        taken(config, clip, script, **options)
    assert caught.value.hint
    return caught.value


def test_base_speaks_with_saved_voices_only(house: Config, clip: Path) -> None:
    missing = refused(house, clip)
    assert missing.code == "voice_missing" and "vigentd voices add" in missing.hint
    save_anna(house)
    assert taken(house, clip).voice == "default"
    assert taken(house, clip, voice="anna").voice == "anna"
    unknown = refused(house, clip, voice="annna")
    assert unknown.code == "voice_unknown" and "Did you mean anna?" in unknown.hint
    assert [voice["name"] for voice in catalogue.voices(house.settings)] == ["anna"]


def test_each_checkpoint_has_its_kind_of_voice(house: Config, clip: Path) -> None:
    """What it needs and what is set are both named."""
    save_anna(house)
    custom = with_model(house, CUSTOM)
    assert taken(custom, clip, voice="vivian", tone="warm").tone == "warm"
    wrong = refused(custom, clip, voice="anna")
    assert wrong.code == "voice_wrong_kind" and "1.7B-Base" in wrong.hint and CUSTOM in wrong.message
    assert refused(house, clip, voice="vivian").code == "voice_wrong_kind"
    design = with_model(house, DESIGN)
    assert taken(design, clip, tone="slowly").voice == "default"
    assert refused(design, clip, voice="anna").code == "voice_wrong_kind"


def test_a_tone_that_nobody_hears_is_refused_at_every_door(house: Config, clip: Path) -> None:
    save_anna(house)
    by_option = refused(house, clip, tone="warm")
    assert by_option.code == "tone_unfit" and "CustomVoice" in by_option.hint
    by_head = refused(house, clip, "---\ntone: warm\n---\nGood morning.")
    by_row = Request(clip, b"Good morning.", options=Said({"tone": "warm"}, "row 3 of batch.csv"))
    by_preset = Request(clip, b"Good morning.", preset=(Said({"tone": "warm"}, "monday.toml"),))
    for request in (by_row, by_preset):
        with pytest.raises(BadInput) as caught:
            admit(request, house)
        assert (caught.value.code, caught.value.message) == (by_head.code, by_head.message)
    wish = {"clip": str(clip), "script": "Good morning.", "tone": "warm"}
    with pytest.raises(BadInput) as caught:
        admit_wish(None, {"wish": wish, "config": house.model_dump(mode="json")}, Quiet())
    assert caught.value.code == "tone_unfit"
    default = house.model_copy(update={"defaults": JobDefaults(tone="warm")})
    assert refused(default, clip).code == "tone_unfit"


def test_the_draft_voice_takes_any_tone(tmp_path: Path, clip: Path) -> None:
    """It is there so that all can be tried; that the tone is not heard stands in the job's notes."""
    settings: dict[str, Any] = {"data_dir": tmp_path / "data", "speech": {"engine": "espeak"}}
    assert taken(Config.model_validate(settings), clip, tone="warm").tone == "warm"


def test_a_recording_needs_no_voice(house: Config, clip: Path, tmp_path: Path) -> None:
    from scipy.io import wavfile

    recording = tmp_path / "said.wav"
    wavfile.write(recording, 16_000, np.full(16_000, 9000, np.int16))
    asked = Request(clip, speech=recording, options={"voice": "nobody", "tone": "warm"})
    assert admit(asked, house).speech == recording


def test_a_recording_alone_needs_a_whisper_that_is_whole(tmp_path: Path, clip: Path) -> None:
    """Where none is there, it is without subtitles; but who has one counts on it."""
    from scipy.io import wavfile

    house = configured(tmp_path, tmp_path / "weights", BASE, speech={"engine": "espeak"})
    recording, small = tmp_path / "said.wav", lay_shell(tmp_path / "weights")
    wavfile.write(recording, 16_000, np.full(16_000, 9000, np.int16))
    admit(Request(clip, speech=recording), house)
    small.write_bytes(small.read_bytes()[:-100])
    with pytest.raises(Unavailable, match="ends too early") as caught:
        admit(Request(clip, speech=recording), house)
    assert "models pull" in caught.value.hint and "--script" in caught.value.hint
    admit(Request(clip, b"Good morning.", speech=recording), house)


def test_a_silent_recording_is_refused(house: Config, clip: Path, tmp_path: Path) -> None:
    from scipy.io import wavfile

    recording = tmp_path / "silent.wav"
    for sound, code in ((np.zeros(160_000, np.int16), "speech_silent"), (np.zeros(0), "speech_empty")):
        wavfile.write(recording, 16_000, sound)
        with pytest.raises(BadInput) as caught:
            admit(Request(clip, speech=recording), house)
        assert caught.value.code == code and caught.value.hint
    wavfile.write(recording, 16_000, np.repeat([0, 9000], 80_000).astype(np.int16))
    assert admit(Request(clip, speech=recording), house).speech == recording


def test_the_language_of_the_script_is_asked_for(tmp_path: Path, clip: Path) -> None:
    """It is found out at the door, as the stage will."""
    lay_all(tmp_path / "weights")
    file = folder_of(tmp_path / "weights", CUSTOM) / "config.json"
    config = json.loads(file.read_text("utf-8"))
    del config["talker_config"]["codec_language_id"]["german"]
    file.write_text(json.dumps(config), "utf-8")
    house = configured(tmp_path, tmp_path / "weights", CUSTOM)
    assert refused(house, clip, GERMAN).code == "language_unknown"
    assert refused(house, clip, language="de").code == "language_unknown"
    assert taken(house, clip).language == "auto"


def test_weights_that_are_broken_are_told_before_a_job_waits_for_them(tmp_path: Path, clip: Path) -> None:
    lay_all(tmp_path / "weights")
    file = folder_of(tmp_path / "weights", CUSTOM) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(Unavailable, match="is not whole") as caught:
        taken(configured(tmp_path, tmp_path / "weights", CUSTOM), clip)
    assert caught.value.code == "weights_wrong"


# ---------------------------------------------------------------- whose voice it is


def test_the_voice_of_a_chat_is_for_that_chat_and_for_the_owner(house: Config, clip: Path) -> None:
    save_anna(house)
    private = saved(house, "Carl", chat_id=7)
    asked = Request(clip, b"Good morning.", options=Said({"voice": "carl"}, "row 1"))
    for by in (OWNER, 7):
        assert admit(replace(asked, by=by), house).voice_id == private.id
    by_preset = Said({"voice": "Carl"}, "the preset", by_owner=True)
    by_its_id = Said({"voice": private.id}, "row 1")
    for other in (
        asked,  # as the inbox does, which may be shared
        replace(asked, by=8),
        replace(asked, options=None, preset=(by_preset,)),
        replace(asked, options=by_its_id),
    ):
        with pytest.raises(BadInput) as caught:
            admit(other, house)
        assert caught.value.code == "voice_unknown" and "Carl" not in caught.value.hint
    wish = {"clip": str(clip), "script": "Good morning.", "voice": "Carl"}
    told = admit_wish(None, {"wish": wish, "config": house.model_dump(mode="json")}, Quiet())
    assert told["voice_id"] == private.id


def test_a_job_keeps_which_voice_it_is(house: Config, clip: Path) -> None:
    """Not of the default, which is whatever is the default when its turn comes. Nobody can say it."""
    save_anna(house)
    anna = Voices(house.voices).find("anna")
    assert anna is not None
    assert taken(house, clip, voice="ANNA").voice_id == anna.id
    assert taken(house, clip).voice_id == taken(house, clip, voice_id="_other").voice_id == ""
    assert taken(with_model(house, CUSTOM), clip, voice="ryan").voice_id == ""
    wish = {"clip": str(clip), "script": "Good morning.", "voice_id": anna.id}
    with pytest.raises(BadInput, match="voice_id is not something that a job has") as caught:
        admit_wish(None, {"wish": wish, "config": house.model_dump(mode="json")}, Quiet())
    assert "voice_id" not in caught.value.hint
    with pytest.raises(BadInput, match=r"voice_id in .* is not an option"):
        taken(house, clip, f"---\nvoice: anna\nvoice_id: {anna.id}\n---\nGood morning.")


def test_why_a_saved_voice_cannot_be_used_is_told(tmp_path: Path, clip: Path) -> None:
    config = Config.model_validate({"data_dir": tmp_path / "data", "speech": {"engine": "espeak"}})
    save_anna(config)
    wrong = refused(config, clip, voice="Anna")
    assert wrong.code == "voice_wrong_kind" and "espeak has only voices of its own" in wrong.message
    saved(config, "Carl", chat_id=7)
    assert refused(config, clip, voice="Carl").code == "voice_unknown"


def test_a_damaged_recording_is_refused_at_once(house: Config, clip: Path) -> None:
    anna = saved(house, "anna")
    assert anna.wav is not None
    anna.wav.write_bytes(anna.wav.read_bytes()[:-10])
    assert refused(house, clip, voice="anna").code == "voice_unreadable"


def test_a_choice_is_looked_at_by_itself(house: Config) -> None:
    """As doctor and the chat do: what is wrong with the voice is not said of the tone, too."""
    spec = JobSpec(clip=Path("/a.mp4"), voice="nobody", tone="warm")
    custom = catalogue.checks(spec, with_model(house, CUSTOM).settings)
    custom["tone"]()
    with pytest.raises(BadInput, match="nobody"):
        custom["voice"]()
    with pytest.raises(BadInput, match="cannot be told the tone"):
        catalogue.checks(spec, house.settings)["tone"]()
