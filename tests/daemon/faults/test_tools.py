"""What breaks a daemon really breaks it, and only as often and for as long as it is told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from daemon.benches.faults import clock, group, inside
from daemon.benches.faults.bench import CASES
from daemon.benches.faults.botapi import TOKEN, BotApi
from daemon.benches.faults.case import chosen
from daemon.benches.faults.disk import Disk, empty, fill
from daemon.benches.faults.house import ROOT
from daemon.benches.faults.inside import Order, Orders
from daemon.benches.faults.skipped import Skipped
from models.errors import BadInput


def python(folder: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """In a process under test: with orders of `folder`."""
    (folder / "sitecustomize.py").write_text(inside.STARTED)
    path = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", inside.VARIABLE: str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | path | variables,
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def test_settings_are_changed_and_one_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    Orders(settings={"models.budgets:LIPSYNC": 3.0, "models.budgets:LOADING.lipsync": 4.0}).write(tmp_path)
    show = (
        "print(b.LIPSYNC.step_s, b.LIPSYNC.first_s, b.LOADING['lipsync'].step_s, b.LOADING['media'].step_s)"
    )
    said = python(tmp_path, f"import models.budgets as b; {show}")
    assert said.stdout.split()[:3] == ["3.0", "3.0", "4.0"], said.stderr
    assert float(said.stdout.split()[3]) > 4.0
    Orders(settings={"models.budgets:GONE": 3.0}).write(tmp_path)
    assert "GONE" in python(tmp_path, "import models.budgets").stderr


def test_an_order_is_carried_out_as_often_as_it_says(tmp_path: Path) -> None:
    Orders((Order("load:lipsync", "exit", times=2),)).write(tmp_path)
    code = "from models.choose import resident; print(resident('lipsync', 'mouthwarp').name)"
    began = time.monotonic()
    said = [python(tmp_path, code) for _ in range(3)]
    assert [one.returncode for one in said] == [3, 3, 0], said
    assert said[2].stdout == "mouthwarp\n"
    moments = inside.carried_out(tmp_path)
    assert len(moments) == 2 and began < moments[0] < moments[1] < time.monotonic()


def test_a_clock_jumps_for_one_process_alone(tmp_path: Path) -> None:
    try:
        own = clock.own(tmp_path)["variables"]
    except Skipped as e:
        pytest.skip(str(e))
    Orders().write(tmp_path)
    clock.set_to(tmp_path, -86400)
    code = (
        "import time, datetime, sqlite3;"
        "print(time.time(), datetime.datetime.now().timestamp(), time.monotonic(),"
        "sqlite3.connect(':memory:').execute(\"select unixepoch('now')\").fetchone()[0])"
    )
    said = python(tmp_path, code, **own)
    of_day, of_datetime, monotonic, of_sqlite = map(float, said.stdout.split())
    for told in (of_day, of_datetime, of_sqlite):
        assert abs(told + 86400 - time.time()) < 60
    assert abs(monotonic - time.monotonic()) < 60


def test_a_disk_is_full_at_once_and_only_here(tmp_path: Path) -> None:
    """Of a thread, for it ends with the mounts that it had before."""
    trouble: list[BaseException] = []

    def work() -> None:
        disk, data = Disk(), tmp_path / "data"
        try:
            disk.house(tmp_path)
            (data / "before").write_bytes(b"x" * 10_000)
            fill(data)
            with pytest.raises(OSError, match="No space left"):
                (data / "more").write_bytes(b"x" * 100_000)
            empty(data)
            (data / "more").write_bytes(b"x" * 100_000)
            disk.end()
            assert not list(data.iterdir())
        except BaseException as e:
            trouble.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if trouble and isinstance(trouble[0], Skipped):
        pytest.skip(str(trouble[0]))
    assert not trouble, trouble


def test_the_kernel_ends_who_wants_more_than_its_group_may_have(tmp_path: Path) -> None:
    Orders().write(tmp_path)
    code = "import sys; sys.stdin.read(); print(len(b'x' * 2**29))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as hungry:
        with group.limited(hungry.pid, 2**26) as limited:
            out, _ = hungry.communicate()
        if not limited:
            pytest.skip("this machine has no control groups for us")
        assert hungry.returncode == -9 and not out
    left = [path for root, _ in group.PLACES for path in root.glob(f"vigentd-faults-{hungry.pid}")]
    assert not left


def test_the_small_bot_api_goes_and_comes_back() -> None:
    api = BotApi()

    def ask() -> str:
        address = f"{api.base_url}{TOKEN}/getMe"
        with urllib.request.urlopen(address, data=b"", timeout=5) as answer:
            told: str = json.load(answer)["result"]["username"]
        return told

    api.up()
    port = api.port
    assert ask() == "vigent_test_bot"
    api.down()
    with pytest.raises(OSError, match="refused"):
        ask()
    api.up()
    assert api.port == port and ask() == "vigent_test_bot"
    api.down()


def test_faults_are_chosen_by_name() -> None:
    assert [case.name for case in chosen(CASES, ["disk", "stopped"])] == ["stopped", "disk"]
    assert len({case.name for case in CASES}) == len(CASES) == len(chosen(CASES, []))
    with pytest.raises(BadInput, match="There is no fault 'flood'"):
        chosen(CASES, ["flood"])
