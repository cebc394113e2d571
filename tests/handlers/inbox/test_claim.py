"""A bundle is taken up whole and unchanged, or all of it is in the inbox as it was."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from handlers.inbox.bundles.bundle import Bundle, Role, Source
from handlers.inbox.claim import rollback
from handlers.inbox.claim import take as claim
from handlers.inbox.claim.files import digest, move
from handlers.inbox.claim.take import Changed, Taken, left_over, put_back, take
from handlers.inbox.places import Places
from tests.handlers.inbox.claim_kit import NAMES, is_empty, of, take_up
from tests.handlers.inbox.claim_kit import places as places
from tests.handlers.inbox.claiming import (
    CLIP,
    ID,
    OWNER,
    PAIR,
    SCRIPT,
    Scenario,
    marks_of,
    places_in,
    prepare,
    tree,
)
from tests.handlers.inbox.files_kit import writer_elsewhere


def all_names(root: Path) -> list[str]:
    return sorted(str(path) for path in root.rglob("*") if ".work" not in path.parts)


# ---------------------------------------------------------------- taken


def test_a_pair_is_taken_up(places: Places) -> None:
    before = tree(places.root)
    taken = take_up(places, PAIR)
    script, clip = taken.files
    assert (taken.id, taken.name, taken.folder) == (ID, "monday", None)
    assert (script.name, script.role, script.kept) == ("monday.txt", "script", "script.txt")
    assert (clip.name, clip.role, clip.kept) == ("monday.mp4", "clip", "clip.mp4")
    assert (clip.size, clip.mtime_ns) == (len(CLIP), 10**18 + 7)
    folder = places.work / ID
    assert clip.sha256 == digest(folder / "clip.mp4")
    assert (folder / "script.txt").read_bytes() == SCRIPT
    assert places.work.stat().st_mode & 0o777 == folder.stat().st_mode & 0o777 == 0o700
    assert before.keys() - tree(places.root).keys() == {"monday.txt", "monday.mp4"}
    assert left_over(places, [ID], OWNER) == []
    assert [put_back(folder, places) for folder in left_over(places, [], OWNER)] == [[]]
    assert tree(places.root) == before and is_empty(places)


def test_a_folder_is_taken_up_with_all_in_it(tmp_path: Path) -> None:
    places, bundle, _ = of("a folder", tmp_path)
    before = tree(places.root / "monday")
    taken = take_up(places, bundle)
    assert taken.folder == "monday"
    assert [kept.kept for kept in taken.files] == ["folder/a.txt", "folder/b \udcff.mp4"]
    assert tree(places.work / ID / "folder") == before
    assert tree(places.root) == {}


@pytest.mark.parametrize("name", NAMES)
def test_any_name(name: str, tmp_path: Path) -> None:
    places = places_in(tmp_path)
    roles: list[tuple[str, Role]] = [(".TXT", "script"), (".mov", "clip")]
    bundle = Bundle(name, tuple(Source(name + suffix, role) for suffix, role in roles), None, 0)
    for source in bundle.sources:
        (tmp_path / source.name).write_bytes(os.fsencode(source.name))
    before = tree(tmp_path)
    taken = take_up(places, bundle)
    assert [kept.kept for kept in taken.files] == ["script.txt", "clip.mov"]
    told = json.dumps(taken.as_json())
    assert told.isascii() and Taken.from_json(json.loads(told)) == taken
    assert put_back(places.work / ID, places) == []
    assert tree(tmp_path) == before


def test_safe_names(tmp_path: Path) -> None:
    """What programs are given is not what somebody chose."""
    roles: list[tuple[str, Role]] = [
        ("list.CSV", "batch"),
        ("anna.mp4", "clip"),
        ("-rf $(x).MOV", "clip"),
        ("text.md", "script"),
        ("voice.wav", "speech"),
        ("list.toml", "options"),
        ("list.error.txt", "note"),
        ("no suffix", "clip"),
        ("odd.mp4 ", "clip"),
        ("odd.\udcff", "clip"),
        ("odd.abcdefghijk", "clip"),
    ]
    bundle = Bundle("list", tuple(Source(*one) for one in roles), None, 0)
    for source in bundle.sources:
        (tmp_path / source.name).touch()
    kept = [one.kept for one in take_up(places_in(tmp_path), bundle).files]
    assert kept == [
        *("batch.csv", "file-1.mp4", "file-2.mov", "file-3.md", "file-4.wav", "options.toml", "note-1.txt"),
        *("file-5", "file-6", "file-7", "file-8"),
    ]


@pytest.mark.parametrize("kind", ["a pair", "a folder"])
def test_what_is_written_through_another_name_does_not_reach_it(kind: str, tmp_path: Path) -> None:
    places, bundle, clip = of(kind, tmp_path)
    (tmp_path / "other").hardlink_to(clip)
    taken = take_up(places, bundle)
    (tmp_path / "other").write_bytes(b"another")
    assert digest(places.work / ID / taken.files[1].kept) == taken.files[1].sha256
    assert (places.work / ID / taken.files[1].kept).read_bytes() == CLIP


# ---------------------------------------------------------------- not taken


@contextmanager
def done(act: Callable[[Path], object], path: Path) -> Iterator[None]:
    act(path)
    yield


def by_another_name(path: Path) -> AbstractContextManager[None]:
    other = path.parent.parent / "other"
    other.hardlink_to(path)
    return writer_elsewhere(other)


def rewrite(path: Path) -> None:
    """As large and, for all that its owner says, as old as before."""
    there = path.stat()
    path.write_bytes(bytes(len(CLIP)))
    os.utime(path, ns=(there.st_mtime_ns, there.st_mtime_ns))


def swap_for_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


MEANWHILE: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "it is open for writing": writer_elsewhere,
    "it is open for writing by another name": by_another_name,
    "it grows": lambda path: done(lambda path: path.open("ab").write(b"more"), path),
    "it is written over": lambda path: done(rewrite, path),
    "it is written over now": lambda path: done(lambda path: path.write_bytes(bytes(len(CLIP))), path),
    "it is replaced": lambda path: done(
        lambda path: shutil.copy2(path, path.with_name("new")) and path.with_name("new").replace(path), path
    ),
    "it goes": lambda path: done(Path.unlink, path),
    "it becomes a FIFO": lambda path: done(swap_for_a_fifo, path),
}


@pytest.mark.timeout(30)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", ["a pair", "a folder"])
@pytest.mark.parametrize("what", MEANWHILE)
def test_what_has_changed_since_it_was_seen_stays(what: str, kind: str, tmp_path: Path) -> None:
    places, bundle, clip = of(kind, tmp_path)
    marks = marks_of(places, bundle)
    with MEANWHILE[what](clip):
        there = all_names(places.root)
        with pytest.raises(Changed) as caught:
            take(places, bundle, marks, ID, OWNER)
    assert caught.value.aside == ()
    assert all_names(places.root) == there
    assert not places.work.exists(), "nothing was moved"


# What comes too late for the first look, and is seen at the second.
LATE = ["it is open for writing", "it grows", "it is written over now", "it goes"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", ["a pair", "a folder"])
@pytest.mark.parametrize("what", LATE)
def test_what_changes_while_it_is_taken_up_goes_back(
    what: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest is written after the first look: then it happens."""
    places, bundle, clip = of(kind, tmp_path)
    there: list[Any] = []
    write = rollback.Manifest.write
    with ExitStack() as stack:

        def meanwhile(manifest: rollback.Manifest, folder: Path) -> None:
            stack.enter_context(MEANWHILE[what](clip))
            there.append(all_names(places.root))
            write(manifest, folder)

        monkeypatch.setattr(rollback.Manifest, "write", meanwhile)
        with pytest.raises(Changed) as caught:
            take_up(places, bundle)
    assert caught.value.aside == ()
    assert all_names(places.root) == there[0] and is_empty(places)


