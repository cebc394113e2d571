"""Is what lies in a draft a job? And what does a person want to know of it before it is begun?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from daemon import catalogue
from daemon.admission import Request, admit
from daemon.config import Config
from daemon.engines.roster import Chosen
from daemon.said import Said, checked, read_script
from daemon.store.history import UNKNOWN_S, amount
from handlers.telegram.door import head
from handlers.telegram.door.drawn import not_drawn
from handlers.telegram.door.face import face_in
from handlers.telegram.door.script import read_script_file
from handlers.telegram.door.wording import Known, in_their_words
from models.errors import BadInput, VigentdError
from models.progress import Progress
from pipeline.media import ClipFacts, open_local
from pipeline.probe import inspect
from pipeline.script import check_script
from pipeline.spec import JobSpec, Options

THE_CHAT = "the settings of this chat"
THE_SCRIPT = "the front matter of your script"
THE_CARD = "your choices"

Note = dict[str, str] | str
DRAFTS = {"espeak": "note.draft_voice", "mouthwarp": "note.draft_lips"}


def examine(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config": …,
            "chat_id": where it is asked,
            "script": text or null, "script_file": {"path", "name"} or null,
            "clip": path or null, "speech": path or null,
            "names": {"clip", "speech": what their senders call them},
            "face": whether there is one in the clip, or null: it is looked for,
            "preset": options that the chat remembers, "options": those that were chosen for this video}

    Returns {"spec": JobSpec as JSON, "script": its text, "seconds": about how long the video will be,
             "clip": {"width", "height", "seconds": 0 of a photo}, "face": true, false or null,
             "options": as they will count, "notes": [what the person has to know],
             "wrong": null, or what is wrong with the head of the script or with the clip}.
    While there is no clip, or nothing to say, or something is wrong, "spec" is null, and what is there is
    looked at all the same. Raises BadInput, Unavailable.
    """
    progress.step(0, 1)  # from now on, and not while others were served, its time counts
    config = Config(**asked["config"])
    names = asked["names"]
    clip, speech = (Path(asked[role]) if asked[role] else None for role in ("clip", "speech"))
    files = [Known(clip, "clip", names.get("clip") or "")] if clip else []
    files += [Known(speech, "recording", names.get("speech") or "")] if speech else []
    with in_their_words(files):
        words = _words(asked, config)
        preset, gone = still_there(asked["preset"], config, asked["chat_id"])
        told: dict[str, Any] = {"spec": None, "clip": {}, "face": None, "options": {}, "wrong": None}
        told |= {"script": words.spoken, "notes": [*words.notes, *gone]}
        try:
            chat, card = Said(preset, THE_CHAT), Said(asked["options"], THE_CARD)
            place = "file" if asked["script_file"] else "message"
            head.check(words.head, config, asked["chat_id"], place)
            told["options"] = head.counting(
                words.head, chat, card, config.defaults.model_dump(), config.settings
            )
        except head.WrongHead as e:
            told["wrong"] = e.told
        _check_script(words, speech, config)
        told["seconds"] = _seconds(words.spoken, speech)
        if clip is not None:
            facts = inspect(clip, config.settings)
            told["clip"], told["face"] = _shape(facts), asked.get("face")
            if told["face"] is None:
                told["face"] = face_in(clip, facts)
            if told["face"] is False:
                told["wrong"] = told["wrong"] or _no_face().as_dict()
        if told["wrong"] is None and clip is not None and (words.given is not None or speech is not None):
            spec = admit(_request(words, clip, speech, chat, card, asked["chat_id"]), config)
            told["spec"] = spec.model_dump(mode="json")
            told["notes"] += [*_drafts(config, spec), *not_drawn(spec, config.settings)]
        return told


def still_there(
    remembered: dict[str, Any], config: Config, chat_id: int
) -> tuple[dict[str, Any], list[Note]]:
    """The options that can still be had, and a note on each other one: it was chosen some other day, and must
    not stand in the way of this video. Raises Unavailable."""
    kept: dict[str, Any] = {}
    notes: list[Note] = []
    for name, value in remembered.items():
        try:
            chosen = Options(**checked(Said({name: value}, THE_CHAT), config.settings))
            check = catalogue.checks(chosen, config.settings, chat_id).get(name)
            if check is not None:
                check()
            kept[name] = value
        except BadInput:
            notes.append({"key": "note.gone", "what": name, "value": str(value)})
    return kept, notes


@dataclass(frozen=True)
class _Words:
    """given: the bytes of the script, None when there is none. head: what of its head counts. spoken: what
    stands below that."""

    given: bytes | None
    head: Said
    spoken: str
    notes: list[Note]


def _words(asked: dict[str, Any], config: Config) -> _Words:
    """A file counts more than what was written, and the person is told."""
    text, file, most = asked["script"], asked["script_file"], config.limits.script_chars
    given: bytes | None = text.encode() if text else None
    notes: list[Note] = []
    if file is not None:
        name = file["name"] or "?"
        notes = [{"key": "note.script_file", "name": name}] if text else []
        given = read_script_file(Path(file["path"]), most)
    if given is None:
        return _Words(None, Said({}, THE_SCRIPT), "", notes)
    said, spoken = read_script(given, most, THE_SCRIPT)
    counts = head.without(said.options, asked["options"])
    if len(counts) < len(said.options):  # what does not count must not stand in the way
        given = spoken.encode() if spoken.strip() else None
    return _Words(given, Said(counts, THE_SCRIPT), spoken, notes)


def _check_script(words: _Words, speech: Path | None, config: Config) -> None:
    """Beside a recording a script may be there for its options."""
    if words.given is not None and (words.spoken.strip() or speech is None):
        check_script(words.spoken, config.limits.script_chars)


def _request(words: _Words, clip: Path, speech: Path | None, chat: Said, card: Said, chat_id: int) -> Request:
    return Request(
        clip=clip,
        script=words.given,
        speech=speech,
        options=card,
        script_name="your script",
        preset=(chat, words.head),
        by=chat_id,
    )


def _drafts(config: Config, spec: JobSpec) -> list[Note]:
    """That an engine is only a draft one."""
    chosen = Chosen(config)
    engines = [chosen.lipsync] if spec.speech else [chosen.speech, chosen.lipsync]
    return [
        {"key": DRAFTS[engine.name]} if engine.name in DRAFTS else engine.note
        for engine in engines
        if engine.note
    ]


def _no_face() -> VigentdError:
    return BadInput(
        "There is no face in the clip",
        code="no_face",
        hint="Send one in which the presenter looks into the camera.",
    )


def _seconds(spoken: str, speech: Path | None) -> float:
    if speech:
        return _length(speech)
    return amount(JobSpec(script=spoken, clip=Path("/"))) if spoken else 0.0


def _shape(facts: ClipFacts) -> dict[str, float]:
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
