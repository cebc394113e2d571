"""What a host is, and how its process starts: its device, its log, its temporary files, its ties to us."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models import gpus, host_log
from models.errors import BadInput, Unavailable
from models.process import Process

SECRETS = ("VIGENTD_TELEGRAM__TOKEN", "VIGENTD_PUBLISH__TARGET")  # are for the daemon alone
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}  # nothing is downloaded by surprise
_ROOT = Path(__file__).resolve().parents[1]  # what holds the package `models`


@dataclass(frozen=True)
class Plan:
    """name:      "speech", "lipsync", "media", "door".
    load:      "package.module:function" that returns the engine; "" for a host without one.
    arguments: that function's keyword arguments, JSON values.
    device:    "cpu" or "cuda:N"; the process sees no other.
    preload:   modules that are imported while it loads, so that the first job does not pay for it.
    """

    name: str
    load: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    preload: tuple[str, ...] = ()


def launch(plan: Plan, log: Path, scratch: Path) -> Process:
    """log: what the process and its libraries print is appended to it. scratch: emptied; its TMPDIR.

    Raises OSError; BadInput `device_unknown`; Unavailable `device_missing`.
    """
    environment = _environment(plan, scratch)
    _make_private(log.parent)
    _make_private(scratch.parent)
    if scratch.exists():
        shutil.rmtree(scratch)
    scratch.mkdir(mode=0o700)
    with ExitStack() as opened:
        ours, theirs = socket.socketpair()
        opened.enter_context(theirs)
        held, lifeline = os.pipe()
        opened.callback(os.close, held)
        with ExitStack() as ties:
            ties.enter_context(ours)
            ties.callback(os.close, lifeline)
            output = host_log.opened(log)
            opened.callback(os.close, output)
            passed = (theirs.fileno(), held)
            popen = subprocess.Popen(
                # -P: what lies in the current folder is not ours to import
                # … and its name is for those who look at what runs
                [sys.executable, "-P", "-m", "models.resident", *map(str, passed), plan.name],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=passed,
                env=environment,
                process_group=0,  # Ctrl-C in a terminal is not for it, and one kill reaches all of it
            )
            ties.pop_all()
    return Process(popen, ours, lifeline)


def _environment(plan: Plan, scratch: Path) -> dict[str, str]:
    path = [str(_ROOT), os.environ.get("PYTHONPATH", "")]  # the same `models` as ours, before any other
    secrets = secrets_of(os.environ)
    return {name: value for name, value in os.environ.items() if name not in secrets} | {
        **OFFLINE,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # as nvidia-smi counts
        gpus.VISIBLE: visible(plan.device, os.environ),
        gpus.OF_THE_DAEMON: gpus.of_the_daemon(os.environ),
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "TMPDIR": str(scratch),
    }


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What of it is for nobody else. The configuration takes names in small letters, too."""
    return {name: value for name, value in environment.items() if name.upper() in SECRETS}


def visible(device: str, environment: Mapping[str, str]) -> str:
    """CUDA_VISIBLE_DEVICES for this device, counted among those that we may use ourselves."""
    kind, _, number = device.partition(":")
    if device == "cpu":
        return ""
    if kind != "cuda" or not (number.isascii() and number.isdigit()):
        raise BadInput(
            f"The device {device} is not known",
            code="device_unknown",
            hint='Use "cpu", "cuda:0", "cuda:1" and so on',
        )
    listed = environment.get(gpus.VISIBLE)
    if listed is None:
        return str(int(number))
    allowed = gpus.entries(listed)
    if int(number) >= len(allowed):
        raise Unavailable(
            f"There is no device {device}: CUDA_VISIBLE_DEVICES={listed} leaves {len(allowed)} to use",
            code="device_missing",
            hint="Use another device, or let CUDA_VISIBLE_DEVICES name more of them",
        )
    return allowed[int(number)]


def _make_private(folder: Path) -> None:
    """With those above it that are missing; what is there keeps its rights."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
