"""Whispers for tests, each laid once and opened once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.whisper.engine import WhisperAligner
from tests.models.torch_kit import one_thread
from tests.models.whisper.tiny import lay_openai

Opened = Callable[..., WhisperAligner]


__all__ = ["one_thread"]


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Opens one that says what is asked of it (tiny.lay_openai)."""
    known: dict[str, WhisperAligner] = {}

    def opened(**how: Any) -> WhisperAligner:
        name = repr(sorted(how.items()))
        if name not in known:
            folder: Path = tmp_path_factory.mktemp("whisper")
            lay_openai(folder, **how)
            known[name] = WhisperAligner.open(folder=folder, model="tiny", device="cpu")
        return known[name]

    return opened
