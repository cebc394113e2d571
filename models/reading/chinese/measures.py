"""Money, shares and units: $1,299.99, ¥3.5亿, $5M, 50%, 10-20%, -5°C, 3.5kg, 快2x, 100元/月, 2个."""

from __future__ import annotations

import re
from decimal import Decimal

from models.reading.chinese.amounts import (
    AMOUNT,
    DASH,
    HAN,
    NOT_WITHIN,
    NUMBER,
    amount,
    counted,
    money,
    number,
    one_of,
)
from models.reading.chinese.words import COUNTED, MONEY, SHORT, UNITS
from models.reading.rewrite import Change, Said, part, rule

_NO_AMOUNT_BEFORE = r"(?<![A-Za-z\d)%℃℉°㎡²³])"
_MINUS = rf"(?P<minus>{_NO_AMOUNT_BEFORE}[-−])"
_ENDS = (*UNITS, "k", "K", "w", "W")
_AFTER_UNIT = "|".join(
    rf"(?<=\d{space}(?:{one_of(name for name in _ENDS if len(name) == length)}))"
    for length in sorted({len(name) for name in _ENDS})
    for space in ("", r"\s")
)
# Where these are near, W is a watt, else 万.
_WATTS = re.compile(r"快充|闪充|充电|功[率耗]|耗电|电[源机池]|输出|适配|氮化镓|插座|灯|音箱|瓦")
# X is 倍 after or before these, else the name of a model.
_MORE = re.compile(r"[快慢高低升速涨翻贵大强约达了]\s?$")
_MAGNIFIED = re.compile(r"\s?(?:光学|数码|变焦|速|倍速|提速|加速|放大|镜头|长焦|播放)")
_BIG = r"(?P<big>[十百千万亿]+)"


def _price(found: re.Match[str]) -> Said:
    """$5 · ¥3.5亿 · US$20-30 · $5M · ¥100元, where the sign is said already"""
    name = "" if found["named"] is not None else MONEY[found["sign"]]
    if found["short"]:
        return _times_ten(found["first"], SHORT[found["short"]]) + name if not found["last"] else None
    first, *rest = amount(found, money)
    parts = [Change(found.start(), first.end, first.said), *rest]
    if found["big"]:
        return [*parts, part(found, "big", found["big"] + name)]
    parts[-1] = Change(parts[-1].begin, parts[-1].end, parts[-1].said + name)
    return parts


def _price_after(found: re.Match[str]) -> Said:
    """100USD · 5亿 €"""
    parts = amount(found, money)
    if found["big"]:
        parts.append(part(found, "big", found["big"]))
    return [*parts, Change(parts[-1].end, found.end("sign"), MONEY[found["sign"]])]


def _share(found: re.Match[str]) -> Said:
    """50% · -5% · 10-20%"""
    name = "百分之" if found["sign"] == "%" else "千分之"
    if found["last"]:
        first, gap, last = amount(found)
        return [
            Change(first.begin, first.end, name + first.said),
            gap,
            Change(last.begin, found.end(), last.said),
        ]
    whole = found["first"] == "100" and found["sign"] == "%"
    return ("负" if found["minus"] else "") + name + ("百" if whole else number(found["first"]))


def _measure(found: re.Match[str]) -> Said:
    """3.5 kg · -5°C · +8°C"""
    unit = UNITS[found["unit"]]
    first, *rest = amount(found, number if unit.endswith("氏度") else counted)
    if found["sign"]:
        below, above = ("零下", "零上") if unit.endswith("度") else ("负", "加")
        first = Change(found.start(), first.end, (above if found["sign"] == "+" else below) + first.said)
    last = [first, *rest][-1]
    return [first, *rest, Change(last.end, found.end("unit"), unit)]


def _times(found: re.Match[str]) -> Said:
    """快2x · 10X变焦; not 荣耀9X, nor 2x = 6"""
    before, after = found.string[: found.start()], found.string[found.end() :]
    is_name = found["sign"] == "X" and not (_MORE.search(before) or _MAGNIFIED.match(after))
    if is_name or "=" in found.string:
        return None
    return [*amount(found, counted), part(found, "sign", "倍")]


def _ten_thousands(found: re.Match[str]) -> Said:
    """播放量破100W · 粉丝100w+ · 年薪20W-30W; not 65W充电器"""
    ahead = re.split(r"[，。；！？,;]", found.string[: found.start()])[-1]
    after = re.split(r"[，。；！？,;]", found.string[found.end() :])[0]
    if _WATTS.search(ahead[-12:] + "，" + after[:8]):
        return None
    first, *rest = amount(found, counted)
    last = [first, *rest][-1]
    is_round = (found["last"] or found["first"]).endswith("0")
    name = ("多万" if is_round else "万多") if found["more"] else "万"
    return [first, *rest, Change(last.end, found.end(), name)]


