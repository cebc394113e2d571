"""From the configuration to the hosts: which engine is loaded how, and what a new configuration replaces."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from daemon.config import Config, HealthSettings
from daemon.engines.ahead import Ahead
from daemon.engines.hosts import Hosts
from daemon.engines.plans import plans
from daemon.engines.roster import Chosen
from daemon.engines.seat import Seat
from daemon.logs.log import Log
from daemon.queue import Queue
from models import budgets
from models.budgets import Budget, even
from models.choose import NOBODY, Choice
from models.errors import Unavailable
from models.host import Host, Plan
from models.progress import Quiet
from pipeline import hosted
from pipeline.job import Job
from pipeline.progress import JobProgress
from pipeline.spec import JobSpec
from pipeline.stages import STAGES
from pipeline.workspace import Workspace
from tests.models import host_work
from tests.models.latentsync.tiny import lay_models

SPEC = JobSpec(clip=Path("/anna.mp4"), script="Hello.")


def configured(folder: Path, models: dict[str, Any] | None = None, **lipsync: Any) -> Config:
    return Config.model_validate({"data_dir": folder, "lipsync": lipsync, "models": models or {}})


def speaking(folder: Path, whisper: str = "small", **speech: Any) -> Config:
    return Config.model_validate({"data_dir": folder, "speech": speech, "whisper": {"model": whisper}})


def plan_of(config: Config, engine: str = "latentsync", *, hears: bool = True) -> Plan:
    """Of the host that would keep this engine, were it chosen."""
    draft = Config.model_validate({"speech": {"engine": "espeak"}, "lipsync": {"engine": "mouthwarp"}})
    chosen = Chosen(draft)
    if engine in ("espeak", "qwen3"):
        chosen.speech = Choice(engine, device="cpu" if engine == "espeak" else config.speech.device)
        chosen.hearing = Choice("whisper", device=config.speech.device) if hears else Choice(NOBODY)
    else:
        chosen.lipsync = Choice(engine, device="cpu" if engine == "mouthwarp" else config.lipsync.device)
    kind = "speech" if engine in ("espeak", "qwen3") else "lipsync"
    (plan,) = (plan for plan in plans(config, chosen) if plan.name == kind)
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
    for engine in ("latentsync", "qwen3"):
        other = plan_of(configured(tmp_path, {"folder": "/m"}), engine)
        assert other != plan_of(configured(tmp_path), engine)


def test_weights_that_were_fetched_again_are_taken_up_by_a_reload(tmp_path: Path) -> None:
    for engine, file in (
        ("latentsync", "LatentSync-1.6/latentsync_unet.pt"),
        ("qwen3", "Qwen3-TTS-12Hz-1.7B-Base/model.safetensors"),
        ("espeak", "whisper/small.pt"),
    ):
        weights = tmp_path / "models" / file
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"torn")
        before = plan_of(configured(tmp_path), engine)
        assert plan_of(configured(tmp_path), engine) == before
        weights.write_bytes(b"whole")
        assert plan_of(configured(tmp_path), engine) != before, file


# ---------------------------------------------------------------- the host that speaks and hears


def test_who_speaks_and_who_hears_share_a_gpu(tmp_path: Path) -> None:
    """Also with the lips: each host sees that one GPU, as its first."""
    config = speaking(tmp_path, device="cuda:1")
    plan = plan_of(config, "qwen3")
    assert plan.device == plan_of(config).device == "cuda:1"
    assert plan.arguments["how"]["device"] == plan.arguments["hearing"]["device"] == "cuda:0"
    plan = plan_of(speaking(tmp_path, device="cpu"), "qwen3")
    assert plan.device == plan.arguments["how"]["device"] == plan.arguments["hearing"]["device"] == "cpu"


def test_the_draft_voice_needs_no_gpu_but_who_hears_may_use_one(tmp_path: Path) -> None:
    config = speaking(tmp_path, device="cuda:0")
    assert plan_of(config, "espeak", hears=False).device == "cpu"
    plan = plan_of(config, "espeak")
    assert plan.device == "cuda:0" and plan.arguments["hearing"]["device"] == "cuda:0"


def test_where_weights_voices_and_sentences_lie(tmp_path: Path) -> None:
    arguments = plan_of(speaking(tmp_path, whisper="turbo", sentence_cache="2GB"), "qwen3").arguments
    how = arguments["how"]
    assert how["folder"] == arguments["hearing"]["folder"] == str(tmp_path / "models")
    assert how["voices"] == str(tmp_path / "voices")
    assert (how["cache"], how["cache_bytes"]) == (str(tmp_path / "cache" / "sentences"), 2 * 10**9)
    assert arguments["hearing"]["model"] == "turbo"
    assert plan_of(speaking(tmp_path, sentence_cache=0), "qwen3").arguments["how"]["cache"] is None
    assert "hearing" not in plan_of(speaking(tmp_path), "qwen3", hears=False).arguments


@pytest.mark.parametrize(
    "speech",
    [
        {"model": "0.6B-CustomVoice"},
        {"device": "cuda:1"},
        {"precision": "fp32"},
        {"attention": "sdpa"},
        {"tries": 5},
        {"verify": True},
        {"sentence_cache": 0},
        {"whisper": "tiny"},
    ],
    ids=str,
)
def test_what_a_voice_is_loaded_with_replaces_the_speech_host_alone(
    tmp_path: Path, speech: dict[str, Any]
) -> None:
    before, after = speaking(tmp_path), speaking(tmp_path, **speech)
    assert plan_of(after, "qwen3") != plan_of(before, "qwen3")
    assert plan_of(after) == plan_of(before)


def test_a_limit_of_what_is_not_checked_replaces_nothing(tmp_path: Path) -> None:
    before, after = speaking(tmp_path), speaking(tmp_path, max_error=0.1, lead_s=1)
    assert plan_of(after, "qwen3") == plan_of(before, "qwen3")
    before, after = (speaking(tmp_path, verify=True, max_error=limit) for limit in (0.1, 0.2))
    assert plan_of(after, "qwen3") != plan_of(before, "qwen3")


def test_it_is_said_when_nobody_hears_and_when_a_tone_is_not_heard(tmp_path: Path) -> None:
    chosen = Chosen(configured(tmp_path, engine="mouthwarp"))
    recorded, told = (SPEC.model_copy(update=some) for some in ({"speech": Path("/a.wav")}, {"tone": "warm"}))
    assert not any("times of words" in note for note in chosen.notes(SPEC)), "that voice knows them"
    assert any("the tone is not heard" in note for note in chosen.notes(told))
    chosen.speech, chosen.hearing = Choice("qwen3", device="cuda:0"), Choice(NOBODY, "no Whisper")
    assert chosen.notes(SPEC) == chosen.notes(told) == ["no Whisper"]
    assert chosen.notes(recorded) == []
    chosen.hearing = Choice("whisper")
    assert chosen.notes(SPEC) == []


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


def test_who_hears_may_take_long_to_load(tmp_path: Path) -> None:
    """Beside the draft voice it is loaded for the first recording, without a heartbeat: that was a stall."""
    recording = tmp_path / "said.wav"
    hum = np.sin(np.arange(16_000) / 20) * np.linspace(0, 1, 16_000)
    wavfile.write(recording, 16_000, (hum * 20_000).astype(np.int16))
    hosts = Hosts(configured(tmp_path), lambda *_: None)
    hosts._chosen.speech, hosts._chosen.hearing = Choice("espeak"), Choice("whisper")
    modules = ("pipeline.hosted", "pipeline.speech", "pipeline.recording")
    seat = hosts._seats["speech"]
    seat.plan = Plan("speech", f"{host_work.__name__}:load_slow_ears", {"seconds": 4.0}, preload=modules)
    told: list[str] = []
    progress = JobProgress({"speech": 1.0}, lambda at: told.append(at.loading))
    spec = JobSpec(clip=Path("/anna.mp4"), script="", speech=recording)
    job = Job(spec, configured(tmp_path).settings, progress=progress)
    stage = replace(next(stage for stage in STAGES if stage.name == "speech"), floors=even(1.5))
    seat.open()
    try:
        progress.enter("speech")
        made = hosts.make(stage, job, Workspace(tmp_path / "work"))
        assert (made.artifact / "speech.wav").exists() and "Whisper" in told
        assert hosts.make(stage, job, Workspace(tmp_path / "work")).reused
        assert seat.starts == 1
    finally:
        hosts.close()


def test_whatever_a_host_is_asked_for_has_the_patience_that_was_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow machine, what is looked at or spoken ahead was taken for stuck though all else was not."""
    asked: list[tuple[str, Budget]] = []

    class Noted(Host):
        def ask(self, do: str, *_: Any, floors: Budget = budgets.ASKED, **__: Any) -> Any:
            asked.append((do, floors))
            return {"artifact": "/made", "reused": False} if do == hosted.MAKE else "/folder"

    config = Config(data_dir=tmp_path / "data", health=HealthSettings(patience=7.0))
    hosts, host = Hosts(config, lambda *_: None), Noted(Plan("test"), log=tmp_path / "log", scratch=tmp_path)
    monkeypatch.setattr(Seat, "open", lambda _: None)
    monkeypatch.setattr(Seat, "ready", lambda *_: host)
    job, work = Job(JobSpec(clip=Path("/anna.mp4"), script="Hello"), config.settings), Workspace(tmp_path)
    hosts.folder(STAGES[3], job, work)
    hosts.at_the_door("look", {}, Quiet())
    hosts.aside("listen", {}, Quiet())
    with closing(Queue(tmp_path / "jobs.db")) as queue:
        queue.submit(job.spec)
        log = Log(config)
        ahead = Ahead(queue, hosts, log, lambda: False)
        ahead.begin(config)
        ahead.join()
        log.close()
    usual = {hosted.FOLDER: budgets.ASKED, "look": budgets.ASKED, "listen": budgets.ASKED}
    usual[hosted.MAKE] = budgets.SPEECH
    assert dict(asked) == {do: floors.times(7.0) for do, floors in usual.items()}


def test_engines_that_load_are_not_in_trouble_and_one_that_cannot_is(tmp_path: Path) -> None:
    """The admins are told of the one after five minutes, and the others may take longer than that."""
    refused = threading.Event()  # not "gone": that is told of the replaced one too, at any time

    def tell(name: str, facts: dict[str, Any]) -> None:
        if name == "not_loaded" and facts["host"] == "speech":
            refused.set()

    hosts = Hosts(configured(tmp_path), tell)
    seat = hosts._seats["speech"]
    seat.plan = Plan("speech", f"{host_work.__name__}:load_slowly", {"seconds": 60.0})
    try:
        seat.open()
        assert hosts.why() and not hosts.in_trouble
        seat.plan = Plan("speech", f"{host_work.__name__}:load_without_weights")
        seat.replace("its configuration has changed")
        assert not hosts.in_trouble
        assert refused.wait(60) and hosts.in_trouble
    finally:
        hosts.close()
