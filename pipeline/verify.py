"""Stage `verify`: the mp4 is read back and compared with what was asked for.

Nothing is "done" before this. Leaves verify.json with every check; one that fails ends the job.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt

from models.errors import ProcessDied, StageFailed
from models.progress import Progress, Share
from pipeline import ffmpeg
from pipeline.loudness import measure
from pipeline.media import ClipFacts, load_facts
from pipeline.mix import RATE
from pipeline.spec import VideoSettings
from pipeline.timeline import Timeline, timeline

if TYPE_CHECKING:
    from pipeline.job import Job

VERSION = 1

LOUDNESS_LU = 1.0  # how far from the wanted loudness a video may be
_METER_STEP = 0.05  # ffmpeg's meter rounds to tenths

_SIDE = 96  # pictures are judged as grey squares of so many pixels, each the mean of what it covers
_BLACK = 24  # of 255: a picture is black when 98 % of it is darker
_MOVED = 2  # of 255: what the encoder may change by itself in a picture that stands still
_FROZEN = 0.98  # of all steps from picture to picture; captions move even over a frozen presenter


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. expected and found are in words, for the person."""

    name: str
    expected: str
    found: str
    ok: bool


@dataclass(frozen=True)
class Wanted:
    """What the video has to be."""

    facts: ClipFacts
    time: Timeline
    settings: VideoSettings


def inputs(job: Job) -> dict[str, Any]:
    return {
        "version": VERSION,
        **{stage: job.key(stage) for stage in ("probe", "speech", "compose")},
        **job.settings.video.model_dump(include={"loudness", "true_peak"}),
    }


def make(job: Job, folder: Path, progress: Progress) -> None:
    facts = load_facts(job.artifacts["probe"])
    wanted = Wanted(facts, timeline(job.artifacts["speech"], facts), job.settings.video)
    checks: list[Check] = []
    for check in examine(job.artifacts["compose"].absolute() / "video.mp4", wanted, progress):
        checks.append(check)
        if not check.ok:
            raise StageFailed(
                f"The finished video is not right: {check.name} should be {check.expected}, "
                f"but is {check.found}",
                code="verify_failed",
                hint="Retry the job; if it fails again, this is a bug: please report it with the job's log",
            )
    report = {"checks": [asdict(check) for check in checks]}
    (folder / "verify.json").write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")


def examine(video: Path, wanted: Wanted, progress: Progress) -> Iterator[Check]:
    """Every check, the ones first without which the later ones cannot be made."""
    yield from _file(video)
    yield from _streams(video, wanted)
    yield from _pictures(video, wanted, Share(progress, 0.0, 0.8))
    yield from _sound(video, wanted, Share(progress, 0.8, 1.0))


# ---------------------------------------------------------------- the file


def _file(video: Path) -> Iterator[Check]:
    boxes = _boxes(video)
    found = " ".join(boxes) or "nothing"
    whole = {"ftyp", "moov", "mdat"} <= set(boxes)
    yield Check("the file", "a whole mp4", found, whole)
    early = whole and boxes.index("moov") < boxes.index("mdat")
    yield Check("the index", "before the pictures, so that playing can start at once", found, early)


def _boxes(video: Path) -> list[str]:
    """The names of the mp4's outermost boxes; "cut off" at the end when the file is shorter than it says."""
    names: list[str] = []
    size_of_file, place = video.stat().st_size, 0
    with video.open("rb") as file:
        while place + 8 <= size_of_file:
            file.seek(place)
            size, name = struct.unpack(">I4s", file.read(8))
            if size == 1:  # a 64-bit size follows
                size = int.from_bytes(file.read(8))
            names.append(name.decode("latin-1"))
            if size < 8 or place + size > size_of_file:
                return [*names[:-1], "cut off"]
            place += size
    return names


# ---------------------------------------------------------------- the streams


