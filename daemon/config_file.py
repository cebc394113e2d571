"""Reads the configuration, and says exactly where a mistake in it is."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings.exceptions import SettingsError

from daemon.anchoring import alternatives, anchored, listed_in, section_of
from daemon.config import ENV_DELIMITER, ENV_PREFIX, LIKE_A_TOKEN, Config
from daemon.config_place import FILE_VARIABLE, find
from daemon.inbox_rules import mistake
from models.errors import BadInput

Key = tuple[str, ...]

LISTS: tuple[Key, ...] = ("inbox",), ("publish", "target"), ("publish", "slot")


@dataclass(frozen=True)
class Loaded:
    """The configuration in force; the file it came from, if any; and for each key that was set, where."""

    config: Config
    file: Path | None = None
    places: Mapping[Key, str] = field(default_factory=dict)


def load(named: Path | None = None, model: type[Config] = Config) -> Loaded:
    """Raises BadInput `config_missing` or `config_invalid`, naming the key and its place."""
    file = find(named)
    raw, places = _read(file, model) if file else ({}, {})
    for key, name in _environment(model).items():  # it wins over the key, and over all that stands below it
        places = {k: place for k, place in places.items() if k[: len(key)] != key} | {key: name}
    try:
        config = model(**raw)
    except ValidationError as e:
        raise _explained(e, model, places, file) from e
    except SettingsError as e:
        lists = [name for name in map(variable, LISTS) if name in os.environ]
        raise BadInput(
            f"{' or '.join(lists)} is not valid JSON",
            code="config_invalid",
            hint='It has to look like [{"name": "main", "path": "/srv/inbox"}].',
        ) from e
    if wrong := mistake(config):
        place = _place(wrong.key, places, file)
        raise BadInput(f"{_dotted(wrong.key)} {wrong.what} ({place})", code="config_invalid", hint=wrong.hint)
    if file is not None:
        config = config.model_copy(update={"publish": config.publish.standing_in(file.parent)})
    return Loaded(config, file, places)


def _read(file: Path, model: type[BaseModel]) -> tuple[dict[str, Any], dict[Key, str]]:
    """The file's values, with its relative paths made relative to it, and where each key stands."""
    try:
        text = file.read_bytes().decode("utf-8")
        raw = tomllib.loads(text)
    except OSError as e:
        raise BadInput(
            f"The configuration file {file} cannot be read: {e.strerror}", code="config_invalid"
        ) from e
    except UnicodeDecodeError as e:
        raise BadInput(f"The configuration file {file} is not UTF-8 text", code="config_invalid") from e
    except tomllib.TOMLDecodeError as e:
        at_line = re.search(r"\(at line (\d+)", str(e))
        line = at_line[1] if at_line else len(text.splitlines())  # else: "(at end of document)"
        what = str(e).split(" (at ")[0]
        raise BadInput(
            f"The configuration is not valid TOML at {file}:{line}: {what[:1].lower()}{what[1:]}",
            code="config_invalid",
            hint='Text stands in quotes: mark = "AI". Sections stand in brackets: [queue].',
        ) from e
    places = {key: f"{file}:{line}" for key, line in _lines(text).items()}
    return anchored(raw, model, file.parent), places


_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


