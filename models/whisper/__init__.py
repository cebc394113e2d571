"""Whisper hears: it finds the words of a known text in a sound, and writes down what is said.

Its weights lie in the folder of all weights, as one of their two homes has them:

whisper/small.pt                                  openai's own file
whisper-small/config.json, model.safetensors      openai/whisper-small on huggingface.co
"""

from __future__ import annotations

from pathlib import Path

NAME, VERSION = "whisper", 1  # raise the version with every change of a time
CONFIG, WEIGHTS = "config.json", "model.safetensors"
# Layers and heads of the decoder, by which the sizes differ.
DECODERS = {
    "tiny": (4, 6),
    "base": (6, 8),
    "small": (12, 12),
    "medium": (24, 16),
    "large-v3": (32, 20),
    "turbo": (4, 20),
}
_ALSO = {"turbo": "large-v3-turbo"}  # the name that it has at home


def find(folder: Path, model: str) -> Path | None:
    """The folder, or else the file, with the weights of this Whisper; None when neither is there. The folder
    comes first because it is what `models pull` brings where a file is damaged.

    folder: where the weights of all models lie. model: as in `whisper.model`. Loads nothing.
    Raises Unavailable weights_wrong when a folder may not be entered.
    """
    from models.weight_files import is_there

    names = [model, _ALSO[model]] if model in _ALSO else [model]
    for name in names:
        home = folder / f"whisper-{name}"
        if is_there(home / CONFIG) and is_there(home / WEIGHTS):
            return home
    for name in names:
        if is_there(folder / "whisper" / f"{name}.pt"):
            return folder / "whisper" / f"{name}.pt"
    return None
