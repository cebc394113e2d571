"""Is what lies in a draft a job? And what does a person want to know of it before it is begun?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from daemon import catalogue
from daemon.admission import Request, admit
from daemon.config import Config
from daemon.engines.roster import Chosen
from daemon.said import Said, checked, read_script
from daemon.store.history import UNKNOWN_S, amount
from handlers.telegram.door.script import read_script_file
from handlers.telegram.door.wording import Known, in_their_words
from models.errors import BadInput
from models.progress import Progress
from pipeline.media import open_local
from pipeline.probe import inspect
from pipeline.script import check_script
from pipeline.spec import JobSpec, Options, Settings

THE_CHAT = "the settings of this chat"
THE_SCRIPT = "the front matter of your script"


def examine(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config": …,
            "script": text or null, "script_file": {"path", "name"} or null,
            "clip": path or null, "speech": path or null,
            "names": {"clip", "speech": what their senders call them},
            "preset": options that the chat remembers, "options": those that were chosen for this video}

    Returns {"spec": JobSpec as JSON, "script": its text, "seconds": about how long the video will be,
             "clip": {"width", "height", "seconds": 0 of a photo}, "notes": [what the person has to know]}.
    While there is no clip, or nothing to say, "spec" is null, and what is there is looked at all the same.
    Raises BadInput, Unavailable.
    """
    config = Config(**asked["config"])
    names = asked["names"]
    clip, speech = (Path(asked[role]) if asked[role] else None for role in ("clip", "speech"))
    files = [Known(clip, "clip", names.get("clip") or "")] if clip else []
    files += [Known(speech, "recording", names.get("speech") or "")] if speech else []
    with in_their_words(files):
        script, notes = _script(asked, config)
        if clip is None or (script is None and speech is None):
            return _in_part(script, clip, speech, config) | {"notes": notes}
        preset, dropped = still_there(asked["preset"], config.settings)
        request = Request(
            clip=clip,
            script=script,
            speech=speech,
            options=Said(asked["options"], "your choices"),
            script_name="your script",
            preset=(Said(preset, THE_CHAT),),
        )
        spec = admit(request, config)
        return {
            "spec": spec.model_dump(mode="json"),
            "script": spec.script,
            "seconds": _length(speech) if speech else amount(spec),
            "clip": _clip(clip, config.settings),
            "notes": [*notes, *dropped, *Chosen(config).notes(spec)],
        }


def still_there(remembered: dict[str, Any], settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """The options that can still be had, and a note on each other one: it was chosen some other day, and must
    not stand in the way of this video. Raises Unavailable."""
    kept: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in remembered.items():
        try:
            chosen = Options(**checked(Said({name: value}, THE_CHAT), settings))
            check = catalogue.checks(chosen, settings).get(name)
            if check is not None:
                check()
            kept[name] = value
        except BadInput as e:
            notes.append(f"{e.message.rstrip('.')}: the default is taken")
    return kept, notes


def _script(asked: dict[str, Any], config: Config) -> tuple[bytes | None, list[str]]:
    """A file counts more than what was written, and the person is told."""
    text, file = asked["script"], asked["script_file"]
    if file is None:
        return (text.encode() if text else None), []
    name = file["name"] or "the file"
    notes = [f"The script is that of {name}; what you wrote here is not spoken"] if text else []
    return read_script_file(Path(file["path"]), config.limits.script_chars), notes


def _in_part(script: bytes | None, clip: Path | None, speech: Path | None, config: Config) -> dict[str, Any]:
    spoken = ""
    if script is not None:
        spoken = read_script(script, config.limits.script_chars, THE_SCRIPT)[1]
        check_script(spoken, config.limits.script_chars)
    seconds = amount(JobSpec(script=spoken, clip=Path("/"))) if spoken else 0.0
    return {
        "spec": None,
        "script": spoken,
        "seconds": _length(speech) if speech else seconds,
        "clip": _clip(clip, config.settings) if clip else {},
    }


def _clip(path: Path, settings: Settings) -> dict[str, float]:
    facts = inspect(path, settings)
    width = round(facts.width * facts.pixel_aspect)
    return {"width": width, "height": facts.height, "seconds": 0.0 if facts.still else facts.duration_s}


def _length(recording: Path) -> float:
    """Seconds, as the file says. Raises BadInput `speech_unreadable`."""
    try:
        with open_local(recording) as container:
            return container.duration / av.time_base if container.duration else UNKNOWN_S
    except (av.error.FFmpegError, OSError, ValueError) as e:
        raise BadInput(
            f"The recording {recording.name} cannot be read: it is damaged or not a sound file",
            code="speech_unreadable",
            hint="Send it again.",
        ) from e
