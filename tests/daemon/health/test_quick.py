"""`vigentd health` is quick where it can be, and leaves to the whole program what it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.commands import quick
from daemon.control.events import Events
from daemon.queue import Queue
from tests.daemon.control_kit import TinyOffice, serving

LEAN = """
import json, sys
from daemon.commands import quick, streams
for _ in range(40):  # a machine that is busy may answer late, and then another would answer
    if (code := quick.answer(sys.argv[1:])) is not None:
        break
print("\\n" + json.dumps([code, sorted({"typer", "pydantic", "rich", "sqlmodel"} & sys.modules.keys())]))
"""


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a daemon that answers."""
    queue = Queue(tmp_path / "vigentd.db")
    with serving(TinyOffice(queue, Events()), tmp_path / "control.sock"):
        yield tmp_path
    queue.close()


def run(*arguments: str, cwd: Path, **environment: str) -> tuple[str, int | None, list[str]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VIGENTD_")}
    path = {"PYTHONPATH": str(Path(__file__).parents[3])}
    asked = [sys.executable, "-c", LEAN, *arguments]
    told = subprocess.run(
        asked, cwd=cwd, env=clean | path | environment, capture_output=True, text=True, check=True, timeout=60
    )
    said, _, last = told.stdout.rstrip().rpartition("\n")
    code, heavy = json.loads(last)
    return said, code, heavy


def test_nothing_heavy_is_imported_for_it(answering: Path, tmp_path: Path) -> None:
    said, code, heavy = run("health", cwd=tmp_path, VIGENTD_DATA_DIR=str(answering))
    assert (code, heavy) == (0, [])
    assert said.startswith("healthy")


def test_json_is_one_value(answering: Path, tmp_path: Path) -> None:
    said, code, _ = run("health", "--json", cwd=tmp_path, VIGENTD_DATA_DIR=str(answering))
    told = json.loads(said)
    assert (code, told["verdict"], told["from"]) == (0, "healthy", "daemon")


def test_the_data_folder_is_the_one_of_the_configuration(answering: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "vigentd.toml").write_text('data_dir = ".."\n', "utf-8")  # beside the file, not below
    assert run("health", cwd=here)[1] == 0


@pytest.mark.parametrize("as_json", ["", "--json"])
@pytest.mark.parametrize(
    ("stdout", "said"),
    [(">/dev/full", "error: The output cannot be written: No space left on device"), ("| true", "")],
)
def test_an_output_that_nobody_takes_is_one_sentence(
    answering: Path, tmp_path: Path, as_json: str, stdout: str, said: str
) -> None:
    command = f"exec 2>&1; {sys.executable} -m daemon.cli health {as_json} {stdout}"
    variables = {"PYTHONPATH": str(Path(__file__).parents[3]), "VIGENTD_DATA_DIR": str(answering)}
    told = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=os.environ | variables, capture_output=True, timeout=60
    )
    assert told.stdout.decode().strip() == said


@pytest.mark.parametrize("text", ["data_dir = 3\n", "data_dir = \n", "[queue\n"])
def test_a_configuration_that_is_wrong_is_left_to_who_explains_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "vigentd.toml").write_text(text, "utf-8")
    assert run("health", cwd=tmp_path)[1] is None


def test_an_empty_data_dir_is_not_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole program refuses it; another daemon's answer would be a wrong one."""
    (tmp_path / ".local/share/vigentd").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VIGENTD_DATA_DIR", "")
    queue = Queue(tmp_path / "vigentd.db")
    with serving(TinyOffice(queue, Events()), tmp_path / ".local/share/vigentd/control.sock"):
        assert quick.answer(["health"]) is None
    queue.close()


@pytest.mark.parametrize("asked", [["health", "--heal"], ["status"], [], ["--config", "x", "health"]])
def test_all_else_is_left_to_the_whole_program(asked: list[str]) -> None:
    assert quick.answer(asked) is None


def test_without_a_daemon_the_whole_program_answers(tmp_path: Path) -> None:
    said, code, _ = run("health", cwd=tmp_path, VIGENTD_DATA_DIR=str(tmp_path / "empty"))
    assert (said, code) == ("", None)
