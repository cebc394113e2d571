"""What belongs together, what can be taken up, and why the rest stays: files that a real folder holds."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from handlers.inbox.bundles.bundle import Bundle, Held
from handlers.inbox.bundles.sorting import Sorted, sort_out
from handlers.inbox.look import scan as scanning
from handlers.inbox.look.scan import scan
from models.errors import BadInput


@dataclass
class Inbox:
    root: Path
    unsettled: set[str] = field(default_factory=set)
    batches: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    presenter: bool = False
    patient: Callable[[str], bool] = lambda name: False

    def drop(self, *names: str, content: str = "x") -> None:
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def look(self) -> Sorted:
        return sort_out(
            scan(self.root, frozenset()),
            lambda name: name not in self.unsettled,
            self._batch_files,
            presenter=self.presenter,
            patient=self.patient,
        )

    def _batch_files(self, batch: str) -> Collection[str]:
        assert (self.root / batch).is_file()
        self.asked.append(batch)
        if batch not in self.batches:
            raise BadInput("This is no batch")
        return self.batches[batch]

    def bundle(self) -> Bundle:
        there = self.look()
        assert there.held == []
        [bundle] = there.bundles
        return bundle

    def held(self) -> Held:
        there = self.look()
        assert there.bundles == []
        [held] = there.held
        return held

    def quiet(self) -> None:
        assert self.look() == Sorted([], [])


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def names(bundle: Bundle) -> dict[str, str]:
    return {source.name: source.role for source in bundle.sources}


# ---------------------------------------------------------------- files of one stem


@pytest.mark.parametrize(
    "files",
    [
        {"monday.txt": "script", "monday.mp4": "clip"},
        {"monday.wav": "speech", "monday.jpg": "clip"},
        {"monday.md": "script", "monday.mov": "clip", "monday.mp3": "speech", "monday.toml": "options"},
        {
            "monday.txt": "script",
            "monday.mp4": "clip",
            "monday.error.txt": "note",
            "monday.waiting.txt": "note",
        },
    ],
)
def test_files_of_one_stem_are_a_bundle(inbox: Inbox, files: Mapping[str, str]) -> None:
    inbox.drop(*files)
    bundle = inbox.bundle()
    assert (bundle.name, bundle.folder, names(bundle)) == ("monday", None, files)


def test_a_bundle_is_as_old_as_the_last_of_its_files(inbox: Inbox) -> None:
    inbox.drop("monday.mp4", "tuesday.mp4", "tuesday.txt")
    os.utime(inbox.root / "monday.mp4", (2**33, 2**33))
    inbox.drop("monday.txt")
    monday, tuesday = ((inbox.root / f"{name}.txt").stat().st_ctime_ns for name in ("monday", "tuesday"))
    there = inbox.look()
    assert [(one.name, one.complete) for one in there.bundles] == [("tuesday", tuesday), ("monday", monday)]


def test_stems_that_look_alike_are_one(inbox: Inbox) -> None:
    composed, taken_apart = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    inbox.drop(f"{composed}.txt", f"{taken_apart}.mp4".upper())
    assert inbox.bundle().name == composed


def test_stems_that_look_alike_are_two_when_there_is_everything_twice(inbox: Inbox) -> None:
    inbox.drop("Monday.txt", "monday.txt", "Monday.mp4", "monday.MP4", "monday.error.txt")
    assert {one.name: set(names(one)) for one in inbox.look().bundles} == {
        "Monday": {"Monday.txt", "Monday.mp4"},
        "monday": {"monday.txt", "monday.MP4", "monday.error.txt"},
    }


def test_two_clips_of_one_stem_are_held_until_one_is_taken_away(inbox: Inbox) -> None:
    inbox.drop("monday.txt", "monday.mp4", "monday.mov")
    held = inbox.held()
    assert held.why == "There are two clips for monday: monday.mov and monday.mp4"
    assert held.hint == "Take one of them away."
    assert held.helpless
    (inbox.root / "monday.mov").unlink()
    assert names(inbox.bundle()) == {"monday.txt": "script", "monday.mp4": "clip"}


@pytest.mark.parametrize(
    ("name", "why", "hint"),
    [
        ("monday.mp4", "monday.mp4 waits for its script", "monday.txt"),
        ("monday.txt", "monday.txt waits for its clip", "monday.mp4"),
        ("monday.wav", "monday.wav waits for its clip", "monday.mp4"),
        ("monday.toml", "monday.toml waits for its script", "monday.txt"),
    ],
)
def test_what_is_alone_waits_for_the_rest(inbox: Inbox, name: str, why: str, hint: str) -> None:
    inbox.drop(name)
    held = inbox.held()
    assert (held.name, held.why, held.helpless) == (name, why, False)
    assert hint in held.hint


@pytest.mark.parametrize("name", ["monday.txt", "monday.wav"])
def test_with_a_presenter_words_may_come_alone(inbox: Inbox, name: str) -> None:
    inbox.presenter = True
    inbox.drop(name, "monday.toml")
    assert set(names(inbox.bundle())) == {name, "monday.toml"}


def test_with_a_presenter_a_clip_still_waits_for_words(inbox: Inbox) -> None:
    inbox.presenter = True
    inbox.drop("monday.mp4")
    assert inbox.held().why == "monday.mp4 waits for its script"


def test_for_a_while_a_script_waits_for_a_clip_of_its_own(inbox: Inbox) -> None:
    inbox.presenter, inbox.patient = True, {"monday.txt"}.__contains__
    inbox.drop("monday.txt", "tuesday.txt")
    there = inbox.look()
    assert [one.name for one in there.bundles] == ["tuesday"]
    assert [(one.name, one.helpless) for one in there.held] == [("monday.txt", False)]
    inbox.drop("monday.mp4")
    assert {one.name for one in inbox.look().bundles} == {"monday", "tuesday"}


@pytest.mark.parametrize("name", ["monday.txt", "monday.mp4", "monday.error.txt", "monday.mp4.part"])
def test_nothing_is_said_while_any_of_them_still_changes(inbox: Inbox, name: str) -> None:
    inbox.presenter = True
    inbox.drop("monday.txt", "monday.mp4", "monday.error.txt", name)
    inbox.unsettled.add(name)
    inbox.quiet()


@pytest.mark.parametrize(
    "temporary",
    ["monday.mp4.part", "MONDAY.MOV.crdownload", ".monday.mp4.Xa3f9Q", ".syncthing.monday.mp4.tmp"],
)
def test_a_clip_that_is_on_its_way_is_waited_for(inbox: Inbox, temporary: str) -> None:
    inbox.presenter = True
    inbox.drop("monday.txt", temporary)
    held = inbox.held()
    assert held.why == f"monday.txt waits for {temporary} to be complete"
    assert not held.helpless
    (inbox.root / temporary).unlink()
    inbox.bundle()


def test_a_file_that_says_of_itself_that_it_is_not_whole_is_waited_for(inbox: Inbox) -> None:
    """aria2 writes into the clip's room from the beginning, and keeps a second file until it is done."""
    inbox.drop("monday.txt", "monday.mp4", "monday.mp4.aria2")
    assert inbox.held().why == "monday.txt waits for monday.mp4.aria2 to be complete"


