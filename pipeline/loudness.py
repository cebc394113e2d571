"""How loud a piece of sound is, by ITU-R BS.1770 / EBU R 128, measured with ffmpeg."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.progress import Progress
from pipeline import ffmpeg

# Quieter than this is silence: a recording of an empty room, or digital zero.
SILENT_LUFS = -60.0

_INTEGRATED = re.compile(r"I: +(-?[\d.]+|nan) LUFS")
_PEAK = re.compile(r"Peak: +(-?[\d.]+|-inf|nan) dBFS")


@dataclass(frozen=True)
class Loudness:
    """integrated: LUFS over the whole, -70 when there is nothing; true_peak: dBTP, maybe -inf.

    Both in steps of 0.1, as ffmpeg gives them.
    """

    integrated: float
    true_peak: float

    @property
    def silent(self) -> bool:
        return self.integrated < SILENT_LUFS


def measure(path: Path, *, progress: Progress | None = None, total_s: float = 0.0) -> Loudness:
    """The loudness of a file's first audio stream. Raises StageFailed when it cannot be decoded."""
    heard = metered(ffmpeg.source(path).audio).output("-", format="null")
    log = ffmpeg.run(heard.get_args(), doing="measuring the loudness", progress=progress, total_s=total_s)
    return read_meter(log)


def metered(sound: Any) -> Any:
    """The same sound, passed through a meter whose result `read_meter` finds in ffmpeg's stderr."""
    return sound.filter("ebur128", peak="true", framelog="quiet")


def read_meter(log: str) -> Loudness:
    """The last meter's summary in what ffmpeg wrote."""
    integrated, peak = _INTEGRATED.findall(log)[-1], _PEAK.findall(log)[-1]
    return Loudness(
        integrated=-70.0 if integrated == "nan" else max(float(integrated), -70.0),
        true_peak=float("-inf") if peak == "nan" else float(peak),
    )
