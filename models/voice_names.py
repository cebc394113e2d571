"""What people write of a voice: its name, the text of its recording, its description."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence

from models.errors import BadInput

NAME_CHARS, TEXT_CHARS, DESCRIPTION_CHARS = 40, 2000, 500
RESERVED = frozenset({"none", "auto"})  # words that stand for no voice at all
LISTED = 12  # names in a sentence
_BETWEEN = frozenset(" -_")
# Of the letters and marks, those that nothing is drawn for (Default_Ignorable_Code_Point of Unicode).
_UNSEEN = (
    range(0x034F, 0x0350), range(0x115F, 0x1161), range(0x17B4, 0x17B6), range(0x180B, 0x1810),
    range(0x3164, 0x3165), range(0xFE00, 0xFE10), range(0xFFA0, 0xFFA1), range(0xE0000, 0xE1000),
)  # fmt: skip


def checked_name(name: str) -> str:
    """As it is kept. Raises BadInput `voice_name_invalid`."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    fits = 0 < len(name) <= NAME_CHARS and may_begin_names(name[0]) and all(map(may_stand_in_names, name))
    if fits and name.casefold() not in RESERVED:
        return name
    raise BadInput(
        f"“{_shown(name)}” cannot be the name of a voice" if name else "The name of the voice is empty",
        code="voice_name_invalid",
        hint=f"A name has letters, digits, spaces, - and _, at most {NAME_CHARS}, and begins with a letter "
        f"or a digit; {' and '.join(sorted(RESERVED))} are none.",
    )


def checked_text(text: str, most: int = TEXT_CHARS, what: str = "text") -> str:
    """In one line. Raises BadInput `voice_text_invalid`."""
    line = " ".join(text.split())
    if len(line) <= most and not any(unicodedata.category(c) in ("Cc", "Cs") for c in line):
        return line
    why = f"has more than {most:,} characters" if len(line) > most else "holds characters that are no text"
    raise BadInput(
        f"The {what} of the voice {why}", code="voice_text_invalid", hint="Give what is said, and no more."
    )


def same_name(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    """Names that look alike, large or small, wide or narrow, are one (NFKC_Casefold of Unicode)."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", plain).split())


def may_stand_in_names(c: str) -> bool:
    """Letters with the marks that belong to them, and digits, of any script, that can be seen."""
    kind = unicodedata.category(c)
    written = kind[0] in "LM" or kind == "Nd"
    return c in _BETWEEN or (written and not any(ord(c) in some for some in _UNSEEN))


def may_begin_names(c: str) -> bool:
    return may_stand_in_names(c) and c not in _BETWEEN and unicodedata.category(c)[0] != "M"


def name_taken(name: str, what: str = "There is a voice named “{}” already", hint: str = "") -> BadInput:
    """hint: what to do beside choosing another name."""
    return BadInput(
        what.format(name), code="voice_name_taken", hint=" ".join(("Choose another name.", hint)).strip()
    )


def no_such_voice(name: str, there: Sequence[str], otherwise: str = "", engine: str = "") -> BadInput:
    """there: those that whoever asks may know of; otherwise: what to do where there is none."""
    near = difflib.get_close_matches(_folded(name), names := {_folded(one): one for one in there}, 1)
    hint = f"There are: {', '.join(there[:LISTED])}" + (" …" if len(there) > LISTED else "")
    if near:
        hint = f"Did you mean {names[near[0]]}? {hint}"
    spoken = f" for {engine}" if engine else ""
    return BadInput(
        f"There is no voice named “{_shown(name)}”{spoken}",
        code="voice_unknown",
        hint=hint if there else otherwise or "`vigentd voices add` saves one.",
    )


def _shown(name: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in name)
    return plain if len(plain) <= NAME_CHARS else plain[:NAME_CHARS] + "…"
