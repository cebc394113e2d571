"""Files of weights, read as far as that goes without torch; and what is said of one that cannot be used."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from models.errors import Unavailable

AGAIN = "Run `vigentd models verify`, then `vigentd models pull`: what is damaged is fetched again."
MOST = 100_000_000  # bytes of a file that are names and shapes
TORCH, SAFETENSORS = "what torch.save writes", "safetensors"  # that a checkpoint may be
OLD_TORCH = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # begins what torch < 1.6 saved


def wrong(path: Path, message: str, hint: str = AGAIN) -> Unavailable:
    """What is wrong with a weights file: "{path} {message}"."""
    return Unavailable(f"{path} {message}", code="weights_wrong", hint=hint)


def unreadable(path: Path, error: OSError) -> Unavailable:
    hint = "Check the disk, and give vigentd's user the right to read there."
    return wrong(path, f"cannot be read: {error.strerror or error}", hint)


def no_checkpoint(path: Path, expected: str) -> Unavailable:
    return wrong(path, f"is not a checkpoint: expected {expected}, found {_kind(path)}")


def is_there(path: Path) -> bool:
    """Whether there is such a file. Raises Unavailable weights_wrong when that may not be known."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        closed = (folder for folder in reversed(path.parents) if not os.access(folder, os.X_OK))
        raise unreadable(next(closed, path), error) from error


def read_json(path: Path) -> dict[str, Any]:
    """Raises Unavailable weights_wrong."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise wrong(path, f"is not a configuration: expected JSON, found {_kind(path)}") from error
    if not isinstance(value, dict):
        raise wrong(path, f"is not a configuration: expected a JSON object, found a {type(value).__name__}")
    return value


def names_in(path: Path) -> str | None:
    """A text with the names of a checkpoint's tensors in it, of what torch.save wrote; None for the old kind
    of file, where they stand among the tensors. Raises OSError, Unavailable weights_wrong."""
    with path.open("rb") as file:
        if file.read(len(OLD_TORCH)) == OLD_TORCH:
            return None
        try:
            return pickled(file).decode("latin-1")
        except OSError:
            raise
        except Exception as error:  # a file that is no archive can make its reader raise anything
            raise no_checkpoint(path, TORCH) from error


def header(path: Path) -> Mapping[str, Any]:
    """Of a file of safetensors: what it says of each tensor, by name: dtype, shape, data_offsets.

    Raises Unavailable weights_wrong for one that is none, or is not whole.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(size - 8, MOST):
                raise no_checkpoint(path, SAFETENSORS)
            text = file.read(length)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        tensors = {name: entry for name, entry in json.loads(text).items() if name != "__metadata__"}
        end = 8 + length + max(entry["data_offsets"][1] for entry in tensors.values())
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise no_checkpoint(path, SAFETENSORS) from error
    if size != end:
        raise wrong(path, f"is not whole: expected {end:,} bytes, found {size:,}")
    return tensors


def pickled(file: BinaryIO) -> bytes:
    """What torch.save wrote beside the tensors, with their names in it. It is not unpickled.

    Raises anything for a file that is none of today's, which are zip archives.
    """
    with zipfile.ZipFile(file) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(name) as found:
            return found.read(MOST)


def _kind(path: Path) -> str:
    """What stands in a file's place, for somebody who believes that it is a checkpoint."""
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(64)
    if not size:
        return "an empty file"
    if begin.startswith(b"version https://git-lfs"):
        return "a pointer of git-lfs (`git lfs pull` fetches the file itself)"
    if begin.lstrip()[:1] == b"<":
        return "a web page"
    if path.suffix == ".pt" and begin.startswith(b"PK") and not zipfile.is_zipfile(path):
        return f"one that ends too early, after {size:,} bytes"
    return f"something else, or a part of one ({size:,} bytes)"
