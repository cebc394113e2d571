from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.conftest import clean_environment as clean_environment
from tests.daemon.operations import scratch_folder
from tests.handlers.inbox.inbox_kit import Stand
from tests.handlers.inbox.yardstick import surviving


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.close()


@pytest.fixture
def stand_with(tmp_path: Path) -> Callable[..., Any]:
    """A stand whose inbox has these options."""

    @contextmanager
    def make(**options: Any) -> Iterator[Stand]:
        made = Stand(tmp_path, options)
        yield made
        made.close()

    return make


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inbox that looks oftener than a real one, and whose observer may take its time to end."""
    looks = {"IDLE_S": 0.05, "BUSY_S": 0.05, "GAP_S": 0.01, "AWAY_S": 0.1, "SHARE": 5}
    for name, value in looks.items():
        monkeypatch.setattr(f"handlers.inbox.inbox.{name}", value)
    monkeypatch.setattr("handlers.inbox.look.watcher.STOP_S", 0.0)


@pytest.fixture
def scratch(swift: None) -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def survivor(scratch: Path) -> Iterator[Stand]:
    """A stand that is measured by the yardstick when the test is over."""
    with surviving(Stand(scratch)) as made:
        yield made
