"""What Whisper needs of a machine, and what of it is missing here. Loads nothing of what it looks for."""

from __future__ import annotations

from pathlib import Path

from models.errors import Unavailable
from models.needs import Lack, Machine, torch_lack
from models.whisper import find
from models.whisper.glance import damage

PACKAGES = ("whisper",)  # beside torch


def lack(folder: Path, model: str, machine: Machine) -> Lack | None:
    """What comes first of all that is missing for Whisper, on any device, or None: it can serve.

    folder: where the weights of the models lie. model: `whisper.model`.
    """
    try:
        return torch_lack("cpu", machine, PACKAGES) or _weights(folder, model)
    except Unavailable as error:  # a folder that may not be entered
        return Lack(error.message, error.hint)


def listener_lack(folder: Path, model: str, machine: Machine) -> Lack | None:
    """As `lack`, for `speech.verify`, which needs it."""
    lacks = lack(folder, model, machine)
    if lacks is None:
        return None
    return Lack(f"speech.verify is on, and {lacks.why}", f"{lacks.fix} Or set speech.verify = false.")


def _weights(folder: Path, model: str) -> Lack | None:
    if wrong := damage(folder, model):
        return Lack(wrong.message, wrong.hint)
    if find(folder, model) is not None:
        return None
    why = f"Whisper's weights are not in {folder}: neither whisper/{model}.pt nor whisper-{model}/ is there"
    return Lack(why, f"Run `vigentd models pull whisper-{model}`.")
