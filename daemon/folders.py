"""Folders of our own, for their owner only; and paths that a person gave."""

from __future__ import annotations

import re
from pathlib import Path

from models.errors import BadInput, Unavailable
from models.words import is_unicode


def make_private(folder: Path) -> None:
    """Makes the folder, and those above it that are missing too; what is there keeps its rights.

    Raises OSError.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)  # `mkdir(parents=True)` would leave these open to everybody
    folder.mkdir(mode=0o700, exist_ok=True)


def unwritable(data_dir: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"The data folder {data_dir} cannot be written: {error.strerror}",
        code="data_dir_unwritable",
        hint="Set data_dir in vigentd.toml, or VIGENTD_DATA_DIR, to a folder that you may write to.",
    )


def absolute(path: Path) -> Path:
    """A path as a person gave it, as it can be kept. Raises BadInput `folder_gone`, `home_unknown`,
    `path_encoding` and `address_given`."""
    refuse_address(path)
    try:
        whole = path.expanduser().absolute()
    except RuntimeError as e:
        raise BadInput(
            f"The path {path} lies in the home of a user who is not known here",
            code="home_unknown",
            hint="Give the whole path.",
        ) from e
    except FileNotFoundError as e:
        raise BadInput(
            f"The path {path} is relative to the current folder, which no longer exists",
            code="folder_gone",
            hint="Change to another folder, or give the whole path.",
        ) from e
    if not is_unicode(str(whole)):
        raise BadInput(
            f"The name of the file {str(whole).encode('utf-8', 'replace').decode()} is not valid UTF-8",
            code="path_encoding",
            hint="Rename the file.",
        )
    return whole


def refuse_address(path: Path) -> None:
    """Raises BadInput `address_given`."""
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(path), re.IGNORECASE) and not path.exists():
        raise BadInput(
            f"{str(path).replace(':/', '://', 1)} is an address, and only files on this machine are read",
            code="address_given",
            hint="Download it first, and give the file.",
        )
