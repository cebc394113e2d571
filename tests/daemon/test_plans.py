"""Which hosts there are, and what each is told to load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.engines.plans import plans
from daemon.engines.pool import PROXY
from daemon.engines.roster import Chosen
from models.choose import Choice
from models.errors import Unavailable
from models.host import Plan


def planned(
    lanes: int = 1, voice: str = "qwen3", lips: str = "mouthwarp", **sections: Any
) -> dict[str, Plan]:
    """By name; with these engines, whatever is here."""
    config = Config.model_validate({"queue": {"lanes": lanes}, **sections})
    chosen = Chosen(
        Config.model_validate({"speech": {"engine": "espeak"}, "lipsync": {"engine": "mouthwarp"}})
    )
    chosen.speech = Choice(voice, device=config.speech.devices[0])
    chosen.hearing = Choice("whisper", device="cpu")
    chosen.lipsync = Choice(lips, device="cpu" if lips == "mouthwarp" else config.lipsync.devices[0])
    return {plan.name: plan for plan in plans(config, chosen)}


def devices(found: dict[str, Plan]) -> list[tuple[str, str]]:
    return [(name, plan.device) for name, plan in found.items()]


def test_one_device_is_one_host_that_does_all() -> None:
    found = planned()
    assert devices(found) == [("speech", "cuda:0"), ("lipsync", "cpu"), ("media", "cpu")]
    assert found["speech"].arguments["how"]["device"] == "cuda:0"
    assert "replicas" not in found["speech"].arguments["how"]


def test_several_devices_for_speech_are_a_replica_each() -> None:
    two = {"device": ["cuda:0", "cuda:3"]}
    found = planned(2, speech=two)
    assert devices(found) == [
        *(("speech", "cpu"), ("speech.2", "cpu"), ("speech-1", "cuda:0"), ("speech-2", "cuda:3")),
        *(("lipsync", "cpu"), ("lipsync.2", "cpu"), ("media", "cpu"), ("media.2", "cpu")),
    ]
    assert found["speech.2"].arguments["how"]["replicas"] == 2
    assert found["speech"].arguments["hearing"]["device"] == "cpu", "who orders finds the times of words"
    for name in ("speech-1", "speech-2"):
        arguments = found[name].arguments
        assert arguments["how"]["device"] == "cuda:0", "the only GPU that it sees"
        assert (arguments["how"]["cache"], arguments["hearing"]) == (None, None)
        assert arguments["how"]["attention"] == "sdpa", "else it would matter who speaks"


def test_replicas_that_check_what_they_said_hear_it_themselves() -> None:
    found = planned(speech={"device": "cuda:0,cuda:1", "verify": True})
    assert found["speech-2"].arguments["checked"] and found["speech-2"].arguments["hearing"]["model"]


def test_the_draft_voice_has_one_host_whatever_devices_there_are() -> None:
    found = planned(3, "espeak", speech={"device": ["cuda:0", "cuda:3"]})
    assert [name for name in found if name.startswith("speech")] == ["speech"]
    assert [name for name in found if name.startswith("media")] == ["media", "media.2", "media.3"]


def test_latentsync_has_no_more_lanes_than_replicas() -> None:
    assert list(planned(4, lips="latentsync")) == ["speech", "lipsync", "media"]
    assert list(planned(4, lips="latentsync", lipsync={"device": "cuda:1,cuda:2"})) == [
        *("speech", "lipsync", "lipsync.2", "lipsync-1", "lipsync-2", "media", "media.2")
    ]


def test_a_cluster_speaks_when_it_is_asked_for_replicas_that_do(tmp_path: Path) -> None:
    cluster = {"address": "local", "gpus": 0.5, "weights": tmp_path}
    engines: dict[str, Any] = {"lipsync": {"engine": "mouthwarp"}, "cluster": cluster}
    alone = planned(**engines)
    assert list(alone) == ["speech", "lipsync", "media"], "nobody works there"
    found = planned(speech={"replicas": 2}, **engines)
    assert list(found) == ["speech", "speech-1", "speech-2", "lipsync", "cluster", "media"]
    told = found["speech-2"].arguments
    assert found["speech-2"].load == PROXY and (told["there"], told["gpus"]) == (str(tmp_path), 0.5)
    assert told["plan"]["name"] == "speech-2" and told["plan"]["arguments"]["how"]["device"] == "cuda:0"
    assert found["cluster"].arguments["devices"] == ["cuda:0"], "the lips' are not its own"
    both = planned(lips="latentsync", speech={"replicas": 1}, cluster=cluster)
    assert list(both) == ["speech", "speech-1", "lipsync", "lipsync-1", "cluster", "media"]
    assert both["cluster"].arguments["devices"] == ["cuda:1", "cuda:0"]


def test_a_head_that_does_not_know_the_voices_says_what_to_do(tmp_path: Path) -> None:
    config = Config.model_validate(
        {"data_dir": tmp_path, "speech": {"replicas": 1}, "cluster": {"address": "auto"}}
    )
    with pytest.raises(Unavailable) as refused:
        Chosen(config)
    assert refused.value.code == "engine_missing" and "weights are not in" in refused.value.message
    assert refused.value.hint.endswith("Or leave speech.replicas out of vigentd.toml.")


def test_replicas_for_speech_without_a_cluster_are_not_looked_for() -> None:
    config = Config.model_validate({"speech": {"replicas": 3}})
    assert config.settings.speech.replicas == 0
    clustered = Config.model_validate({"speech": {"replicas": 3}, "cluster": {"address": "auto"}})
    assert clustered.settings.speech.replicas == 3
