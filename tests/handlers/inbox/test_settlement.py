"""The way out, on real file systems; and SIGKILL at every file operation of it."""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from handlers.inbox.bundles.bundle import Role
from handlers.inbox.claim.files import digest
from handlers.inbox.claim.rollback import MANIFEST, Manifest, left_over, put_back
from handlers.inbox.claim.take import Kept, Taken
from handlers.inbox.names import shown, stem_of
from handlers.inbox.places import Places, make_place
from handlers.inbox.results import notes
from handlers.inbox.results.carrying import bring_back, carry_out
from handlers.inbox.results.settlement import Settlement, decide
from pipeline.workspace import write_atomic
from tests.daemon.killer import changes
from tests.daemon.killing import Points
from tests.daemon.operations import scratch_folder

ID = "0abc1234"
VIDEO = b"video" * 40_000
THEN = 1_600_000_000_123_456_789  # when the sources were last changed, in ns


@dataclass
class Yard:
    """An inbox, the data folder, and a database of one settlement."""

    folder: Path
    outbox: Path | None = None
    done: Path | None = None

    def __post_init__(self) -> None:
        self.root, self.results = self.folder / "inbox", self.folder / "results"
        self.work = self.root / ".work" / ID
        self.work.mkdir(parents=True)
        self.results.mkdir()
        done = self.done or self.root / "done"
        self.places = Places(
            self.root,
            self.outbox or self.root / "outbox",
            done,
            self.root / "failed",
            self.root / "duplicates",
        )
        self.database = self.folder / "settlement.json"
        self.about: dict[str, dict[str, Any]] = {}

    def kept(self, kept: str, name: str, role: Role) -> Kept:
        path = self.work / kept
        path.parent.mkdir(exist_ok=True)
        content = b"content of " + os.fsencode(name)
        if role == "note":
            content = notes.failed([name], {"code": "no_face", "message": "No face"}, None, None).encode()
        path.write_bytes(content)
        os.utime(path, ns=(THEN, THEN))
        return Kept(name, role, kept, len(content), THEN, "")

    def pair(self, stem: str = "monday", clip: str = ".mp4") -> Taken:
        files = (
            self.kept("script.txt", f"{stem}.txt", "script"),
            self.kept("clip.mp4", stem + clip, "clip"),
        )
        self.taken = Taken(ID, stem, None, files)
        return self.taken

    def folder_bundle(self) -> Taken:
        names: dict[str, Role] = {"say.txt": "script", "anna.mp4": "clip", "anna.error.txt": "note"}
        files = tuple(self.kept(f"folder/{name}", name, role) for name, role in names.items())
        (self.work / "folder" / "unused.pdf").write_bytes(b"stays in its folder")
        self.taken = Taken(ID, "monday", "monday", files)
        return self.taken

    def batch(self) -> Taken:
        files = (
            self.kept("batch.csv", "week.csv", "batch"),
            self.kept("clip-1.mp4", "anna.mp4", "clip"),
            self.kept("note-1.txt", "week.error.txt", "note"),
        )
        self.taken = Taken(ID, "week", None, files)
        return self.taken

    def make(self, *job_ids: str) -> None:
        """What the worker leaves."""
        for job_id in job_ids:
            for suffix, content in ((".mp4", VIDEO), (".srt", b"1 "), (".jpg", b"jpg"), (".vtt", b"vtt")):
                (self.results / (job_id + suffix)).write_bytes(content + job_id.encode())
            self.about[job_id] = {"id": job_id, "title": "Grüße", "timings": {"speech": 1.5}}

    def keep(self, settlement: Settlement) -> None:
        write_atomic(self.database, json.dumps(settlement.as_json()).encode("ascii"))

    def kept_settlement(self) -> Settlement:
        return Settlement.from_json(json.loads(self.database.read_bytes()))

    def carry_out(self, settlement: Settlement | None = None) -> tuple[Settlement, list[str]]:
        if settlement is not None:
            self.keep(settlement)
        return carry_out(self.kept_settlement(), self.work, self.results, self.about, self.keep)

    def bring_back(self, settlement: Settlement) -> list[str]:
        """With the manifest that `claim.take` would have written, which is then taken away."""
        gone = bring_back(settlement, self.work, self.taken, "/data")
        manifest = Manifest.read(self.work)
        assert manifest is not None and manifest.owner == "/data"
        assert manifest.names == dict(settlement.sources)
        assert (manifest.inode is not None) == (self.taken.folder is not None)
        (self.work / MANIFEST).unlink()
        return gone

    def tree(self) -> dict[str, bytes]:
        """Every file in and beside the inbox, hidden ones too."""
        there = [*self.root.rglob("*")]
        for place in (self.places.outbox, self.places.done):
            if not place.is_relative_to(self.root):
                there += place.rglob("*")
        base = os.path.commonpath([self.root, self.places.outbox, self.places.done])
        return {os.path.relpath(path, base): path.read_bytes() for path in there if path.is_file()}

    def names(self) -> set[str]:
        return set(self.tree())


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def result_files(stem: str) -> set[str]:
    return {f"outbox/{stem}{suffix}" for suffix in (".mp4", ".srt", ".jpg", ".json")}


