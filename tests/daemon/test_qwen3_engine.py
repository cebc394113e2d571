"""Qwen3-TTS and Whisper in the house: from the configuration through their host to the finished video, and
what is said of them. The whole engines, on a CPU, with the weights of tiny networks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.engines.local import LocalEngines
from daemon.jobs import JobRow, State
from models.errors import Unavailable
from models.espeak import EspeakEngine
from models.launch import OFFLINE
from models.notes import notes_to
from models.progress import Quiet
from models.qwen3.checkpoint import folder_of
from models.voices import Voices
from pipeline.progress import JobProgress, Snapshot
from pipeline.spec import JobSpec
from pipeline.stages import STAGES
from pipeline.text import split_sentences
from pipeline.workspace import Workspace
from tests.daemon.daemon_kit import SHORT, Daemon, Desk, gone
from tests.face_kit import portrait
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN, lay_all
from tests.models.whisper.tiny import lay_openai

SETTINGS = {
    "VIGENTD_SPEECH__ENGINE": "qwen3",
    "VIGENTD_SPEECH__DEVICE": "cpu",
    "VIGENTD_SPEECH__TRIES": "10",  # noise seldom ends when speech would
    "VIGENTD_LIPSYNC__ENGINE": "mouthwarp",
}
SAID = "Good morning, this is what I sound like when I read the news."


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, album: Path) -> Iterator[Daemon]:
    """Base speaks, with anna's voice, and Whisper hears."""
    desk = Desk(tmp_path_factory.mktemp("desk"), portrait(album, (180, 320), 1), dict(SETTINGS))
    lay_anna(desk)
    with desk.daemon() as daemon:
        yield daemon


def lay_anna(desk: Desk) -> None:
    """Tiny models, which speak and hear, and her voice."""
    lay_all(desk.config.weights)
    lay_openai(desk.config.weights)
    voice = EspeakEngine().speak(split_sentences(SAID, "en"), "default", "en", 1, Quiet())
    Voices(desk.config.voices).save_recording("anna", voice.wav, voice.rate, text=SAID, language="en")
    configuration(desk, BASE, "tiny")


def configuration(desk: Desk, model: str, whisper: str) -> None:
    text = f'[speech]\nmodel = "{model}"\n[whisper]\nmodel = "{whisper}"\n'
    (desk.folder / "vigentd.toml").write_text(text)


def made(daemon: Daemon, job_id: str) -> tuple[JobRow, dict[str, Any]]:
    """The finished job, and what its speech says of itself."""
    row = daemon.until_finished(job_id)
    assert row.state == State.DONE, row.error
    assert row.engines == {"speech": "qwen3", "lipsync": "mouthwarp"}
    (report,) = daemon.desk.config.job_dir(job_id).glob("work/speech-*/speech.json")
    return row, json.loads(report.read_text("utf-8"))


def test_a_saved_voice_speaks_and_its_words_are_found(daemon: Daemon) -> None:
    """And the logs tell how long it took to load, what it holds, and how fast it spoke."""
    row, speech = made(daemon, daemon.desk.submit(voice="anna"))
    assert any("many seconds" in note for note in row.notes), "it is slow here, and that is said"
    assert not any("Whisper's weights" in note for note in row.notes)
    assert (speech["engine"], speech["voice"]) == ("qwen3", "anna")
    assert [word["text"] for word in speech["words"]] == ["Good", "morning"]
    host = daemon.host("speech")
    assert (host["engine"], host["device"], host["starts"]) == ("qwen3/2", "cpu", 1)
    (ready,) = re.findall(r" host_ready host=speech .*=qwen3/2 seconds=(\S+) rss=(\d+)", daemon.desk.said())
    assert float(ready[0]) > 0 and int(ready[1]) > 100_000_000
    log = daemon.desk.config.job_log(row.id).read_text("utf-8")
    assert re.search(r" stage name=speech .*spoken_s=\S+ spoken_s_per_s=\S+$", log, re.M)


def test_the_next_job_waits_for_no_load_and_no_sentence_twice(daemon: Daemon) -> None:
    pid = daemon.host("speech")["pid"]
    _, speech = made(daemon, daemon.desk.submit(f"{SHORT} See you.", voice="anna"))
    assert len(speech["sentences"]) == 2
    assert daemon.host("speech")["pid"] == pid
    log = (daemon.desk.config.logs / "host-speech.log").read_text("utf-8")
    assert log.count("loaded Qwen3-TTS") == 1
    assert len(list((daemon.desk.config.cache / "sentences").rglob("*.*"))) == 2, "the first was kept"


def test_a_recording_is_heard_by_the_same_host(daemon: Daemon) -> None:
    from scipy.io import wavfile

    desk = daemon.desk
    voice = EspeakEngine().speak(split_sentences("Hello there.", "en"), "default", "en", 1, Quiet())
    recording = desk.folder / "said.wav"
    wavfile.write(recording, voice.rate, voice.wav)
    job_id = desk.submit("", speech=recording)
    row = daemon.until_finished(job_id)
    assert row.state == State.DONE, row.error
    assert row.engines["speech"] == "recording"
    assert any("what Whisper heard" in note for note in row.notes), row.notes
    assert not any("many seconds" in note for note in row.notes), "nobody spoke"


