"""A clip read as the video will show it: upright, even size, constant rate, SDR, in any order.

Probing and decoding are PyAV's. A container is indexed once by walking its packets (no decoding), so
that "picture number k" means the same in every pass, variable frame rates are resampled by their own
time stamps, and a clip can be played backwards without being held in memory.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar, cast

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from models.engine import Picture
from models.errors import BadInput
from pipeline import spill
from pipeline.tonemap import ToneMap

# Demuxers that clips, recordings and music may use. Playlists, concat scripts and text formats are absent:
# they name other files.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,apng,dv,mxf,h264,hevc,"
    "wav,mp3,flac,aac,amr,aiff,caf,image2,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe,jpegls_pipe"
)
READ_ONLY_LOCAL = {"protocol_whitelist": "file", "format_whitelist": FORMATS}


@dataclass(frozen=True)
class ClipFacts:
    """A clip as the video will show it.

    width, height: pixels, upright and even; pixel_aspect: width of a pixel / its height.
    fps:           pictures per second, constant. duration_s: of the clip, not of the video.
    pictures:      how many there are at `fps`.
    colour:        ffmpeg's names (space, primaries, transfer) of the pictures once they are read (SDR).
    rotation:      degrees counter-clockwise that make a stored picture upright: 0, 90, 180 or 270.
    hdr:           transfer of the stored pictures when they need tone mapping, else "".
    """

    path: Path
    sha256: str
    width: int
    height: int
    fps: Fraction
    pixel_aspect: Fraction
    duration_s: float
    pictures: int
    still: bool
    colour: dict[str, str]
    rotation: int = 0
    hdr: str = ""
    has_audio: bool = False

    def save(self, folder: Path) -> None:
        raw = asdict(self) | {k: str(getattr(self, k)) for k in ("path", "fps", "pixel_aspect")}
        (folder / "clip.json").write_text(json.dumps(raw, indent=1, ensure_ascii=False), "utf-8")


def load_facts(folder: Path) -> ClipFacts:
    """What the probe stage left in its artifact."""
    raw = json.loads((folder / "clip.json").read_text("utf-8"))
    raw |= {k: Fraction(raw[k]) for k in ("fps", "pixel_aspect")}
    return ClipFacts(**(raw | {"path": Path(raw["path"])}))


def open_local(path: Path) -> av.container.InputContainer:
    """The local file, never anything that it names. Raises av.error.FFmpegError, OSError."""
    return av.open(str(path), options=READ_ONLY_LOCAL, metadata_errors="replace")


def main_video(container: av.container.InputContainer) -> VideoStream | None:
    """The stream with the moving pictures; a cover picture in an audio file does not count."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


# ---------------------------------------------------------------- the index


@dataclass(frozen=True)
class Index:
    """Every picture of a stream by time of display. pts: int64 in time_base; key: starts a decodable run."""

    pts: npt.NDArray[np.int64]
    key: npt.NDArray[np.bool_]
    time_base: Fraction

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        return np.asarray((self.pts - self.pts[0]) * float(self.time_base))


def index_of(container: av.container.InputContainer, stream: VideoStream) -> Index:
    """Walks the packets. A damaged end simply ends the index."""
    found: list[tuple[int, bool]] = []
    step = 1 / (stream.average_rate or Fraction(25)) / (stream.time_base or Fraction(1, 1000))
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            found.append((round(len(found) * step) if stamp is None else stamp, packet.is_keyframe))
    except av.error.FFmpegError:
        pass
    found.sort()
    return Index(
        np.array([p for p, _ in found], np.int64),
        np.array([k for _, k in found], bool),
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


# ---------------------------------------------------------------- the reader


class VideoClip:
    """A clip that is a video. Satisfies models.engine.Clip; one reader at a time.

    wanted: how many output frames the video has; `order` says which picture each of them shows.
    scratch: a folder on a disk, for playing backwards.
    """

    def __init__(self, facts: ClipFacts, wanted: int, scratch: Path | None = None) -> None:
        self.facts, self._scratch = facts, scratch
        self.fps = float(facts.fps)
        self.width, self.height = facts.width, facts.height
        self.pixel_aspect = float(facts.pixel_aspect)
        with open_local(facts.path) as container:
            stream = main_video(container)
            if stream is None:
                raise BadInput("The clip has no video any more", code="clip_no_video")
            self._index = index_of(container, stream)
        shown = shown_at(self._index.seconds, facts.fps, facts.pictures)
        self.order = shown[there_and_back(facts.pictures, wanted)]

    def pictures(self, numbers: Sequence[int]) -> Generator[Picture]:
        """(height, width, 3) uint8 RGB, each a fresh array."""
        return ahead(self._decoded(numbers))

    def _decoded(self, numbers: Sequence[int]) -> Generator[Picture]:
        with _Decoder(self.facts, self._index) as decoder:
            for run in _runs(numbers, self._block):
                if run[0] <= run[-1]:
                    yield from decoder.forward(run)
                else:
                    for frame in spill.backwards(decoder.frames(run[::-1]), self._scratch):
                        yield decoder.picture(frame)

    @property
    def _block(self) -> int:
        return max(int(spill.BYTES / (self.width * self.height * 1.5)), 4)


class StillClip:
    """A clip that is a photo: the same picture, as often as it is wanted."""

    def __init__(self, facts: ClipFacts, wanted: int) -> None:
        self.facts = facts
        self.fps = float(facts.fps)
        self.width, self.height = facts.width, facts.height
        self.pixel_aspect = 1.0
        self.order = np.zeros(wanted, np.int32)

    def pictures(self, numbers: Sequence[int]) -> Generator[Picture]:
        picture = read_photo(self.facts.path, (self.width, self.height))
        for _ in numbers:
            yield picture.copy()


def open_clip(facts: ClipFacts, wanted: int, scratch: Path | None = None) -> VideoClip | StillClip:
    """The clip, to be shown for `wanted` output frames."""
    return StillClip(facts, wanted) if facts.still else VideoClip(facts, wanted, scratch)


def read_photo(path: Path, size: tuple[int, int] | None = None) -> Picture:
    """A photo, upright as its EXIF says, RGB; resized to (width, height) when given."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        if size is not None and upright.size != size:
            upright = ImageOps.fit(upright, size, Image.Resampling.LANCZOS)
        return np.asarray(upright, np.uint8)


T = TypeVar("T")


def ahead(items: Generator[T], depth: int = 3) -> Generator[T]:
    """The same items, made in a thread up to `depth` early: decoding goes on while the caller works.

    Closing the generator ends the thread; an error in the thread is raised here, in its place.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: T | None, error: BaseException | None) -> None:
        waiting = True
        while waiting and not closed.is_set():
            with contextlib.suppress(queue.Full):
                ready.put((item, error), timeout=0.2)
                waiting = False

    def work() -> None:
        try:
            for item in items:
                put(item, None)
                if closed.is_set():
                    break
            else:
                put(None, StopIteration())
        except BaseException as e:
            put(None, e)
        finally:
            items.close()

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        thread.join()


