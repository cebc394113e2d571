"""A batch: a file with a job in every row. *.csv with the names of its columns on top, or *.jsonl.

    name     script               clip       title         music
    monday   Good morning.        anna.mp4   Good morning  calm
    tuesday  Good morning again.  anna.mp4

A batch that is not understood is refused as a whole, before anything is made of it. A row with a mistake of
its own is refused alone.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlers.inbox.contents.texts import read_text
from models.errors import BadInput
from models.words import is_unicode
from pipeline.options import KNOWN, check_options, shown

LIMIT = 4_000_000  # bytes
MOST_ROWS = 1000
MOST_MARKS = 100_000  # line ends and separators: what has more is no table that people made
HEAD_CHARS = 10_000  # by so much of the first line is told which separator it is
NAME_BYTES = 200  # of a result, so that its suffix has room
FILE_BYTES = 255

FILES = ("script_file", "clip", "speech")
COLUMNS = ("name", "script", *FILES, *KNOWN)


@dataclass(frozen=True)
class Row:
    """One video that is asked for.

    number:  of the row, as a spreadsheet counts it (the names of the columns are row 1), or of the line.
    where:   the same in words: "row 3 of batch.csv".
    name:    what its result is called.
    options: as they were written; checked.
    error:   why no job can be made of it. All else, but for the name, is then empty.
    """

    number: int
    where: str
    name: str
    script: str | None = None
    script_file: str | None = None
    clip: str | None = None
    speech: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    error: BadInput | None = None

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "error": self.error and self.error.as_dict()}


def read(path: Path, name: str) -> list[Row]:
    """name: what people call the file; it says by its end what it is.

    Raises BadInput: batch_empty, batch_too_long, batch_invalid, column_unknown, and as read_text.
    """
    text = read_text(path, name, LIMIT)
    _check_marks(text, name)
    is_jsonl = ".jsonl" in (path.suffix.lower(), Path(name).suffix.lower())
    lines = _jsonl(text, name) if is_jsonl else _csv(text, name)
    rows: list[Row] = []
    for number, where, said in lines:
        if len(rows) == MOST_ROWS:
            raise BadInput(
                f"{name} has more than {MOST_ROWS:,} rows",
                code="batch_too_long",
                hint="Make several files of it.",
            )
        rows.append(_row(number, where, f"{Path(name).stem}-{len(rows) + 1:03}", said))
    if not rows:
        raise BadInput(
            f"{name} has no rows",
            code="batch_empty",
            hint="Write a row for each video; in a .csv the first line names the columns.",
        )
    return rows


def files_named(path: Path) -> frozenset[str]:
    """The files beside it that its rows name; none when it cannot be read, which is told later."""
    try:
        rows = read(path, path.name)
    except BadInput:
        return frozenset()
    return frozenset(name for row in rows for name in (row.script_file, row.clip, row.speech) if name)


def _check_marks(text: str, name: str) -> None:
    """The time to read it depends on them more than on its length, and the daemon reads it, too."""
    if sum(text.count(mark) for mark in "\n\r,;\t") > MOST_MARKS:
        raise BadInput(
            f"{name} has more than {MOST_MARKS:,} line ends and separators",
            code="batch_too_long",
            hint="Make several files of it, without empty rows and columns.",
        )


# ---------------------------------------------------------------- one row


def _row(number: int, where: str, name: str, said: dict[str, Any] | BadInput) -> Row:
    """name: if it does not say another."""
    try:
        if isinstance(said, BadInput):
            raise said
        texts = {key: _text(key, said.pop(key, None), where) for key in ("name", "script", *FILES)}
        if texts["name"]:
            _check_name(texts["name"], where)
            name = texts["name"]
        for key in FILES:
            if file := texts[key]:
                _check_file(key, file, where)
        _check_says_something(texts, where)
        check_options(said, where)
    except BadInput as e:
        return Row(number, where, name, error=e)
    return Row(
        number,
        where,
        name,
        script=texts["script"],
        script_file=texts["script_file"],
        clip=texts["clip"],
        speech=texts["speech"],
        options=said,
    )


def _text(key: str, value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _wrong(f"{key} in {where} must be a text, not {shown(value)}", "Put it in quotes.")
    if value is not None and not is_unicode(value):
        raise _wrong(f"{key} in {where} is not valid Unicode", "Save the file as UTF-8.")
    value = value if key == "script" else value and value.strip()
    return value if value and value.strip() else None


def _check_name(name: str, where: str) -> None:
    if not name.isprintable() or set(name) & {"/", "\\"} or name.startswith("."):
        raise _wrong(
            f"name in {where} must be a plain name, not {shown(name)}",
            "The video is called after it: leave out slashes, and a dot at its beginning.",
        )
    if len(name.encode()) > NAME_BYTES:
        raise _wrong(f"name in {where} is too long", f"Take at most {NAME_BYTES // 4} characters.")


def _check_file(key: str, file: str, where: str) -> None:
    """Only a file beside the batch: none elsewhere, nor one of those that are hidden."""
    too_long = len(file.encode()) > FILE_BYTES
    if set(file) & {"/", "\\", "\0"} or file.startswith(".") or too_long:
        raise _wrong(
            f"{key} in {where} must be the name of a file beside it, not {shown(file)}",
            "Put the file into the same folder, and write its name alone.",
        )


def _check_says_something(texts: dict[str, str | None], where: str) -> None:
    if texts["script"] and texts["script_file"]:
        raise _wrong(f"There is both a script and a script_file in {where}", "Take one of them out.")
    if not (texts["script"] or texts["script_file"] or texts["speech"]):
        raise _wrong(
            f"There is nothing to say in {where}",
            "Write the text under `script`, or the name of a text file under `script_file`.",
        )


def _wrong(message: str, hint: str) -> BadInput:
    return BadInput(message, code="row_invalid", hint=hint)


# ---------------------------------------------------------------- the two formats

# Number, where it is in words, and what is said there: without what is blank; or why it cannot be told.
_Lines = Iterator[tuple[int, str, dict[str, Any] | BadInput]]


def _csv(text: str, name: str) -> _Lines:
    lines = text.split("\n", 1)
    if lines[0].strip().lower().startswith("sep="):  # a line of Excel's
        text = lines[-1] if len(lines) > 1 else ""
    columns: list[str] | None = None
    for number, cells in enumerate(_records(text, _delimiter(text), name), 1):
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = _columns(cells, name)
        else:
            where = f"row {number} of {name}"
            yield number, where, _by_column(columns, cells, where)


def _records(text: str, delimiter: str, name: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as e:
        raise BadInput(
            f"{name} is not a valid table at line {reader.line_num}: {e}",
            code="batch_invalid",
            hint="Is a quotation mark missing there? A text with quotes in it has them doubled.",
        ) from e


def _delimiter(text: str) -> str:
    """The one with which the most columns have a name that is known; the comma, when none is better."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    head = head[:HEAD_CHARS]
    known = {mark: sum(_plain(cell) in COLUMNS for cell in head.split(mark)) for mark in ",;\t"}
    return max(known, key=lambda mark: (known[mark], head.count(mark)))


