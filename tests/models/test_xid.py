"""Xid lines as the driver writes them, and the logs that they stand in."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from models import xid
from models.xid import Xid, parse, place_of, since

LOST = "NVRM: Xid (PCI:0000:41:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
MMU = (
    "NVRM: Xid (PCI:0000:C1:00): 31, pid=1234, name=python3, Ch 00000008, intr 00000000. MMU Fault: ENGINE "
    "GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f2a_3c000000. Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ"
)
QUOTED = "NVRM: Xid (PCI:0000:06:00): 63, pid='<unknown>', name=<unknown>, Row Remapper: New row marked"


def test_a_line_is_read() -> None:
    assert parse(LOST) == Xid(79, "0000:41:00")
    assert parse(MMU, 5.0) == Xid(31, "0000:c1:00", 1234, 5.0)
    assert parse(QUOTED) == Xid(63, "0000:06:00")
    assert parse("NVRM: Xid (0000:01:00): 13, 0005 00000000 0000502d") == Xid(13, "0000:01:00")
    assert parse("Nov 23 03:12:01 gpu1 kernel: [12.5] " + MMU) == Xid(31, "0000:c1:00", 1234)
    assert parse("NVRM: GPU at PCI:0000:41:00: GPU-bc0fa0b9-cac2-f507-b715-9bebdb69c71e") is None
    assert parse("usb 1-1: new high-speed USB device") is None


def test_it_is_said_in_plain_words() -> None:
    assert str(parse(LOST)) == "Xid 79 of the GPU at 0000:41:00: it has fallen off the bus"
    assert "list" in str(Xid(999, "0000:41:00")) and Xid(999, "0000:41:00").kind is None
    assert {n: Xid(n, "").kind for n in (48, 63, 64, 94, 95)} == dict.fromkeys((48, 63, 64, 94, 95), "ecc")


def kmsg(folder: Path, *lines: tuple[float, str]) -> str:
    path = folder / "kmsg"
    path.write_text(
        "".join(f"4,{i},{int(s * 1e6)},-;{text}\n SUBSYSTEM=pci\n" for i, (s, text) in enumerate(lines))
    )
    return str(path)


def test_only_what_came_later_and_is_about_this_process_or_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kmsg(tmp_path, (10.0, LOST), (20.0, "usb 1-1: reset"), (30.0, MMU), (40.0, LOST), (50.0, QUOTED))
    monkeypatch.setattr(xid, "KMSG", path)
    assert [e.number for e in since(15.0, 1234, "0000:41:00.0")] == [31, 79]
    assert [e.number for e in since(15.0, 99, "0000:06:00.0")] == [63]
    assert [e.number for e in since(15.0, 99, "")] == []
    assert [e.at_s for e in since(5.0, 99, "0000:41:00.0")] == [10.0, 40.0]


def test_a_log_that_has_nothing_to_read_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/kmsg waits for the next line unless told otherwise; a pipe does, too."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    keeps = os.open(pipe, os.O_RDWR)
    monkeypatch.setattr(xid, "KMSG", str(pipe))
    answered = threading.Event()

    def ask() -> None:
        since(0.0, 1, "")
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    try:
        assert answered.wait(60)
    finally:
        os.close(keeps)


def test_the_journal_is_asked_where_the_kernel_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "journalctl"
    program.write_text(f"#!/bin/sh\necho '[   12.500000] kernel: {MMU}'\necho '[   13.0] kernel: other'\n")
    program.chmod(0o755)
    monkeypatch.setattr(xid, "KMSG", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert since(0.0, 1234, "") == [Xid(31, "0000:c1:00", 1234, 12.5)]
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(xid, "ASK_S", 0.2)
    began = time.monotonic()
    assert since(0.0, 1234, "") == [] and time.monotonic() - began < 10


def test_which_gpu_a_device_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("0000:C1:00.0", "0000:41:00.0"):
        (tmp_path / place).mkdir()
    monkeypatch.setattr(xid, "GPUS", tmp_path)
    assert [place_of(f"cuda:{n}", None) for n in range(3)] == ["0000:41:00.0", "0000:c1:00.0", ""]
    assert place_of("cuda:0", "1") == "0000:c1:00.0"
    assert place_of("cpu", None) == place_of("cuda:0", "GPU-bc0fa0b9") == place_of("cuda:1", "0") == ""
