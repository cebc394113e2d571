"""Numbers that name and do not count: telephones, rooms, standards, versions, screens, models, 618."""

from __future__ import annotations

import re

from models.reading.chinese.amounts import called, number, one_of
from models.reading.chinese.words import (
    CALLED,
    CALLING_FOR_HELP,
    CODED,
    EMERGENCY,
    HELP,
    KNOWN_CODES,
    SERVICES,
)
from models.reading.numbers import cardinal, digits
from models.reading.rewrite import Change, Said, part, rule

_IS = r"(?:[是为：:]|号码?)?\s?"
_NOT_COUNTED = r"(?![\d.,]\d|\d|[个次年元万千米斤]|分(?!机)|多(?!少)|公[里斤])"
_NOTHING_COUNTED = r"""
    (?! \w | [.,:]\d | \s?[%+个位名人只条件张台元块万千百多天年次米公斤吨号页点分秒步股户份] )
"""
_AND = r"\s?(?:、|，|,|/|或者?|和|及|与)\s?"
_STANDARD = r"(?: (?:GB[ZJ]?|HJ|JJ[FG]|ISO|IEC|DB\d\d|[A-Z]{2}(?=/)) (?:/[TZ])? | T/[A-Z]{2,6} )"


def _telephone(found: re.Match[str]) -> Said:
    """Its groups digit by digit, with a breath between them; 13800138000 has the groups of a mobile."""
    groups = list(re.finditer(r"\d+", found[0]))
    if len(groups) == 1 and len(groups[0][0]) == 11:
        text = groups[0][0]
        return "，".join(called(group) for group in (text[:3], text[3:7], text[7:]))
    begins = [found.start(), *(found.start() + group.start() for group in groups[1:])]
    ends = [*begins[1:], found.end()]
    said = [called(group[0]) for group in groups]
    said[0] = ("加" if found[0].startswith("+") else "") + said[0]
    said[:-1] = [f"{one}，" for one in said[:-1]]
    return [Change(*change) for change in zip(begins, ends, said, strict=True)]


def _called_numbers(found: re.Match[str]) -> Said:
    """拨打110、119或120"""
    begin = found.start("numbers")
    each = re.finditer(r"\d+", found["numbers"])
    return [Change(begin + one.start(), begin + one.end(), called(one[0])) for one in each]


def _standard(found: re.Match[str]) -> Said:
    """GB/T 1234.1-2020 · ISO 9001:2015; but ISO 100 is of a camera."""
    if not found["year"] and "/" not in found["body"]:
        return None
    body = "".join(digits(c, "zh") if c.isdigit() else c for c in found["body"].replace("/", " "))
    parts = [
        Change(found.start(), found.start("number"), f"{body} "),
        part(found, "number", "点".join(digits(each, "zh") for each in found["number"].split("."))),
    ]
    if found["year"]:
        gap = "，" if ":" in found["dash"] else "杠"
        parts.append(Change(found.end("number"), found.start("year"), gap))
        parts.append(part(found, "year", digits(found["year"], "zh")))
    return parts


def _version(text: str) -> str:
    read = [digits(n, "zh") if n.startswith("0") else cardinal(int(n), "zh") for n in text.split(".")]
    return "点".join(read)


def _side(text: str) -> str:
    """Of a picture: 一九二零乘一零八零."""
    return digits(text, "zh") if len(text) == 4 else number(text)


def _model(found: re.Match[str]) -> Said:
    """A100 is 一百, 4090 is 四零九零."""
    text = found[0]
    is_round = text.endswith("00") and len(text) == 3
    return cardinal(int(text), "zh") if is_round or len(text) < 3 else digits(text, "zh")


