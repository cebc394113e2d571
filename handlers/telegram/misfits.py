"""What does not fit at a target, in the person's language. handlers/publish/fits.py says it in English
sentences, and the book keeps those; here they are read again."""

from __future__ import annotations

import re

from handlers.telegram.texts import catalogue, plain

_WHAT = "The title|The description|Title and description together|All tags together"
_PATTERNS = {
    "title_empty": r"The title is empty",
    "length": rf"(?P<what>{_WHAT}) ha(?:s|ve) "
    r"(?P<there>[\d,]+) (?P<unit>.+), and at (?P<bound>most|least) (?P<limit>[\d,]+) are \w+ there",
    "forbidden": r"The (?P<what>title|description) has (?P<there>.+) in it, which is not taken there",
    "tags": r"There are (?P<there>[\d,]+) tags, and at most (?P<limit>[\d,]+) are taken there",
    "duration": r"The video is (?P<there>\S+) long, and at most (?P<limit>\S+) is taken there",
    "size": r"The video has (?P<there>\S+ \w+), and at most (?P<limit>\S+ \w+) are taken there",
    "shape": r"The video has (?P<there>\d+ × \d+) pixels, which is too (?P<bound>narrow|wide) there: .+",
}
_WHOLE = re.compile(r"(?P<target>[a-z0-9_-]+) does not take it: (?P<what>.+)", re.DOTALL)


def in_language(language: str, message: str) -> str:
    """message: of a BadInput `does_not_fit`. What is not known stays English."""
    whole = _WHOLE.fullmatch(message)
    if language == "en" or whole is None:
        return message
    sentences = (_sentence(language, said) for said in re.split(r"\. (?=[A-Z])", whole["what"]))
    what = plain(language, "misfit.between").join(sentences)
    return plain(language, "misfit.whole", target=whole["target"], what=what)


def _sentence(language: str, said: str) -> str:
    for name, pattern in _PATTERNS.items():
        if (found := re.fullmatch(pattern, said, re.DOTALL)) is not None:
            facts = found.groupdict()
            for part in ("what", "unit", "bound"):
                key = f"misfit.{part}_{re.sub(r'[^a-z]+', '_', facts.get(part, '').lower())}"
                facts[part] = plain(language, key) if key in catalogue() else facts.get(part, "")
            return plain(language, f"misfit.{name}", **facts)
    return said
