"""The daemon's log: one shape for all, no secrets, and nothing that stops the work."""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import os
import re
import socket
import stat
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr

from daemon.config import Config, LogSettings
from daemon.logs import log as daemon_log
from daemon.logs.joblog import JobLog
from daemon.logs.log import Log
from daemon.logs.logline import MASKED

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
JOB_TIME = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
TOKEN = "8123456789:AAF0aBcDeFgHiJkLmNoPqRsTuVwXyZ_-012"


class WithSecret(Config):
    token: SecretStr = SecretStr("")
    places: dict[str, SecretStr] = Field({})


Start = Callable[..., Log]


@pytest.fixture
def stderr() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def start(tmp_path: Path, stderr: io.StringIO) -> Iterator[Start]:
    """A log, closed at the end of the test."""
    logs: list[Log] = []

    def started(stream: Any = stderr, **said: Any) -> Log:
        logs.append(Log(settings(tmp_path, **said), stream))
        return logs[-1]

    root = logging.getLogger()
    level = root.level
    yield started
    for log in logs:
        log.close()
    root.setLevel(level)


def settings(folder: Path, *, token: str = "", places: dict[str, str] | None = None, **said: Any) -> Config:
    secrets = {name: SecretStr(secret) for name, secret in (places or {}).items()}
    data = folder / "data"
    return WithSecret(data_dir=data, token=SecretStr(token), places=secrets, log=LogSettings(**said))


def kept(folder: Path) -> str:
    return (folder / "data" / "logs" / "vigentd.log").read_text("utf-8")


def test_a_line_has_the_shape_of_a_jobs_log(start: Start, stderr: io.StringIO, tmp_path: Path) -> None:
    facts = {
        "seconds": 1.21,
        "reused": False,
        "count": 3,
        "why": "no room",
        "title": 'a "b"\n\x1b[31m',
        "odd": "\x1b[31m",
    }
    start().event("stage", **facts)
    job_log = JobLog(tmp_path / "job.log", lambda: JOB_TIME)
    job_log.event("stage", **facts)
    line = stderr.getvalue()
    assert re.fullmatch(
        STAMP + r" stage seconds=1\.210 reused=false count=3 why=\"no room\" title=.*\n", line
    )
    assert line.partition(" ")[2] == job_log.path.read_text().partition(" ")[2]
    assert "\x1b" not in line
    assert kept(tmp_path) == line


def test_every_line_of_json_is_one_object(start: Start, stderr: io.StringIO, tmp_path: Path) -> None:
    log = start(format="json")
    log.event("swept", removed=3, path=tmp_path, ratio=float("inf"), title="晚\n\udcff", level="x", none=None)
    log.error("fault", trace=boom("inner"), code="internal")
    logging.getLogger("aiohttp.server").warning("Unhandled %s", "thing")
    said = [json.loads(line) for line in stderr.getvalue().splitlines()]
    assert [(one["level"], one["event"]) for one in said] == [
        ("info", "swept"),
        ("error", "fault"),
        ("warning", "aiohttp.server"),
    ]
    assert re.fullmatch(STAMP, said[0]["time"])
    assert (said[0]["removed"], said[0]["path"], said[0]["ratio"]) == (3, str(tmp_path), "inf")
    assert (said[0]["level_"], said[0]["none"]) == ("x", None)
    assert "ValueError: inner" in said[1]["trace"]
    assert said[2]["message"] == "Unhandled thing"
    assert [json.loads(line) for line in kept(tmp_path).splitlines()] == said


def boom(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as e:
        return e


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["d", "e", "w", "x", "lib"]),
        ("info", ["e", "w", "x", "lib"]),
        ("warning", ["w", "x", "lib"]),
        ("error", ["x"]),
    ],
)
def test_only_what_is_at_least_of_the_level_is_written(
    start: Start, stderr: io.StringIO, level: str, heard: list[str]
) -> None:
    log = start(level=level)
    log.debug("d")
    log.event("e")
    log.warning("w")
    log.error("x")
    logging.getLogger("lib").warning("careful")
    logging.getLogger("lib").info("GET /")  # what libraries do all day is never told
    assert [line.split()[1] for line in stderr.getvalue().splitlines()] == heard