CODES = (
    rule(
        r"(?<![A-Za-z]) (?:Top|TOP|top)[ ]?(?P<number>\d{1,4}) (?!\d)",
        lambda found: [part(found, "number", number(found["number"]))],
    ),
    rule(r"(?<=(?<![A-Za-z\d])[BCDGP]) 2 (?=[BCDGP](?![A-Za-z\d]))", "to"),
    rule(r"(?<![\w.]) \+\d{1,3} (?: [ -]?1[3-9]\d{9} | (?:[ -]?\d{2,4}){2,4} ) (?!\d)", _telephone),
    rule(r"(?<![\w.,]) 1[3-9]\d[ -]?\d{4}[ -]?\d{4} (?!\d|[.,]\d)", _telephone),
    rule(
        r"(?: [(（]0\d{2,3}[)）]\s? | (?<![\w.,])0\d{2,3}[ -] ) \d{3,4}[ -]?\d{4} (?!\d|[.,]\d)",
        _telephone,
    ),
    rule(r"(?<![\w.,]) [48]00-\d{3,4}-?\d{3,4} (?!\d|[.,]\d)", _telephone),
    rule(
        rf"""
        (?:{CALLED}) {_IS} (?P<numbers>
            \d{{3,12}} {_NOT_COUNTED} (?: {_AND} \d{{3,12}} {_NOT_COUNTED} )* )
        """,
        _called_numbers,
    ),
    rule(
        rf"""
        (?<![\w.,第]) (?P<numbers> (?:{EMERGENCY}) (?: {_AND} (?:{EMERGENCY}) )* ) (?=\s?(?:{HELP}))
        """,
        _called_numbers,
    ),
    rule(rf"(?:{CALLING_FOR_HELP}) (?P<numbers>{EMERGENCY}) {_NOTHING_COUNTED}", _called_numbers),
    rule(
        rf"""
        (?<![A-Za-z\d]) (?P<body>{_STANDARD}) \s? (?P<number>\d{{1,6}}(?:\.\d{{1,2}})?)
        (?: (?P<dash>\s?(?:[-–:]|—{{1,2}})\s?) (?P<year>(?:19|20)\d\d) )? (?! \w | [.,:\-]\d )
        """,
        _standard,
    ),
    rule(
        rf"(?:{CODED}) {_IS} (?P<number>\d{{2,20}}) {_NOT_COUNTED}",
        lambda found: [part(found, "number", digits(found["number"], "zh"))],
    ),
    rule(r"(?<![\w.,]) \d{3,6} (?=\s?(?:热线|电话|客服|专线))", lambda found: called(found[0])),
    rule(
        rf"""
        (?<![\w.,]) (?:{one_of(KNOWN_CODES)})
        (?! [\w.,:%] | \s?[个位名人只条件张台元块万千百天年次米公斤号页] )
        """,
        lambda found: digits(found[0], "zh"),
    ),
    rule(
        rf"(?<![\w.,第]) (?:{SERVICES}) {_NOTHING_COUNTED}",
        lambda found: called(found[0]),
    ),
    rule(r"(?<![\w.,]) 7-11 (?=便利店|门店|店|超市)", "七十一"),
    rule(r"(?<![\w.,]) \d{3,4} (?=室|教室|号房|房间)", lambda found: digits(found[0], "zh")),
    rule(r"(?<=\d米)\d\d(?![\d.,]\d|\d|[个只])", lambda found: digits(found[0], "zh")),  # 1米75
    rule(
        r"(?<=(?<![A-Za-z])[A-Z])\.(?P<code>\d{2,4}) (?!\w)", lambda found: "点" + digits(found["code"], "zh")
    ),
    rule(r"(?<=[A-Za-z]\d)-(?P<code>\d{3,6}) (?!\d|[.,]\d)", lambda found: " " + digits(found["code"], "zh")),
    rule(r"(?<![\w.,]) \d{3,4} (?=[pP](?![A-Za-z\d]))", lambda found: digits(found[0], "zh")),
    rule(
        r"(?<![A-Za-z\d]) [vV](?P<version>\d{1,6}(?:\.\d{1,6})*) (?!\d)",
        lambda found: f"V{_version(found['version'])}",
    ),
    rule(r"(?<![\w.]) \d{1,4}(?:\.\d{1,5}){2,} (?!\d|\.\d)", lambda found: _version(found[0])),
    rule(
        r"(?<![\d.,]) (?P<wide>\d{1,5}) \s?[xX×*]\s? (?P<high>\d{1,5}) (?![\dA-Za-z])",
        lambda found: f"{_side(found['wide'])}乘{_side(found['high'])}",
    ),
    rule(
        r"""
        (?: (?<=[A-Za-z]) | (?<=[A-Z][A-Z]\s) | (?<=[A-Za-z]-) ) [1-9]\d{1,4}
        (?! \d | [.,]\d | \s?[a-z] | [%年月日] )
        """,
        _model,
    ),
)
