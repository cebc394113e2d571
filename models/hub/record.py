"""What is known of the files of a model that lie here, in `manifest.json` beside them.

Written when they were found to be what they should be. A file that has the size and the time that stand there
is taken for the same; `vigentd models verify` takes nothing for granted.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from models.durable import written
from models.errors import Unavailable

NAME = "manifest.json"  # of a single file whisper/small.pt: small.manifest.json
FORMAT = 1


def _inside(name: str) -> str:
    """Raises ValueError for a path that leads elsewhere."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or str(path) != name or "\0" in name:
        raise ValueError("should be a path within the folder")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Kept(_Strict):
    """size: bytes. mtime_ns: of the file, or of what it links to."""

    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    mtime_ns: int


class Record(_Strict):
    """origin: the server, or the folder, that the files came from. at: when, ISO 8601.

    own: they are a person's own weights and not those of the hub.
    """

    model: str
    repository: str
    revision: str
    origin: str
    at: str
    own: bool = False
    format: int = FORMAT
    files: dict[Annotated[str, AfterValidator(_inside)], Kept]


def read(folder: Path, name: str = NAME) -> Record | None:
    """None when there is no record, and for one of a later version. Raises Unavailable `manifest_damaged`."""
    path = folder / name
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        raise _damaged(path, f"cannot be read: {e.strerror}") from e
    try:
        known = json.loads(text)
        if isinstance(known, dict) and known.get("format", FORMAT) != FORMAT:
            return None
        return Record.model_validate(known)
    except (ValidationError, ValueError, RecursionError) as e:
        raise _damaged(path, "is damaged") from e


def write(folder: Path, record: Record, name: str = NAME) -> None:
    """Atomic and durable. Raises OSError."""
    text = json.dumps(record.model_dump(), indent=2, ensure_ascii=False) + "\n"
    written(folder / name, text.encode())


def kept(path: Path, sha256: str) -> Kept:
    """Raises OSError."""
    now = path.stat()
    return Kept(size=now.st_size, sha256=sha256, mtime_ns=now.st_mtime_ns)


def unchanged(path: Path, known: Kept | None) -> bool:
    """Whether the file is the one that was recorded, as far as its size and time say."""
    if known is None:
        return False
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (known.size, known.mtime_ns)


def _damaged(path: Path, what: str) -> Unavailable:
    return Unavailable(
        f"The record {path} {what}",
        code="manifest_damaged",
        hint=f"`vigentd models pull {path.parent.name}` checks the files and writes it anew.",
    )