def test_warnings_and_library_errors_come_in_the_same_shape(
    start: Start, stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    root = logging.getLogger()  # pytest's own handlers would not bear the second one
    monkeypatch.setattr(
        root, "handlers", [h for h in root.handlers if type(h).__module__ == "daemon.logs.log"]
    )
    logging.getLogger("apscheduler").error("Job %s raised", "tick", exc_info=boom("late"))
    logging.getLogger("lib").warning("%d things", "no number")  # the library's fault: still told
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # pytest has put itself into the place of the real function
        logging.captureWarnings(True)
        warnings.warn("this is old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    lines = stderr.getvalue().splitlines()
    assert re.fullmatch(STAMP + r' apscheduler level=error message="Job tick raised"', lines[0])
    assert lines[1] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") or re.match(STAMP, line) for line in lines)
    assert 'lib level=warning message="%d things"' in stderr.getvalue()
    assert "py.warnings level=warning" in stderr.getvalue()
    assert "this is old" in stderr.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_reaches_the_log(start: Start, stderr: io.StringIO, tmp_path: Path, form: str) -> None:
    """However it comes: quoted, in a URL, in an exception, before and after it is configured."""
    odd = 'p"ss w\\rd/ü'
    log = start(format=form, token=odd, places={"youtube": "hunter2-key"})
    log.mask("added-later")
    log.event("fact", a=odd, b="hunter2-key", c=["added-later", odd], token=TOKEN)
    log.error("fault", trace=boom(f"401 for https://api.telegram.org/bot{TOKEN}/getMe and {odd}"))
    logging.getLogger("httpx").warning("POST https://x/?key=%s", "p%22ss%20w%5Crd%2F%C3%BC")
    log.configure(settings(tmp_path, format=form, token="another-one"))
    log.event("old", a="hunter2-key", b="another-one")
    for text in (stderr.getvalue(), kept(tmp_path)):
        for secret in ("ss w", "rd/", "hunter2", "added-later", TOKEN, TOKEN[12:], "%22ss", "another-one"):
            assert secret not in text
        assert text.count(MASKED) >= 9
    if form == "json":
        assert [json.loads(line)["event"] for line in stderr.getvalue().splitlines()][-1] == "old"


def test_a_token_is_masked_in_a_jobs_log_too(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "job.log", lambda: JOB_TIME)
    log.event("failed", message=f"https://api.telegram.org/bot{TOKEN}/getMe")
    log.trace(boom(TOKEN))
    assert TOKEN not in log.path.read_text()
    assert log.path.read_text().count(MASKED) == 2


def test_configured_again_nothing_is_written_twice(start: Start, stderr: io.StringIO, tmp_path: Path) -> None:
    log = start()
    log.event("one")
    for _ in range(3):
        log.configure(settings(tmp_path, format="json", level="warning"))
    again = start(format="json", level="warning")
    log.event("quiet")
    log.warning("two")  # what was handed out before still works
    assert len(stderr.getvalue().splitlines()) == 2
    assert json.loads(stderr.getvalue().splitlines()[1])["event"] == "two"
    again.close()
    log.warning("three")
    assert len(kept(tmp_path).splitlines()) == 2


def test_configured_again_the_file_is_opened_anew(start: Start, tmp_path: Path) -> None:
    """What `logrotate` and a person who moves the file away expect of SIGHUP."""
    log = start()
    log.event("one")
    file = tmp_path / "data" / "logs" / "vigentd.log"
    file.rename(file.with_suffix(".old"))
    log.configure(settings(tmp_path))
    log.event("two")
    assert " two" in kept(tmp_path)
    assert " one" not in kept(tmp_path)


def test_the_files_are_private_and_do_not_grow_for_ever(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_log, "FILE_BYTES", 2000)
    old = os.umask(0)
    try:
        log = start()
        for number in range(300):
            log.event("line", number=number, filler="x" * 40)
    finally:
        os.umask(old)
    folder = tmp_path / "data" / "logs"
    files = sorted(folder.iterdir())
    assert [f.name for f in files] == ["vigentd.log", *(f"vigentd.log.{n}" for n in range(1, 5))]
    assert all(f.stat().st_size <= 2000 for f in files)
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "number=299" in files[0].read_text()


def test_a_full_disk_costs_lines_and_not_the_work(
    start: Start, stderr: io.StringIO, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "data" / "logs" / "vigentd.log"
    file.parent.mkdir(parents=True)
    file.symlink_to("/dev/full")
    log = start()
    for number in range(50):
        log.event("lost", number=number, filler="x" * 2000)
    assert len(stderr.getvalue().splitlines()) == 50
    assert capfd.readouterr() == ("", "")  # logging's own complaints, with their tracebacks
    file.unlink()  # there is room again
    log.event("found")
    assert kept(tmp_path).endswith(" found\n")


def test_a_folder_that_cannot_be_made_costs_the_file_only(
    start: Start, stderr: io.StringIO, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("a file is in the way")
    start().event("told")
    assert stderr.getvalue().endswith(" told\n")


def test_a_closed_stderr_costs_nothing(start: Start, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody_reads:
        start(nobody_reads).event("one")
        stream = io.StringIO()
        stream.close()
        start(stream).event("two")
        sys_stderr, sys.stderr = sys.stderr, None
        try:
            start(None).event("three")
        finally:
            sys.stderr = sys_stderr
        with pytest.raises(BrokenPipeError):
            nobody_reads.flush()
        with Path(os.devnull).open("w") as devnull:  # what is still buffered has to go somewhere
            os.dup2(devnull.fileno(), nobody_reads.fileno())
    assert [line.split()[1] for line in kept(tmp_path).splitlines()] == ["one", "two", "three"]


def test_in_the_journal_a_line_has_its_level_and_no_time(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, journal = socket.socketpair()
    with ours, journal, ours.makefile("w") as stream:
        there = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
        log = start(stream)
        log.event("held", because="no room")
        log.error("fault", trace=boom("x"))
        lines = journal.recv(10_000).decode().splitlines()
    assert lines[:2] == ['<6>held because="no room"', "<3>fault level=error"]
    assert all(line.startswith("<3>") for line in lines[1:])
    assert re.match(STAMP + " held", kept(tmp_path))


def test_a_stream_that_only_inherited_the_journals_name_has_times(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:4711")
    file = tmp_path / "stderr"
    with file.open("w") as stream:
        start(stream).event("one")
    assert re.match(STAMP + " one", file.read_text())


def test_threads_do_not_tear_each_others_lines(start: Start, tmp_path: Path) -> None:
    log = start(format="json")

    def write() -> None:
        for _ in range(50):
            log.event("line", filler="x" * 500)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([json.loads(line) for line in kept(tmp_path).splitlines()]) == 200


def test_a_fact_that_cannot_be_written_costs_its_line_only(start: Start, stderr: io.StringIO) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError

    log = start()
    log.event("odd", fact=Odd())
    log.event("next")
    assert stderr.getvalue().endswith(" next\n")
