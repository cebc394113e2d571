"""How German, French, Spanish, Italian, Portuguese, Russian, Japanese and Korean are read, by one table.

Plainer than Chinese and English: numbers, money, units, times and dates, in the form that is right most
often; grammar that only the rest of the sentence could tell (cases, genders) is left alone.
"""

from __future__ import annotations

import re

from models.reading.addresses import Signs, address_rules
from models.reading.elsewhere.own import OWN
from models.reading.elsewhere.reader import Reader
from models.reading.numbers import spoken
from models.reading.rewrite import Rule, rule

_COMMA_NUMBER = r"(?:\d{1,3}(?:[.'’\ \u00a0\u202f]\d{3})+(?!\d)(?:,\d+)?|\d+(?:,\d+)?)"
_POINT_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_LETTER = "A-Za-zÀ-ÿЀ-ӿ"
_MINUS = r"(?P<minus>(?<![\w)%])[-−])"
_SPACE = r"[\ \u00a0\u202f]?"


def rules_of(language: str) -> tuple[Rule, ...]:
    """The rules of a language of TONGUES."""
    reader = Reader(language)
    tongue = reader.tongue
    number = _COMMA_NUMBER if tongue.comma else _POINT_NUMBER
    return (
        *address_rules(Signs(reader.number, tongue.dot, tongue.slash, tongue.at)),
        *(OWN[language]() if language in OWN else ()),
        *_dates(reader),
        *_measures(reader, number),
        *_numbers(reader, number),
        *(_sign(sign, name) for sign, name in tongue.signs.items()),
    )


def _dates(reader: Reader) -> tuple[Rule, ...]:
    h = r"(?<![\d:.,]) (?P<hour>\d{1,2})\s?h(?:\s?(?P<minute>[0-5]\d))? (?![A-Za-z\d])"
    return (
        rule(r"(?<![\d\-]) (?P<year>[12]\d{3})-(?P<month>\d{1,2})-(?P<day>\d{1,2}) (?![\d\-])", reader.date),
        rule(
            r"""
            (?<![\d./]) (?P<day>\d{1,2}) (?P<sign>[./]) (?P<month>\d{1,2}) (?P=sign) (?P<year>[12]\d{3})
            (?!\d)
            """,
            reader.date,
        ),
        rule(r"(?<![\d:.,]) (?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?:\sUhr)? (?![\d:])", reader.clock),
        *([rule(h, reader.clock)] if reader.language in ("fr", "pt") else []),
    )


def _measures(reader: Reader, number: str) -> tuple[Rule, ...]:
    money, names = _one_of([*reader.tongue.money]), _one_of([*reader.tongue.money, *reader.tongue.units])
    return (
        rule(
            rf"""
            (?<![A-Za-z]) (?P<unit>{money}) {_SPACE} (?P<first>{number})
            (?: \s?[-–—~]\s? (?:{money})? (?P<last>{number}) )? (?![.,]?\d)
            """,
            reader.price,
        ),
        rule(
            rf"""
            (?: {_MINUS} | (?<![{_LETTER}\d])(?<!\d[.,:]) )
            (?P<first>{number}) (?: \s?[-–—~]\s? (?P<last>{number}) )?
            {_SPACE} (?P<unit>{names}) (?![{_LETTER}\d²³])
            """,
            reader.measure,
        ),
    )


def _numbers(reader: Reader, number: str) -> tuple[Rule, ...]:
    return (
        rule(
            rf"""
            (?<![{_LETTER}\d])(?<!\d[.,:]) (?P<first>{number}) \s?[-–—~]\s? (?P<last>{number})
            (?![\w\-]|[.,:]\d)
            """,
            reader.range,
        ),
        rule(r"(?<=[A-Za-z])-(?=\d)", " "),  # GPT-4
        rule(r"(?<!\d)(?<!\d\.) \d+\.\d{1,2} (?!\d|\.\d)", lambda found: spoken(found[0], reader.language)),
        rule(
            rf"(?<![\w)%.,]) [-−](?P<number>{number})",
            lambda found: reader.tongue.minus + reader.number(found["number"]),
        ),
        rule(rf"(?<!\d)(?<!\d[.,]) {number} (?!\d)", lambda found: reader.number(found[0])),
        rule(r"\d+", lambda found: spoken(found[0], reader.language)),
    )


def _sign(sign: str, name: str) -> Rule:
    return rule(rf"(?<=[\w)])\s?{re.escape(sign)}\s?(?=[\w(]) | {re.escape(sign)}", f" {name} ")


def _one_of(names: list[str]) -> str:
    """A pattern; of two names the longer is tried first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
