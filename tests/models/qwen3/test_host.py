"""Spoken in a real host process: all three kinds, and what goes wrong, told across its border."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.errors import BadInput, Cancelled, StageFailed
from models.host import Host, Plan
from models.progress import Progress, Quiet
from models.voices import Voices
from tests.models.host_kit import Watch
from tests.models.qwen3.packages import break_unneeded
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN
from tests.models.qwen3.voices_kit import RATE, humming, save_anna

WORK = "tests.models.qwen3.host_work"
TEXT = "Good morning, everybody."
LONG = ", ".join(
    ["one day there was a king who had a horse"] * 30
)  # may go on for minutes before it is stopped


@pytest.fixture(scope="module")
def host(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    voices = Voices(folder / "voices")
    save_anna(voices)
    voices.save_recording("Bert", humming(), RATE)
    where = {"weights": str(weights), "voices": str(voices.folder)}
    plan = Plan("speech", load=f"{WORK}:load", arguments=where)
    host = Host(plan, log=folder / "host.log", scratch=folder / "scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(break_unneeded(folder / "broken")), prepend=os.pathsep)
        host.start()
        assert host.wait_ready(120), (folder / "host.log").read_text()
    yield host
    host.stop()
    assert not host.alive


def ask(host: Host, model: str, progress: Progress | None = None, **how: Any) -> dict[str, Any]:
    asked = {"model": model, "text": TEXT, "language": "en"} | how
    told: dict[str, Any] = host.ask(f"{WORK}:speak", asked, progress or Quiet())
    return told


@pytest.mark.parametrize(
    ("model", "how"),
    [
        (BASE, {"voice": "Anna"}),
        (CUSTOM, {"voice": "vivian", "tone": "as if it were a secret"}),
        (DESIGN, {"tone": "slowly"}),
        (CUSTOM, {"text": "大家早上好。", "language": "zh"}),
    ],
    ids=["clone", "custom voice", "design", "chinese"],
)
def test_every_kind_of_voice_speaks(host: Host, model: str, how: dict[str, Any]) -> None:
    watch = Watch()
    told = ask(host, model, watch, **how)
    assert 0.3 < told["seconds"] < 20
    assert watch.steps[-1] == (1.0, 1.0)
    assert ask(host, model, **how)["digest"] == told["digest"], "the same seed, the same sound"


def test_who_reaches_the_cap_gets_another_try(host: Host) -> None:
    before, after = ask(host, CUSTOM), ask(host, CUSTOM, endless=1)
    assert after["takes"] > 1 and after["seconds"] > 0.3
    assert (after["digest"] == before["digest"]) is (before["takes"] > 1), "another try has another seed"


def test_who_reaches_it_every_time_is_named(host: Host) -> None:
    with pytest.raises(StageFailed, match="“Hi” could not be spoken: the last of 4 tries did not") as told:
        ask(host, CUSTOM, text="Hi", endless=100)
    assert told.value.code == "sentence_unspeakable" and told.value.hint


def test_it_is_cancelled_in_mid_sentence_and_speaks_on(host: Host) -> None:
    before, pid, watch = ask(host, BASE), host.pid, Watch()
    watch.stop = Cancelled()
    with pytest.raises(Cancelled):
        ask(host, BASE, watch, text=LONG, endless=100)
    assert len(watch.steps) == 1 and 0 < watch.steps[0][0] < 0.5
    assert host.alive and host.pid == pid, "it came back by itself"
    assert ask(host, BASE)["digest"] == before["digest"]


def test_an_unknown_language_is_refused(host: Host) -> None:
    with pytest.raises(BadInput, match="does not speak the language “tlh”") as told:
        ask(host, CUSTOM, language="tlh")
    assert told.value.code == "language_unknown" and "zh, en" in told.value.hint


def test_a_recording_without_its_text_speaks_and_says_so(host: Host) -> None:
    told = ask(host, BASE, voice="Bert")
    assert told["seconds"] > 0.3 and "without the text of its recording" in told["remarks"][0]


def test_a_voice_of_another_kind_is_refused(host: Host) -> None:
    with pytest.raises(BadInput) as told:
        ask(host, DESIGN, voice="Anna")
    assert told.value.code == "voice_wrong_kind" and "1.7B-Base" in told.value.hint