def _of_things(found: re.Match[str]) -> Said:
    """2个; 第2个, 周2 and the like are 二."""
    before = found.string[: found.start()]
    is_ordinal = re.search(r"(?:第|初|周|星期|礼拜|老|十|百|千|万|No\.)\s?$", before)
    return None if is_ordinal else list(amount(found, counted))


def _times_ten(text: str, power: int) -> str:
    return counted(f"{Decimal(text.replace(',', '')).scaleb(power).normalize():f}")


PRICES = (
    rule(
        rf"""
        (?<![A-Za-z]) (?P<sign>{one_of(MONEY)})[ ]? (?P<first>{NUMBER})
        (?: {DASH} (?:{one_of(MONEY)})? (?P<last>{NUMBER}) )?
        (?: [ ]?{_BIG} | (?P<short>bn|[kKMB])(?![A-Za-z]) )? (?![.,:/]?\d) (?P<named>(?=美?元))?
        """,
        _price,
    ),
    rule(rf"{NOT_WITHIN} {AMOUNT}[ ]? {_BIG}?[ ]? (?P<sign>{one_of(MONEY)}) (?![A-Za-z\d])", _price_after),
)

MEASURES = (
    # 2h30min · 5min30s
    rule(
        r"(?<![A-Za-z\d.,]) (?P<hours>\d{1,3})h\s?(?P<minutes>\d{1,2})(?:min|m)? (?![A-Za-z\d])",
        lambda found: f"{counted(found['hours'])}小时{counted(found['minutes'])}分钟",
    ),
    rule(
        r"(?<![A-Za-z\d.,]) (?P<minutes>\d{1,3})(?:min|m)\s?(?P<seconds>\d{1,2})s (?![A-Za-z\d])",
        lambda found: f"{counted(found['minutes'])}分{counted(found['seconds'])}秒",
    ),
    rule(rf"{NOT_WITHIN} {AMOUNT} [wW] (?P<more>\+)? (?![A-Za-z\d])", _ten_thousands),
    rule(  # 3k-5k, 5kg-10kg
        rf"(?:{_AFTER_UNIT}) {DASH} (?={NUMBER}\s?(?:{one_of(_ENDS)})(?![A-Za-z\d]))",
        "到",
    ),
    rule(
        rf"""
        {_MINUS} (?P<number>{NUMBER})
        (?= (?: \s?[~到至]\s?[-−]?{NUMBER} )? \s?度 | \s?[~到至]\s?[-−+]{NUMBER}\s?[°℃] )
        """,
        lambda found: f"零下{counted(found['number'])}",
    ),
    rule(
        rf"{_MINUS} (?P<number>{NUMBER}) (?=\s?(?:元|美元|万|亿))",
        lambda found: f"负{counted(found['number'])}",
    ),
    rule(rf"(?: (?P<minus>(?<![\d)%])[-−]) | {NOT_WITHIN} ) {AMOUNT} \s?(?P<sign>[%‰])", _share),
    rule(rf"(?<=[%\d]) {DASH} (?={NUMBER}%)", "到"),
    rule(
        rf"""
        (?: (?P<sign>{_NO_AMOUNT_BEFORE}[-−+]) | {NOT_WITHIN} ) {AMOUNT}[ ]?
        (?P<unit>{one_of(UNITS)}) (?![A-Za-z\d²³])
        """,
        _measure,
    ),
    rule(
        rf"""
        {NOT_WITHIN} (?<![A-Za-z][ ]) (?<![=+*/\-−(]) (?P<first>{NUMBER})
        (?: [xX]?(?:{DASH}|至|到)(?P<last>{NUMBER}) )? (?P<sign>[xX])
        (?! [A-Za-z\d] | \s?(?:[+*/^²³×÷<>\-−\d]|等于|加(?!速)|减|乘|除) )
        """,
        _times,
    ),
    rule(rf"(?<=[元块米斤克吨次个人\d月天年])/(?=[{HAN}])", "每"),
    rule(
        rf"(?<=[元块角分万亿\d]) / (?P<unit>{one_of(UNITS)}) (?![A-Za-z\d²³])",
        lambda found: "每" + UNITS[found["unit"]],
    ),
    rule(
        r"(?<![A-Za-z\d.,]) (?P<number>\d+(?:\.\d+)?)k (?![A-Za-z\d])",
        lambda found: _times_ten(found["number"], 3),
    ),
)
COUNTS = (
    rule(rf"(?<![A-Za-z\d.,]) {AMOUNT} (?=\s?(?:{one_of(COUNTED)})(?!级|号|班)) (?![.,]?\d)", _of_things),
)
