"""The files on the server, in a folder of its own that goes away with it."""

from __future__ import annotations

import itertools
import mimetypes
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

FOLDERS = {
    "photo": "photos",
    "video": "videos",
    "audio": "music",
    "voice": "voice",
    "document": "documents",
    "animation": "animations",
    "video_note": "video_notes",
    "sticker": "stickers",
}
SAFE_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")


@dataclass(frozen=True)
class StoredFile:
    """kind: a key of FOLDERS. name: the sender's. size: in bytes, as the server says it. where: its place."""

    id: str
    kind: str
    unique_id: str
    name: str
    mime: str
    size: int
    where: str
    path: Path


class Files:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._uploads = folder / "uploads"
        self._uploads.mkdir(parents=True)
        self._numbers = itertools.count(0)
        self._by_id: dict[str, StoredFile] = {}
        self._by_place: dict[str, StoredFile] = {}

    def new_upload(self) -> Path:
        """A name for what is just being received."""
        return self._uploads / str(next(self._numbers))

    def get(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)

    def at(self, where: str) -> StoredFile | None:
        return self._by_place.get(where)

    def add(
        self,
        kind: str,
        source: Path | bytes | None,
        name: str,
        mime: str | None = None,
        size: int | None = None,
        *,
        move: bool = False,
    ) -> StoredFile:
        """source None: pretended, `size` zeros that take no room on the disk.

        size: what the server is to say, where that is not the truth. move: the source need not be left.
        """
        number = next(self._numbers)
        suffix = SAFE_SUFFIX.search(name)
        where = f"{FOLDERS[kind]}/file_{number}{suffix[0].lower() if suffix else ''}"
        path = self.folder / where
        path.parent.mkdir(exist_ok=True)
        _fill(path, source, size, move)
        id = f"{FOLDERS[kind][:2].upper()}ACAgIAAxkB{number:08d}" + "x7Qp" * 12
        mime = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
        real = path.stat().st_size
        unique = f"AgAD{number:08d}"
        file = StoredFile(id, kind, unique, name, mime, real if size is None else size, where, path)
        self._by_id[id] = self._by_place[where] = file
        return file


def _fill(path: Path, source: Path | bytes | None, size: int | None, move: bool) -> None:
    if isinstance(source, bytes):
        path.write_bytes(source)
    elif source is None:
        with path.open("wb") as out:
            out.truncate(size or 0)
    elif move:
        source.rename(path)
    else:
        shutil.copyfile(source, path)
