"""Which making of a video it is that goes up: nothing is put together of two."""

from __future__ import annotations

from handlers.publish.errors import NotSent
from handlers.publish.target import Video


def mark(video: Video) -> str:
    """The same as long as nobody has made the video again. Raises NotSent when it cannot be read."""
    try:
        return f"{video.size}-{video.path.stat().st_mtime_ns}"
    except OSError as e:
        raise NotSent(f"The video cannot be read: {e.strerror}") from e


def size_of(mark: str) -> int:
    return int(mark.split("-")[0])


def written_at(mark: str) -> int:
    """As in os.stat_result.st_mtime_ns."""
    return int(mark.split("-")[1])


def check_same(video: Video, marked: str) -> None:
    """Between reading a piece and sending it. Raises NotSent when it was made again: the next try is anew."""
    if mark(video) != marked:
        raise NotSent("The video was made again while it was sent", wait_s=61)
