"""Whisper hears: it finds the words of a known text in a sound, and writes down what is said.

Its weights lie in the folder of all weights, as one of their two homes has them:

whisper/small.pt                                  openai's own file
whisper-small/config.json, model.safetensors      openai/whisper-small on huggingface.co
"""

from __future__ import annotations

from pathlib import Path

NAME, VERSION = "whisper", 1  # raise the version with every change of a time
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_ALSO = {"turbo": "large-v3-turbo"}  # the name that it has at home


def find(folder: Path, model: str) -> Path | None:
    """The file, or else the folder, with the weights of this Whisper; None when neither is there.

    folder: where the weights of all models lie. model: as in `whisper.model`. Loads nothing.
    Raises Unavailable weights_wrong when a folder may not be entered.
    """
    from models.weight_files import is_there

    names = [model, _ALSO[model]] if model in _ALSO else [model]
    for name in names:
        if is_there(folder / "whisper" / f"{name}.pt"):
            return folder / "whisper" / f"{name}.pt"
    for name in names:
        home = folder / f"whisper-{name}"
        if is_there(home / CONFIG) and is_there(home / WEIGHTS):
            return home
    return None
