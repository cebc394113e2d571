"""Numbers that name and do not count: telephones, versions, screens, models, years, decades."""

from __future__ import annotations

import re

from models.reading.english.amounts import number
from models.reading.numbers import cardinal, digits, ordinal, year
from models.reading.rewrite import Change, Said, part, rule

_YEAR = r"(?:1[1-9]\d\d|20\d\d)"
# After these a number of four digits is a year, also one that is not of our days.
_BEFORE_YEAR = r"""
    (?: [Ii]n | [Ss]ince | [Bb]y | [Ff]rom | [Uu]ntil | till | [Bb]efore | [Aa]fter | [Yy]ear | [Dd]uring
    | late | early | mid | circa | [Aa]round | summer | winter | spring | autumn | fall
    | of | [Tt]he | between )
"""


def _telephone(found: re.Match[str]) -> Said:
    """Its groups digit by digit, with a breath between them."""
    groups = list(re.finditer(r"\d+", found[0]))
    begins = [found.start(), *(found.start() + group.start() for group in groups[1:])]
    ends = [*begins[1:], found.start() + groups[-1].end()]
    said = [digits(group[0], "en") for group in groups]
    said[0] = ("plus " if found[0].startswith("+") else "") + said[0]
    said[:-1] = [f"{one}, " for one in said[:-1]]
    return [Change(*change) for change in zip(begins, ends, said, strict=True)]


def _version(text: str) -> str:
    """2.0.1 is read with points, 192.168.0.1 with dots."""
    numbers = text.split(".")
    is_host = len(numbers) == 4 and all(int(n) < 256 for n in numbers)
    read = [digits(n, "en") if n.startswith("0") else cardinal(int(n), "en") for n in numbers]
    return (" dot " if is_host else " point ").join(read)


