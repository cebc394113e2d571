"""Work for a host on a real GPU that makes CUDA fail, each in its own way."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

from models.progress import Progress

# A kernel that writes four bytes to an address, and one that breaks off. The driver compiles it.
PTX = b"""
.version 7.0
.target sm_75
.address_size 64
.visible .entry poke(.param .u64 place)
{
    .reg .u64 %a;
    .reg .u32 %v;
    ld.param.u64 %a, [place];
    mov.u32 %v, 7;
    st.global.u32 [%a], %v;
    ret;
}
.visible .entry stop()
{
    trap;
    ret;
}
"""


def load() -> Any:
    import torch

    return torch.randn(256, 256, device="cuda")


def works(engine: Any, arguments: dict[str, Any], progress: Progress) -> int:
    total = float((engine @ engine).sum())
    assert total == total, "not a number"
    return os.getpid()


def out_of_range(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    import torch

    places = torch.tensor([10**6], device="cuda")
    torch.nn.functional.embedding(places, engine)
    torch.cuda.synchronize()


def asserts_and_dies(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    """As native code does that does not expect it: no exception, only what CUDA itself prints."""
    try:
        out_of_range(engine, arguments, progress)
    finally:
        sys.stderr.flush()
        os.abort()


def somebody_elses_memory(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    _launch(b"poke", 16)


def odd_address(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    _launch(b"poke", engine.data_ptr() + 1)


def traps(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    _launch(b"stop")


def too_much(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    import torch

    torch.empty(10**13, dtype=torch.uint8, device="cuda")


def is_killed(engine: Any, arguments: dict[str, Any], progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _launch(name: bytes, *addresses: int) -> None:
    """In the context that torch has made; its next call meets the error."""
    import torch

    cuda = ctypes.CDLL("libcuda.so.1")
    module, function = ctypes.c_void_p(), ctypes.c_void_p()
    _well(cuda.cuModuleLoadData(ctypes.byref(module), PTX))
    _well(cuda.cuModuleGetFunction(ctypes.byref(function), module, name))
    values = [ctypes.c_uint64(address) for address in addresses]
    given = (ctypes.c_void_p * max(len(values), 1))(*(ctypes.addressof(value) for value in values))
    _well(cuda.cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, None, given, None))
    torch.cuda.synchronize()


def _well(status: int) -> None:
    if status != 0:
        raise OSError(f"the driver refused ({status})")
