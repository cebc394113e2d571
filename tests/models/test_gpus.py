"""Which GPUs there are to use: counted as CUDA would, and the same from wherever it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models import gpus
from models.host import Host, Plan
from models.progress import Progress, Quiet


@pytest.mark.parametrize(
    ("listed", "there", "usable"),
    [
        (None, 0, 0),
        (None, 2, 2),
        ("", 2, 0),
        ("1", 2, 1),
        ("0, 1", 2, 2),
        ("1,-1,0", 2, 1),  # CUDA reads no further than the first that is none
        ("0,7,1", 2, 1),
        ("GPU-1fb2,GPU-77ae", 2, 2),
        ("0,1", 0, 0),
    ],
)
def test_counted_as_cuda_counts(listed: str | None, there: int, usable: int) -> None:
    environment = {} if listed is None else {gpus.VISIBLE: listed}
    assert gpus.usable(environment, there) == usable


def test_what_is_here_is_counted_without_torch() -> None:
    """On most machines that is none; it must not fail there, and not load what the daemon must not load."""
    assert gpus.present() >= 0


def asked_in_a_host(_: object, asked: dict[str, Any], progress: Progress) -> int:
    return gpus.usable(os.environ, asked["there"])


@pytest.fixture
def blind(tmp_path: Path) -> Iterator[Host]:
    """A host that sees no GPU, like the one that checks what comes in at the door."""
    host = Host(Plan("door"), log=tmp_path / "door.log", scratch=tmp_path / "scratch")
    yield host
    host.stop()


@pytest.mark.parametrize(("listed", "usable"), [(None, 2), ("1", 1), ("", 0)])
def test_a_host_that_sees_none_still_knows_what_the_daemon_has(
    blind: Host, listed: str | None, usable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the door would refuse every job that asks for LatentSync by name."""
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    if listed is not None:
        monkeypatch.setenv(gpus.VISIBLE, listed)
    blind.start()
    here = f"{__name__}:{asked_in_a_host.__name__}"
    assert blind.ask(here, {"there": 2}, Quiet()) == usable
