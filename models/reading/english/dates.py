"""Dates and times of day: May 5, 1 May 2024, 2024-05-01, 9:05 a.m., 17:00."""

from __future__ import annotations

import re

from models.reading.english.words import DAYS, MONTHS
from models.reading.numbers import cardinal, ordinal, year
from models.reading.rewrite import Change, Said, part, rule

_MONTH = r"""
    (?P<month> Jan(?:uary|\.)? | Feb(?:ruary|\.)? | Mar(?:ch|\.)? | Apr(?:il|\.)? | May | June?\.? | July?\.?
    | Aug(?:ust|\.)? | Sept?(?:ember|\.)? | Oct(?:ober|\.)? | Nov(?:ember|\.)? | Dec(?:ember|\.)? )
    (?![A-Za-z])
"""
_NTH = r"(?:st|nd|rd|th)?"
_AND_YEAR = r"(?: ,?\s+ (?P<year>[12]\d{3}) (?!\d) )?"
_HALF_DAY = r"(?P<half>[aApP])(?:\.?[mM]\.|[mM]\b)"


def _month_day(found: re.Match[str]) -> Said:
    """May 5 · May 5–7, 2024"""
    day, until = _day(found["day"]), _day(found["until"] or "1")
    if day is None or until is None:
        return None
    parts = [part(found, "month", _month(found["month"])), part(found, "days", day)]
    if found["until"]:
        gap = Change(found.end("days"), found.start("until"), " to ")
        parts += [gap, part(found, "until", until)]
    return parts + _year(found)


def _day_month(found: re.Match[str]) -> Said:
    """1 May 2024 · the 1st of May"""
    day = _day(found["day"])
    if day is None:
        return None
    the = "" if found.string[: found.start()].lower().endswith("the ") else "the "
    of = "" if found["of"] else "of "
    parts = [part(found, "days", the + day), part(found, "month", of + _month(found["month"]))]
    return parts + _year(found)


def _month_year(found: re.Match[str]) -> Said:
    return [part(found, "month", _month(found["month"])), *_year(found)]


def _numeric_date(found: re.Match[str]) -> Said:
    """2024-05-01 · 5/1/2024; where the first cannot be a month it is the day: 31/12/2024"""
    month, day = int(found["month"]), int(found["day"])
    if month > 12 and found.start("year") > found.start("month"):
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{MONTHS[month - 1]} {ordinal(day, 'en')}, {year(int(found['year']))}"


def _time(found: re.Match[str]) -> Said:
    """12:30 · 9:05 am · 12:30:45"""
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    after = found.string[found.end() :]
    if (
        hour > 24
        or minute > 59
        or second > 59
        or re.match(r"\s(?:aspect|ratio|format|vertical|video)", after)
    ):
        return None
    said = cardinal(hour, "en")
    if minute:
        said += (" oh " if minute < 10 else " ") + cardinal(minute, "en")
    elif not found["half"]:
        said += " o'clock" if hour <= 12 else " hundred"
    if found["second"]:
        said += f" and {cardinal(second, 'en')} second" + ("" if second == 1 else "s")
    return [part(found, "clock", said), *_half_day(found)]


def _hour(found: re.Match[str]) -> Said:
    if not 1 <= int(found["hour"]) <= 12:
        return None
    return [part(found, "hour", cardinal(int(found["hour"]), "en")), *_half_day(found)]


def _half_day(found: re.Match[str]) -> list[Change]:
    return [Change(found.start("half"), found.end(), f"{found['half'].lower()}.m.")] if found["half"] else []


def _day(text: str) -> str | None:
    return ordinal(int(text), "en") if 1 <= int(text) <= 31 else None


def _month(text: str) -> str:
    return next(name for name in MONTHS if name.startswith(text[:3]))


def _year(found: re.Match[str]) -> list[Change]:
    return [part(found, "year", year(int(found["year"])))] if found["year"] else []


DATES = (
    rule(
        rf"""
        (?<![A-Za-z]) {_MONTH} \s+ (?P<days>(?P<day>\d{{1,2}}){_NTH})
        (?: \s?[-–—]\s? (?P<until>\d{{1,2}}) (?!\d) )?
        {_AND_YEAR} (?![\d:%]) (?!,\d{{3}}|\.\d)
        """,
        _month_day,
    ),
    rule(
        rf"(?<![\d.,:/$]) (?P<days>(?P<day>\d{{1,2}}){_NTH}) \s+ (?P<of>of\s+)? {_MONTH} {_AND_YEAR}",
        _day_month,
    ),
    rule(rf"(?<![A-Za-z]) {_MONTH} ,?\s+ (?P<year>[12]\d{{3}}) (?!\d|[,.]\d)", _month_year),
    rule(
        r"""
        (?<![\d\-./]) (?P<year>[12]\d{3}) (?P<sign>[-/.]) (?P<month>\d{1,2}) (?P=sign) (?P<day>\d{1,2})
        (?![\d\-/])
        """,
        _numeric_date,
    ),
    rule(
        r"(?<![\d\-./]) (?P<month>\d{1,2}) / (?P<day>\d{1,2}) / (?P<year>[12]\d{3}) (?![\d\-/])",
        _numeric_date,
    ),
)
_DAY = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"

TIMES = (
    rule(
        rf"(?<![A-Za-z]) (?P<first>{_DAY})\.? (?P<to>\s?[-–—]\s?) (?P<last>{_DAY})\.? (?![A-Za-z])",
        lambda found: [
            Change(found.start(), found.start("to"), DAYS[found["first"][:3]]),
            part(found, "to", " to "),
            Change(found.start("last"), found.end(), DAYS[found["last"][:3]]),
        ],
    ),
    rule(
        rf"""
        (?<![\d:.,]) (?P<clock> (?P<hour>\d{{1,2}}) : (?P<minute>\d\d) (?: :(?P<second>\d\d) )? )
        (?: \s?{_HALF_DAY} )? (?![\d:])
        """,
        _time,
    ),
    rule(rf"(?<![\d:.,$]) (?P<hour>\d{{1,2}}) \s?{_HALF_DAY}", _hour),
    rule(r"(?: (?<=[\dm]) | (?<=m\.) ) \s?[-–—]\s? (?= \d{1,2} (?: :\d\d | \s?[ap]\.?m ) )", " to "),
)
