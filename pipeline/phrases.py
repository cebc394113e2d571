"""Script + word times → cues: what stands on the screen, in which lines, from when to when.

The cues say the script: they are slices of it, in order, and only white space lies between them.
Widths come from outside, as a function of two offsets into the script.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import ceil

from models.engine import Sentence, Word
from models.progress import Progress
from pipeline.amounts import parts_amount
from pipeline.breaks import Piece, joints, letter_borders, loose_borders, pieces
from pipeline.rows import Rows, Width

MIN_S = 0.7  # what a person needs to read even one word
LONG_S = 5.0
GAP_S = 0.3  # shorter than this, an empty screen between two cues is a flicker
LINGER_S = 0.25  # how long a cue stays into a longer silence
FLOOR_S = 0.05  # no cue is shorter, whatever the word times say
LENDS_S = 1.0  # a cue that stays longer than this gives of its time to a neighbour that is too short
MOST_PIECES = 48  # in one cue; nobody reads more at once, however small the letters are
WHOLE = 0.6  # a word that would have to be smaller than this is broken, as the only thing that helps
SMALLEST_TITLE, EXTRA_LINES = 56, 2  # percent of the look's size; lines beyond its max_lines


@dataclass(frozen=True)
class Span:
    """A piece of the script with its time: script[begin:end], spoken start_s…end_s."""

    begin: int
    end: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Cue:
    """script[begin:end] on the screen from start_s to end_s.

    lines: the pieces of each line; a line reads script[line[0].begin:line[-1].end].
    scale: 1, or less where a single word is wider than the line.
    """

    lines: tuple[tuple[Span, ...], ...]
    start_s: float
    end_s: float
    scale: float = 1.0

    @property
    def begin(self) -> int:
        return self.lines[0][0].begin

    @property
    def end(self) -> int:
        return self.lines[-1][-1].end

    def line_texts(self, script: str) -> list[str]:
        """The lines as they are read: a line break of the script within a line is a space."""
        return [re.sub(r"\s*[\n\r]\s*", " ", script[line[0].begin : line[-1].end]) for line in self.lines]


def phrases(
    script: str,
    words: Sequence[Word],
    sentences: Sequence[Sentence],
    duration_s: float,
    width: Width,
    line_width: float,
    max_lines: int,
    language: str = "zh",
    progress: Progress | None = None,
) -> list[Cue]:
    """The whole script as cues that do not overlap and end by duration_s.

    width:      of script[begin:end], in the unit of line_width.
    line_width: what a line may be wide; a single piece that is wider gets a cue with scale < 1, and is broken
                when the scale would be less than WHOLE.
    sentences:  their begins are borders that a cue does not cross, but for very short sentences.
    progress:   gets a step for every sentence.
    """
    layout = _Layout(script, width, line_width, max_lines, line_width / WHOLE)
    spans = _timed(script, layout.fitting(pieces(script, language)), words, duration_s)
    groups: list[list[Span]] = []
    segments = _segments(script, spans, sentences)
    for done, segment in enumerate(segments, 1):
        groups += layout.split(segment)
        if progress:
            progress.step(done, len(segments))
    groups = _join_tiny(script, groups, layout)
    times = _times([(g[0].start_s, max(s.end_s for s in g)) for g in groups], duration_s)
    cues = []
    for group, (start_s, end_s) in zip(groups, times, strict=True):
        lines, scale = layout.lines(group)
        cues.append(Cue(lines, start_s, end_s, scale))
    return cues


def wrap(text: str, width: Width, line_width: float, max_lines: int, language: str = "zh") -> Cue | None:
    """A text that has no times (a title) in max_lines lines, or shrunk, or, at last, in two lines more.

    None when it is too long even for that. Raises ValueError when the text is empty.
    """
    found = pieces(text, language)
    if not found:
        raise ValueError("nothing to wrap")
    for count in range(max_lines, max_lines + EXTRA_LINES + 1):
        for percent in range(100, SMALLEST_TITLE - 1, -4):
            layout = _Layout(text, width, line_width * 100 / percent, count, line_width / WHOLE)
            lines = layout.balanced([Span(p.begin, p.end, 0.0, 0.0) for p in layout.fitting(found)])
            if lines:
                return Cue(lines, 0.0, 0.0, percent / 100)
    return None


def title_room(line_width: float, max_lines: int) -> float:
    """About how wide a text `wrap` takes, if it were on one line: lines are seldom quite full."""
    return 0.85 * (max_lines + EXTRA_LINES) * line_width * 100 / SMALLEST_TITLE


@dataclass(frozen=True)
class _Layout:
    """whole_width: a word up to this wide is not broken, even if it is wider than the line."""

    script: str
    width: Width
    line_width: float
    max_lines: int
    whole_width: float

    def fitting(self, found: Sequence[Piece]) -> list[Piece]:
        """Pieces wider than a line broken: Chinese between its characters, far too long words anywhere."""
        loose = chain.from_iterable(self._filled(piece) for piece in found)
        return list(chain.from_iterable(self._broken(piece) for piece in loose))

    def _filled(self, piece: Piece) -> list[Piece]:
        if self.width(*piece) <= self.line_width:
            return [piece]
        parts, begin = [], piece.begin
        for this, following in pairwise([*loose_borders(self.script, piece), piece.end]):
            if self.width(begin, following) > self.line_width:
                parts.append(Piece(begin, this))
                begin = this
        return [*parts, Piece(begin, piece.end)]

    def _broken(self, piece: Piece) -> list[Piece]:
        """A word that would be unreadably small whole: at its joints, and what is still too wide evenly."""
        if self.width(*piece) <= max(self.whole_width, self.line_width):
            return [piece]
        edges = [piece.begin, *joints(self.script, piece), piece.end]
        return [part for edge in pairwise(edges) for part in self._even(Piece(*edge))]

    def _even(self, piece: Piece) -> list[Piece]:
        parts, begin = [], piece.begin
        places = [*letter_borders(self.script, piece), piece.end]
        while (rest := self.width(begin, piece.end)) > self.line_width:
            target = rest / ceil(rest / self.line_width)
            first = at = bisect_right(places, begin)
            while at + 1 < len(places) and self.width(begin, places[at]) < target:
                at += 1
            if at > first and self.width(begin, places[at]) > self.line_width:
                at -= 1
            parts.append(Piece(begin, places[at]))
            begin = places[at]
        return [*parts, Piece(begin, piece.end)] if begin < piece.end else parts

    def split(self, segment: Sequence[Span]) -> list[list[Span]]:
        """A sentence into the cues that read best: the cheapest way, found from its end backwards."""
        n = len(segment)
        rows = self._rows(segment, MOST_PIECES)
        best = [0.0] * (n + 1)
        cut_at = [n] * (n + 1)
        for i in range(n - 1, -1, -1):
            furthest = min(rows.reach(i)[-1], i + MOST_PIECES)
            # A word wider than the line: alone, and shrunk.
            best[i], cut_at[i] = (float("inf"), n) if furthest > i else (best[i + 1], i + 1)
            for j in range(i + 1, furthest + 1):
                cost = _cue_cost(segment, rows, i, j, best[i] - best[j])
                if cost + best[j] < best[i]:
                    best[i], cut_at[i] = cost + best[j], j
        groups, i = [], 0
        while i < n:
            groups.append(list(segment[i : cut_at[i]]))
            i = cut_at[i]
        return groups

    def balanced(self, group: Sequence[Span]) -> tuple[tuple[Span, ...], ...] | None:
        """As few lines as hold the group, of the most equal width; None when max_lines are too few."""
        found = self._rows(group).balanced(0, len(group))
        return tuple(tuple(group[a:b]) for a, b in pairwise(found[1])) if found else None

    def takes(self, group: Sequence[Span]) -> bool:
        """Do they fit on the screen together, with no amount parted by the end of a line?"""
        lines = self.balanced(group)
        return lines is not None and not any(parts_amount(self.script, line[0].begin) for line in lines[1:])

    def lines(self, group: Sequence[Span]) -> tuple[tuple[tuple[Span, ...], ...], float]:
        """The lines of a finished cue, and by how much its font shrinks so that they fit."""
        lines = self.balanced(group) or (tuple(group),)
        widest = max(self.width(line[0].begin, line[-1].end) for line in lines)
        return lines, min(1.0, self.line_width / widest) if widest else 1.0

    def _rows(self, spans: Sequence[Span], most: int | None = None) -> Rows:
        return Rows(self.script, spans, self.width, self.line_width, self.max_lines, most)


def _cue_cost(segment: Sequence[Span], rows: Rows, i: int, j: int, limit: float) -> float:
    """What segment[i:j] as one cue costs the reader; infinite when that is more than the limit."""
    seconds = segment[j - 1].end_s - segment[i].start_s
    border = 0.0
    if j < len(segment):
        border = 1.2 * rows.borders[j] - min(max(segment[j].start_s - segment[j - 1].end_s, 0.0), 0.6)
    hurry, length = 3.0 * max(0.0, 1.0 - seconds), max(0.0, seconds - LONG_S)
    left = limit - (1.0 + hurry + length + border) + 1e-9  # what rounding may have taken
    found = rows.balanced(i, j, left) if left > 0 else None
    return 1.0 + found[0] + hurry + length + border if found else float("inf")


def _timed(script: str, found: Sequence[Piece], words: Sequence[Word], duration_s: float) -> list[Span]:
    """When each piece is spoken: with the words in it; between its neighbours when there are none."""
    marks = [(0, 0.0), (len(script), duration_s)]
    if words:
        marks = [m for w in words for m in ((w.begin, w.start_s), (w.end, w.end_s))]
    marks.sort()
    offsets = [offset for offset, _ in marks]

    def time_at(offset: int, *, ending: bool) -> float:
        # At a border of two words both times stand; a piece that ends there takes the earlier one.
        at = bisect_right(offsets, offset - 1 if ending else offset)
        if at == 0 or at == len(marks):
            return marks[min(at, len(marks) - 1)][1]
        (left, earlier), (right, later) = marks[at - 1], marks[at]
        return earlier + (later - earlier) * (offset - left) / (right - left) if right > left else later

    spans, last = [], 0.0
    for piece in found:
        # Without its punctuation: that is silence, and the next word's time would leak in.
        core = [i for i in range(*piece) if script[i].isalnum()] or [piece.begin]
        start_s = min(max(time_at(core[0], ending=False), last), duration_s)
        end_s = min(max(time_at(core[-1] + 1, ending=True), start_s), duration_s)
        spans.append(Span(piece.begin, piece.end, start_s, end_s))
        last = end_s
    return spans


def _segments(script: str, spans: Sequence[Span], sentences: Sequence[Sentence]) -> list[list[Span]]:
    """The spans, parted where a sentence or paragraph begins."""
    begins = {s.begin for s in sentences}
    segments: list[list[Span]] = []
    for span in spans:
        if segments:
            before = segments[-1][-1]
            new = any(i in begins for i in range(before.end, span.begin + 1)) or _paragraph(
                script, before, span
            )
        else:
            new = True
        if new:
            segments.append([])
        segments[-1].append(span)
    return segments


def _paragraph(script: str, before: Span, after: Span) -> bool:
    return script[before.end : after.begin].count("\n") >= 2


def _join_tiny(script: str, groups: list[list[Span]], layout: _Layout) -> list[list[Span]]:
    """Cues too short to be read ("Yes.", a lone "---") join a neighbour where both fit together."""
    joined: list[list[Span]] = []
    for i, group in enumerate(groups):
        if joined:
            before = joined[-1]
            limit = groups[i + 1][0].start_s if i + 1 < len(groups) else float("inf")
            tiny = _room(before, group[0].start_s) < MIN_S or _room(group, limit) < MIN_S
            close = group[0].start_s - before[-1].end_s < 1.0 and not _paragraph(script, before[-1], group[0])
            silent = before[0].start_s == before[-1].end_s or group[0].start_s == group[-1].end_s
            short = len(before) + len(group) <= MOST_PIECES
            if tiny and (close or silent) and short and layout.takes([*before, *group]):
                joined[-1] = [*before, *group]
                continue
        joined.append(group)
    return joined


def _room(group: Sequence[Span], next_s: float) -> float:
    """How long the group can stay on the screen."""
    return max(min(next_s, group[-1].end_s + MIN_S) - group[0].start_s, 0.0)


def _times(spoken: Sequence[tuple[float, float]], duration_s: float) -> list[tuple[float, float]]:
    """When each cue shows: as spoken, but long enough to read, without flicker and without overlap."""
    count = len(spoken)
    floor = min(FLOOR_S, duration_s / count) if count else 0.0
    starts: list[float] = []
    for i, (start_s, _) in enumerate(spoken):
        earliest = starts[-1] + floor if starts else 0.0
        starts.append(min(max(start_s, earliest), duration_s - floor * (count - i)))
    shown: list[tuple[float, float]] = []
    for i, start in enumerate(starts):
        spoken_end = spoken[i][1]
        until = starts[i + 1] if i + 1 < count else duration_s
        end = max(spoken_end + LINGER_S, start + MIN_S)
        if until - spoken_end < GAP_S + LINGER_S or end > until:
            end = until
        if end - start < MIN_S:  # no silence after it: come a little before the voice, if the screen is free
            free = shown[-1][1] if shown else 0.0
            start = max(free, min(start, end - MIN_S), 0.0)
        shown.append((start, end))
    return _lent(shown)


def _lent(shown: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cues that are too short to be read, made longer by what long neighbours can spare."""
    lent = list(shown)
    for i, (start, end) in enumerate(lent):
        short = MIN_S - (end - start)
        if short <= 0:
            continue
        before = _spare(lent[i - 1]) if i and lent[i - 1][1] >= start else 0.0
        after = _spare(lent[i + 1]) if i + 1 < len(lent) and lent[i + 1][0] <= end else 0.0
        early = min(before, max(short / 2, short - after))
        late = min(after, short - early)
        if early:
            lent[i - 1] = lent[i - 1][0], start - early
        if late:
            lent[i + 1] = end + late, lent[i + 1][1]
        lent[i] = start - early, end + late
    return lent


def _spare(cue: tuple[float, float]) -> float:
    return max(cue[1] - cue[0] - LENDS_S, 0.0)
