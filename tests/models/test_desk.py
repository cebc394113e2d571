"""Who speaks and who hears, side by side in one process: each is loaded when it is wanted, and not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from models.choose import SpeechDesk, resident
from models.engine import Sentence
from models.errors import StageFailed, Unavailable
from models.progress import Quiet
from models.whisper.engine import WhisperAligner
from pipeline import speech
from pipeline.hosted import Kept
from pipeline.job import Job
from pipeline.spec import JobSpec, Settings
from tests.models.qwen3.tiny import CUSTOM, lay_all
from tests.models.whisper.sounds import RATE, bursts
from tests.models.whisper.tiny import lay_openai

SAYS = "Hello there."


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of voices that make noise, and of a Whisper that hears SAYS in whatever it is."""
    folder = lay_all(tmp_path_factory.mktemp("weights"))
    lay_openai(folder, f" {SAYS}")
    return folder


def desk(weights: Path, **more: Any) -> SpeechDesk:
    how: dict[str, Any] = {
        "folder": str(weights),
        "model": CUSTOM,
        "device": "cpu",
        "precision": "auto",
        "attention": "auto",
    }
    how |= {"voices": str(weights / "voices"), "cache": None, "cache_bytes": 0, "tries": 10}
    hearing = {"folder": str(weights), "model": "tiny", "device": "cpu"}
    return SpeechDesk("qwen3", how | more, hearing, checked=True)


def test_nothing_is_loaded_before_it_is_wanted() -> None:
    """A recording needs no voice, and the draft voice nobody who hears."""
    nowhere = {"folder": "/nowhere", "model": "tiny", "device": "cpu"}
    kept = resident("speech", "espeak", hearing=nowhere)
    assert isinstance(kept, SpeechDesk) and (kept.name, kept.version) == ("espeak", kept.speech.version)
    hears = kept.aligner
    assert hears is not None and (hears.name, hears.version) == (WhisperAligner.name, WhisperAligner.version)
    with pytest.raises(Unavailable, match="Whisper's weights are not in /nowhere"):
        hears.warm_up()
    assert SpeechDesk("espeak").aligner is None


def test_what_is_spoken_is_listened_to(weights: Path) -> None:
    """`speech.verify`: the aligner of the desk hears each sentence that its engine makes."""
    speaking = desk(weights, max_error=0.0).speech
    said = speaking.speak([Sentence(SAYS, 0, "en", 0.0)], "default", "en", 1247, Quiet())
    assert np.abs(said.wav).max() > 0.01
    with pytest.raises(StageFailed, match="could not be spoken") as caught:
        other = "Nothing of that kind."
        speaking.speak([Sentence(other, 0, "en", 0.0)], "default", "en", 1247, Quiet())
    assert caught.value.code == "sentence_unspeakable"


def test_a_recording_that_is_done_is_found_though_nobody_can_hear(tmp_path: Path) -> None:
    """Whisper's file is damaged since; who would hear is known without it."""
    path = lay_openai(tmp_path)
    path.write_bytes(b"damaged")
    recording = tmp_path / "voice.wav"
    wavfile.write(recording, RATE, bursts((0.3, 3.7), length_s=4.0))
    hearing = {"folder": str(tmp_path), "model": "tiny", "device": "cpu"}
    spec = JobSpec(script="", clip=tmp_path / "clip.mp4", speech=recording)
    job = Job(spec, Settings(), Kept(SpeechDesk("espeak", hearing=hearing)))
    assert speech.inputs(job)["aligner"][0] == "whisper"
    with pytest.raises(Unavailable) as told:
        speech.make(job, tmp_path, Quiet())
    assert told.value.code == "weights_wrong"
