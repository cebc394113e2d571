"""The one place that runs ffmpeg: finds it, starts it without a shell, watches it, and ends it.

Command lines are lists of arguments, mostly made with the ffmpeg-python package:

    sound = ffmpeg.source(path).audio.filter("aresample", 48_000)
    ffmpeg.run(sound.output("out.wav").get_args(), doing="reading the music")

Whatever happens (an error, a cancelled job, the end of our own process), no ffmpeg is left behind:
every function here waits for its ffmpeg or kills it, and ffmpeg itself is tethered (models/tether.py).
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import ffmpeg
import imageio_ffmpeg

from models import tether
from models.beats import beat
from models.errors import FULL, ProcessDied, StageFailed, Unavailable
from models.process import name_of
from models.progress import Progress

if TYPE_CHECKING:
    from models.engine import Picture

PROTOCOLS = "file,pipe"  # a clip or a playlist must not make ffmpeg open the network
_KEPT_LINES = 400  # of stderr; measuring filters print their results at the end
_PIPE_BYTES = 256 * 1024  # four times the usual: a picture of 6 MB goes through in half the time
_MUCH = 2**20  # bytes; of reports it would be minutes' worth
_LOOK_EVERY_S = 0.2  # how soon a cancel is noticed while ffmpeg says, takes or gives nothing
TETHER = Path(tether.__file__)


@functools.cache
def executable() -> str:
    """The path of ffmpeg: the one that the imageio-ffmpeg wheel brings, or $IMAGEIO_FFMPEG_EXE."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise Unavailable(
            "ffmpeg was not found",
            code="no_ffmpeg",
            hint="Reinstall the package imageio-ffmpeg, or name an ffmpeg in $IMAGEIO_FFMPEG_EXE",
        ) from error


@functools.cache
def version() -> str:
    """ffmpeg's own name for itself ("7.0.2-static"): another one may make other files."""
    executable()  # says what to do when there is none
    return str(imageio_ffmpeg.get_ffmpeg_version())


def source(path: Path | str, **options: Any) -> Any:
    """An input for ffmpeg-python: a file by its path, or "pipe:0" for our own frames."""
    return ffmpeg.input(str(path), protocol_whitelist=PROTOCOLS, **options)


def generated(filtergraph: str) -> Any:
    """An input that ffmpeg makes by itself: "color=red", "anullsrc"."""
    return ffmpeg.input(filtergraph, format="lavfi")


def run(
    arguments: Sequence[str],
    *,
    doing: str,
    progress: Progress | None = None,
    total_s: float = 0.0,
    cwd: Path | None = None,
) -> str:
    """Run to the end and return the last lines that ffmpeg wrote to stderr.

    arguments: inputs, filters and outputs; what every call needs is added here.
    doing:     what is being done, for the message of an error ("reading the music").
    progress:  gets a step whenever there is more output, in seconds out of total_s; else it is only asked
               whether to stop: ffmpeg reports five times a second, also when it makes nothing.

    Raises StageFailed `ffmpeg_failed` with ffmpeg's own reason, ProcessDied `ffmpeg_killed`, Unavailable
    `disk_full`.
    """
    with _started(["-progress", "pipe:1", *arguments], doing, cwd) as process:
        for seconds in process.reports(since=0.0):
            if progress is not None and seconds is not None:
                progress.step(min(seconds, total_s), total_s)
            elif progress is not None:
                progress.check()
        return process.finish()


