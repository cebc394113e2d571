"""The stage speech: artifact, clock, inputs, and recordings of every kind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from scipy.io import wavfile

from models import reading
from models.engine import Aligner, Audio, LipSyncEngine, Sentence, Speech, SpeechEngine
from models.errors import BadInput, Cancelled, StageFailed
from models.espeak import EspeakEngine
from models.progress import Progress, Quiet
from pipeline import speech
from pipeline.job import Job
from pipeline.spec import JobSpec, Settings
from pipeline.text import tokens
from tests.progress_kit import Steps

SCRIPT = "Hello everyone. 大家好，今天价格是$1,299.99。\n\nThis is the end!"
RATE = 16_000


@dataclass
class OnlySpeech:
    speech: SpeechEngine
    hears: bool

    @property
    def aligner(self) -> Aligner | None:
        assert self.hears, "espeak knows the times of its words: nobody is to be loaded for that"
        return None

    @property
    def lipsync(self) -> LipSyncEngine:
        raise AssertionError("the speech stage has no business with lips")


def a_job(settings: dict[str, Any] | None = None, engine: SpeechEngine | None = None, **spec: Any) -> Job:
    chosen: dict[str, Any] = {"script": SCRIPT, "clip": Path("/clip.mp4")} | spec
    return Job(
        JobSpec(**chosen),
        Settings.model_validate({"speech": settings or {}}),
        OnlySpeech(engine or EspeakEngine(), hears=engine is not None or "speech" in spec),
    )


def made(job: Job, folder: Path, progress: Progress | None = None) -> speech.Spoken:
    folder.mkdir(exist_ok=True)
    speech.make(job, folder, progress or Quiet())
    return speech.load(folder)


def bursts(*seconds: tuple[float, float], length_s: float, rate: int = RATE) -> Audio:
    """A tone where somebody would speak, over a little noise."""
    t = np.arange(int(length_s * rate)) / rate
    voice = np.zeros_like(t)
    for start, end in seconds:
        voice[(t >= start) & (t < end)] = 0.3
    noise = np.random.default_rng(1).normal(0, 1e-4, len(t))
    sound: Audio = (voice * np.sin(2 * np.pi * 200 * t) + noise).astype(np.float32)
    return sound


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    wavfile.write(path, RATE, bursts((0.5, 1.5), (2.5, 4.5), length_s=5.0))
    return path


def ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


# ---------------------------------------------------------------- synthesis


def test_artifact_has_every_word_on_the_videos_clock(tmp_path: Path) -> None:
    steps = Steps()
    spoken = made(a_job({"lead_s": 0.5, "tail_s": 0.7}), tmp_path / "s", steps)
    said = spoken.speech
    words = said.words or []
    assert [(w.begin, w.end) for w in words] == tokens(SCRIPT)
    assert 0.5 <= words[0].start_s < 0.55
    assert said.duration_s - 0.7 - 0.1 < words[-1].end_s <= said.duration_s - 0.7 + 1e-6
    assert not said.wav[: int(0.5 * said.rate)].any()
    assert not said.wav[-int(0.7 * said.rate) :].any()
    assert said.phonemes is not None
    assert said.phonemes[0].ipa == "" and said.phonemes[-1].end_s == pytest.approx(said.duration_s)
    assert all(a.end_s == pytest.approx(b.start_s, abs=1e-5) for a, b in pairwise(said.phonemes))
    assert [s.language for s in spoken.sentences] == ["en", "zh", "en"]
    assert (spoken.engine, spoken.voice, spoken.notes) == ("espeak", "default", [])
    assert steps.seen == [(1, 3), (2, 3), (3, 3)]


def test_wav_is_mono_float(tmp_path: Path) -> None:
    made(a_job(), tmp_path / "s")
    rate, wav = wavfile.read(tmp_path / "s" / "speech.wav")
    assert (rate, wav.dtype, wav.ndim) == (22050, np.float32, 1)
    assert 0.2 < np.abs(wav).max() < 0.9


def test_times_lie_on_the_sound(tmp_path: Path) -> None:
    said = made(a_job(), tmp_path / "s").speech
    for word in said.words or []:
        part = said.wav[int(word.start_s * said.rate) : int(word.end_s * said.rate)]
        assert np.sqrt(np.mean(part**2)) > 0.01, word


def test_artifact_is_the_same_every_time(tmp_path: Path) -> None:
    made(a_job(), tmp_path / "a")
    made(a_job(script="Something else."), tmp_path / "between")
    made(a_job(), tmp_path / "b")
    for name in ("speech.wav", "speech.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_json_can_be_read_by_people(tmp_path: Path) -> None:
    made(a_job(), tmp_path / "s")
    text = (tmp_path / "s" / "speech.json").read_text("utf-8")
    facts = json.loads(text)
    assert "".join(w["text"] for w in facts["words"][2:5]) == "大家好"
    assert "大家好" in text, "not escaped"
    assert len(text.splitlines()) > len(facts["words"]), "one word a line"


def test_marks_of_pauses_before_the_first_word_and_after_the_last(tmp_path: Path) -> None:
    plain = made(a_job(script="Hello there."), tmp_path / "a").speech
    paused = made(a_job(script="[pause 1.5s] Hello there. [pause 2s]"), tmp_path / "b").speech
    assert paused.words and plain.words
    assert paused.words[0].start_s == pytest.approx(plain.words[0].start_s + 1.5, abs=0.001)
    assert paused.duration_s == pytest.approx(plain.duration_s + 3.5, abs=0.01)
    assert paused.phonemes and paused.phonemes[0].end_s == pytest.approx(paused.words[0].start_s, abs=0.05)


def test_the_artifact_says_what_is_spoken(tmp_path: Path) -> None:
    assert made(a_job(), tmp_path / "s").script == SCRIPT


def test_cancel_between_sentences(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        made(a_job(), tmp_path / "s", Steps(cancel_after=2))
    assert not list((tmp_path / "s").iterdir())


def test_empty_script_without_recording(tmp_path: Path) -> None:
    for script in ("", " \n", "🎉 ---"):
        with pytest.raises(BadInput) as caught:
            made(a_job(script=script), tmp_path / "s")
        assert caught.value.code == "script_empty"


def test_engine_that_gives_silence(tmp_path: Path) -> None:
    class Mute:
        name = "mute"
        version = 1

        def warm_up(self) -> None:
            pass

        def voices(self) -> list[str]:
            return ["default"]

        def speak(
            self,
            sentences: Sequence[Sentence],
            voice: str,
            language: str,
            seed: int,
            progress: Progress,
            tone: str = "",
        ) -> Speech:
            return Speech(np.zeros(22050, np.float32), 22050, [], [])

        def decided_by(self, voice: str) -> dict[str, str]:
            return {}

        def remarks(self, sentences: Sequence[Sentence]) -> list[str]:
            return []

    with pytest.raises(StageFailed) as caught:
        made(a_job(engine=Mute()), tmp_path / "s")
    assert caught.value.code == "speech_silent"


def test_kanji_that_espeak_cannot_read_are_admitted(tmp_path: Path) -> None:
    spoken = made(a_job(script="今日は天気がいいですね。"), tmp_path / "s")
    assert spoken.language == "ja" and "kanji" in spoken.notes[0]


def test_a_pause_that_is_cut_short_is_told(tmp_path: Path) -> None:
    marks = "One. [pause 31s] Two. [停顿 2分钟] Three. [pause 30s]"
    spoken = made(a_job(script=marks), tmp_path / "s")
    assert spoken.notes == ["A pause is 30 seconds long at most: [pause 31s], [停顿 2分钟]"]
    assert made(a_job(script="One. [pause 1s] Two."), tmp_path / "t").notes == []


# ---------------------------------------------------------------- inputs


def test_inputs_name_all_that_decides(recording: Path) -> None:
    plain = speech.inputs(a_job())
    others = [
        a_job(script="Other."),
        a_job(voice="female"),
        a_job(tone="calm"),
        a_job(language="en"),
        a_job(seed=2),
        a_job({"lead_s": 1.0}),
        a_job({"tail_s": 1.0}),
        a_job(speech=recording),
    ]
    seen = [json.dumps(speech.inputs(job), sort_keys=True) for job in others]
    assert len({json.dumps(plain, sort_keys=True), *seen}) == len(others) + 1
    assert plain == speech.inputs(a_job(title="A title", music="calm")), "nothing that does not"
    assert plain["engine"] == "espeak" and plain["engine_version"] == EspeakEngine.version


def test_inputs_follow_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that are read otherwise are spoken anew."""
    before = speech.inputs(a_job())
    monkeypatch.setattr(reading, "VERSION", reading.VERSION + 1)
    assert speech.inputs(a_job()) != before