def pairs(text: str) -> str:
    """1080 is ten eighty, 720 seven twenty, 101 one oh one, 600 six hundred."""
    value = int(text)
    if len(text) == 3 and value >= 100 and value % 100:
        gap = " oh " if value % 100 < 10 else " "
        return cardinal(value // 100, "en") + gap + cardinal(value % 100, "en")
    return year(value) if len(text) == 4 and value >= 1000 else number(text)


def _years(found: re.Match[str]) -> Said:
    """1990–1995 · 2020-24"""
    until = int(found["until"])
    if len(found["until"]) == 4 and until <= int(found["year"]):
        return None
    said = year(until) if len(found["until"]) == 4 else cardinal(until, "en")
    return f"{year(int(found['year']))} to {said}"


def _dotted_date(found: re.Match[str]) -> Said:
    """11.03.2020: which is the month nobody knows."""
    first, second, last = found["date"].split(".")
    two = [f"oh {number(n[1])}" if n.startswith("0") else number(n) for n in (first, second)]
    return f"{two[0]}, {two[1]}, {year(int(last))}"


def _decade(found: re.Match[str]) -> Said:
    """1990s · '90s"""
    century, tens = found["century"], int(found["tens"])
    if century == "20" and not tens:
        return "two thousands"
    name = {10: "tens", 0: "hundreds"}.get(tens) or ordinal(tens, "en").removesuffix("ieth") + "ies"
    return f"{cardinal(int(century), 'en')} {name}" if century else name


def _that_year(found: re.Match[str]) -> Said:
    return [part(found, "year", year(int(found["year"])))]


CODES = (
    rule(r"(?<=(?<![A-Za-z\d])[BCDGP]) 2 (?=[BCDGP](?![A-Za-z\d]))", "to"),
    rule(r"(?<![\w.+]) \+\d{1,3} (?: [ \-.]?\(?\d{1,5}\)? ){1,5} (?!\w|\.\d)", _telephone),
    rule(r"(?<![\w.\-]) (?: \(\d{3}\)[ -]?\d{3}[ -]\d{4} | \d{3}[-.]\d{3}[-.]\d{4} ) (?![\w\-])", _telephone),
    rule(r"(?<![\w.,\-]) (?: \d{3}-\d{4} | 1-8\d\d-\d{3}-\d{4} ) (?![\w\-])", _telephone),
    rule(
        r"(?<![A-Za-z\d]) [vV](?P<version>\d{1,6}(?:\.\d{1,6})*) (?!\d)",
        lambda found: f"version {_version(found['version'])}",
    ),
    rule(r"(?<=(?<![A-Za-z])[A-Z])\.(?P<code>\d{2,4}) (?!\w)", lambda found: f" dot {pairs(found['code'])}"),
    rule(
        r"(?:Boeing|Airbus|Room|Flight|Route|Highway|Suite) \s (?P<code>[1-9]\d{2,3}) (?!\w|[.,]\d)",
        lambda found: [part(found, "code", pairs(found["code"]))],
    ),
    rule(
        r"""
        (?<![A-Za-z]) (?:[Cc]all|[Dd]ial|[Tt]ext|[Pp]hone) \s (?P<code>[1-9]11|112|999|988|000)
        (?! \w | [.,:]\d | \s[a-z]+s\b )
        """,
        lambda found: [part(found, "code", digits(found["code"], "en"))],
    ),
    rule(r"(?<![\d.]) (?P<date>\d{1,2}\.\d{1,2}\.(?:19|20)\d\d) (?!\w|\.\d)", _dotted_date),
    rule(r"(?<![\w.]) \d{1,4}(?:\.\d{1,5}){2,} (?!\w|\.\d)", lambda found: _version(found[0])),
    rule(
        r"(?<![\w.,]) (?P<wide>\d{2,5}) \s?[xX×]\s? (?P<high>\d{2,5}) (?!\w|\.\d|\s?=)",
        lambda found: f"{pairs(found['wide'])} by {pairs(found['high'])}",
    ),
    rule(
        r"(?<![\w.,]) (?P<wide>\d)[xX](?P<high>\d) (?!\w|\.\d)",
        lambda found: f"{number(found['wide'])} by {number(found['high'])}",
    ),
    rule(r"(?<![\w.,]) \d{3,4} (?=[pi](?![A-Za-z\d]))", lambda found: pairs(found[0])),
    rule(
        r"(?<![A-Za-z\d]) [A-Z]{2,}[ -]? (?P<code>[1-9]\d{3}) (?!\d|[.,]\d)",
        lambda found: [part(found, "code", pairs(found["code"]))],
    ),
)
YEARS = (
    rule(
        r"""
        (?<![A-Za-z]) (?:[Ii]n|[Ss]ince|[Yy]ear|[Uu]ntil|[Bb]efore|[Aa]fter) \s (?P<year>10(?!00)\d\d)
        (?! \w | [.,:/]\d | \s(?!was|is|has)[a-z]+s\b )
        """,
        _that_year,
    ),
    rule(
        rf"(?<![\w.,\-$]) (?P<year>{_YEAR}) \s?[-–—]\s? (?P<until>{_YEAR}|\d\d) (?![\w\-–—]|[.,]\d)",
        _years,
    ),
    rule(r"(?<![\w.,]) ['’]?(?P<century>1[1-9]|20)(?P<tens>\d0)['’]?s (?![A-Za-z])", _decade),
    rule(r"(?<![\w.,]) ['’](?P<century>)(?P<tens>[2-9]0)s (?![A-Za-z])", _decade),
    rule(
        r"""
        (?: (?<=[Tt]he\s) | (?<=his\s) | (?<=her\s) | (?<=their\s) | (?<=my\s)
        | (?<=early\s) | (?<=late\s) | (?<=mid-) )
        (?P<century>)(?P<tens>[2-9]0)s (?![A-Za-z])
        """,
        _decade,
    ),
    rule(
        rf"""
        (?<![A-Za-z]) {_BEFORE_YEAR} \s (?P<year>{_YEAR})
        (?! \w | [.,:/]\d | \s(?:people|of|more|other|times|years)\b )
        """,
        _that_year,
    ),
    # 2024 was good; but not 1920 pixels
    rule(
        r"""
        (?: (?<![\w.,$\-]) | (?<=[Mm]id-) ) (?P<year>19\d\d|20\d\d)
        (?! \w | [.,:/\-]\d | \s(?!was|is|has|its|as)[a-z]+s\b )
        """,
        _that_year,
    ),
    rule(
        r"(?<![\w.,$\-]) (?P<year>\d{3,4}) (?=\s(?:AD|BC|BCE|CE)\b)",
        lambda found: pairs(found["year"]),
    ),
)
