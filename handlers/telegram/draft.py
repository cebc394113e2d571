"""A video that is being put together: what people gave, and what was found out about it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Part:
    """One message of a script. at: when it was sent, ISO 8601. beyond: characters of it that are not kept,
    because the script is too long anyway."""

    message_id: int
    at: str
    text: str
    beyond: int = 0

    @property
    def characters(self) -> int:
        return len(self.text) + self.beyond


@dataclass(frozen=True)
class Contents:
    """script: parts in order. script_file, clip, speech: ids of ChatFiles. album: of the clip.

    presenter: the clip is that of the chat's presenter of this name (and `clip` is its file).
    sound: a voice message of which it is not said yet whether it is the speech or a voice to keep.
    options: what was chosen for this video, by the names of pipeline.spec.Options.
    reply_to: the person's message to which the result answers.
    """

    script: tuple[Part, ...] = ()
    script_file: str | None = None
    clip: str | None = None
    presenter: str | None = None
    album: str = ""
    speech: str | None = None
    sound: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    reply_to: int | None = None
    by_hand: bool = False  # Start has to be pressed, also in a chat that starts at once

    @property
    def text(self) -> str:
        """The script, as far as it was written here. Parts of one long text are joined as they were cut."""
        return "\n".join(part.text for part in self.script)

    @property
    def characters(self) -> int:
        """Of the script that was written here, all of it."""
        return sum(part.characters for part in self.script) + max(len(self.script) - 1, 0)

    @property
    def words(self) -> str:
        """A mark of what is spoken: the same for the same."""
        spoken = [self.text, self.characters, self.script_file, self.speech]
        return hashlib.sha256(json.dumps(spoken).encode()).hexdigest()[:16]

    @property
    def complete(self) -> bool:
        return self.clip is not None and (bool(self.script) or bool(self.script_file) or bool(self.speech))

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(f for f in (self.clip, self.script_file, self.speech, self.sound) if f)

    def with_options(self, **options: Any) -> Contents:
        return replace(self, options=self.options | options)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Contents:
        return cls(**(kept | {"script": tuple(Part(**part) for part in kept["script"])}))


@dataclass(frozen=True)
class Findings:
    """What the door found, of the contents in that `version`. Some of it holds for later ones, too: what it
    says of the clip while that is still `of_clip`, and of the words while they are `of_words`.

    spec:    JobSpec as JSON, complete; None when something is wrong (`error`) or missing.
    seconds: about how long the video will be. clip: width, height, seconds (0 for a photo).
    script:  its text, wherever it came from.
    options: as they will count: those of the script's head, too. face: whether there is one in the clip;
             None: nobody knows.
    notes:   keys of texts, with what is filled in: {"key": "note.gone", …}; or English sentences.
    error:   VigentdError.as_dict(), perhaps with more that can be filled into its words.
    preview: path of the picture, once it is drawn. drawn: what of the spec can be seen in it.
    """

    version: int
    spec: dict[str, Any] | None = None
    seconds: float = 0.0
    clip: dict[str, float] = field(default_factory=dict)
    script: str = ""
    notes: tuple[dict[str, str] | str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    face: bool | None = None
    of_clip: str | None = None
    of_words: str = ""
    error: dict[str, str] | None = None
    preview: str | None = None
    drawn: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Findings:
        return cls(**(kept | {"notes": tuple(kept["notes"])}))


def about(findings: Findings, contents: Contents, before: Findings | None) -> Findings:
    """The findings, marked with what they are about; what they do not say and is still true is kept."""
    findings = replace(findings, of_clip=contents.clip, of_words=contents.words)
    if before is None:
        return findings
    if before.of_clip == contents.clip:
        face = before.face if findings.face is None else findings.face
        findings = replace(findings, clip=findings.clip or before.clip, face=face)
    if before.of_words == contents.words and not findings.script:
        told = {"seconds": before.seconds, "script": before.script, "options": before.options}
        findings = replace(findings, **told)  # type: ignore[arg-type]
    if findings.preview is None:
        findings = replace(findings, preview=before.preview, drawn=before.drawn)
    return findings


JOIN_CHARS = 3500  # clients cut at 4096, or at a space before it
JOIN_S = 15.0


def continues(contents: Contents, text: str, at: dt.datetime) -> bool:
    """Whether a text is the next part of the script: the last one was cut, and this came right after it."""
    if not contents.script or not text:
        return False
    last = contents.script[-1]
    gap_s = (at - dt.datetime.fromisoformat(last.at)).total_seconds()
    return last.characters >= JOIN_CHARS and 0 <= gap_s <= JOIN_S
