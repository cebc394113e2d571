"""Where the configuration file is, and where the data folder, when nobody says.

The first of these wins: `--config`, `$VIGENTD_CONFIG`, `./vigentd.toml`, `~/.config/vigentd/vigentd.toml`,
`/etc/vigentd/vigentd.toml`. The first two were named by a person and so must exist.
"""

from __future__ import annotations

import os
from pathlib import Path

from daemon.folders import absolute
from models.errors import BadInput

FILE_NAME = "vigentd.toml"
FILE_VARIABLE = "VIGENTD_CONFIG"
DATA_DIR = "~/.local/share/vigentd"
SOCKET_NAME = "control.sock"  # in the data folder


def find(named: Path | None) -> Path | None:
    """None: there is none. Raises BadInput `config_missing`."""
    if named is None and os.environ.get(FILE_VARIABLE):
        named, by = Path(os.environ[FILE_VARIABLE]), f"${FILE_VARIABLE}"
    else:
        by = "--config"
    if named is not None:
        named = absolute(named)
        if not _is_file(named):
            what = _what_else(named)
            raise BadInput(
                f"The configuration file {named}, named by {by}, {what}",
                code="config_missing",
                hint="Correct the path, or leave it out to use the usual places.",
            )
        return named
    usual = [*_here(), Path("~/.config/vigentd").expanduser(), Path("/etc/vigentd")]
    return next((folder / FILE_NAME for folder in usual if _is_file(folder / FILE_NAME)), None)


def _what_else(path: Path) -> str:
    try:
        return "is a folder" if path.is_dir() else "does not exist"
    except PermissionError:
        return "lies where this account may not look"


def _is_file(path: Path) -> bool:
    """Not where we may not look: `sudo -u vigentd` leaves us in somebody else's home."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def _here() -> list[Path]:
    try:
        return [Path.cwd()]
    except FileNotFoundError:  # the folder was deleted while a shell stood in it
        return []
