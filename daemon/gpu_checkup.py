"""What `vigentd doctor` finds about the GPUs that engines work on. Torch is asked in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from daemon.config import Config
from daemon.engines.roster import (
    LATENTSYNC,
    QWEN3,
    chosen_lipsync,
    chosen_speech,
    in_cluster,
    spoken_in_cluster,
)
from daemon.finding import Finding
from models.choose import Choice
from models.cluster.link import LOCAL
from models.errors import Unavailable

PATIENCE_S = 120.0  # the first import of torch after a start of the machine reads gigabytes

_ON_THE_GPU = """
import sys, torch
device = torch.device(sys.argv[1])
some = torch.ones(64, 64, dtype=torch.half, device=device)
some.matmul(some).cpu()
free, total = (f"{size / 1e9:.0f}" for size in torch.cuda.mem_get_info(device))
print(f"{torch.cuda.get_device_name(device)}, {free} of {total} GB free, torch {torch.__version__}")
"""


def devices(config: Config) -> Iterator[Finding]:
    """Each GPU that an engine will use, tried once: they may share one."""
    users: dict[str, list[str]] = {}
    for kind, choose, named in (
        ("speech", chosen_speech, config.speech.devices),
        ("lipsync", chosen_lipsync, config.lipsync.devices),
    ):
        clustered = in_cluster(config) if kind == "lipsync" else spoken_in_cluster(config.settings)
        if clustered and config.cluster.address != LOCAL:
            continue  # the nodes' GPUs are tried there
        with suppress(Unavailable):  # the finding of that engine
            for device in _used(choose(config.settings), named):
                users.setdefault(device, []).append(kind)
    for device, kinds in users.items():
        if device != "cpu":
            yield from _several(device, kinds)
            yield on_its_gpu(f"{' and '.join(dict.fromkeys(kinds))} device {device}", device)


def _used(choice: Choice, named: list[str]) -> list[str]:
    """Of the devices that are named; the draft engines use none."""
    return named if choice.name in (QWEN3, LATENTSYNC) else [choice.device]


def _several(device: str, kinds: list[str]) -> Iterator[Finding]:
    for kind in dict.fromkeys(kinds):
        if kinds.count(kind) > 1:
            fix = "Name it once: two of them on one GPU are no quicker, and take twice its memory."
            yield Finding(f"{kind}.device", "warn", f"{device} is named {kinds.count(kind)} times", fix)


def on_its_gpu(name: str, device: str) -> Finding:
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
