"""Dates and times of day: 2024年5月1日, 2024-05-01, 2026Q1, 6.18大促, 90后, 12:30, 周一-周五."""

from __future__ import annotations

import re

from models.reading.chinese.amounts import DASH, counted, one_of
from models.reading.chinese.words import SALES
from models.reading.numbers import cardinal, digits
from models.reading.rewrite import Change, Said, part, rule


def _date(found: re.Match[str]) -> Said:
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{_each(found['year'])}年{cardinal(month, 'zh')}月{cardinal(day, 'zh')}日"


def _month(found: re.Match[str]) -> Said:
    return f"{_each(found['year'])}年{cardinal(int(found['month']), 'zh')}月"


def _years(found: re.Match[str]) -> Said:
    """2020-2024年"""
    gap = Change(found.end("year"), found.start("until"), "到")
    return [part(found, "year", _each(found["year"])), gap, part(found, "until", _each(found["until"]))]


def _quarter(found: re.Match[str]) -> Said:
    """2026Q1 · 2026年Q1-Q3 · 2026H1"""
    year = _each(found["year"])
    if "年" in found["gap"]:
        parts = [part(found, "year", year)]
    else:
        parts = [Change(found.start("year"), found.start("quarter"), f"{year}年")]
    parts.append(part(found, "quarter", _QUARTERS[found["quarter"]]))
    if found["until"]:
        parts.append(Change(found.end("quarter"), found.start("until"), found["to"] or "到"))
        parts.append(part(found, "until", _QUARTERS[found["until"]]))
    return parts


def _sale(found: re.Match[str]) -> Said:
    """6.18大促 · 双11.11"""
    said = SALES[found["day"]]
    return said[1:] if found.string[: found.start()].endswith("双") else said


def _time(found: re.Match[str]) -> Said:
    hour, minute = int(found["hour"]), int(found["minute"])
    around = found.string[max(found.start() - 6, 0) : found.end() + 4]
    if hour > 24 or re.search(r"比分|比例|比率|画面|画幅|[横竖]屏|宽高", around):
        return None
    said = counted(str(hour)) + "点"
    if minute or found["second"]:
        said += ("零" if 0 < minute < 10 else "") + cardinal(minute, "zh") + "分"
    if found["second"]:
        said += cardinal(int(found["second"]), "zh") + "秒"
    return said


def _each(text: str) -> str:
    return digits(text, "zh")


def _each_digit(found: re.Match[str]) -> Said:
    return _each(found[0])


_QUARTERS = {f"Q{i}": f"第{each}季度" for i, each in enumerate("一二三四", 1)} | {
    "H1": "上半年",
    "H2": "下半年",
}
_SALE = "大促|购物|狂欢|促销|活动|优惠|预售|晚会|年中|战报|期间|当天|电商|大战|告白|表白"
_BEFORE_SALE = "天猫|京东|淘宝|抖音|今年|去年|明年|每年|备战"

DATES = (
    rule(
        rf"""
        (?<![\w.,]) (?P<year>[12]\d{{3}}(?=\s?年?\s?[QH])|\d\d(?=年?[QH])) (?P<gap>\s?年?\s?)
        (?P<quarter>Q[1-4]|H[12]) (?: (?: {DASH} | (?P<to>[至到]) ) (?P<until>Q[1-4]) )? (?!\w)
        """,
        _quarter,
    ),
    rule(
        r"""
        (?<![\d\-./]) (?P<year>[12]\d{3}) (?P<sign>[-/.]) (?P<month>\d{1,2}) (?P=sign) (?P<day>\d{1,2})
        (?![\d\-/]|\.\d)
        """,
        _date,
    ),
    rule(r"(?<![\d\-./]) (?P<year>[12]\d{3})[-/](?P<month>0[1-9]|1[0-2]) (?![\d\-/年]|\.\d)", _month),
    rule(
        rf"(?<![\d.,]) (?P<year>[12]\d{{3}}) {DASH} (?P<until>[12]\d{{3}}) (?=\s?(?:年|学年|赛季|财年))",
        _years,
    ),
    # 2024年, 2000年; but 1000年前 and 5000年 are so many years
    rule(r"(?<![\d.,]) [12]\d{3} (?=\s?年(?!前|后|来|间|历史|多))", _each_digit),
    rule(r"(?<![\d.,]) [12]\d(?:\d[1-9]|[1-9]0) (?=\s?年)", _each_digit),
    rule(r"(?<![\d.,]) [12]\d{3} (?=\s?(?:年代|学年|赛季|届|级|款|财年|版))", _each_digit),
    rule(r"(?<![\d.,]) \d\d (?=\s?年(?:\s?\d{1,2}\s?月|出生|生人|毕业))", _each_digit),
    rule(
        rf"""
        (?: (?<=双) | (?<={_BEFORE_SALE}) | (?<![\w.,$¥€£])(?=[\d.]+\s?(?:{_SALE})) ) (?P<day>{one_of(SALES)})
        (?! [\w.] | \s?[%℃万亿元块米公倍个度级分] )
        """,
        _sale,
    ),
    rule(r"(?<=《) [12]\d{3} (?=》)", _each_digit),
    rule(r"(?<![\d.,]) (?:[5-9][05]|00|05|10) (?=后(?!面|台|方|续|期|来))", _each_digit),
)
TIMES = (
    rule(
        r"(?<![\d:.,]) (?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))? (?![\d:]|\.\d)",
        _time,
    ),
    rule(rf"(?<=\d) {DASH} (?=\d{{1,2}}:[0-5]\d)", "到"),
    rule(rf"(?<=[\d一二三四五六七八九十半][年月日号点时分秒天周元度]) {DASH} (?=[\d周星明后下])", "到"),
    rule(r"(?<=[\d℃C%]) ~ (?=[-−+]\d)", "到"),  # -3~-1℃
    rule(rf"(?<=[周期][一二三四五六日天]) {DASH} (?=[周星])", "到"),
)