@pytest.mark.parametrize("name", ["monday.txt~", ".monday.txt.swp", ".~lock.monday.txt#", "~$monday.txt"])
def test_what_an_editor_leaves_beside_keeps_nothing_back(inbox: Inbox, name: str) -> None:
    inbox.drop("monday.txt", "monday.mp4", name)
    assert set(names(inbox.bundle())) == {"monday.txt", "monday.mp4"}


@pytest.mark.parametrize("name", ["monday.txt", "monday.mp4", "monday.wav"])
def test_an_empty_file_is_waited_for(inbox: Inbox, name: str) -> None:
    inbox.drop("monday.txt", "monday.mp4", "monday.wav", "monday.toml")
    inbox.drop(name, content="")
    held = inbox.held()
    assert (held.name, held.why, held.helpless) == (name, f"{name} is empty", False)


def test_options_may_say_nothing(inbox: Inbox) -> None:
    inbox.drop("monday.txt", "monday.mp4")
    inbox.drop("monday.toml", content="")
    assert len(inbox.bundle().sources) == 3


# ---------------------------------------------------------------- what stands apart


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "x.tmp", "~$a.docx", "@eaDir/x.mp4", ".trash/x.mp4"]
)
def test_junk_and_temporary_names_are_nothing(inbox: Inbox, name: str) -> None:
    inbox.drop(name)
    inbox.quiet()


