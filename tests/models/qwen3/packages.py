"""Installations that lack what the speech stack imports and does not need, or have it broken."""

from __future__ import annotations

from pathlib import Path

import torch

UNNEEDED = ("torchaudio", "onnxruntime", "sox")
# Slow to import, and only imported where they are there.
SLOW = ("sklearn", "pandas", "matplotlib", "tensorflow", "jax", "jaxlib", "triton", "accelerate")


def without_unneeded(folder: Path) -> Path:
    """This installation without them."""
    folder.mkdir()
    for entry in Path(torch.__file__).resolve().parents[1].iterdir():
        name = entry.name.split("-")[0].split(".")[0].lower()
        if name not in (*UNNEEDED, *SLOW) and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def break_unneeded(folder: Path) -> Path:
    """To be looked into before this installation: what is here cannot be imported."""
    for name in UNNEEDED:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise OSError('built for another machine')\n")
    return folder
