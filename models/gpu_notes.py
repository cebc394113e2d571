"""For the logs of engines: what they hold of their GPU, and what of them had to be compiled."""

from __future__ import annotations

import sys

import torch


def held(device: torch.device) -> str:
    """ ", 11.9 GB of the GPU"; "" on a CPU."""
    if device.type != "cuda":
        return ""
    return f", {torch.cuda.memory_reserved(device) / 1e9:.1f} GB of the GPU"


def compiled() -> str:
    """ ", graphs: 4, from the cache: 3" since this process began; "" when none was compiled."""
    dynamo = sys.modules.get("torch._dynamo.utils")  # large, and not there where nothing is compiled
    graphs = dynamo.counters["aot_autograd"] if dynamo else {}
    if not graphs.get("total"):
        return ""
    return f", graphs: {graphs['total']}, from the cache: {graphs['autograd_cache_hit']}"
