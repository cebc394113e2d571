"""The pieces of music that can lie under a voice: the built-in ones, the user's own, or any file."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import BadInput, ProcessDied, StageFailed
from pipeline import ffmpeg
from pipeline.media import FORMATS
from pipeline.spec import Settings

BUILT_IN = Path(__file__).resolve().parents[1] / "assets" / "music"
NONE = "none"

SUFFIXES = {".mp3", ".m4a", ".mp4", ".wav", ".flac", ".ogg", ".opus", ".aif", ".aiff", ".aac", ".wma", ".caf"}


@dataclass(frozen=True)
class Track:
    """A piece of music. loop: seconds (begin, end) between which it repeats without a seam, when known."""

    name: str
    path: Path
    title: str = ""
    mood: str = ""
    bpm: int | None = None
    licence: str = ""
    loop: tuple[float, float] | None = None
    built_in: bool = False


def tracks(settings: Settings) -> list[Track]:
    """All that can be asked for by name, sorted; the user's own replace built-in ones of the same name.

    The user's folder is `<settings.assets>/music`; it may have a tracks.json like the built-in one, and
    every sound file that this does not name is a track called by its file's name.
    """
    found = {track.name: track for track in _described(BUILT_IN, built_in=True)}
    if settings.assets is not None:
        own = settings.assets / "music"
        files = sorted(p for p in own.glob("*") if p.suffix.lower() in SUFFIXES) if own.is_dir() else []
        described = _described(own)
        known = {track.path for track in described}
        found |= {p.stem: Track(p.stem, p, title=p.stem) for p in files if p not in known}
        found |= {track.name: track for track in described}
    return sorted(found.values(), key=lambda track: track.name)


def resolve(music: str, settings: Settings) -> Track | None:
    """The track that `music` means: a name, a file's path, or "none" (→ None). The file is not opened.

    Raises BadInput `music_unknown`.
    """
    wanted = music.strip()
    if wanted.lower() in ("", NONE):
        return None
    available = {track.name.lower(): track for track in tracks(settings)}
    path = Path(wanted).expanduser()
    if wanted.lower() in available:
        return available[wanted.lower()]
    if path.is_file():
        return Track(path.stem, path.absolute(), title=path.stem)
    raise _unknown(wanted, [track.name for track in available.values()])


def check_sound(track: Track) -> None:
    """Decodes the first two seconds. Raises BadInput `music_unreadable`."""
    trial = read(track.path, t=2).output("-", format="null")
    try:
        ffmpeg.run(["-xerror", *trial.get_args()], doing="reading the music")
    except ProcessDied:
        raise  # that says nothing about the file
    except StageFailed as error:
        reason = error.message.removeprefix("ffmpeg failed while reading the music: ")
        raise BadInput(
            f"The music {track.path} cannot be read as sound ({reason})",
            code="music_unreadable",
            hint="Use an mp3, m4a, wav, flac, ogg or opus file that plays elsewhere",
        ) from error


def read(path: Path, **options: Any) -> Any:
    """The sound of a music file, as an input for ffmpeg-python; of this file, never of others it names."""
    return ffmpeg.source(path, format_whitelist=FORMATS, **options)["a:0"]


def _described(folder: Path, *, built_in: bool = False) -> list[Track]:
    listing = folder / "tracks.json"
    if not listing.is_file():
        return []
    try:
        return [_track(entry, folder, built_in) for entry in json.loads(listing.read_text("utf-8"))["tracks"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"The list of music {listing} cannot be used: {type(error).__name__}: {error}",
            code="music_list_invalid",
            hint='It has to look like {"tracks": [{"name": "calm", "file": "calm.mp3"}]}; or remove it',
        ) from error


def _track(entry: dict[str, Any], folder: Path, built_in: bool) -> Track:
    loop = None
    if "loop_start_s" in entry:
        loop = (float(entry["loop_start_s"]), float(entry["loop_end_s"]))
    return Track(
        name=str(entry["name"]),
        path=folder / str(entry["file"]),
        title=str(entry.get("title", entry["name"])),
        mood=str(entry.get("mood", "")),
        bpm=entry.get("bpm"),
        licence=str(entry.get("licence", "")),
        loop=loop,
        built_in=built_in,
    )


def _unknown(wanted: str, names: list[str]) -> BadInput:
    if "/" in wanted or Path(wanted).suffix.lower() in SUFFIXES:
        there = "is a folder" if Path(wanted).is_dir() else "does not exist"
        return BadInput(
            f"The music file {wanted} {there}",
            code="music_unknown",
            hint=f"Check the path, or use one of: {', '.join(names)}",
        )
    near = difflib.get_close_matches(wanted.lower(), [name.lower() for name in names], n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return BadInput(
        f'There is no music called "{wanted}"',
        code="music_unknown",
        hint=f"{meant}There is: {', '.join(names)}; or give the path of a sound file, or none".capitalize(),
    )
