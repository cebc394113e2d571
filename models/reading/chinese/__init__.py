"""How a person reads Chinese, and English among it. Of two rules for the same place the first has it."""

from __future__ import annotations

from models.reading.addresses import Signs, address_rules
from models.reading.chinese.codes import CODES
from models.reading.chinese.counting import FRACTIONS, NUMBERS, POWERS, RANGES
from models.reading.chinese.dates import DATES, TIMES
from models.reading.chinese.measures import COUNTS, MEASURES, PRICES
from models.reading.chinese.signs import ABBREVIATIONS, BETWEEN
from models.reading.numbers import digits

RULES = (
    *address_rules(
        Signs(
            lambda number: digits(number, "zh"),
            dot="点",
            slash="斜杠",
            at="艾特",
            dash="杠",
            underscore="下划线",
        )
    ),
    *DATES,
    *TIMES,
    *POWERS,
    *CODES,
    *PRICES,
    *MEASURES,
    *FRACTIONS,
    *COUNTS,
    *RANGES,
    *ABBREVIATIONS,
    *NUMBERS,
    *BETWEEN,
)