# ---------------------------------------------------------------- where everything goes


def test_a_pair_goes_to_done_and_its_video_to_the_outbox(yard: Yard) -> None:
    taken = yard.pair()
    yard.make("job1")
    settlement, told = yard.carry_out(decide(yard.places, taken, "done", [("job1", "monday")], None))
    assert told == []
    assert yard.names() == {"done/monday.txt", "done/monday.mp4", *result_files("monday")}
    assert settlement.results[0].video == str(yard.root / "outbox/monday.mp4")
    assert (yard.root / "outbox/monday.mp4").read_bytes() == VIDEO + b"job1"
    assert (yard.root / "done/monday.mp4").stat().st_mtime_ns == THEN
    assert (yard.results / "job1.mp4").exists()


def test_the_description_is_for_people_and_for_programs(yard: Yard) -> None:
    taken = yard.pair()
    yard.make("job1")
    yard.about["job1"] |= {"sources": ["\udc80.txt"], "output": "/data/results/job1.mp4"}
    yard.carry_out(decide(yard.places, taken, "done", [("job1", "monday")], None))
    text = (yard.root / "outbox/monday.json").read_text("utf-8")
    assert "Grüße" in text and text.count("\n") > 4
    assert json.loads(text) == yard.about["job1"] | {"output": "monday.mp4"}, "the one beside it"


def test_a_failure_has_its_note_beside_it(yard: Yard) -> None:
    settlement, _ = yard.carry_out(decide(yard.places, yard.pair(), "failed", [], "Oh no.\n"))
    assert settlement.note == (str(yard.root / "failed/monday.error.txt"), "Oh no.\n")
    assert yard.names() == {"failed/monday.txt", "failed/monday.mp4", "failed/monday.error.txt"}
    assert (yard.root / "failed/monday.error.txt").read_text() == "Oh no.\n"


def test_what_is_done_may_have_a_note_too(yard: Yard) -> None:
    """Of the rows of a batch that had been made before."""
    yard.carry_out(decide(yard.places, yard.batch(), "done", [], "Row 2 had been made before.\n"))
    assert yard.names() == {"done/week.csv", "done/anna.mp4", "done/week.duplicate.txt"}


def test_a_duplicate_has_its_note_beside_it(yard: Yard) -> None:
    yard.carry_out(decide(yard.places, yard.pair(), "duplicate", [], "Again.\n"))
    assert "duplicates/monday.duplicate.txt" in yard.names()


def test_a_folder_moves_as_a_whole_and_our_note_in_it_goes(yard: Yard) -> None:
    yard.carry_out(decide(yard.places, yard.folder_bundle(), "done", [], None))
    assert yard.names() == {"done/monday/say.txt", "done/monday/anna.mp4", "done/monday/unused.pdf"}
    assert yard.work.exists() and not any(yard.work.iterdir())


