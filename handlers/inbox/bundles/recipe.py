"""What a video is made of: one script or recording, one clip, perhaps options; and what is missing of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from handlers.inbox.bundles.bundle import Role, Source
from handlers.inbox.look.scan import Entry
from handlers.inbox.names import passing_for, role_of

UNIQUE: tuple[Role, ...] = ("script", "clip", "speech", "options")  # of each, one at most


@dataclass(frozen=True)
class Rules:
    """The arguments of `bundles.sort_out`."""

    settled: Callable[[str], bool]
    batch_files: Callable[[str], Collection[str]]
    presenter: bool
    patient: Callable[[str], bool]


@dataclass(frozen=True)
class Group:
    """Files that belong together. stem: what people call them."""

    stem: str
    files: tuple[Entry, ...]

    def of(self, role: Role) -> list[str]:
        """The names of those that have this role, sorted."""
        return self._by_role.get(role, [])

    @cached_property
    def _by_role(self) -> dict[Role, list[str]]:
        by_role: dict[Role, list[str]] = {}
        for name in sorted(entry.name for entry in self.files):
            by_role.setdefault(role_of(name), []).append(name)
        return by_role

    @property
    def twice(self) -> Role | None:
        """A role that more than one of them has, though only one can."""
        return next((role for role in UNIQUE if len(self.of(role)) > 1), None)

    @property
    def empty(self) -> str | None:
        """One of them with nothing in it. (Options may well say nothing.)"""
        for entry in self.files:
            if not entry.mark.size and role_of(entry.name) in ("script", "clip", "speech"):
                return entry.name
        return None

    def missing(self, presenter: bool) -> Role | None:
        if not self.of("script") and not self.of("speech"):
            return "script"
        return None if self.of("clip") or presenter else "clip"

    @property
    def sources(self) -> tuple[Source, ...]:
        roles: tuple[Role, ...] = (*UNIQUE, "note")
        return tuple(Source(name, role) for role in roles for name in self.of(role))


def is_coming(name: str) -> bool:
    """Whether it is the temporary name of a file that is on its way."""
    return role_of(name) == "passing" and passing_for(name) is not None


def is_part(name: str) -> bool:
    """Whether it is there for somebody's sake, and not left behind by a program."""
    return role_of(name) not in ("junk", "passing")


def complete(entries: Iterable[Entry]) -> int:
    """When the last of them was changed."""
    return max(entry.mark.ctime_ns for entry in entries)
