"""A host whose GPU fails is never asked again, and it is known of what it failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models import xid
from models.host import Host, HostDied, HostFault
from models.host_errors import GpuFault
from models.progress import Quiet
from tests.models.host_kit import Hosts, Watch

WORK = "tests.models.gpu_work"
ASSERT = "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(tmp_path)
    yield made
    for host in made.made:
        host.stop(0)


def started(hosts: Hosts, load: str = "load", **plan: Any) -> Host:
    host = hosts.new(**plan)
    host.plan = type(host.plan)("media", load=f"{WORK}:{load}", **plan)
    host.start()
    return host


def ask(host: Host, do: str, progress: Any = None, **arguments: Any) -> Any:
    return host.ask(f"{WORK}:{do}", arguments, progress or Quiet())


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (ASSERT, "context"),
        ("CUDA error: uncorrectable ECC error encountered", "ecc"),
        ("CUDA error: unknown error", "lost"),
    ],
)
def test_after_a_fault_of_the_gpu_the_process_is_gone(hosts: Hosts, said: str, kind: str) -> None:
    host = started(hosts)
    assert ask(host, "works") == host.pid
    with pytest.raises(GpuFault) as told:
        ask(host, "fails", said=said)
    error = told.value
    assert (error.kind, error.code) == (kind, f"gpu_{kind}") and error.hint
    assert "In the host:" in "".join(error.__notes__) and "AcceleratorError" in "".join(error.__notes__)
    assert not host.alive and hosts.ended == [host]
    with pytest.raises(HostDied):
        ask(host, "works")
    assert ask(started(hosts), "works")


def test_too_little_memory_is_told_in_the_engines_own_words(hosts: Hosts) -> None:
    host = started(hosts)
    with pytest.raises(GpuFault) as told:
        ask(host, "has_no_memory")
    error = told.value
    assert (error.kind, error.code) == ("memory", "gpu_memory")
    assert (error.message, error.hint) == ("The GPU's memory is too small for this", "Buy one")
    assert not host.alive


def test_another_error_leaves_the_process_alone(hosts: Hosts) -> None:
    host = started(hosts)
    with pytest.raises(HostFault):
        host.ask("tests.models.gpu_work:load", {}, Quiet())  # it takes no such arguments
    assert ask(host, "works") == host.pid


def test_nobody_else_gets_a_word_in_before_its_end(hosts: Hosts) -> None:
    """Who waits for the host while it fails must not be served by what is left of it."""
    host, watch, said = started(hosts), Watch(), []
    host.wait_ready(30)

    def second() -> None:
        watch.began.wait(20)
        try:
            said.append(ask(host, "works"))
        except HostDied as e:
            said.append(e.code)

    thread = threading.Thread(target=second)
    thread.start()
    with pytest.raises(GpuFault):
        ask(host, "fails", watch, said=ASSERT)
    watch.began.set()
    thread.join(20)
    assert said == ["host_died"]


def test_what_a_dying_process_said_last_is_read(hosts: Hosts) -> None:
    hosts.log.parent.mkdir(parents=True)
    hosts.log.write_text("CUDA error: uncorrectable ECC error encountered\n")  # of an earlier process
    host = started(hosts)
    with pytest.raises(GpuFault) as told:
        ask(host, "dies", said="CUDA error: an illegal memory access was encountered")
    assert told.value.kind == "context" and "illegal memory access" in told.value.message
    quiet = started(hosts)
    with pytest.raises(HostDied) as plain:
        ask(quiet, "dies", said="a fault of ours")
    assert not isinstance(plain.value, GpuFault)


@pytest.mark.parametrize("load", ["load", "load_and_die"])
def test_what_keeps_it_from_loading_is_told_as_lasting(hosts: Hosts, load: str) -> None:
    host = started(hosts, load, arguments={"said": "CUDA error: no CUDA-capable device is detected"})
    with pytest.raises(GpuFault, match="The GPU cannot be used: no GPU is found") as told:
        host.wait_ready(30)
    assert told.value.lasting and told.value.code == "gpu_lost"


def test_the_kernels_log_is_part_of_the_reason(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "kmsg"
    monkeypatch.setattr(xid, "KMSG", str(log))
    host = started(hosts, device="cuda:0")
    host.wait_ready(30)

    def line(at_s: float, number: int, pid: int) -> str:
        return f"4,1,{int(at_s * 1e6)},-;NVRM: Xid (PCI:0000:41:00): {number}, pid={pid}, name=python, …\n"

    soon = time.monotonic() + 60
    log.write_text(line(1, 79, host.pid) + line(soon, 79, host.pid + 1) + line(soon, 94, host.pid))
    with pytest.raises(GpuFault) as told:
        ask(host, "dies", said="CUDA error: unspecified launch failure")
    assert told.value.kind == "ecc"
    assert "launch failure; the machine's log has Xid 94 of the GPU at 0000:41:00" in told.value.message
