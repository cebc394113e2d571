"""LatentSync in the house: from the configuration through its host to the finished video, and what is said of
it. The whole engine, on a CPU, with the weights of a tiny network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.config import Config
from daemon.engines.local import LocalEngines
from daemon.jobs import State
from models.launch import OFFLINE
from pipeline.spec import JobSpec
from tests.daemon.daemon_kit import SHORT, Daemon, Desk, gone
from tests.face_kit import portrait
from tests.models.latentsync.tiny import lay_models

LATENTSYNC = {
    "VIGENTD_LIPSYNC__ENGINE": "latentsync",
    "VIGENTD_LIPSYNC__DEVICE": "cpu",
    "VIGENTD_LIPSYNC__STEPS": "2",
    "VIGENTD_LIPSYNC__GUIDANCE": "2.8",
    "VIGENTD_LIPSYNC__COMPILE": "false",
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, album: Path) -> Iterator[Daemon]:
    desk = Desk(tmp_path_factory.mktemp("desk"), portrait(album, (180, 320), 1), dict(LATENTSYNC))
    lay_models(desk.config.weights)
    with desk.daemon() as daemon:
        yield daemon


def test_jobs_are_made_by_one_engine_that_stays(daemon: Daemon) -> None:
    desk = daemon.desk
    pids = []
    for job_id in (desk.submit(), desk.submit("See you.")):
        row = daemon.until_finished(job_id)
        assert row.state == State.DONE, row.error
        assert row.engines["lipsync"] == "latentsync"
        assert row.output is not None and Path(row.output).stat().st_size > 10_000
        pids.append(daemon.host("lipsync")["pid"])
    host = daemon.host("lipsync")
    assert host["engine"].startswith("latentsync/") and host["device"] == "cpu"
    assert host["starts"] == 1 and pids[0] == pids[1], "it was loaded once"


def test_the_person_is_told_what_to_know_of_it(daemon: Daemon) -> None:
    """It does what was asked for, slowly, and with lips that may jitter."""
    with daemon.desk.queue() as queue:
        row = queue.list(1)[0]
    assert row.state == State.DONE
    assert any("without a GPU" in note for note in row.notes)
    assert any("lipsync.guidance is 2.8" in note for note in row.notes)
    assert not any("draft engine" in note for note in row.notes)


def test_the_command_line_names_it(daemon: Daemon) -> None:
    desk = daemon.desk
    listed = json.loads(desk.vigentd("ls", "--json").stdout)
    assert {job["engines"]["lipsync"] for job in listed} == {"latentsync"}
    assert "latentsync/" in desk.vigentd("status").stdout
    found = {one["name"]: one for one in json.loads(desk.vigentd("doctor", "--json").stdout)}
    assert "LatentSync without a GPU" in found["lipsync engine"]["found"]
    assert found["lipsync weights"]["state"] == "ok"
    assert found["lipsync guidance"]["state"] == "warn"


def test_the_door_knows_the_engine_too(daemon: Daemon) -> None:
    """Its process sees no GPU, and must not refuse for that."""
    wish = {"clip": str(daemon.desk.clip), "script": SHORT}
    job_id = daemon.desk.client.post("/jobs", wish)["id"]
    assert daemon.cancel(job_id).engines in ({}, {"speech": "espeak", "lipsync": "latentsync"})


def test_without_a_daemon_it_is_the_same_engine(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # is set now, and taken back afterwards
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", *OFFLINE):
        monkeypatch.setenv(name, "")  # the same
    lipsync = {"engine": "latentsync", "device": "cpu", "compile": False}
    config = Config.model_validate({"data_dir": daemon.desk.config.data_dir, "lipsync": lipsync})
    engines = LocalEngines(config)
    assert engines.lipsync.name == "latentsync"
    spec = JobSpec(clip=daemon.desk.clip, script=SHORT)
    assert engines.names(spec)["lipsync"] == "latentsync"


def test_only_what_the_engine_is_loaded_with_replaces_its_host(daemon: Daemon) -> None:
    starts = daemon.host("lipsync")["starts"]
    with daemon.configured("[lipsync]\ndeepcache_interval = 0\n"):
        assert daemon.host("lipsync")["starts"] == starts


@pytest.mark.slow
def test_weights_that_cannot_be_loaded_are_told_with_what_to_do(daemon: Daemon) -> None:
    """The hint stood in the log only; and of the host that a reload replaced it was said that it had died."""
    assert gone(lambda: daemon.status()["why"], 60)
    desk, said = daemon.desk, len(daemon.desk.said())
    starts = daemon.host("lipsync")["starts"]
    weights = desk.config.weights / "LatentSync-1.6" / "latentsync_unet.pt"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    try:
        with daemon.configured("[lipsync]\npresenter_cache = '1GB'\n"):
            assert gone(lambda: "cannot be loaded" not in daemon.status()["why"], 120), desk.said()
            assert daemon.host("lipsync")["starts"] > starts
            card = desk.vigentd("status").stdout.splitlines()
            (at,) = (k for k, line in enumerate(card) if line.startswith("why:"))
            assert str(weights) in card[at]
            assert card[at + 1].startswith("hint:      Run `vigentd models verify`")
            weights.write_bytes(whole)  # before the next reload
    finally:
        weights.write_bytes(whole)
    told = desk.said()[said:]
    assert "started again, for its configuration has changed" in told
    assert "its process is gone" not in told.split("cannot be loaded")[0]
