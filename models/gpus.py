"""How many NVIDIA GPUs there are to use, found without torch: the daemon asks, and never loads that."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
# A host sees one GPU or none; those that the daemon may give to hosts are told to it by this variable.
OF_THE_DAEMON, ALL = "CUDA_DEVICES_OF_THE_DAEMON", "all"


def usable(environment: Mapping[str, str], there: int | None = None) -> int:
    """How many of "cuda:0", "cuda:1", … a host can be given.

    there: how many the machine has; None: looked for.
    """
    there = present() if there is None else there
    listed = of_the_daemon(environment)
    if listed == ALL or not there:
        return there
    count = 0
    for entry in entries(listed):
        if entry.isdigit() and int(entry) >= there:  # CUDA reads no further here either
            break
        count += 1
    return count


def of_the_daemon(environment: Mapping[str, str]) -> str:
    """As CUDA_VISIBLE_DEVICES is in the process that starts hosts; "all" where it is not set."""
    return environment.get(OF_THE_DAEMON, environment.get(VISIBLE, ALL))


def entries(listed: str) -> list[str]:
    """The devices that a value of CUDA_VISIBLE_DEVICES names."""
    named: list[str] = []
    for entry in map(str.strip, listed.split(",")):
        if entry in ("", "-1"):  # CUDA itself reads no further
            break
        named.append(entry)
    return named


def present() -> int:
    """As NVIDIA's library counts them, which leaves out what a container may not use; else as the driver."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        driver = Path("/proc/driver/nvidia/gpus")
        return len(list(driver.iterdir())) if driver.is_dir() else 0
    if nvml.nvmlInit_v2() != 0:
        return 0  # a driver of another version than the library, say: CUDA would not start either
    try:
        count = ctypes.c_uint()
        return count.value if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0 else 0
    finally:
        nvml.nvmlShutdown()