def _columns(cells: list[str], name: str) -> list[str]:
    columns = [_plain(cell) for cell in cells]
    for column in filter(None, columns):
        _check_column(column, f"a column of {name}", "columns")
        if columns.count(column) > 1:
            raise BadInput(
                f"{name} has two columns named {column}",
                code="column_twice",
                hint="Take one of them out.",
            )
    return columns


def _plain(cell: str) -> str:
    return cell.strip().strip('"').lower().replace(" ", "_").replace("-", "_")


def _by_column(columns: list[str], cells: list[str], where: str) -> dict[str, Any] | BadInput:
    said = {}
    for i, cell in enumerate(cells):
        if not cell.strip():
            continue
        if i >= len(columns) or not columns[i]:
            return _wrong(
                f"{shown(cell)} in {where} stands under no column",
                "A text with a separator in it stands in quotes; or name the column in the first line.",
            )
        said[columns[i]] = cell
    return said


def _jsonl(text: str, name: str) -> _Lines:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"line {number} of {name}"
            yield number, where, _object(line, where, name)


def _object(line: str, where: str, name: str) -> dict[str, Any] | BadInput:
    try:
        said = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return _wrong(
            f"There is no JSON object in {where}",
            'Every line is one job: {"script": "Good morning.", "clip": "anna.mp4"}',
        )
    for key in said:
        _check_column(key, f"a key of a job, in {where}", "keys")
    return {key: value for key, value in said.items() if value is not None}


def _no_number(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _check_column(column: str, what: str, all_of_them: str) -> None:
    if column not in COLUMNS:
        column = column[:NAME_BYTES]  # to compare one as long as a book takes a second
        near = difflib.get_close_matches(column, COLUMNS, 1)
        raise BadInput(
            f"{shown(column)} is not {what}",
            code="column_unknown",
            hint=f"Did you mean {near[0]}?" if near else f"The {all_of_them} are {', '.join(COLUMNS)}.",
        )
