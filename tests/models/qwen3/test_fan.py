"""Spoken by many, in any order: every sample as one engine speaks it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.choose import SpeechDesk
from models.engine import Speech
from models.errors import BadInput, Cancelled, StageFailed
from models.orders import taken_by
from models.qwen3.engine import Qwen3Engine
from models.qwen3.fan import FanOut
from models.voices import Voices
from tests.models.orders_kit import Placed, Replicas
from tests.models.qwen3.conftest import Open
from tests.models.qwen3.test_engine import CHINESE, HELLO, PRICE, SCRIPT, speak
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN
from tests.models.qwen3.voices_kit import endless
from tests.progress_kit import Steps


class Desk(SpeechDesk):
    """As a replica's host keeps it."""

    def __init__(self, engine: Qwen3Engine) -> None:
        super().__init__("qwen3")
        self.speech = engine


class Sent(Replicas):
    """To a node that does not see the head's files."""

    folder: Path

    def place(self, do: str, arguments: dict[str, Any], told: Callable[[float], None]) -> Placed:
        node = self.folder / f"{len(self.done)}-{len(self.open)}"
        node.mkdir(parents=True)
        here = arguments | {"reads": [shutil.copy(path, node) for path in arguments.get("reads", ())]}
        return super().place(do, here, told)


@pytest.fixture
def fan(weights: Path, voices: Voices, tmp_path: Path) -> Callable[..., FanOut]:
    def opened(model: str = CUSTOM, *, kept: bool = False, replicas: int = 2) -> FanOut:
        cache = tmp_path / "kept" if kept else None
        return FanOut.open(
            folder=weights,
            model=model,
            voices=voices.folder,
            cache=cache,
            cache_bytes=10**8,
            replicas=replicas,
        )

    return opened


Fan = Callable[..., FanOut]


def assert_same(one: Speech, other: Speech) -> None:
    assert np.array_equal(one.wav, other.wav) and (one.rate, one.spans) == (other.rate, other.spans)


@pytest.mark.parametrize("kind", [BASE, CUSTOM, pytest.param(DESIGN, marks=pytest.mark.slow)])
def test_the_same_samples(opened: Open, fan: Fan, kind: str) -> None:
    engine, fanned = opened(kind), fan(kind)
    replicas = Replicas(Desk(engine))
    with taken_by(replicas):
        spoken = speak(fanned, SCRIPT)
        decided_by = fanned.decided_by("default")
    assert_same(spoken, speak(engine, SCRIPT))
    assert decided_by == engine.decided_by("default"), "or a change of devices would speak all anew"
    assert fanned.remarks(SCRIPT) == engine.remarks(SCRIPT)
    assert fanned.voices() == engine.voices()
    assert replicas.done.count("speak") == len(SCRIPT) and replicas.most > 1


def test_the_recording_of_a_voice_is_all_that_a_node_gets_of_it(
    opened: Open, fan: Fan, tmp_path: Path
) -> None:
    engine = opened(BASE)
    replicas = Sent(Desk(engine))
    replicas.folder = tmp_path / "node"
    with taken_by(replicas):
        spoken = speak(fan(BASE), [HELLO, PRICE], voice="Anna")
    assert_same(spoken, speak(opened(BASE), [HELLO, PRICE], voice="Anna"))
    assert list(replicas.folder.rglob("voice-*.wav"))


def test_what_was_spoken_is_kept_by_who_orders_it(opened: Open, fan: Fan) -> None:
    fanned, replicas = fan(kept=True), Replicas(Desk(opened()))
    with taken_by(replicas):
        speak(fanned, [HELLO])
        again = speak(fanned, [HELLO, CHINESE])
    assert replicas.done.count("speak") == 2
    assert_same(again, speak(opened(), [HELLO, CHINESE]))


def test_no_more_are_ordered_than_can_be_spoken_soon(opened: Open, fan: Fan) -> None:
    replicas = Replicas(Desk(opened()))
    with taken_by(replicas):
        speak(fan(replicas=1), [HELLO] * 7)
    assert replicas.most == 3


def test_progress_is_that_of_all_sentences_and_never_goes_back(opened: Open, fan: Fan) -> None:
    steps = Steps()
    with taken_by(Replicas(Desk(opened()))):
        speak(fan(), SCRIPT, steps)
    assert steps.shares == sorted(steps.shares) and steps.shares[-1] == pytest.approx(1)
    assert len(steps.shares) > 2 * len(SCRIPT)


def test_what_cannot_be_spoken_is_said_as_the_engine_says_it(opened: Open, fan: Fan) -> None:
    engine, fanned = opened(tries=1), fan()
    with taken_by(Replicas(Desk(engine))):
        with endless(engine.model), pytest.raises(StageFailed) as failed:
            speak(fanned, SCRIPT)
        with pytest.raises(BadInput) as unknown:
            speak(fanned, SCRIPT, voice="Nobody")
    assert (failed.value.code, unknown.value.code) == ("sentence_unspeakable", "voice_unknown")


def test_a_cancel_comes_through_while_a_sentence_is_waited_for(opened: Open, fan: Fan) -> None:
    class Cancels(Steps):
        def check(self) -> None:
            raise Cancelled

    with taken_by(Replicas(Desk(opened()))), pytest.raises(Cancelled):
        speak(fan(), SCRIPT, Cancels())
