"""What goes wrong with a host as a whole, in words for a person."""

from __future__ import annotations

from pathlib import Path

from models import wire
from models.errors import ProcessDied, Unavailable, VigentdError
from models.wire import HostFault, Message


class HostDied(ProcessDied):
    """The process ended, or could not be started. The work may be asked of a new one."""

    default_code = "host_died"


class HostStalled(HostDied):
    """The work got nowhere for longer than it may, and was ended; as a rule with its process."""

    default_code = "host_stalled"

    silent_s = 0.0  # how long it got nowhere


def stalled(
    name: str, log: Path, silent_s: float, *, loading: bool = False, ended: bool = True
) -> HostStalled:
    """ended: the process was; else only its work."""
    doing = " while it was loading" if loading else ""
    end = "was ended" if ended else "its work was broken off"
    error = HostStalled(
        f"The {name} process got nowhere for {silent_s:.0f} s{doing} and {end}",
        hint=f"Where it was stuck is written in {log}",
    )
    error.silent_s = silent_s
    return error


def died(name: str, log: Path, reason: str) -> HostDied:
    """reason: "exit status 3", "killed by SIGKILL"; "" when it was stopped by us."""
    if not reason:
        return HostDied(f"The {name} process was stopped")
    hint = f"What it said last is in {log}"
    if reason == "killed by SIGKILL":
        hint = f"The machine may have run out of memory; what it said last is in {log}"
    return HostDied(f"The {name} process ended unexpectedly ({reason})", hint=hint)


def not_loaded(name: str, log: Path, told: Message) -> VigentdError:
    """told: the error, as `wire.describe` says it."""
    error = wire.restore(told)
    if isinstance(error, VigentdError) and not isinstance(error, HostFault):
        return error
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
    failed.add_note("\n".join(error.__notes__))
    return failed
