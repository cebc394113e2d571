"""How long and how large an MP4 is, read from its header alone.

The daemon keeps out of decoders: what they leak or break is their hosts' to bear. The videos are our own,
verified ones, so three boxes say it all (ISO/IEC 14496-12: mvhd, and the tkhd of the track that has a size).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

LARGEST = 64 * 2**20  # bytes that a header may have; that of an hour has some two million


def shape(path: Path) -> tuple[float, int, int]:
    """Seconds, width, height as it is shown. Raises OSError, ValueError."""
    header = _header(path)
    try:
        tracks = [_sides(_within(trak, b"tkhd")) for name, trak in _boxes(header) if name == b"trak"]
        seconds = _seconds(_within(header, b"mvhd"))
    except (struct.error, IndexError) as e:
        raise ValueError(f"{path} is no whole MP4") from e
    width, height = max(tracks, default=(0, 0))
    if not width or not height:
        raise ValueError(f"{path} shows nothing")
    return seconds, width, height


def _header(path: Path) -> bytes:
    """The inside of its moov box."""
    end, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place + 8 <= end:
            file.seek(place)
            size, name = struct.unpack(">I4s", file.read(8))
            begin = 8
            if size == 1:  # a 64-bit size follows
                size, begin = int.from_bytes(file.read(8)), 16
            if size < begin or place + size > end:
                break
            if name == b"moov" and size <= LARGEST:
                return file.read(size - begin)
            place += size
    raise ValueError(f"{path} is no whole MP4")


def _boxes(within: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(within):
        size, name = struct.unpack_from(">I4s", within, place)
        if size < 8 or place + size > len(within):
            raise IndexError
        yield name, within[place + 8 : place + size]
        place += size


def _within(box: bytes, wanted: bytes) -> bytes:
    for name, inside in _boxes(box):
        if name == wanted:
            return inside
    raise IndexError


def _seconds(mvhd: bytes) -> float:
    if mvhd[0] == 1:
        scale, length = struct.unpack_from(">IQ", mvhd, 20)
    else:
        scale, length = struct.unpack_from(">II", mvhd, 12)
    return float(length / scale) if scale else 0.0


def _sides(tkhd: bytes) -> tuple[int, int]:
    """(0, 0) for sound. The matrix says whether it is shown on its side."""
    matrix = 52 if tkhd[0] == 1 else 40
    a, b = struct.unpack_from(">ii", tkhd, matrix)
    width, height = (side >> 16 for side in struct.unpack_from(">II", tkhd, matrix + 36))
    return (height, width) if abs(b) > abs(a) else (width, height)
