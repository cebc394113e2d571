"""Work on a GPU that is not the first. Tensors know where they are; Triton's kernels, CUDA graphs, and what
asks for "cuda", go to the current one, whatever they are given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def on_device(device: torch.device) -> Iterator[None]:
    """Meanwhile it is the current one; a CPU always is."""
    if device.type != "cuda":
        yield
    else:
        with torch.cuda.device(device):
            yield
