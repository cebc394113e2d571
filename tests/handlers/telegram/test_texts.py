"""All texts of the bot: whole, in both languages, and those that the code asks for are there."""

from __future__ import annotations

import ast
import string
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import handlers.telegram.texts as texts
from handlers.telegram.texts import LANGUAGES, catalogue, plain, say, spoken_by

TEXTS = Path(texts.__file__).parent
CODE = TEXTS.parent
TAGS = {"b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}  # that Telegram knows
ASKS = {
    "say": (0, 1),
    "plain": (0, 1),
    "answer": (0,),
    "tell": (0,),
    "button": (0,),
}  # where the key may stand


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_a_text_is_the_same_in_both_languages(key: str) -> None:
    text = catalogue()[key]
    assert set(text) == set(LANGUAGES)
    assert all(words.strip() for words in text.values())
    assert fields(text["en"]) == fields(text["zh"])
    assert all(name.isidentifier() for name in fields(text["en"]))


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_the_markup_is_telegrams(key: str) -> None:
    for text in catalogue()[key].values():
        Markup().check(text)


def test_no_key_is_given_twice() -> None:
    """The files share one catalogue: the later would silently be said instead of the earlier."""
    keys = [
        f"{section}.{name}"
        for file in sorted(TEXTS.glob("*.toml"))
        for section, named in tomllib.loads(file.read_text("utf-8")).items()
        for name in named
    ]
    assert len(keys) == len(catalogue()), sorted({key for key in keys if keys.count(key) > 1})


def test_every_text_that_is_asked_for_is_there() -> None:
    missing = [f"{where}: {key}" for where, key in asked() if key not in catalogue()]
    assert not missing


def test_there_are_texts_of_every_kind_that_is_put_together() -> None:
    missing = [
        f"{where}: {start}" for where, start in asked_in_part()
        if not any(key.startswith(start) for key in catalogue())
    ]  # fmt: skip
    assert not missing


def test_what_is_filled_in_is_escaped() -> None:
    assert "&lt;b&gt;" in say("en", "card.script", start="<b>")
    assert "<b>" in plain("zh", "card.script", start="<b>")


@pytest.mark.parametrize(
    ("code", "language"),
    [("zh-hans", "zh"), ("ZH", "zh"), ("en-GB", "en"), ("de", "en"), ("", "en"), (None, "en")],
)
def test_the_language_of_a_person(code: str | None, language: str) -> None:
    assert spoken_by(code) == language


# ---------------------------------------------------------------- what the code asks for


def keys_in_code() -> Iterator[tuple[str, ast.expr]]:
    """Where a text is asked for, and the expression of its key."""
    for file in sorted(CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                for place in ASKS.get(name, ()):
                    if place < len(node.args):
                        yield f"{file.relative_to(CODE)}:{node.lineno}", node.args[place]


def asked() -> Iterator[tuple[str, str]]:
    for where, expression in keys_in_code():
        options = [expression.body, expression.orelse] if isinstance(expression, ast.IfExp) else [expression]
        for option in options:
            if isinstance(option, ast.Constant) and isinstance(option.value, str) and "." in option.value:
                yield where, option.value


def asked_in_part() -> Iterator[tuple[str, str]]:
    """Keys such as f"card.ask_{what}": at least something begins like that."""
    for where, expression in keys_in_code():
        if isinstance(expression, ast.JoinedStr) and isinstance(expression.values[0], ast.Constant):
            yield where, str(expression.values[0].value)


class Markup(HTMLParser):
    def check(self, text: str) -> None:
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag
