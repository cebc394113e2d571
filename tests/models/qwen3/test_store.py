"""Sentences on disk: found again when nothing has changed, and never in the way."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from models.engine import Audio
from models.qwen3.store import Store

WHAT = {"text": ["大家好", "chinese"], "seed": 1, "voice": None}


def sound(seed: int = 0, samples: int = 1000) -> Audio:
    return np.random.default_rng(seed).normal(size=samples).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kept" / "sentences", 10**6)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "kept" / "sentences").iterdir())


def test_what_was_put_is_found_to_the_last_bit(store: Store) -> None:
    assert store.get(WHAT) is None
    store.put(WHAT, sound())
    found = store.get(dict(reversed(WHAT.items())))
    assert found is not None and found.dtype == np.float32 and np.array_equal(found, sound())


@pytest.mark.parametrize("change", [{"seed": 2}, {"text": ["大家好", "auto"]}, {"voice": "a"}, {"more": 0}])
def test_what_is_decided_otherwise_is_another(store: Store, change: dict[str, object]) -> None:
    store.put(WHAT, sound())
    assert store.get(WHAT | change) is None


def test_a_damaged_file_is_only_a_miss(store: Store, tmp_path: Path) -> None:
    store.put(WHAT, sound())
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    half, flipped = whole[: len(whole) // 2], bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF  # within the samples
    for bad in (b"", half, bytes(flipped), b"PK" + whole[2:200]):
        path.write_bytes(bad)
        assert store.get(WHAT) is None
        store.put(WHAT, sound())
        assert store.get(WHAT) is not None


def test_no_bit_that_fell_over_stops_a_job(store: Store, tmp_path: Path) -> None:
    """One says that the file is encrypted, others how it is compressed, and how large it is."""
    store.put(WHAT, sound(samples=20))
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        found = store.get(WHAT)
        assert found is None or np.array_equal(found, sound(samples=20))


def test_what_cannot_be_read_takes_no_room(store: Store, tmp_path: Path) -> None:
    store.put(WHAT, sound())
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    assert store.get(WHAT) is None and files(tmp_path) == []


def test_who_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept" / "sentences", 15_000)  # three of 4.4 kB
    for seed in range(3):
        store.put({"seed": seed}, sound(seed))
        (new,) = (path for path in files(tmp_path) if path.stat().st_mtime > 10_000)
        os.utime(new, (1000 + seed, 1000 + seed))
    assert store.get({"seed": 0}) is not None, "the oldest was used again"
    (tmp_path / "kept" / "sentences" / "notes.txt").write_text("x" * 50_000)
    store.put({"seed": 3}, sound(3))
    assert [store.get({"seed": seed}) is not None for seed in range(4)] == [True, False, True, True]
    assert (tmp_path / "kept" / "sentences" / "notes.txt").exists(), "somebody else's"


def test_a_folder_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    store = Store(tmp_path / "kept" / "sentences", 10**6)
    store.put(WHAT, sound())
    assert store.get(WHAT) is None


def test_nothing_half_is_left(store: Store, tmp_path: Path) -> None:
    store.put(WHAT, sound())
    path = files(tmp_path)[0]
    path.unlink()
    path.mkdir()  # the name cannot be taken
    store.put(WHAT, sound())
    assert files(tmp_path) == [path]
