"""For tests of all kinds of targets: a video that needs no camera, a memo, and surroundings."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from handlers.publish.facts import Facts
from handlers.publish.kind import Surroundings
from handlers.publish.target import Text, Video

KEY = "abcdefghijklmnopqrstuvwxyz234567"
OTHER_KEY = KEY[::-1]
NOW = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
FACTS = Facts("0k3v9m2x", NOW, "早安 News", "Good morning.", "en", ("news",))
TEXT = Text("早安 News", "What happened.\n\n#news", ("news",), "en", FACTS)


def video_in(folder: Path, size: int = 3_000_000) -> Video:
    """No player would show it, and no target looks inside."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "video.mp4").write_bytes(bytes(range(250)) * (size // 250))
    (folder / "cover.jpg").write_bytes(b"\xff\xd8 a cover \xff\xd9")
    (folder / "captions.srt").write_bytes("1\n00:00:00,000 --> 00:00:01,000\n早安\n".encode())
    return Video(
        folder / "video.mp4",
        duration_s=12.5,
        width=1080,
        height=1920,
        size=size // 250 * 250,
        cover=folder / "cover.jpg",
        subtitles=folder / "captions.srt",
    )


def surroundings(folder: Path) -> Surroundings:
    return Surroundings(folder / "target", now=lambda: NOW)


class Memory:
    """A memo whose facts are JSON, as in the tables."""

    def __init__(self) -> None:
        self._kept = "{}"

    def get(self) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self._kept)
        return kept

    def put(self, **facts: Any) -> None:
        kept = {key: value for key, value in (self.get() | facts).items() if value is not None}
        self._kept = json.dumps(kept)
