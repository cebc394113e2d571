"""A file of options beside a script: monday.toml, or job.toml in the folder of a job."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from handlers.inbox.contents.texts import read_text
from models.errors import BadInput
from pipeline.options import check_options

LIMIT = 8192  # bytes: reading TOML takes time that grows much faster than the text


def read_options(path: Path, name: str) -> dict[str, Any]:
    """What is said there, by name of option. name: what people call the file.

    Raises BadInput: options_invalid, option_unknown, option_invalid, and as read_text.
    """
    text = read_text(path, name, LIMIT)
    try:
        said = tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        what = str(e) if isinstance(e, tomllib.TOMLDecodeError) else "it is nested too deeply"
        raise BadInput(
            f"{name} is not valid TOML: {what[:1].lower()}{what[1:]}",
            code="options_invalid",
            hint='A line is an option: title = "Good morning". Texts and times stand in quotes.',
        ) from e
    check_options(said, name)
    return said
