"""Which GPU is the current one while something is done on another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from models.on_device import on_device
from models.progress import Quiet
from models.qwen3.engine import _dtype
from models.whisper import ear
from models.whisper.engine import WhisperAligner
from tests.models.whisper.conftest import whisper as whisper  # a fixture
from tests.models.whisper.sounds import RATE, bursts


class Current:
    """Stands in for torch.cuda.device where there is no GPU."""

    at: object = None

    @contextmanager
    def device(self, device: object) -> Iterator[None]:
        self.at, before = device, self.at
        try:
            yield
        finally:
            self.at = before


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> Current:
    current = Current()
    monkeypatch.setattr(torch.cuda, "device", current.device)
    return current


def test_it_is_current_meanwhile_and_a_cpu_changes_nothing(current: Current) -> None:
    second = torch.device("cuda:1")
    with on_device(second):
        assert current.at == second
        with on_device(torch.device("cpu")):
            assert current.at == second
    assert current.at is None


def test_whisper_hears_on_its_own(whisper: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernels go to the current GPU, wherever its weights are."""
    asked: list[str] = []

    @contextmanager
    def noted(device: torch.device) -> Iterator[None]:
        asked.append(device.type)
        yield

    monkeypatch.setattr(ear, "on_device", noted)
    aligner: WhisperAligner = whisper()  # type: ignore[operator]
    sound = bursts((0.3, 1.7), length_s=2.0)
    aligner.warm_up()
    assert len(asked) == 1, "finding words"
    aligner.transcribe(sound, RATE, "en", Quiet())
    assert len(asked) == 2, "writing down"
    aligner.transcribe(sound, RATE, "", Quiet())
    assert len(asked) == 4, "finding out the language first"


def test_precision_is_what_the_asked_gpu_can_do(current: Current, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second can, and the first, which is the current one, cannot."""
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda **_: current.at == torch.device("cuda:1"), raising=True
    )
    assert _dtype("auto", "cuda:1") is torch.bfloat16
    assert _dtype("auto", "cuda:0") is torch.float32
    assert _dtype("auto", "cpu") is torch.float32
