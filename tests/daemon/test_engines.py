"""From the configuration to the hosts: which engine is loaded how, and what a new configuration replaces."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.engines.hosts import plans
from daemon.engines.roster import Chosen
from models.choose import Choice
from models.errors import Unavailable
from models.host import Plan
from pipeline.spec import JobSpec
from tests.models.latentsync.tiny import lay_models

SPEC = JobSpec(clip=Path("/anna.mp4"), script="Hello.")


def configured(folder: Path, models: dict[str, Any] | None = None, **lipsync: Any) -> Config:
    return Config.model_validate({"data_dir": folder, "lipsync": lipsync, "models": models or {}})


def plan_of(config: Config, engine: str = "latentsync") -> Plan:
    """Of the lip-sync host, were this engine chosen."""
    chosen = Chosen(config.model_copy(update={"lipsync": type(config.lipsync)()}))
    chosen.lipsync = Choice(engine)
    (plan,) = (plan for plan in plans(config, chosen) if plan.name == "lipsync")
    json.dumps(plan.arguments)  # they travel
    return plan


def test_a_host_has_its_gpu_to_itself(tmp_path: Path) -> None:
    plan = plan_of(configured(tmp_path, device="cuda:1"))
    assert (plan.device, plan.arguments["device"]) == ("cuda:1", "cuda:0")
    plan = plan_of(configured(tmp_path, device="cpu"))
    assert (plan.device, plan.arguments["device"]) == ("cpu", "cpu")


def test_where_weights_presenters_and_kernels_lie(tmp_path: Path) -> None:
    how = plan_of(configured(tmp_path, presenter_cache="1GB")).arguments
    assert how["folder"] == str(tmp_path / "models")
    assert (how["cache"], how["cache_bytes"]) == (str(tmp_path / "cache" / "presenters"), 10**9)
    assert how["kernels"] == str(tmp_path / "cache" / "kernels")
    how = plan_of(configured(tmp_path, {"folder": "/m"}, presenter_cache=0)).arguments
    assert (how["folder"], how["cache"]) == ("/m", None)


@pytest.mark.parametrize(
    "lipsync",
    [{"precision": "fp32"}, {"presenter_cache": 0}, {"compile": False}, {"device": "cuda:0"}],
    ids=str,
)
def test_what_the_engine_is_loaded_with_replaces_its_host(tmp_path: Path, lipsync: dict[str, Any]) -> None:
    before, after = configured(tmp_path), configured(tmp_path, **lipsync)
    assert plan_of(after) != plan_of(before)
    assert plan_of(after, "mouthwarp") == plan_of(before, "mouthwarp"), "that engine does not know of it"


def test_what_each_job_brings_along_replaces_no_host(tmp_path: Path) -> None:
    other = configured(tmp_path, steps=8, guidance=2.0, deepcache_interval=0, fps=25, alignment="insightface")
    assert plan_of(other) == plan_of(configured(tmp_path))


def test_other_weights_are_another_engine(tmp_path: Path) -> None:
    assert plan_of(configured(tmp_path, {"folder": "/m"})) != plan_of(configured(tmp_path))


def test_the_draft_engine_is_said_with_its_reason(tmp_path: Path) -> None:
    chosen = Chosen(configured(tmp_path, device="cpu", guidance=3))
    assert chosen.names(SPEC) == {"speech": "espeak", "lipsync": "mouthwarp"}
    notes = chosen.notes(SPEC)
    assert len(notes) == 2 and "Lips by the draft engine (mouthwarp): lipsync.device is cpu" in notes[1]


@pytest.mark.skipif(find_spec("insightface") is not None, reason="insightface is installed")
def test_an_alignment_that_is_not_here_is_refused_as_an_engine_is(tmp_path: Path) -> None:
    lay_models(tmp_path / "models")
    config = configured(tmp_path, engine="latentsync", device="cpu")
    assert Chosen(config).lipsync.name == "latentsync"
    with pytest.raises(Unavailable, match="insightface is not installed") as caught:
        Chosen(configured(tmp_path, engine="latentsync", device="cpu", alignment="insightface"))
    assert caught.value.code == "engine_missing"
