"""A voice message becomes a voice that is kept: <voices>/<id of the file>/voice.wav and voice.json."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from daemon.chats import ChatFile, Errand, FileState
from handlers.telegram.content import Content
from handlers.telegram.errands.answers import answer
from handlers.telegram.errands.answers import sorry as given_up
from handlers.telegram.errands.examine import called
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.report.amounts import length
from handlers.telegram.texts import say
from models.choose import choose_speech
from models.errors import BadInput, Unavailable, VigentdError
from pipeline.workspace import write_atomic

__all__ = ["given_up", "keep"]

WAV, FACTS = "voice.wav", "voice.json"


async def keep(work: Work, errand: Errand) -> None:
    """facts: file: its id; name: what the voice is to be called; chat_id, language, thread_id."""
    house = work.house
    file = await work.look(lambda turn: turn.files.get(errand.facts["file"]))
    try:
        told = await _made(work, file)
    except BadInput as e:
        refusal = e
        await work.finish(errand, lambda turn: given_up(turn, house, errand, refusal))
        return
    assert file is not None, "it was made of it"
    seconds = told["seconds"]
    await work.blocking(_write, house, file, errand, seconds)
    content = _content(house, errand, seconds)
    await work.finish(errand, lambda turn: answer(turn, errand, content))


async def _made(work: Work, file: ChatFile | None) -> Any:
    """Raises BadInput when no voice can be made of it, Unavailable while it is still to be fetched."""
    if file is None or file.state == FileState.REMOVED:
        raise BadInput("The voice message is not here any more", code="voice_gone", hint="Send it again.")
    if file.state == FileState.REFUSED:
        refused: VigentdError = BadInput(**(file.error or {"message": "The voice message cannot be had"}))
        raise refused
    if file.state == FileState.WANTED:
        raise Unavailable("The voice message is still on its way", code="not_yet")
    sound = work.house.places.file(file)
    asked = {"sound": str(sound), "name": called(file), "out": str(_folder(work.house, file) / WAV)}
    return await work.door("voice:keep", asked)


def _folder(house: House, file: ChatFile) -> Path:
    return house.places.voices / file.id


def _write(house: House, file: ChatFile, errand: Errand, seconds: float) -> None:
    """From now on it is a voice. Another one of this name in this chat is replaced."""
    name, chat_id = errand.facts["name"], errand.facts["chat_id"]
    folder = _folder(house, file)
    for other in house.places.voices.glob(f"*/{FACTS}"):
        with suppress(OSError, ValueError, KeyError):
            facts = json.loads(other.read_text("utf-8"))
            if other.parent != folder and (facts["name"], facts["chat_id"]) == (name, chat_id):
                shutil.rmtree(other.parent)
    facts = {"name": name, "seconds": round(seconds, 3), "chat_id": chat_id, "at": errand.at, "wav": WAV}
    write_atomic(folder / FACTS, json.dumps(facts, ensure_ascii=False, indent=1).encode())


def _content(house: House, errand: Errand, seconds: float) -> Content:
    """Honest about what it is good for here."""
    language, name = errand.facts["language"], errand.facts["name"]
    draft = choose_speech(house.config.speech.engine).name == "espeak"
    key = "voice.kept_for_later" if draft else "voice.kept"
    return Content(say(language, key, name=name, length=length(seconds)))
