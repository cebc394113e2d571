"""A clip read as the video will show it: upright, even size, constant rate, SDR, in any order.

Decoding is PyAV's. The index (index.py) says which picture is which, so that "picture number k" means the
same in every pass, and a clip can be played backwards without being held in memory.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from models.ahead import ahead
from models.engine import Picture
from models.errors import BadInput
from pipeline import spill
from pipeline.index import Index, index_of, shown_at, there_and_back
from pipeline.photo import read_photo
from pipeline.tonemap import ToneMap
from pipeline.workspace import file_hash

# Demuxers that clips, recordings and music may use. Playlists, concat scripts and text formats are absent:
# they name other files. So does image2, which takes %d in a name for a number: photos are Pillow's.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,apng,dv,mxf,h264,hevc,"
    "wav,w64,wv,mp3,flac,aac,amr,aiff,caf"
)
# As quick as more of them (500 pictures of 1080p a second on 2 cores), and each keeps pictures of its own:
# one for every core of a large machine is 100 MB more.
DECODER_THREADS = 4
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
    size, mtime:   of the file in bytes and ns, to notice that it was changed meanwhile.
    folder:        of the probe's artifact, where the index is; None when there is none.
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
    size: int = 0
    mtime: int = 0
    folder: Path | None = None

    def save(self, folder: Path) -> None:
        raw = asdict(self) | {k: str(getattr(self, k)) for k in ("path", "fps", "pixel_aspect")}
        del raw["folder"]
        (folder / "clip.json").write_text(json.dumps(raw, indent=1, ensure_ascii=False), "utf-8")


def load_facts(folder: Path) -> ClipFacts:
    """What the probe stage left in its artifact."""
    raw = json.loads((folder / "clip.json").read_text("utf-8"))
    raw |= {k: Fraction(raw[k]) for k in ("fps", "pixel_aspect")}
    return ClipFacts(**(raw | {"path": Path(raw["path"]), "folder": folder}))


INDEX = "index.npz"  # in the probe's artifact


def open_local(path: Path) -> av.container.InputContainer:
    """The local file, never anything that it names. Raises av.error.FFmpegError, OSError."""
    return av.open(str(path), options=READ_ONLY_LOCAL, metadata_errors="replace")


def main_video(container: av.container.InputContainer) -> VideoStream | None:
    """The stream with the moving pictures; a cover picture in an audio file does not count."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


# ---------------------------------------------------------------- reading


class VideoClip:
    """A clip that is a video. Satisfies models.engine.Clip. Each call of `pictures` reads by itself.

    wanted: how many output frames the video has; `order` says which picture each of them shows.
    scratch: a folder on a disk, for playing backwards.
    """

    def __init__(self, facts: ClipFacts, wanted: int, scratch: Path | None = None) -> None:
        self.facts, self._scratch = facts, scratch
        self.fps = float(facts.fps)
        self.width, self.height = facts.width, facts.height
        self.pixel_aspect = float(facts.pixel_aspect)
        self._index = _index(facts)
        self.natural = shown_at(self._index.seconds, facts.fps, facts.pictures)
        self.order = self.natural[there_and_back(facts.pictures, wanted)]
        self.key = facts.sha256

    def pictures(self, numbers: Sequence[int]) -> Generator[Picture]:
        """(height, width, 3) uint8 RGB, each a fresh array."""
        return ahead(self._decoded(numbers))

    def _decoded(self, numbers: Sequence[int]) -> Generator[Picture]:
        with _Decoder(self.facts, self._index, self._scratch) as decoder:
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
        self.natural = np.zeros(1, np.int32)
        self.key = facts.sha256

    def pictures(self, numbers: Sequence[int]) -> Generator[Picture]:
        picture = read_photo(self.facts.path, (self.width, self.height))
        for _ in numbers:
            yield picture.copy()


def open_clip(facts: ClipFacts, wanted: int, scratch: Path | None = None) -> VideoClip | StillClip:
    """The clip, to be shown for `wanted` output frames. Raises BadInput `clip_changed`."""
    _check_unchanged(facts)
    return StillClip(facts, wanted) if facts.still else VideoClip(facts, wanted, scratch)


def _index(facts: ClipFacts) -> Index:
    """What the probe found, or the walk again."""
    if facts.folder is not None:
        return Index.load(facts.folder / INDEX)
    with open_local(facts.path) as container:
        stream = main_video(container)
        assert stream is not None, "the probe looked"
        return index_of(container, stream)


def _check_unchanged(facts: ClipFacts) -> None:
    """Patches made for one clip must not be laid on another that came under its name."""
    try:
        now = facts.path.stat()
        same = (now.st_size, now.st_mtime_ns) == (facts.size, facts.mtime) or not facts.sha256
        if same or file_hash(facts.path) == facts.sha256:
            return
    except OSError:
        pass
    raise BadInput(
        f"The clip {facts.path.name} was changed or taken away while the video was made",
        code="clip_changed",
        hint="Put it in its place and retry the job.",
    )


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

    def __init__(self, facts: ClipFacts, index: Index, scratch: Path | None) -> None:
        self._facts, self._index = facts, index
        self._keys = np.flatnonzero(index.key)
        self._tone = ToneMap(facts.hdr, scratch) if facts.hdr else None
        self._at = -1  # the picture that stands in _frame
        self._frame: VideoFrame | None = None
        self._time = 0  # when it is shown, in the stream's time base
        self._count = 0  # of pictures decoded, for streams without time stamps

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
        stream.codec_context.thread_count = DECODER_THREADS
        self._stream = stream
        self._decoded = self._decode()
        self._at, self._frame, self._count = -1, None, 0

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
        while self._frame is None or self._time < wanted:
            frame = next(self._decoded, None)
            if frame is None:
                break  # announced by the container and not there: the picture before stays on screen
            nth = min(self._count, len(self._index.pts) - 1)
            self._frame, self._count = frame, self._count + 1
            self._time = frame.pts if frame.pts is not None else int(self._index.pts[nth])
        self._at = number

    def _seek(self, key: int) -> None:
        if key <= 0:
            self._container.close()
            self._open()
            return
        self._container.seek(int(self._index.pts[key]), stream=self._stream, backward=True)
        self._decoded = self._decode()
        self._at, self._frame, self._count = key - 1, None, key


def to_rgb(frame: VideoFrame, space: str) -> Picture:
    """Full-range RGB by the matrix `space` ("bt709", "smpte170m", "bt2020nc", "rgb")."""
    matrix = {"bt709": Colorspace.ITU709, "smpte170m": Colorspace.ITU601, "bt2020nc": 9}.get(space)
    options: dict[str, Any] = {"dst_color_range": ColorRange.JPEG}
    if matrix is not None and frame.format.name not in ("rgb24", "bgr24", "rgba", "pal8", "gbrp"):
        options["src_colorspace"] = matrix
        options["src_color_range"] = frame.color_range
    return cast(Picture, frame.reformat(format="rgb24", **options).to_ndarray())
