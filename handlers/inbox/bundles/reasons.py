"""Why something stays in the inbox, in words: a sentence, and what to do about it.

All names are shown, never bare: they may hold anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from handlers.inbox.bundles.bundle import Held, Role
from handlers.inbox.names import shown, suffix_of


class Word(NamedTuple):
    """What a role is called, and what a file of it is usually called."""

    one: str
    many: str
    suffix: str


WORDS: dict[Role, Word] = {
    "script": Word("script", "scripts", ".txt"),
    "clip": Word("clip", "clips", ".mp4"),
    "speech": Word("recording", "recordings", ".wav"),
    "options": Word("file of options", "files of options", ".toml"),
    "batch": Word("batch", "batches", ".csv"),
}

_CONVERT = {
    ".doc .docx .odt .pdf .rtf .pages .html .htm": "If it is a script, save it as plain text (.txt).",
    ".srt .vtt .ass": "If it is a script, save its text alone as plain text (.txt).",
    ".heic .heif .avif .svg .psd .raw .cr2 .nef .arw": "If it is a photo, save it as a JPEG or PNG.",
    ".xls .xlsx .ods .numbers": "If it is a batch, save it as CSV.",
    ".json .yaml .yml .ini": "Options are written in TOML (.toml), batches in CSV or JSON Lines (.jsonl).",
    ".zip .rar .7z .tar .gz .tgz": "Unpack it into a folder of its own in the inbox.",
}
_HINTS = {suffix: hint for suffixes, hint in _CONVERT.items() for suffix in suffixes.split()}


# ---------------------------------------------------------------- what will not change by waiting


def unknown(name: str) -> Held:
    usual = "A script ends in .txt or .md, a clip in .mp4 or .jpg, for instance, a recording in .wav or .mp3."
    hint = _HINTS.get(suffix_of(name).casefold(), usual)
    return Held(name, f"{shown(name)} is not a kind of file that videos are made of", hint, helpless=True)


def no_file(name: str, kind: str, within: str = "") -> Held:
    """kind: as of an Entry. within: the folder in which it is; then that stays."""
    where = f" in the folder {shown(within)}" if within else ""
    if kind == "link":
        why, hint = f"{shown(name)}{where} is a link", "Copy the file itself into the inbox."
    else:
        why = f"{shown(name)}{where} is not a file but a pipe, a socket or a device"
        hint = "Take it out of the inbox."
    return Held(within or name, why, hint, helpless=True)


def unreadable(name: str, why: str) -> Held:
    hint = "Give vigentd's user the right to read it, or copy it anew."
    return Held(name, f"{shown(name)} cannot be looked at: {why}", hint, helpless=True)


def too_much(folder: str) -> Held:
    hint = "A folder is for one video: put a script and a clip into it, and nothing else."
    return Held(folder, f"The folder {shown(folder)} has too much in it for one video", hint, helpless=True)


def nested(folder: str, inner: str) -> Held:
    why = f"The folder {shown(folder)} has a folder in it, {shown(inner)}"
    hint = "Put the files directly into it, or each folder into the inbox itself."
    return Held(folder, why, hint, helpless=True)


def several(role: Role, names: Sequence[str], stem: str) -> Held:
    hint = "Take one of them away." if len(names) == 2 else "Take away all of them but one."
    why = f"There are {_several(role, names)} for {shown(stem)}: {_listed(names)}"
    return Held(names[0], why, hint, helpless=True)


def several_within(role: Role, names: Sequence[str], folder: str) -> Held:
    why = f"There are {_several(role, names)} in the folder {shown(folder)}: {_listed(names)}"
    hint = "A folder is for one video: put each of them into a folder of its own."
    return Held(folder, why, hint, helpless=True)


def options_beside_batch(folder: str, options: str) -> Held:
    why = (
        f"The folder {shown(folder)} has {shown(options)} in it beside a batch, which has options of its own"
    )
    return Held(folder, why, "Write the options into the rows, and take the file away.", helpless=True)


def named_twice(batch: str, name: str, other: str) -> Held:
    why = f"{shown(batch)} names {shown(name)}, which {shown(other)} names too"
    return Held(batch, why, "Give each its own copy of it, or make one batch of the two.", helpless=True)


def names_no_file(batch: str, at: str, name: str) -> Held:
    why = f"{shown(batch)} names {shown(name)}, which is not a file"
    return Held(at, why, "Put the file itself beside the batch, or correct the row.", helpless=True)


# ---------------------------------------------------------------- what may still become a video


def empty(name: str, at: str) -> Held:
    """at: what stays, the file or the folder in which it is. (So also below.)"""
    return Held(at, f"{shown(name)} is empty", "If nothing is being written to it, copy it again.")


def nothing_within(folder: str) -> Held:
    return Held(folder, f"The folder {shown(folder)} is empty", "Put a script and a clip into it.")


def coming(at: str, passing: str) -> Held:
    why = f"{shown(at)} waits for {shown(passing)} to be complete"
    return Held(
        at, why, f"If nothing writes {shown(passing)} any more, take it away, and copy the file again."
    )


def lacks(have: str, stem: str, missing: Role) -> Held:
    """have: a file of this stem."""
    word = WORDS[missing]
    hint = f"Put the {word.one} beside it, called {shown(stem)}{word.suffix}, for instance."
    if missing == "script":
        hint += " If that was taken up without it, drop both again."
    return Held(have, f"{shown(have)} waits for its {word.one}", hint)


def lacks_within(folder: str, missing: Role) -> Held:
    word = WORDS[missing]
    hint = f"Put it into the folder, as a {word.suffix} file, for instance."
    return Held(folder, f"The folder {shown(folder)} waits for its {word.one}", hint)


def patient(at: str) -> Held:
    return Held(at, f"{shown(at)} waits a little for a clip of its own; then it gets the inbox's presenter")


def rows_lack(batch: str, at: str, missing: Sequence[str]) -> Held:
    them = "it" if len(missing) == 1 else "them"
    hint = f"Put {them} beside the batch, or correct the rows."
    return Held(at, f"{shown(batch)} waits for {_listed(missing)}, which its rows name", hint)


def claimed(have: str, wanted: str, batch: str) -> Held:
    """The rows of the batch name the file that this one would go with."""
    why = f"{shown(have)} waits for {shown(wanted)}, which {shown(batch)} names too"
    hint = f"Take {shown(batch)} away, or let it name a copy of {shown(wanted)} that is called otherwise."
    return Held(have, why, hint)


def batch_coming(have: str, batch: str) -> Held:
    why = f"{shown(have)} waits for {shown(batch)} to be complete, which may name it"
    hint = f"If {shown(batch)} is no batch but something that goes on being written, take it away."
    return Held(have, why, hint)


def note(name: str) -> Held:
    hint = "If it is a script, give it another name; else take it away."
    return Held(name, f"{shown(name)} has the name of one of our notes, and its files are not here", hint)


def _several(role: Role, names: Sequence[str]) -> str:
    count = "two" if len(names) == 2 else str(len(names))
    return f"{count} {WORDS[role].many}"


def _listed(names: Sequence[str], most: int = 3) -> str:
    """ "a and b", "a, b, c and 12 more"."""
    told = [shown(name) for name in names[:most]]
    if len(names) > most:
        told.append(f"{len(names) - most} more")
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
