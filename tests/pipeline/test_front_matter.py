"""Options at the head of a script: what is taken for them, and what is spoken."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInput
from pipeline.front_matter import LONGEST_TOML, split


def refusal(text: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        split(text)
    assert caught.value.code == "front_matter_invalid"
    assert caught.value.hint and caught.value.message.isprintable()
    return caught.value


def test_yaml_keeps_every_value_a_text() -> None:
    """YAML would make False of `no`, 750 of `12:30` and a date of a date."""
    head = "title: 12:30\nmusic: no\nseed: 1247\npublish_at: 2026-11-23 08:00\npublish: [youtube, 7]\n"
    options, spoken = split(f"---\n{head}---\nGood morning.\n")
    assert options == {
        "title": "12:30",
        "music": "no",
        "seed": "1247",
        "publish_at": "2026-11-23 08:00",
        "publish": ["youtube", "7"],
    }
    assert spoken == "Good morning.\n"


def test_toml() -> None:
    assert split('+++\ntitle = "a: b"\nseed = 5\n+++\nHello') == ({"title": "a: b", "seed": 5}, "Hello")
    assert split("+++\n# voice = 'anna'\n+++\nHello") == ({}, "Hello")


def test_nothing_behind_a_colon_is_not_said_but_quotes_are() -> None:
    assert split('---\nvoice:\ntitle: ""\n---\nHello') == ({"voice": None, "title": ""}, "Hello")


@pytest.mark.parametrize(
    "text", ["\ufeff---\r\ntitle: x\r\n---\r\nHi\r\n", "\n \t\n---  \ntitle: x\n---\t\nHi\r\n"]
)
def test_marks_line_ends_and_blank_lines_do_no_harm(text: str) -> None:
    assert split(text) == ({"title": "x"}, "Hi\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "Good morning.",
        "---\ntitle: never closed\nGood morning.",
        "---\nWelcome to the news.\n---\nToday it rains.",  # two Markdown rules
        "---\n- one\n- two\n---\nx",
        "---\n\n---\nx",
        "---\nDear friends: welcome\n---\nx",
        "--- \nHe said: [no, and\n---\nx",  # no YAML, and no key either
        "+++\nPlus, plus, plus.\n+++\nx",
        "----\ntitle: x\n----\nx",
        "Hello\n---\ntitle: x\n---\n",
        "",
    ],
)
def test_what_is_no_front_matter_is_spoken_as_it_is(text: str) -> None:
    assert split(text) == ({}, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("---\nvoice: anna\ntitle: News: rain\n---\nx", "YAML, line 3: mapping values are not allowed here"),
        ("\n\n---\ntitle: 'open\nseed: 5\n---\nx", "YAML, line 4"),
        ("---\ntitle: x\nvoice: \x07\n---\nx", "YAML, line 3"),
        ("---\ntitle: a\nvoice: b\ntitle: c\n---\nx", "YAML, line 4: title is said twice"),
        ("---\n# a note\nseed: @5\n---\nx", "YAML, line 3"),
        ("\n+++\nseed = 5\ntitle = News\n+++\nx", "TOML, line 4: invalid value"),
        ("+++\nseed = 5\nseed = 6\n+++\nx", "TOML, line 3"),
    ],
)
def test_what_is_meant_for_options_but_broken_is_refused_with_its_line(text: str, words: str) -> None:
    """To speak it would spoil the video."""
    assert words in refusal(text).message


@pytest.mark.parametrize("deep", ["a: " + "[" * 5000, "a: " + "{b: " * 5000, "a = " + "[" * 5000])
def test_what_is_nested_without_end_is_refused(deep: str) -> None:
    fence = "+++" if "=" in deep else "---"
    refusal(f"{fence}\n{deep}\n{fence}\nx")


@pytest.mark.parametrize("fence", ["---", "+++"])
def test_no_script_takes_long_to_read(fence: str) -> None:
    """A pattern that can take a line end in two ways tries two to the power of lines of them."""
    text = f"{fence}\n" + "#\r\r\n" * 40 + f"[\n{fence}\nGood morning.\n"
    began = time.monotonic()
    try:
        assert split(text)[0] == {}
    except BadInput as e:
        assert e.code == "front_matter_invalid"
    assert time.monotonic() - began < 20


def test_toml_is_not_longer_than_anybody_writes_it() -> None:
    """To read a key of 50,000 parts takes a minute."""
    error = refusal(f"+++\na{'.a' * LONGEST_TOML} = 1\n+++\nx")
    assert "TOML, line 2: they have more than 8,192 characters" in error.message
    prose = f"+++\n{'Good morning. ' * 1000}\n+++\nx"
    assert split(prose) == ({}, prose)


def test_what_repeats_itself_is_not_multiplied() -> None:
    """Nine lines that would be a thousand million texts."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    options, _ = split("---\n" + "\n".join(lines) + "\n---\nx")
    assert options["a9"] == [{}] * 10
    assert split("---\na: &a [*a]\n---\nx")[0] == {"a": [{}]}


@given(st.text(st.sampled_from("-+:=[]{}&*!|>%@`\"'#a1 \t\r\n\0\ufeff"), max_size=60))
def test_any_text_is_split_or_refused(text: str) -> None:
    for fence in ("---", "+++"):
        try:
            options, spoken = split(f"{fence}\n{text}\n{fence}\nHello")
        except BadInput as e:
            assert e.code == "front_matter_invalid"
        else:
            assert all(isinstance(name, str) for name in options)
            assert spoken.endswith("Hello")
