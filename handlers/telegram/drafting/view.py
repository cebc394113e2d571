"""Everything that a card shows, read and put together by showing.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.chats import ChatFile, DraftState, FileState
from handlers.telegram.draft import Contents, Findings
from handlers.telegram.texts import Marked, say


@dataclass(frozen=True)
class View:
    """current: the findings are about these contents. files: id → file. options: as they will count.

    engine: that speaks; "" while nobody knows. toned: it can be told how. same_clip: the clip of an earlier
    video can be had. asked: what the person is asked to write now: title, tone, script, voice.
    """

    draft_id: str
    language: str
    state: DraftState
    group: bool
    contents: Contents
    findings: Findings | None
    current: bool
    files: Mapping[str, ChatFile]
    options: Mapping[str, Any]
    engine: str = ""
    toned: bool = False
    asked: str = ""
    same_clip: bool = False

    def say(self, key: str, /, **values: object) -> Marked:
        return say(self.language, key, **values)

    @property
    def script(self) -> str:
        """What is spoken, as far as it is known here."""
        return (self.about_words.script if self.about_words else "") or self.contents.text

    @property
    def about_words(self) -> Findings | None:
        """What was found out, if it holds for these words."""
        if self.findings and (self.current or self.findings.of_words == self.contents.words):
            return self.findings
        return None

    @property
    def about_clip(self) -> Findings | None:
        if self.findings and (self.current or self.findings.of_clip == self.contents.clip):
            return self.findings
        return None

    @property
    def error(self) -> dict[str, str] | None:
        for file in self.files.values():
            if file.state == FileState.REFUSED:
                return file.error
        return self.findings.error if self.findings and self.current else None

    @property
    def delay(self) -> dict[str, str] | None:
        """Why a file has not come yet."""
        waiting = (file.error for file in self.files.values() if file.state == FileState.WANTED)
        return next((error for error in waiting if error), None)
