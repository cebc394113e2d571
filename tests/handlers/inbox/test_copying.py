"""A copy takes the place of the source only when it is the same; the source goes only as it was copied."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.inbox.claim import files
from handlers.inbox.claim.files import StillWritten, move, temporary
from tests.handlers.inbox.files_kit import (
    AT,
    CONTENT,
    NAMES,
    file,
    names,
    special,
    writer_here,
)
from tests.handlers.inbox.files_kit import elsewhere as elsewhere
from tests.handlers.inbox.files_kit import small as small


def folder_in(place: Path) -> Path:
    """With all that can be copied."""
    folder = place / "monday"
    (folder / "empty" / "deep").mkdir(parents=True)
    for name in NAMES:
        file(folder / name, os.fsencode(name))
    file(folder / "empty" / "clip.mp4").chmod(0o640)
    (folder / "link").symlink_to("/nowhere")
    for path in (folder / "empty" / "deep", folder / "empty", folder):
        os.utime(path, ns=(AT, AT))
    return folder


def described(folder: Path) -> dict[str, Any]:
    found = {}
    for path in [folder, *folder.rglob("*")]:
        there = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(there.st_mode) else None
        linked = path.readlink() if path.is_symlink() else None
        looks = None if path.is_symlink() else (stat.S_IMODE(there.st_mode) & 0o777, there.st_mtime_ns)
        found[str(path.relative_to(folder))] = (looks, content, linked)
    return found


def test_a_folder_on_another_file_system(tmp_path: Path, elsewhere: Path) -> None:
    folder = folder_in(tmp_path)
    (folder / "empty").chmod(0o750)
    before = described(folder)
    move(folder, elsewhere / "there")
    assert described(elsewhere / "there").keys() == before.keys()
    assert described(elsewhere / "there") == before
    assert names(tmp_path) == [] and names(elsewhere) == ["there"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_on_another_file_system(name: str, tmp_path: Path, elsewhere: Path) -> None:
    path = file(tmp_path / name)
    path.chmod(0o4640)  # what is copied may have another owner: such a right must not come with it
    move(path, elsewhere / name)
    there = (elsewhere / name).stat()
    assert (stat.S_IMODE(there.st_mode), there.st_mtime_ns) == (0o640, AT)
    assert (elsewhere / name).read_bytes() == CONTENT
    assert names(tmp_path) == [] and names(elsewhere) == [name]


def test_a_file_that_is_written_is_not_copied_away(tmp_path: Path, elsewhere: Path) -> None:
    folder = folder_in(tmp_path)
    with writer_here(folder / "empty" / "clip.mp4"), pytest.raises(StillWritten):
        move(folder, elsewhere / "there")
    assert names(elsewhere) == [] and (folder / "link").is_symlink()


CHANGES: dict[str, Callable[[Path], object]] = {
    "is written": lambda path: path.write_bytes(b"another"),
    "is replaced": lambda path: file(path.with_name("new"), b"another").replace(path),
    "gets a neighbour": lambda path: path.with_name("new").write_bytes(b"another"),
    "is removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", ["while it is copied", "when the copy has its name"])
def test_a_source_that_changes(
    change: str, when: str, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is not of what is there now; and what came is not lost."""
    path = file(special("folder", tmp_path / "monday") / "clip.mp4")
    owner, name = (shutil, "copyfileobj") if when == "while it is copied" else (files, "take_away")
    real = getattr(owner, name)

    def meanwhile(*arguments: Any) -> None:
        CHANGES[change](path)
        real(*arguments)

    monkeypatch.setattr(owner, name, meanwhile)
    with pytest.raises((StillWritten, FileNotFoundError)):
        move(path.parent, elsewhere / "there")
    if change != "is removed":
        assert b"another" in [new.read_bytes() for new in path.parent.iterdir()]
    if path.exists():
        assert names(elsewhere) == []
    elif change == "gets a neighbour":
        assert (elsewhere / "there" / "clip.mp4").read_bytes() == CONTENT


def test_a_copy_that_has_its_name_already(tmp_path: Path, elsewhere: Path) -> None:
    """The rest of the source goes; but not when the other is anything else."""
    folder = folder_in(tmp_path)
    shutil.copytree(folder, elsewhere / "there", symlinks=True)
    (folder / "link").unlink()
    file(folder / "new")
    with pytest.raises(FileExistsError):
        move(folder, elsewhere / "there")
    assert (folder / "new").exists() and (folder / NAMES[0]).exists()
    (folder / "new").unlink()
    move(folder, elsewhere / "there")
    assert names(tmp_path) == [] and (elsewhere / "there" / "link").is_symlink()


def test_a_copy_that_was_not_finished(tmp_path: Path, elsewhere: Path) -> None:
    path = file(tmp_path / "monday.mp4")
    temporary(path, elsewhere / "there").write_bytes(CONTENT[:100])
    move(path, elsewhere / "there")
    assert names(elsewhere) == ["there"]
    assert (elsewhere / "there").read_bytes() == CONTENT


def test_a_folder_with_something_that_cannot_be_copied(tmp_path: Path, elsewhere: Path) -> None:
    folder = folder_in(tmp_path)
    os.mkfifo(folder / "fifo")
    before = names(folder)
    with pytest.raises(OSError, match="it is no regular file"):
        move(folder, elsewhere / "there")
    assert names(folder) == before and names(elsewhere) == []


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_disk_that_is_full(what: str, tmp_path: Path, small: Path) -> None:
    folder = folder_in(tmp_path)
    path = folder if what == "folder" else folder / "empty" / "clip.mp4"
    before = described(folder)
    with pytest.raises(OSError) as caught:
        move(path, small / "there")
    assert caught.value.errno == errno.ENOSPC
    assert described(folder) == before and names(small) == []


def test_a_folder_where_a_file_system_is_mounted(small: Path, tmp_path: Path) -> None:
    """It cannot be taken away, but all in it can."""
    file(small / "clip.mp4", b"clip")
    move(small, tmp_path / "there")
    assert (tmp_path / "there" / "clip.mp4").read_bytes() == b"clip"
    assert small.is_mount() and names(small) == []
    move(small, tmp_path / "there")  # and once more, as after a kill
    assert names(tmp_path / "there") == ["clip.mp4"]