def test_what_is_written_after_it_was_moved_goes_back(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By somebody who had it open already: its name does not matter to him."""
    clip = places.root / "monday.mp4"
    held: list[BinaryIO] = []

    def meanwhile(source: Path, target: Path) -> None:
        if source == clip:
            held.append(clip.open("ab"))
        move(source, target)

    monkeypatch.setattr(claim, "move", meanwhile)
    with pytest.raises(Changed, match="is still being written"):
        take_up(places, PAIR)
    held[0].write(b"more")
    held[0].close()
    assert clip.read_bytes() == CLIP + b"more" and is_empty(places)


@pytest.mark.parametrize("late", [False, True])
def test_what_comes_into_the_folder(late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places, bundle, _ = of("a folder", tmp_path)
    marks = marks_of(places, bundle)

    def and_then(source: Path, target: Path) -> None:
        (source / "new.txt").touch()
        move(source, target)

    if late:
        monkeypatch.setattr(claim, "move", and_then)
    else:
        (places.root / "monday" / "new.txt").touch()
    with pytest.raises(Changed, match="Something new came into monday"):
        take(places, bundle, marks, ID, OWNER)
    assert (places.root / "monday" / "new.txt").exists() and is_empty(places)
    assert places.work.exists() == late


def test_an_id_that_is_in_use(places: Places) -> None:
    (places.work / ID).mkdir(parents=True)
    (places.work / ID / "clip.mp4").write_bytes(b"another")
    before = tree(places.root)
    with pytest.raises(FileExistsError):
        take_up(places, PAIR)
    assert tree(places.root) == before
    assert (places.work / ID / "clip.mp4").read_bytes() == b"another"


def test_a_work_folder_that_leads_elsewhere(places: Places, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    places.work.symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="it is a link"):
        take_up(places, PAIR)
    assert not any((tmp_path / "victim").iterdir())
    assert left_over(places, [], OWNER) == []


@contextmanager
def mounted(at: Path, options: str) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)]
    if (result := subprocess.run(command, capture_output=True, text=True)).returncode:
        pytest.skip(f"nothing can be mounted here: {result.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.mark.parametrize("room_kb", [0, 4, 8, 40])
@pytest.mark.parametrize("kind", ["a pair", "a folder"])
def test_a_disk_that_is_full(kind: str, room_kb: int, tmp_path: Path) -> None:
    """.work is on a small disk of its own; with little, more, and not quite enough room on it."""
    places, bundle, _ = of(kind, tmp_path)
    places.work.mkdir()
    before = tree(places.root)
    with mounted(places.work, "size=100k"):
        (places.work / "filler").write_bytes(bytes((100 - room_kb) * 1024))
        with pytest.raises(OSError) as caught:
            take_up(places, bundle)
        assert caught.value.errno == errno.ENOSPC
        assert tree(places.root) == before
        assert [path.name for path in places.work.iterdir()] == ["filler"]


def test_an_inbox_that_is_read_only(tmp_path: Path) -> None:
    root = tmp_path / "inbox"
    root.mkdir()
    with mounted(root, "size=1m"):
        places = prepare(Scenario(PAIR), tmp_path)
        before = tree(root)
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        with pytest.raises(OSError) as caught:
            take_up(places, PAIR)
        assert caught.value.errno == errno.EROFS
        assert tree(root) == before and is_empty(places)
