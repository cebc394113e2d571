"""A host loads once, works, says how it is, and hands back what went wrong."""

from __future__ import annotations

import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from models.errors import BadInput, Cancelled, StageFailed, Unavailable, VigentdError
from models.host import Host, HostDied, HostFault
from models.progress import Quiet
from tests.models.host_kit import WORK, Hosts, Watch, ask, within
from tests.models.host_work import WORDY
from tests.pace_kit import quickest

ROOT = Path(__file__).resolve().parents[2]


# ---------------------------------------------------------------- working


def test_the_engine_is_loaded_once_and_the_second_work_pays_no_load(hosts: Hosts, tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    host = hosts.started("load", arguments={"loads": str(loads)})
    first = ask(host, "echo", number=1)
    second = ask(host, "echo", number=2)
    assert quickest(lambda: ask(host, "echo", number=3), 0.2) < 0.2
    assert first == {"engine": "pretend", "pid": host.pid, "number": 1}
    assert second == {"engine": "pretend", "pid": host.pid, "number": 2}
    assert loads.read_text() == f"{host.pid}\n"
    assert host.health().versions["engine"] == "pretend/3"


def test_what_libraries_print_goes_to_the_log_and_not_into_the_protocol(host: Host, hosts: Hosts) -> None:
    assert ask(host, "noise") == WORDY
    assert ask(host, "echo", text=WORDY)["text"] == WORDY
    host.stop()
    log = hosts.log.read_text()
    for line in ("from Python", "from a program", "complaint", "forged"):
        assert line in log
    assert stat.S_IMODE(hosts.log.stat().st_mode) == 0o600
    assert stat.S_IMODE(hosts.log.parent.stat().st_mode) == 0o700


def test_every_step_is_counted_and_the_last_is_told(host: Host) -> None:
    watch = Watch()
    assert ask(host, "steps", watch, count=300, every_s=0.001) == "done"
    assert watch.steps == sorted(watch.steps)
    assert watch.steps[-1] == (300.0, 300.0)
    assert 3 <= len(watch.steps) <= 30  # of more than 0.3 s; on a busy machine it takes longer
    assert host.health().heartbeats == 300


def test_a_second_caller_waits_for_its_turn(host: Host, aside: Callable[..., Future[Any]]) -> None:
    first, second, third = Watch(), Watch(), Watch()
    one = aside(ask, host, "steps", first, count=60, every_s=0.01)
    assert first.began.wait(30)
    two = aside(ask, host, "steps", second, count=1, every_s=0.0)
    three = aside(ask, host, "steps", third, count=1, every_s=0.0)
    assert third.waited.wait(60)
    third.stop = Cancelled()  # who waits can be stopped too, and nobody else is
    with pytest.raises(Cancelled):
        three.result(60)
    assert not second.began.is_set()
    assert not one.done()
    assert (one.result(60), two.result(60)) == ("done", "done")
    assert third.steps == []


def test_it_works_wherever_it_is_started(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the current folder is not imported."""
    for module in ("json.py", "models.py"):
        (tmp_path / module).write_text("raise SystemExit('the wrong one')\n")
    monkeypatch.chdir(tmp_path)
    assert ask(hosts.started(), "echo") == {"engine": None, "pid": hosts.made[0].pid}


def test_surroundings_of_the_work(hosts: Hosts) -> None:
    hosts.scratch.mkdir(parents=True)
    (hosts.scratch / "left").write_text("by a host that was killed")
    host = hosts.started(preload=("wave",))
    found = ask(host, "surroundings")
    assert found["tmp"] == str(hosts.scratch)
    assert list(hosts.scratch.iterdir()) == []
    assert stat.S_IMODE(hosts.scratch.stat().st_mode) == 0o700
    assert found["stdin"] == ""
    assert found["main_thread"]
    assert "wave" in found["modules"]
    assert not {"numpy", "torch", "av", "pydantic"} & set(found["modules"])


def test_the_side_of_the_parent_imports_nothing_heavy() -> None:
    program = """
        import sys, models.host
        print({"numpy", "torch", "av", "pipeline", "daemon"} & set(sys.modules))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout == "set()\n"


def test_a_large_log_begins_anew(hosts: Hosts) -> None:
    hosts.log.parent.mkdir()
    hosts.log.write_text("x" * 5_000_001)
    ask(hosts.started(), "noise")
    assert hosts.log.stat().st_size < 10_000
    assert hosts.log.with_name("host.log.1").stat().st_size == 5_000_001


# ---------------------------------------------------------------- devices


@pytest.mark.parametrize(
    ("ours", "device", "theirs"),
    [
        (None, "cpu", ""),
        (None, "cuda:1", "1"),
        ("2,3", "cpu", ""),
        ("2,3", "cuda:1", "3"),
        ("GPU-6a1f, GPU-77b0", "cuda:0", "GPU-6a1f"),
    ],
)
def test_a_host_sees_its_device_and_no_other(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch, ours: str | None, device: str, theirs: str
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if ours is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
    host = hosts.started(device=device)
    found = ask(host, "surroundings")
    assert (found["visible"], found["order"]) == (theirs, "PCI_BUS_ID")
    assert host.health().device == device


@pytest.mark.parametrize(("ours", "device"), [("2,3", "cuda:2"), ("", "cuda:0"), ("2,-1,3", "cuda:1")])
def test_a_device_that_we_may_not_use_is_missing(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch, ours: str, device: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
    with pytest.raises(Unavailable) as failed:
        hosts.started(device=device).wait_ready(10)
    assert failed.value.code == "device_missing"
    assert within(20, lambda: hosts.ended == hosts.made)


def test_a_device_of_another_name_is_refused(hosts: Hosts) -> None:
    with pytest.raises(BadInput, match="cuda:one"):
        hosts.started(device="cuda:one").wait_ready(10)


# ---------------------------------------------------------------- loading


@pytest.mark.parametrize(
    ("load", "kind", "code", "says"),
    [
        ("load_without_weights", Unavailable, "weights_missing", "The weights are missing"),
        ("load_without_library", Unavailable, "installation_broken", "libGL.so.1"),
        ("load_with_fault", HostDied, "load_failed", "driver too old"),
        ("no_such_function", HostDied, "load_failed", "no_such_function"),
        ("load_and_die", HostDied, "host_died", "exit status 3"),
    ],
)
def test_an_engine_that_cannot_be_loaded_says_why_and_its_host_ends(
    hosts: Hosts, load: str, kind: type[VigentdError], code: str, says: str
) -> None:
    host = hosts.started(load)
    for _ in range(2):
        with pytest.raises(kind, match=says) as failed:
            host.wait_ready(10)
        assert failed.value.code == code
        assert failed.value.hint
    assert within(20, lambda: hosts.ended == [host])
    assert not host.alive
    with pytest.raises(kind, match=says):
        ask(host, "echo")
    if code == "load_failed":
        assert "Traceback" in hosts.log.read_text()


def test_slow_loading_is_no_stall_and_can_be_cancelled(hosts: Hosts) -> None:
    host = hosts.started("load_slowly", arguments={"seconds": 1.0})
    assert host.health(5.0).state == "loading"
    assert not host.wait_ready(0.01)
    watch = Watch()
    watch.stop = Cancelled()
    with pytest.raises(Cancelled):
        ask(host, "echo", watch)
    assert ask(host, "echo", patience_s=0.1)["pid"] == host.pid


def test_a_host_that_cannot_be_started_has_ended(hosts: Hosts) -> None:
    hosts.log.parent.write_text("a file where the folder should be")
    host = hosts.started()
    with pytest.raises(HostDied, match=r"media.*exists|media.*Not a directory") as failed:
        host.wait_ready(10)
    assert failed.value.code == "load_failed"
    assert within(20, lambda: hosts.ended == [host])


# ---------------------------------------------------------------- errors


def test_expected_errors_come_back_as_they_were(host: Host) -> None:
    with pytest.raises(BadInput) as failed:
        ask(host, "fail", how="expected")
    assert type(failed.value) is BadInput  # the nearest kind that is known here
    assert failed.value.as_dict() == {"code": "too_long", "message": "Too long", "hint": "Make it shorter"}
    assert ask(host, "echo")["pid"] == host.pid


@pytest.mark.parametrize(
    ("how", "name"), [("fault", "ValueError"), ("no json", "TypeError"), ("leave", "SystemExit")]
)
def test_a_fault_keeps_its_traceback_for_the_log(host: Host, how: str, name: str) -> None:
    with pytest.raises(HostFault, match=name) as failed:
        ask(host, "fail", how=how)
    assert isinstance(failed.value, StageFailed)
    assert failed.value.code == "internal"
    assert name in failed.value.trace
    assert "secret" not in failed.value.message + failed.value.hint
    assert ask(host, "echo")["pid"] == host.pid


def test_a_full_disk_keeps_its_number(host: Host) -> None:
    with pytest.raises(OSError, match="/somewhere/file") as failed:
        ask(host, "fail", how="disk")
    assert failed.value.errno == 28


def test_a_host_that_was_refused_memory_is_ended_and_another_may_be_asked(host: Host) -> None:
    with pytest.raises(HostDied, match="not enough memory for the media process") as failed:
        ask(host, "fail", how="memory")
    assert failed.value.code == "out_of_memory" and failed.value.hint
    assert "MemoryError" in "".join(failed.value.__notes__)
    assert not host.alive
    with pytest.raises(HostDied):
        ask(host, "echo")


def test_a_missing_library_stays_one(host: Host) -> None:
    with pytest.raises(ImportError, match=r"libGL\.so\.1"):
        ask(host, "fail", how="import")


def test_what_cannot_be_sent_harms_nothing(host: Host) -> None:
    with pytest.raises(TypeError):
        ask(host, "echo", number={1, 2})
    assert ask(host, "echo")["pid"] == host.pid


# ---------------------------------------------------------------- health


@pytest.mark.parametrize("how", ["sleep", "python"])
def test_health_does_not_wait_for_the_work(
    host: Host, aside: Callable[..., Future[Any]], tmp_path: Path, how: str
) -> None:
    idle = host.health(5.0)
    assert (idle.state, idle.pid, idle.answered) == ("idle", host.pid, True)
    assert idle.versions["python"] == sys.version.split()[0]
    watch = Watch()
    arguments = {"how": how, "pids": str(tmp_path / "pids")}
    work = aside(host.ask, f"{WORK}:stuck", arguments, watch, job="j1", stage="lipsync")
    assert watch.began.wait(30)
    health = host.health(5.0)
    assert quickest(lambda: host.health(5.0), 0.2) < 0.2
    assert health.answered
    assert (health.state, health.job, health.stage, health.heartbeats) == ("busy", "j1", "lipsync", 1)
    assert 0.0 <= health.age_s < 5.0
    assert 5e6 < health.rss < 100e6
    host.kill()
    with pytest.raises(HostDied):
        work.result(60)


def test_health_that_is_not_answered_is_what_was_known(
    host: Host, aside: Callable[..., Future[Any]], tmp_path: Path
) -> None:
    known = host.health(5.0)
    watch = Watch()
    work = aside(ask, host, "stuck", watch, how="native", pids=str(tmp_path / "pids"))
    assert watch.began.wait(30)
    time.sleep(0.1)  # until the interpreter is held
    asked = time.monotonic()
    health = host.health(0.1)
    assert 0.1 <= time.monotonic() - asked < 5
    assert not health.answered
    assert health.rss == known.rss
    host.kill()
    with pytest.raises(HostDied):
        work.result(60)


def test_what_work_leaves_is_given_back_before_somebody_measures_it(host: Host) -> None:
    """Else a host would be replaced for memory that it does not keep."""
    before = host.health(5.0).rss
    ask(host, "litter")
    assert host.health(5.0).rss < before + 30e6


def test_between_two_pieces_of_one_work_nothing_is_given_back_until_no_more_come(host: Host) -> None:
    before = host.health(5.0).rss
    host.ask(f"{WORK}:litter", {}, Quiet(), more=True)
    assert host.health(5.0).rss > before + 80e6
    assert within(60.0, lambda: host.health(5.0).rss < before + 30e6)


def test_health_tells_what_torch_holds(host: Host) -> None:
    assert host.health(5.0).vram == 0
    ask(host, "pretend_torch")
    health = host.health(5.0)
    assert (health.vram, health.versions["torch"]) == (5_000_000, "2.13.0")
