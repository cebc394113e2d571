"""Notes about what stays: told once, taken away again, and those of others left alone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from handlers.inbox import waiting
from handlers.inbox.bundles.bundle import Held
from handlers.inbox.claim.files import write_new
from handlers.inbox.places import Places
from handlers.inbox.waiting import Waiting

DOCX = Held("monday.docx", "It is no kind of file that videos are made of", helpless=True)


def an_inbox(folder: Path, name: str) -> Waiting:
    """All inboxes here have one folder for what has failed."""
    root = folder / name
    root.mkdir()
    (folder / "failed").mkdir(exist_ok=True)
    places = Places(root, root / "outbox", root / "done", folder / "failed", root / "duplicates")
    return Waiting(places, 60.0, lambda: dt.datetime(2026, 8, 1, tzinfo=dt.UTC))


def test_the_note_goes_with_its_reason(tmp_path: Path) -> None:
    inbox, note = an_inbox(tmp_path, "a"), tmp_path / "failed/monday.docx.waiting.txt"
    assert inbox.hold([DOCX], {}) == [DOCX] and inbox.hold([DOCX], {}) == []
    assert note.exists()
    inbox.hold([], {})
    assert not note.exists()


def test_somebody_has_the_name_of_the_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried again at every look, and theirs does not go."""
    tried: list[Path] = []

    def write(path: Path, data: bytes) -> None:
        tried.append(path)
        write_new(path, data)

    monkeypatch.setattr(waiting, "write_new", write)
    inbox, theirs = an_inbox(tmp_path, "a"), tmp_path / "failed/monday.docx.waiting.txt"
    theirs.write_bytes(b"theirs")
    assert inbox.hold([DOCX], {}) == [DOCX] and inbox.hold([DOCX], {}) == []
    assert len(tried) == 1
    inbox.hold([], {})
    inbox.forget_old_notes()
    assert theirs.read_bytes() == b"theirs"


def test_a_note_of_ours_that_a_person_has_rewritten_stays(tmp_path: Path) -> None:
    inbox, note = an_inbox(tmp_path, "a"), tmp_path / "failed/monday.docx.waiting.txt"
    inbox.hold([DOCX], {})
    note.write_bytes(b"I shall do it tomorrow. Anna")
    inbox.hold([], {})
    assert note.exists()


def test_another_inbox_with_the_same_folder_for_notes(tmp_path: Path) -> None:
    one, other = an_inbox(tmp_path, "a"), an_inbox(tmp_path, "b")
    one.hold([DOCX], {})
    other.hold([Held("tuesday.docx", "Why", helpless=True)], {})
    one.forget_old_notes()
    assert [path.name for path in (tmp_path / "failed").iterdir()] == ["tuesday.docx.waiting.txt"]