def test_what_only_has_the_name_of_a_note_is_not_lost(yard: Yard) -> None:
    pair = yard.pair()
    (yard.work / "note-1.txt").write_bytes(b"What an error: the script of tomorrow.")
    files = (*pair.files, replace(pair.files[0], name="monday.error.txt", role="note", kept="note-1.txt"))
    yard.carry_out(decide(yard.places, replace(pair, files=files), "done", [], None))
    assert (yard.root / "done/monday.error.txt").read_bytes() == b"What an error: the script of tomorrow."


def test_places_outside_the_inbox(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    yard = Yard(tmp_path, outbox=tmp_path / "videos")
    yard.make("job1")
    yard.carry_out(decide(yard.places, yard.pair(), "done", [("job1", "monday")], None))
    assert "videos/monday.mp4" in yard.names()


# ---------------------------------------------------------------- names


def test_sources_share_one_number_and_so_do_the_files_of_a_result(yard: Yard) -> None:
    taken = yard.pair()
    yard.make("job1")
    for name in ("done/monday.txt", "done/monday-2.mp4", "outbox/monday.jpg", "outbox/monday-2.srt"):
        (yard.root / name).parent.mkdir(exist_ok=True)
        (yard.root / name).write_bytes(b"earlier")
    yard.carry_out(decide(yard.places, taken, "done", [("job1", "monday")], None))
    new = {"done/monday-3.txt", "done/monday-3.mp4", *result_files("monday-3")}
    assert new <= yard.names()
    assert {path for path, content in yard.tree().items() if content == b"earlier"} == yard.names() - new


def test_the_note_has_the_number_of_its_sources(yard: Yard) -> None:
    (yard.root / "failed").mkdir()
    (yard.root / "failed/monday.error.txt").write_text("of an earlier failure")
    yard.carry_out(decide(yard.places, yard.pair(), "failed", [], "Oh no."))
    assert {"failed/monday-2.txt", "failed/monday-2.mp4", "failed/monday-2.error.txt"} < yard.names()


@pytest.mark.parametrize("also", ["x", "X", "a\u0308", "\u00e4"])
def test_two_results_of_a_batch_with_one_name(yard: Yard, also: str) -> None:
    taken = yard.batch()
    yard.make("job1", "job2", "job3")
    videos = [("job1", "x"), ("job2", "\u00e4"), ("job3", also)]
    settlement = decide(yard.places, taken, "done", videos, None)
    assert settlement.results[2].number == 2
    yard.carry_out(settlement)
    assert (yard.root / f"outbox/{also}-2.mp4").read_bytes() == VIDEO + b"job3"


def test_files_that_a_batch_names_keep_their_names(yard: Yard) -> None:
    """`anna-2.mp4` would not be found when week-2.csv is corrected and comes back."""
    (yard.root / "failed").mkdir()
    (yard.root / "failed/anna.mp4").write_bytes(b"of an earlier failure")
    settlement, _ = yard.carry_out(decide(yard.places, yard.batch(), "failed", [], "Row 2."))
    assert yard.names() == {
        *("failed/anna.mp4", "failed/week-2/week.csv"),
        *("failed/week-2/anna.mp4", "failed/week-2/week.error.txt"),
    }
    assert yard.bring_back(settlement) == []
    assert yard.names() == {"failed/anna.mp4", f".work/{ID}/batch.csv", f".work/{ID}/clip-1.mp4"}
    assert not (yard.root / "failed/week-2").exists()


@pytest.mark.parametrize(
    "stem",
    ["two words\nand 'quotes' \U0001f600", "caf\udce9 \udcff", "a.b.c", "x" * 250, "\u4e2d" * 83],
    ids=["unusual", "no unicode", "dots", "long", "long chinese"],
)
def test_names_of_every_kind(yard: Yard, stem: str) -> None:
    yard.make("job1", "job2")
    for job_id in ("job1", "job2"):
        taken = yard.pair(stem, ".jpeg")
        yard.carry_out(decide(yard.places, taken, "done", [(job_id, stem)], None))
        yard.carry_out(decide(yard.places, yard.pair(stem, ".jpeg"), "failed", [], "Oh no."))
    done = {path.name for path in (yard.root / "done").iterdir()}
    assert {f"{stem}.txt", f"{stem}.jpeg"} < done and len(done) == 4
    assert len({stem_of(name) for name in done}) == 2, "what had one stem has one again"
    assert len([*(yard.root / "outbox").iterdir()]) == 8
    assert len([*(yard.root / "failed").iterdir()]) == 6


@pytest.mark.parametrize("stem", ["../../etc/passwd", "..", "", "a\0b", "\ud800", ".hidden", "x" * 999])
def test_what_a_batch_calls_its_videos_stays_in_the_outbox(yard: Yard, stem: str) -> None:
    yard.make("job1")
    settlement, _ = yard.carry_out(decide(yard.places, yard.batch(), "done", [("job1", stem)], None))
    video = Path(settlement.results[0].video)
    assert video.parent == yard.root / "outbox" and video.is_file() and not video.name.startswith(".")


def test_a_settlement_survives_the_database(yard: Yard) -> None:
    (yard.root / "done").mkdir()
    (yard.root / "done/caf\udce9.txt").touch()
    settlement = decide(yard.places, yard.pair("caf\udce9"), "done", [("job1", "caf\udce9")], "words")
    assert settlement.number == 2
    text = json.dumps(settlement.as_json())
    assert text.isascii() and Settlement.from_json(json.loads(text)) == settlement


# ---------------------------------------------------------------- what others do meanwhile


@pytest.mark.parametrize("theirs", ["done/monday.txt", "done/monday.mp4"])
def test_a_name_that_was_taken_meanwhile(yard: Yard, theirs: str) -> None:
    settlement = decide(yard.places, yard.pair(), "done", [], None)
    (yard.root / "done").mkdir()
    (yard.root / theirs).write_bytes(b"theirs")
    after, _ = yard.carry_out(settlement)
    assert yard.names() == {theirs, "done/monday-2.txt", "done/monday-2.mp4"}
    assert (yard.root / theirs).read_bytes() == b"theirs"
    assert yard.kept_settlement() == after, "the database knows where they are"
    assert yard.bring_back(after) == []
    assert yard.names() == {theirs, f".work/{ID}/script.txt", f".work/{ID}/clip.mp4"}


def test_the_name_of_the_note_was_taken_meanwhile(yard: Yard) -> None:
    settlement = decide(yard.places, yard.pair(), "failed", [], "Oh no.")
    (yard.root / "failed").mkdir()
    (yard.root / "failed/monday.error.txt").write_text("theirs")
    yard.carry_out(settlement)
    assert yard.tree()["failed/monday.error.txt"] == b"theirs"
    assert {"failed/monday-2.txt", "failed/monday-2.mp4", "failed/monday-2.error.txt"} < yard.names()


@pytest.mark.parametrize("suffix", [".mp4", ".srt", ".jpg", ".json"])
@pytest.mark.parametrize("content", [b"theirs", VIDEO + b"job1", b'{"id": "other"}', b"[" * 100_000])
def test_the_name_of_a_result_was_taken_meanwhile(yard: Yard, suffix: str, content: bytes) -> None:
    taken = yard.pair()
    yard.make("job1")
    settlement = decide(yard.places, taken, "done", [("job1", "monday")], None)
    (yard.root / "outbox").mkdir()
    (yard.root / f"outbox/monday{suffix}").write_bytes(content)
    after, _ = yard.carry_out(settlement)
    assert yard.tree()[f"outbox/monday{suffix}"] == content
    assert after.results[0].video.endswith("outbox/monday-2.mp4")
    outbox = {name for name in yard.names() if name.startswith("outbox/")}
    assert outbox == {f"outbox/monday{suffix}", *result_files("monday-2")}


def test_a_delivery_that_was_killed_begins_again_when_its_name_is_taken(yard: Yard) -> None:
    """What it has left goes, and nothing else."""
    taken = yard.pair()
    yard.make("job1")
    settlement = decide(yard.places, taken, "done", [("job1", "monday")], None)
    yard.carry_out(settlement)
    for suffix in (".mp4", ".jpg"):
        (yard.root / f"outbox/monday{suffix}").unlink()
    (yard.root / "outbox/monday.jpg").write_bytes(b"theirs")
    yard.carry_out(settlement)
    outbox = {path: content for path, content in yard.tree().items() if path.startswith("outbox/")}
    assert outbox.keys() == {"outbox/monday.jpg", *result_files("monday-2")}
    assert outbox["outbox/monday.jpg"] == b"theirs"


def test_a_name_that_never_gets_free_is_an_error(yard: Yard) -> None:
    """On a disk that does not tell capitals from small letters two sources may never fit; both stay."""
    taken = yard.pair()
    two = replace(taken.files[1], name="monday.txt")
    settlement = decide(yard.places, replace(taken, files=(taken.files[0], two)), "done", [], None)
    with pytest.raises(FileExistsError):
        yard.carry_out(settlement)
    assert yard.names() == {f".work/{ID}/script.txt", f".work/{ID}/clip.mp4"}


def test_a_source_that_was_removed_is_said(yard: Yard) -> None:
    settlement = decide(yard.places, yard.pair(), "failed", [], "Oh no.")
    (yard.work / "clip.mp4").unlink()
    _, told = yard.carry_out(settlement)
    assert len(told) == 1 and "monday.mp4" in told[0]
    assert yard.names() == {"failed/monday.txt", "failed/monday.error.txt"}


def test_nothing_is_delivered_of_a_video_that_is_not_kept_any_more(yard: Yard) -> None:
    taken = yard.pair()
    yard.make("job1")
    settlement = decide(yard.places, taken, "done", [("job1", "monday")], None)
    (yard.results / "job1.mp4").unlink()
    with pytest.raises(FileNotFoundError) as told:
        yard.carry_out(settlement)
    assert told.value.filename == str(yard.results / "job1.mp4")
    assert yard.names() == {f".work/{ID}/script.txt", f".work/{ID}/clip.mp4"}


def test_a_video_that_was_fetched_does_not_come_again(yard: Yard) -> None:
    """While `done` cannot be written, the way out is tried again and again."""
    taken = yard.pair()
    yard.make("job1")
    (yard.root / "done").write_text("somebody's file")
    settlement = decide(yard.places, taken, "done", [("job1", "monday")], None)
    with pytest.raises(NotADirectoryError):
        yard.carry_out(settlement)
    (yard.root / "outbox/monday.mp4").unlink()
    (yard.root / "done").unlink()
    yard.carry_out()
    assert "outbox/monday.mp4" not in yard.names() and "done/monday.mp4" in yard.names()


# ---------------------------------------------------------------- places that cannot be had


def test_a_place_elsewhere_is_not_made(tmp_path: Path) -> None:
    """Its disk may not be mounted."""
    yard = Yard(tmp_path, outbox=tmp_path / "nas" / "videos")
    yard.make("job1")
    settlement = decide(yard.places, yard.pair(), "done", [("job1", "monday")], None)
    for there in (False, True):
        with pytest.raises(FileNotFoundError) as trouble:
            yard.carry_out(settlement)
        assert trouble.value.filename == str(tmp_path / "nas" / "videos")
        if not there:
            (tmp_path / "nas").mkdir()
    (tmp_path / "nas" / "videos").mkdir()
    yard.carry_out(settlement)
    assert "nas/videos/monday.mp4" in {os.path.relpath(p, tmp_path) for p in tmp_path.rglob("*")}


def test_a_link_in_the_inbox_leads_nowhere(yard: Yard, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (yard.root / "failed").symlink_to(tmp_path / "etc")
    settlement = decide(yard.places, yard.pair(), "failed", [], "Oh no.")
    with pytest.raises(NotADirectoryError):
        yard.carry_out(settlement)
    assert not any((tmp_path / "etc").iterdir())


def test_an_inbox_that_is_away_is_not_made(yard: Yard) -> None:
    settlement, _ = yard.carry_out(decide(yard.places, yard.pair(), "failed", [], "Oh no."))
    shutil.rmtree(yard.root)
    with pytest.raises(FileNotFoundError):
        yard.bring_back(settlement)
    with pytest.raises(FileNotFoundError):
        make_place(yard.places.done, yard.root)
    assert not yard.root.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(disk)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EROFS])
