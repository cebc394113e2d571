"""Which vigentd this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    try:
        return version("vigentd")
    except PackageNotFoundError:
        return "(not installed: running from its source)"
