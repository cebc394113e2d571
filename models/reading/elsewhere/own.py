"""What only one of these languages has: 3. Mai, 1er, 2º, в 2024 году, 3개."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from models.reading.elsewhere.tongues import TONGUES
from models.reading.numbers import native_korean, ordinal
from models.reading.rewrite import Rule, Said, part, rule

_GERMAN_SHORT = {"bzw": "beziehungsweise", "usw": "und so weiter", "ca": "circa", "Nr": "Nummer"}
_GERMAN_COUNTED = [*TONGUES["de"].months, "Jahrhundert", "Mal", "Platz", "Tag", "Stock", "Kapitel", "Klasse"]
_GERMAN_DATIVE = frozenset(["am", "vom", "zum", "beim", "im", "dem", "den", "des", "bis", "seit", "ab"])
_RUSSIAN_YEARS = {"год": "", "года": "-genitive", "году": "-locative", "годом": "-ablative"}
_KOREAN_COUNTED = "개|명|시간|시|살|마리|번|잔|병|권|대|장|가지|달|그루|벌|켤레|사람|분(?=이|께|의|들)"


def _german() -> tuple[Rule, ...]:
    def nth(found: re.Match[str]) -> Said:
        """der dritte, am dritten, dritter Mai"""
        word = (found["before"] or "").lower()
        ending = "-n" if word in _GERMAN_DATIVE else "" if word in ("der", "die", "das") else "-r"
        said = ordinal(int(found["number"].rstrip(".")), "de", f"spellout-ordinal{ending}")
        return [part(found, "number", said)]

    return (
        rule(
            rf"""
            (?:(?P<before>[A-Za-z]+)\s)? (?P<number>(?<![\d.,])\d{{1,2}}\.)
            (?=\s?(?:{"|".join(_GERMAN_COUNTED)}))
            """,
            nth,
        ),
        rule(
            r"(?<![\d.,]) 1[1-9]\d\d (?! [\d.,]\d | \d | er | \s?(?:€|\$|%|Euro|km|m|kg|g)\b )",
            lambda found: ordinal(int(found[0]), "de", "spellout-numbering-year"),
        ),
        rule(r"z\.\s?B\.", "zum Beispiel"),
        rule(r"d\.\s?h\.", "das heißt"),
        rule(
            rf"(?<![A-Za-z]) (?P<short>{'|'.join(_GERMAN_SHORT)})\.",
            lambda found: _GERMAN_SHORT[found["short"]],
        ),
    )


def _romance(language: str, endings: str) -> tuple[Rule, ...]:
    """1er, 2e · 1º, 1ª"""

    def nth(found: re.Match[str]) -> Said:
        gender = "feminine" if found["ending"] in ("ª", "re", "ère") else "masculine"
        return ordinal(int(found["number"]), language, f"spellout-ordinal-{gender}")

    return (rule(rf"(?<![\w.,]) (?P<number>[1-9]\d{{0,2}}) \.?(?P<ending>{endings}) (?![A-Za-zÀ-ÿ])", nth),)


def _french() -> tuple[Rule, ...]:
    months = "|".join(TONGUES["fr"].months)
    return (
        *_romance("fr", "ère|ème|er|re|nd|e"),
        rule(rf"(?<![\w.,]) 1 (?=\s(?:{months}))", "premier"),
    )


def _russian() -> tuple[Rule, ...]:
    def year(found: re.Match[str]) -> Said:
        case = _RUSSIAN_YEARS[found["word"]]
        return ordinal(int(found["number"]), "ru", f"spellout-ordinal-masculine{case}")

    months = "|".join(TONGUES["ru"].months)
    return (
        rule(r"(?<![\d.,]) (?P<number>[12]\d{3}) (?=\s(?P<word>году|годом|года|год)(?![а-я]))", year),
        rule(
            rf"(?<![\d.,]) (?P<number>[12]\d|3[01]|[1-9]) (?=\s(?:{months}))",
            lambda found: ordinal(int(found["number"]), "ru", "spellout-ordinal-neuter-genitive"),
        ),
    )


def _korean() -> tuple[Rule, ...]:
    return (
        rule(
            rf"(?<![\d.,\-~]) (?P<number>[1-9]\d?) (?=\s?(?:{_KOREAN_COUNTED}))",
            lambda found: native_korean(int(found["number"])),
        ),
    )


OWN: dict[str, Callable[[], tuple[Rule, ...]]] = {
    "de": _german,
    "fr": _french,
    "es": partial(_romance, "es", "[ºª]"),
    "it": partial(_romance, "it", "[ºª]"),
    "pt": partial(_romance, "pt", "[ºª]"),
    "ru": _russian,
    "ko": _korean,
}
