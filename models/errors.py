"""What can go wrong, in words for a person: one sentence, a code for programs, and what to do.

Every error that is expected to happen is one of these. Anything else is a bug, and is shown as one.
"""

from __future__ import annotations

import errno

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})  # how a system call says that the disk is full


class VigentdError(Exception):
    """An expected failure.

    message: one plain sentence: what is wrong and why. No full stop is added, none is needed.
    code:    stable, lower_snake_case, for programs ("no_face", "clip_unreadable").
    hint:    what the person can do about it; may be empty.
    """

    default_code = "internal"

    def __init__(self, message: str, *, code: str | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the keyword arguments would be lost by the default.
        return _rebuild, (type(self), self.message, self.code, self.hint)


def _rebuild(kind: type[VigentdError], message: str, code: str, hint: str) -> VigentdError:
    return kind(message, code=code, hint=hint)


class BadInput(VigentdError):
    """What the person gave cannot be used: script, clip, option, configuration."""

    default_code = "bad_input"


class Unavailable(VigentdError):
    """This machine lacks something: a font, an encoder, weights, disk space."""

    default_code = "unavailable"


class StageFailed(VigentdError):
    """The work itself went wrong though the input and the machine looked right."""

    default_code = "stage_failed"


class ProcessDied(StageFailed):
    """A process that worked on it is gone, killed or crashed. Asked for again, the work may well succeed."""

    default_code = "process_died"


class Cancelled(VigentdError):
    """The person asked to stop. Not a failure."""

    default_code = "cancelled"

    def __init__(self, message: str = "The job was cancelled", **kw: str) -> None:
        super().__init__(message, **kw)