def test_the_door_and_the_command_line_know_it_too(daemon: Daemon) -> None:
    """The door sees no GPU and no engine, and refuses what this checkpoint cannot do."""
    desk = daemon.desk
    script = desk.folder / "hello.txt"
    script.write_text(SHORT)
    said = desk.vigentd("submit", "--script", script, "--clip", desk.clip, "--tone", "warm")
    assert said.returncode == 2 and "cannot be told the tone" in said.stderr and "CustomVoice" in said.stderr
    assert "qwen3/2" in desk.vigentd("status").stdout
    found = {one["name"]: one for one in json.loads(desk.vigentd("doctor", "--json").stdout)}
    assert found["speech weights"]["state"] == found["whisper"]["state"] == "ok"
    assert found["speech voices"]["found"] == "1 for 1.7B-Base: anna"


def test_cancelled_in_mid_sentence_it_stops_and_stays(daemon: Daemon) -> None:
    pid = daemon.host("speech")["pid"]
    script = " ".join(f"We look at what changed in {year}." for year in range(1700, 2000))
    job_id = daemon.desk.submit(script, voice="anna")
    daemon.until(lambda event: daemon.host("speech")["stage"] == "speech")
    assert daemon.cancel(job_id).state == State.CANCELLED
    assert gone(lambda: daemon.host("speech")["state"] != "idle", 60)
    assert daemon.host("speech")["pid"] == pid


@pytest.mark.slow
def test_another_checkpoint_replaces_the_speech_host_alone(daemon: Daemon) -> None:
    """A speaker of its own, told how; without its Whisper, the times are estimated, and that is said."""
    others = {name: daemon.host(name)["starts"] for name in ("lipsync", "media")}
    configuration(daemon.desk, CUSTOM, "base")
    daemon.reload()
    row, speech = made(daemon, daemon.desk.submit(voice="vivian", tone="warm and calm"))
    assert speech["voice"] == "vivian" and daemon.host("speech")["starts"] == 2
    assert any("Whisper's weights are not in" in note for note in row.notes)
    assert {name: daemon.host(name)["starts"] for name in others} == others


@pytest.mark.slow
def test_a_described_voice_speaks(daemon: Daemon) -> None:
    Voices(daemon.desk.config.voices).save_description("old sailor", "An old man with a rough, low voice.")
    configuration(daemon.desk, DESIGN, "tiny")
    daemon.reload()
    _, speech = made(daemon, daemon.desk.submit(voice="old sailor", tone="slowly"))
    assert speech["voice"] == "old sailor"


def test_without_a_daemon_it_is_the_same_engine_or_the_same_word_about_it(daemon: Daemon) -> None:
    settings = {"engine": "qwen3", "device": "cpu", "model": DESIGN}
    config = Config.model_validate({"data_dir": daemon.desk.config.data_dir, "speech": settings})
    spec = JobSpec(clip=daemon.desk.clip, script=SHORT)
    assert LocalEngines(config).names(spec)["speech"] == "qwen3"
    (folder_of(config.weights, DESIGN) / "model.safetensors").unlink()
    with pytest.raises(Unavailable, match=r"not complete: model.safetensors is missing") as caught:
        LocalEngines(config)
    assert caught.value.code == "engine_missing"
    assert "`vigentd models pull Qwen3-TTS-12Hz-1.7B-VoiceDesign`" in caught.value.hint


def test_without_a_daemon_the_person_sees_what_is_loaded(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They saw "speech: 1%" for minutes, and then hours that were left."""
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # is set now, and taken back afterwards
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", *OFFLINE):
        monkeypatch.setenv(name, "")  # the same
    speech = {"engine": "qwen3", "device": "cpu", "model": CUSTOM, "tries": 10}
    config = Config.model_validate(
        {
            "data_dir": tmp_path,
            "models": {"folder": daemon.desk.config.weights},
            "speech": speech,
            "whisper": {"model": "tiny"},
        }
    )
    told: list[Snapshot] = []
    engines = LocalEngines(config)
    job = engines.job("abcdefgh", JobSpec(clip=daemon.desk.clip, script=SHORT), config.settings)
    job.progress = progress = JobProgress({"speech": 1.0}, told.append, expected=True)
    log, workspace = tmp_path / "engines.log", Workspace(tmp_path / "work")
    with notes_to(log):
        progress.enter("speech")
        assert not engines.make(STAGES[1], job, workspace).reused
    loads = [at.loading for at in told]
    assert loads.index("Qwen3-TTS") < loads.index("Whisper")
    assert all((at.eta_s is None) == bool(at.loading) for at in told)
    for said in ("loaded Qwen3-TTS", "warm after", "1 sentence: 0 kept, 1 spoken in"):
        assert said in log.read_text("utf-8")


def test_nothing_is_downloaded_by_surprise(daemon: Daemon) -> None:
    environment = Path(f"/proc/{daemon.host('speech')['pid']}/environ").read_bytes().split(b"\0")
    assert {f"{name}={value}".encode() for name, value in OFFLINE.items()} <= set(environment)
