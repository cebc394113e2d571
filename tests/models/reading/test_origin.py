"""Where what is read stands in the sentence: the words on the screen get their times from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.engine import Reading
from models.reading import read
from models.words import tokens

LANGUAGES = ["en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru", "pl"]


def heard_for(sentence: str, reading: Reading) -> list[tuple[str, str]]:
    """Each word of the sentence with what is read for it."""
    found = []
    for begin, end in tokens(sentence):
        said = "".join(
            c for c, at in zip(reading.text, reading.origin, strict=True) if begin <= at < end and c != " "
        )
        found.append((sentence[begin:end], said))
    return found


@pytest.mark.parametrize(
    ("language", "sentence", "heard"),
    [
        (
            "en",
            "It is $5 million.",
            [("It", "It"), ("is", "is"), ("$5", "five"), ("million", "milliondollars.")],
        ),
        (
            "en",
            "On May 5, 2024",
            [("On", "On"), ("May", "May"), ("5", "fifth"), ("2024", "twentytwenty-four")],
        ),
        ("en", "at 5 p.m. now", [("at", "at"), ("5", "five"), ("p.m", "p.m."), ("now", "now")]),
        ("en", "1 1/2 cups", [("1", "oneand"), ("1/2", "ahalf"), ("cups", "cups")]),
        ("zh", "2024年5月", [("2024", "二零二四"), ("年", "年"), ("5", "五"), ("月", "月")]),
        ("zh", "涨50%了", [("涨", "涨"), ("50%", "百分之五十"), ("了", "了")]),
        ("zh", "$3亿", [("$3", "三"), ("亿", "亿美元")]),
        ("zh", "2026年Q1", [("2026", "二零二六"), ("年", "年"), ("Q1", "第一季度")]),
        ("zh", "GB/T 1234-2020", [("GB/T", "GBT"), ("1234-2020", "一二三四杠二零二零")]),
        ("en", "£3m-£5m", [("£3m", "three"), ("£5m", "tofivemillionpounds")]),
        ("zh", "138 0013 8000", [("138", "幺三八，"), ("0013", "零零幺三，"), ("8000", "八零零零")]),
        ("de", "12 000 Euro", [("12", "zwölft"), ("000", "ausend"), ("Euro", "Euro")]),
        ("ru", "5 млн", [("5", "пять"), ("млн", "миллионов")]),
    ],
)
def test_each_word_has_its_own_reading(language: str, sentence: str, heard: list[tuple[str, str]]) -> None:
    got = heard_for(sentence, read(sentence, language))
    assert [(word, re.sub(r"[ .,，]+$", "", said)) for word, said in got] == [
        (word, re.sub(r"[ .,，]+$", "", said)) for word, said in heard
    ]


def test_a_price_comes_from_the_place_of_its_sign() -> None:
    reading = read("for $5", "en")
    assert reading.text == "for five dollars"
    assert reading.origin == [0, 1, 2, 3] + [4] * len("five dollars")


# Pieces that make trouble, among anything else.
TROUBLE = st.sampled_from(
    [
        *"。！？；…，.!?;,:'\"“”「」()<>{}\\/&-—_$€%#* \n\t\u3000~+=@°²½①Ⅱº−№×^",
        *"你好年月日个点万亿第号％￥２安アａé\u0301\u200d\u00ad",
        *("0", "1", "2", "12", "30", "2024", "1,299.99", "3.14", "007", "13800138000", "9:05", "1/2", "5-10"),
        *(
            "2024-05-01",
            "$5",
            "¥3",
            "50%",
            "km/h",
            "kg",
            "am",
            "p.m.",
            "May",
            "Dr.",
            "No.",
            "st",
            "1st",
            "VIII",
        ),
        *(
            "https://a.b/c?d.",
            "a@b.org",
            "Node.js",
            "v2.0",
            "+1",
            "C++",
            "GPT-4",
            "million",
            "[pause 1s]",
            "<b>",
        ),
        *(
            "😀",
            "𠮷",
            "\ud800",
            "٣",
            "২",
            "℃",
            "W",
            "¢",
            ".5",
            "$.50",
            "比分",
            "满",
            "拨打",
            "=",
            "3-1",
            "1/2 tsp",
            "2h30m",
            "Uhr",
            "руб.",
            "году",
            "개",
            "円",
            "h",
            "to",
        ),
        *(
            "2026Q1",
            "Q3",
            "6.18",
            "大促",
            "双",
            "2x",
            "1e-5",
            "GB/T",
            "(010)",
            "1234-5678",
            "110",
            "报警",
            "－",
            "£3m",
        ),
    ]
)
SENTENCES = st.one_of(
    st.text(max_size=120),
    st.lists(TROUBLE, max_size=30).map("".join),
    st.lists(TROUBLE, max_size=20).map(" ".join),
)


@settings(max_examples=400, deadline=None)
@given(SENTENCES, st.sampled_from(LANGUAGES))
@example("0$0~0", "zh")  # the $ belongs to the second word, and is written as if to the first
def test_any_sentence_is_read_and_no_word_is_lost(sentence: str, language: str) -> None:
    reading = read(sentence, language)
    assert len(reading.origin) == len(reading.text)
    assert reading.origin == sorted(reading.origin)
    assert all(0 <= at < len(sentence) for at in reading.origin)
    assert reading.text == reading.text.strip() and "  " not in reading.text
    assert all(said for _, said in heard_for(sentence, reading)), "each word has its part of the reading"


@settings(max_examples=150, deadline=None)
@given(SENTENCES, st.sampled_from(["en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru"]))
def test_no_digit_is_left_to_the_voice(sentence: str, language: str) -> None:
    assert not re.search(r"[0-9]", read(sentence, language).text)


@pytest.mark.parametrize(
    "language",
    [
        language if language in ("en", "zh") else pytest.param(language, marks=pytest.mark.slow)
        for language in LANGUAGES
    ],
)
def test_endless_sentences_are_read_too(language: str) -> None:
    """A pattern that goes back and forth over itself would take minutes; int() takes no 4301 digits."""
    for unit in (
        "1",
        "1,",
        "$1.",
        "1-",
        "a.",
        "a@",
        "9 ",
        "A1",
        "3/",
        "+1 ",
        "5 p.m",
        "http://",
        "第",
        "3:",
        "1-2=",
        "比分1-2、",
        "拨打110、",
        "1w",
        "5kg-",
        "[pause ",
        "2x-",
        "1e-",
        "£3m-",
        "GB/T 1-",
        "(010)1",
        "110、",
        "2026Q1-",
        "3 kg - ",
        "up 2-",
    ):
        read(unit * (900 // len(unit)), language)
    for number in (
        "{}",
        "${}.50",
        "{} €",
        "v{}.1",
        "{} 1/2",
        "-{}",
        "{}%",
        "¥{}亿",
        "{}k",
        "{}年",
        "{},50 €",
    ):
        assert read(number.format("1" * 4500), language).text
