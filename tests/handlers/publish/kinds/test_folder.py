"""A folder gets a video whole or not at all, once, under a name of its own; whoever else writes there."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers.inbox.claim.files import move as really_move
from handlers.publish.errors import NotSent, Refused, Unsure
from handlers.publish.kinds import folder as folder_module
from handlers.publish.kinds import placing
from handlers.publish.kinds.folder import KIND, FolderSettings
from handlers.publish.target import Receipt, Target, Text, Video
from models.errors import Cancelled
from models.progress import Progress, Quiet
from tests.handlers.publish.publish_kit import (
    FACTS,
    KEY,
    NOW,
    OTHER_KEY,
    TEXT,
    Memory,
    surroundings,
    video_in,
)
from tests.progress_kit import Steps

STEM = "2026-11-23 早安 News"
ALL = {f"{STEM}{suffix}" for suffix in (".mp4", ".srt", ".jpg", ".json")}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def video(tmp_path: Path) -> Video:
    return video_in(tmp_path / "job")


def target(place: Path, **more: Any) -> Target:
    settings = FolderSettings(name="archive", kind="folder", path=place, **more)
    return KIND.open(settings, surroundings(place.parent))


def publish(
    place: Path,
    video: Video,
    key: str = KEY,
    text: Text = TEXT,
    progress: Progress | None = None,
    **more: Any,
) -> Receipt:
    return target(place, **more).publish(video, text, key, Memory(), progress or Quiet())


def find(place: Path, key: str = KEY) -> Receipt | None:
    return target(place).find(key, Memory())


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()} - {".vigentd"}


def test_all_of_it_is_there(place: Path, video: Video) -> None:
    progress = Steps()
    receipt = publish(place, video, progress=progress, base_url="https://example.org/v")
    assert names(place) == ALL
    assert (place / receipt.id).read_bytes() == video.path.read_bytes()
    assert video.subtitles and (place / f"{STEM}.srt").read_bytes() == video.subtitles.read_bytes()
    assert video.cover and (place / f"{STEM}.jpg").read_bytes() == video.cover.read_bytes()
    assert receipt.url == "https://example.org/v/2026-11-23%20%E6%97%A9%E5%AE%89%20News.mp4"
    said = json.loads((place / f"{STEM}.json").read_text("utf-8"))
    assert said["title"] == "早安 News" and said["tags"] == ["news"] and said["key"] == KEY
    assert said["job"] == FACTS.job and said["published_at"] == "2026-11-23T08:00:00+00:00"
    assert progress.shares[-1] == 1 and len(progress.seen) > 2
    assert find(place) == replace(receipt, url="")


def test_a_second_time_it_is_there_already(place: Path, video: Video) -> None:
    first = publish(place, video)
    before = (place / first.id).stat()
    assert publish(place, video, text=replace(TEXT, title="Other")) == first
    assert names(place) == ALL and (place / first.id).stat() == before


def test_also_when_somebody_has_taken_it_away(place: Path, video: Video) -> None:
    first = publish(place, video)
    for name in ALL:
        (place / name).unlink()
    assert find(place) == first and publish(place, video) == first
    assert names(place) == set()


def test_nothing_of_others_is_replaced(place: Path, video: Video) -> None:
    (place / f"{STEM}.jpg").write_bytes(b"a holiday")
    assert publish(place, video).id == f"{STEM}-2.mp4"
    assert publish(place, video, OTHER_KEY).id == f"{STEM}-3.mp4"
    assert (place / f"{STEM}.jpg").read_bytes() == b"a holiday"
    assert len(names(place)) == 9
    assert find(place, OTHER_KEY) == Receipt(f"{STEM}-3.mp4", "", {"path": str(place / f"{STEM}-3.mp4")})


@pytest.mark.parametrize("suffix", [".mp4", ".jpg"])
def test_another_gets_the_name_in_the_meantime(
    place: Path, video: Video, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """Between the look whether the name is free, and the last of ours."""
    others = place / (STEM + suffix)

    def move(source: Path, target: Path) -> None:
        if target == others and not others.exists():
            others.write_bytes(b"another's")
        really_move(source, target)

    monkeypatch.setattr(placing, "move", move)
    with pytest.raises(NotSent, match="Another file has got the name"):
        publish(place, video)
    assert names(place) == {others.name} and find(place) is None
    assert publish(place, video).id == f"{STEM}-2.mp4"
    assert others.read_bytes() == b"another's" and len(names(place)) == 5


def test_only_what_there_is(place: Path, video: Video) -> None:
    publish(place, replace(video, cover=None, subtitles=None))
    assert names(place) == {f"{STEM}.mp4", f"{STEM}.json"}


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ('a/b\\c:d*e?f"g<h>i|j', "a-b-c-d-e-f-g-h-i-j"),
        ("tab\tnew\nline\x00\x1b[31m\u202egpj", "tab new line[31mgpj"),
        ("今天：天气“很好”？", "今天：天气“很好”？"),
        ("e\u0301", "\u00e9"),
        ("CON", "_CON"),
        ("... ", "video"),
        ("👩🏽‍🚀 up", "👩🏽🚀 up"),
    ],
)
def test_names_are_made_safe(place: Path, video: Video, title: str, stem: str) -> None:
    text = replace(TEXT, title=title, facts=replace(FACTS, script=""))
    assert publish(place, video, text=text, file_name="{title}").id == f"{stem}.mp4"
    assert f"{stem}.mp4" in names(place)


def test_long_names_fit_and_stay_two(place: Path, video: Video) -> None:
    for key, end in ((KEY, "一"), (OTHER_KEY, "二")):
        name = publish(place, video, key, replace(TEXT, title="早安" * 200 + end), file_name="{title}").id
        assert name.startswith("早安早安") and len(os.fsencode(name)) > 240
    assert len(names(place)) == 8 and max(len(os.fsencode(name)) for name in names(place)) <= 255


def test_the_name_follows_a_changed_title(place: Path, video: Video) -> None:
    assert publish(place, video, text=replace(TEXT, title="Noon")).id == "2026-11-23 Noon.mp4"
    assert publish(place, video, OTHER_KEY, replace(TEXT, facts=None)).id == f"{STEM}.mp4"


def test_rights_as_they_are_set(place: Path, video: Video) -> None:
    before = os.umask(0o077)
    try:
        publish(place, video, mode="0644")
    finally:
        os.umask(before)
    assert {(place / name).stat().st_mode & 0o777 for name in ALL} == {0o644}


def test_cancelled_leaves_nothing(place: Path, video: Video) -> None:
    with pytest.raises(Cancelled):
        publish(place, video, progress=Steps(cancel_after=2))
    assert names(place) == set() and find(place) is None


# ---------------------------------------------------------------- what goes wrong there


def test_check(place: Path) -> None:
    assert target(place).check().startswith(f"the folder {place}, ")
    assert names(place) == set() and not (place / ".vigentd").exists()


def test_a_folder_that_is_not_there(place: Path, video: Video) -> None:
    place.rmdir()
    for ask in (lambda: target(place).check(), lambda: publish(place, video), lambda: find(place)):
        with pytest.raises(NotSent, match="is not there"):
            ask()
    place.write_text("")
    with pytest.raises(NotSent, match="is a file, and no folder"):
        target(place).check()


def test_a_share_that_is_not_mounted_any_more(place: Path, video: Video) -> None:
    """There is an empty folder then: it would be filled, and hidden by the share when that is back."""
    receipt = publish(place, video)
    share = place.rename(place.with_name("share"))
    place.mkdir()
    for ask in (
        lambda: target(place).check(),
        lambda: publish(place, video, OTHER_KEY),
        lambda: find(place),
    ):
        with pytest.raises(NotSent, match="not the one that it was"):
            ask()
    assert list(place.iterdir()) == []
    place.rmdir()
    share.rename(place)
    assert find(place) == receipt
    publish(place, video, OTHER_KEY)


def test_a_new_folder_is_not_taken_for_a_share_that_is_gone(place: Path, video: Video) -> None:
    publish(place, video)
    other = place.with_name("other")
    other.mkdir()
    assert publish(other, video, OTHER_KEY).id == f"{STEM}.mp4"


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "error", "code", "said"),
    [
        (errno.ENOSPC, NotSent, "target_full", "The disk is full"),
        (errno.EDQUOT, NotSent, "target_full", "The disk is full"),
        (errno.ESTALE, NotSent, "target_away", "could not be written to: Stale file handle"),
        (errno.EHOSTDOWN, NotSent, "target_away", "Host is down"),
        (errno.EFBIG, Refused, "target_denied", "no file of this size"),
        (errno.EROFS, Refused, "target_denied", "read-only"),
    ],
)
def test_while_it_is_copied(
    place: Path,
    video: Video,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[Exception],
    code: str,
    said: str,
) -> None:
    monkeypatch.setattr(placing, "copy_bytes", failing(number))
    with pytest.raises(error, match=said) as told:
        publish(place, video)
    assert told.value.code == code  # type: ignore[attr-defined]
    assert names(place) == set() and find(place) is None


FULL_DISK = """
import subprocess, sys
from pathlib import Path
from handlers.publish.errors import NotSent
from tests.handlers.publish.kinds.test_folder import find, names, publish
from tests.handlers.publish.publish_kit import video_in
place = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", place], check=True)
small, large = video_in(place.parent / "small", 2_000_000), video_in(place.parent / "large", 6_000_000)
publish(place, small)
try:
    publish(place, large, "other")
