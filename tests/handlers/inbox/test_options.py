"""A file of options beside a script."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handlers.inbox.contents.options import LIMIT, read_options
from models.errors import BadInput

NAME = "Montag früh.toml"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "options.toml"


def refusal(kept: Path) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_options(kept, NAME)
    error = caught.value
    assert NAME in error.message and kept.name not in error.message
    assert error.hint and error.message.isprintable()
    return error


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_what_it_says(kept: Path, encoding: str) -> None:
    kept.write_bytes('title = "今天的天气"\r\npublish = ["youtube"]\r\nseed = 5\r\n'.encode(encoding))
    assert read_options(kept, NAME) == {"title": "今天的天气", "publish": ["youtube"], "seed": 5}


def test_an_empty_one_says_nothing(kept: Path) -> None:
    kept.write_text("# nothing yet\n")
    assert read_options(kept, NAME) == {}


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("title = Good morning", "options_invalid", "is not valid TOML: invalid value (at line 1"),
        ("a = " + "[" * 5000, "options_invalid", "is not valid TOML: "),
        ('volume = "loud"', "option_unknown", "volume in"),
        ('music_volume = "loud"', "option_invalid", "must be a number from 0 to 1, not 'loud'"),
        ("[job]\nseed = 5", "option_unknown", "job in"),
        ("publish_at = 2026-11-23", "option_invalid", "must be a time such as"),
        ("title = '\0'", "file_encoding", "is not a text"),
        ("x" * (LIMIT + 1), "file_too_large", "has more than 8 kB"),
    ],
    ids=lambda text: text[:20],
)
def test_a_mistake_is_told_with_the_name_that_people_know(
    kept: Path, text: str, code: str, words: str
) -> None:
    kept.write_text(text)
    error = refusal(kept)
    assert (error.code, words in error.message) == (code, True), error.message


def test_bytes_of_no_encoding(kept: Path) -> None:
    kept.write_bytes(b"title = '\xff\xfe\xe9'")
    assert refusal(kept).code == "file_encoding"


def test_only_a_file_is_read_and_nobody_waits_for_a_pipe(kept: Path, tmp_path: Path) -> None:
    assert refusal(kept).code == "file_unreadable"  # it is gone
    os.mkfifo(kept)
    assert refusal(kept).message == f"{NAME} is not a file"
    kept.unlink()
    secret = tmp_path / "secret"
    secret.write_text("seed = 5")
    kept.symlink_to(secret)
    assert refusal(kept).code == "file_unreadable"
    kept.unlink()
    kept.mkdir()
    assert refusal(kept).code == "file_unreadable"
