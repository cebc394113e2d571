"""Folders of our own, for their owner only; and paths that a person gave."""

from __future__ import annotations

from pathlib import Path

from models.errors import BadInput, Unavailable


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
    """Raises BadInput `folder_gone`."""
    try:
        return path.expanduser().absolute()
    except FileNotFoundError as e:
        raise BadInput(
            f"The path {path} is relative to the current folder, which no longer exists",
            code="folder_gone",
            hint="Change to another folder, or give the whole path.",
        ) from e
