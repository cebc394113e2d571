"""`vigentd models pull` as a process that is killed, stopped, or not alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.errors import Unavailable
from models.hub import folders
from models.hub.folders import part_of
from models.hub.shelf import incomplete
from tests.models.hub.conftest import Pull
from tests.models.hub.hub_kit import COMMAND, ROOT, TINY, TINY_FILES, WEIGHTS, Fault, TinyHub, as_variable

Start = Callable[..., "subprocess.Popen[str]"]
AFTER = 300_000  # bytes, then the server is silent


@pytest.fixture
def start(tmp_path: Path, weights: Path, hub: TinyHub) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(ROOT),
            "VIGENTD_DATA_DIR": str(tmp_path / "data"),
            "VIGENTD_MODELS__FOLDER": str(weights),
            "VIGENTD_DISK__MIN_FREE": "0",
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": "hf_secret",
            "AI_AGENT": "somebody",
        }
        running.append(
            subprocess.Popen(
                [*COMMAND, "models", *arguments],
                env=environment | as_variable(TINY),
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return running[-1]

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_after_a_kill_it_goes_on_where_it_was(start: Start, weights: Path, hub: TinyHub) -> None:
    hub.fault("weights.bin", Fault("hold", after=AFTER))
    first = start("pull", TINY.name)
    begun = incomplete(part_of(weights, TINY.name), WEIGHTS)
    assert hub.held.wait(30)
    _grown(begun, AFTER)
    first.kill()
    first.communicate(timeout=30)
    assert not (weights / TINY.name).exists()
    second = start("pull", TINY.name)
    out, err = second.communicate(timeout=60)
    assert (second.returncode, out) == (0, f"{TINY.name}: whole, 490.0 kB, in {weights / TINY.name}\n")
    assert f"getting {TINY.name}/weights.bin (400.0 kB, from 300.0 kB on)" in err
    assert hub.ranges_of("weights.bin") == ["", f"bytes={AFTER}-"]
    assert {asked.headers.get("Authorization") for asked in hub.asked} == {None}
    assert f"note: HF_TOKEN is not sent to {hub.endpoint[7:]}: it is for huggingface.co alone" in err
    assert (weights / TINY.name / "weights.bin").read_bytes() == TINY_FILES["weights.bin"]


def test_ctrl_c_is_one_sentence_and_what_is_there_is_kept(start: Start, weights: Path, hub: TinyHub) -> None:
    hub.fault("weights.bin", Fault("hold", after=AFTER))
    process = start("pull", TINY.name)
    assert hub.held.wait(30)
    begun = incomplete(part_of(weights, TINY.name), WEIGHTS)
    _grown(begun, AFTER)
    _grown(part_of(weights, TINY.name) / "part/more.bin", 90_000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1] == (
        "error: interrupted; what is there (390.0 kB of 490.0 kB) is kept, and the same command goes on "
        "from there"
    )
    assert "Traceback" not in err
    assert "secret" not in err
    assert begun.stat().st_size == AFTER


def test_of_two_at_once_the_second_says_so(start: Start, weights: Path, hub: TinyHub, tmp_path: Path) -> None:
    hub.fault("weights.bin", Fault("hold", after=AFTER))
    first = start("pull", TINY.name)
    assert hub.held.wait(30)
    second = start("pull", TINY.name)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 2
    assert err.splitlines() == [
        f"error: Another `vigentd models` is at work in {weights} (process {first.pid})",
        "hint: Wait until it is done; `vigentd models ls` shows how far it is.",
    ]
    listing = start("ls")
    out, _ = listing.communicate(timeout=60)
    assert "begun" in out
    assert not (tmp_path / "home").exists()  # nothing is kept outside the folder of models
    assert {asked.headers["User-Agent"] for asked in hub.asked} == {"vigentd"}  # nor told


def _grown(path: Path, size: int) -> None:
    """Waits until the file has so many bytes: they were sent already."""
    until = time.monotonic() + 30
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_second_command_says_that_the_first_is_at_work(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    with (
        folders.alone(weights),
        pytest.raises(Unavailable, match=f"at work in .* \\(process {os.getpid()}\\)"),
    ):
        fetch()
    assert hub.asked == []
    fetch()
