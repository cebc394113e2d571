"""Paths in a configuration are relative to the file that they stand in."""

from __future__ import annotations

import contextlib
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.spec import NAME_OR_FILE


def anchored(raw: dict[str, Any], model: type[BaseModel], folder: Path) -> dict[str, Any]:
    whole = dict(raw)
    for name, info in model.model_fields.items():
        value = raw.get(name)
        section = section_of(info) or listed_in(info)
        if section and isinstance(value, dict):
            whole[name] = anchored(value, section, folder)
        elif section and isinstance(value, list):
            whole[name] = [anchored(one, section, folder) if isinstance(one, dict) else one for one in value]
        elif isinstance(value, str) and value:
            named_file = NAME_OR_FILE in info.metadata and "/" in value
            if named_file or Path in alternatives(info.annotation):
                with contextlib.suppress(RuntimeError):  # ~nobody: told when the value is checked
                    whole[name] = str(folder / Path(value).expanduser())
    return whole


def section_of(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def listed_in(info: FieldInfo) -> type[BaseModel] | None:
    """The section of which the field is a list."""
    kind = next(iter(get_args(info.annotation)), None) if get_origin(info.annotation) is tuple else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
