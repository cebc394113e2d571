"""`vigentd health` of a daemon that answers, before anything is imported that takes time.

The configuration is not read as a whole for it: only where the data folder is. Whatever is unusual, a daemon
that does not answer above all, is left to the whole program.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from daemon.commands.health_table import show
from daemon.commands.streams import spoken
from daemon.commands.terminal import out_json
from daemon.config_place import DATA_DIR, SOCKET_NAME, find
from daemon.control.client import Client
from daemon.health.asking import ANSWER_S
from models.errors import VigentdError

VARIABLE = "VIGENTD_DATA_DIR"


def answer(arguments: list[str]) -> int | None:
    """The exit code; None: nothing was said, and the whole program has to."""
    if arguments not in (["health"], ["health", "--json"]):
        return None
    try:
        told = Client(_data_dir() / SOCKET_NAME, read_timeout_s=ANSWER_S).get("/health")
        told["from"] = "daemon"
        code = int(told["exit_code"])
    except (VigentdError, OSError, ValueError, TypeError, KeyError, RuntimeError):
        return None

    def say() -> int:
        if len(arguments) > 1:
            out_json(told)
        else:
            show(told)
        return code

    return spoken(say)


def _data_dir() -> Path:
    said = next((value for name, value in os.environ.items() if name.upper() == VARIABLE), None)
    base = Path.cwd()
    if said is None and (file := find(None)) is not None:
        said, base = tomllib.loads(file.read_text("utf-8")).get("data_dir"), file.parent
    if said == "":
        raise ValueError  # what is wrong with that is said by who reads all of it
    return base / Path(DATA_DIR if said is None else said).expanduser()
