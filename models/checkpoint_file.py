"""Checkpoint files: read without trusting them, laid into a network strictly."""

from __future__ import annotations

import io
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.beats import beat
from models.weight_files import MOST, SAFETENSORS, TORCH, no_checkpoint, pickled, unreadable, wrong

NAMING = ("GLOBAL", "STACK_GLOBAL", "INST")  # pickle's opcodes for a class or a function


def read_torch(path: Path) -> Any:
    """What torch.save wrote: tensors, pages of the file until they are copied, and plain values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that it then reads, or refuses
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # a file that is no checkpoint can make its reader raise anything
        if isinstance(error, pickle.UnpicklingError) and _of_code(path, str(error)):
            hint = "Take the file from where its makers published it."
            raise wrong(path, "holds more than weights, such as code, and was not loaded", hint) from error
        raise no_checkpoint(path, TORCH) from error


def _of_code(path: Path, refusal: str) -> bool:
    """Whether torch has refused the file for naming a class or a function.

    Of newer pickles than it knows it only says that it does not understand them; then these are looked
    through, and not unpickled.
    """
    if "operand" not in refusal:
        return "GLOBAL" in refusal
    try:
        with path.open("rb") as file:
            pickles = io.BytesIO(pickled(file) if zipfile.is_zipfile(path) else file.read(MOST))
        while True:  # torch < 1.6 saved several, one after the other
            if any(code.name in NAMING for code, _, _ in pickletools.genops(pickles)):
                return True
    except Exception:  # there is none left, or it was none
        return False


def read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise no_checkpoint(path, SAFETENSORS) from error
    except OSError as error:
        raise unreadable(path, error) from error


@contextmanager
def describing(path: Path, what: str) -> Iterator[None]:
    """Around the making of a module from what a file says: what fails there is the file's fault."""
    try:
        yield
    except Exception as error:  # what nonsense leads to is the library's own affair
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise wrong(path, f"does not describe {what}: {reason}") from error


def tensors_of(path: Path, state: Any) -> dict[str, Tensor]:
    """A checkpoint's tensors by name, without the `module.` that training on several GPUs puts before all."""
    named = isinstance(state, Mapping) and all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    )
    if not named:
        raise wrong(path, "is not a checkpoint: expected tensors by name, found something else")
    if all(key.startswith("module.") for key in state):
        return {key.removeprefix("module."): tensor for key, tensor in state.items()}
    return dict(state)


def fill(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    path: Path,
    device: torch.device | str,
    dtype: torch.dtype,
) -> None:
    """Gives a module, which may be on `meta`, all of its weights, one after the other, so that there is no
    second copy of them in memory. On a CPU and in the file's own dtype they stay pages of the file, which may
    then be replaced, but not written to.

    tensors: by the module's names. Raises Unavailable weights_wrong when they are not just what it needs.
    """
    _compare(module.state_dict(), tensors, path)
    there = {}
    for name, tensor in tensors.items():
        there[name] = tensor.to(device, dtype)  # now it is read
        beat()
    module.load_state_dict(there, strict=True, assign=True)


def _compare(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    if missing or unknown:
        example = f"{missing[0]} is missing" if missing else f"{unknown[0]} has no place"
        raise wrong(
            path,
            f"has other weights than expected: of {len(wanted)}, {len(missing)} are missing, and "
            f"{len(unknown)} are unknown (the first: {example})",
        )
    differing = [name for name in wanted if wanted[name].shape != found[name].shape]
    if differing:
        first = differing[0]
        raise wrong(
            path,
            f"has weights of another shape than expected, {len(differing)} of {len(wanted)} (the first: "
            f"{first}, expected {list(wanted[first].shape)}, found {list(found[first].shape)})",
        )
