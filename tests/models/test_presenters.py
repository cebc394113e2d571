"""What is kept of presenters: found again, bounded, never taken from who uses it."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.errors import Unavailable
from models.presenters import LatentFile, Presenter, Presenters

SHAPE = (8, 64)
RECORD = 8 * 64 * 2 + 4  # bytes
SETTINGS = {"face": "largest", "fps": 25.0}


def record(k: int) -> npt.NDArray[np.float16]:
    return np.random.default_rng(k).normal(size=SHAPE).astype(np.float16)


def same(a: npt.NDArray[np.float16] | None, k: int) -> bool:
    return a is not None and np.array_equal(a, record(k))


def filled(presenters: Presenters, key: str, records: int = 100) -> Path:
    """The folder of a presenter that was used and closed."""
    with presenters.open(key, SETTINGS) as presenter:
        latents = presenter.latents(SHAPE, np.float16)
        for k in range(records):
            latents.put(k, record(k))
    return presenter.folder


def folders(presenters: Presenters) -> set[Path]:
    return {path for path in presenters.folder.iterdir() if path.is_dir()}


def used_at(folder: Path, second: int) -> None:
    os.utime(folder / "in-use", (second, second))


# ---------------------------------------------------------------- records


def test_records_are_found_again(tmp_path: Path) -> None:
    presenters = Presenters(tmp_path / "cache", 10**9)
    with presenters.open("a", SETTINGS) as presenter:
        latents = presenter.latents(SHAPE, np.float16)
        for k in (7, 0, 3):  # in any order
            latents.put(k, record(k))
        assert same(latents.get(3), 3)
    with presenters.open("a", dict(reversed(SETTINGS.items()))) as presenter:
        latents = presenter.latents(SHAPE, np.float16)
        assert all(same(latents.get(k), k) for k in (0, 3, 7))
        assert [latents.get(k) for k in (1, 2, 8, 10**6)] == [None] * 4  # holes, and beyond the end
        kept = latents.get(0)
        assert kept is not None
        kept[0] = 0  # it is the caller's own
        assert presenter.latents((2, 64), np.float16).get(0) is None  # of another shape nothing is known
        assert presenter.latents(SHAPE, np.float32).get(0) is None


def test_other_clips_and_settings_have_folders_of_their_own(tmp_path: Path) -> None:
    presenters = Presenters(tmp_path, 10**9)
    with presenters.open("a", SETTINGS) as a, presenters.open("b", SETTINGS) as b:
        with presenters.open("a", SETTINGS | {"fps": 30.0}) as c:
            assert len({a.folder, b.folder, c.folder}) == 3
        with presenters.open("a", SETTINGS) as again:
            assert again.folder == a.folder


@pytest.mark.parametrize("spoil", ["cut short", "emptied", "zeros", "one bit", "another's place"])
def test_torn_records_are_as_if_never_written(tmp_path: Path, spoil: str) -> None:
    presenters = Presenters(tmp_path, 10**9)
    (file,) = filled(presenters, "a", 3).glob("latents*")
    content = bytearray(file.read_bytes())
    assert len(content) == 3 * RECORD
    if spoil == "cut short":
        content = content[: RECORD + 100]
    elif spoil == "emptied":
        content.clear()
    elif spoil == "zeros":
        content[RECORD:] = bytes(2 * RECORD)
    elif spoil == "one bit":
        content[RECORD + 500] ^= 1
    else:
        content[RECORD : 2 * RECORD] = content[:RECORD]
    file.write_bytes(content)
    with presenters.open("a", SETTINGS) as presenter:
        latents = presenter.latents(SHAPE, np.float16)
        assert latents.get(1) is None
        assert same(latents.get(0), 0) == (spoil != "emptied")
        latents.put(1, record(1))
        assert same(latents.get(1), 1)


def test_a_record_of_another_shape_is_a_mistake(tmp_path: Path) -> None:
    with Presenters(tmp_path, 10**9).open("a", SETTINGS) as presenter:
        latents = presenter.latents(SHAPE, np.float16)
        for wrong in (np.zeros((1, *SHAPE), np.float16), np.zeros(SHAPE, np.float32)):
            with pytest.raises(ValueError, match="a record is"):
                latents.put(0, wrong)


# ---------------------------------------------------------------- the limit


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    roomy = Presenters(tmp_path, 10**9)
    a, b, c = (filled(roomy, key) for key in "abc")
    for second, folder in enumerate((b, c, a), 1):
        used_at(folder, second)
    size = sum(p.stat().st_blocks * 512 for p in a.iterdir())
    with Presenters(tmp_path, int(2.5 * size)).open("d", SETTINGS):
        assert {a, c} < folders(roomy)  # b is gone
        assert b not in folders(roomy)
    with Presenters(tmp_path, int(1.5 * size)).open("c", SETTINGS) as presenter:
        latents = presenter.latents(SHAPE, np.float16)
        assert same(latents.get(5), 5)  # older than a, but in use from now on
        assert a not in folders(roomy)


def test_one_presenter_does_not_grow_beyond_the_limit(tmp_path: Path) -> None:
    limit = 60 * RECORD
    presenters = Presenters(tmp_path, limit)
    with presenters.open("a", SETTINGS) as presenter:
        latents = presenter.latents(SHAPE, np.float16)
        for k in range(100):
            latents.put(k, record(k))
        known = [k for k in range(100) if latents.get(k) is not None]
        assert 40 < len(known) < 60 and known == list(range(len(known)))
        assert sum(p.stat().st_size for p in presenter.folder.iterdir()) <= limit
    assert presenter.folder.exists()


def test_what_grew_too_large_by_other_means_goes_when_it_is_closed(tmp_path: Path) -> None:
    presenters = Presenters(tmp_path, 50_000)
    with presenters.open("a", SETTINGS) as presenter:
        (presenter.folder / "track-000000.npz").write_bytes(bytes(range(256)) * 400)
        latents = presenter.latents(SHAPE, np.float16)
        latents.put(0, record(0))
        assert latents.get(0) is None
    assert not folders(presenters)


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "film.mp4").write_bytes(bytes(10**6))
    filled(Presenters(tmp_path, 10**5), "a", 10)
    assert (tmp_path / "holiday" / "film.mp4").exists()


def test_only_we_may_look(tmp_path: Path) -> None:
    presenters = Presenters(tmp_path / "deep" / "cache", 10**9)
    folder = filled(presenters, "a", 1)
    for path in (presenters.folder, folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


# ---------------------------------------------------------------- others


def _uses(folder: Path, key: str, end: Connection) -> None:
    with Presenters(folder, 10**9).open(key, SETTINGS) as presenter:
        end.send(str(presenter.folder))
        end.recv()


def test_what_another_process_uses_stays(tmp_path: Path) -> None:
    presenters = Presenters(tmp_path, 1)  # nothing may stay
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(target=_uses, args=(tmp_path, "a", theirs))
    other.start()
    try:
        assert ours.poll(30)
        folder = Path(ours.recv())
        (folder / "large").write_bytes(bytes(range(256)) * 100)
        with presenters.open("b", SETTINGS):
            assert (folder / "large").exists()
        assert folders(presenters) == {folder}
    finally:
        ours.send("enough")
        other.join(30)
    presenters.tidy()
    assert not folders(presenters)


def test_what_we_use_twice_stays_until_both_are_done(tmp_path: Path) -> None:
    presenters = Presenters(tmp_path, 1)
    first, second = presenters.open("a", SETTINGS), presenters.open("a", SETTINGS)
    (first.folder / "large").write_bytes(bytes(range(256)) * 100)
    first.close()
    assert second.folder.exists()
    second.close()
    assert not folders(presenters)


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path: Path) -> None:
    presenters = Presenters(tmp_path, 10**9)
    stray = filled(presenters, "a", 1) / ".track-000000.npz.17.part"
    stray.touch()
    with presenters.open("a", SETTINGS):
        assert not stray.exists()
        stray.touch()  # somebody writes it now
        presenters.open("a", SETTINGS).close()
        assert stray.exists()


# ---------------------------------------------------------------- disks


def opened(presenters: Presenters) -> tuple[Presenter, LatentFile]:
    presenter = presenters.open("a", SETTINGS)
    return presenter, presenter.latents(SHAPE, np.float16)


def test_a_full_disk_ends_the_keeping_and_not_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presenter, latents = opened(Presenters(tmp_path, 10**9))
    latents.put(0, record(0))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        latents.put(1, record(1))
    latents.put(2, record(2))  # it is not tried again
    assert same(latents.get(0), 0)
    assert latents.get(1) is None and latents.get(2) is None
    presenter.close()
    assert latents.get(0) is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable) as caught:
        Presenters(tmp_path / "file" / "cache", 10**9).open("a", SETTINGS)
    assert caught.value.code == "presenters_unusable"
    assert str(tmp_path / "file" / "cache") in caught.value.message
