"""Work on a job that broke off in a way which the job itself may be the reason of: how often that may happen
before the job is set aside, so that others do not wait for it for ever."""

from __future__ import annotations

from typing import Any

from daemon.jobs import STALLED
from models.errors import StageFailed
from models.host_errors import GpuFault, HostStalled

Setback = HostStalled | GpuFault

MOST = 2  # of one kind, until the job is retried
MOST_OF_GPU = 5  # of those that no job is to blame for


def milestone(error: Setback) -> str:
    """By which it is counted: "stalled", "gpu_context", …"""
    return STALLED if isinstance(error, HostStalled) else error.code


def facts(error: Setback, stage: str) -> dict[str, Any]:
    """Of the milestone, and of the job's log."""
    silent = {"silent_s": round(error.silent_s, 1)} if isinstance(error, HostStalled) else {}
    return {"stage": stage, **silent, "reason": error.message}


def counts_as_try(error: Setback) -> bool:
    """Whether it was the job's own attempt, and not the GPU's absence."""
    return isinstance(error, HostStalled) or error.kind != "lost"


def too_often(error: Setback, times: int) -> bool:
    of_gpu = isinstance(error, GpuFault) and error.kind in ("lost", "ecc")
    return times >= (MOST_OF_GPU if of_gpu else MOST)


def set_aside(error: Setback, times: int, stage: str, job_id: str) -> StageFailed:
    often = "twice" if times == 2 else f"{times} times"
    again = f"`vigentd retry {job_id} --wait` goes on from what is made."
    hint = f"{error.hint}. {again}"
    if isinstance(error, HostStalled):
        return StageFailed(
            f"The work on this job got nowhere {often}, the last time in the {stage} stage for "
            f"{error.silent_s:.0f} s, so it was set aside",
            code="job_stalled",
            hint=hint,
        )
    return StageFailed(
        f"The GPU broke off the work on this job {often}, the last time in the {stage} stage, so it was set "
        f"aside ({error.message[:1].lower() + error.message[1:]})",
        code=error.code,
        hint=hint,
    )
