"""Kernels are compiled by one process at a time, and nobody who waits for that is taken for stuck."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from models import kernels
from models.beats import heard
from models.kernels import compiled_by_one


def test_the_second_waits_for_the_first_and_its_heart_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "LOOK_EVERY_S", 0.01)
    waits, order = threading.Event(), list[str]()

    def second() -> None:
        with heard(waits.set), compiled_by_one(tmp_path / "kernels"):
            order.append("second")

    thread = threading.Thread(target=second)
    with compiled_by_one(tmp_path / "kernels"):
        thread.start()
        assert waits.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_where_there_are_no_locks_each_compiles_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with compiled_by_one(tmp_path / "kernels"), compiled_by_one(tmp_path / "kernels"):
        pass
