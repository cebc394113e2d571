"""Temporary names of a delivery: found again for that very result, and for no other."""

from __future__ import annotations

from pathlib import Path

from pipeline.result import files_of, left_by_the_killed, temporary


def test_the_killed_are_found_by_the_name_of_their_result(tmp_path: Path) -> None:
    out = tmp_path / "news [1] (final).mp4"
    ours = [temporary(path) for path in files_of(out)]
    for path in (*ours, temporary(tmp_path / "news [1].mp4"), temporary(tmp_path / "news 1 (final).mp4")):
        path.touch()
    (tmp_path / ".news [1] (final).mp4.part").touch()
    (tmp_path / f"{ours[0].name}.txt").touch()
    assert sorted(left_by_the_killed(out)) == sorted(ours)


def test_long_names_that_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    first, second = (tmp_path / ("视频" * 30 + end + ".mp4") for end in "ab")
    names = [temporary(first), temporary(second)]
    for path in names:
        path.touch()  # and the name is not too long for the disk
    assert left_by_the_killed(first) == names[:1]
    assert left_by_the_killed(second) == names[1:]


def test_only_files_are_found(tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    temporary(out).mkdir()
    temporary(out).symlink_to(tmp_path)
    assert left_by_the_killed(out) == []
    assert left_by_the_killed(tmp_path / "gone" / "a.mp4") == []
