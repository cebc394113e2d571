"""Stage `probe`: what the clip is, and whether a video can be made from it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from models.errors import BadInput
from models.progress import Progress
from pipeline.index import STILL_RATE, Index, constant_rate, index_of
from pipeline.media import INDEX, ClipFacts, main_video, open_local
from pipeline.photo import is_photo, read_photo
from pipeline.spec import Settings
from pipeline.tonemap import HDR_TRANSFERS
from pipeline.workspace import file_hash

if TYPE_CHECKING:
    from pipeline.job import Job

VERSION = 1

SMALLEST = 96  # pixels; no mouth can be seen below
LARGEST = 4096  # what H.264 hardware plays
MATRICES = {1: "bt709", 4: "smpte170m", 5: "smpte170m", 6: "smpte170m", 7: "smpte170m"}
PRIMARIES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 7: "smpte170m"}
SDR = {"space": "bt709", "primaries": "bt709", "transfer": "bt709"}


def inputs(job: Job) -> dict[str, Any]:
    clip = job.spec.clip
    check_file(clip)
    decides: dict[str, Any] = {
        "version": VERSION,
        "clip": str(clip),
        "sha256": file_hash(clip, job.progress),
        "photo_max": job.settings.video.photo_max,
        "clip_minutes": job.settings.limits.clip_minutes,
    }
    if (fps := job.settings.lipsync.fps) != "clip":
        decides["fps"] = fps
    return decides


def make(job: Job, folder: Path, progress: Progress) -> None:
    facts = inspect(job.spec.clip, job.settings, sha256=file_hash(job.spec.clip, progress), folder=folder)
    facts.save(folder)
    progress.step(1, 1)


def check_file(path: Path) -> None:
    """The clip is a file with something in it. Raises BadInput."""
    if not path.exists():
        raise BadInput(f"The clip {path} does not exist", code="clip_missing", hint="Check the path.")
    if not path.is_file():
        raise BadInput(
            f"The clip {path} is not a file", code="clip_not_a_file", hint="Give a video or photo."
        )
    try:
        with path.open("rb") as f:
            if not f.read(1):
                raise BadInput(
                    f"The clip {path.name} is empty (0 bytes)",
                    code="clip_empty",
                    hint="It may still be copying; copy it again.",
                )
    except OSError as e:
        raise BadInput(
            f"The clip {path.name} cannot be read: {e.strerror}",
            code="clip_unreadable",
            hint="Check its permissions.",
        ) from e


def inspect(path: Path, settings: Settings, *, sha256: str = "", folder: Path | None = None) -> ClipFacts:
    """Facts of a clip that can be used; its index is kept in `folder`. Raises BadInput, codes clip_*."""
    check_file(path)
    index = None
    try:
        if is_photo(path):
            facts = _photo(path, settings)
        else:
            facts, index = _inspect_video(path, settings)
    except (av.error.FFmpegError, OSError, ValueError) as e:
        raise _unreadable(path) from e
    if folder is not None and index is not None:
        index.save(folder / INDEX)
    there = path.stat()
    return replace(facts, sha256=sha256, size=there.st_size, mtime=there.st_mtime_ns)


def _inspect_video(path: Path, settings: Settings) -> tuple[ClipFacts, Index]:
    with open_local(path) as container:
        stream = main_video(container)
        if stream is None:
            raise BadInput(
                f"{path.name} has sound but no picture",
                code="clip_no_video",
                hint="Give a video or a photo of the presenter; a recording of speech goes to --speech.",
            )
        _check_minutes(path, (container.duration or 0) / av.time_base / 60, settings)
        return _video(path, container, stream, settings)


def _unreadable(path: Path) -> BadInput:
    return BadInput(
        f"{path.name} is not a video or photo that can be read: it is damaged, cut off, or something else",
        code="clip_unreadable",
        hint="Play it to see; export or copy it again (mp4, mov, mkv, webm, jpg and png work).",
    )


def _photo(path: Path, settings: Settings) -> ClipFacts:
    height, width = read_photo(path).shape[:2]
    scale = min(1.0, settings.video.photo_max / max(width, height))
    width, height = _even(path, round(width * scale), round(height * scale))
    return ClipFacts(path, "", width, height, STILL_RATE, Fraction(1), 0.0, 1, True, SDR)


def _check_minutes(path: Path, minutes: float, settings: Settings) -> None:
    limit = settings.limits.clip_minutes
    if minutes > limit:
        raise BadInput(
            f"{path.name} is {minutes:.0f} minutes long; at most {limit:.0f} are taken",
            code="clip_too_long",
            hint="Cut out the part with the presenter, or raise limits.clip_minutes.",
        )


def _video(
    path: Path, container: av.container.InputContainer, stream: VideoStream, settings: Settings
) -> tuple[ClipFacts, Index]:
    first = _first_picture(path)
    index = index_of(container, stream)
    if not len(index.pts):
        raise _unreadable(path)
    filmed = constant_rate(index.seconds)
    # The last picture may be held: a phone that stood still, a slide. One step at least.
    duration = max(index.end_s, float(index.seconds[-1]) + 1 / float(filmed))
    fps = filmed if settings.lipsync.fps == "clip" else Fraction(settings.lipsync.fps)
    _check_length(path, container, stream, index, duration, settings)
    width, height = first.width, first.height
    aspect = Fraction(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
    aspect = aspect if Fraction(1, 5) <= aspect <= 5 else Fraction(1)  # 0:1 and nonsense mean "not known"
    rotation = round(first.rotation / 90) * 90 % 360  # the turn to the left that its display matrix asks for
    if rotation in (90, 270):
        width, height, aspect = height, width, 1 / aspect
    width, height = _even(path, width, height)
    facts = ClipFacts(
        path=path,
        sha256="",
        width=width,
        height=height,
        fps=fps,
        pixel_aspect=aspect,
        duration_s=duration,
        pictures=max(1, round(duration * float(fps))),
        still=False,
        colour=_colour(first, height),
        rotation=rotation,
        hdr=HDR_TRANSFERS.get(int(first.color_trc), ""),
    )
    return facts, index


def _first_picture(path: Path) -> VideoFrame:
    """Decodes until there is a picture: only that shows rotation, colours and the real size."""
    with open_local(path) as container:
        stream = main_video(container)
        assert stream is not None
        for tries, packet in enumerate(container.demux(stream)):
            try:
                for frame in packet.decode():
                    return frame
            except av.error.InvalidDataError:
                pass
            if tries > 300:
                break
    raise _unreadable(path)


def _check_length(
    path: Path,
    container: av.container.InputContainer,
    stream: VideoStream,
    index: Index,
    duration: float,
    settings: Settings,
) -> None:
    declared = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    if declared - duration > max(0.5, 0.05 * declared):
        raise BadInput(
            f"{path.name} is cut off: it holds {duration:.1f} s of its {declared:.1f} s",
            code="clip_truncated",
            hint="Copy or download it again.",
        )
    _check_minutes(path, duration / 60, settings)


def _even(path: Path, width: int, height: int) -> tuple[int, int]:
    """4:2:0 video has even sides; an odd one loses its last column or row."""
    if min(width, height) < SMALLEST or max(width, height) > LARGEST:
        raise BadInput(
            f"{path.name} is {width}x{height} pixels; {SMALLEST} to {LARGEST} on each side can be used",
            code="clip_size",
            hint="Export it at 1080x1920 or 1920x1080.",
        )
    return width - width % 2, height - height % 2


def _colour(frame: VideoFrame, height: int) -> dict[str, str]:
    """How the pictures are to be tagged once read: as they were, or BT.709 for HDR."""
    if int(frame.color_trc) in HDR_TRANSFERS:
        return SDR
    if frame.format.name.startswith(("rgb", "bgr", "gbr", "pal")):
        return SDR
    usual = "bt709" if height >= 720 or frame.width >= 1280 else "smpte170m"
    space = MATRICES.get(int(frame.colorspace), usual)
    return {
        "space": space,
        "primaries": PRIMARIES.get(int(frame.color_primaries), space),
        "transfer": "smpte170m" if space == "smpte170m" else "bt709",
    }
