"""What was learned of clips that were used before, on disk: for a daily presenter the work is done once.

A folder for every clip and everything that decides what is kept of it. The folders together stay under a
limit; who was not used for longest goes first. Nothing here is needed: whatever is missing, torn, or never
came to be because the disk is full, is worked out again.

    <folder>/lock                       held for a moment by whoever opens or takes away
    <folder>/<hash of clip and settings>/in-use     held, shared, by all who use it; its time: when last
                                        track-000000.npz …, latents-….bin
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import Unavailable

VERSION = 1  # of what stands in the folders
IN_USE = "in-use"
DIGITS = 32
OURS = re.compile(rf"[0-9a-f]{{{DIGITS}}}")  # whatever else somebody puts there is left alone
STEP = 32 * 2**20  # bytes written before it is looked again how much there is
FOR_LATENTS = 0.9  # share of the limit: a folder that its track brought above the limit would go as a whole
CRC = 4  # bytes, before every record


class LatentFile:
    """Records of one shape, by number, in any order. One thread may write while one other reads."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike, room: Room) -> None:
        self._shape, self._dtype, self._room = shape, np.dtype(dtype), room
        self._bytes = CRC + self._dtype.itemsize * int(np.prod(shape))
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def get(self, k: int) -> npt.NDArray[Any] | None:
        """Record k, a copy; None when it was never written, or not as a whole."""
        try:
            raw = os.pread(self._file, self._bytes, k * self._bytes)
        except OSError:
            return None
        if len(raw) < self._bytes or raw[:CRC] != _crc(k, raw[CRC:]):
            return None
        return np.frombuffer(raw, self._dtype, offset=CRC).reshape(self._shape).copy()

    def put(self, k: int, record: npt.NDArray[Any]) -> None:
        """Does nothing when the limit is reached or the disk is full."""
        if record.shape != self._shape or record.dtype != self._dtype:
            raise ValueError(f"a record is {self._dtype} {self._shape}, not {record.dtype} {record.shape}")
        data = record.tobytes()
        try:
            if self._room.take(self._bytes):
                os.pwrite(self._file, _crc(k, data) + data, k * self._bytes)
        except OSError:  # full, or the folder is gone
            self._room.close()

    def close(self) -> None:
        os.close(self._file)
        self._file = -1


class Presenter:
    """The folder of one clip and one set of settings, in use until it is closed."""

    def __init__(self, presenters: Presenters, folder: Path, lock: int) -> None:
        self.folder = folder
        self._presenters, self._lock = presenters, lock
        self._room = Room(folder, presenters.limit_bytes)
        self._files: list[LatentFile] = []

    def latents(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> LatentFile:
        """Closed with the presenter. Raises Unavailable."""
        name = f"latents-{'x'.join(map(str, shape))}-{np.dtype(dtype).name}.bin"
        with _told(self.folder):
            self._files.append(LatentFile(self.folder / name, shape, dtype, self._room))
        return self._files[-1]

    def close(self) -> None:
        """Lets go of it, and sees to it that all together are under the limit again."""
        for file in self._files:
            file.close()
        with suppress(OSError):
            os.utime(self._lock)
        os.close(self._lock)
        with suppress(OSError):
            self._presenters.tidy()

    def __enter__(self) -> Presenter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Presenters:
    """All that is kept, in `folder`, which is made when needed. limit_bytes: above 0."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes

    def open(self, key: str, settings: Mapping[str, Any]) -> Presenter:
        """What is kept of this clip.

        key: Clip.key, not empty; settings: everything else that decides what is kept, as JSON knows it: the
        rate (it decides which pictures are shown), who is followed, the size, the weights. Others go until
        the sum is under the limit. Raises Unavailable when the folder cannot be used.
        """
        with _told(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                folder = self.folder / _name(key, settings)
                folder.mkdir(mode=0o700, exist_ok=True)
                lock = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    self._begin(folder, lock)
                except BaseException:
                    os.close(lock)
                    raise
        return Presenter(self, folder, lock)

    def tidy(self) -> None:
        """Takes folders away, least recently used first, until the sum is under the limit. Raises OSError."""
        with self._alone():
            self._make_room()

    def _begin(self, folder: Path, lock: int) -> None:
        if _locked(lock, fcntl.LOCK_EX):  # nobody else uses it, so nobody is writing
            for stray in folder.glob(".*.part"):
                stray.unlink()
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(lock)
        self._make_room()

    def _make_room(self) -> None:
        ours = [folder for folder in self.folder.iterdir() if OURS.fullmatch(folder.name)]
        kept = [(_last_used(folder), folder) for folder in ours]
        sizes = {folder: _size(folder) for _, folder in kept}
        total = sum(sizes.values())
        for _, folder in sorted(kept):
            if total > self.limit_bytes and _removed(folder):
                total -= sizes[folder]

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Nobody else opens or takes away meanwhile."""
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class Room:
    """How much may still be written into one folder, so that it stays under the limit by itself."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit = folder, limit_bytes
        self._granted = 0
        self._closed = False

    def take(self, count: int) -> bool:
        """Whether so many bytes more may be written."""
        if self._granted < count and not self._closed:
            left = int(FOR_LATENTS * self._limit) - _size(self._folder)
            self._granted = min(left, max(STEP, count))
            self._closed = self._granted < count
        if self._closed:
            return False
        self._granted -= count
        return True

    def close(self) -> None:
        """From now on nothing may be."""
        self._closed = True


def _name(key: str, settings: Mapping[str, Any]) -> str:
    of = json.dumps([VERSION, key, settings], sort_keys=True)
    return hashlib.sha256(of.encode()).hexdigest()[:DIGITS]


def _crc(k: int, data: bytes) -> bytes:
    """Of a record in its place: one of zeros, as a file has where nothing was written, has another."""
    return zlib.crc32(data, k + 1).to_bytes(CRC, "little")


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno == errno.EWOULDBLOCK:
            return False
        raise
    return True


def _removed(folder: Path) -> bool:
    """Takes a folder away that nobody uses."""
    with suppress(FileNotFoundError):
        lock = os.open(folder / IN_USE, os.O_RDWR)
        try:
            if not _locked(lock, fcntl.LOCK_EX):
                return False
        finally:
            os.close(lock)  # nobody opens a folder while we are alone
    try:
        shutil.rmtree(folder)
    except OSError:
        return False
    return True


def _last_used(folder: Path) -> int:
    try:
        return (folder / IN_USE).stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # a removal that was cut short


def _size(folder: Path) -> int:
    """Bytes that it takes up: a file may have holes."""
    total = 0
    with os.scandir(folder) as files:
        for file in files:
            with suppress(FileNotFoundError):  # a part that has got its name
                total += file.stat().st_blocks * 512
    return total


@contextmanager
def _told(folder: Path) -> Generator[None]:
    """In words for a person."""
    try:
        yield
    except OSError as e:
        raise Unavailable(
            f"What is known of presenters cannot be kept in {folder}: {e.strerror or e}",
            code="presenters_unusable",
            hint="Make room there or give the folder to the user that vigentd runs as.",
        ) from e