def encode(
    arguments: Sequence[str],
    pictures: Iterable[Picture],
    *,
    doing: str,
    progress: Progress,
    total: int,
    cwd: Path | None = None,
) -> str:
    """Like `run`, with raw pictures, (height, width, 3) uint8, written to ffmpeg's stdin ("pipe:0").

    Takes one picture at a time, so memory does not grow. An exception of the iterator, Cancelled and
    KeyboardInterrupt among them, kills ffmpeg and goes on up.
    """
    with _started(["-progress", "pipe:1", *arguments], doing, cwd, feed=True) as process:
        for done, picture in enumerate(pictures, start=1):
            if not process.write(picture.reshape(-1).data, waiting=progress.check):
                break  # ffmpeg is gone; finish() says why
            progress.step(done, total)
        process.close_input()
        # What ffmpeg had made by now was counted picture by picture; new is only what comes yet.
        for seconds in process.reports(since=process.seconds):
            if seconds is not None:
                progress.step(total, total)
            else:
                progress.check()
        return process.finish()


def pieces(
    arguments: Sequence[str], size: int, *, doing: str, progress: Progress, cwd: Path | None = None
) -> Generator[bytes, None, None]:
    """What ffmpeg writes to stdout ("pipe:1"), in pieces of `size` bytes: decoded pictures, samples.

    A last piece that is not whole is dropped. Closing the generator early kills ffmpeg. The steps are
    the caller's to take; `progress` is only asked whether to stop while there is nothing to read.
    """
    with _started(arguments, doing, cwd, reports=False) as process:
        while len(piece := process.read(size, waiting=progress.check)) == size:
            yield piece
        process.finish()


@contextmanager
def _started(
    arguments: Sequence[str], doing: str, cwd: Path | None, *, feed: bool = False, reports: bool = True
) -> Iterator[_Process]:
    process = _Process(arguments, doing, cwd, feed=feed, reports=reports)
    try:
        yield process
    finally:
        process.stop()


class _Process:
    """One running ffmpeg. Its stderr, and its reports, are read by threads so that it never waits for us."""

    def __init__(
        self, arguments: Sequence[str], doing: str, cwd: Path | None, *, feed: bool, reports: bool
    ) -> None:
        self._doing = doing
        self._popen = subprocess.Popen(
            _command(arguments),
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=_environment(),
            process_group=0,  # Ctrl-C in a terminal is ours to handle, and one kill reaches all of it
        )
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self.seconds = 0.0  # of output that are ready, as ffmpeg said last
        self._wrote = 0  # bytes, by the last heartbeat for that
        self._said_all = threading.Event()
        self._readers = [self._read_in_thread(self._popen.stderr, self._keep_line, lambda: None)]
        if reports:
            end = self._said_all.set
            self._readers.append(self._read_in_thread(self._popen.stdout, self._keep_report, end))
        if self._popen.stdin is not None:
            os.set_blocking(self._popen.stdin.fileno(), False)
            with suppress(OSError):  # the user's pipes may have no more
                fcntl.fcntl(self._popen.stdin, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def write(self, data: memoryview, waiting: Callable[[], None]) -> bool:
        """False when ffmpeg does not read any more. `waiting` is called while it takes nothing."""
        assert self._popen.stdin is not None
        pipe = self._popen.stdin.fileno()
        while data:
            _until(pipe, select.POLLOUT, waiting)
            try:
                data = data[os.write(pipe, data) :]
            except BrokenPipeError:
                return False
        return True

    def close_input(self) -> None:
        if self._popen.stdin is not None:
            with suppress(BrokenPipeError):
                self._popen.stdin.close()

    def read(self, size: int, waiting: Callable[[], None]) -> bytes:
        """Shorter than `size` only at the end. `waiting` is called while ffmpeg gives nothing."""
        assert self._popen.stdout is not None
        pipe, piece = self._popen.stdout.fileno(), bytearray()
        while len(piece) < size:
            _until(pipe, select.POLLIN, waiting)
            more = os.read(pipe, size - len(piece))
            if not more:
                break
            piece += more
        return bytes(piece)

    def reports(self, since: float) -> Iterator[float | None]:
        """Until ffmpeg closes its stdout, every 0.2 s: the seconds of output that are ready, or None when
        there are no more than before; `since` is what was known."""
        running = True
        while running:
            running = not self._said_all.wait(_LOOK_EVERY_S)
            newest = self.seconds
            if newest <= since and self._writes():
                beat()  # in the end it may move the whole file, and has nothing to report of that
            yield newest if newest > since else None
            since = max(since, newest)

    def _writes(self) -> bool:
        """Whether it has written much since this was last true."""
        try:
            told = Path(f"/proc/{self._popen.pid}/io").read_text()
        except OSError:
            return False
        wrote = next((int(line[6:]) for line in told.splitlines() if line.startswith("wchar:")), 0)
        if wrote - self._wrote < _MUCH:
            return False
        self._wrote = wrote
        return True

    def finish(self) -> str:
        """Wait for the end; returns stderr's last lines, or raises what went wrong."""
        status = self._popen.wait()
        for reader in self._readers:
            reader.join()
        if status != 0:
            raise _failure(self._doing, status, list(self._lines))
        return "\n".join(self._lines)

    def stop(self) -> None:
        """Kill it if it still runs, and leave no zombie, thread or pipe. Safe to call at any time."""
        if self._popen.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        self.close_input()
        for reader in self._readers:
            reader.join()
        for pipe in (self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()

    def _keep_line(self, line: str) -> None:
        self._lines.append(line)

    def _keep_report(self, line: str) -> None:
        key, _, value = line.partition("=")
        if key == "out_time_us" and value.lstrip("-").isdigit():
            self.seconds = int(value) / 1e6

    @staticmethod
    def _read_in_thread(pipe: IO[bytes] | None, keep: Any, end: Any) -> threading.Thread:
        assert pipe is not None

        def read() -> None:
            for line in pipe:
                keep(line.decode("utf-8", "replace").rstrip())
            end()

        thread = threading.Thread(target=read, name="ffmpeg-reader", daemon=True)
        thread.start()
        return thread


def _until(pipe: int, event: int, waiting: Callable[[], None]) -> None:
    """Returns when the pipe can be read or written, or is broken; calls `waiting` every 0.2 s until then."""
    poll = select.poll()
    poll.register(pipe, event)
    while not poll.poll(_LOOK_EVERY_S * 1000):
        waiting()


def _command(arguments: Sequence[str]) -> list[str]:
    tether = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid())]
    always = ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info", "-stats_period", "0.2", "-y"]
    return [*tether, executable(), *always, *arguments]


