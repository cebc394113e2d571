"""What the tests of the daemon share: a queue in an empty folder, a job, the command line as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon.command_line import run as run_command
from daemon.config import Config
from daemon.control.client import Client
from daemon.control.events import Events
from daemon.queue import Queue
from pipeline.spec import JobSpec
from tests.daemon.control_kit import TinyOffice, serving
from tests.database_kit import lay_database

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the configuration of the machine that it runs on."""
    for name in list(os.environ):
        if name.startswith("VIGENTD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data")


@pytest.fixture
def queue(config: Config) -> Iterator[Queue]:
    lay_database(config.database)
    queue = Queue(config.database)
    yield queue
    queue.close()


@pytest.fixture
def spec() -> JobSpec:
    return JobSpec(script="Good morning.", clip=Path("/clips/anna.mp4"))


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Said]


@pytest.fixture
def cli(config: Config, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """`vigentd …` within this process, on the folder of `config`."""

    def run(*arguments: str, **variables: str) -> Said:
        with monkeypatch.context() as patch:
            for name, value in {"VIGENTD_DATA_DIR": str(config.data_dir), **variables}.items():
                patch.setenv(name, value)
            capfd.readouterr()
            code = run_command(list(arguments))
        return Said(code, *capfd.readouterr())

    return run


@pytest.fixture
def process(config: Config, tmp_path: Path) -> Cli:
    """`vigentd …` in a process of its own: a second each, so only where that matters."""

    def run(*arguments: str, stdin: bytes = b"", timeout: float = 60, **variables: str) -> Said:
        environment = os.environ | {"VIGENTD_DATA_DIR": str(config.data_dir), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "daemon.cli", *arguments],
            input=stdin,
            capture_output=True,
            env=environment | variables,
            cwd=tmp_path,
            timeout=timeout,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def office(queue: Queue) -> TinyOffice:
    return TinyOffice(queue, Events())


@pytest.fixture
def served(office: TinyOffice, config: Config) -> Iterator[Path]:
    """The path of a control socket, on which the office is served."""
    with serving(office, config.socket):
        yield config.socket


@pytest.fixture
def client(served: Path) -> Client:
    return Client(served, read_timeout_s=10)
