"""Reading scripts from bytes of any origin."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInput
from pipeline.script import check_script, decode_script

ENGLISH = "Hello there, café!\nIt costs $5.\n"
CHINESE = "大家好，欢迎收看今天的节目。\n"
MIXED = "我们用 GPU 跑 Qwen3，效果 very good。"


def read_script(data: bytes, limit_chars: int) -> str:
    return check_script(decode_script(data), limit_chars)


def refusal(data: bytes, limit: int = 1000) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_script(data, limit)
    assert caught.value.message and caught.value.hint
    return caught.value


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, MIXED])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
def test_reads_every_encoding_exactly(text: str, encoding: str) -> None:
    if encoding == "gb18030" and text is ENGLISH:
        text = text.replace("é", "e")  # plain ASCII; é alone in GB18030 is not Chinese
    assert read_script(text.encode(encoding), 1000) == text


def test_reads_marked_big_endian() -> None:
    assert read_script(codecs.BOM_UTF16_BE + MIXED.encode("utf-16-be"), 1000) == MIXED


def test_reads_traditional_chinese_in_gb18030() -> None:
    text = "今天天氣很好，我們去公園散步。"
    assert read_script(text.encode("gb18030"), 1000) == text


def test_reads_two_characters_of_gb18030() -> None:
    assert read_script("你好".encode("gb18030"), 1000) == "你好"


def test_only_line_ends_change() -> None:
    assert read_script(b" a\r\n\r\n b\t\r\n", 100) == " a\n\n b\t\n"


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n ", "\u3000\n".encode(), codecs.BOM_UTF8])
def test_empty(data: bytes) -> None:
    assert refusal(data).code == "script_empty"


@pytest.mark.parametrize("text", ["!!! ... ?", "🎉🎉", "---\n***\n", "<b></b>{\\an8}", "。。。"])
def test_nothing_to_say_is_told_apart_from_empty(text: str) -> None:
    error = refusal(text.encode())
    assert error.code == "script_empty"
    assert "no words" in error.message


def test_too_long_tells_count_and_limit() -> None:
    error = refusal("字".encode() * 50_000, 20_000)
    assert error.code == "script_too_long"
    assert "50,000" in error.message and "20,000" in error.message


def test_limit_counts_characters_and_is_inclusive() -> None:
    assert len(read_script("字".encode() * 100, 100)) == 100


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7 text",
        b"PK\x03\x04word/document.xml",
        b"{\\rtf1 Hello}",
        b"\x89PNG\r\n\x1a\n\0\0",
        bytes(range(256)) * 4,
        b"\0\1\2\3" * 100,
        b"abc\0def",
        b"\0" * 64,
        b"\x7fELF\2\1\1" + bytes(50),
    ],
    ids=lambda data: repr(data[:8]),
)
def test_binary(data: bytes) -> None:
    assert refusal(data).code == "script_not_text"


@pytest.mark.parametrize(
    "data",
    [
        CHINESE.encode()[:-2],  # cut in the middle of a character
        CHINESE.encode() + CHINESE.encode("gb18030"),  # two files glued together
        "café au lait, déjà vu".encode("latin-1"),
        "Über die Brücke".encode("cp1252"),
        "Привет, как дела".encode("cp1251"),
        "今天天氣很好，我們去公園。".encode("big5"),
        "今日はいい天気ですね。".encode("shift-jis"),
        ("안녕하세요 여러분 오늘은 날씨가 좋습니다 " * 3).encode("euc-kr"),
        b"hello \xff there",
        codecs.BOM_UTF8 + b"caf\xe9",
        codecs.BOM_UTF16_LE + b"a\0b",
    ],
    ids=lambda data: repr(data[:8]),
)
def test_wrong_encoding_is_never_guessed_into_gibberish(data: bytes) -> None:
    error = refusal(data)
    assert error.code == "script_encoding"
    assert "UTF-8" in error.hint


def test_damaged_utf8_names_the_line() -> None:
    assert "line 2" in refusal(CHINESE.encode() + CHINESE.encode()[:-2]).message


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert isinstance(read_script(data, 100), str)
    except BadInput as error:
        assert error.code.startswith("script_")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80))
def test_any_utf8_text_comes_back_exactly(text: str) -> None:
    try:
        assert read_script(text.encode(), 100) == text.removeprefix("\ufeff")
    except BadInput as error:
        assert error.code in ("script_empty", "script_not_text")