def _runs(numbers: Sequence[int], block: int) -> Iterator[Sequence[int]]:
    """Cuts into stretches that only rise, of any length, and stretches that only fall, of at most `block`."""
    start = direction = 0
    for i in range(1, len(numbers) + 1):
        step = int(np.sign(numbers[i] - numbers[i - 1])) if i < len(numbers) else 0
        turned = step * direction < 0
        if i == len(numbers) or turned or (direction < 0 and i - start >= block):
            yield [int(n) for n in numbers[start:i]]
            start, direction = i, 0
        else:
            direction = direction or step


class _Decoder:
    """One open container, going forward; goes back by seeking to the key picture before."""

    def __init__(self, facts: ClipFacts, index: Index) -> None:
        self._facts, self._index = facts, index
        self._keys = np.flatnonzero(index.key)
        self._tone = ToneMap(facts.hdr) if facts.hdr else None
        self._at = -1  # number of the newest decoded picture
        self._frame: VideoFrame | None = None

    def __enter__(self) -> _Decoder:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()
        if self._tone:
            self._tone.close()

    def forward(self, numbers: Sequence[int]) -> Iterator[Picture]:
        for frame in self.frames(numbers):
            yield self.picture(frame)

    def frames(self, numbers: Sequence[int]) -> Iterator[VideoFrame]:
        """Decoded, not yet converted; numbers do not fall."""
        for number in numbers:
            self._go_to(number)
            if self._frame is None:
                raise BadInput(
                    f"The clip cannot be decoded at {self._index.seconds[number]:.1f} s",
                    code="clip_unreadable",
                    hint="Play it to see whether it is damaged there; export or copy it again.",
                )
            yield self._frame

    def picture(self, frame: VideoFrame) -> Picture:
        """RGB, upright, cropped to the even size."""
        rgb = self._tone.rgb(frame) if self._tone else to_rgb(frame, self._facts.colour["space"])
        if self._facts.rotation:
            rgb = np.rot90(rgb, self._facts.rotation // 90)
        return np.ascontiguousarray(rgb[: self._facts.height, : self._facts.width])

    def _open(self) -> None:
        self._container = open_local(self._facts.path)
        stream = main_video(self._container)
        assert stream is not None
        stream.thread_type = "AUTO"
        self._stream = stream
        self._decoded = self._decode()
        self._at, self._frame = -1, None

    def _decode(self) -> Iterator[VideoFrame]:
        damaged = 0
        while True:
            try:
                yield from self._container.decode(self._stream)
                return
            except av.error.EOFError:
                return
            except av.error.InvalidDataError:  # a damaged packet: the picture before stays on screen
                damaged += 1
                if damaged > 50:
                    return

    def _go_to(self, number: int) -> None:
        if number == self._at:
            return
        key = self._keys[np.searchsorted(self._keys, number, side="right") - 1] if len(self._keys) else 0
        if number < self._at or key > self._at + 1:
            self._seek(int(key))
        wanted = self._index.pts[number]
        if self._frame is not None and self._time(self._frame) >= wanted:
            return  # a picture that the stream announced and did not hold
        for frame in self._decoded:
            self._frame = frame
            if self._time(frame) >= wanted:
                break
        self._at = number

    def _seek(self, key: int) -> None:
        if key <= 0:
            self._container.close()
            self._open()
            return
        self._container.seek(int(self._index.pts[key]), stream=self._stream, backward=True)
        self._decoded = self._decode()
        self._at, self._frame = key - 1, None

    def _time(self, frame: VideoFrame) -> int:
        nth = min(self._at + 1, len(self._index.pts) - 1)
        return frame.pts if frame.pts is not None else int(self._index.pts[nth])


def to_rgb(frame: VideoFrame, space: str) -> Picture:
    """Full-range RGB by the matrix `space` ("bt709", "smpte170m", "bt2020nc", "rgb")."""
    matrix = {"bt709": Colorspace.ITU709, "smpte170m": Colorspace.ITU601, "bt2020nc": 9}.get(space)
    options: dict[str, Any] = {"dst_color_range": ColorRange.JPEG}
    if matrix is not None and frame.format.name not in ("rgb24", "bgr24", "rgba", "pal8", "gbrp"):
        options["src_colorspace"] = matrix
        options["src_color_range"] = frame.color_range
    return cast(Picture, frame.reformat(format="rgb24", **options).to_ndarray())
