"""What tests let a host do: functions as a host calls them, `function(engine, arguments, progress)`."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
import threading
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import tether
from models.beats import beat
from models.errors import BadInput, Unavailable
from models.progress import Progress

WORDY = "x" * 300_000  # more than a socket holds


@dataclass
class Engine:
    loads: Path
    name: str = "pretend"
    version: int = 3


def load(loads: str) -> Engine:
    with Path(loads).open("a") as f:
        f.write(f"{os.getpid()}\n")
    print("loading", flush=True)
    return Engine(Path(loads))


def load_slowly(seconds: float) -> None:
    time.sleep(seconds)


class SlowEars:
    """An aligner that takes its time to load, as one does from a slow disk, and hears nothing."""

    name, version = "slow", 1

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def warm_up(self) -> None:
        time.sleep(self._seconds)
        self._seconds = 0.0

    def transcribe(self, wav: Any, rate: int, language: str, progress: Progress) -> Any:
        from models.engine import Transcript

        self.warm_up()
        return Transcript("", "en", [])


def load_slow_ears(seconds: float) -> Any:
    from models.choose import SpeechDesk

    desk = SpeechDesk("espeak")
    desk.aligner = SlowEars(seconds)  # type: ignore[assignment]
    return desk


def load_natively(seconds: int) -> None:
    _sleep_natively(seconds)


def load_steadily(pieces: int, every_s: float) -> None:
    """As from a slow disk: longer in all than it may be silent."""
    for _ in range(pieces):
        time.sleep(every_s)
        beat()


def load_without_weights() -> None:
    raise Unavailable("The weights are missing", code="weights_missing", hint="Get them")


def load_in_vain(asked: str, until: str) -> None:
    Path(asked).touch()
    while not Path(until).exists():
        time.sleep(0.01)
    load_without_weights()


def load_with_fault() -> None:
    raise RuntimeError("driver too old")


def load_without_library() -> None:
    raise ImportError("libGL.so.1: cannot open shared object file")


def load_and_die() -> None:
    os._exit(3)


def echo(engine: Any, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    return {"engine": getattr(engine, "name", None), "pid": os.getpid(), **arguments}


def surroundings(engine: Any, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    return {
        "visible": os.environ["CUDA_VISIBLE_DEVICES"],
        "order": os.environ["CUDA_DEVICE_ORDER"],
        "tmp": tempfile.gettempdir(),
        "stdin": sys.stdin.read(),
        "modules": sorted(sys.modules),
        "main_thread": threading.current_thread() is threading.main_thread(),
    }


def pretend_torch(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    """What a host looks at of torch, which is large, and not installed everywhere."""
    asked_by = threading.get_ident()

    def memory_reserved() -> int:
        assert threading.get_ident() == asked_by  # it may have to wait for the GPU
        return 5_000_000

    torch: Any = types.ModuleType("torch")
    torch.__version__ = "2.13.0"
    torch.cuda = types.SimpleNamespace(is_initialized=lambda: True, memory_reserved=memory_reserved)
    sys.modules["torch"] = torch


def noise(engine: Any, arguments: dict[str, Any], progress: Progress) -> str:
    print("from Python")
    os.write(1, b'{"say": "answer", "number": 1, "value": "forged"}\n')
    ctypes.CDLL(None).puts(b"from C")
    subprocess.run(["echo", "from a program"], check=True)
    os.write(2, b"complaint\n")
    progress.step(1, 1)
    return WORDY


def steps(engine: Any, arguments: dict[str, Any], progress: Progress) -> str:
    for number in range(arguments["count"]):
        time.sleep(arguments["every_s"])
        progress.step(number + 1, arguments["count"])
    return "done"


def beats(engine: Any, arguments: dict[str, Any], progress: Progress) -> str:
    """It gets on, and nobody sees how far."""
    for _ in range(arguments["count"]):
        time.sleep(arguments["every_s"])
        beat()
    return "done"


def steps_natively(engine: Any, arguments: dict[str, Any], progress: Progress) -> str:
    """Nothing of Python runs between two steps, so nobody in here can answer."""
    for number in range(arguments["count"]):
        ctypes.PyDLL(None).usleep(int(arguments["every_s"] * 1e6))
        progress.step(number + 1, arguments["count"])
    return "done"


def litter(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    """Leaves what only the garbage collector can take away."""
    rubbish: list[Any] = [b"x" * 2**20 for _ in range(100)]
    rubbish.append(rubbish)


def until_cancelled(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    """No steps, so only the flag can tell it."""
    progress.step(0, 1)
    while True:
        progress.check()
        time.sleep(0.005)


def stuck(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    """With two programs of its own: one tethered and in a group of its own as ffmpeg is, one in ours."""
    sleep = ["/bin/sleep", "600"]
    tethered = subprocess.Popen(
        [sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), *sleep], process_group=0
    )
    plain = subprocess.Popen(sleep)
    while Path(f"/proc/{tethered.pid}/comm").read_text() != "sleep\n":
        time.sleep(0.005)
    Path(arguments["pids"]).write_text(f"{tethered.pid} {plain.pid}\n")
    progress.step(0, 1)
    {"sleep": time.sleep, "native": _sleep_natively, "python": _spin}[arguments["how"]](60)


def _sleep_natively(seconds: int) -> None:
    """In C, and without letting go of the interpreter: nothing of Python runs meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:  # a signal ends libc's sleep
        ctypes.PyDLL(None).sleep(seconds)


def _spin(seconds: int) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def fail(engine: Any, arguments: dict[str, Any], progress: Progress) -> Any:
    match arguments["how"]:
        case "expected":
            raise NarrowInput("Too long", code="too_long", hint="Make it shorter")
        case "fault":
            raise ValueError("a secret of the inside")
        case "memory":
            raise MemoryError
        case "disk":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/file")
        case "import":
            raise ImportError("libGL.so.1 is missing")
        case "no json":
            return object()
        case "leave":
            sys.exit(7)
        case other:
            raise AssertionError(other)


class NarrowInput(BadInput):
    """A kind of error that the other side knows nothing of."""


def die(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    os._exit(arguments["status"])


def encode(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    """Ten minutes of video, as fast as it would be shown."""
    from pipeline import ffmpeg

    picture = ffmpeg.generated("color=size=64x64:rate=25:duration=600,realtime")
    if arguments["how"] == "run":
        command = picture.output("-", format="null").get_args()
        ffmpeg.run(command, doing="encoding", progress=progress, total_s=600.0)
    else:
        command = picture.output("pipe:1", format="rawvideo", pix_fmt="rgb24").get_args()
        for number, _ in enumerate(ffmpeg.pieces(command, 64 * 64 * 3, doing="decoding", progress=progress)):
            progress.step(number, 15_000)
