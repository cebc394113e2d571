"""Files are moved whole or not at all, and nothing is overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handlers.inbox.claim import files
from handlers.inbox.claim.files import StillWritten, detach, move, write_new
from tests.handlers.inbox.files_kit import (
    AT,
    CONTENT,
    NAMES,
    as_root,
    file,
    names,
    nobody,
    special,
    writer_here,
)
from tests.handlers.inbox.files_kit import anybody as anybody


@pytest.fixture(params=["at once", "in steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the rename that overwrites nothing, and on a file system that has none."""
    if request.param == "in steps":
        monkeypatch.setattr(files, "_rename_exclusively", lambda source, target: False)
    return str(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_moved(name: str, way: str, tmp_path: Path) -> None:
    path = file(tmp_path / name)
    (tmp_path / "in").mkdir()
    inode = path.stat().st_ino
    move(path, tmp_path / "in" / name)
    there = (tmp_path / "in" / name).stat()
    assert (there.st_ino, there.st_mtime_ns, there.st_nlink) == (inode, AT, 1)
    assert names(tmp_path) == ["in"] and names(tmp_path / "in") == [name]


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "link", "dangling", "loop"])
def test_whatever_it_is_it_is_moved_itself(kind: str, way: str, tmp_path: Path) -> None:
    path = special(kind, tmp_path / "monday")
    before = path.lstat()
    move(path, tmp_path / "there")
    assert os.path.samestat((tmp_path / "there").lstat(), before)
    assert names(tmp_path) == ["there"]


@pytest.mark.parametrize("kind", ["file", "fifo", "folder", "link", "dangling"])
@pytest.mark.parametrize("source", ["file", "folder"])
def test_nothing_is_overwritten(kind: str, source: str, way: str, tmp_path: Path) -> None:
    path = file(tmp_path / "monday") if source == "file" else special("folder", tmp_path / "monday")
    if source == "folder":
        file(path / "a")
    there = tmp_path / "there"
    file(there, b"another") if kind == "file" else special(kind, there)
    before = there.lstat()
    with pytest.raises(FileExistsError):
        move(path, there)
    assert os.path.samestat(there.lstat(), before)
    assert path.exists()
    if kind == "file":
        assert there.read_bytes() == b"another"


def test_a_name_that_is_taken_at_the_last_moment(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there = file(tmp_path / "monday"), tmp_path / "there"

    def too_late(_: object) -> bool:
        file(there, b"another")
        return False

    with monkeypatch.context() as patch:
        patch.setattr(os.path, "lexists", too_late)
        with pytest.raises(FileExistsError):
            move(path, there)
    assert (path.read_bytes(), there.read_bytes()) == (CONTENT, b"another")


def test_a_source_that_is_replaced_while_it_has_two_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a rename, as editors do it: it is not the new file that has been moved."""
    monkeypatch.setattr(files, "_rename_exclusively", lambda source, target: False)
    path, there = file(tmp_path / "monday"), tmp_path / "there"
    new = file(tmp_path / "new", b"another")
    monkeypatch.setattr(files, "sync_folder", lambda _: new.replace(path))
    with pytest.raises(StillWritten):
        move(path, there)
    assert path.read_bytes() == b"another" and not there.exists()


def test_a_move_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    path = file(tmp_path / "monday")
    (tmp_path / "there").hardlink_to(path)
    move(path, tmp_path / "there")
    assert names(tmp_path) == ["there"]
    assert (tmp_path / "there").read_bytes() == CONTENT


@pytest.mark.parametrize("links", [1, 2])
@pytest.mark.parametrize("to", ["monday", "same/monday"])
def test_a_move_to_where_it_is_already(to: str, links: int, tmp_path: Path) -> None:
    """The two names are one, so the one must not go."""
    path = file(tmp_path / "monday")
    (tmp_path / "same").symlink_to(tmp_path)
    if links == 2:
        (tmp_path / "another").hardlink_to(path)
    with pytest.raises(FileExistsError):
        move(path, tmp_path / to)
    assert path.read_bytes() == CONTENT
    with pytest.raises(FileExistsError):
        move(special("folder", tmp_path / "folder"), tmp_path / to.replace("monday", "folder"))
    assert (tmp_path / "folder").is_dir()


@as_root
def test_a_file_of_somebody_else_is_moved(anybody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not get a second name (fs.protected_hardlinks), where that would be the way."""
    monkeypatch.setattr(files, "_rename_exclusively", lambda source, target: False)
    path, there = file(anybody / "monday.mp4"), file(anybody / "there", b"another")
    looks = iter([False])  # at the first, it was not there yet
    with nobody():
        with monkeypatch.context() as patch, pytest.raises(FileExistsError):
            patch.setattr(os.path, "lexists", lambda path: next(looks, True))
            move(path, there)
        move(path, anybody / "moved.mp4")
    assert (anybody / "moved.mp4").read_bytes() == CONTENT and not path.exists()
    assert there.read_bytes() == b"another"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_another_name_gets_a_content_of_its_own(name: str, tmp_path: Path) -> None:
    path, other = file(tmp_path / name), tmp_path / "other"
    other.hardlink_to(path)
    detach(path, tmp_path / ".part")
    other.write_bytes(b"another")
    assert path.read_bytes() == CONTENT
    assert (path.stat().st_nlink, path.stat().st_mtime_ns) == (1, AT)
    assert names(tmp_path) == sorted([name, "other"])
    (tmp_path / "third").hardlink_to(path)
    with writer_here(tmp_path / "third"), pytest.raises(StillWritten):
        detach(path, tmp_path / ".part")
    assert path.stat().st_nlink == 2 and not (tmp_path / ".part").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_new_file(name: str, tmp_path: Path) -> None:
    write_new(tmp_path / name, b"words")
    write_new(tmp_path / name, b"words")  # as after a kill
    with pytest.raises(FileExistsError):
        write_new(tmp_path / name, b"other words")
    assert (tmp_path / name).read_bytes() == b"words" and names(tmp_path) == [name]
