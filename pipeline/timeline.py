"""How long the video is: as long as the speech, in whole frames, with sound to the same instant."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from pipeline.media import ClipFacts


@dataclass(frozen=True)
class Timeline:
    """frames: pictures of the video; fps: its exact rate."""

    frames: int
    fps: Fraction

    @property
    def duration_s(self) -> float:
        return float(self.frames / self.fps)

    def samples(self, rate: int) -> int:
        """Samples of sound that last as long as the pictures."""
        return round(self.frames / self.fps * rate)


def timeline(speech: Path, facts: ClipFacts) -> Timeline:
    """The timeline that a speech artifact asks for; the length is read from its header alone."""
    with av.open(str(speech / "speech.wav")) as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None and stream.time_base == Fraction(1, stream.rate)
        return Timeline(max(1, round(stream.duration / stream.rate * facts.fps)), facts.fps)
