"""`vigentd status` and `vigentd events`; and that commands tell the daemon what they did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from daemon.config import Config
from daemon.queue import Queue
from daemon.store.lock import WorkerLock
from pipeline.spec import JobSpec
from tests.daemon.conftest import ROOT, Cli
from tests.daemon.control_kit import TinyOffice, serving


def test_status_of_a_daemon(cli: Cli, served: Path, queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec.model_copy(update={"title": "Daily\x1b[2J"}))
    claim = queue.claim("tests")
    assert claim is not None
    queue.submit(spec)
    card = cli("status")
    assert (card.code, card.err) == (0, "")
    for part in (
        "waiting, process 4123, version 0.1.0",
        "nearly full",
        claim.job_id,
        "1 job, the oldest",
        "daily watching, 2 held",
        "@anna_bot connected, 3 messages to send",
        "2 targets, 2 waiting, 1 for a person (`vigentd publish plan`), next site 2126-",
    ):
        assert part in card.out
    assert "espeak" in card.out and "2.1 GB" in card.out and "\x1b" not in card.out
    told = cli("status", "--json")
    assert (told.code, told.json["job"]["id"], told.json["pid"]) == (0, claim.job_id, 4123)


WHY = "The lip-sync engine cannot be loaded: " + "/models/latentsync_unet.pt is not a checkpoint " * 6


def host(name: str, **facts: object) -> dict[str, object]:
    nothing = {"pid": None, "job": "", "stage": "", "heartbeats": 0, "age_s": 0.0, "rss": 0, "vram": 0}
    more: dict[str, object] = {
        "state": "dead",
        "engine": None,
        "device": "cpu",
        "versions": {},
        "starts": 2,
        "why": "",
        "hint": "",
    }
    return {"name": name} | nothing | more | facts


def test_what_to_do_stands_below_why(cli: Cli, served: Path, office: TinyOffice) -> None:
    """The hint stood in the log only; and a long reason left no room for the columns of the table."""
    speech = host("speech", state="ready", engine="espeak/1", rss=10**8)
    lipsync = host("lipsync", why=WHY, hint="Download the file again.")
    office.more = {"why": WHY, "hint": "Download the file again.", "hosts": [speech, lipsync]}
    lines = cli("status").out.splitlines()
    at = lines.index(f"why:       {WHY}")
    assert lines[at + 1] == "hint:      Download the file again."
    rows = [line.split() for line in lines[lines.index("") + 1 :]]
    assert rows == [
        ["host", "state", "engine", "device", "memory", "GPU", "memory", "does"],
        ["speech", "ready", "espeak/1", "cpu", "0.1", "GB"],
        ["lipsync", "dead", "cpu"],
    ]


def test_a_host_that_no_job_waits_for_says_why_too(cli: Cli, served: Path, office: TinyOffice) -> None:
    """While a job is in another stage, nothing waits."""
    office.more = {"why": "", "hosts": [host("lipsync", why=WHY, hint="Download the file again.")]}
    lines = cli("status").out.splitlines()
    assert lines[-2:] == [f"lipsync:   {WHY}", "hint:      Download the file again."]


def test_status_of_a_daemon_of_another_version(cli: Cli, served: Path, office: TinyOffice) -> None:
    """During an upgrade. The one before told neither hints nor what was not taken up."""
    told = office.status()
    del told["hint"], told["not_reloaded"], told["publish"]
    office.status = lambda: told  # type: ignore[method-assign]
    assert cli("status").code == 0


def test_a_configuration_that_was_not_taken_up(cli: Cli, served: Path, office: TinyOffice) -> None:
    refused = {"code": "engine_missing", "message": "The voice is not here", "hint": "Install it."}
    office.more = {"not_reloaded": refused}
    lines = cli("status").out.splitlines()
    at = lines.index("config:    not taken up: The voice is not here")
    assert lines[at + 1] == "hint:      Install it."
    office.more = {}
    assert "config:" not in cli("status").out


def test_what_is_not_well_is_told(cli: Cli, served: Path, office: TinyOffice) -> None:
    assert "health:" not in cli("status").out
    office.more = {"health": {"verdict": "degraded", "why": "The disk is nearly full"}}
    assert "health:    degraded: The disk is nearly full (`vigentd health` says more)" in cli("status").out


def test_status_without_a_daemon(cli: Cli, office: TinyOffice, config: Config, spec: JobSpec) -> None:
    office.queue.submit(spec)
    said = cli("status")
    assert said.code == 1 and "No daemon is running" in said.out and "1 job, the oldest" in said.out
    assert "vigentd run" in said.err
    told = cli("status", "--json")
    assert told.code == 1 and told.json.keys() == office.status().keys()
    assert (told.json["state"], told.json["pid"], told.json["counts"]["queued"]) == ("stopped", None, 1)
    with WorkerLock(config.data_dir, "daemon") as lock:
        assert lock.take()
        told = cli("status", "--json")
    assert (told.code, told.json["state"], told.json["pid"]) == (1, "silent", os.getpid())


@contextmanager
def started(config: Config, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`vigentd …` as a process, which does not outlive the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", *arguments],
        env=os.environ | {"VIGENTD_DATA_DIR": str(config.data_dir), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_events_are_printed_as_they_come_until_ctrl_c(
    served: Path, office: TinyOffice, config: Config
) -> None:
    with started(config, "events") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "hello"
        office.events.publish("queue", why="\x9b2J 满")
        line = process.stdout.readline()
        assert json.loads(line)["why"] == "\x9b2J 满" and "\x9b" not in line
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_events_end_with_the_daemon(cli: Cli, office: TinyOffice, config: Config) -> None:
    server = ExitStack()
    server.enter_context(serving(office, config.socket))
    with started(config, "events") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cli("events", "--job", "nope1234").code == 2
        server.close()
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "") and err.startswith("error: The daemon has stopped\nhint: ")
    said = cli("events")
    assert (said.code, said.out) == (1, "") and said.err.startswith("error: No daemon is running\n")


def test_the_daemon_learns_at_once_of_what_commands_do(
    cli: Cli, served: Path, office: TinyOffice, queue: Queue, spec: JobSpec, config: Config
) -> None:
    job = queue.submit(spec).id
    with WorkerLock(config.data_dir, "daemon") as lock:
        assert lock.take()
        for command in ("cancel", "retry"):
            office.woken.clear()
            said = cli(command, job)
            assert said.code == 0 and "No daemon" not in said.err
            assert office.woken.is_set(), command


def test_the_command_line_imports_none_of_the_server(config: Config, queue: Queue) -> None:
    code = (
        "import sys; from daemon import command_line; command_line.run(['ls', '--json'])\n"
        "heavy = {'aiohttp', 'http.client', 'daemon.control.client', 'daemon.control.server'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"VIGENTD_DATA_DIR": str(config.data_dir), "PYTHONPATH": str(ROOT)},
    )
    assert said.stdout == "[]\n[]\n", said.stderr
    code = "import sys, daemon.control.client; print({'aiohttp', 'asyncio', 'sqlalchemy'} & set(sys.modules))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert said.stdout == "set()\n", said.stderr
