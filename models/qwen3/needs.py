"""What Qwen3-TTS needs of a machine, and what of it is missing here. Loads nothing of what it looks for."""

from __future__ import annotations

from pathlib import Path

from models.errors import Unavailable
from models.needs import Lack, Machine, device_lack, torch_lack
from models.qwen3.checkpoint import folder_of, missing

PACKAGES = ("transformers", "qwen_tts")  # beside torch
GRAPHS = "faster_qwen3_tts"  # where there is a GPU
FLASH_PACKAGE = "flash_attn"  # only when it is asked for
LOOKED_FOR = (*PACKAGES, GRAPHS, FLASH_PACKAGE)
SDPA, FLASH = "sdpa", "flash_attention_2"  # attention, as transformers calls it

TOO_SLOW = Lack(
    "speech.device is cpu, where a second of speech takes many seconds",
    'Set speech.device to a GPU, such as "cuda:0", in vigentd.toml.',
)


def lack(
    device: str,
    folder: Path,
    model: str,
    machine: Machine,
    precision: str = "auto",
    attention: str = "auto",
) -> Lack | None:
    """What comes first of all that is missing for Qwen3-TTS on this device, or None: it can serve.

    folder: where the weights of the models lie. model: `speech.model`; so are the others.
    """
    try:
        return (
            machine_lack(device, machine)
            or (_flash(device, precision, machine) if attention == "flash" else None)
            or _weights(folder, model)
        )
    except Unavailable as error:  # a folder that may not be entered
        return Lack(error.message, error.hint)


def machine_lack(device: str, machine: Machine) -> Lack | None:
    """As `lack`, whatever weights there are."""
    packages = PACKAGES if device == "cpu" else (*PACKAGES, GRAPHS)
    return device_lack("speech.device", device, machine) or torch_lack(device, machine, packages)


def _flash(device: str, precision: str, machine: Machine) -> Lack | None:
    instead = 'Set speech.attention = "auto" in vigentd.toml: torch has an attention of its own.'
    if FLASH_PACKAGE in machine.without:
        return Lack(f"speech.attention is flash, and {FLASH_PACKAGE} is not installed", instead)
    if device == "cpu" or precision == "fp32":
        return Lack("speech.attention is flash, which works on a GPU in bf16 or fp16 only", instead)
    return None


def _weights(folder: Path, model: str) -> Lack | None:
    own = folder_of(folder, model)
    pull = f"Run `vigentd models pull {own.name}`."
    absent = [str(path.relative_to(own)) for path in missing(folder, model)]
    if not absent:
        return None
    if not own.exists():
        return Lack(f"Qwen3-TTS's weights are not in {folder}: there is no {own.name}", pull)
    are = "is" if len(absent) == 1 else "are"
    return Lack(f"Qwen3-TTS's weights in {own} are not complete: {', '.join(absent)} {are} missing", pull)