def _environment() -> dict[str, str]:
    """Ours, without what would make ffmpeg write files or colours of its own."""
    kept = {key: value for key, value in os.environ.items() if key != "FFREPORT"}
    return kept | {"AV_LOG_FORCE_NOCOLOR": "1"}


def disk_full(doing: str) -> Unavailable:
    return Unavailable(
        f"The disk is full: there was no room left while {doing}",
        code="disk_full",
        hint="Free some space (`vigentd doctor` shows how much is left) and retry the job",
    )


def _failure(doing: str, status: int, lines: list[str]) -> StageFailed | Unavailable:
    text = "\n".join(lines)
    if any(os.strerror(number) in text for number in FULL):
        return disk_full(doing)
    if status < 0:
        hint = "If the machine ran out of memory, retry when less is running" * (status == -signal.SIGKILL)
        reason = f"it was ended from outside by {name_of(-status)}"
        return ProcessDied(f"ffmpeg failed while {doing}: {reason}", code="ffmpeg_killed", hint=hint)
    reason = _reason(lines) or (lines[-1] if lines else f"exit status {status}")
    return StageFailed(f"ffmpeg failed while {doing}: {reason}", code="ffmpeg_failed")


_COMPLAINT = re.compile(r"\[(?:error|fatal|panic)\] *(?P<text>.*)")


def _reason(lines: list[str]) -> str:
    """ffmpeg's first two complaints; those that follow are consequences."""
    found = [match["text"].strip() for line in lines if (match := _COMPLAINT.search(line))]
    return "; ".join(dict.fromkeys(found[:2]))
