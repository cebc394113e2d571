"""Reading a script: bytes of unknown origin → text, or one plain sentence about why not.

UTF-8, UTF-16 and GB18030 are read. What is guessed is guessed narrowly: a wrong guess would be
spoken aloud, so a file that fits none of them well is refused.
"""

from __future__ import annotations

import codecs
import unicodedata

from models.errors import BadInput
from models.words import is_han, tokens

# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
_DOCUMENTS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a document or archive (DOCX, ODT, ZIP)",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"RIFF": "a sound or video file",
    b"ID3": "a sound file",
    b"OggS": "a sound or video file",
    b"\x1a\x45\xdf\xa3": "a video file",
    b"\x1f\x8b": "a compressed file",
    b"\x7fELF": "a program",
}
_CONTROLS_OF_TEXT = frozenset("\t\n\v\f\r\x1a\x1b\x85")
_BINARY_BYTES = bytes(set(range(32)) - {ord(c) for c in "\t\n\v\f\r\x1a\x1b"})
_SAVE_AS_UTF8 = "Open it in an editor and save it as UTF-8"
# No Chinese prose of some length does without all of these; Korean in EUC-KR, read as GB18030, does.
_COMMON_HAN = frozenset("的一是不了在有我人这中大来上国个到和这为他們这")


def decode_script(data: bytes) -> str:
    """The text in a file's bytes: exactly that, with LF for CRLF and without a byte order mark.

    Raises BadInput: script_not_text, script_encoding.
    """
    _refuse_document(data)
    return _decode(data).replace("\r\n", "\n")


def check_script(text: str, limit_chars: int) -> str:
    """The text, if it can be spoken.

    Raises BadInput: script_empty, script_too_long.
    """
    if not text.strip():
        raise BadInput(
            "The script is empty", code="script_empty", hint="Write the text that is to be spoken into it"
        )
    if len(text) > limit_chars:
        raise BadInput(
            f"The script has {len(text):,} characters, and at most {limit_chars:,} are allowed",
            code="script_too_long",
            hint="Make several videos of it, or raise limits.script_chars in the configuration",
        )
    if not tokens(text):
        raise BadInput(
            "The script has no words to speak, only punctuation, symbols or markup",
            code="script_empty",
            hint="Add at least one word",
        )
    return text


def _refuse_document(data: bytes) -> None:
    for magic, kind in _DOCUMENTS.items():
        if data.startswith(magic):
            raise BadInput(
                f"The script is not plain text but {kind}",
                code="script_not_text",
                hint="Copy the text into a plain .txt file and use that",
            )


def _decode(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_marked(data[len(mark) :], encoding)
    for guess in (_as_utf8, _as_utf16, _as_gb18030):
        text = guess(data)
        if text is not None:
            return text
    if b"\0" in data or len(data) - len(data.translate(None, _BINARY_BYTES)) > 0.02 * len(data):
        raise _binary()
    if _mostly_utf8(data):
        line = data[: _first_bad_byte(data)].count(b"\n") + 1
        raise BadInput(
            f"The script is mostly UTF-8, but line {line} is damaged or in another encoding",
            code="script_encoding",
            hint=f"Correct that line. {_SAVE_AS_UTF8}",
        )
    raise BadInput(
        "The script's encoding is not known: it is neither UTF-8 nor UTF-16 nor GB18030",
        code="script_encoding",
        hint=_SAVE_AS_UTF8,
    )


def _decode_marked(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-le").removesuffix("-be").upper()
        raise BadInput(
            f"The script says that it is {name}, but it is damaged at byte {error.start}",
            code="script_encoding",
            hint=_SAVE_AS_UTF8,
        ) from None
    if "\0" in text:
        raise _binary()
    return text


def _as_utf8(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Chinese in UTF-16 can be valid UTF-8 by accident; its punctuation then shows up as control characters.
    controls = sum(unicodedata.category(c) == "Cc" and c not in _CONTROLS_OF_TEXT for c in text)
    return text if "\0" not in text and controls <= 0.02 * len(text) else None


def _as_utf16(data: bytes) -> str | None:
    """UTF-16 without a mark: the byte order that gives text of few scripts, if any does."""
    if len(data) % 2:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        plain = sum(map(_is_plain, text))
        accented = sum(0x0100 <= ord(c) < 0x0180 for c in text)
        if plain + accented >= 0.95 * len(text) and plain > accented:
            return text
    return None


def _as_gb18030(data: bytes) -> str | None:
    """GB18030, if it reads as Chinese: nearly every other encoding decodes as *some* rare characters."""
    if _mostly_utf8(data):
        return None
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    foreign = [c for c in text if ord(c) > 127]
    usual = sum(map(_is_usual_chinese, foreign))
    reads_as_chinese = (
        "\0" not in text
        and usual >= 0.6 * len(foreign)
        and (len(foreign) < 30 or not _COMMON_HAN.isdisjoint(text))
    )
    return text if reads_as_chinese else None


def _is_usual_chinese(c: str) -> bool:
    """Punctuation, or of the 3755 characters that GB 2312 lists as the most used."""
    if 0x3000 <= ord(c) <= 0x303F or 0xFF00 <= ord(c) <= 0xFFEF or 0x2010 <= ord(c) <= 0x2027:
        return True
    try:
        return b"\xb0\xa1" <= c.encode("gb2312") <= b"\xd7\xf9"
    except UnicodeEncodeError:
        return False


def _is_plain(c: str) -> bool:
    """Of the characters that texts in UTF-16 are made of; random bytes rarely give them."""
    code = ord(c)
    if code < 0x0100:
        return unicodedata.category(c) != "Cc" or c in _CONTROLS_OF_TEXT
    if is_han(c) and code < 0x10000:
        return _in_national_set(c)
    return (
        0x0370 <= code <= 0x0460  # Greek, Cyrillic
        or 0x2010 <= code <= 0x203A
        or 0x3000 <= code <= 0x30FF
        or 0xFF00 <= code <= 0xFFEF
        or 0x1F300 <= code <= 0x1FAFF
        or code in (0x20AC, 0x2122, 0xFE0F)
    )


def _in_national_set(c: str) -> bool:
    for encoding in ("gb2312", "big5", "shift_jis"):
        try:
            c.encode(encoding)
        except UnicodeEncodeError:
            continue
        return True
    return False


def _binary() -> BadInput:
    return BadInput(
        "The script is not a text file: it holds binary data",
        code="script_not_text",
        hint="Use a plain text file",
    )


def _mostly_utf8(data: bytes) -> bool:
    """Most of what is not ASCII is whole UTF-8 sequences: a damaged UTF-8 file."""
    text = data.decode("utf-8", errors="replace")
    good = sum(ord(c) > 127 and c != "\ufffd" for c in text)
    return good > 0 and good >= text.count("\ufffd")


def _first_bad_byte(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(data)
