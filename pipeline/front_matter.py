"""Front matter: options at the head of a script, between two lines of --- (YAML) or of +++ (TOML).

    ---
    title: Good morning
    music: none
    ---
    Good morning, and welcome.

A script may also begin with a Markdown rule, which is --- too. So a block is taken for front matter only
when it is closed and holds options; everything else is text, and is spoken.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

from models.errors import BadInput

LONGEST_TOML = 8192  # characters: to read a hundred thousand can take its reader a minute
TO_BE_SPOKEN = "If these lines are to be spoken, take away the --- or +++ above them."

_FENCE = re.compile(r"\ufeff?(?:[ \t]*\r?\n)*(---|\+\+\+)[ \t]*\r?\n")
# How the first line that says something begins: "key: value"; in TOML, "key = value" or "[table]".
_SAYS_YAML = re.compile(r"""["']?[A-Za-z_][\w-]*["']?[ \t]*:(?:\s|$)""")
_SAYS_TOML = re.compile(r"""["']?[A-Za-z_][\w.-]*["']?[ \t]*=|\[""")
_WORD = re.compile(r"[A-Za-z_][\w-]*")


def split(text: str) -> tuple[dict[str, Any], str]:
    """What is said at the head of the script, and the text below it; ({}, text) when nothing is.

    In YAML every value is a text, a list of what is in it, or (nothing behind the colon) None: `no` and
    `12:30` stay what they are. In TOML it is what TOML says. Raises BadInput `front_matter_invalid`.
    """
    opening = _FENCE.match(text)
    if opening is None:
        return {}, text
    closing = re.compile(rf"^{re.escape(opening[1])}[ \t]*\r?(?:\n|\Z)", re.M).search(text, opening.end())
    if closing is None:
        return {}, text
    block = text[opening.end() : closing.start()]
    above = text.count("\n", 0, opening.end())
    said = _yaml(block, above) if opening[1] == "---" else _toml(block, above)
    return (said, text[closing.end() :]) if said is not None else ({}, text)


def _toml(block: str, above: int) -> dict[str, Any] | None:
    if len(block) > LONGEST_TOML:
        if not _SAYS_TOML.match(_first_line(block)):
            return None
        raise _invalid("TOML", above + 1, f"they have more than {LONGEST_TOML:,} characters")
    try:
        return tomllib.loads(block.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        if not _SAYS_TOML.match(_first_line(block)):
            return None
        what, _, at = str(e).partition(" (at ")
        line = re.match(r"line (\d+)", at)
        raise _invalid("TOML", above + (int(line[1]) if line else 1), what) from e


def _yaml(block: str, above: int) -> dict[str, Any] | None:
    try:
        return _mapping(block, above)
    except (yaml.YAMLError, RecursionError) as e:
        if not _SAYS_YAML.match(_first_line(block)):
            return None
        what = getattr(e, "problem", None) or "it cannot be read"
        raise _invalid("YAML", above + _line_of(e, block) + 1, what) from e


def _first_line(block: str) -> str:
    """The first that is neither blank nor a comment."""
    # Not with one pattern over all of them: where two of its parts can take the same \r, it tries every way.
    lines = (line.strip(" \t\r") for line in block.split("\n"))
    return next((line for line in lines if line and not line.startswith("#")), "")


def _line_of(error: Exception, block: str) -> int:
    """From 0."""
    if not isinstance(error, yaml.MarkedYAMLError):  # a character that YAML does not take
        return block.count("\n", 0, getattr(error, "position", 0))
    never_closed = error.context_mark if "end of stream" in str(error.problem) else None
    mark = never_closed or error.problem_mark
    return mark.line if mark else 0


def _mapping(block: str, above: int) -> dict[str, Any] | None:
    """None for what is no mapping, or has no key that is a word: "Dear friends: welcome" is prose."""
    node = yaml.compose(block, Loader=yaml.BaseLoader)
    if not isinstance(node, yaml.MappingNode):
        return None
    said: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        if name in said:
            raise _invalid("YAML", above + key.start_mark.line + 1, f"{name} is said twice")
        said[name] = _value(value)
    return said if any(map(_WORD.fullmatch, said)) else None


def _value(node: yaml.Node) -> Any:
    """Only as deep as an option goes: what lies deeper is named, not built, however often it is repeated."""
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.value or node.style else None
    if isinstance(node, yaml.SequenceNode):
        return [part.value if isinstance(part, yaml.ScalarNode) else {} for part in node.value]
    return {}


def _invalid(language: str, line: int, what: str) -> BadInput:
    plain = "".join(c if c.isprintable() else " " for c in what[:1].lower() + what[1:])
    return BadInput(
        f"The options at the head of the script are not valid {language}, line {line}: {plain}",
        code="front_matter_invalid",
        hint=f"A text with a colon in it stands in quotes. {TO_BE_SPOKEN}",
    )
