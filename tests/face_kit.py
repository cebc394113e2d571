"""Faces for tests: the demo's portrait, moved, and speech that the draft engine speaks."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from daemon import demo
from models.engine import Clip, Speech
from models.espeak import EspeakEngine
from models.progress import Quiet
from models.track import Track, track_clip
from pipeline.media import open_clip
from pipeline.probe import inspect
from pipeline.spec import Settings
from pipeline.text import split_sentences

ENGLISH = "Good morning. Here is the news about artificial intelligence. Nobody has to watch it."
CHINESE = "大家好，欢迎收看今天的新闻。明天见。"


@functools.cache
def speech(text: str = ENGLISH, language: str = "en") -> Speech:
    return EspeakEngine().speak(split_sentences(text, language), "default", language, 1, Quiet())


def portrait(album: Path, size: tuple[int, int] = (360, 640), seconds: float = 4) -> Path:
    """The moving portrait; made once for each size and length, and kept in the album (a fixture)."""
    return demo.clip(album, size, seconds)


def clip_of(path: Path, wanted: int | None = None) -> Clip:
    facts = inspect(path, Settings())
    return open_clip(facts, wanted or facts.pictures)


def measured_gap(path: Path, scratch: Path) -> npt.NDArray[np.float64]:
    """The lips' opening in a finished video, in eye distances, by tracking it anew. Nothing smoothed."""
    scratch.mkdir(exist_ok=True)
    track: Track = track_clip(clip_of(path), scratch, "largest", Quiet())
    assert (track.runs(np.arange(len(track))) >= 0).mean() > 0.95
    return np.maximum(np.nan_to_num(track.gap.astype(np.float64)), 0)


def correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], most: int = 6) -> tuple[float, int]:
    """The best correlation and the lag (frames; b later is positive) at which it is reached."""
    n = min(len(a), len(b))
    return max(
        (float(np.corrcoef(a[max(0, -k) : n - max(0, k)], b[max(0, k) : n - max(0, -k)])[0, 1]), k)
        for k in range(-most, most + 1)
    )


def loudness(voice: Speech, fps: float, frames: int) -> npt.NDArray[np.float64]:
    """Perceived loudness (sone: power to the 0.3) over the ear's 100 ms, in the middle of each frame."""
    power = voice.wav.astype(np.float64) ** 2
    window = np.hanning(int(0.1 * voice.rate))
    smooth = np.convolve(power, window / window.sum(), "same")
    at = ((np.arange(frames) + 0.5) / fps * voice.rate).astype(int)
    return np.asarray(smooth[np.clip(at, 0, len(smooth) - 1)] ** 0.3)
