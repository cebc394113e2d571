"""Which kinds of places there are: those in kinds/, and those that other packages bring.

A package brings one by an entry point whose object is a `Kind`:

    [project.entry-points."vigentd.publish"]
    vimeo = "vigentd_vimeo:KIND"

Nothing is imported before it is asked for by name, and one that is broken is nobody else's trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from handlers.publish.kind import Kind
from models.errors import BadInput, Unavailable, VigentdError

GROUP = "vigentd.publish"
BUILT_IN = ("command", "folder", "peertube", "s3", "telegram", "webhook", "youtube")
INSTALL = "pip install 'vigentd[publish]'"


def _installed() -> Iterable[EntryPoint]:
    return entry_points(group=GROUP)


@dataclass(frozen=True)
class Known:
    """A kind there is. package: who brings it; "" for ours. trouble: why it cannot be used; "" for none."""

    name: str
    package: str = ""
    trouble: str = ""


class Registry:
    """brought: the entry points of other packages, asked for each time."""

    def __init__(self, brought: Callable[[], Iterable[EntryPoint]] = _installed) -> None:
        self._brought = brought

    def names(self) -> list[str]:
        """Imports nothing."""
        return sorted({*BUILT_IN, *(point.name for point in self._brought())})

    def kind(self, name: str) -> Kind[Any]:
        """Raises BadInput `unknown_kind`, and Unavailable `kind_broken` when it cannot be imported."""
        if name in BUILT_IN:
            return _ours(name)
        points = [point for point in self._brought() if point.name == name]
        if not points:
            raise BadInput(
                f"There is no kind of target called {name}",
                code="unknown_kind",
                hint=f"There are: {', '.join(self.names())}",
            )
        if len(points) > 1:
            raise _broken(points[0], f"{_package(points[1])} brings it, too")
        return _theirs(points[0])

    def known(self) -> list[Known]:
        """All, by name, with what is wrong with those of others. Imports these."""
        theirs = [Known(p.name, _package(p), self._trouble(p)) for p in self._brought()]
        return sorted([*map(Known, BUILT_IN), *theirs], key=lambda known: (known.name, known.package))

    def _trouble(self, point: EntryPoint) -> str:
        if point.name in BUILT_IN:
            return "the built-in kind of that name is used instead"
        try:
            self.kind(point.name)
        except VigentdError as e:
            return e.message
        return ""


def _ours(name: str) -> Kind[Any]:
    try:
        found = import_module(f"handlers.publish.kinds.{name}").KIND
    except ImportError as e:
        raise Unavailable(
            f"Targets of the kind {name} need what is not installed: {e}",
            code="kind_not_installed",
            hint=f"Install it: {INSTALL}",
        ) from e
    assert isinstance(found, Kind)
    return found


def _theirs(point: EntryPoint) -> Kind[Any]:
    try:
        found = point.load()
    except (Exception, SystemExit) as e:  # whatever somebody else's module does while it is imported
        raise _broken(point, f"{type(e).__name__}: {e}" if str(e) else type(e).__name__) from e
    if not isinstance(found, Kind):
        raise _broken(point, f"{point.value} is not a Kind")
    if found.name != point.name:
        raise _broken(point, f"{point.value} calls itself {found.name}")
    return found


def _broken(point: EntryPoint, why: str) -> Unavailable:
    return Unavailable(
        f"{_package(point)} brings the kind of target {point.name}, which cannot be used: {why}",
        code="kind_broken",
        hint="Update or remove that package; all other kinds work",
    )


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.module
