"""What lies in a folder, of any kind, without touching or following any of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.inbox import names
from handlers.inbox.bundles.bundle import Role
from handlers.inbox.look import scan as scanning
from handlers.inbox.look.scan import DEEPEST, MOST, Mark, scan

OURS = frozenset({".work", "done"})


def test_each_kind_is_told_apart_and_no_link_is_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "in", tmp_path / "outside"
    (root / "folder").mkdir(parents=True)
    (outside / "inner").mkdir(parents=True)
    (outside / "secret.txt").write_text("a")
    (root / "file.txt").write_text("abc")
    (root / "link").symlink_to(outside)
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "folder" / "inner").symlink_to(outside)
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(root / "socket"))
    found = scan(root, OURS)
    assert {name: one.entry.kind for name, one in found.items()} == {
        "file.txt": "file",
        "folder": "folder",
        "link": "link",
        "dangling": "link",
        "loop": "link",
        "fifo": "special",
        "socket": "special",
    }
    assert [(e.name, e.kind) for e in found["folder"].inner] == [("inner", "link")]
    assert found["file.txt"].entry.mark == Mark.of((root / "file.txt").stat())
    assert found["file.txt"].entry.links == 1


def test_our_own_folders_are_not_seen(tmp_path: Path) -> None:
    for name in ("done", ".work", "monday"):
        (tmp_path / name).mkdir()
    assert scan(tmp_path, OURS).keys() == {"monday"}


def test_a_folder_is_seen_with_all_in_it(tmp_path: Path) -> None:
    deep = tmp_path / "monday" / "b" / "c"
    deep.mkdir(parents=True)
    for path in (deep / "x.txt", tmp_path / "monday" / "a.txt"):
        path.write_text("x")
    found = scan(tmp_path, OURS)["monday"]
    assert [entry.name for entry in found.inner] == ["a.txt", "b", "b/c", "b/c/x.txt"]
    assert not found.too_much


def test_two_looks_at_the_same_are_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "monday"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number}.txt").write_text("x")
    assert scan(tmp_path, OURS) == scan(tmp_path, OURS)


@pytest.mark.parametrize("change", ["grow", "touch", "chmod", "replace", "add", "remove"])
def test_a_change_within_a_folder_is_a_change_of_it(tmp_path: Path, change: str) -> None:
    folder, file = tmp_path / "monday", tmp_path / "monday" / "sub" / "a.txt"
    file.parent.mkdir(parents=True)
    file.write_text("abc")
    before = scan(tmp_path, OURS)["monday"]
    if change == "grow":
        file.write_text("abcd")
    elif change == "touch":
        os.utime(file, (0, 0))
    elif change == "chmod":
        file.chmod(0o600)
    elif change == "replace":
        times = file.stat()
        (folder / "new").write_text("xyz")
        (folder / "new").rename(file)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "add":
        (folder / "b.txt").touch()
    else:
        file.unlink()
    assert scan(tmp_path, OURS)["monday"] != before


def test_a_folder_that_is_too_deep_or_too_full_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "deep" / "/".join("abcdefgh"[: DEEPEST + 2])).mkdir(parents=True)
    (tmp_path / "just" / "/".join("abcdefgh"[: DEEPEST - 1])).mkdir(parents=True)
    (tmp_path / "full").mkdir()
    for number in range(MOST + 1):
        (tmp_path / "full" / str(number)).touch()
    found = scan(tmp_path, OURS)
    assert {name: one.too_much for name, one in found.items()} == {"deep": True, "just": False, "full": True}
    assert len(found["full"].inner) == MOST
    assert max(entry.name.count("/") for entry in found["deep"].inner) < DEEPEST


def test_what_programs_keep_for_themselves_is_not_entered(tmp_path: Path) -> None:
    for name in ("@eaDir", "#recycle", ".stfolder", "clip.mp4.download", "monday/@eaDir"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x").touch()
    found = scan(tmp_path, OURS)
    assert [len(found[name].inner) for name in ("@eaDir", "#recycle", ".stfolder", "clip.mp4.download")] == [
        0
    ] * 4
    assert [entry.name for entry in found["monday"].inner] == ["@eaDir"]


def test_names_may_be_anything_that_a_file_system_takes(tmp_path: Path) -> None:
    names = [
        b"a b.txt",
        b"line\nbreak.txt",
        b"quo'te\".txt",
        "🎬.mp4".encode(),
        b"\xff\xfe.txt",
        b"x" * 251 + b".txt",
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    assert {os.fsencode(name) for name in scan(tmp_path, OURS)} == set(names)


def test_an_inbox_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "nowhere", OURS)


# Root reads what it likes, so another looks.
AS_NOBODY = """
import os, pathlib, sys
from handlers.inbox.look.scan import scan
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    for name, found in sorted(scan(pathlib.Path(sys.argv[1]), frozenset()).items()):
        print(name, found.entry.kind, found.unreadable, len(found.inner))
except OSError as e:
    print(e.strerror)
"""


def as_nobody(root: Path) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(root)], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.splitlines()


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder to which anybody finds the way; not so in tmp_path."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_folder_that_may_not_be_read_breaks_nothing(public: Path) -> None:
    for name in ("open", "closed", "half/closed"):
        (public / name).mkdir(parents=True)
        (public / name / "x.txt").touch()
    (public / "closed").chmod(0o700)
    (public / "half" / "closed").chmod(0o700)
    assert as_nobody(public) == [
        "closed folder Permission denied 0",
        "half folder Permission denied 1",
        "open folder  1",
    ]


def test_an_inbox_in_which_nothing_can_be_looked_at_is_an_error(public: Path) -> None:
    (public / "x.txt").touch()
    assert as_nobody(public) == ["x.txt file  0"]
    public.chmod(0o744)  # its names can be read, and nothing else
    assert as_nobody(public) == ["Permission denied"]


@pytest.mark.parametrize("after", range(1, 5))
def test_what_vanishes_while_it_is_looked_at_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """All of it goes when the first folder is about to be entered, or the second, …"""
    root = tmp_path / "in"
    for name in ("a/sub", "b/sub", "c/sub", "d/sub"):
        (root / name).mkdir(parents=True)
        (root / name / "x.txt").touch()
    for number in range(10):
        (root / f"{number}.txt").touch()
    asked = []

    def role_of(name: str) -> Role:
        asked.append(name)
        if len(asked) == after:
            shutil.rmtree(root)
        return names.role_of(name)

    monkeypatch.setattr(scanning, "role_of", role_of)
    found = scan(root, OURS)
    assert len(asked) >= after
    assert not any(one.unreadable for one in found.values())
    assert asked[-1] not in found or asked[-1] == "sub"


def test_a_link_that_takes_the_place_of_a_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, outside = tmp_path / "in", tmp_path / "outside"
    for folder in (root / "monday" / "sub", outside):
        folder.mkdir(parents=True)
        (folder / "x.txt").touch()

    def role_of(name: str) -> Role:
        if name == "sub":
            shutil.rmtree(root / "monday" / "sub")
            (root / "monday" / "sub").symlink_to(outside)
        return names.role_of(name)

    monkeypatch.setattr(scanning, "role_of", role_of)
    assert [entry.name for entry in scan(root, OURS)["monday"].inner] == ["sub"]


def test_ten_thousand_files_are_looked_at_quickly(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number}.mp4").touch()
    took = []
    for _ in range(5):
        began = time.process_time()
        assert len(scan(tmp_path, OURS)) == 10_000
        took.append(time.process_time() - began)
    assert min(took) < 0.3  # 0.06 s on a machine of 2025 with nothing else to do
