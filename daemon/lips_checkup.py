"""What `vigentd doctor` finds about the lip-sync engine. Torch is asked in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from daemon.config import Config
from daemon.engines.roster import jitter
from daemon.finding import Finding
from models.choose import choose_lipsync
from models.latentsync.files import HINT, files_in
from models.latentsync.needs import absent_files

PATIENCE_S = 120.0  # the first import of torch after a start of the machine reads gigabytes

_ON_THE_GPU = """
import sys, torch
device = torch.device(sys.argv[1])
some = torch.ones(64, 64, dtype=torch.half, device=device)
some.matmul(some).cpu()
free, total = (f"{size / 1e9:.0f}" for size in torch.cuda.mem_get_info(device))
print(f"{torch.cuda.get_device_name(device)}, {free} of {total} GB free, torch {torch.__version__}")
"""


def lipsync_engine(config: Config) -> Iterator[Finding]:
    """Which one will serve; if it is not the real one, why. Raises Unavailable `engine_missing`."""
    settings = config.lipsync
    choice = choose_lipsync(settings.engine, settings.device, config.weights)
    if choice.note:
        yield Finding("lipsync engine", "warn", choice.note, choice.fix)
    else:
        yield Finding("lipsync engine", "ok", choice.name)
    if settings.engine == "mouthwarp":
        return
    yield from _weights(config.weights)
    if choice.name == "mouthwarp":
        return
    if settings.device != "cpu":
        yield _on_its_gpu(settings.device)
    if warning := jitter(settings):
        yield Finding("lipsync guidance", "warn", warning, "Set it lower; 1.5 is usual.")
    if settings.alignment == "insightface" and find_spec("insightface") is None:
        fix = 'Install it (README.md, "Lips by LatentSync"), or set lipsync.alignment = "mediapipe".'
        yield Finding("lipsync alignment", "fail", "insightface is not installed", fix)


def _weights(folder: Path) -> Iterator[Finding]:
    """When some are there; where none is, that is the engine's finding."""
    files = files_in(folder)
    there = [path for path in (files.unet, files.vae_weights, files.whisper) if path.exists()]
    if not there:
        return
    if absent := absent_files(folder):
        yield Finding("lipsync weights", "warn", f"in {folder}, but not {', '.join(absent)}", HINT)
    else:
        sizes = (f"{path.relative_to(folder)} {path.stat().st_size / 1e9:.2f} GB" for path in there)
        yield Finding("lipsync weights", "ok", f"in {folder}: {', '.join(sizes)}")


def _on_its_gpu(device: str) -> Finding:
    name = f"lipsync device {device}"
    environment = os.environ | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    try:
        trial = subprocess.run(
            [sys.executable, "-P", "-c", _ON_THE_GPU, device],
            env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        reason = f"it did not answer within {PATIENCE_S:.0f} s"
    else:
        if trial.returncode == 0:
            return Finding(name, "ok", trial.stdout.strip())
        reason = (trial.stderr.strip().splitlines() or ["torch crashed"])[-1]
    fix = "Is the driver new enough for this torch, and the GPU free? `nvidia-smi` shows both."
    return Finding(name, "fail", f"torch cannot use it: {reason}", fix)
