"""Money and units: $1,299.99, US$3 billion, $20–30, £3m-£5m, 5 km/h, -5°C, 50%, 3x faster, 10k."""

from __future__ import annotations

import re

from models.reading.english.amounts import (
    AMOUNT,
    NOT_WITHIN,
    NUMBER,
    TO,
    amount,
    is_before_noun,
    is_one,
    number,
    one_of,
)
from models.reading.english.words import COMPARED, MONEY, SHORT, UNITS
from models.reading.numbers import cardinal
from models.reading.rewrite import Change, Said, part, rule

_SIGN = rf"(?P<sign>{one_of(MONEY)})"
_TIMES_TEN = r"(?:hundred|thousand|million|billion|trillion)(?![a-z]) | (?:bn|mn|tn|[kKmMbBT])(?![A-Za-z])"
_BIG = rf"(?P<big> {_TIMES_TEN} )"
_DASH = r"\s?[-–—~]\s?"
_AFTER_UNIT = "|".join(
    rf"(?<=\d{space}(?:{one_of(name for name in UNITS if len(name) == length)}))"
    for length in sorted({len(name) for name in UNITS})
    for space in ("", r"\s")
)
_TIMES = rf"(?P<first>{NUMBER}) (?: [xX]?{TO}(?P<last>{NUMBER}) )? (?P<sign>[xX])"


def _price(found: re.Match[str]) -> Said:
    """$5 · US$3 billion · $20–30 · $1,299.99"""
    if not found["last"] and not found["big"] and (coins := _with_coins(found["sign"], found["first"])):
        return f"minus {coins}" if found["minus"] else coins
    first, *rest = amount(found)
    minus = "minus " if found["minus"] else ""
    parts = [Change(found.start(), first.end, minus + first.said), *rest]
    if found["big"]:
        return [*parts, part(found, "big", f"{_big(found)} {_money(found)}")]
    parts[-1] = Change(parts[-1].begin, parts[-1].end, f"{parts[-1].said} {_money(found)}")
    return parts


def _price_range(found: re.Match[str]) -> Said:
    """£3m-£5m · $3m-5m · £500k-£1m"""
    if found["again"] not in (None, found["sign"]):
        return None
    low, high = (SHORT.get(found[group], found[group]) for group in ("low", "big"))
    first = number(found["first"]) + ("" if low == high else f" {low}")
    return [
        Change(found.start(), found.end("low"), first),
        Change(found.end("low"), found.start("last"), " to "),
        part(found, "last", number(found["last"])),
        part(found, "big", f"{high} {_money(found)}"),
    ]


def _price_after(found: re.Match[str]) -> Said:
    """5€ · 20 USD"""
    big = [part(found, "big", _big(found))] if found["big"] else []
    return [*amount(found), *big, part(found, "sign", _money(found))]


def _money(found: re.Match[str]) -> str:
    single, plural, _ = MONEY[found["sign"]]
    return single if is_before_noun(found) or (is_one(found) and not found["big"]) else plural


def _big(found: re.Match[str]) -> str:
    return SHORT.get(found["big"], found["big"])


def _with_coins(sign: str, text: str) -> str:
    """ "five dollars and twenty cents"; "" when there are no coins."""
    single, plural, coin = MONEY[sign]
    whole, _, hundredths = text.replace(",", "").partition(".")
    whole = whole or "0"
    if not coin or len(hundredths) != 2 or len(whole) > 9:
        return ""
    money = f"{cardinal(int(whole), 'en')} {single if whole == '1' else plural}"
    if not int(hundredths):
        return money
    plural_coin = coin + ("s" if coin == "cent" and int(hundredths) != 1 else "")
    coins = f"{cardinal(int(hundredths), 'en')} {plural_coin}"
    return f"{money} and {coins}" if int(whole) else coins


def _measure(found: re.Match[str]) -> Said:
    single, plural = UNITS[found["unit"]]
    name = single if is_one(found) or is_before_noun(found) else plural
    first, *rest = amount(found)
    if found["minus"]:
        first = Change(found.start(), first.end, f"minus {first.said}")
    return [first, *rest, Change(found.start("unit"), found.end(), name)]


