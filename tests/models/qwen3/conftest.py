"""Tiny checkpoints of all three kinds and a recorded voice, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from models.qwen3.checkpoint import look
from models.qwen3.engine import Qwen3Engine
from models.qwen3.model import Model
from models.voices import Voices
from tests.models.qwen3.eager import use_graphs
from tests.models.qwen3.tiny import CUSTOM, lay_all
from tests.models.qwen3.voices_kit import save_anna
from tests.models.torch_kit import one_thread

__all__ = ["one_thread"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all weights. Nothing is to be written there."""
    return lay_all(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def own_weights(weights: Path, tmp_path: Path) -> Path:
    """A copy, to be broken."""
    return shutil.copytree(weights, tmp_path / "weights")


@pytest.fixture
def voices(tmp_path: Path) -> Voices:
    """With one recording, "Anna", and its text."""
    voices = Voices(tmp_path / "voices")
    save_anna(voices)
    return voices


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(params=["plain", "graphs"])
def model(weights: Path, request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Model:
    """Of built-in speakers, by each of the two ways."""
    model = Model.load(look(weights, CUSTOM), "cpu", torch.float32)
    if request.param == "graphs":
        use_graphs(model, patch)
    return model


Open = Callable[..., Qwen3Engine]


@pytest.fixture
def opened(weights: Path, voices: Voices, tmp_path: Path, patch: pytest.MonkeyPatch) -> Open:
    """Opens engines that speak through graphs, as on a GPU, which is also quicker."""

    def opened(model: str = CUSTOM, *, kept: bool = False, tries: int = 10, **how: object) -> Qwen3Engine:
        cache = tmp_path / "sentences" if kept else None
        settings = {
            "folder": weights,
            "device": "cpu",
            "precision": "auto",
            "attention": "auto",
            "voices": voices.folder,
            "cache": cache,
            "cache_bytes": 10**8,
            "tries": tries,
        }
        engine = Qwen3Engine.open(model=model, **(settings | how))  # type: ignore[arg-type]
        use_graphs(engine.model, patch, sequences=(300,))
        return engine

    return opened
