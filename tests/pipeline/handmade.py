"""Artifacts made by hand, for tests of the stages that come after them. Sizes are small, rates are real."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import wavfile

from models.engine import Picture
from pipeline import ffmpeg
from pipeline.job import Job
from pipeline.media import ClipFacts
from pipeline.spec import JobSpec, Settings

BT709 = {"space": "bt709", "primaries": "bt709", "transfer": "bt709"}

# Flat patches that a wrong matrix or range would shift by many levels
PATCHES = [(200, 30, 40), (30, 170, 50), (40, 60, 210), (220, 200, 40), (235, 235, 235), (20, 20, 20)]


def playlists(folder: Path) -> tuple[Path, list[Path]]:
    """A file with sound in it, and files of sound by their names that would make ffmpeg open it.

    The sound has never been read: its time of access is 0.
    """
    secret = folder / "secret.ts"
    tone = ffmpeg.generated("sine=duration=2").output(str(secret), acodec="mp2")
    ffmpeg.run(tone.get_args(), doing="humming")
    texts = {
        "a.ffconcat": "ffconcat version 1.0\nfile secret.ts\n",
        "b.wav": "ffconcat version 1.0\nfile secret.ts\n",
        "c.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.ts\n#EXT-X-ENDLIST\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    os.utime(secret, (0, secret.stat().st_mtime))
    return secret, [folder / name for name in texts]


@dataclass
class Shot:
    """What the job's clip and speech are like; `frames` is what lip-sync would hand to compose."""

    seconds: float = 2.0
    fps: Fraction = Fraction(25)
    width: int = 320
    height: int = 568
    pixel_aspect: Fraction = Fraction(1)
    colour: dict[str, str] = field(default_factory=lambda: dict(BT709))
    still: bool = False
    moving: bool = True
    black: bool = False

    @property
    def count(self) -> int:
        return max(1, round(self.seconds * float(self.fps)))

    def picture(self, number: int) -> Picture:
        """Six flat patches, a soft gradient, and a square that wanders."""
        frame = np.empty((self.height, self.width, 3), np.uint8)
        ramp = np.linspace(60, 180, self.width, dtype=np.uint8)
        frame[:] = ramp[None, :, None]
        for i, colour in enumerate(PATCHES):
            top, left = 20 + 80 * (i // 3), 20 + 100 * (i % 3)
            frame[top : top + 60, left : left + 80] = colour
        if self.moving:
            x = (7 * number) % (self.width - 60)
            frame[200:260, x : x + 60] = (240, 120, 40)
        return np.zeros_like(frame) if self.black else frame

    def frames(self, _job: object = None) -> Iterator[Picture]:
        for number in range(self.count):
            yield self.picture(number)


def babble(seconds: float, rate: int = 22_050, level: float = 0.1, seed: int = 3) -> npt.NDArray[np.float32]:
    """Something with the loudness, the spectrum and the pauses of speech."""
    t = np.arange(round(seconds * rate)) / rate
    random = np.random.default_rng(seed)
    buzz = sum(np.sin(2 * np.pi * 120 * k * t + k) / k for k in range(1, 25))
    syllables = np.clip(np.sin(2 * np.pi * 3.7 * t) + 0.4 * np.sin(2 * np.pi * 0.9 * t), 0, None)
    breaths = (t % 3.0) < 2.2
    sound = (buzz + random.standard_normal(len(t))) * syllables * breaths
    edge = np.clip(np.minimum(t, seconds - t) / min(0.1, seconds / 4) - 0.5, 0, 1)
    sound = sound * edge
    return np.asarray(level * sound / np.sqrt(np.mean(sound**2)), np.float32)


def hush(seconds: float, rate: int = 22_050) -> npt.NDArray[np.float32]:
    """A voice that says nothing: it needs no levelling, which is half of compose's time in a short video."""
    return np.zeros(round(seconds * rate), np.float32)


def job_of(
    root: Path, shot: Shot, wav: npt.NDArray[Any] | None = None, rate: int = 22_050, **spec: Any
) -> Job:
    """A job whose stages before compose are finished. spec: fields of JobSpec; `settings`: Settings."""
    settings = spec.pop("settings", Settings())
    folders = {name: root / f"{name}-0123456789ab" for name in ("probe", "speech", "lipsync", "captions")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    facts = ClipFacts(
        path=root / "clip.mp4",
        sha256="0" * 64,
        width=shot.width,
        height=shot.height,
        fps=shot.fps,
        pixel_aspect=shot.pixel_aspect,
        duration_s=shot.seconds,
        pictures=shot.count,
        still=shot.still,
        colour=shot.colour,
    )
    facts.save(folders["probe"])
    sound = babble(shot.seconds, rate) if wav is None else wav
    wavfile.write(folders["speech"] / "speech.wav", rate, sound.astype(np.float32))
    return Job(JobSpec(clip=facts.path, **spec), settings, engines=None, artifacts=folders)  # type: ignore[arg-type]