def _times(found: re.Match[str]) -> Said:
    """3x faster · up 2-3x"""
    return [*amount(found), part(found, "sign", "times")]


def _after_fraction(found: re.Match[str]) -> Said:
    single, plural = UNITS[found["unit"]]
    has_whole = re.search(r"\d[ ]?(?:[½⅓⅔¼¾⅕⅛]|[ ]\d/\d)$", found.string[: found.start()])
    return " " + (plural if has_whole else single)


def _thousands(found: re.Match[str]) -> Said:
    """10k, 600M and 2.5B views; 4K is a screen, 7B a model."""
    big = "K" if found["big"] == "K" else SHORT[found["big"]]
    return f"{number(found['number'])} {big}"


PRICES = (
    rule(
        rf"""
        (?<![A-Za-z]) {_SIGN}[ ]? (?P<first>{NUMBER})[ ]? (?P<low> {_TIMES_TEN} ) {_DASH}
        (?P<again>{one_of(MONEY)})? (?P<last>{NUMBER})[ ]? {_BIG} (?![.,:/]?\d)
        """,
        _price_range,
    ),
    rule(
        rf"""
        (?P<minus>(?<![\w)%])[-−])? (?<![A-Za-z]) {_SIGN}[ ]? (?P<first>{NUMBER})
        (?: {_DASH} (?:{one_of(MONEY)})? (?P<last>{NUMBER}) )?
        (?: [ ]?{_BIG} )? (?![.,:/]?\d)
        """,
        _price,
    ),
    rule(
        rf"""
        (?: (?<=\d[kKmMbBT]) | (?<=\d(?:bn|mn|tn)) | (?<=[mbr]illion) ) {_DASH} (?=(?:{one_of(MONEY)})\d)
        """,
        " to ",
    ),
    rule(rf"{NOT_WITHIN} {AMOUNT}[ ]? (?:{_BIG}[ ]?)? {_SIGN} (?![A-Za-z\d])", _price_after),
    rule(
        r"""
        (?<=[A-Za-z\d]) /
        (?= (?:month|year|day|night|hour|week|minute|min|second|sec|person|user|seat|unit|kg|lb|GB|mo|yr|hr)
            (?![A-Za-z]) )
        """,
        " per ",
    ),
)
MEASURES = (
    rule(
        r"(?<![A-Za-z\d.,]) (?P<feet>\d)['’′](?P<inches>\d{1,2}) (?: [\"”″] | (?!\d) )",
        lambda found: f"{number(found['feet'])} foot {number(found['inches'])}",
    ),
    rule(rf"{NOT_WITHIN} {_TIMES} (?=\s(?:{one_of(COMPARED)})\b)", _times),
    rule(
        rf"""
        \b(?:up|up\sto|by|gr[eo]ws?|grown|rose|risen|increased?|improved?|jumped)\s {_TIMES}
        (?! [A-Za-z\d] | \s?[+*/=^] )
        """,
        _times,
    ),
    rule(  # 5 kg - 10 kg
        rf"(?:{_AFTER_UNIT}) {_DASH} (?={NUMBER}\s?(?:{one_of(UNITS)})(?![A-Za-z\d]))",
        " to ",
    ),
    rule(
        rf"""
        (?: (?P<minus>(?<![A-Za-z\d)%℃℉°])[-−]) | {NOT_WITHIN} ) {AMOUNT}[ -]?
        (?P<unit>{one_of(UNITS)}) (?![A-Za-z\d²³]) (?P<stop>(?<=[a-z])\.(?=\s+[a-z]))?
        """,
        _measure,
    ),
    rule(  # 1½ tsp, 1/2 tsp
        rf"(?: (?<=[½⅓⅔¼¾⅕⅛]) | (?<=\d/\d) ) [ ]? (?P<unit>{one_of(UNITS)}) (?![A-Za-z\d²³])",
        _after_fraction,
    ),
    rule(
        rf"""
        {NOT_WITHIN} (?P<number>{NUMBER})
        (?P<big> [kKM] | B(?=\s(?:people|(?!is|was|has|its|as|this)[a-z]+s)\b) ) (?![A-Za-z\d])
        """,
        _thousands,
    ),
)
