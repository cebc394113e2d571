"""A glance at Whisper's weights, without torch and in a blink: can they be what they are called?

What only reading all of them would show is found when they are loaded (weights.py).
"""

from __future__ import annotations

from pathlib import Path

from models.errors import Unavailable
from models.weight_files import header, names_in, read_json, unreadable, wrong
from models.whisper import CONFIG, DECODERS, WEIGHTS, find


def damage(folder: Path, model: str) -> Unavailable | None:
    """The first thing that is wrong with what `find` finds (weights_wrong); None when nothing is, or when
    there is nothing."""
    try:
        found = find(folder, model)
        if found is not None:
            _look(found, model)
    except Unavailable as error:
        return error
    return None


def _look(found: Path, model: str) -> None:
    if found.suffix != ".pt":
        read_json(found / CONFIG)
        _check(found / WEIGHTS, " ".join(header(found / WEIGHTS)), "decoder.layers.", model)
        return
    try:
        names = names_in(found)
    except OSError as error:
        raise unreadable(found, error) from error
    if names is not None:
        _check(found, names, "decoder.blocks.", model)


def _check(path: Path, names: str, layer: str, model: str) -> None:
    """names: of its weights, in one text. layer: how those of the decoder's layers begin."""
    layers, _ = DECODERS[model]
    if f"{layer}0." not in names:
        raise wrong(path, f"has other weights than expected: {layer}0 is missing")
    if f"{layer}{layers - 1}." not in names or f"{layer}{layers}." in names:
        raise wrong(
            path,
            f"is another Whisper than {model}: it has not the {layers} layers that were expected",
            f"Take the file of {model}, or set whisper.model to what it is.",
        )
