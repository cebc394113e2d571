"""Killed, cancelled, out of disk: nothing half-made is left, and what was made is not made again."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.disk.inventory import WORK
from tests.video.conftest import Desk, done, seconds_of

CHUNKS = f"jobs/*/{WORK}/lipsync-*.part/chunk-*.npz"
SCRIPT = "Good morning. Here is the news."  # five chunks of lips, so a blow falls well before the last


@contextmanager
def started(desk: Desk, ready: str, *command: object) -> Iterator[subprocess.Popen[str]]:
    """A job in the foreground, from the moment when something like `ready` stands in the data folder."""
    with subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", *map(str, command)],
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 100
        while not list(desk.data.glob(ready)):
            assert process.poll() is None and time.monotonic() < deadline, "the moment never came"
            time.sleep(0.01)
        yield process


def submitted(desk: Desk, face: Path) -> list[object]:
    """The command that makes a video, and waits for it."""
    (desk.folder / "script.txt").write_text(SCRIPT)
    return ["submit", "--script", "script.txt", "--clip", face, "--wait", "--out", "final.mp4"]


def killed_while(desk: Desk, ready: str, sig: signal.Signals, *command: object) -> str:
    """Sends `sig` at that moment; returns what was said, the job's id."""
    with started(desk, ready, *command) as process:
        process.send_signal(sig)
        said, _ = process.communicate(timeout=60)
    assert desk.left_running() == [], "ffmpeg outlived its job"
    assert not list(desk.folder.glob("final.*"))
    return said.strip()


def test_a_killed_job_goes_on_where_it_was(desk: Desk, face: Path) -> None:
    """In the middle of its lips, and then while it is put together."""
    second_chunk = CHUNKS.replace("chunk-*", "chunk-000001")
    job = killed_while(desk, second_chunk, signal.SIGKILL, *submitted(desk, face))
    work = desk.data / "jobs" / job / WORK
    before = {p: p.stat().st_mtime_ns for p in work.glob("lipsync-*/chunk-*.npz")}
    assert len(before) >= 2
    lips_done = f"jobs/*/{WORK}/lipsync-{'?' * 12}/artifact.json"
    killed_while(desk, lips_done, signal.SIGKILL, "wait", job)
    kept = {work / p.parent.name.removesuffix(".part") / p.name: t for p, t in before.items()}
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items()), "chunks were made again"
    before = {p: p.stat().st_mtime_ns for p in work.glob("lipsync-*/chunk-*.npz")}
    assert done(desk.run("wait", job, "--json"))["attempts"] == 3
    assert all(p.stat().st_mtime_ns == t for p, t in before.items()), "all of the lips were made again"
    assert not list(work.glob("*.part"))


def test_ctrl_c_gives_the_job_up_and_retry_takes_it_on(desk: Desk, face: Path) -> None:
    job = killed_while(desk, CHUNKS, signal.SIGINT, *submitted(desk, face))
    assert json.loads(desk.run("show", job, "--json").stdout)["state"] == "cancelled"
    done(desk.run("retry", job, "--wait", "--json"))
    assert seconds_of(desk.folder / "final.mp4") > 2
    log = (desk.data / "jobs" / job / "job.log").read_text()
    assert "name=speech seconds=0.000 reused=true" in log


@pytest.mark.slow
def test_a_full_disk_in_mid_job(desk: Desk, face: Path) -> None:
    """The jobs' folders are full; the database is elsewhere, or it would be waited for (patience.py)."""
    disk = desk.data / "jobs"
    disk.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)]
    if (mounted := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        with started(desk, CHUNKS, *submitted(desk, face)) as process:
            with contextlib.suppress(OSError), (disk / "others").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(2**16))
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1, said
        assert "error: " in said and "disk is full" in said and "hint: " in said
        assert "Traceback" not in said
        assert not list(desk.folder.glob("*final*"))
        assert desk.left_running() == []
        (disk / "others").unlink()
        (job,) = json.loads(desk.run("ls", "--json").stdout)
        assert (job["state"], job["error"]["code"]) == ("failed", "disk_full")
        done(desk.run("retry", job["id"], "--wait", "--json"))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
