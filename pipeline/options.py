"""Options that a person wrote into a file: checked, and every mistake told with the place where it stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from models.errors import BadInput
from models.words import is_unicode
from pipeline.spec import A_TIME, A_TONE, TAGS, Language, Options

KNOWN = tuple(Options.model_fields)
SHOWN_CHARS = 40

_WANTED = {
    "tone": A_TONE,
    "language": f"one of {', '.join(get_args(Language))}",
    "music_volume": "a number from 0 to 1",
    "seed": "a whole number from 0 to 2147483647",
    "tags": TAGS,
    "publish": 'a list of names, such as "youtube, telegram"',
    "publish_at": A_TIME,
}


def check_options(said: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options that were said, by name, as JobSpec takes them; None means "not said".

    said:  texts, or the values of TOML and JSON.
    where: what they stand in, in words: "monday.toml", "row 3 of batch.csv".
    Raises BadInput: option_unknown, option_invalid. Whether a voice, a style or a track of that name
    exists is not looked at.
    """
    for name in said:
        check_name(name, where)
    given = {name: _plain(name, value, where) for name, value in said.items() if value is not None}
    try:
        checked = Options.model_validate(given)
    except ValidationError as e:
        name = str(e.errors()[0]["loc"][0])
        raise _invalid(name, said[name], where) from e
    return {name: getattr(checked, name) for name in given}


def check_name(name: str, where: str, known: Iterable[str] = KNOWN) -> None:
    """Raises BadInput `option_unknown`."""
    known = list(known)
    if name in known:
        return
    near = difflib.get_close_matches(name.strip().lower().replace("-", "_").replace(" ", "_"), known, 1)
    raise BadInput(
        f"{_short(name)} in {where} is not an option",
        code="option_unknown",
        hint=f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}.",
    )


def _plain(name: str, value: Any, where: str) -> Any:
    if isinstance(value, str):
        value = value.strip()
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and not is_unicode(text) for text in texts):
        raise BadInput(
            f"{name} in {where} is not valid Unicode",
            code="option_invalid",
            hint="Save the file as UTF-8.",
        )
    if isinstance(value, bool):  # true would pass for the number 1
        raise _invalid(name, value, where)
    return value


def _invalid(name: str, value: Any, where: str) -> BadInput:
    return BadInput(
        f"{name} in {where} must be {_WANTED.get(name, 'a text')}, not {shown(value)}",
        code="option_invalid",
        hint="Correct it, or take it out to use the default.",
    )


def shown(value: Any) -> str:
    """A value as it can stand in a sentence, whoever wrote it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    return repr(_short(value)) if isinstance(value, str) else _short(str(value))


def _short(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= SHOWN_CHARS else plain[:SHOWN_CHARS] + "…"
