"""What Telegram finds out about a file that a person sends."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

SIDES = (90, 320, 800, 1280)  # of the sizes in which a photo is kept


@dataclass(frozen=True)
class Shape:
    """duration in seconds, rounded as in the Bot API."""

    width: int = 0
    height: int = 0
    duration: int = 0


def recording(path: Path) -> Shape:
    """Of a video or a sound; nothing of what cannot be read."""
    import av  # only those tests need it that send a real one

    try:
        with av.open(str(path)) as file:
            duration = round((file.duration or 0) / av.time_base)
            if not file.streams.video:
                return Shape(duration=duration)
            stream = file.streams.video[0]
            return Shape(stream.width, stream.height, duration)
    except (av.FFmpegError, OSError):
        return Shape()


def photo_sizes(source: Path | bytes) -> list[tuple[bytes, int, int]]:
    """JPEG, width, height; smallest first. Telegram packs every photo anew, at most 1280 pixels a side."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
        whole = picture.convert("RGB")
    sizes = []
    for side in SIDES:
        small = whole.copy()
        small.thumbnail((side, side))
        out = io.BytesIO()
        small.save(out, "JPEG", quality=87)
        sizes.append((out.getvalue(), small.width, small.height))
        if side >= max(whole.size):
            break
    return sizes
