"""Ten seconds of what a video may sound like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from daemon.config import Config
from handlers.telegram.door.sound import write_m4a
from models.errors import BadInput
from models.progress import Progress
from pipeline import ffmpeg
from pipeline.media import open_local
from pipeline.music import check_sound, read, resolve

LISTEN_S = 10.0
FADE_IN_S, FADE_OUT_S = 0.3, 1.5
COMFORTABLE = {"I": -18, "TP": -1.5, "LRA": 11}  # LUFS, dBTP, LU: as loud as other sounds on a phone


def music(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config", "track": its name, "out": path}. Returns {"seconds", "title"}.

    Raises BadInput `music_unknown`, `music_unreadable`.
    """
    track = resolve(asked["track"], Config(**asked["config"]).settings)
    if track is None:
        raise BadInput("There is nothing to listen to: no music was chosen", code="music_unknown")
    check_sound(track)
    seconds = min(_length(track.path) or LISTEN_S, LISTEN_S)
    piece = read(track.path, t=LISTEN_S).filter("loudnorm", **COMFORTABLE)
    _write(_faded(piece, seconds, FADE_IN_S), Path(asked["out"]), progress, seconds)
    return {"seconds": seconds, "title": track.title or track.name}


def sound(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"wav": speech, "out": path}. Its first ten seconds, at its own level. Returns {"seconds"}."""
    wav = Path(asked["wav"])
    length = _length(wav)
    piece = ffmpeg.source(wav, t=LISTEN_S).audio
    if length > LISTEN_S:
        piece = _faded(piece, LISTEN_S, 0.0)
    seconds = min(length, LISTEN_S)
    _write(piece, Path(asked["out"]), progress, seconds)
    return {"seconds": seconds}


def _faded(piece: Any, seconds: float, fade_in_s: float) -> Any:
    if fade_in_s:
        piece = piece.filter("afade", type="in", duration=fade_in_s)
    fade_out_s = min(FADE_OUT_S, seconds / 3)
    return piece.filter("afade", type="out", start_time=seconds - fade_out_s, duration=fade_out_s)


def _write(piece: Any, out: Path, progress: Progress, seconds: float) -> None:
    write_m4a(piece, out, "cutting the sound", progress, seconds)


def _length(path: Path) -> float:
    """Seconds, as the file says; 0 when it does not."""
    with open_local(path) as container:
        return container.duration / av.time_base if container.duration else 0.0
