"""What the network hears, against numbers of the original, and without its seam every 30 s."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from models.engine import Audio
from models.errors import BadInput
from models.latentsync.audio import FADE, RATE, WINDOW, features, resample
from models.latentsync.heard import ROWS, Rows, windows_at
from models.latentsync.stock import ModelDimensions, Whisper
from models.latentsync.weights import random_whisper
from tests.models.latentsync.golden import GOLDEN, TOLERANCE, apart, needs_golden
from tests.models.latentsync.tiny import DIMS

SECOND = ROWS


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    return random_whisper("cpu", dims=DIMS)


@pytest.fixture(scope="module")
def speech(media: Path) -> Audio:
    with wave.open(str(media / "speech_en_9s6.wav")) as file:
        assert file.getframerate() == RATE
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def steps(rows: Rows) -> npt.NDArray[np.float32]:
    """How much each row differs from the one before."""
    change: npt.NDArray[np.float32] = np.linalg.norm(np.diff(rows, axis=0), axis=(1, 2))
    return change


@needs_golden
@pytest.mark.parametrize("windows", ["reference", "overlapped"])
def test_features_are_the_originals(windows: str) -> None:
    recorded = np.load(GOLDEN / "whisper_features_golden.npz")
    model = Whisper(ModelDimensions(**json.loads(str(recorded["dims"])))).eval()
    weights = [name for name in recorded.files if name.startswith("weights.")]
    model.load_state_dict({name[8:]: torch.from_numpy(recorded[name]) for name in weights})
    heard = features(model, recorded["audio"], windows)
    assert heard.dtype == np.float32
    assert apart(heard, recorded["features"]) < TOLERANCE
    at_25 = windows_at(heard, np.arange(len(recorded["chunks"])) / 25)  # two more than the audio has
    assert apart(at_25, recorded["chunks"]) < TOLERANCE


def test_windows_at_the_times_of_other_rates() -> None:
    rows = np.arange(100, dtype=np.float32).reshape(100, 1, 1)
    heard = windows_at(rows, np.array([0, 1.0, 1.013, 1.94, 7.0]))[..., 0]
    assert heard[0].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 4, 5]
    assert heard[1].tolist() == list(range(46, 56))
    assert heard[2].tolist() == list(range(47, 57))  # 50.65 is nearer to 51
    assert heard[3].tolist() == [93, 94, 95, 96, 97, 98, 99, 99, 99, 99]
    assert heard[4].tolist() == [99] * 10
    thirty = windows_at(rows, np.arange(50) / 30)[:, 4, 0]
    assert (np.abs(thirty / ROWS - np.arange(50) / 30) <= 0.5 / ROWS + 1e-6).all()


def test_up_to_thirty_seconds_both_ways_are_the_same(whisper: Whisper, speech: Audio) -> None:
    thirty = np.tile(speech, 4)[: 30 * RATE]
    assert np.array_equal(features(whisper, thirty, "overlapped"), features(whisper, thirty, "reference"))


def test_overlapped_is_the_reference_but_around_its_cuts(whisper: Whisper, speech: Audio) -> None:
    audio = np.tile(speech, 9)[: 76 * RATE + 123]
    reference, ours = features(whisper, audio, "reference"), features(whisper, audio)
    assert len(ours) == len(reference) == 76 * SECOND
    fade = FADE // 2
    same = [(0, 22.5), (37.5, 52.5), (67.5, 76)]  # half a window, in the middle of each of the original's
    for begin, end in same:
        part = slice(int(begin * SECOND) + fade, int(end * SECOND) - fade)
        assert np.array_equal(ours[part], reference[part])
    cut = slice(30 * SECOND - 4, 30 * SECOND + 4)
    assert np.abs(ours[cut] - reference[cut]).max() > 0.1


def test_no_jump_where_the_original_cuts(whisper: Whisper, speech: Audio) -> None:
    audio = np.tile(speech, 9)[: 76 * RATE]
    reference, ours = steps(features(whisper, audio, "reference")), steps(features(whisper, audio))
    usual = float(np.median(reference))
    for cut in (30, 60):
        assert reference[cut * SECOND - 1] > 3 * usual
    assert ours.max() < 1.3 * usual  # neither there nor in a fade
    assert np.delete(reference, [30 * SECOND - 1, 60 * SECOND - 1]).max() > 0.95 * ours.max()


@pytest.mark.parametrize("seconds", [30.0, 30.02, 44.98, 45.0, 45.04, 60.02])
def test_every_row_is_there_once(whisper: Whisper, seconds: float) -> None:
    noise = np.random.default_rng(1).standard_normal(round(seconds * RATE)).astype(np.float32) * 0.1
    heard = features(whisper, noise)
    assert heard.shape == (round(seconds * ROWS), DIMS.n_audio_layer + 1, DIMS.n_audio_state)
    assert np.isfinite(heard).all()
    assert steps(heard).max() < 3 * np.median(steps(heard))  # no row was left as it was allocated


@pytest.mark.parametrize("samples", [0, 1, 200, 700])
def test_hardly_any_audio(whisper: Whisper, samples: int) -> None:
    heard = features(whisper, np.zeros(samples, np.float32))
    assert len(heard) == 2
    assert np.isfinite(windows_at(heard, np.array([0.0, 0.04]))).all()


def test_other_windows_are_refused(whisper: Whisper) -> None:
    with pytest.raises(BadInput, match='"overlapped" or "reference", not "hard"'):
        features(whisper, np.zeros(RATE, np.float32), "hard")


def test_nothing_is_left_on_the_model(whisper: Whisper) -> None:
    features(whisper, np.zeros(RATE, np.float32))
    for module in whisper.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


@pytest.mark.parametrize("rate", [8_000, 22_050, 24_000, 44_100, 48_000])
def test_resampled_keeps_time_and_tone(rate: int) -> None:
    seconds = np.arange(2 * rate) / rate
    made = resample(np.sin(2 * np.pi * 440 * seconds).astype(np.float32), rate)
    assert made.dtype == np.float32
    assert len(made) == 2 * RATE
    wanted = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    middle = slice(RATE // 4, -RATE // 4)
    assert np.abs(made - wanted)[middle].max() < 0.01


def test_resampled_takes_off_what_would_fold_back() -> None:
    high = np.sin(2 * np.pi * 11_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(resample(high, 48_000)[RATE // 4 : -RATE // 4]).max() < 0.01


def test_at_the_right_rate_nothing_is_done() -> None:
    wav = np.ones(10, np.float32)
    assert resample(wav, RATE) is wav
    assert WINDOW == 1500
