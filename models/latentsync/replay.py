"""Work for a GPU that is launched as a whole: recorded once, as a CUDA graph, and then played again.

A step of the network is thousands of kernels. Launched one by one from Python they wait for the interpreter,
which other threads hold meanwhile to decode and compress pictures, and the GPU runs dry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Outputs = Tensor | tuple[Tensor, ...]
TRIALS = 2  # before recording: what is compiled or allocated at the first call must not be recorded


class Replayed:
    """A function of tensors on a GPU, recorded for each set of shapes when they first come.

    What it returns is overwritten by its next call. pool: of torch.cuda.graph_pool_handle(), memory for what
    is only needed within a call; functions may share one, for they are called one after the other.
    """

    def __init__(self, function: Callable[..., Outputs], pool: Any) -> None:
        self._function, self._pool = function, pool
        self._recordings: dict[tuple[torch.Size, ...], _Recording] = {}

    def __call__(self, *inputs: Tensor) -> Outputs:
        shapes = tuple(tensor.shape for tensor in inputs)
        recording = self._recordings.get(shapes)
        if recording is None:
            recording = self._recordings[shapes] = _record(self._function, inputs, self._pool)
        return recording(inputs)


@dataclass(frozen=True)
class _Recording:
    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    outputs: Outputs

    def __call__(self, inputs: tuple[Tensor, ...]) -> Outputs:
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.graph.replay()
        return self.outputs


def _record(function: Callable[..., Outputs], inputs: tuple[Tensor, ...], pool: Any) -> _Recording:
    own = tuple(tensor.clone(memory_format=torch.contiguous_format) for tensor in inputs)
    outputs = _tried(function, own)
    torch.cuda.empty_cache()
    graph = torch.cuda.CUDAGraph()
    # Other threads send pictures to the GPU meanwhile; that is none of the recording's business.
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        for kept, made in zip(_listed(outputs), _listed(function(*own)), strict=True):
            kept.copy_(made)  # out of the pool, which the next recording uses, too
        del made
    return _Recording(graph, own, outputs)


def _tried(function: Callable[..., Outputs], inputs: tuple[Tensor, ...]) -> Outputs:
    """Run as it must be before it is recorded, in a stream beside the main one; tensors like its outputs."""
    beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(TRIALS):
            made = function(*inputs)
    torch.cuda.current_stream().wait_stream(beside)
    like = [tensor.clone() for tensor in _listed(made)]
    return tuple(like) if isinstance(made, tuple) else like[0]


def _listed(outputs: Outputs) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)
