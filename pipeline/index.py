"""The pictures of a clip by number: when each is shown, and which of them the video shows when."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from models.beats import beat


@dataclass(frozen=True)
class Index:
    """Every picture of a stream by time of display.

    pts: int64 in time_base; key: starts a decodable run; end: when the last picture goes, in time_base.
    """

    pts: npt.NDArray[np.int64]
    key: npt.NDArray[np.bool_]
    end: int
    time_base: Fraction

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        return np.asarray((self.pts - self.pts[0]) * float(self.time_base))

    @property
    def end_s(self) -> float:
        return float((self.end - self.pts[0]) * self.time_base)

    def save(self, path: Path) -> None:
        base = self.time_base
        np.savez(path, pts=self.pts, key=self.key, end=[self.end], base=[base.numerator, base.denominator])

    @classmethod
    def load(cls, path: Path) -> Index:
        with np.load(path) as kept:
            return cls(kept["pts"], kept["key"], int(kept["end"][0]), Fraction(*map(int, kept["base"])))


def index_of(container: av.container.InputContainer, stream: VideoStream) -> Index:
    """Walks the packets, each a heartbeat: the file may lie on a slow share. A damaged end simply ends the
    index."""
    found: list[tuple[int, bool]] = []
    end = 0
    step = 1 / (stream.average_rate or Fraction(25)) / (stream.time_base or Fraction(1, 1000))
    try:
        for packet in container.demux(stream):
            beat()
            if packet.size == 0 or packet.is_discard:
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            pts = round(len(found) * step) if stamp is None else stamp
            found.append((pts, packet.is_keyframe))
            end = max(end, pts + (packet.duration or 0))
    except av.error.FFmpegError:
        pass
    found.sort()
    return Index(
        np.array([p for p, _ in found], np.int64),
        np.array([k for _, k in found], bool),
        end,
        Fraction(stream.time_base or Fraction(1, 1000)),
    )


USUAL_RATES = [Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)] + [
    Fraction(n) for n in (12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
]
STILL_RATE = Fraction(25)
SLOWEST_RATE = 12  # lips cannot be seen to speak below


def constant_rate(seconds: npt.NDArray[np.float64]) -> Fraction:
    """The rate at which a stream with these time stamps should be shown.

    The median step decides, not the mean: a phone that drops pictures in the dark still films at 30.
    """
    if len(seconds) < 2:
        return STILL_RATE
    steps = np.diff(seconds)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.04
    # Time stamps in milliseconds (webm) make single steps 33 or 34 ms: the mean of the usual ones is exact.
    usual = steps[(steps > 0.5 * step) & (steps < 1.5 * step)]
    rate = 1 / float(usual.mean())
    if rate < SLOWEST_RATE:
        return STILL_RATE
    nearest = min(USUAL_RATES, key=lambda r: abs(float(r) / rate - 1))
    if abs(float(nearest) / rate - 1) < 0.004:
        exact = [r for r in USUAL_RATES if abs(float(r) / rate - 1) < 0.0004]
        return min(exact, key=lambda r: abs(float(r) / rate - 1)) if exact else nearest
    return Fraction(rate).limit_denominator(1001)


def shown_at(seconds: npt.NDArray[np.float64], fps: Fraction, count: int) -> npt.NDArray[np.int32]:
    """The number of the stored picture that is on screen at each of `count` moments, 1 / fps apart."""
    # Half a picture of grace: time stamps that are rounded late must not repeat the picture before.
    times = (np.arange(count) + 0.5) / float(fps)
    return np.clip(np.searchsorted(seconds, times, side="right") - 1, 0, len(seconds) - 1).astype(np.int32)


def there_and_back(count: int, wanted: int) -> npt.NDArray[np.int32]:
    """0…count-1…1, 0…: a short clip played to and fro; the turning pictures are not doubled."""
    if count == 1:
        return np.zeros(wanted, np.int32)
    phase = np.arange(wanted) % (2 * count - 2)
    return np.where(phase < count, phase, 2 * count - 2 - phase).astype(np.int32)
