"""A glance at the files of weights, without torch and in a blink: can each be what it is called?

What only reading all of a file would show is found when it is loaded (weights.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import BinaryIO

from models.errors import Unavailable
from models.latentsync.files import Files
from models.weight_files import (
    MOST,
    SAFETENSORS,
    TORCH,
    is_there,
    no_checkpoint,
    pickled,
    read_json,
    unreadable,
    wrong,
)

# Some of each network's weights that no other's file has under these names.
UNET = ("conv_in.weight", "down_blocks.0.motion_modules.")
WHISPER = ("model_state_dict", "encoder.blocks.0.attn.query.weight")
VAE = ("encoder.down_blocks.0.resnets.0.conv1.weight", "quant_conv.weight")
FIFTH_LAYER = "encoder.blocks.4."  # Whisper tiny has four, and every other more

OLD_TORCH = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # begins what torch < 1.6 saved


def glance(files: Files) -> list[Unavailable]:
    """Of each file that is there the first thing that is wrong with it (weights_wrong, or cannot be read)."""
    looks: list[tuple[Path, Callable[[Path], object]]] = [
        (files.unet, _unet),
        (files.unet_config, read_json),
        (files.whisper, _whisper),
        (files.vae_config, read_json),
        (files.vae_weights, _vae),
    ]
    found = []
    for path, look in looks:
        try:
            if is_there(path):
                look(path)
        except Unavailable as error:
            found.append(error)
        except OSError as error:
            found.append(unreadable(path, error))
    return found


def _unet(path: Path) -> None:
    _need(path, UNET, _names(path))


def _whisper(path: Path) -> None:
    names = _names(path)
    _need(path, WHISPER, names)
    if names is not None and FIFTH_LAYER in names:
        raise wrong(
            path,
            "is another Whisper than the network was trained with: expected tiny, found a larger one",
            "Take whisper/tiny.pt of ByteDance/LatentSync-1.6.",
        )


def _vae(path: Path) -> None:
    with path.open("rb") as file:
        header = _header(file, path.stat().st_size)
    if header is None:
        raise no_checkpoint(path, SAFETENSORS)
    _need(path, VAE, header)


def _need(path: Path, names: Collection[str], found: Collection[str] | None) -> None:
    """found: the names that are there, or a text that has them in it; None: not known."""
    for name in names:
        if found is not None and name not in found:
            raise wrong(path, f"has other weights than expected: {name.rstrip('.')} is missing")


def _names(path: Path) -> str | None:
    """A text with the names of a checkpoint's tensors in it; None for the old kind of file, where they stand
    among the tensors."""
    with path.open("rb") as file:
        if file.read(len(OLD_TORCH)) == OLD_TORCH:
            return None
        try:
            return pickled(file).decode("latin-1")
        except OSError:
            raise
        except Exception as error:  # a file that is no archive can make its reader raise anything
            raise no_checkpoint(path, TORCH) from error


def _header(file: BinaryIO, size: int) -> Collection[str] | None:
    """Names of the tensors in a file of safetensors; None when it is not one, or not a whole one."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, MOST):
        return None
    try:
        header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        whole = max(ends) == size - 8 - length
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None
    return set(header) if whole else None
