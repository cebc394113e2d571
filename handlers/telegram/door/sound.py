"""Sound for a chat: AAC in an .m4a that plays while it still loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from handlers.telegram.door.written import whole
from models.progress import Progress
from pipeline import ffmpeg

AAC = {"acodec": "aac", "audio_bitrate": "128k", "ar": 48_000}


def write_m4a(sound: Any, out: Path, doing: str, progress: Progress, total_s: float, **options: Any) -> None:
    """sound: a stream of ffmpeg-python. The file is there whole, or it is not there."""
    with whole(out) as part:
        command = sound.output(str(part), format="ipod", movflags="+faststart", **(options or AAC))
        ffmpeg.run(command.get_args(), doing=doing, progress=progress, total_s=total_s)
