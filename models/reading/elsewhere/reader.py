"""What a match is read as in one of the languages of the table."""

from __future__ import annotations

import re

from models.reading.elsewhere.tongues import TONGUES, Names
from models.reading.numbers import cardinal, native_korean, ordinal, spoken
from models.reading.rewrite import Change, Said, part

_ONE_HOUR = {"fr": "une", "es": "una", "it": "una", "pt": "uma"}


class Reader:
    """Numbers, prices, times and dates of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.tongue = TONGUES[language]

    def number(self, text: str) -> str:
        if self.tongue.comma:
            return spoken(re.sub(r"[.'’\s]", "", text).replace(",", "."), self.language)
        return spoken(text.replace(",", ""), self.language)

    def range(self, found: re.Match[str]) -> Said:
        return self._amount(found)

    def measure(self, found: re.Match[str]) -> Said:
        """5 km · -5 °C · 5,50 €"""
        is_money = found["unit"] in self.tongue.money
        names = (self.tongue.money if is_money else self.tongue.units)[found["unit"]]
        if is_money and (with_coins := self._with_coins(found, names)):
            return with_coins
        return [*self._amount(found), part(found, "unit", self._name(names, found))]

    def price(self, found: re.Match[str]) -> Said:
        """$5: the name after the number."""
        names = self.tongue.money[found["unit"]]
        if with_coins := self._with_coins(found, names):
            return with_coins
        first, *rest = self._amount(found)
        parts = [Change(found.start(), first.end, first.said), *rest]
        gap = "" if self.language == "ja" else " "
        said = parts[-1].said + gap + self._name(names, found)
        return [*parts[:-1], Change(parts[-1].begin, parts[-1].end, said)]

    def clock(self, found: re.Match[str]) -> Said:
        hour, minute = int(found["hour"]), int(found["minute"] or 0)
        if hour > 24:
            return None
        form = self.tongue.clock if minute else self.tongue.sharp
        if hour < 2:
            form = form.replace("heures", "heure")
        return form.format(hour=self._hour(hour), minute=cardinal(minute, self.language))

    def date(self, found: re.Match[str]) -> Said:
        day, month = int(found["day"]), int(found["month"])
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        months = self.tongue.months
        return self.tongue.date.format(
            day=self._day(day),
            month=months[month - 1] if months else cardinal(month, self.language),
            year=self._year(int(found["year"])),
        )

    def _amount(self, found: re.Match[str]) -> list[Change]:
        groups = found.groupdict()
        minus = self.tongue.minus if groups.get("minus") else ""
        begin = found.start("minus") if minus else found.start("first")
        if not found["last"]:
            alone = self.tongue.one if found["first"] == "1" and "unit" in groups else ""
            return [Change(begin, found.end("first"), minus + (alone or self.number(found["first"])))]
        return [
            Change(begin, found.end("first"), minus + self.number(found["first"])),
            Change(found.end("first"), found.start("last"), self.tongue.to),
            part(found, "last", self.number(found["last"])),
        ]

    def _name(self, names: Names, found: re.Match[str]) -> str:
        """Which of the names of a thing stands after this amount of it."""
        return self._name_for(names, found["last"] or found["first"])

    def _name_for(self, names: Names, text: str) -> str:
        if len(names) == 3:
            return _russian(names, text)
        is_one = text == "1" or (self.language == "fr" and re.match(r"[01](?:,|$)", text))
        return names[0] if is_one else names[-1]

    def _with_coins(self, found: re.Match[str], names: Names) -> str:
        """ "fünf Euro fünfzig"; "" where it is no such amount."""
        whole, _, coins = found["first"].partition("," if self.tongue.comma else ".")
        if found["last"] or self.tongue.coins is None or len(coins) != 2:
            return ""
        number = self.tongue.one if whole == "1" and self.tongue.one else self.number(whole)
        said = f"{number} {self._name_for(names, whole)}"
        return said + (self.tongue.coins + cardinal(int(coins), self.language) if int(coins) else "")

    def _hour(self, hour: int) -> str:
        if self.language == "ko" and 1 <= hour <= 12:
            return native_korean(hour)
        if hour == 1:
            return _ONE_HOUR.get(self.language) or self.tongue.one or cardinal(hour, self.language)
        if self.language == "fr" and hour == 21:
            return "vingt-et-une"
        if self.language == "pt" and hour in (2, 22):
            return "duas" if hour == 2 else "vinte e duas"
        return cardinal(hour, self.language)

    def _day(self, day: int) -> str:
        if self.language == "de":
            return ordinal(day, "de", "spellout-ordinal-r")
        if self.language == "ru":
            return ordinal(day, "ru", "spellout-ordinal-neuter-genitive")
        return "premier" if self.language == "fr" and day == 1 else cardinal(day, self.language)

    def _year(self, year: int) -> str:
        if self.language == "ru":
            return ordinal(year, "ru", "spellout-ordinal-masculine-genitive")
        if self.language == "de" and 1100 <= year <= 1999:
            return ordinal(year, "de", "spellout-numbering-year")
        return cardinal(year, self.language)


def _russian(names: Names, text: str) -> str:
    """21 процент, 22 процента, 25 процентов, 2,5 процента."""
    if not text[-1].isdecimal() or "," in text:
        return names[1]
    if text[-1] in "1234" and text[-2:-1] != "1":
        return names[0] if text[-1] == "1" else names[1]
    return names[2]
