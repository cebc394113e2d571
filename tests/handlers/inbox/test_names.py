"""What a file is by its name, and names that are compared, shown and made to fit."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.inbox.names import (
    LONGEST,
    Alike,
    fitted,
    group_key,
    passing_for,
    role_of,
    shown,
    stem_of,
    stem_of_note,
    suffix_of,
)

ROLES = {
    "script": ["monday.txt", "MONDAY.TXT", "monday.md", "a.mp4.txt", "fine.Error.md"],
    "clip": [
        "monday.mp4",
        "monday.MOV",
        "me.JPeG",
        "x.webm",
        "y.gif",
        "z.m2ts",
        "İ.mp4",
        "#1.mp4",
        "~me.mp4",
    ],
    "speech": ["monday.wav", "monday.mp3", "note.m4a", "a.ogg", "b.opus", "c.aac"],
    "options": ["monday.toml", "job.TOML"],
    "batch": ["batch.csv", "week.jsonl"],
    "note": ["monday.error.txt", "monday-2.duplicate.txt", "Monday.Waiting.TXT", "#1.error.txt"],
    "passing": [
        "monday.mp4.part",
        "monday.mp4.filepart",
        "Unconfirmed 123.crdownload",
        "monday.TMP",
        "monday.mp4.!ut",
        "monday.mp4.aria2",
        ".syncthing.monday.mp4.tmp",
        "~syncthing~monday.mp4.tmp",
        ".monday.mp4.Xa3f9Q",
        "~$monday.docx",
        ".~lock.monday.txt#",
        ".goutputstream-XYZ123",
        ".nfs00000000015",
        ".fuse_hidden0001",
        "monday.txt~",
        ".monday.txt.swp",
        "#monday.txt#",
        "~$monday.txt",
    ],
    "junk": [
        ".DS_Store",
        "._monday.mp4",
        "Thumbs.db",
        "DESKTOP.INI",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        ".hidden",
        "monday.mp4:Zone.Identifier",
        "Icon\r",
    ],
    "unknown": ["monday.docx", "monday", "monday.", "mp4", "monday.srt", "x.txt.bak", "\udcff\udcfe", "a.é"],
}


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in ROLES.items() for name in names])
def test_a_name_tells_what_the_file_is(role: str, name: str) -> None:
    assert role_of(name) == role


@pytest.mark.parametrize(
    ("temporary", "whole"),
    [
        ("monday.mp4.part", "monday.mp4"),
        ("Monday.MP4.CRDOWNLOAD", "Monday.MP4"),
        (".monday.mp4.part", "monday.mp4"),
        (".monday.mp4.Xa3f9Q", "monday.mp4"),
        (".syncthing.monday.mp4.tmp", "monday.mp4"),
        ("~syncthing~monday.mp4.tmp", "monday.mp4"),
        ("İstanbul.mp4.part", "İstanbul.mp4"),  # in small letters it is longer
        ("a\nb.mp4.tmp", "a\nb.mp4"),
        (".monday.txt.swp", None),
        (".monday.backup", None),
        ("monday.txt~", None),
        (".~lock.monday.txt#", None),
        ("~$monday.docx", None),
        ("monday.mp4", None),
    ],
)
def test_a_temporary_name_tells_what_is_coming(temporary: str, whole: str | None) -> None:
    assert passing_for(temporary) == whole


def test_a_name_is_looked_at_once() -> None:
    """Each look at an inbox of thousands asks several times of each."""
    role_of.cache_clear()
    for _ in range(3):
        assert role_of("monday.txt") == "script"
    assert role_of.cache_info().misses == 1
    assert role_of.cache_info().maxsize is not None  # names come from anybody


def test_stems_and_suffixes() -> None:
    assert (stem_of("a.b.mp4"), suffix_of("a.b.MP4")) == ("a.b", ".MP4")
    assert (stem_of("monday"), suffix_of("monday")) == ("monday", "")
    assert (stem_of(".mp4"), suffix_of("monday.")) == (".mp4", "")
    assert stem_of_note("monday.error.txt") == "monday"
    assert stem_of_note("monday-2.Duplicate.TXT") == "monday-2"


def test_names_that_people_take_for_the_same_have_one_key() -> None:
    composed = unicodedata.normalize("NFC", "Zoë")
    assert group_key(unicodedata.normalize("NFD", "ZOË")) == group_key(composed)
    assert group_key("straße") == group_key("STRASSE")
    assert group_key("monday") != group_key("tuesday")
    assert group_key("a\udcff") == group_key("A\udcff") != group_key("a\udcfe")


def test_a_name_written_a_little_differently_is_found_if_there_is_only_one() -> None:
    there = Alike([unicodedata.normalize("NFD", "Zoë.mp4"), "a.mp4", "A.mp4"])
    assert there.find("a.mp4") == "a.mp4"
    assert there.find(unicodedata.normalize("NFC", "zoë.MP4")) == unicodedata.normalize("NFD", "Zoë.mp4")
    assert there.find("A.MP4") is None
    assert there.find("b.mp4") is None


def test_a_name_is_shown_in_one_line_that_commands_nothing() -> None:
    assert shown("Größe 👩‍🚀.txt") == "Größe 👩‍🚀.txt"
    assert shown("a\nb\x1b[2J\udcff\u202e\u2028.txt") == "a\ufffdb\ufffd[2J\ufffd\ufffd\ufffd.txt"
    assert shown("\ud800") == "\ufffd"  # no bytes at all: from an escape in a batch


names = st.binary(min_size=1, max_size=LONGEST).map(os.fsdecode)


@given(names, st.sampled_from([".mp4", ".duplicate.txt"]), st.integers(1, 99_999))
def test_any_name_fits(stem: str, suffix: str, number: int) -> None:
    name = fitted(stem, suffix, number)
    assert len(os.fsencode(name)) <= LONGEST
    assert name.endswith((f"-{number}" if number > 1 else "") + suffix)
    if len(os.fsencode(stem + suffix)) < LONGEST - 6:
        assert name.startswith(stem)


@given(names)
def test_any_name_can_be_looked_at(name: str) -> None:
    role_of(name), stem_of(name), stem_of_note(name), passing_for(name), group_key(name)
    shown(name).encode("utf-8")
    assert not any(unicodedata.category(c) == "Cc" for c in shown(name))
    assert stem_of(name) + suffix_of(name) == name


def test_long_names_that_differ_at_their_end_stay_apart(tmp_path: Path) -> None:
    one, other = ("ä" * 126 + end for end in "ab")
    names = {fitted(one, ".mp4"), fitted(other, ".mp4"), fitted(one, ".mp4", 2)}
    for name in names:
        (tmp_path / name).touch(exist_ok=False)  # the file system takes them
        assert "\ufffd" not in shown(name)  # no character was cut in two
    assert len(names) == 3
