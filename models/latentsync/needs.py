"""What LatentSync needs of a machine, and what of it is missing here. Loads nothing of what it looks for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from models import gpus
from models.errors import Unavailable
from models.latentsync.files import HINT, files_in, missing
from models.latentsync.reading import is_there

PACKAGES = ("diffusers", "whisper")  # beside torch
INSIGHTFACE = ("insightface", "onnxruntime")  # packages; the first does not bring the second along
INSIGHTFACE_MODELS = Path(".insightface/models/buffalo_l")  # in the home folder: its own command's place
DETECTOR, LANDMARKS = "det_10g.onnx", "2d106det.onnx"
TRY = "`nvidia-smi` must list it; the draft engine is good enough to try everything."


@dataclass(frozen=True)
class Machine:
    """gpus: how many can be used. torch: its version, such as "2.13.0+cpu"; "" when it is not installed.

    without: the other packages that are not installed.
    """

    gpus: int
    torch: str
    without: Sequence[str] = ()

    @classmethod
    def here(cls) -> Machine:
        try:
            torch = version("torch")
        except PackageNotFoundError:
            torch = ""
        return cls(gpus.usable(os.environ), torch, [name for name in PACKAGES if find_spec(name) is None])


@dataclass(frozen=True)
class Lack:
    """why: what is missing, to go on after a colon. fix: what to do about it, a sentence."""

    why: str
    fix: str


TOO_SLOW = Lack(
    "lipsync.device is cpu, where a second of video takes minutes",
    'Set lipsync.device to a GPU, such as "cuda:0", in vigentd.toml.',
)


def lack(device: str, folder: Path, machine: Machine, alignment: str = "mediapipe") -> Lack | None:
    """What comes first of all that is missing for LatentSync on this device, or None: it can serve.

    folder: where the weights of the models lie.
    """
    try:
        return (
            _device(device, machine)
            or _torch(device, machine)
            or _weights(folder)
            or alignment_lack(alignment, Path.home())
        )
    except Unavailable as error:  # a folder that may not be entered
        return Lack(error.message, error.hint)


def _device(device: str, machine: Machine) -> Lack | None:
    if device == "cpu":
        return None
    number = int(device.removeprefix("cuda:"))
    if number < machine.gpus:
        return None
    if machine.gpus == 0:
        return Lack("no NVIDIA GPU can be used here", f"LatentSync needs one. {TRY}")
    if machine.gpus > 1:
        last = f'Set lipsync.device = "cuda:{machine.gpus - 1}" in vigentd.toml, the last one that is there.'
        return Lack(f"only {machine.gpus} GPUs can be used here (lipsync.device is {device})", last)
    share = 'Set lipsync.device = "cuda:0" in vigentd.toml: speech and lips can share one GPU.'
    if number == 1:
        return Lack(f"there is no second GPU (lipsync.device is {device})", share)
    return Lack(f"only one GPU can be used here (lipsync.device is {device})", share)


def _torch(device: str, machine: Machine) -> Lack | None:
    if not machine.torch:
        return Lack("torch is not installed", "Run `make install-all`.")
    if device != "cpu" and machine.torch.endswith("+cpu"):
        fix = "Remove it (`.venv/bin/pip uninstall torch`) and run `./setup.sh models` without TORCH_INDEX."
        return Lack(f"torch is installed for CPUs only ({machine.torch})", fix)
    if machine.without:
        return Lack(f"{machine.without[0]} is not installed", "Run `make install-all`.")
    return None


def absent_files(folder: Path) -> list[str]:
    """Files of weights that are not there, as they are called in the folder. Raises Unavailable."""
    return [str(path.relative_to(folder)) for path in missing(files_in(folder))]


def _weights(folder: Path) -> Lack | None:
    absent = absent_files(folder)
    if not absent:
        return None
    are = "is" if len(absent) == 1 else "are"
    return Lack(f"LatentSync's weights are not in {folder}: {', '.join(absent)} {are} missing", HINT)


def alignment_lack(alignment: str, home: Path) -> Lack | None:
    """What is missing for `lipsync.alignment`, which comes from others. Raises Unavailable.

    home: the user's folder, where the models are.
    """
    if alignment != "insightface":
        return None
    asked, instead = "lipsync.alignment is insightface, and", 'set lipsync.alignment = "mediapipe".'
    tools = Path(sys.executable).parent
    if without := [name for name in INSIGHTFACE if find_spec(name) is None]:
        install = f"`{tools / 'pip'} install insightface onnxruntime-gpu`"
        return Lack(f"{asked} {without[0]} is not installed", f"Install it with {install}, or {instead}")
    folder = home / INSIGHTFACE_MODELS
    absent = [name for name in (DETECTOR, LANDMARKS) if not is_there(folder / name)]
    if not absent:
        return None
    are = "is" if len(absent) == 1 else "are"
    get = f"`{tools / 'insightface-cli'} model.download buffalo_l`"
    fix = f"If its licence (no commercial use) suits you, get it with {get}, or {instead}"
    return Lack(f"{asked} {' and '.join(absent)} {are} not in {folder}", fix)
