"""A glance at the files of weights, without torch and in a blink: can each be what it is called?

What only reading all of a file would show is found when it is loaded (weights.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from models.errors import Unavailable
from models.latentsync.files import Files
from models.weight_files import header, is_there, names_in, read_json, unreadable, wrong

# Some of each network's weights that no other's file has under these names.
UNET = ("conv_in.weight", "down_blocks.0.motion_modules.")
WHISPER = ("model_state_dict", "encoder.blocks.0.attn.query.weight")
VAE = ("encoder.down_blocks.0.resnets.0.conv1.weight", "quant_conv.weight")
FIFTH_LAYER = "encoder.blocks.4."  # Whisper tiny has four, and every other more


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
    _need(path, UNET, names_in(path))


def _whisper(path: Path) -> None:
    names = names_in(path)
    _need(path, WHISPER, names)
    if names is not None and FIFTH_LAYER in names:
        raise wrong(
            path,
            "is another Whisper than the network was trained with: expected tiny, found a larger one",
            "Take whisper/tiny.pt of ByteDance/LatentSync-1.6.",
        )


def _vae(path: Path) -> None:
    _need(path, VAE, header(path))


def _need(path: Path, names: Collection[str], found: Collection[str] | None) -> None:
    """found: the names that are there, or a text that has them in it; None: not known."""
    for name in names:
        if found is not None and name not in found:
            raise wrong(path, f"has other weights than expected: {name.rstrip('.')} is missing")
