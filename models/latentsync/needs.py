"""What LatentSync needs of a machine, and what of it is missing here. Loads nothing of what it looks for."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from models.errors import Unavailable
from models.latentsync.files import HINT, files_in, missing
from models.needs import Lack, Machine, device_lack, torch_lack
from models.weight_files import is_there

PACKAGES = ("diffusers", "whisper")  # beside torch
INSIGHTFACE = ("insightface", "onnxruntime")  # packages; the first does not bring the second along
INSIGHTFACE_MODELS = Path(".insightface/models/buffalo_l")  # in the home folder: its own command's place
DETECTOR, LANDMARKS = "det_10g.onnx", "2d106det.onnx"

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
            device_lack("lipsync.device", device, machine)
            or torch_lack(device, machine, PACKAGES)
            or _weights(folder)
            or alignment_lack(alignment, Path.home())
        )
    except Unavailable as error:  # a folder that may not be entered
        return Lack(error.message, error.hint)


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
