"""Faults of a GPU, by the texts that CUDA, torch and the driver really write."""

from __future__ import annotations

import pytest

from models.errors import BadInput, Cancelled, Unavailable
from models.gpu_faults import Fault, in_error, in_log, in_text, with_xids
from models.xid import Xid

SEARCH = "\nSearch for `{}' in https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html"
TORCH = """
CUDA kernel errors might be asynchronously reported at some other API call.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.
"""
MEMORY = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.19 GiB of which "
    "1.2 GiB is free. Process 1234 has 78.00 GiB memory in use."
)

SAID = [
    (MEMORY, "memory"),
    ("CUDA error: out of memory" + SEARCH.format("cudaErrorMemoryAllocation") + TORCH, "memory"),
    ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "memory"),
    ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "memory"),
    ("CUDA driver error: out of memory", "memory"),
    ("Triton Error [CUDA]: out of memory", "memory"),
    ('NVML_SUCCESS == r INTERNAL ASSERT FAILED at "../c10/cuda/CUDACachingAllocator.cpp":830', "memory"),
    ("Triton Error [CUDA]: context is destroyed", "context"),
    ("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED", "context"),
    ("CUDA error: device-side assert triggered" + SEARCH.format("cudaErrorAssert") + TORCH, "context"),
    ("CUDA error: an illegal memory access was encountered" + TORCH, "context"),
    ("CUDA error: misaligned address" + TORCH, "context"),
    ("CUDA error: unspecified launch failure" + TORCH, "context"),
    ("CUDA error: the launch timed out and was terminated" + TORCH, "context"),
    ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "context"),
    ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx( handle, opa, opb)`", "context"),
    ("CUDA error: invalid argument" + TORCH, "context"),
    ("CUDA error: uncorrectable ECC error encountered" + TORCH, "ecc"),
    ("CUDA error: uncorrectable NVLink error detected during the execution" + TORCH, "ecc"),
    ("No CUDA GPUs are available", "lost"),
    ("CUDA error: no CUDA-capable device is detected" + TORCH, "lost"),
    ("CUDA error: CUDA-capable device(s) is/are busy or unavailable" + TORCH, "lost"),
    ("CUDA error: unknown error" + SEARCH.format("cudaErrorUnknown") + TORCH, "lost"),
    (
        "CUDA unknown error - this may be due to an incorrectly set up environment, e.g. changing env "
        "variable CUDA_VISIBLE_DEVICES after program start. Setting the available devices to be zero.",
        "lost",
    ),
    ("CUDA driver initialization failed, you might not have a CUDA gpu.", "lost"),
    ("The NVIDIA driver on your system is too old (found version 11040).", "lost"),
    ("CUDA driver version is insufficient for CUDA runtime version", "lost"),
    ("Failed to initialize NVML: Driver/library version mismatch", "lost"),
    ("CUDA error: system has unsupported display driver / cuda driver combination", "lost"),
    ("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU", "lost"),
    ("CUDA error: no kernel image is available for execution on the device" + TORCH, "lost"),
    ("Unable to determine the device handle for GPU0000:41:00.0: GPU is lost.", "lost"),
]
ASSERTED = (
    "/pytorch/aten/src/ATen/native/cuda/Indexing.cu:1369: indexSelectLargeIndex: block: [0,0,0], "
    "thread: [7,0,0] Assertion `srcIndex < srcSelectDimSize` failed.\n"
)
OTHERS = [
    "",
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 800 bytes.",
    "index 9 is out of bounds for dimension 0 with size 3",
    "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
    "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",
    "loaded on cuda:0 in 12.1 s, 11.9 GB of the GPU",
]


class AcceleratorError(RuntimeError):
    """As torch has it."""


class OutOfMemoryError(RuntimeError):
    """As torch has it."""


@pytest.mark.parametrize(("said", "kind"), SAID)
def test_what_cuda_says_is_recognised(said: str, kind: str) -> None:
    fault = in_error(RuntimeError(said))
    assert fault is not None and fault.kind == kind, fault
    assert fault.code == f"gpu_{kind}" and fault.hint and not fault.message.endswith(".")
    assert in_log(f"2026-11-23T00:00:00Z started pid=7\nRuntimeError: {said}\n") == fault


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("device-side assert triggered", "device-side assert"),
        ("an illegal memory access was encountered", "illegal memory access"),
        ("misaligned address", "misaligned address"),
        ("unspecified launch failure", "launch failure"),
        ("invalid argument", "a CUDA error"),
    ],
)
def test_the_advice_that_torch_adds_is_not_the_fault(said: str, what: str) -> None:
    """It speaks of device-side assertions, whatever has happened."""
    assert in_error(AcceleratorError(f"CUDA error: {said}{TORCH}")) == Fault("context", what)


@pytest.mark.parametrize("said", OTHERS)
def test_what_is_not_the_gpus_is_left_alone(said: str) -> None:
    assert in_text(said) is None and in_error(RuntimeError(said)) is None


def test_classes_count_where_words_do_not() -> None:
    assert in_error(AcceleratorError("something new")) == Fault("context", "a CUDA error")
    assert in_error(OutOfMemoryError("HIP ran short")) == Fault("memory", "out of memory")


def test_what_was_told_in_other_words_is_still_found() -> None:
    """Engines say in words of their own that the memory is too small."""
    try:
        try:
            raise OutOfMemoryError(MEMORY)
        except OutOfMemoryError as e:
            raise Unavailable("The GPU's memory is too small", code="out_of_memory") from e
    except Unavailable as e:
        assert in_error(e) == Fault("memory", "out of memory")
    try:
        try:
            raise AcceleratorError("CUDA error: misaligned address")
        except AcceleratorError:
            raise ValueError("while tidying up")  # noqa: B904
    except ValueError as e:
        assert in_error(e) == Fault("context", "misaligned address")


def test_a_persons_wish_and_a_bad_clip_are_no_faults_of_a_gpu() -> None:
    for own in (Cancelled(), BadInput("CUDA error: in the script")):
        own.__context__ = AcceleratorError("CUDA error: misaligned address")
        assert in_error(own) is None


def test_what_was_survived_is_no_reason_for_the_end() -> None:
    assert in_log(MEMORY + "\n" + "frame done\n" * 2000) is None
    died = "terminate called after throwing an instance of 'c10::AcceleratorError'\n  what():  CUDA error: "
    assert in_log(died + "an illegal memory access was encountered") == Fault(
        "context", "illegal memory access"
    )


def test_what_python_lists_of_its_end_hides_nothing() -> None:
    stacks = (
        "Fatal Python error: Aborted\n" + '  File "…/torch/nn/functional.py", line 2542 in embedding\n' * 400
    )
    assert in_log(ASSERTED + stacks) == Fault("context", "device-side assert")


def test_the_kernels_log_says_more_than_the_program_saw() -> None:
    seen = Fault("context", "launch failure")
    assert with_xids(seen, []) == seen and with_xids(None, []) is None
    told = with_xids(seen, [Xid(13, "0000:41:00"), Xid(79, "0000:41:00"), Xid(154, "0000:41:00")])
    assert told is not None and told.kind == "lost"
    assert told.message == (
        "The GPU cannot be used: launch failure; the machine's log has Xid 79 of the GPU at 0000:41:00: it "
        "has fallen off the bus"
    )
    alone = with_xids(None, [Xid(48, "0000:41:00")])
    assert alone is not None and alone.kind == "ecc"
    lost = Fault("lost", "no GPU is found")
    after = with_xids(lost, [Xid(43, "0000:41:00")])
    assert after is not None and after.kind == "lost"


def test_a_killed_program_is_no_fault_of_the_gpu() -> None:
    """The driver writes a line about every program that ends in mid-work."""
    assert with_xids(None, [Xid(45, "0000:41:00", 7), Xid(154, "0000:41:00"), Xid(999, "0000:41:00")]) is None
