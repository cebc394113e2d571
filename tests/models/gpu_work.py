"""Engines without a GPU that fail as those with one do: with torch's classes and CUDA's words."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from models.errors import Unavailable
from models.progress import Progress


class AcceleratorError(RuntimeError):
    """As torch has it."""


class OutOfMemoryError(RuntimeError):
    """As torch has it."""


def load(said: str = "") -> str:
    """said: what keeps it from loading."""
    if said:
        raise RuntimeError(said)
    return "pretend"


def load_from(gpu: str) -> str:
    """gpu: a file; without it there is no such GPU."""
    if not Path(gpu).exists():
        raise AcceleratorError("CUDA error: no CUDA-capable device is detected")
    return "pretend"


def load_and_die(said: str) -> None:
    _die(said)


def works(engine: Any, arguments: dict[str, Any], progress: Progress) -> int:
    return os.getpid()


def fails(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    progress.step(1, 2)
    raise AcceleratorError(arguments["said"])


def has_no_memory(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    try:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    except OutOfMemoryError as e:
        raise Unavailable(
            "The GPU's memory is too small for this", code="out_of_memory", hint="Buy one"
        ) from e


def dies(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    """As C++ does that nobody catches."""
    progress.step(1, 2)
    _die(arguments["said"])


def _die(said: str) -> None:
    sys.stderr.write(
        f"terminate called after throwing an instance of 'c10::AcceleratorError'\n  what():  {said}\n"
    )
    sys.stderr.flush()
    os.abort()