except NotSent as e:
    print(e.code, len(names(place)), find(place, "other"))
subprocess.run(["umount", place], check=True)
try:
    publish(place, small, "third")
except NotSent as e:
    print(e.message.split(": ")[-1], names(place))
"""


def test_a_real_share_that_is_full_and_goes_away(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    private = ["unshare", "--mount", sys.executable, "-c", FULL_DISK, str(place)]
    ran = subprocess.run(private, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "target_full 4 None\nthere is no .vigentd in it any more set()\n"


DENIED = """
import sys
from pathlib import Path
from handlers.publish.errors import Refused
from tests.handlers.inbox.rights import give_up_rights
from tests.handlers.publish.kinds.test_folder import target
place = Path(sys.argv[1])
place.chmod(0o500)
give_up_rights()
try:
    target(place).check()
except Refused as e:
    print(e.message)
"""


def test_where_nobody_lets_us_write(place: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DENIED, str(place)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"The video cannot be put into {place}: writing there is not allowed\n"


def test_what_breaks_while_it_gets_its_name(
    place: Path, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that renamed it and could not say so: nobody knows, until the folder can be read again."""
    away = False

    def move(source: Path, target: Path) -> None:
        nonlocal away
        really_move(source, target)
        if target.suffix == ".mp4":
            away = True
            raise OSError(errno.EIO, "Input/output error")

    def has_name(self: placing.Place, stem: str, suffix: str) -> bool:
        if away:
            raise OSError(errno.EIO, "Input/output error")
        return real_has_name(self, stem, suffix)

    real_has_name = placing.Place.has_name
    monkeypatch.setattr(placing, "move", move)
    monkeypatch.setattr(placing.Place, "has_name", has_name)
    with pytest.raises(Unsure, match="cannot be told now: Input/output error"):
        publish(place, video)
    monkeypatch.undo()
    found = find(place)
    assert found and found.id == f"{STEM}.mp4" and publish(place, video) == found


