"""Times, lengths and sizes as people read them."""

from __future__ import annotations

from handlers.telegram.texts import Marked, say


def time_left(language: str, seconds: float) -> Marked:
    """Coarse, so that it does not change all the time: 25 s, 1 min 30 s, 12 min, 2 h 5 min."""
    s = max(round(seconds), 1)
    if s < 60:
        return say(language, "unit.seconds", n=s if s < 10 else -(-s // 5) * 5)
    return time_taken(language, -(-s // 30) * 30 if s < 300 else -(-s // 60) * 60)


def time_taken(language: str, seconds: float) -> Marked:
    s = round(seconds)
    if s < 60:
        return say(language, "unit.seconds", n=s)
    if s < 3600:
        m, s = divmod(s, 60)
        if s == 0 or m >= 10:
            return say(language, "unit.minutes", n=m)
        return say(language, "unit.minutes_seconds", m=m, s=s)
    return say(language, "unit.hours", h=s // 3600, m=s % 3600 // 60)


def length(seconds: float) -> str:
    """Of a video: 0:07, 12:30, 1:02:03."""
    s = round(seconds)
    hours, minutes = s // 3600, s % 3600 // 60
    return f"{hours}:{minutes:02}:{s % 60:02}" if hours else f"{minutes}:{s % 60:02}"


def size(bytes_: int) -> str:
    """12 kB, 20 MB, 31.4 MB, 72.8 GB."""
    if bytes_ < 999_500:
        return f"{max(bytes_ / 1e3, 1):.0f} kB"
    if bytes_ < 999_500_000:
        return f"{_short(bytes_ / 1e6)} MB"
    return f"{_short(bytes_ / 1e9)} GB"


def _short(amount: float) -> str:
    """With one decimal, where that says something."""
    return f"{amount:.1f}".removesuffix(".0") if amount < 99.95 else f"{amount:.0f}"
