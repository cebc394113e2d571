"""What a file is, by its name alone, and what names look like: compared, shown, made to fit."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache

from handlers.inbox.bundles.bundle import Role

LONGEST = 255  # bytes of a file name

_SUFFIXES: dict[Role, str] = {
    "script": "txt text md markdown",
    # What the demuxers of pipeline.media.FORMATS and the formats of pipeline.photo are called.
    "clip": "mp4 m4v mov qt 3gp 3g2 mj2 mkv webm avi mpg mpeg mpe m2v ts mts m2ts flv wmv asf ogv dv mxf "
    "jpg jpeg jpe jfif png apng webp bmp tif tiff gif",
    "speech": "wav w64 mp3 m4a flac ogg oga opus aac aif aiff caf amr wv wma",
    "options": "toml",
    "batch": "csv jsonl",
}
_ROLES: dict[str, Role] = {f".{suffix}": role for role, text in _SUFFIXES.items() for suffix in text.split()}
_NOTE = re.compile(r"(.+)\.(?:error|duplicate|waiting)\.txt", re.DOTALL | re.IGNORECASE)

# A temporary name, and in it the name that the file gets when it is whole.
_ON_ITS_WAY = (
    re.compile(r"[.~]syncthing[.~](.+)\.tmp", re.DOTALL | re.IGNORECASE),
    re.compile(
        r"\.?([^.~].*)\.(?:part|filepart|partial|crdownload|download|opdownload|dtapart|aria2|!ut|!qb|!sync|bc!"
        r"|tmp|temp|lock)",
        re.DOTALL | re.IGNORECASE,
    ),
    # rsync's; six letters may also be anything else, so the rest has to be a name that is of use.
    re.compile(
        rf"\.(.+\.(?:{'|'.join(' '.join(_SUFFIXES.values()).split())}))\.[a-z0-9]{{6}}",
        re.DOTALL | re.IGNORECASE,
    ),
)
# Backups, locks and leftovers of editors and file systems: the file itself may well be whole.
_BESIDE = re.compile(
    r"~\$.*|\.~lock\..*|[.~]syncthing[.~].*|\.goutputstream-.*|\.nfs.*|\.fuse_hidden.*"
    r"|.*\.(?:part|tmp|lock)|.*~|#.*#|.*\.sw[opx]",
    re.DOTALL | re.IGNORECASE,
)
_JUNK = frozenset(
    (
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "network trash folder"),
        *("temporary items", "$recycle.bin", "system volume information", "lost+found"),
        *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),
    )
)
_ZONE = ":zone.identifier"  # where Windows notes that a file was downloaded

# Not shown as they are: they would end the line, command a terminal, or turn the text around.
_HIDDEN_KINDS = frozenset(("Cc", "Cs", "Zl", "Zp"))
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@lru_cache(maxsize=2**14)  # each look asks several times of each name
def role_of(name: str) -> Role:
    """By its last suffix, in capitals or not."""
    role = _ROLES.get(suffix_of(name).casefold(), "unknown")
    if role == "script" and _NOTE.fullmatch(name):
        role = "note"
    if role != "unknown" and not name.startswith((".", "~", "#")):  # nearly all there is: quickly told
        return role
    folded = name.casefold()
    if folded in _JUNK or folded.endswith(_ZONE):
        return "junk"
    if passing_for(name) is not None or _BESIDE.fullmatch(name):
        return "passing"
    return "junk" if name.startswith(".") else role


def passing_for(name: str) -> str | None:
    """What a temporary name most likely stands for: "monday.mp4.part" → "monday.mp4".

    None: it is not temporary, or is no sign that anything is still to come (an editor's lock or backup).
    """
    matches = (pattern.fullmatch(name) for pattern in _ON_ITS_WAY)
    return next((match[1] for match in matches if match), None)


def suffix_of(name: str) -> str:
    """The last one, with its dot, as it is written; "" for none."""
    stem, dot, suffix = name.rpartition(".")
    return dot + suffix if stem and suffix else ""


def stem_of(name: str) -> str:
    """Without the last suffix."""
    return name.removesuffix(suffix_of(name))


def stem_of_note(name: str) -> str:
    """Of one of our notes: "monday.error.txt" → "monday"."""
    match = _NOTE.fullmatch(name)
    return match[1] if match else stem_of(name)


def group_key(name: str) -> str:
    """The same for names that people take for the same: in capitals or not, however accents are encoded.

    Also for names that are no Unicode.
    """
    folded = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", folded)


class Alike:
    """Finds the one of these names that a person means who wrote it a little differently."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def find(self, wanted: str) -> str | None:
        """Exactly it, or the only one alike."""
        if wanted in self._names:
            return wanted
        alike = self._by_key.get(group_key(wanted), ())
        return alike[0] if len(alike) == 1 else None

    @cached_property
    def _by_key(self) -> dict[str, list[str]]:
        by_key: dict[str, list[str]] = {}
        for name in self._names:
            by_key.setdefault(group_key(name), []).append(name)
        return by_key


def shown(name: str) -> str:
    """For a message: printable Unicode in one line."""
    if name.isascii() and name.isprintable():
        return name
    return "".join("\ufffd" if _is_hidden(c) else c for c in name)


def fitted(stem: str, suffix: str, number: int = 1) -> str:
    """stem + suffix, from number 2 on with "-2" between them, as a file name that is not too long.

    A stem that has to be cut gets a checksum of the whole, so that two of them stay two.
    """
    end = (f"-{number}" if number > 1 else "") + suffix
    room = LONGEST - len(os.fsencode(end))
    if len(os.fsencode(stem)) <= room:
        return stem + end
    checksum = "-" + hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
    return _cut(stem, room - len(checksum)) + checksum + end


def _is_hidden(c: str) -> bool:
    return c in _TURNING or unicodedata.category(c) in _HIDDEN_KINDS


def _cut(stem: str, room: int) -> str:
    """As many of its first characters as have room, in bytes."""
    while len(os.fsencode(stem)) > room:
        over = len(os.fsencode(stem)) - room
        stem = stem[: len(stem) - max(1, over // 4)]
    return stem
