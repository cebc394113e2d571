"""parse_mode HTML: the text without its tags, and the entities that the tags were.

https://core.telegram.org/bots/api#html-style; strict where the real one is strict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.handlers.telegram.botapi.content import Entity
from tests.handlers.telegram.botapi.errors import ApiError, bad

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
TAG = r"""<(?P<tag>(?:[^>"']|"[^"]*"|'[^']*')*)>"""
PIECE = re.compile(TAG + r"|<|&(?P<char>#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot);|[^<&]+|&")
ATTRIBUTE = re.compile(r"""([A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
CHARS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


@dataclass
class _Open:
    tag: str
    start: int  # in UTF-16 units
    attributes: dict[str, str]


def units(text: str) -> int:
    """Its length in UTF-16 units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(html: str) -> tuple[str, list[Entity]]:
    """Raises ApiError 400 with Telegram's own words."""
    text: list[str] = []
    at = 0
    opened: list[_Open] = []
    entities: list[Entity] = []
    for piece in PIECE.finditer(html):
        if piece[0].startswith("<"):
            _tag(piece, html, at, opened, entities)
            continue
        plain = _char(piece["char"]) if piece["char"] else piece[0]
        text.append(plain)
        at += units(plain)
    if opened:
        raise _wrong(f'Can\'t find end tag corresponding to start tag "{opened[-1].tag}"')
    entities.sort(key=lambda e: (e["offset"], -e["length"]))
    return _stripped("".join(text), entities)


def _tag(piece: re.Match[str], html: str, at: int, opened: list[_Open], entities: list[Entity]) -> None:
    offset = len(html[: piece.start()].encode())
    if piece["tag"] is None:
        raise _wrong(f"Unclosed start tag at byte offset {offset}")
    inside = piece["tag"]
    if inside.startswith("/"):
        name = inside[1:].strip().lower()
        if not opened:
            raise _wrong(f"Unexpected end tag at byte offset {offset}")
        start = opened.pop()
        if name and name != start.tag:
            raise _wrong(
                f'Unmatched end tag at byte offset {offset}, expected "</{start.tag}>", found "</{name}>"'
            )
        entity = _entity(start, at, opened)
        if entity is not None:
            entities.append(entity)
        return
    name = re.match(r"\S*", inside)[0].lower()  # type: ignore[index]  # it always matches
    if name not in KINDS:
        raise _wrong(f'Unsupported start tag "{name}" at byte offset {offset}')
    attributes = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in ATTRIBUTE.finditer(inside[len(name) :])}
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise _wrong(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
    opened.append(_Open(name, at, attributes))


def _entity(start: _Open, at: int, around: list[_Open]) -> Entity | None:
    """None where Telegram makes none: of nothing, or of a link to nowhere."""
    if at == start.start:
        return None
    more: dict[str, Any] = {}
    if start.tag == "a":
        more["url"] = _unescaped(start.attributes.get("href", ""))
        if not more["url"]:
            return None
    if start.tag == "tg-emoji":
        more["custom_emoji_id"] = start.attributes.get("emoji-id", "")
    language = start.attributes.get("class", "")
    if start.tag == "code" and around and around[-1].tag == "pre" and language.startswith("language-"):
        around[-1].attributes["language"] = language.removeprefix("language-")
        return None
    if start.tag == "pre" and "language" in start.attributes:
        more["language"] = start.attributes["language"]
    kind = KINDS[start.tag]
    if start.tag == "blockquote" and "expandable" in start.attributes:
        kind = "expandable_blockquote"
    return {"type": kind, "offset": start.start, "length": at - start.start} | more


def _stripped(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Telegram takes white space off both ends."""
    front = units(text) - units(text.lstrip())
    text = text.strip()
    kept = []
    for e in entities:
        start = max(0, e["offset"] - front)
        end = min(units(text), e["offset"] + e["length"] - front)
        if end > start:
            kept.append(e | {"offset": start, "length": end - start})
    return text, kept


def _char(name: str) -> str:
    if name in CHARS:
        return CHARS[name]
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else f"&{name};"


def _unescaped(value: str) -> str:
    return PIECE.sub(lambda m: _char(m["char"]) if m["char"] else m[0], value)


def _wrong(what: str) -> ApiError:
    return bad(f"can't parse entities: {what}")