def test_what_only_has_the_name_of_a_note_is_held(inbox: Inbox) -> None:
    inbox.drop("old.error.txt")
    (held,) = inbox.look().held
    assert held.name == "old.error.txt" and "another name" in held.hint and not held.helpless


@pytest.mark.parametrize(
    ("name", "hint"),
    [("a.docx", ".txt"), ("a.heic", "JPEG"), ("a.xlsx", "CSV"), ("a", ".md"), ("a.zip", "Unpack")],
)
def test_an_unknown_kind_of_file_is_held_with_advice(inbox: Inbox, name: str, hint: str) -> None:
    inbox.drop(name)
    held = inbox.held()
    assert held.why == f"{name} is not a kind of file that videos are made of"
    assert hint in held.hint and held.helpless
    inbox.unsettled.add(name)
    inbox.quiet()


def test_links_and_pipes_are_held(inbox: Inbox, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "clip.mp4"
    outside.write_text("x")
    (inbox.root / "monday.mp4").symlink_to(outside)
    os.mkfifo(inbox.root / "monday.txt")
    link, pipe = inbox.look().held
    assert (link.why, link.hint) == ("monday.mp4 is a link", "Copy the file itself into the inbox.")
    assert pipe.why == "monday.txt is not a file but a pipe, a socket or a device"
    assert link.helpless and pipe.helpless


def test_what_cannot_be_looked_at_is_held(inbox: Inbox) -> None:
    inbox.drop("monday/a.txt")
    found = scan(inbox.root, frozenset())
    closed = scanning.Found(found["monday"].entry, unreadable="Permission denied")
    there = sort_out(
        {"monday": closed}, lambda _: True, lambda _: [], presenter=True, patient=lambda _: False
    )
    assert [one.why for one in there.held] == ["monday cannot be looked at: Permission denied"]


def test_names_are_only_shown_in_a_form_that_commands_nothing(inbox: Inbox) -> None:
    inbox.drop("a\x1b[2J\n\udcff.docx", "a\n.mp4")
    assert [one.why for one in inbox.look().held] == [
        "a\ufffd waits for its script".replace("a\ufffd", "a\ufffd.mp4"),
        "a\ufffd[2J\ufffd\ufffd.docx is not a kind of file that videos are made of",
    ]


# ---------------------------------------------------------------- folders


def test_a_folder_is_a_bundle_whatever_its_files_are_called(inbox: Inbox) -> None:
    inbox.drop("monday/text.txt", "monday/me.mp4", "monday/job.toml", "monday/x.pdf", "monday/.DS_Store")
    bundle = inbox.bundle()
    assert (bundle.name, bundle.folder) == ("monday", "monday")
    assert names(bundle) == {"text.txt": "script", "me.mp4": "clip", "job.toml": "options"}
    times = [path.stat().st_ctime_ns for path in (inbox.root / "monday", *(inbox.root / "monday").iterdir())]
    assert bundle.complete == max(times)


def test_junk_in_a_folder_may_be_a_folder(inbox: Inbox) -> None:
    inbox.drop("monday/a.txt", "monday/a.mp4", "monday/@eaDir/a.mp4/x.jpg")
    assert len(inbox.bundle().sources) == 2


@pytest.mark.parametrize(
    ("files", "why", "helpless"),
    [
        (["a.txt", "b.txt", "c.mp4"], "There are two scripts in the folder monday: a.txt and b.txt", True),
        (["a.csv", "b.jsonl"], "There are two batches in the folder monday: a.csv and b.jsonl", True),
        (["a.txt", "sub/a.mp4"], "The folder monday has a folder in it, sub", True),
        (["1/2/3/4/5/x.txt"], "The folder monday has too much in it for one video", True),
        (
            ["a.csv", "job.toml"],
            "The folder monday has job.toml in it beside a batch, which has options of its own",
            True,
        ),
        (["a.txt"], "The folder monday waits for its clip", False),
        (["a.mp4"], "The folder monday waits for its script", False),
        (["readme.pdf"], "The folder monday waits for its script", False),
        ([".DS_Store"], "The folder monday is empty", False),
        (["a.txt", "a.mp4", "b.wav.part"], "monday waits for b.wav.part to be complete", False),
    ],
)
def test_a_folder_that_is_no_job_is_held(inbox: Inbox, files: list[str], why: str, helpless: bool) -> None:
    inbox.drop(*(f"monday/{name}" for name in files))
    held = inbox.held()
    assert (held.name, held.why, held.helpless) == ("monday", why, helpless)


def test_a_folder_with_a_link_in_it_is_held(inbox: Inbox) -> None:
    inbox.drop("monday/a.txt")
    (inbox.root / "monday" / "a.mp4").symlink_to("/etc/hostname")
    held = inbox.held()
    assert (held.name, held.why) == ("monday", "a.mp4 in the folder monday is a link")
    assert held.helpless


def test_a_folder_with_an_empty_file_is_held(inbox: Inbox) -> None:
    inbox.drop("monday/a.txt")
    inbox.drop("monday/a.mp4", content="")
    assert (inbox.held().name, inbox.held().why) == ("monday", "a.mp4 is empty")


def test_a_folder_is_left_alone_while_it_changes(inbox: Inbox) -> None:
    inbox.drop("monday/a.txt", "monday/a.mp4")
    inbox.unsettled.add("monday")
    inbox.quiet()


def test_with_a_presenter_a_folder_needs_no_clip_after_a_while(inbox: Inbox) -> None:
    inbox.presenter, inbox.patient = True, lambda name: name == "monday"
    inbox.drop("monday/a.txt", "tuesday/a.txt")
    there = inbox.look()
    assert [one.name for one in there.bundles] == ["tuesday"]
    assert [one.name for one in there.held] == ["monday"]


# ---------------------------------------------------------------- batches


def test_a_batch_is_a_bundle_with_what_its_rows_name(inbox: Inbox) -> None:
    inbox.drop("batch.csv", "anna.txt", "anna.mp4", "bob.mp4", "carl.txt", "carl.mp4", "batch.error.txt")
    inbox.batches["batch.csv"] = ["anna.mp4", "bob.mp4", "anna.txt", "anna.mp4"]
    there = inbox.look()
    assert there.held == []
    assert {one.name: names(one) for one in there.bundles} == {
        "batch": {
            "batch.csv": "batch",
            "anna.mp4": "clip",
            "bob.mp4": "clip",
            "anna.txt": "script",
            "batch.error.txt": "note",
        },
        "carl": {"carl.txt": "script", "carl.mp4": "clip"},
    }


def test_a_batch_waits_for_what_its_rows_name_and_keeps_the_rest(inbox: Inbox) -> None:
    inbox.drop("batch.csv", "anna.txt", "anna.mp4")
    inbox.batches["batch.csv"] = ["anna.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"]
    there = inbox.look()
    assert there.bundles == []
    assert [(one.name, one.why, one.helpless) for one in there.held] == [
        ("anna.txt", "anna.txt waits for anna.mp4, which batch.csv names too", False),
        ("batch.csv", "batch.csv waits for b.mp4, c.mp4, d.mp4 and 1 more, which its rows name", False),
    ]


def test_no_file_is_taken_up_while_a_batch_that_may_name_it_is_still_written(inbox: Inbox) -> None:
    """Nor is it read meanwhile: that costs, and half of it does not tell."""
    inbox.drop("batch.csv", "batch.error.txt", "anna.txt", "anna.mp4", "bob.mp4", "bob.mov", "monday/a.txt")
    inbox.drop("monday/a.mp4")
    inbox.unsettled.add("batch.csv")
    inbox.batches = {}
    there = inbox.look()
    assert inbox.asked == []
    assert [one.name for one in there.bundles] == ["monday"]
    assert [(one.name, one.why, one.helpless) for one in there.held] == [
        ("anna.txt", "anna.txt waits for batch.csv to be complete, which may name it", False)
    ]
    inbox.batches["batch.csv"] = ["anna.txt", "anna.mp4", "bob.mp4", "bob.mov"]
    inbox.unsettled = {"anna.mp4", "monday"}
    inbox.quiet()


@pytest.mark.parametrize("presenter", [False, True])
def test_what_waits_for_a_file_that_a_batch_names_is_told_of_the_batch(inbox: Inbox, presenter: bool) -> None:
    """It lies there: that it should be put there does not help. Nor is its clip the presenter."""
    inbox.presenter = presenter
    inbox.drop("week.csv", "Monday.MP4", "monday.txt", "tuesday.txt", "tuesday.mp4")
    inbox.batches["week.csv"] = ["Monday.MP4", "tuesday.txt", "nowhere.mp4"]
    there = inbox.look()
    assert there.bundles == []
    monday, tuesday, week = there.held
    assert monday.why == "monday.txt waits for Monday.MP4, which week.csv names too"
    assert "Take week.csv away" in monday.hint and not monday.helpless
    assert tuesday.why == "tuesday.mp4 waits for tuesday.txt, which week.csv names too"
    assert week.name == "week.csv"


def test_a_batch_that_cannot_be_read_goes_to_the_door_alone(inbox: Inbox) -> None:
    inbox.drop("batch.csv", "anna.txt", "anna.mp4")
    assert [set(names(one)) for one in inbox.look().bundles] == [{"batch.csv"}, {"anna.txt", "anna.mp4"}]


def test_names_in_a_batch_may_be_written_a_little_differently(inbox: Inbox) -> None:
    """A Mac takes accents apart in the names of files, and nobody does in a table."""
    inbox.drop("batch.csv", unicodedata.normalize("NFD", "Zoë.MP4"))
    inbox.batches["batch.csv"] = [unicodedata.normalize("NFC", "Zoë.mp4")]
    assert set(names(inbox.bundle())) == {"batch.csv", unicodedata.normalize("NFD", "Zoë.MP4")}


def test_a_batch_with_something_wrong_is_held(inbox: Inbox) -> None:
    inbox.drop("b.csv", "c.csv", "clip.mp4", "d.csv", "d.mp4", "d.mp4.part")
    inbox.drop("a.csv", "void.mp4", content="")
    inbox.drop("e.csv")
    (inbox.root / "link.mp4").symlink_to("clip.mp4")
    inbox.batches = {
        "a.csv": [],
        "b.csv": ["clip.mp4", "void.mp4"],
        "c.csv": ["clip.mp4"],
        "d.csv": ["d.mp4"],
        "e.csv": ["link.mp4"],
    }
    there = inbox.look()
    assert there.bundles == []
    assert [(one.name, one.why) for one in there.held] == [
        ("a.csv", "a.csv is empty"),
        ("b.csv", "void.mp4 is empty"),
        ("c.csv", "c.csv names clip.mp4, which b.csv names too"),
        ("d.csv", "d.csv waits for d.mp4.part to be complete"),
        ("e.csv", "e.csv names link.mp4, which is not a file"),
        ("link.mp4", "link.mp4 is a link"),
    ]


def test_a_batch_may_name_itself_or_another(inbox: Inbox) -> None:
    """Nonsense, which the door answers; here it must only not be taken twice."""
    inbox.drop("a.csv", "b.csv")
    inbox.batches = {"a.csv": ["a.csv", "b.csv"], "b.csv": []}
    assert [set(names(one)) for one in inbox.look().bundles] == [{"a.csv"}, {"b.csv"}]


def test_a_folder_may_hold_a_batch(inbox: Inbox) -> None:
    inbox.drop("week/batch.csv", "week/anna.mp4", "week/other.mp4", "anna.mp4")
    inbox.batches["week/batch.csv"] = ["anna.mp4"]
    there = inbox.look()
    assert [(one.name, one.folder, names(one)) for one in there.bundles] == [
        ("week", "week", {"batch.csv": "batch", "anna.mp4": "clip"})
    ]
    assert [one.name for one in there.held] == ["anna.mp4"]


def test_a_batch_in_a_folder_waits_for_what_it_names(inbox: Inbox) -> None:
    inbox.drop("week/batch.csv", "anna.mp4")
    inbox.batches["week/batch.csv"] = ["anna.mp4"]
    folder = next(one for one in inbox.look().held if one.name == "week")
    assert folder.why == "batch.csv waits for anna.mp4, which its rows name"
