"""Loading gives signs of life by what it really does: modules that are imported, pieces that are read."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path

import pytest

from models.beats import beat, beating


class Ticking:
    """Every look at it is a second later, so that all is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names = [f"fresh_{number}" for number in range(5)]
    for name in names:
        (tmp_path / f"{name}.py").write_text("x = 1\n")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return names


def test_every_module_counts_once_and_only_meanwhile(modules: list[str]) -> None:
    told: list[int] = []
    finders = list(sys.meta_path)
    with beating(told.append, Ticking()):
        for name in modules[:3]:
            importlib.import_module(name)
        importlib.import_module(modules[0])  # it is there
    importlib.import_module(modules[3])
    assert told == [1, 2, 3]
    assert sys.meta_path == finders


def test_pieces_count_and_nobody_has_to_listen() -> None:
    told: list[int] = []
    beat()
    with beating(told.append, Ticking()):
        beat()
        beat()
    beat()
    assert told == [1, 2]


def test_ten_a_second_are_told(modules: list[str]) -> None:
    told: list[int] = []
    with beating(told.append, lambda: 0.0):
        for _ in range(1000):
            beat()
    assert told == [1]


def test_what_is_imported_for_the_telling_does_not_tell_again(modules: list[str]) -> None:
    """It would wait for itself."""
    told: list[int] = []

    def tell(beats: int) -> None:
        importlib.import_module(modules[beats])
        told.append(beats)

    with beating(tell, Ticking()):
        telling = threading.Thread(target=importlib.import_module, args=(modules[0],))
        telling.start()
        telling.join(60)
        assert not telling.is_alive()
    assert told == [1]
