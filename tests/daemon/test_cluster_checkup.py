"""What `vigentd doctor` says of a cluster, and of several devices."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon import cluster_checkup, gpu_checkup
from daemon.cluster_checkup import cluster
from daemon.config import Config
from daemon.finding import Finding
from models import gpus
from models.choose import Choice
from models.cluster.link import _visible
from models.errors import Unavailable


def found(folder: Path, address: str, **lipsync: Any) -> list[Finding]:
    settings = {"data_dir": folder, "cluster": {"address": address}, "lipsync": lipsync}
    return list(cluster(Config.model_validate(settings)))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[str]:
    """Packages that are installed; and no Ray runs."""
    there = {"ray", "grpc"}
    monkeypatch.setattr(cluster_checkup, "find_spec", lambda name: name if name in there else None)
    monkeypatch.setattr(cluster_checkup, "version", lambda _: "2.60.0")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return there


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_nothing_is_said_where_none_is_wanted(tmp_path: Path, here: set[str]) -> None:
    assert found(tmp_path, "") == []
    (unused,) = found(tmp_path, "auto", engine="mouthwarp")
    assert unused.state == "warn" and unused.fix


def test_what_has_to_be_installed(tmp_path: Path, here: set[str]) -> None:
    here.clear()
    (absent,) = found(tmp_path, "head:6379")
    assert absent.state == "fail" and "pip install 'vigentd[cluster]'" in absent.fix
    here.add("ray")
    (no_client,) = found(tmp_path, "ray://head:10001")
    assert no_client.state == "fail" and "ray[client]" in no_client.fix


def test_whether_somebody_answers(tmp_path: Path, here: set[str], port: int) -> None:
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        (reached,) = found(tmp_path, address)
        assert reached.state == "ok" and "2.60.0" in reached.found, address
    (nobody,) = found(tmp_path, "127.0.0.1:1")
    assert nobody.state == "fail" and "refused" in nobody.found and "ray status" in nobody.fix
    assert found(tmp_path, "local")[0].state == "ok"


def test_auto_is_what_was_started_here_last(tmp_path: Path, here: set[str], port: int) -> None:
    (none,) = found(tmp_path, "auto")
    assert none.state == "fail" and "no Ray runs on this machine" in none.found
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{port}")
    assert found(tmp_path, "auto")[0].state == "ok"


@pytest.mark.parametrize("address", ["head", "head:x", "http://head:1", "ray://", "a b:1", "auto "])
def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="should be HOST:PORT"):
        Config.model_validate({"data_dir": tmp_path, "cluster": {"address": address}})


def test_each_device_of_a_list_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, str]] = []

    def on_its_gpu(name: str, device: str) -> Finding:
        tried.append((name, device))
        return Finding(name, "ok", device)

    monkeypatch.setattr(gpu_checkup, "on_its_gpu", on_its_gpu)
    monkeypatch.setattr(gpu_checkup, "chosen_speech", lambda _: Choice("qwen3", device="cuda:0"))
    monkeypatch.setattr(gpu_checkup, "chosen_lipsync", lambda _: Choice("latentsync", device="cuda:1"))
    settings: dict[str, Any] = {"data_dir": tmp_path, "speech": {"device": "cuda:0,cuda:1"}}
    settings["lipsync"] = {"device": ["cuda:1", "cuda:2", "cuda:2"]}
    findings = list(gpu_checkup.devices(Config.model_validate(settings)))
    assert tried == [
        ("speech device cuda:0", "cuda:0"),
        ("speech and lipsync device cuda:1", "cuda:1"),
        ("lipsync device cuda:2", "cuda:2"),
    ]
    (twice,) = [finding for finding in findings if finding.state != "ok"]
    assert (twice.name, twice.state) == (
        "lipsync.device",
        "warn",
    ) and "cuda:2 is named 2 times" in twice.found
    tried.clear()
    settings["cluster"] = {"address": "head:6379"}
    list(gpu_checkup.devices(Config.model_validate(settings)))
    assert [device for _, device in tried] == ["cuda:0", "cuda:1"], "the nodes' GPUs are not here"


def test_a_cluster_of_this_machine_has_the_gpus_of_the_lips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process was given none, as who needs no engine; and the speech engine's is not Ray's to give."""
    monkeypatch.setenv(gpus.VISIBLE, "")
    monkeypatch.setenv(gpus.OF_THE_DAEMON, gpus.ALL)
    assert _visible(["cuda:1", "cuda:2", "cuda:1"]) == "1,2" and _visible(["cpu"]) == ""
    monkeypatch.setenv(gpus.OF_THE_DAEMON, "4,GPU-ab")
    assert _visible(["cuda:1"]) == "GPU-ab"
    with pytest.raises(Unavailable):
        _visible(["cuda:2"])
    assert os.environ[gpus.VISIBLE] == ""
