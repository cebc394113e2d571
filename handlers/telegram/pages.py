"""Long lists, of which one page is seen at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handlers.telegram.content import Button

LONGEST = 15  # digits of a number in a button


@dataclass(frozen=True)
class Pages:
    """there: entries in all. size: of a page. wanted: the page to be seen; the last, if it is beyond."""

    there: int
    size: int
    wanted: int

    @property
    def many(self) -> int:
        return max(-(-self.there // self.size), 1)

    @property
    def page(self) -> int:
        return min(max(self.wanted, 0), self.many - 1)

    @property
    def first(self) -> int:
        """Of the entries on this page, counted from 0."""
        return self.page * self.size


def turns(pages: Pages, data: Callable[[int], str]) -> tuple[tuple[Button, ...], ...]:
    """A row with ◀ and ▶, as far as there is something. data: what the button for a page says."""
    row = tuple(
        Button(arrow, data(other))
        for arrow, other in (("◀", pages.page - 1), ("▶", pages.page + 1))
        if 0 <= other < pages.many
    )
    return (row,) if row else ()


def number(said: str) -> int:
    """What a button says where a number belongs. Anybody can press a button that we never made: then 0."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= LONGEST else 0
