"""What was found in a clip's pictures, on disk: a file for every 128 of them, whole or not there.

An hour of landmarks is 600 MB, so they are never in memory together. A file also holds what the tracker must
know to go on after it, and of what it was made: one that is torn, empty or of something else is made again.

    track-000003.npz    pictures 384…511
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.faces import LANDMARKS

BLOCK = 128  # pictures

# A power cut can leave a file that has its name and is empty.
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass
class Block:
    """n ≤ BLOCK pictures, `numbers` of the clip. found, cut: as models.faces.Sighting.

    gap:     (n,) opening of the lips in eye distances, NaN without a face.
    points:  (n, 468, 3) float32, NaN without a face.
    anchors: (n, 3, 2) as models.track.Anchors, NaN without any.
    state:   of the tracker after the last picture.
    """

    numbers: npt.NDArray[np.int32]
    found: npt.NDArray[np.uint8]
    cut: npt.NDArray[np.bool_]
    gap: npt.NDArray[np.float32]
    anchors: npt.NDArray[np.float32]
    points: npt.NDArray[np.float32]
    state: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def empty(cls, numbers: npt.NDArray[np.int32]) -> Block:
        n = len(numbers)
        return cls(
            numbers,
            np.zeros(n, np.uint8),
            np.zeros(n, bool),
            np.full(n, np.nan, np.float32),
            np.full((n, 3, 2), np.nan, np.float32),
            np.full((n, LANDMARKS, 3), np.nan, np.float32),
        )


ARRAYS = ("numbers", "found", "cut", "gap", "anchors", "points")


class Blocks:
    """The files of one track, in the folder of one job.

    made_of: whatever decides the numbers besides the clip's content. kept: a folder for the clip's next jobs,
    too; nothing depends on it: it may be full, and may be taken away at any time.
    """

    def __init__(self, folder: Path, made_of: str, kept: Path | None = None) -> None:
        self._folder, self._made_of, self._kept = folder, made_of, kept

    def read(self, index: int, numbers: npt.NDArray[np.int32]) -> Block | None:
        """None when there is no such file, or none that can be used for these pictures."""
        own = self._path(index)
        if (block := self._read(own, numbers)) is not None:
            return block
        if self._kept is not None and self._read(self._kept / own.name, numbers) is not None:
            with suppress(OSError):
                _share(self._kept / own.name, own)
        return self._read(own, numbers)

    def _read(self, path: Path, numbers: npt.NDArray[np.int32]) -> Block | None:
        try:
            with path.open("rb") as file, np.load(file) as kept:
                if str(kept["made_of"]) != self._made_of or not np.array_equal(kept["numbers"], numbers):
                    return None
                state = {name[6:]: kept[name] for name in kept.files if name.startswith("state_")}
                return Block(**{name: kept[name] for name in ARRAYS}, state=state)
        except UNREADABLE:
            return None

    def points(self, index: int) -> npt.NDArray[np.float32]:
        """(n, 468, 3) of a block that was read or written before. Raises one of UNREADABLE."""
        with self._path(index).open("rb") as file, np.load(file) as kept:
            return np.asarray(kept["points"], np.float32)

    def write(self, index: int, block: Block) -> None:
        """Atomic and durable. Raises OSError."""
        data = io.BytesIO()
        arrays = {name: getattr(block, name) for name in ARRAYS}
        state = {f"state_{name}": value for name, value in block.state.items()}
        np.savez(data, made_of=np.array(self._made_of), **arrays, **state)
        path = self._path(index)
        with _part(path) as part:
            with part.open("wb") as file:
                file.write(data.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        if self._kept is not None:
            with suppress(OSError):
                _share(path, self._kept / path.name)

    def _path(self, index: int) -> Path:
        return self._folder / f"track-{index:06d}.npz"


def _share(path: Path, other: Path) -> None:
    """The same file in another folder, too; a copy where it cannot be. Raises OSError."""
    with _part(other) as part:
        try:
            os.link(path, part)
        except OSError:
            shutil.copyfile(path, part)
        part.replace(other)


@contextmanager
def _part(path: Path) -> Generator[Path]:
    """A name beside `path` for a file that gets its name when it is whole."""
    # Two processes may make the same block, with the same content, in a folder that they share.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
