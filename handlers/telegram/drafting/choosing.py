"""Lists of choices under a card: what there is, in which order, and as which buttons."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, get_args

from handlers.telegram.buttons import press
from handlers.telegram.choices import NONE, Choice, Choices
from handlers.telegram.content import CALLBACK_BYTES, Button
from handlers.telegram.drafting.card import BACK, name_of
from handlers.telegram.texts import plain
from models.words import is_han
from pipeline.spec import Language

DEFAULT_VOICE = "default"
PAGE = 12  # choices, in two columns
VOLUMES = (0.1, 0.25, 0.4, 0.6, 1.0)
PICKED = ("voice", "language", "subtitles", "title_style", "music", "music_volume")

_SPOKEN_AS = {  # how a voice may say which language is its own
    "zh": {"zh", "cmn", "yue", "chinese", "mandarin", "cantonese"},
    "en": {"en", "english"},
    "de": {"de", "german"},
    "it": {"it", "italian"},
    "pt": {"pt", "portuguese"},
    "es": {"es", "spanish"},
    "ja": {"ja", "japanese"},
    "ko": {"ko", "korean"},
    "fr": {"fr", "french"},
    "ru": {"ru", "russian"},
}


def values(what: str, choices: Choices, language: str = "") -> list[Any]:
    """What can be chosen. language: of the script; the voices of that language come first."""
    if what == "voice":
        known = [c for c in choices.voices if c.name != DEFAULT_VOICE]
        return [DEFAULT_VOICE, *(c.name for c in sorted(known, key=lambda c: not _speaks(c, language)))]
    if what == "subtitles":
        return [NONE, *(c.name for c in choices.subtitles if c.name != NONE)]
    if what == "title_style":
        return [c.name for c in choices.titles]
    if what == "music":
        return [NONE, *(c.name for c in choices.music if c.name != NONE)]
    if what == "music_volume":
        return list(VOLUMES)
    return list(get_args(Language)) if what == "language" else []


def chosen(what: str, word: str, choices: Choices) -> Any:
    """The value that a button of `rows` means; None when it is not there any more."""
    return next((v for v in values(what, choices) if word in (str(v), _digest(v))), None)


def rows(
    draft_id: str, speaks: str, what: str, of: Sequence[Any], now: Any, page: int = 0
) -> tuple[tuple[Button, ...], ...]:
    """speaks: the language of the words. now: what is chosen at present."""
    page = min(max(page, 0), (len(of) - 1) // PAGE if of else 0)
    shown = of[page * PAGE : (page + 1) * PAGE]
    buttons = [
        Button(("✓ " if value == now else "") + label(speaks, what, value), _data(draft_id, what, value))
        for value in shown
    ]
    lines = [tuple(buttons[i : i + 2]) for i in range(0, len(buttons), 2)]
    turns = [
        Button(arrow, press("d.pick", draft_id, f"{what}.{other}"))
        for arrow, other in (("◀", page - 1), ("▶", page + 1))
        if 0 <= other * PAGE < len(of)
    ]
    back = (Button(plain(speaks, "draft_button.back"), press(BACK, draft_id)),)
    return (*lines, *([tuple(turns)] if turns else []), back)


def label(speaks: str, what: str, value: Any) -> str:
    return f"{value:.0%}" if what == "music_volume" else name_of(speaks, what, str(value))


def language_of(script: str, said: str) -> str:
    """Of the script, as far as a glance tells. said: what was chosen."""
    if said != "auto":
        return said
    if re.search("[\u3040-\u30ff]", script):
        return "ja"
    if re.search("[\uac00-\ud7a3]", script):
        return "ko"
    if re.search("[\u0400-\u04ff]", script):
        return "ru"
    return "zh" if any(map(is_han, script)) else "en"


def _speaks(choice: Choice, language: str) -> bool:
    words = re.split(r"[^a-z]+", f"{choice.name} {choice.about}".lower())
    return not _SPOKEN_AS.get(language, set()).isdisjoint(words)


def _data(draft_id: str, what: str, value: Any) -> str:
    data = f"d.set:{draft_id}:{what}.{value}"
    if len(data.encode()) <= CALLBACK_BYTES:
        return press("d.set", draft_id, f"{what}.{value}")
    return press("d.set", draft_id, f"{what}.{_digest(value)}")


def _digest(value: Any) -> str:
    """Of a name that is too long for a button. Places in a list would change with the list."""
    return "~" + hashlib.sha256(str(value).encode()).hexdigest()[:12]