@pytest.mark.parametrize("suffix", [".srt", ".mp4"])
def test_what_broke_before_its_name_was_not_sent(
    place: Path, video: Video, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    def move(source: Path, target: Path) -> None:
        if target.suffix == suffix:
            raise OSError(errno.EIO, "Input/output error")
        really_move(source, target)

    monkeypatch.setattr(placing, "move", move)
    with pytest.raises(NotSent):
        publish(place, video)
    assert find(place) is None and not any(path.suffix == ".mp4" for path in place.iterdir())
    monkeypatch.undo()
    assert publish(place, video).id == f"{STEM}.mp4" and names(place) == ALL


def test_a_damaged_note_is_for_a_person(place: Path, video: Video) -> None:
    publish(place, video)
    (place / ".vigentd" / f"{KEY}.json").write_text("{")
    with pytest.raises(Unsure, match="is damaged"):
        publish(place, video)
    with pytest.raises(Unsure, match="is damaged"):
        find(place)


@pytest.mark.parametrize("gone", ["video.mp4", "cover.jpg", "captions.srt"])
def test_the_video_itself_is_gone(place: Path, video: Video, gone: str) -> None:
    (video.path.parent / gone).unlink()
    with pytest.raises(Refused, match=f"{gone} of the finished video is gone"):
        publish(place, video)


def test_where_files_get_names_in_two_steps(
    place: Path, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the second name and the end of the first: it is there, and nothing is left over."""

    def link(source: Path, target: Path) -> None:
        os.link(source, target)
        if target.suffix == ".mp4":
            raise KeyboardInterrupt
        source.unlink()

    monkeypatch.setattr(placing, "move", link)
    with pytest.raises(KeyboardInterrupt):
        publish(place, video)
    monkeypatch.undo()
    assert len(names(place)) == 5
    receipt = find(place)
    assert receipt and publish(place, video) == receipt
    # Killed after the note, with its first name still there; and then somebody takes it.
    publish(place, video, OTHER_KEY, replace(TEXT, title="Other"))
    (place / "2026-11-23 Other.mp4").rename(place / f".{OTHER_KEY}.mp4.part")
    assert find(place, OTHER_KEY) == publish(place, video, OTHER_KEY)


# ---------------------------------------------------------------- SIGKILL

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.handlers.publish.kinds.test_folder import publish
from tests.handlers.publish.publish_kit import video_in

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.link"}
passed, kill_at = 0, 0

def pass_by():
    global passed
    passed += 1
    if passed == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

def audit(name, arguments):
    if name in CHANGES or (name == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        pass_by()

fsync = os.fsync
def synced(fd):
    pass_by()
    fsync(fd)
    pass_by()
os.fsync = synced

top = Path(sys.argv[1])
video = video_in(top / "job", 50_000)
number = 0
while True:  # each child is killed one point later, until one is not
    number += 1
    place = top / str(number) / "place"
    place.mkdir(parents=True)
    child = os.fork()
    if child == 0:
        kill_at = number
        sys.addaudithook(audit)
        publish(place, video)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        print(number)
        break
"""


def test_killed_at_any_point(tmp_path: Path) -> None:
    """What is found is there; what is not is when it is done again: whole, once, with nothing left over."""
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    lives = int(ran.stdout)
    assert lives > 25
    video = video_in(tmp_path / "job", 50_000)
    found_at = []
    for number in range(1, lives + 1):
        place = tmp_path / str(number) / "place"
        visible = (place / f"{STEM}.mp4").exists()
        receipt = find(place) if (place / ".vigentd").exists() else None
        assert (receipt is not None) == visible, number
        found_at.append(visible)
        assert publish(place, video) == Receipt(f"{STEM}.mp4", "", {"path": str(place / f"{STEM}.mp4")})
        assert names(place) == ALL, number
        assert (place / f"{STEM}.mp4").read_bytes() == video.path.read_bytes()
    assert found_at == sorted(found_at) and found_at[-1] and not found_at[0]


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"path": "videos"}, "whole path of a folder"),
        ({"path": ""}, "should be a folder"),
        ({"file_name": "{titel}"}, "{titel} is none"),
        ({"mode": "rw"}, "should be rights"),
        ({"base_url": "ftp://x"}, "should be an address"),
        ({"colour": "red"}, "Extra inputs"),
        ({"name": "My Archive"}, "short name"),
    ],
)
def test_wrong_settings(wrong: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        FolderSettings(**({"name": "archive", "kind": "folder", "path": "/srv"} | wrong))  # type: ignore[arg-type]


def test_opening_touches_nothing(tmp_path: Path) -> None:
    target(tmp_path / "place" / "nowhere")
    assert list(tmp_path.iterdir()) == [] and folder_module.KIND.name == "folder" and NOW


def test_a_share_that_goes_away_before_the_files_get_their_names(
    place: Path, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not on the bare mount point has not "got its name"."""
    share, take_note = place.with_name("share"), placing.Place.take_note

    def gone(self: placing.Place, note: Any) -> None:
        take_note(self, note)
        place.rename(share)
        place.mkdir()

    with monkeypatch.context() as patch, pytest.raises(Unsure):
        patch.setattr(placing.Place, "take_note", gone)
        publish(place, video)
    assert list(place.iterdir()) == []
    place.rmdir()
    share.rename(place)
    assert find(place) is None
    assert publish(place, video).id == f"{STEM}.mp4" and names(place) == ALL


def test_a_share_that_goes_away_while_it_is_asked(
    place: Path, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(place, video)
    note = placing.Place(place, KEY).note()
    assert note is not None
    placing.Place(place, KEY).take_note(replace(note, there=False))  # killed before that was noted

    def gone(self: placing.Place) -> Any:
        place.rename(place.with_name("share"))
        place.mkdir()
        return note and replace(note, there=False)

    monkeypatch.setattr(placing.Place, "note", gone)
    with pytest.raises(Unsure):
        find(place)
