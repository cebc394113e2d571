"""A person's desk: commands in, a finished video out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped]
import pytest

from daemon.command_line import run as run_command
from pipeline.media import main_video, open_local
from tests.face_kit import portrait

ROOT = Path(__file__).resolve().parents[2]
SHORT = "Good morning, and welcome."


class Said(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Desk:
    """A person's folder, and a machine on which nothing else is set."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def environment(self) -> dict[str, str]:
        own = {
            "VIGENTD_DATA_DIR": str(self.data),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
        }
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("VIGENTD_")}
        return kept | own

    def process(self, *arguments: object, stdin: bytes = b"") -> Said:
        """`vigentd …` in a process of its own. Two seconds of imports each: only where that matters."""
        done = subprocess.run(
            [sys.executable, "-m", "daemon.cli", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(),
            timeout=280,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run(self, *arguments: object, stdin: bytes = b"") -> Said:
        """`vigentd …` within this process."""
        with (
            self._seated(stdin),
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as told,
        ):
            code = run_command([str(argument) for argument in arguments])
        return Said(code, out.getvalue(), told.getvalue())

    @contextmanager
    def _seated(self, stdin: bytes) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("VIGENTD_")]:
                patch.delenv(name)
            for name, value in self.environment().items():
                patch.setenv(name, value)
            patch.setattr(tempfile, "tempdir", None)  # where TMPDIR once was, which is kept
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.chdir(self.folder)
            yield

    def submit(self, script: str, clip: Path, *options: object) -> dict[str, Any]:
        """`vigentd submit … --wait --json`, which must succeed."""
        told = ("--script", "-") if script else ()
        command = ("submit", *told, "--clip", clip, "--wait", "--json", *options)
        return done(self.run(*command, stdin=script.encode()))

    def artifact(self, job: dict[str, Any], stage: str) -> Path:
        work: Path = self.data / "jobs" / job["id"] / "work"
        (found,) = work.glob(f"{stage}-*[0-9a-f]")
        return found

    def left_running(self) -> list[psutil.Process]:
        """Processes that were started from this desk and still live, whoever their parent is by now."""

        def is_ours(process: psutil.Process) -> bool:
            with contextlib.suppress(psutil.Error):
                return bool(process.environ().get("TMPDIR") == str(self.folder / "tmp"))
            return False

        ours = [p for p in psutil.process_iter() if is_ours(p)]
        return list(psutil.wait_procs(ours, timeout=10)[1])


def done(said: Said) -> dict[str, Any]:
    """The job that `--wait --json` told of; it must be done."""
    assert said.returncode == 0, said.stderr
    job: dict[str, Any] = json.loads(said.stdout)
    assert job["state"] == "done"
    return job


def seconds_of(path: Path) -> float:
    with open_local(path) as container:
        stream = main_video(container)
        assert stream and stream.duration and stream.time_base
        return float(stream.duration * stream.time_base)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def face(album: Path) -> Path:
    """Small and soon made: for all that does not look closely at the lips."""
    return portrait(album, (180, 320), 1)
