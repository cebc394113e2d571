"""Which lines a run of pieces can be set in, and which of these ways reads best.

Every width is worked out once, and no search looks further than max_lines full lines: the work grows with
the length of the text, not with its square.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from pipeline.breaks import Piece, border_cost

Width = Callable[[int, int], float]


class Stretch(Protocol):
    """script[begin:end]."""

    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...


class Rows:
    """The lines that neighbouring pieces of a script can make. Positions below count pieces.

    width:      of script[begin:end], in the unit of line_width; longer text is never narrower.
    most:       pieces in a line, however narrow they are.
    borders:    what a break before each piece costs the reader (see `border_cost`).
    """

    def __init__(
        self,
        script: str,
        pieces: Sequence[Stretch],
        width: Width,
        line_width: float,
        max_lines: int,
        most: int | None = None,
    ) -> None:
        self._pieces, self._width = pieces, width
        self._most = most or len(pieces)
        self._line_width, self._max_lines = line_width, max_lines
        whole = [Piece(p.begin, p.end) for p in pieces]
        self.borders = [0.0, *(border_cost(script, *pair) for pair in pairwise(whole))]
        self._widths: dict[int, array[float]] = {}
        self._reach: dict[int, list[int]] = {}

    def reach(self, begin: int) -> list[int]:
        """How far one line from this piece on gets, how far two, … up to max_lines."""
        if begin not in self._reach:
            ends = [begin]
            for _ in range(self._max_lines):
                ends.append(ends[-1] + len(self._line(ends[-1])))
            self._reach[begin] = ends[1:]
        return self._reach[begin]

    def balanced(
        self, begin: int, end: int, limit: float = float("inf")
    ) -> tuple[float, tuple[int, ...]] | None:
        """As few lines as hold pieces[begin:end], of the most equal width: their raggedness and edges.

        None when max_lines are too few, or when every way is as ragged as the limit or more.
        """
        count = next((n for n, furthest in enumerate(self.reach(begin), 1) if furthest >= end), 0)
        if not count:
            return None
        best = self._search((begin,), float("inf"), 0.0, 0.0, end, count, (limit, ()))
        return best if best[1] else None

    def _search(
        self,
        edges: tuple[int, ...],
        narrowest: float,
        widest: float,
        borders: float,
        end: int,
        count: int,
        best: tuple[float, tuple[int, ...]],
    ) -> tuple[float, tuple[int, ...]]:
        """The best way to go on from these edges with count lines to the end, if it beats the best."""
        begin = edges[-1]
        widths = self._line(begin)
        first = end if count == 1 else begin + 1
        for edge in range(first, min(begin + len(widths), end - count + 1) + 1):
            if count > 1 and self.reach(edge)[count - 2] < end:
                continue
            width = widths[edge - begin - 1]
            narrow, wide = min(narrowest, width), max(widest, width)
            broken = borders + (self.borders[edge] if count > 1 else 0.0)
            uneven = (wide - narrow) / self._line_width
            ragged = 1.5 * uneven**2 + 0.35 * broken
            if ragged >= best[0]:  # and more lines only make it worse
                continue
            if count == 1:
                best = ragged, (*edges, edge)
            else:
                best = self._search((*edges, edge), narrow, wide, broken, end, count - 1, best)
        return best

    def _line(self, begin: int) -> array[float]:
        """The widths of one, two, … pieces from this one on, as many as a line holds."""
        if begin not in self._widths:
            widths = self._widths[begin] = array("d")
            for at in range(begin, min(begin + self._most, len(self._pieces))):
                width = self._width(self._pieces[begin].begin, self._pieces[at].end)
                if width > self._line_width:
                    break
                widths.append(width)
        return self._widths[begin]