def test_inputs_of_a_recording_follow_its_content(recording: Path) -> None:
    before = speech.inputs(a_job(speech=recording))
    assert before == speech.inputs(a_job(speech=recording, voice="female", seed=9)), "no voice is used"
    recording.write_bytes(recording.read_bytes() + b"\0")
    assert speech.inputs(a_job(speech=recording)) != before


# ---------------------------------------------------------------- recordings


def test_recording_with_script(tmp_path: Path, recording: Path) -> None:
    spoken = made(a_job({"lead_s": 0.3, "tail_s": 0.2}, speech=recording), tmp_path / "s")
    said, words = spoken.speech, spoken.speech.words or []
    assert (spoken.engine, said.rate, said.phonemes) == ("recording", RATE, None)
    assert said.duration_s == pytest.approx(5.5, abs=0.001)
    assert [(w.begin, w.end) for w in words] == tokens(SCRIPT)
    assert words[0].start_s == pytest.approx(0.8, abs=0.05)
    assert words[-1].end_s == pytest.approx(4.8, abs=0.05)
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in pairwise(words))
    assert all(w.start_s < w.end_s for w in words)
    assert not any(w.start_s < 2.7 and w.end_s > 1.9 for w in words), "no word lies in the pause"
    assert "estimated" in spoken.notes[0]
    loud = said.wav[int(1.0 * RATE) : int(1.6 * RATE)]
    assert 20 * np.log10(np.sqrt(np.mean(loud**2))) == pytest.approx(-20, abs=1)