def _streams(video: Path, wanted: Wanted) -> Iterator[Check]:
    facts, time = wanted.facts, wanted.time
    try:
        container = av.open(str(video))
    except av.FFmpegError as error:
        yield Check("the file", "readable", f"unreadable ({error.strerror})", False)
        return
    with container:
        kinds = sorted(stream.type for stream in container.streams)
        streams = ", ".join(kinds) or "none"
        yield Check("streams", "one of video, one of sound", streams, kinds == ["audio", "video"])
        if kinds != ["audio", "video"]:
            return
        picture, sound = container.streams.video[0], container.streams.audio[0]
        yield _same("picture size", f"{facts.width}x{facts.height}", f"{picture.width}x{picture.height}")
        yield _same("frame rate", facts.fps, picture.average_rate)
        yield _same("pixel aspect", facts.pixel_aspect, picture.sample_aspect_ratio or Fraction(1))
        yield _same("pixel format", "yuv420p", picture.codec_context.pix_fmt)
        yield _same("codecs", "h264 aac", f"{picture.codec_context.name} {sound.codec_context.name}")
        yield _same("sound", f"{RATE} Hz stereo", f"{sound.rate} Hz {sound.layout.name}")
        for name, stream in (("pictures", picture), ("sound", sound)):
            lasts = float((stream.duration or 0) * (stream.time_base or 0))
            off = abs(lasts - time.duration_s)
            length = f"{time.duration_s:.3f} s"
            yield Check(f"length of the {name}", length, f"{lasts:.3f} s", off <= 1 / time.fps)


def _same(name: str, expected: object, found: object) -> Check:
    return Check(name, str(expected), str(found), expected == found)


# ---------------------------------------------------------------- what is seen and heard


def _pictures(video: Path, wanted: Wanted, progress: Progress) -> Iterator[Check]:
    """Decodes every picture once."""
    total, black, moved = 0, 0, 0
    before: npt.NDArray[np.int16] | None = None
    try:
        for picture in _thumbnails(video, progress):
            total += 1
            black += bool(np.quantile(picture, 0.98) < _BLACK)
            moved += before is not None and bool(np.abs(picture - before).max() > _MOVED)
            before = picture
            progress.step(total, wanted.time.frames)
    except ProcessDied:
        raise  # that says nothing about the video
    except StageFailed as error:
        yield Check("the pictures", "decodable", f"broken after {total} ({error.message})", False)
        return
    yield _same("number of pictures", wanted.time.frames, total)
    yield Check("black pictures", "less than half", f"{black} of {total}", 2 * black < total)
    if not wanted.facts.still:
        still = 1 - moved / max(total - 1, 1)
        yield Check(
            "motion", "a picture that moves", f"{still:.0%} of it frozen", total < 10 or still < _FROZEN
        )


def _thumbnails(video: Path, progress: Progress) -> Iterator[npt.NDArray[np.int16]]:
    """Every picture as (side, side) grey, 0…255. Raises StageFailed at the first one that is damaged."""
    small = ffmpeg.source(video, err_detect="explode").video
    small = small.filter("scale", _SIDE, _SIDE, flags="area", out_range="pc").filter("format", "gray")
    command = small.output("pipe:1", format="rawvideo", fps_mode="passthrough").get_args()
    found = ffmpeg.pieces(
        ["-xerror", *command], _SIDE * _SIDE, doing="looking through the video", progress=progress
    )
    for piece in found:
        yield np.frombuffer(piece, np.uint8).reshape(_SIDE, _SIDE).astype(np.int16)


def _sound(video: Path, wanted: Wanted, progress: Progress) -> Iterator[Check]:
    settings = wanted.settings
    try:
        heard = measure(video, progress=progress, total_s=wanted.time.duration_s)
    except ProcessDied:
        raise
    except StageFailed as error:
        yield Check("the sound", "decodable", f"broken ({error.message})", False)
        return
    level = f"{heard.integrated:.1f} LUFS"
    yield Check("the sound", "audible", "silent" if heard.silent else level, not heard.silent)
    off = abs(heard.integrated - settings.loudness)
    expected = f"{settings.loudness:.1f} ± {LOUDNESS_LU:.0f} LUFS"
    yield Check("loudness", expected, level, off <= LOUDNESS_LU + _METER_STEP)
    peak = heard.true_peak <= settings.true_peak + _METER_STEP
    yield Check("true peak", f"at most {settings.true_peak:.1f} dBTP", f"{heard.true_peak:.1f} dBTP", peak)
