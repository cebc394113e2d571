"""Everything that the bot says, in English and Chinese: the catalogue is the .toml files beside this.

    [card]                                    key "card.title"
    title = { en = "<b>New video</b>", zh = "<b>新视频</b>" }

The markup is Telegram's HTML. What is filled in ({name}) is escaped, unless it is itself `Marked`.
"""

from __future__ import annotations

import html
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Marked(str):
    """A text that is markup already."""


def spoken_by(code: str | None) -> Language:
    """The one of ours that suits what Telegram says of a person: "zh-hans", "en-GB", "de", None."""
    return "zh" if (code or "").lower().startswith("zh") else "en"


def say(language: str, key: str, /, **values: object) -> Marked:
    """The text of that key. Raises KeyError for one that is not there, and for a value that is missing."""
    text = catalogue()[key]["zh" if language == "zh" else "en"]
    given = {
        name: v if isinstance(v, Marked) else html.escape(str(v), quote=False) for name, v in values.items()
    }
    return Marked(text.format_map(given))


def bare(text: str) -> str:
    """A text without its markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def plain(language: str, key: str, /, **values: object) -> str:
    """The same for places that know no markup: buttons, alerts, the list of commands."""
    return catalogue()[key]["zh" if language == "zh" else "en"].format_map(values)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """key → language → text. The name of a file is not part of the key."""
    found: dict[str, dict[str, str]] = {}
    for file in files(__package__).iterdir():
        if file.name.endswith(".toml"):
            for section, texts in tomllib.loads(file.read_text("utf-8")).items():
                found |= {f"{section}.{name}": text for name, text in texts.items()}
    return found
