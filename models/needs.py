"""What engines need of a machine (a GPU, torch, packages), and what of it is missing here. Loads nothing of
what it looks for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from models import gpus

TRY = "`nvidia-smi` must list it; the draft engine is good enough to try everything."


@dataclass(frozen=True)
class Machine:
    """gpus: how many can be used. torch: its version, such as "2.13.0+cpu"; "" when it is not installed.

    without: the packages that were looked for and are not installed.
    """

    gpus: int
    torch: str
    without: Sequence[str] = ()

    @classmethod
    def here(cls, packages: Sequence[str]) -> Machine:
        """packages: to look for, beside torch."""
        try:
            torch = version("torch")
        except PackageNotFoundError:
            torch = ""
        return cls(gpus.usable(os.environ), torch, [name for name in packages if find_spec(name) is None])


@dataclass(frozen=True)
class Lack:
    """why: what is missing, to go on after a colon. fix: what to do about it, a sentence."""

    why: str
    fix: str


def device_lack(setting: str, device: str, machine: Machine) -> Lack | None:
    """setting: of which the device is the value, such as "lipsync.device"; devices, with commas between."""
    lacks = (_device_lack(setting, one, machine) for one in device.split(","))
    return next((lack for lack in lacks if lack is not None), None)


def _device_lack(setting: str, device: str, machine: Machine) -> Lack | None:
    if device == "cpu":
        return None
    number = int(device.removeprefix("cuda:"))
    if number < machine.gpus:
        return None
    if machine.gpus == 0:
        return Lack("no NVIDIA GPU can be used here", f"{setting} is {device}: {TRY}")
    if machine.gpus > 1:
        last = f'Set {setting} = "cuda:{machine.gpus - 1}" in vigentd.toml, the last one that is there.'
        return Lack(f"only {machine.gpus} GPUs can be used here ({setting} is {device})", last)
    share = f'Set {setting} = "cuda:0" in vigentd.toml: speech and lips can share one GPU.'
    if number == 1:
        return Lack(f"there is no second GPU ({setting} is {device})", share)
    return Lack(f"only one GPU can be used here ({setting} is {device})", share)


def torch_lack(device: str, machine: Machine, packages: Sequence[str]) -> Lack | None:
    """packages: that are needed beside it, of those that the machine was searched for."""
    if not machine.torch:
        return Lack("torch is not installed", "Run `make install-all`.")
    if device != "cpu" and machine.torch.endswith("+cpu"):
        fix = "Remove it (`.venv/bin/pip uninstall torch`) and run `./setup.sh models` without TORCH_INDEX."
        return Lack(f"torch is installed for CPUs only ({machine.torch})", fix)
    for name in packages:
        if name in machine.without:
            return Lack(f"{name} is not installed", "Run `make install-all`.")
    return None
