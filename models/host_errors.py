"""What goes wrong with a host as a whole, in words for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from models import wire
from models.errors import ProcessDied, Unavailable, VigentdError
from models.gpu_faults import Fault
from models.wire import HostFault, Message
from models.xid import Kind

E = TypeVar("E", bound=Exception)


class HostDied(ProcessDied):
    """The process ended, or could not be started. The work may be asked of a new one."""

    default_code = "host_died"


class HostStalled(HostDied):
    """The work got nowhere for longer than it may, and was ended; as a rule with its process."""

    default_code = "host_stalled"

    silent_s = 0.0  # how long it got nowhere


class GpuFault(HostDied):
    """The GPU failed under the process, which is ended: nothing that it did afterwards could be trusted."""

    default_code = "gpu_context"

    kind: Kind = "context"

    @property
    def lasting(self) -> bool:
        """Another process would not fare better now."""
        return self.kind in ("lost", "memory")


def gpu_fault(fault: Fault, words: Exception | None = None) -> GpuFault:
    """words: in which it was told by whoever met it, a VigentdError."""
    told = words if isinstance(words, VigentdError) else fault
    error = GpuFault(told.message, code=fault.code, hint=told.hint)
    error.kind = fault.kind
    return error


def stalled(
    name: str,
    log: Path,
    silent_s: float,
    *,
    loading: bool = False,
    ended: bool = True,
    fault: Fault | None = None,
) -> HostStalled:
    """ended: the process was; else only its work. fault: of the GPU, that may be why."""
    doing = " while it was loading" if loading else ""
    end = "was ended" if ended else "its work was broken off"
    why = f" ({fault.what})" if fault is not None else ""
    error = HostStalled(
        f"The {name} process got nowhere for {silent_s:.0f} s{doing} and {end}{why}",
        hint=f"Where it was stuck is written in {log}",
    )
    error.silent_s = silent_s
    return error


def died(name: str, log: Path, reason: str, fault: Fault | None = None) -> HostDied:
    """reason: "exit status 3", "killed by SIGKILL"; "" when it was stopped by us. fault: of the GPU, that it
    may have died of."""
    if not reason:
        return HostDied(f"The {name} process was stopped")
    if fault is not None:
        return gpu_fault(fault)
    hint = f"What it said last is in {log}"
    if reason == "killed by SIGKILL":
        hint = f"The machine may have run out of memory; what it said last is in {log}"
    return HostDied(f"The {name} process ended unexpectedly ({reason})", hint=hint)


def out_of_memory(name: str, error: Exception) -> HostDied:
    """error: the MemoryError there."""
    died = HostDied(
        f"The machine has not enough memory for the {name} process",
        code="out_of_memory",
        hint="Retry when less is running, or use a smaller or shorter clip",
    )
    return with_trace(died, error)


def not_loaded(name: str, log: Path, told: Message) -> VigentdError:
    """told: the error, as `wire.describe` says it."""
    error = wire.restore(told)
    if "gpu" in told:
        error = refused(told, Fault(*told["gpu"]))
    if isinstance(error, VigentdError) and not isinstance(error, HostFault):
        return error
    if isinstance(error, MemoryError):
        return out_of_memory(name, error)
    if isinstance(error, ImportError):
        return Unavailable(
            f"A part of this machine's installation is missing: {error}",
            code="installation_broken",
            hint="`vigentd doctor` says what is missing and how to install it",
        )
    what = f"{told['name']}: {told['text']}" if isinstance(error, HostFault) else str(error)
    failed = HostDied(
        f"The {name} process could not load its engine: {what}",
        code="load_failed",
        hint=f"What happened is written in {log}",
    )
    return with_trace(failed, error)


def refused(told: Message, fault: Fault | None = None) -> Exception:
    """What the work raised there. fault: of the GPU, as it is known by now."""
    error = wire.restore(told)
    if fault is None:
        return error
    ours = not isinstance(error, HostFault)
    said = error if ours and fault.kind == told["gpu"][0] else None  # in words of its own
    return with_trace(gpu_fault(fault, said), error)


def with_trace(error: E, of: Exception) -> E:
    error.add_note("\n".join(of.__notes__))
    return error
