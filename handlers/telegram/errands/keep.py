"""A voice message becomes a voice that is kept: its chat may use it."""

from __future__ import annotations

from typing import Any

from daemon.chats import ChatFile, Errand, FileState
from daemon.engines.roster import EngineAway
from daemon.hearing import who_hears
from daemon.voice_list import beginning
from handlers.telegram.content import Content
from handlers.telegram.errands.answers import answer
from handlers.telegram.errands.answers import sorry as given_up
from handlers.telegram.errands.examine import called
from handlers.telegram.errands.work import Work
from handlers.telegram.report.amounts import length
from handlers.telegram.texts import Marked, say
from models.choose import NOBODY
from models.errors import BadInput, StageFailed, Unavailable, VigentdError

__all__ = ["given_up", "keep"]

TEXT_SHOWN = 200  # characters


async def keep(work: Work, errand: Errand) -> None:
    """facts: file: its id; name: what the voice is to be called; chat_id, language, thread_id."""
    house = work.house
    file = await work.look(lambda turn: turn.files.get(errand.facts["file"]))
    try:
        told = await _made(work, file, errand)
    except BadInput as e:
        refusal = e
        await work.finish(errand, lambda turn: given_up(turn, house, errand, refusal))
        return
    content = _content(errand, told)
    await work.finish(errand, lambda turn: answer(turn, errand, content))


async def _made(work: Work, file: ChatFile | None, errand: Errand) -> Any:
    """Raises BadInput when no voice can be made of it, Unavailable while it is still to be fetched."""
    if file is None or file.state == FileState.REMOVED:
        raise BadInput(
            "The voice message is not here any more", code="voice_message_gone", hint="Send it again."
        )
    if file.state == FileState.REFUSED:
        refused: VigentdError = BadInput(**(file.error or {"message": "The voice message cannot be had"}))
        raise refused
    if file.state == FileState.WANTED:
        raise Unavailable("The voice message is still on its way", code="not_yet")
    asked = {
        "config": work.config,
        "sound": str(work.house.places.file(file)),
        "called": called(file),
        "name": errand.facts["name"],
        "chat_id": errand.facts["chat_id"],
    }
    if await work.blocking(_is_heard, work):
        try:
            return await work.aside("voice:keep", asked | {"hear": True})  # takes a minute, and much memory
        except EngineAway:
            raise
        except (Unavailable, StageFailed) as e:  # better a voice without its text than none
            work.house.log.warning("telegram_voice_unheard", because=e.message)
    return await work.door("voice:keep", asked | {"hear": False})


def _is_heard(work: Work) -> bool:
    return who_hears(work.house.config, "cpu").name != NOBODY


def _content(errand: Errand, told: dict[str, Any]) -> Content:
    """Honest about what it is good for here."""
    language, name = errand.facts["language"], errand.facts["name"]
    draft = "voice.kept_for_later" if told["engine"] == "espeak" else "voice.kept_for_another"
    key = "voice.kept" if told["usable"] else draft
    lines = [say(language, key, name=name, length=length(told["seconds"]))]
    if text := told["text"]:
        lines.append(say(language, "voice.heard", text=beginning(text, TEXT_SHOWN)))
    return Content(Marked("\n".join(lines)))
