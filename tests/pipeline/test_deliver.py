"""The result arrives whole, under its own name, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import BadInput, Unavailable
from pipeline.deliver import check_out, deliver
from pipeline.result import files_of


@pytest.fixture
def result(tmp_path: Path) -> tuple[Path, Path]:
    """compose and captions artifacts."""
    compose, captions = tmp_path / "compose", tmp_path / "captions"
    compose.mkdir()
    captions.mkdir()
    (compose / "video.mp4").write_bytes(b"video" * 1000)
    (compose / "cover.jpg").write_bytes(b"cover")
    (captions / "captions.srt").write_text("srt")
    (captions / "captions.vtt").write_text("vtt")
    return compose, captions


def test_everything_lies_beside_the_video(result: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "今日 final.v2.mp4"
    written = deliver(*result, out)
    names = ["今日 final.v2.srt", "今日 final.v2.vtt", "今日 final.v2.jpg", "今日 final.v2.mp4"]
    assert [path.name for path in written] == names
    assert out.read_bytes() == b"video" * 1000
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == sorted(names)


def test_without_subtitles_there_is_only_what_there_is(result: tuple[Path, Path], tmp_path: Path) -> None:
    for path in result[1].iterdir():
        path.unlink()
    assert [p.suffix for p in deliver(*result, tmp_path / "a.mp4")] == [".jpg", ".mp4"]


def test_an_older_result_is_replaced(result: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("older")
    deliver(*result, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes().startswith(b"video")


def test_subtitles_of_an_older_result_do_not_stay_beside_one_without(
    result: tuple[Path, Path], tmp_path: Path
) -> None:
    deliver(*result, tmp_path / "a.mp4")
    for path in result[1].iterdir():
        path.unlink()
    deliver(*result, tmp_path / "a.mp4")
    assert sorted(p.name for p in tmp_path.glob("a.*")) == ["a.jpg", "a.mp4"]


def test_the_video_comes_last(
    result: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    rename = Path.replace

    def noted(self: Path, target: Path) -> Path:
        order.append(target.suffix)
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", noted)
    deliver(*result, tmp_path / "a.mp4")
    assert order[-1] == ".mp4"


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        ("no/such/a.mp4", "out_unwritable", "does not exist"),
        ("compose", "out_unwritable", "is a folder"),
        ("a.avi", "out_suffix", "does not end in .mp4"),
        ("a", "out_suffix", "does not end in .mp4"),
        ("a" * 260 + ".mp4", "out_unwritable", "the name is too long"),
        ("/proc/a.mp4", "out_unwritable", "cannot be written"),
        ("compose/video.mp4/a.mp4", "out_unwritable", "does not exist"),
    ],
)
def test_an_impossible_place_is_named_early(
    result: tuple[Path, Path], tmp_path: Path, out: str, code: str, words: str
) -> None:
    for attempt in (lambda: check_out(tmp_path / out), lambda: deliver(*result, tmp_path / out)):
        with pytest.raises(BadInput) as refused:
            attempt()
        assert refused.value.code == code
        assert words in refused.value.message
        assert refused.value.hint


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    check_out(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".jpg", ".srt", ".vtt"])
def test_what_is_not_an_earlier_result_of_ours_is_not_written_over(tmp_path: Path, suffix: str) -> None:
    own = tmp_path / f"holiday{suffix}"
    own.write_text("mine")
    with pytest.raises(BadInput) as refused:
        check_out(tmp_path / "holiday.mp4")
    assert refused.value.code == "out_overwrites"
    assert own.name in refused.value.message and refused.value.hint
    (tmp_path / "holiday.mp4").write_text("older")
    check_out(tmp_path / "holiday.mp4")


def test_a_delivery_that_was_killed_is_made_good_by_the_next(
    result: tuple[Path, Path], tmp_path: Path
) -> None:
    """Killed between two renames: the subtitles are there, the video is not."""
    (tmp_path / "a.srt").write_text("srt")
    assert deliver(*result, tmp_path / "a.mp4")[-1] == tmp_path / "a.mp4"


def test_the_names_are_those_that_are_written(result: tuple[Path, Path], tmp_path: Path) -> None:
    assert deliver(*result, tmp_path / "a.b.MP4") == files_of(tmp_path / "a.b.MP4")


def test_a_folder_with_the_name_of_the_subtitles_stops_it_at_once(
    result: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(BadInput, match=r"a\.jpg"):
        deliver(*result, tmp_path / "a.mp4")
    assert not (tmp_path / "a.srt").exists()


def test_a_full_disk_leaves_the_target_as_it_was(result: tuple[Path, Path], small_disk: Path) -> None:
    (small_disk / "a.mp4").write_text("older")
    (result[0] / "video.mp4").write_bytes(b"x" * 3_000_000)
    with pytest.raises(Unavailable) as failed:
        deliver(*result, small_disk / "a.mp4")
    assert failed.value.code == "disk_full"
    assert [(p.name, p.read_text()) for p in small_disk.iterdir()] == [("a.mp4", "older")]


def test_an_interrupted_copy_leaves_nothing(
    result: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(read: object, write: object, size: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.copying.shutil.copyfileobj", interrupted)
    with pytest.raises(KeyboardInterrupt):
        deliver(*result, tmp_path / "a.mp4")
    assert [p for p in tmp_path.iterdir() if p.is_file()] == []