def test_recording_without_script_has_no_subtitles(tmp_path: Path, recording: Path) -> None:
    spoken = made(a_job(script="", speech=recording), tmp_path / "s")
    assert spoken.speech.words == [] and spoken.sentences == []
    assert "no subtitles" in spoken.notes[0]


def test_recording_is_deterministic(tmp_path: Path, recording: Path) -> None:
    made(a_job(speech=recording), tmp_path / "a")
    made(a_job(speech=recording), tmp_path / "b")
    for name in ("speech.wav", "speech.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("name", ["v.mp3", "v.m4a", "v.ogg", "v.flac", "v.mp4"])
def test_recording_of_any_kind(tmp_path: Path, recording: Path, name: str) -> None:
    path = tmp_path / name
    picture = ["-f", "lavfi", "-i", "color=size=64x64:duration=5"] if name.endswith("mp4") else []
    ffmpeg(*picture, "-i", str(recording), str(path))
    said = made(a_job({"lead_s": 0, "tail_s": 0}, speech=path), tmp_path / "s").speech
    assert said.duration_s == pytest.approx(5.0, abs=0.1)
    assert (said.words or [])[0].start_s == pytest.approx(0.5, abs=0.1)


def test_stereo_at_96_khz_becomes_mono_at_48(tmp_path: Path) -> None:
    one = bursts((0.2, 0.8), length_s=1.0, rate=96_000)
    path = tmp_path / "high.wav"
    wavfile.write(path, 96_000, np.stack([one, one * 0.5], axis=1))
    said = made(a_job({"lead_s": 0, "tail_s": 0}, speech=path), tmp_path / "s").speech
    assert said.rate == 48_000 and said.wav.ndim == 1
    assert said.duration_s == pytest.approx(1.0, abs=0.01)


def refusal(job: Job, folder: Path) -> BadInput:
    with pytest.raises(BadInput) as caught:
        speech.inputs(job)
        made(job, folder)
    assert caught.value.message and caught.value.hint
    assert str(folder.parent) not in caught.value.message
    return caught.value


def test_recordings_that_cannot_be_used(tmp_path: Path, recording: Path) -> None:
    def written(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    silent = tmp_path / "silent.wav"
    wavfile.write(silent, RATE, np.zeros(RATE, np.float32))
    hum = tmp_path / "hum.wav"
    wavfile.write(hum, RATE, np.full(RATE, 1e-5, np.float32))
    none = tmp_path / "none.wav"
    wavfile.write(none, RATE, np.zeros(0, np.float32))
    mute = tmp_path / "mute.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:duration=1", "-pix_fmt", "yuv420p", str(mute))
    whole = tmp_path / "whole.m4a"
    ffmpeg("-i", str(recording), str(whole))
    cases = {
        "speech_unreadable": [
            tmp_path / "missing.wav",
            tmp_path,
            written("text.wav", b"this is not sound at all\n" * 50),
            written("cut.m4a", whole.read_bytes()[:2000]),
        ],
        "speech_empty": [written("zero.wav", b""), none],
        "speech_silent": [silent, hum],
        "speech_no_audio": [mute],
    }
    for code, paths in cases.items():
        for path in paths:
            assert refusal(a_job(speech=path), tmp_path / "s").code == code, path.name


def test_recording_longer_than_a_clip_may_be(tmp_path: Path, recording: Path) -> None:
    job = a_job(speech=recording)
    job.settings = Settings.model_validate({"limits": {"clip_minutes": 0.05}})
    assert refusal(job, tmp_path / "s").code == "speech_too_long"


def test_real_speech(tmp_path: Path, media: Path) -> None:
    said = made(a_job(speech=media / "speech_en_9s6.wav"), tmp_path / "s").speech
    assert said.duration_s == pytest.approx(9.6 + 0.8, abs=0.01)
    assert len(said.words or []) == len(tokens(SCRIPT))


# ---------------------------------------------------------------- the voice that was meant


class Knowing(EspeakEngine):
    """Knows saved voices by their ids, as Qwen3-TTS does; and by name somebody else's."""

    def __init__(self, *ids: str) -> None:
        super().__init__()
        self.ids, self.asked = ids, list[str]()

    def decided_by(self, voice: str) -> dict[str, str]:
        self.asked.append(voice)
        if voice in (*self.ids, "Anna"):
            return {"voice": voice}
        raise BadInput(f"There is no voice named “{voice}”", code="voice_unknown")

    def speak(self, sentences: Sequence[Sentence], voice: str, *more: Any, **named: Any) -> Speech:
        self.decided_by(voice)
        return super().speak(sentences, "default", *more, **named)


def test_a_saved_voice_is_asked_for_by_its_id(tmp_path: Path) -> None:
    """Its name may be another one's by now, even that of other people."""
    engine = Knowing("_first")
    job = a_job(engine=engine, voice="Anna", voice_id="_first")
    speech.inputs(job)
    assert made(job, tmp_path / "speech").voice == "Anna"
    assert set(engine.asked) == {"_first"}
    gone = a_job(engine=Knowing("_second"), voice="Anna", voice_id="_first")
    for ask in (lambda: speech.inputs(gone), lambda: made(gone, tmp_path / "gone")):
        with pytest.raises(BadInput, match="The voice “Anna” that this job was submitted with") as caught:
            ask()
        assert caught.value.code == "voice_gone" and caught.value.hint
