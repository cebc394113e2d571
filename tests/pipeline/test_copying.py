"""A copy that one sees getting on: each piece beats, and what does not reach the disk does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.beats import heard
from pipeline.copying import AT_ONCE, PIECE, copy_bytes


def copied(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as write:
        copy_bytes(read, write)


@pytest.mark.parametrize("size", [0, 1, PIECE, 2 * AT_ONCE + 5])
def test_all_of_it_is_there_and_each_piece_has_beaten(size: int, tmp_path: Path) -> None:
    source, beats = tmp_path / "a", []
    source.write_bytes(os.urandom(size))
    with heard(lambda: beats.append(1)):
        copied(source, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == source.read_bytes()
    assert len(beats) >= size / PIECE


def test_never_more_than_a_few_pieces_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    source = tmp_path / "a"
    source.write_bytes(bytes(3 * AT_ONCE + 1))
    copied(source, tmp_path / "b")
    assert synced == [AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE, 3 * AT_ONCE + 1]
