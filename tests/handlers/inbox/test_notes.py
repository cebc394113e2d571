"""What a person reads who sees only the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.inbox.bundles.bundle import Held
from handlers.inbox.results import notes
from handlers.inbox.results.notes import Repeated

NAMES = ["monday.txt", "monday.mp4"]
INBOX = Path("/srv/caf\udce9 inbox")
NO_FACE = {
    "code": "no_face",
    "message": "No face was found in 90 % of the frames of the clip",
    "hint": "Use a clip in which the presenter looks into the camera.",
}


def test_a_failure_says_what_why_and_what_to_do() -> None:
    text = notes.failed(NAMES, NO_FACE, "0abc1234", "/data/jobs/0abc1234/job.log")
    assert text.split("\n\n") == [
        "No video could be made of monday.txt and monday.mp4.",
        "No face was found in 90 % of the frames of the clip.",
        "Use a clip in which the presenter looks into the camera.",
        "Put it right and move the files back into the inbox: then it is tried again.",
        "Job 0abc1234; its log:\n    /data/jobs/0abc1234/job.log\n",
    ]


def test_what_never_became_a_job_names_none() -> None:
    text = notes.failed(["monday.txt"], {"code": "x", "message": "It is empty", "hint": ""}, None, None)
    assert "Job" not in text and "\n\n\n" not in text
    assert text.endswith("then it is tried again.\n")


def test_a_cancelled_job_did_not_fail() -> None:
    error = {"code": "cancelled", "message": "The job was cancelled", "hint": ""}
    text = notes.failed(NAMES, error, "0abc1234", "/log")
    assert text.startswith("The job of monday.txt and monday.mp4 was cancelled.\n")
    assert "Put it right" not in text and "move the files back into the inbox" in text


def test_a_duplicate_names_the_earlier_result_and_the_way_out() -> None:
    text = notes.duplicate(NAMES, "0abc1234", "/inbox/outbox/monday.mp4", "2026-08-01T12:34:56.000Z")
    assert "\n    /inbox/outbox/monday.mp4\n" in text
    assert "2026-08-01 at 12:34 UTC" in " ".join(text.split())
    assert "0abc1234" in text and '`duplicates = "make"`' in text and "change something" in text


def test_a_duplicate_whose_result_is_gone() -> None:
    text = notes.duplicate(NAMES, "0abc1234", None, None)
    assert "None" not in text and "not kept any more" in text


def test_a_batch_says_which_rows_failed() -> None:
    failures: list[tuple[str, notes.Error]] = [
        ("three", NO_FACE),
        ("caf\udce9", {"code": "x", "message": "It is empty", "hint": ""}),
    ]
    text = notes.batch(["week.csv", "a.mp4", "b.mp4", "c.mp4"], 6, failures, [Repeated("one")])
    assert text.startswith("2 of the 6 videos of week.csv, a.mp4, b.mp4 and 1 more could not be made.\n")
    assert "3 were made, 1 had been made before." in text
    assert "\n- three: No face" in text and "\n- caf\ufffd: It is empty.\n" in text
    assert "Correct those rows" in text and "is not made again" in " ".join(text.split())


@pytest.mark.parametrize(("made", "said"), [(0, "None was made."), (1, "One was made."), (2, "2 were made.")])
def test_numbers_are_read_as_people_write_them(made: int, said: str) -> None:
    assert said in notes.batch(["week.csv"], made + 1, [("one", NO_FACE)], [])


REPEATED = [
    Repeated("one", Path("/inbox/outbox/one two.mp4")),
    Repeated("two"),
    Repeated("three", like="one"),
]


def test_a_batch_says_what_had_been_made_before_and_where_it_is() -> None:
    told = "- one:\n    /inbox/outbox/one two.mp4\n- two: its video is not kept any more.\n"
    some = notes.batch_repeated(["week.csv"], 4, REPEATED)
    assert some.startswith("3 of the 4 videos of week.csv had been made before.\n")
    assert told + "- three: the same as one.\n\nTo have it made once more" in some
    assert notes.batch_repeated(["week.csv"], 3, REPEATED).startswith("All 3 videos of week.csv had")
    assert notes.batch_repeated(["week.csv"], 1, REPEATED[1:2]).startswith("The video of week.csv had")
    assert told in notes.batch(["week.csv"], 4, [("four", NO_FACE)], REPEATED)


def test_our_notes_are_known_again_and_by_whose_inbox() -> None:
    every = [
        notes.failed(NAMES, NO_FACE, None, None),
        notes.failed(NAMES, NO_FACE | {"code": "cancelled"}, None, None),
        notes.duplicate(NAMES, "0abc1234", None, None),
        *(notes.batch(["week.csv"], total, [("one", NO_FACE)], []) for total in (1, 2)),
        *(notes.batch_repeated(["week.csv"], total, REPEATED) for total in (3, 4)),
        notes.batch_repeated(["week.csv"], 1, REPEATED[:1]),
    ]
    waits = notes.waiting(Held("monday.txt", "Why"), "2026-08-01T12:34:56.000Z", INBOX)
    for text in (*every, waits):
        assert notes.is_ours(text.encode()) and not notes.is_ours(b"Hm.\n" + text.encode()), text
    assert notes.waits_in(waits.encode(), INBOX)
    assert not notes.waits_in(waits.encode(), INBOX.parent), "an inbox within another"
    assert not notes.waits_in(waits.encode(), INBOX / "more")
    assert not any(notes.waits_in(text.encode(), INBOX) for text in every)


def test_what_waits_says_for_what_and_since_when() -> None:
    held = Held("monday.txt", "There is no clip for it", "Drop monday.mp4 beside it.")
    text = notes.waiting(held, "2026-08-01T12:34:56.000Z", INBOX)
    assert text.startswith("monday.txt is still in the inbox, and nothing is being made of it.\n")
    assert "There is no clip for it.\n\nDrop monday.mp4 beside it." in text
    assert "2026-08-01 12:34 UTC" in text and "`vigentd inbox status`" in text


def test_lines_are_short_but_what_is_to_be_copied_stays_whole() -> None:
    log = "/data/with spaces/" + "long " * 30 + "/job.log"
    command = "`vigentd retry 0abc1234 --wait`"
    for words in range(30):
        error = {"code": "x", "message": "word " * 60, "hint": "word " * words + f"run {command} now."}
        lines = notes.failed(NAMES, error, "0abc1234", log).splitlines()
        assert any(command in line for line in lines)
        assert f"    {log}" in lines
        assert all(len(line) <= notes.WIDTH for line in lines if log not in line)


def test_the_first_line_is_one_line_whatever_the_files_are_called() -> None:
    names = ["two\nlines.txt", "x" * 250 + ".mp4", "caf\udce9.toml", "\x1b[31mred.wav", "\u202egpj.mp4"]
    for text in (notes.failed(names, NO_FACE, None, None), notes.duplicate(names, "0abc1234", None, None)):
        first, empty, *_ = text.split("\n")
        assert "two\ufffdlines.txt" in first and "x" * 250 in first and "2 more" in first and empty == ""
        text.encode("utf-8")
        assert not {"\x1b", "\u202e"} & set(text)


def test_two_spaces_in_a_name_stay_two() -> None:
    assert "of a  b.txt." in notes.failed(["a  b.txt"], NO_FACE, None, None)


def test_neither_secrets_nor_tracebacks_nor_pages() -> None:
    token = "1234567890:AAE" + "x" * 32
    message = (
        f"https://api.telegram.org/bot{token}/ failed\n\x1b[1mTraceback (most recent call last):\n  File"
    )
    hint = "word " * 5000
    text = notes.failed(NAMES, {"code": "x", "message": message, "hint": hint}, None, None)
    assert token not in text and "Traceback" not in text and "\x1b" not in text and "failed" in text
    assert len(text) < 2 * notes.LONGEST


@pytest.mark.parametrize("name", [f"`{'x' * 30} {'y' * 90}`", "a`b", "%s {0}"])
def test_names_that_look_like_something_else(name: str) -> None:
    assert name in notes.waiting(Held(name, f"{name} is strange"), "2026-08-01T12:34:56.000Z", INBOX)
