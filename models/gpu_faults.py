"""Which faults of a GPU there are, how they are recognised, and what each means for the process that met it.

    memory    there was not enough of it: the process may be replaced, and the work tried once more
    context   the process's CUDA context is lost: whatever it does next fails, too. It must be replaced
    ecc       the GPU's memory is damaged: the process must be replaced, and a person must look at the GPU
    lost      the GPU, or its driver, is not there: another process would not find it either

They are known by their texts, as CUDA, its libraries, torch and the kernel's driver write them, so nothing of
CUDA is needed here: the daemon reads them, too, from what a process wrote before it died.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.errors import BadInput, Cancelled, VigentdError
from models.xid import Kind, Xid

_LAST = 6000  # characters of a log, at its end: what was written before was survived

# In the order in which they are looked for: the text of one may stand within another's.
_TEXTS: tuple[tuple[Kind, str, str], ...] = (
    # kind, what it is called for a person, what is looked for
    ("ecc", "uncorrectable ECC error", r"uncorrectable ECC|cudaErrorECCUncorrectable|ECC_UNCORRECTABLE"),
    ("ecc", "uncorrectable NVLink error", r"uncorrectable NVLink|cudaErrorNvlinkUncorrectable"),
    ("lost", "the GPU has fallen off the bus", r"fallen off the bus|GPU is lost|\bGPU_IS_LOST\b"),
    (
        "lost",
        "the driver and its library are of different versions",
        r"driver/library version mismatch|cudaErrorSystemDriverMismatch|unsupported display driver",
    ),
    (
        "lost",
        "the driver is too old",
        r"cudaErrorInsufficientDriver|driver version is insufficient|NVIDIA driver on your system is too old",
    ),
    (
        "lost",
        "no GPU is found",
        r"no CUDA-capable device|cudaErrorNoDevice|No CUDA GPUs are available|Found no NVIDIA driver|"
        r"cudaErrorInvalidDevice\b|invalid device ordinal|cudaErrorStubLibrary",
    ),
    (
        "lost",
        "the GPU is busy or unavailable",
        r"device\(s\) is/are busy or unavailable|cudaErrorDevicesUnavailable|cudaErrorDeviceUninitialized|"
        r"cudaErrorSystemNotReady|system not yet initialized",
    ),
    (
        "lost",
        "CUDA cannot use this GPU",
        r"no kernel image is available|cudaErrorNoKernelImageForDevice|cudaErrorCompatNotSupportedOnDevice|"
        r"Torch not compiled with CUDA enabled",
    ),
    (
        "lost",
        "CUDA cannot start",
        r"CUDA unknown error|CUDA error: (unknown|initialization) error|cudaErrorUnknown|"
        r"cudaErrorInitializationError|CUDA driver initialization failed",
    ),
    (
        "memory",
        "out of memory",
        r"CUDA out of memory|(CUDA (driver )?error|Triton Error \[CUDA\]): out of memory|"
        # torch says the second one when it cannot even find out who uses the memory that it lacks
        r"cudaErrorMemoryAllocation|NVML_SUCCESS == r INTERNAL ASSERT|"
        r"CUDA_ERROR_OUT_OF_MEMORY|\bCU\w+_(STATUS_)?\w*ALLOC(ATION)?_FAILED",
    ),
    (
        "context",
        "device-side assert",
        r"device-side assert triggered|cudaErrorAssert\b|block: \[\d.*thread: \[.*Assertion",
    ),
    ("context", "illegal memory access", r"illegal memory access|cudaErrorIllegalAddress"),
    ("context", "misaligned address", r"misaligned address|cudaErrorMisalignedAddress"),
    ("context", "launch failure", r"unspecified launch failure|cudaErrorLaunchFailure"),
    ("context", "launch timeout", r"launch timed out and was terminated|cudaErrorLaunchTimeout"),
    (
        "context",
        "illegal instruction",
        r"CUDA error: an illegal instruction|cudaErrorIllegalInstruction|cudaErrorInvalidPc|"
        r"cudaErrorInvalidAddressSpace|cudaErrorHardwareStackError",
    ),
    (
        "context",
        "a fault in cuDNN",
        r"\bCUDNN_STATUS_(EXECUTION_FAILED|MAPPING_ERROR|INTERNAL_ERROR|NOT_INITIALIZED)",
    ),
    (
        "context",
        "a fault in cuBLAS",
        r"\bCUBLAS_STATUS_(EXECUTION_FAILED|MAPPING_ERROR|INTERNAL_ERROR|NOT_INITIALIZED)",
    ),
    (
        "context",
        "a fault in CUDA's libraries",
        r"\bCU(FFT|SOLVER|SPARSE|RAND)_(STATUS_)?(EXEC_FAILED|EXECUTION_FAILED|INTERNAL_ERROR|LAUNCH_FAILURE)",
    ),
    # Whatever else CUDA says: a new process costs a minute, a lost context every later job.
    (
        "context",
        "a CUDA error",
        r"\bCUDA (driver )?error: \w|Triton Error \[CUDA\]|CUDA kernel errors might be",
    ),
)
_PATTERNS = tuple((kind, called, re.compile(pattern, re.IGNORECASE)) for kind, called, pattern in _TEXTS)


@dataclass(frozen=True)
class Fault:
    """what: as a person may read it, without a full stop ("illegal memory access")."""

    kind: Kind
    what: str

    @property
    def code(self) -> str:
        return f"gpu_{self.kind}"

    @property
    def message(self) -> str:
        return _MESSAGES[self.kind].format(what=self.what)

    @property
    def hint(self) -> str:
        return _HINTS[self.kind]


_GRAVEST: tuple[Kind, ...] = ("lost", "ecc", "context", "memory")
_MESSAGES: dict[Kind, str] = {
    "memory": "The GPU has not enough free memory for this work",
    "context": "The work broke off on the GPU: {what}",
    "ecc": "The GPU has a fault in its memory: {what}",
    "lost": "The GPU cannot be used: {what}",
}
_HINTS: dict[Kind, str] = {
    "memory": "End what else uses it (`nvidia-smi` shows that), or use another device or smaller settings",
    "context": "If other jobs meet it, too, look at the GPU's driver and temperature (`nvidia-smi -q`)",
    "ecc": "Reset the GPU (`nvidia-smi --gpu-reset`, or restart the machine); if it comes back, replace it",
    "lost": "Look at what `nvidia-smi` says; after an update of the driver, restart the machine",
}


def in_error(error: BaseException) -> Fault | None:
    """What of the GPU's is behind this error, also when it was told in other words since; None: nothing."""
    if isinstance(error, Cancelled | BadInput):
        return None
    for cause in _causes(error):
        if isinstance(cause, VigentdError):  # in our own words: what it came from says more
            continue
        if type(cause).__name__ == "OutOfMemoryError":  # torch's; that of its CPU has another name
            return Fault("memory", "out of memory")
        if (fault := in_text(str(cause))) is not None:
            return fault
        if type(cause).__name__ == "AcceleratorError":
            return Fault("context", "a CUDA error")
    return None


def in_text(text: str) -> Fault | None:
    """The first that is found, in the order of the table."""
    for kind, called, pattern in _PATTERNS:
        if pattern.search(text):
            return Fault(kind, called)
    return None


def in_log(tail: str) -> Fault | None:
    """Of a process that has died: what it wrote last, before the stacks that Python lists then."""
    before, died, _ = tail.rpartition("Fatal Python error:")
    return in_text((before if died else tail)[-_LAST:])


def with_xids(fault: Fault | None, events: Sequence[Xid]) -> Fault | None:
    """The same with what the kernel's log says of it. That alone is a fault, too, and it may be a graver one
    than the program could see."""
    grave = sorted((e for e in events if e.kind), key=lambda e: _GRAVEST.index(e.kind or "memory"))
    if not grave:
        return fault
    worst = grave[0]
    assert worst.kind is not None
    kind = worst.kind if fault is None else min(worst.kind, fault.kind, key=_GRAVEST.index)
    seen = "" if fault is None or fault.kind == "memory" else f"{fault.what}; "
    return Fault(kind, f"{seen}the machine's log has {worst}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """It, and what it came from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
