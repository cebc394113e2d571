"""What an attachment is good for: a first guess, by what its sender says of it. The door looks into it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from handlers.telegram.incoming import Attachment

Role = Literal["clip", "script", "sound"]

CLIPS = frozenset((".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".jpg", ".jpeg", ".png", ".webp"))
SCRIPTS = frozenset((".txt", ".md", ".srt"))
SOUNDS = frozenset((".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".wav", ".flac"))

_BY_KIND: dict[str, Role] = {
    "video": "clip",
    "video_note": "clip",
    "animation": "clip",
    "photo": "clip",
    "voice": "sound",
    "audio": "sound",
}
_BY_SUFFIX: dict[str, Role] = {
    **dict.fromkeys(CLIPS, "clip"),
    **dict.fromkeys(SCRIPTS, "script"),
    **dict.fromkeys(SOUNDS, "sound"),
}
_BY_MIME: dict[str, Role] = {"video": "clip", "image": "clip", "audio": "sound", "text": "script"}


def role_of(sent: Attachment) -> Role | None:
    """None: for nothing."""
    if sent.kind != "document":
        return _BY_KIND.get(sent.kind)
    # The suffix first: some clients call every file application/octet-stream, and .srt is many things.
    suffix = PurePosixPath(sent.name).suffix.lower()
    return _BY_SUFFIX.get(suffix) or _BY_MIME.get(sent.mime.partition("/")[0].lower())
