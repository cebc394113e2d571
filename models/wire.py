"""What a host and its parent say to each other: JSON, one message a line.

    to the host                                        from the host
    do=load    load, arguments, preload, device        say=loading beats
                                                       say=loaded  size, engine; or say=failed error; once
    do=work    number, call, arguments, job, stage, more     say=taken   number; once
                                                       say=step    number, beats, done, total, size
                                                       say=order   number, order, call, arguments
    do=told    number, order, share
    do=brought number, order, value or error; once     (the next order, or the answer)
                                                       say=answer  number, value or error, size; once
    do=cancel  number                                  (the answer)
    do=health  number                                  say=health  number, health
    do=dump    number (stacks into the log)            say=dumped  number
    do=stop                                            (the end)

size: heartbeats since it started; rss and vram, in bytes. order: what the work has others do, models.orders.

Only names, numbers, texts and paths travel. Errors go as their class, code and words: never as a
pickle, which would run whatever it says.
"""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass, field
from typing import Any

from models import gpu_faults
from models.errors import BadInput, Cancelled, ProcessDied, StageFailed, Unavailable, VigentdError

Message = dict[str, Any]


def pack(message: Message) -> bytes:
    """Raises TypeError or ValueError when it is no JSON."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Lines:
    """Makes messages of what arrives in pieces of any size."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes) -> list[Message]:
        self._rest += piece
        if b"\n" not in piece:
            return []
        *whole, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in whole]


@dataclass(frozen=True)
class Health:
    """What a host says of itself.

    state:      loading, idle, busy or failed (it could not be loaded, and ends).
    heartbeats: steps of work since it started. age_s: since the last one, or the last change of state.
    rss, vram:  bytes; vram as reserved by torch, when the work last said so.
    answered:   False when it did not answer in time: then this is what it said before.
    """

    state: str = "loading"
    job: str = ""
    stage: str = ""
    heartbeats: int = 0
    age_s: float = 0.0
    rss: int = 0
    vram: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    device: str = "cpu"
    pid: int = 0
    answered: bool = True


class HostFault(StageFailed):
    """A fault in what ran in a host: no expected failure. trace: the traceback there, for the log."""

    default_code = "internal"

    def __init__(self, message: str, *, code: str | None = None, hint: str = "", trace: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.trace = trace


# The more special first.
_KINDS = (Cancelled, BadInput, Unavailable, ProcessDied, StageFailed, VigentdError)
_EXPECTED = {kind.__name__: kind for kind in _KINDS}


def describe(error: BaseException) -> Message:
    """The error as JSON. A subclass that the other side may not know goes as what it is a kind of. gpu: the
    fault of the GPU that is behind it, if there is one."""
    told = _described(error)
    fault = gpu_faults.in_error(error)
    return told if fault is None else told | {"gpu": [fault.kind, fault.what]}


def _described(error: BaseException) -> Message:
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, VigentdError):
        kind = next(name for name, kind in _EXPECTED.items() if isinstance(error, kind))
        return {"kind": kind, **error.as_dict(), "trace": trace}
    if isinstance(error, OSError) and error.errno is not None:
        names = [None if name is None else str(name) for name in (error.filename, error.filename2)]
        return {
            "kind": "OSError",
            "errno": error.errno,
            "message": error.strerror,
            "names": names,
            "trace": trace,
        }
    if isinstance(error, MemoryError):
        return {"kind": "MemoryError", "message": str(error), "trace": trace}
    if isinstance(error, ImportError):
        return {"kind": "ImportError", "message": str(error), "name": error.name, "trace": trace}
    return {"kind": "", "name": type(error).__name__, "text": str(error), "trace": trace}


def restore(told: Message) -> Exception:
    """The error that `describe` was given, or HostFault. The traceback there is a note on it, so it is
    printed wherever this error's traceback is."""
    error = _restored(told)
    error.add_note(f"In the host:\n{told['trace']}")
    return error


def _restored(told: Message) -> Exception:
    kind = told["kind"]
    if kind == "OSError":
        first, second = told["names"]
        return OSError(told["errno"], told["message"], first, None, second)
    if kind == "ImportError":
        return ImportError(told["message"], name=told["name"])
    if kind == "MemoryError":
        return MemoryError(told["message"])
    if kind in _EXPECTED:
        return _EXPECTED[kind](told["message"], code=told["code"], hint=told["hint"])
    return HostFault(
        f"vigentd stopped on an unexpected problem ({told['name']})",
        hint="This is a fault in vigentd",
        trace=told["trace"],
    )
