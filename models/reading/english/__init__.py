"""How a person reads English. Of two rules for the same place the first has it."""

from __future__ import annotations

from models.reading.addresses import Signs, address_rules
from models.reading.english.codes import CODES, YEARS, pairs
from models.reading.english.counting import FRACTIONS, NUMBERS, POWERS, ROMANS
from models.reading.english.dates import DATES, TIMES
from models.reading.english.measures import MEASURES, PRICES
from models.reading.english.signs import ABBREVIATIONS, BETWEEN, SLASHES

RULES = (
    *address_rules(Signs(pairs, dot=" dot ", slash=" slash ", at=" at ")),
    *DATES,
    *TIMES,
    *POWERS,
    *PRICES,
    *CODES,
    *YEARS,
    *MEASURES,
    *FRACTIONS,
    *ROMANS,
    *ABBREVIATIONS,
    *NUMBERS,
    *SLASHES,
    *BETWEEN,
)
