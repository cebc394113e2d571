"""Several who speak: one script by all of them, the same samples as by one, and what becomes of it when one
is killed. On devices of this machine and through Ray. Real processes, tiny networks, on a CPU."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.jobs import State
from pipeline.spec import JobSpec
from tests.daemon.daemon_kit import Daemon, Desk
from tests.daemon.replica_kit import idle, made_here, standing, status, until
from tests.daemon.test_qwen3_engine import SETTINGS, lay_anna
from tests.face_kit import portrait
from tests.models.qwen3.tiny import BASE

pytestmark = pytest.mark.slow  # the usual suite has test_fan.py, test_plans.py and test_pool.py

SCRIPT = " ".join(f"Number {n} is the next one." for n in ("one", "two", "three", "four", "five", "six"))
BY = {
    "devices": {"VIGENTD_SPEECH__DEVICE": "cpu,cpu"},
    "ray": {
        "VIGENTD_CLUSTER__ADDRESS": "local",
        "VIGENTD_CLUSTER__GPUS": "0",
        "VIGENTD_SPEECH__REPLICAS": "2",
    },
}


@pytest.fixture(scope="module", params=list(BY))
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, album: Path
) -> Iterator[Daemon]:
    if request.param == "ray":
        pytest.importorskip("ray", reason="Ray is not installed")
    settings = SETTINGS | BY[request.param]
    desk = Desk(tmp_path_factory.mktemp("two"), portrait(album, (180, 320), 1), settings)
    lay_anna(desk)
    with desk.daemon() as daemon:
        until(lambda: idle(desk) == 2, desk)
        yield daemon


@pytest.fixture(scope="module")
def alone(daemon: Daemon) -> bytes:
    return by_one(daemon.desk, SCRIPT)


def by_one(desk: Desk, script: str) -> bytes:
    """speech.wav of an engine in this process, which keeps no sentences."""
    settings = {
        "speech": {"engine": "qwen3", "device": "cpu", "tries": 10, "model": BASE, "sentence_cache": 0},
        "whisper": {"model": "tiny"},
        "lipsync": {"engine": "mouthwarp"},
    }
    spec = JobSpec(script=script, clip=desk.clip, voice="anna")
    return (made_here(desk, settings, spec, "speech") / "speech.wav").read_bytes()


def spoken(desk: Desk, job_id: str) -> bytes:
    (wav,) = (desk.config.job_dir(job_id) / "work").glob("speech-*/speech.wav")
    return wav.read_bytes()


def sentences(desk: Desk) -> dict[str, int]:
    return {replica["name"]: replica["sentences"] for replica in status(desk)["replicas"]}


def hosts_of(daemon: Daemon) -> list[int]:
    """The processes that keep the engine, wherever they are."""
    import psutil  # type: ignore[import-untyped]

    from tests.daemon.test_cluster import hosts_on_nodes

    there = [daemon.host(f"speech-{number}")["pid"] for number in (1, 2)]
    return [pid for pid in hosts_on_nodes() if psutil.pid_exists(pid)] or there


def test_the_same_samples_as_of_one_that_speaks_alone(daemon: Daemon, alone: bytes) -> None:
    desk = daemon.desk
    row = daemon.until_finished(job_id := desk.submit(SCRIPT, voice="anna"))
    assert row.state == State.DONE, (row.error, desk.said()[-3000:])
    assert spoken(desk, job_id) == alone
    assert sum(sentences(desk).values()) == 6 and min(sentences(desk).values()) > 0, "both spoke"
    told: dict[str, Any] = status(desk)
    assert told["files"] == ("shared" if told["backend"] == "ray" else "")
    card = desk.vigentd("cluster", "status").stdout
    assert "sentences/s in the last minute" in card and "speech-2" in card and "chunks" not in card


def test_one_that_is_killed_loses_only_its_sentence(daemon: Daemon) -> None:
    desk, script, said = daemon.desk, SCRIPT.replace("Number", "Figure"), len(daemon.desk.said())
    before = sum(sentences(desk).values())
    job_id = desk.submit(script, voice="anna")
    until(lambda: sum(sentences(desk).values()) > before, desk)  # five are left, and both have one
    with standing(hosts_of(daemon)[:1]) as (pid,):
        os.kill(pid, signal.SIGKILL)
        row = daemon.until_finished(job_id)
    assert row.state == State.DONE, (row.error, desk.said()[-3000:])
    assert spoken(desk, job_id) == by_one(desk, script)
    assert desk.said()[said:].count(" host_order_failed ") == 1
    assert desk.milestones(job_id).count("claimed") == 1