def test_an_outbox_that_has_no_room_or_cannot_be_written(small_disk: Path, trouble: int) -> None:
    yard = Yard(small_disk.parent / "yard", outbox=small_disk)
    yard.make("job1")
    settlement = decide(yard.places, yard.pair(), "done", [("job1", "monday")], None)
    remount(small_disk, "ro" if trouble == errno.EROFS else "rw")
    for _ in range(2):
        with pytest.raises(OSError) as told:
            yard.carry_out(settlement)
        assert told.value.errno == trouble
        assert str(told.value.filename).startswith(str(small_disk)), "it says which disk"
        assert not any(small_disk.iterdir()) and (yard.work / "clip.mp4").exists()
    remount(small_disk, "rw,size=1m")
    yard.carry_out(settlement)
    assert (small_disk / "monday.mp4").read_bytes() == VIDEO + b"job1"


def test_nothing_is_copied_to_where_it_has_no_room(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outbox that is full is tried again and again: gigabytes would be written in vain each time."""
    yard = Yard(small_disk.parent / "yard", outbox=small_disk)
    yard.make("job1", "job2")
    (yard.results / "job1.mp4").write_bytes(b"small enough")
    videos = [("job1", "small"), ("job2", "monday")]
    yard.keep(decide(yard.places, yard.batch(), "done", videos, None))
    copied: list[int] = []
    monkeypatch.setattr(shutil, "copyfileobj", lambda read, write, _: copied.append(write.write(read.read())))
    for expected in (3, 0):
        copied.clear()
        with pytest.raises(OSError) as told:
            yard.carry_out()
        assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(small_disk))
        assert len(copied) == expected


def test_sources_that_have_no_room(small_disk: Path) -> None:
    yard = Yard(small_disk.parent / "yard", done=small_disk)
    taken = yard.pair()
    (yard.work / "clip.mp4").write_bytes(VIDEO)
    settlement = decide(yard.places, taken, "done", [], None)
    with pytest.raises(OSError) as told:
        yard.carry_out(settlement)
    assert told.value.errno == errno.ENOSPC and (yard.work / "clip.mp4").read_bytes() == VIDEO
    assert told.value.filename == str(small_disk)
    remount(small_disk, "size=1m")
    yard.carry_out()
    assert {path.name for path in small_disk.iterdir()} == {"monday.txt", "monday.mp4"}
    assert not any(yard.work.iterdir())


# ---------------------------------------------------------------- and back


def test_the_sources_return_and_the_note_goes(yard: Yard) -> None:
    before = yard.pair() and yard.tree()
    settlement, _ = yard.carry_out(decide(yard.places, yard.pair(), "failed", [], "Oh no."))
    shutil.rmtree(yard.work)
    assert yard.bring_back(settlement) == []
    assert yard.tree() == before
    assert yard.bring_back(settlement) == [], "twice does no harm"
    assert (yard.work / "clip.mp4").stat().st_mtime_ns == THEN


def test_what_is_gone_is_named_and_what_people_wrote_stays(yard: Yard) -> None:
    settlement, _ = yard.carry_out(decide(yard.places, yard.pair(), "failed", [], "Oh no."))
    (yard.root / "failed/monday.mp4").unlink()
    (yard.root / "failed/monday.error.txt").write_text("Oh no. I have seen it, Anna")
    assert yard.bring_back(settlement) == ["monday.mp4"]
    assert yard.names() == {f".work/{ID}/script.txt", "failed/monday.error.txt"}


def test_a_folder_returns(yard: Yard) -> None:
    settlement, _ = yard.carry_out(decide(yard.places, yard.folder_bundle(), "failed", [], "Oh no."))
    assert yard.bring_back(settlement) == []
    assert yard.names() == {f".work/{ID}/folder/{name}" for name in ("say.txt", "anna.mp4", "unused.pdf")}


@pytest.mark.parametrize("kind", ["a pair", "a folder"])
def test_what_others_have_put_under_that_name_stays(kind: str, yard: Yard) -> None:
    """The first went to failed/, and somebody has taken it away; then a second came under its name."""
    taken = yard.pair() if kind == "a pair" else yard.folder_bundle()
    settlement, _ = yard.carry_out(decide(yard.places, taken, "failed", [], "Oh no."))
    for path in (path for path in (yard.root / "failed").rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes()[::-1])  # as long as it was
    before = yard.names()
    names = {name for _, name in settlement.sources}
    assert set(yard.bring_back(settlement)) == names
    assert yard.names() == before


def test_a_folder_in_which_a_person_put_something_right_returns(yard: Yard) -> None:
    settlement, _ = yard.carry_out(decide(yard.places, yard.folder_bundle(), "failed", [], "Oh no."))
    (yard.root / "failed/monday/say.txt").write_bytes(b"Put right.")
    assert yard.bring_back(settlement) == []
    assert (yard.work / "folder/say.txt").read_bytes() == b"Put right."


def test_a_disk_that_keeps_times_less_exactly(yard: Yard) -> None:
    taken = yard.pair()
    files = tuple(replace(kept, sha256=digest(yard.work / kept.kept)) for kept in taken.files)
    yard.taken = replace(taken, files=files)
    settlement, _ = yard.carry_out(decide(yard.places, taken, "failed", [], "Oh no."))
    for name in ("monday.txt", "monday.mp4"):
        os.utime(yard.root / "failed" / name, ns=(THEN, THEN - THEN % 10**9))
    assert yard.bring_back(settlement) == []


@pytest.mark.parametrize("kind", ["a pair", "a folder"])
def test_brought_back_it_is_found_again_without_the_database(kind: str, yard: Yard) -> None:
    taken = yard.pair() if kind == "a pair" else yard.folder_bundle()
    settlement, _ = yard.carry_out(decide(yard.places, taken, "failed", [], "Oh no."))
    bring_back(settlement, yard.work, taken, "/data")
    assert left_over(yard.places, [], "/data") == [yard.work]
    assert put_back(yard.work, yard.places) == []
    clip = "monday.mp4" if kind == "a pair" else "monday/anna.mp4"
    assert clip in yard.names() and not yard.work.exists()


# ---------------------------------------------------------------- SIGKILL


def pair(yard: Yard) -> Settlement:
    yard.make("job1")
    return decide(yard.places, yard.pair(), "done", [("job1", "monday")], None)


def a_folder(yard: Yard) -> Settlement:
    yard.make("job1")
    return decide(yard.places, yard.folder_bundle(), "done", [("job1", "monday")], None)


def a_failure(yard: Yard) -> Settlement:
    return decide(yard.places, yard.pair(), "failed", [], "Oh no.")


def a_batch(yard: Yard) -> Settlement:
    yard.make("job1", "job2")
    (yard.root / "failed").mkdir()
    (yard.root / "failed/anna.mp4").write_bytes(b"of an earlier failure")
    return decide(yard.places, yard.batch(), "failed", [("job1", "x"), ("job2", "x")], "Row 3.")


def taken_names(yard: Yard) -> Settlement:
    settlement = replace(pair(yard), outcome="failed", place=str(yard.places.failed), words="Oh no.")
    for name in ("failed/monday.error.txt", "outbox/monday.jpg"):
        (yard.root / name).parent.mkdir()
        (yard.root / name).write_bytes(b"theirs")
    return settlement


@pytest.fixture
def memory() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


Choose = Callable[[Sequence[str]], Sequence[int]]


def some(points: Sequence[str]) -> Sequence[int]:
    """Before every second change: for the usual run."""
    return changes(points)[::2]


def each(points: Sequence[str]) -> Sequence[int]:
    return range(1, len(points) + 1)


WHERE = pytest.mark.parametrize("choose", [some, pytest.param(each, marks=pytest.mark.slow)])


@WHERE
@pytest.mark.parametrize("case", [pair, a_folder, a_failure, a_batch, taken_names])
def test_a_kill_at_any_point_is_made_good(case: Any, memory: Path, choose: Choose) -> None:
    points = check_kills(case, memory, {}, choose)
    assert any(point.startswith("before fsync") for point in points)
    assert any(point.startswith("os.remove") for point in points)
    if case is not a_failure:
        assert "half a copy" in points


@WHERE
def test_a_kill_at_any_point_on_the_way_to_another_disk(memory: Path, tmp_path: Path, choose: Choose) -> None:
    if memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system here: /dev/shm cannot be written")
    places = {"outbox": tmp_path / "outbox", "done": tmp_path / "done"}
    points = check_kills(a_folder, memory, places, choose)
    assert points.count("half a copy") > 3


def check_kills(case: Any, memory: Path, places: dict[str, Path], choose: Choose) -> Sequence[str]:
    """At each of these points once, at some once more, then in peace: it ends as when nobody disturbs it."""
    fresh(case, memory, places).carry_out()
    yard = fresh(case, memory, places)
    passed = killed(yard, 0)
    expected, times = yard.tree(), changed(yard)
    for n in choose(passed):
        yard = fresh(case, memory, places)
        at = killed(yard, n)
        assert len(at) == n
        check_what_is_there(yard, expected)
        if n % 5 == 1:
            killed(yard, n)
        settlement, told = yard.carry_out()
        here = f"killed at point {n}: {at[-1]}"
        assert yard.tree() == expected, here
        assert changed(yard) == times, here
        assert told == [], here
        assert all(Path(result.video).exists() for result in settlement.results), here
        assert yard.bring_back(yard.kept_settlement()) == [], here
    return passed


def check_what_is_there(yard: Yard, expected: dict[str, bytes]) -> None:
    """After a kill no source is lost, nothing has its name before it is whole, and the video comes last."""
    there = yard.tree()
    assert {content for content in expected.values() if content.startswith(b"content")} <= set(there.values())
    visible = {path: content for path, content in there.items() if "/." not in f"/{path}"}
    assert set(visible.values()) <= set(expected.values())
    for video in (path for path in visible if "outbox/" in path and path.endswith(".mp4")):
        assert {video[:-4] + suffix for suffix in (".srt", ".jpg", ".json")} <= visible.keys()


def fresh(case: Any, memory: Path, places: dict[str, Path]) -> Yard:
    """The state before, with the settlement in the database."""
    for folder in (memory / "yard", *places.values()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    yard = Yard(memory / "yard", **places)
    yard.keep(case(yard))
    return yard


def changed(yard: Yard) -> dict[str, int]:
    """When the sources were last changed."""
    places = (yard.places.done, yard.places.failed)
    there = [path for place in places for path in place.rglob("*") if path.is_file()]
    files = [path for path in there if path.read_bytes().startswith(b"content")]
    assert files and {path.stat().st_mtime_ns for path in files} == {THEN}
    return {shown(path.name): path.stat().st_mtime_ns for path in files}


def killed(yard: Yard, at: int) -> list[str]:
    """The way out in a child that is killed at this point. Returns the points that it came to."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Of threads that numpy may have here by now; the child does nothing but move files.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        gc.disable()  # it would copy all of the parent's memory
        try:
            points = Points(at, lambda passed: _send(writer, passed))
            points.watch()
            points.armed = True
            yard.carry_out()
            points.armed = False
            _send(writer, points.passed)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        points_passed: list[str] = json.loads(told.read() or "[]")
    _, ended = os.waitpid(child, 0)
    assert ended in (0, 9), points_passed
    return points_passed


def _send(writer: int, passed: list[str]) -> None:
    os.write(writer, json.dumps(passed).encode())
