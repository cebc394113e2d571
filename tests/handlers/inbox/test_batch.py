"""Batches: what is a row, what is a mistake of one row, and what is a mistake of all of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.inbox.contents.batch import COLUMNS, LIMIT, MOST_ROWS, Row, files_named, read
from models.errors import BadInput


def rows_of(folder: Path, text: str | bytes, name: str = "Week.csv") -> list[Row]:
    """As they are read from the kept file, which has another name."""
    kept = folder / ("batch" + Path(name).suffix)
    kept.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(kept, name)


def refusal(folder: Path, text: str | bytes, name: str = "Week.csv") -> BadInput:
    with pytest.raises(BadInput) as caught:
        rows_of(folder, text, name)
    assert name in caught.value.message and caught.value.hint
    assert caught.value.message.isprintable()
    return caught.value


def row_error(row: Row) -> BadInput:
    assert row.error is not None
    assert row.where in row.error.message and row.error.hint
    assert (row.script, row.script_file, row.clip, row.speech, row.options) == (None, None, None, None, {})
    return row.error


def test_a_table(tmp_path: Path) -> None:
    text = (
        "name,script,clip,title,music,publish\n"
        'monday,"Good morning,\nand welcome to ""Daily"".",anna.mp4,News, calm ,"youtube, telegram"\n'
        "\n"
        ",Hello again,,,,\n"
    )
    first, second = rows_of(tmp_path, text)
    assert first.error is None
    assert first.name == "monday"
    assert first.script == 'Good morning,\nand welcome to "Daily".'
    assert first.clip == "anna.mp4"
    assert first.options == {"title": "News", "music": " calm ", "publish": "youtube, telegram"}
    assert (first.number, first.where) == (2, "row 2 of Week.csv")
    assert (second.number, second.name, second.script) == (4, "Week-002", "Hello again")
    assert (second.clip, second.options) == (None, {})  # blank cells say nothing


def test_lines_of_json(tmp_path: Path) -> None:
    lines = [
        {"script": "Hello", "seed": 5, "music": None, "publish": ["youtube"]},
        {"speech": "a.wav", "name": "b"},
    ]
    text = "\r\n".join([json.dumps(lines[0]), "", json.dumps(lines[1])])
    first, second = rows_of(tmp_path, text, "x.JSONL")
    assert (first.name, first.script, first.options) == (
        "x-001",
        "Hello",
        {"seed": 5, "publish": ["youtube"]},
    )
    assert (second.number, second.where, second.name) == (3, "line 3 of x.JSONL", "b")
    assert second.speech == "a.wav"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_every_separator_and_encoding_that_spreadsheets_write(
    tmp_path: Path, mark: str, encoding: str
) -> None:
    text = f'Script{mark}"Music Volume"\r\n"大家好，欢迎收看; 今天,的节目。"{mark}0.5\r\n'
    (row,) = rows_of(tmp_path, text.encode(encoding))
    assert (row.script, row.options) == ("大家好，欢迎收看; 今天,的节目。", {"music_volume": "0.5"})


def test_the_line_that_excel_puts_on_top(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, "sep=;\r\nscript;title\r\nHello, you;News\r\n")
    assert (row.number, row.script, row.options) == (2, "Hello, you", {"title": "News"})


@pytest.mark.parametrize(
    ("text", "code", "words", "hint"),
    [
        ("", "batch_empty", "has no rows", "row for each video"),
        ("script,clip\n , \n", "batch_empty", "has no rows", ""),
        ("script,musik\nHello,calm", "column_unknown", "'musik' is not a column", "Did you mean music?"),
        (
            "Good morning\nHello",
            "column_unknown",
            "'good_morning' is not a column",
            "The columns are name, script",
        ),
        ("script,title,Title\na,b,c", "column_twice", "two columns named title", ""),
        ('script,title\n"Hello,x\n', "batch_invalid", "is not a valid table at line 2", "quotation mark"),
        ('script,title\n"a"b,c\n', "batch_invalid", "at line 2", ""),
        ("script\n" + "x" * 200_000, "batch_invalid", "at line 2", ""),
        ("script\n" + "x\n" * (MOST_ROWS + 1), "batch_too_long", "more than 1,000 rows", "several"),
        ("script\n" + "x" * LIMIT, "file_too_large", "more than 4,", ""),
        (b"script\nab\0c\n", "file_encoding", "not a text", "UTF-8"),
        (b"script\ncaf\xe9 au lait\n", "file_encoding", "encoding that is not known", ""),
    ],
    ids=lambda text: str(text[:20]),
)
def test_what_is_refused_as_a_whole(
    tmp_path: Path, text: str | bytes, code: str, words: str, hint: str
) -> None:
    error = refusal(tmp_path, text)
    assert error.code == code
    assert words in error.message and hint in error.hint


def test_an_unknown_key_refuses_all_lines(tmp_path: Path) -> None:
    error = refusal(tmp_path, '{"script": "a"}\n{"script": "b", "musik": "calm"}', "x.jsonl")
    assert error.message == "'musik' is not a key of a job, in line 2 of x.jsonl"
    assert error.hint == "Did you mean music?"


@pytest.mark.parametrize(
    "text",
    ["script" + "," * 3_900_000, "script\n" + "\r" * 3_900_000, "script\n" + ";;;\n" * 900_000],
    ids=["columns", "lines", "cells"],
)
def test_what_would_take_long_to_read_is_refused_at_once(tmp_path: Path, text: str) -> None:
    """The daemon reads it, too, and does nothing else meanwhile."""
    began = time.process_time()
    error = refusal(tmp_path, text)
    assert time.process_time() - began < 0.3
    assert error.code == "batch_too_long" and "line ends and separators" in error.message


def test_a_name_as_long_as_a_book_is_compared_with_nothing(tmp_path: Path) -> None:
    began = time.process_time()
    error = refusal(tmp_path, '{"' + "music" * 700_000 + '": 1}', "x.jsonl")
    assert time.process_time() - began < 0.3
    assert error.code == "column_unknown"


def test_as_many_rows_as_are_allowed(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "script\n" + "x\n" * MOST_ROWS)
    assert (len(rows), rows[0].name, rows[-1].name) == (MOST_ROWS, "Week-001", "Week-1000")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",,anna.mp4,,,", "There is nothing to say in row 2"),
        ("Hello,a.txt,,,,", "both a script and a script_file in row 2"),
        ("Hello,,,,loud,", "music_volume in row 2 of Week.csv must be a number from 0 to 1, not 'loud'"),
        (",/etc/passwd,,,,", "script_file in row 2 of Week.csv must be the name of a file beside it"),
        ("x,,../a.mp4,,,", "clip in row 2 of Week.csv must be the name of a file beside it, not '../a.mp4'"),
        ("x,,..,,,", "clip in row 2"),
        ("x,,.work,,,", "clip in row 2"),
        ("x,,C:\\a.mp4,,,", "clip in row 2"),
        (f"x,,{'a' * 252}.mp4,,,", "clip in row 2"),
        ("x,,,a/b.wav,,", "speech in row 2"),
        ("x,,,,,../../b", "name in row 2 of Week.csv must be a plain name"),
        ('x,,,,,"a\nb"', "name in row 2"),
        ("x,,,,,.hidden", "name in row 2"),
        (f"x,,,,,{'字' * 67}", "name in row 2 of Week.csv is too long"),
        ("x,,,,,a,more", "'more' in row 2 of Week.csv stands under no column"),
    ],
    ids=lambda text: text[:20],
)
def test_the_mistake_of_a_row_is_its_own(tmp_path: Path, row: str, words: str) -> None:
    head = "script,script_file,clip,speech,music_volume,name\n"
    bad, good = rows_of(tmp_path, f"{head}{row}\nHello,,,,,\n")
    assert words in row_error(bad).message
    assert row_error(bad).message.isprintable()
    assert (good.error, good.script, good.name) == (None, "Hello", "Week-002")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[1, 2]", "There is no JSON object in line 1 of x.jsonl"),
        ('{"script": "a"', "There is no JSON object in line 1"),
        ("[" * 100_000, "There is no JSON object in line 1"),
        ('{"script": "a", "music_volume": NaN}', "There is no JSON object in line 1"),
        ('{"script": 5}', "script in line 1 of x.jsonl must be a text, not 5"),
        ('{"script": "a", "clip": ["b"]}', "clip in line 1 of x.jsonl must be a text, not a list"),
        ('{"script": "half \\ud83d"}', "script in line 1 of x.jsonl is not valid Unicode"),
        ('{"script": "a", "title": {"b": 1}}', "title in line 1 of x.jsonl must be a text, not a table"),
        ('{"script": " "}', "There is nothing to say in line 1"),
    ],
    ids=lambda text: text[:30],
)
def test_the_mistake_of_a_line_is_its_own(tmp_path: Path, line: str, words: str) -> None:
    bad, good = rows_of(tmp_path, line + '\n{"script": "Hello"}', "x.jsonl")
    assert words in row_error(bad).message
    assert (good.error, good.number, good.name) == (None, 2, "x-002")


def test_a_row_travels_as_json(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "script,clip,seed\nHello,a.mp4,5\n,a.mp4,\n")
    first, second = json.loads(json.dumps([row.as_json() for row in rows]))
    assert first["options"] == {"seed": "5"} and first["error"] is None
    assert first["where"] == "row 2 of Week.csv" and first["clip"] == "a.mp4"
    assert BadInput(**second["error"]).code == "row_invalid"


def test_the_files_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("script_file,clip,speech\na.txt,anna.mp4,\n,anna.mp4,a.wav\n../b.txt,c.mp4,\n")
    assert files_named(path) == {"a.txt", "anna.mp4", "a.wav"}


def test_a_batch_that_cannot_be_read_names_nothing(tmp_path: Path) -> None:
    assert files_named(tmp_path / "gone.csv") == frozenset()
    (tmp_path / "a.csv").write_bytes(b"\0\1\2")
    assert files_named(tmp_path / "a.csv") == frozenset()


def test_nothing_heavy_is_imported() -> None:
    """files_named is asked in the daemon."""
    heavy = ("numpy", "av", "yaml", "torch", "PIL")
    found = f"[name for name in {heavy} if name in sys.modules]"
    code = f"import sys, handlers.inbox.contents.batch; assert not {found}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@settings(suppress_health_check=list(HealthCheck), max_examples=200)
@given(
    st.sampled_from(["a.csv", "a.jsonl"]),
    st.lists(st.sampled_from([*COLUMNS, *',;\t"\r\n\\/.{}[]: \0é字', "x", "null", "1"]), max_size=30),
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, name: str, parts: list[str]) -> None:
    path = tmp_path / name
    path.write_text("script,clip\n" * name.endswith("csv") + "".join(parts))
    try:
        rows = read(path, name)
    except BadInput as e:
        assert e.message.isprintable() and e.hint
    else:
        assert all(row.error or row.script or row.script_file or row.speech for row in rows)
        assert not any(set(file) & set("/\\\0") or file.startswith(".") for file in files_named(path))