def _lines(text: str) -> dict[Key, int]:
    """Key → line. tomllib keeps no positions; this reads the plain ways to write a key."""
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}  # of the tables of a list, [[inbox]]
    section: Key = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            section = _parts(header[2])
            if header[1] == "[[":
                counts[section] = counts.get(section, 0) + 1
            for length in range(len(section), 0, -1):  # [inbox.preset] belongs to the last [[inbox]]
                if count := counts.get(section[:length]):
                    section = (*section[:length], str(count - 1), *section[length:])
            lines.setdefault(section, number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault(section + _parts(assignment[1]), number)
    return lines


def _parts(dotted: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


# ---------------------------------------------------------------- the environment


def _environment(model: type[BaseModel]) -> dict[Key, str]:
    """Key → the variable that sets it. An unknown VIGENTD_ variable is an error: it is a typing mistake."""
    known = {variable(key): key for key in keys(model)}
    found: dict[Key, str] = {}
    for name in os.environ:
        if not name.startswith(ENV_PREFIX) or name == FILE_VARIABLE:
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise BadInput(
                f"The environment variable {name} is not a configuration key",
                code="config_invalid",
                hint=f"Did you mean {near[0]}?" if near else "`vigentd config show` lists all keys.",
            )
        found[known[name]] = name
    return found


def variable(key: Key) -> str:
    return ENV_PREFIX + ENV_DELIMITER.join(key).upper()


def keys(model: type[BaseModel]) -> Iterator[Key]:
    """All keys that can be set, in order."""
    for name, info in model.model_fields.items():
        if section := section_of(info):
            yield from ((name, *rest) for rest in keys(section))
        else:
            yield (name,)


# ---------------------------------------------------------------- mistakes


def _explained(
    error: ValidationError, model: type[BaseModel], places: Mapping[Key, str], file: Path | None
) -> BadInput:
    """The first mistake, as one sentence with its key and place."""
    first = error.errors()[0]
    key: Key = tuple(str(part) for part in first["loc"])
    place = _place(key, places, file)
    if first["type"] == "extra_forbidden":
        return _unknown(key, model, place)
    if first["type"] == "missing":
        hint = f"Write a line {key[-1]} = … there."
        return BadInput(f"{_dotted(key)} is missing ({place})", code="config_invalid", hint=hint)
    return BadInput(
        f"{_dotted(key)} {_what_is_wrong(first, _field(model, key))} ({place})",
        code="config_invalid",
        hint="Correct the value, or take the key out to use the default.",
    )


def _what_is_wrong(first: Any, info: FieldInfo | None) -> str:
    """first: of pydantic's errors."""
    header = ".".join(part for part in first["loc"] if isinstance(part, str))
    if info is not None and listed_in(info):
        is_one_of_them = isinstance(first["loc"][-1], int)
        what = "a section, and its keys stand" if is_one_of_them else "a list of sections, and each stands"
        return f"is {what} under [[{header}]]"
    if info is not None and section_of(info):
        if first["type"] == "value_error":  # two of its keys do not go together; what they are may be secret
            return str(first["msg"]).removeprefix("Value error, ")
        return f"is a section, and its keys stand under [{header}]"
    wanted = "should be a path" if first["type"] == "path_type" else str(first["msg"])
    wanted = re.sub(r"^(Input should|Value error, should)", "should", wanted)
    if first["type"].startswith("bool"):
        wanted = "should be true or false"
    secret = info is not None and SecretStr in alternatives(info.annotation)
    # Nor is it told when it stands where something else belongs.
    return wanted if secret else LIKE_A_TOKEN.sub("[token]", f"{wanted}, not {first['input']!r}")


def _dotted(key: Key) -> str:
    """inbox[0].settle"""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in key).removeprefix(".")


def _unknown(key: Key, model: type[BaseModel], place: str) -> BadInput:
    parent = _field(model, key[:-1])
    section = (section_of(parent) or listed_in(parent)) if parent else model
    known = list(section.model_fields) if section else []
    near = difflib.get_close_matches(key[-1], known, 1)
    below = {".".join(k) for k in (_nested(section) if section else ()) if k[-1] == key[-1]}
    everywhere = {".".join(k) for k in keys(model) if k[-1] == key[-1]}
    if near or below or everywhere:
        hint = f"Did you mean {(near or sorted(below) or sorted(everywhere))[0]}?"
    else:
        hint = f"Known here: {', '.join(known)}."
    return BadInput(f"{_dotted(key)} is not a configuration key ({place})", code="config_invalid", hint=hint)


def _nested(model: type[BaseModel]) -> Iterator[Key]:
    """All keys within its sections, and within those that are lists."""
    for name, info in model.model_fields.items():
        if section := section_of(info) or listed_in(info):
            yield from ((name, key) for key in section.model_fields)
            yield from ((name, *rest) for rest in _nested(section))


def _place(key: Key, places: Mapping[Key, str], file: Path | None) -> str:
    """Where the key, or the nearest section around it, was set."""
    for length in range(len(key), 0, -1):
        if key[:length] in places:
            return places[key[:length]]
    return str(file or "default")


def _field(model: type[BaseModel], key: Key) -> FieldInfo | None:
    info = None
    for part in key:
        if part.isdigit():  # of a list; what is asked for stands in its kind
            continue
        info = model.model_fields.get(part)
        if info is None:
            return None
        model = section_of(info) or listed_in(info) or BaseModel
    return info
