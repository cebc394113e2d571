"""How web and mail addresses, files and names with dots are said: "github dot com slash vigentd"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from models.reading.rewrite import Rule, Said, rule


@dataclass(frozen=True)
class Signs:
    """How the signs of an address are called, with the spaces around them, and how its numbers are read."""

    number: Callable[[str], str]
    dot: str
    slash: str
    at: str
    dash: str = " "
    underscore: str = " "


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_URL = r"""
    (?:https?://(?:www\.)?|www\.) (?P<host>[A-Za-z0-9.\-]+) (?P<port>:\d+)?
    (?P<path>/[A-Za-z0-9\-._~/@!$&'()*+,;=:%]*)? (?P<query>[?\#][A-Za-z0-9\-._~:/?@!$&'()*+,;=%\#]*)?
"""
_MAIL = rf"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._+\-]{{0,62}}[A-Za-z0-9])?)@(?P<host>{_LABEL}(?:\.{_LABEL})+)"
# A domain or a file: names of two letters and more between dots, the last one in small letters.
_DOTTED = r"""
    (?<![A-Za-z0-9@.\-]) (?P<host>(?:[A-Za-z0-9][A-Za-z0-9\-]+\.)+[a-z][a-z0-9]{1,9}) (?![A-Za-z0-9@])
    (?P<path>/[A-Za-z0-9\-._~/@%]*)? (?P<query>[?\#][A-Za-z0-9\-._~:/?@&=%\#]*)?
"""
_HANDLE = r"(?<![A-Za-z0-9.])@(?P<name>[A-Za-z0-9_]+)"
_AT_END = ".,;:!?'()"  # of an address these belong to the sentence


def address_rules(signs: Signs) -> tuple[Rule, ...]:
    """What follows a question mark in an address is not read: nobody says it, and the subtitles show it."""

    def web(found: re.Match[str]) -> Said:
        path = (found["path"] or "").rstrip(_AT_END + ("" if found["query"] else "/"))
        if not re.search(r"[A-Za-z]", found["host"]) or (not path and found["host"].endswith(".")):
            return None
        return _told(found["host"] + path.rstrip("/"), signs) + _left_over(found)

    def mail(found: re.Match[str]) -> str:
        return _told(found["name"], signs) + signs.at + _told(found["host"], signs)

    return (
        rule(_URL, web),
        rule(_MAIL, mail),
        rule(_DOTTED, lambda found: web(found) if _is_dotted_name(found["host"]) else None),
        rule(_HANDLE, lambda found: signs.at.lstrip() + _told(found["name"], signs)),
    )


def _is_dotted_name(host: str) -> bool:
    labels = host.split(".")
    return any(label[0].isalpha() for label in labels[:-1]) and labels[-1].isalpha()


def _left_over(found: re.Match[str]) -> str:
    """The punctuation at the end that is the sentence's."""
    whole = found[0]
    return whole[len(whole.rstrip(_AT_END)) :]


def _told(address: str, signs: Signs) -> str:
    said = address.strip("/")
    for sign, name in ((".", signs.dot), ("/", signs.slash), ("@", signs.at), ("_", signs.underscore)):
        said = said.replace(sign, name)
    said = re.sub(r"%[0-9A-Fa-f]{2}|[~!$&'()*+,;=:%]", " ", said)
    said = re.sub(r"[0-9]+", lambda number: f" {signs.number(number[0])} ", said.replace("-", signs.dash))
    return re.sub(r"\s*([\u4e00-\u9fff]+)\s*", r"\1", re.sub(r"\s+", " ", said)).strip()
