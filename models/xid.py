"""What NVIDIA's driver tells the kernel's log about its GPUs: "Xid" lines, and what they mean.

    NVRM: Xid (PCI:0000:41:00): 79, pid=1234, name=python, GPU has fallen off the bus.

https://docs.nvidia.com/deploy/xid-errors/
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KMSG = "/dev/kmsg"
GPUS = Path("/proc/driver/nvidia/gpus")
ASK_S = 2.0
MOST = 20_000_000  # bytes of a log

_LINE = re.compile(
    r"NVRM: Xid \((?:PCI:)?(?P<pci>[0-9a-f:.]+)\): (?P<number>\d+)(?:, pid='?(?P<pid>\d+))?", re.IGNORECASE
)
_RECORD = re.compile(r"^\d+,\d+,(?P<us>\d+),[^;]*;(?P<text>.*)$")  # as the kernel gives it
_JOURNAL = re.compile(r"^\[\s*(?P<s>\d+\.\d+)\]\s+(?P<text>.*)$")  # -o short-monotonic

Kind = Literal["memory", "context", "ecc", "lost"]  # as in gpu_faults
# What the common ones mean. "context": what a program did wrong. None: what follows of another one, or of the
# program's end, and so is no reason for that.
MEANINGS: dict[int, tuple[Kind | None, str]] = {
    8: ("context", "the GPU stopped working on what it was given"),
    13: ("context", "the program made the graphics engine fail"),
    31: ("context", "the program used memory that is not its own"),
    32: ("context", "the program's commands were damaged"),
    38: ("context", "the driver's firmware met an error"),
    43: ("context", "the GPU stopped the program for a fault of the program"),
    45: (None, "the program's work was taken off the GPU, after an earlier error or because it ended"),
    46: ("context", "the GPU stopped working"),
    48: ("ecc", "its memory has an error that cannot be corrected"),
    61: ("context", "its internal controller met an error"),
    62: ("context", "its internal controller stopped"),
    63: ("ecc", "a row of its memory is replaced by a spare one at the next reset"),
    64: ("ecc", "a damaged row of its memory could not be replaced"),
    69: ("context", "the program gave it a command that it does not know"),
    74: ("context", "the link to another GPU met an error"),
    79: ("lost", "it has fallen off the bus"),
    92: ("ecc", "many errors of its memory had to be corrected"),
    94: ("ecc", "an error of its memory ended this program alone"),
    95: ("ecc", "an error of its memory ended all programs; it must be reset"),
    109: ("context", "switching between programs took too long"),
    110: ("lost", "it was locked for security"),
    119: ("lost", "its system processor does not answer; it must be reset"),
    120: ("lost", "its system processor met an error; it must be reset"),
    140: ("ecc", "its memory has an error that cannot be recovered"),
    143: ("lost", "it could not be started"),
    154: (None, "it says how it must be recovered"),
    158: ("lost", "it lost the time to answer"),
}


@dataclass(frozen=True)
class Xid:
    """pci: the GPU's place ("0000:41:00"). at_s: seconds since the machine started; None: not known."""

    number: int
    pci: str
    pid: int | None = None
    at_s: float | None = None

    @property
    def kind(self) -> Kind | None:
        """None: it says nothing of what is to be done."""
        return MEANINGS.get(self.number, (None, ""))[0]

    def __str__(self) -> str:
        meaning = MEANINGS.get(self.number, (None, "NVIDIA's list says what it means"))[1]
        return f"Xid {self.number} of the GPU at {self.pci}: {meaning}"


def parse(line: str, at_s: float | None = None) -> Xid | None:
    """None: it is another line."""
    found = _LINE.search(line)
    if found is None:
        return None
    pid = found["pid"]
    return Xid(int(found["number"]), found["pci"].lower(), None if pid is None else int(pid), at_s)


def since(began_s: float, pid: int, place: str) -> list[Xid]:
    """Those of this process, or of this GPU where they name none, that came after that moment (seconds of
    CLOCK_MONOTONIC), from the kernel's log; nothing where it may not be read. place: as `place_of` says it.

    Takes two seconds at the most; no exception.
    """
    found = _read(KMSG)
    events = _asked() if found is None else found
    return [
        event
        for event in events
        if event.at_s is not None
        and event.at_s >= began_s
        and (event.pid == pid if event.pid is not None else _same(event.pci, place))
    ]


def place_of(device: str, visible: str | None) -> str:
    """Where the GPU of "cuda:N" is; "" when that cannot be said. visible: CUDA_VISIBLE_DEVICES of the process
    that counts so; None when it has none."""
    kind, _, number = device.partition(":")
    if kind != "cuda" or not number.isdigit():
        return ""
    try:
        places = sorted(folder.name.lower() for folder in GPUS.iterdir())  # CUDA_DEVICE_ORDER=PCI_BUS_ID
        listed = range(len(places)) if visible is None else [int(entry) for entry in visible.split(",")]
        return places[listed[int(number)]]
    except (OSError, ValueError, IndexError):
        return ""


def _same(pci: str, place: str) -> bool:
    """ "0000:41:00" of a line is "0000:41:00.0" of a folder."""
    return bool(place) and place.partition(".")[0].endswith(pci.partition(".")[0])


def _read(path: str) -> list[Xid] | None:
    """All that the kernel still has; None: it may not be read. Never waits."""
    try:
        log = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    found: list[Xid] = []
    try:
        read = 0
        while read < MOST:
            try:
                record = os.read(log, 16384)  # one at a time
            except BrokenPipeError:  # the oldest were overwritten meanwhile
                continue
            if not record:
                break
            read += len(record)
            for line in record.decode("utf-8", "replace").splitlines():
                if (told := _RECORD.match(line)) and (
                    event := parse(told["text"], int(told["us"]) / 1e6)
                ) is not None:
                    found.append(event)
    except OSError:  # BlockingIOError: that was all
        pass
    finally:
        os.close(log)
    return found


def _asked() -> list[Xid]:
    program = shutil.which("journalctl")
    if program is None:
        return []
    arguments = ["-k", "-b", "-o", "short-monotonic", "--no-pager", "-q", "-n", "5000"]
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_S, check=False
        ).stdout.decode("utf-8", "replace")
        lines = (_JOURNAL.match(line) for line in said.splitlines() if "NVRM: Xid" in line)
        events = (parse(line["text"], float(line["s"])) for line in lines if line)
        return [event for event in events if event is not None]
    return []
