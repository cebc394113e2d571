"""Checkpoint files: read without trusting them, laid into a network strictly."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.errors import Unavailable

HINT = "Download the file again; it may have been cut short, or be of another version."


def wrong(path: Path, message: str, hint: str = HINT) -> Unavailable:
    """What is wrong with a weights file: "{path} {message}"."""
    return Unavailable(f"{path} {message}", code="weights_wrong", hint=hint)


def read_torch(path: Path) -> Any:
    """What torch.save wrote: tensors, pages of the file until they are copied, and plain values."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except OSError as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # a file that is no checkpoint can make its reader raise anything
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):  # a class or a function
            hint = "Take the file from where its makers published it."
            raise wrong(path, "holds more than weights, such as code, and was not loaded", hint) from error
        message = f"is not a checkpoint: expected what torch.save writes, found {_kind(path)}"
        raise wrong(path, message) from error


def read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise wrong(path, f"is not a checkpoint: expected safetensors, found {_kind(path)}") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise wrong(path, f"is not a configuration: expected JSON, found {_kind(path)}") from error
    if not isinstance(value, dict):
        raise wrong(path, f"is not a configuration: expected a JSON object, found a {type(value).__name__}")
    return value


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
    there = {name: tensor.to(device, dtype) for name, tensor in tensors.items()}
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


def _unreadable(path: Path, error: OSError) -> Unavailable:
    hint = "Check the disk and the file's permissions."
    return wrong(path, f"cannot be read: {error.strerror or error}", hint)


def _kind(path: Path) -> str:
    """What stands in a file's place, for somebody who believes that it is a checkpoint."""
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(64)
    if not size:
        return "an empty file"
    if begin.startswith(b"version https://git-lfs"):
        return "a pointer of git-lfs (`git lfs pull` fetches the file itself)"
    if begin.lstrip()[:1] == b"<":
        return "a web page"
    if path.suffix == ".pt" and begin.startswith(b"PK"):
        return f"one that ends too early, after {size:,} bytes"
    return f"something else, or a part of one ({size:,} bytes)"
