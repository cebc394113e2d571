"""stdin, stdout and stderr, whatever the caller made of them: closed, full, or gone.

What goes wrong with stdout is told apart from trouble with any other file. What cannot be written to
stderr is dropped: it is said beside the work, and the work must not fail for it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from daemon.commands.terminal import tell_error
from models.errors import Unavailable

if TYPE_CHECKING:
    from typing_extensions import Buffer


class OutputLost(Unavailable):
    """The result was made, but stdout does not take it."""

    default_code = "output_lost"


def prepare() -> None:
    """Call it before any other file is opened: a closed stream's number would go to that file."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _text(_Results(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Remarks(2, "w", closefd=False), sys.stderr, line_buffering=True)


def silence_stdout() -> None:
    """Nothing more is written there, not even what still waits in its buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def spoken(say: Callable[[], int]) -> int:
    """say: writes to stdout, and returns the exit code. 1 when that could not be written."""
    try:
        code = say()
        sys.stdout.flush()
        return code
    except OutputLost as e:
        silence_stdout()
        tell_error(e)
    except BrokenPipeError:  # `vigentd ls | head`: nobody reads any more, and nothing is said about it
        silence_stdout()
    return 1


class _Results(io.FileIO):
    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as e:
            raise OutputLost(f"The output cannot be written: {e.strerror}") from e


class _Remarks(io.FileIO):
    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _text(file: io.FileIO, like: TextIO | None, *, line_buffering: bool = False) -> io.TextIOWrapper:
    # A file's name may hold bytes that are no text; they are shown escaped.
    encoding = like.encoding if like else "utf-8"
    lines = line_buffering or file.isatty()
    return io.TextIOWrapper(io.BufferedWriter(file), encoding, "backslashreplace", line_buffering=lines)
