"""A hub with a tiny model, and a folder for what is fetched from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from models.hub.catalogue import Model
from models.hub.pull import pull
from models.hub.shelf import Standing
from models.hub.source import Source
from tests.models.hub.hub_kit import TINY, TINY_FILES, Seen, TinyHub, serving

Pull = Callable[..., list[Standing]]
NOW = "2026-11-22T10:00:00+00:00"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hub() -> Iterator[TinyHub]:
    with serving() as hub:
        hub.has(TINY, dict(TINY_FILES))
        yield hub


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def fetch(weights: Path, hub: TinyHub, seen: Seen) -> Pull:
    """Pulls the tiny model, without waiting between tries."""

    def run(
        *models: Model,
        token: str = "",
        endpoint: str = "",
        waits: Sequence[float] = (0.0,) * 3,
        spare: int = 0,
    ) -> list[Standing]:
        source = Source(endpoint or hub.endpoint, token)
        return pull(weights, models or [TINY], source, seen, spare=spare, now=lambda: NOW, waits=waits)

    return run
