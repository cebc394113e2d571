"""What was raised, as a person is told it: one wording, wherever it came up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from models.errors import FULL, StageFailed, Unavailable, VigentdError


def in_words(error: BaseException, keep: Callable[[BaseException], Path | str], again: str) -> VigentdError:
    """keep: puts the traceback of a fault in vigentd where it can be read, and says where that is.
    again: what to do once the disk has room."""
    if isinstance(error, VigentdError):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        return Unavailable("The disk is full", code="disk_full", hint=f"Free some space and {again}.")
    if isinstance(error, ImportError):  # a library of the system (libGL), or a package was taken away
        return Unavailable(
            f"A part of this machine's installation is missing: {error}",
            code="installation_broken",
            hint="`vigentd doctor` says what is missing and how to install it.",
        )
    return StageFailed(
        f"vigentd stopped on an unexpected problem ({type(error).__name__})",
        code="internal",
        hint=f"This is a fault in vigentd; what happened is written in {keep(error)}",
    )
