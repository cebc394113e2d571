"""Ten seconds of what was chosen: a track, or the voice, which speaks the beginning of the script."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.chats import Errand
from handlers.telegram.content import Content
from handlers.telegram.draft import Contents, Findings
from handlers.telegram.drafting.card import name_of
from handlers.telegram.errands.answers import Asker, answer, asker, unique
from handlers.telegram.errands.answers import sorry as given_up
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from handlers.telegram.texts import plain, say
from models.errors import BadInput
from pipeline.spec import JobSpec
from pipeline.stages import STAGES
from pipeline.workspace import Workspace

__all__ = ["given_up", "listen"]

SPEECH = next(stage for stage in STAGES if stage.name == "speech")
SCRIPT_CHARS = 200  # some fifteen seconds


@dataclass(frozen=True)
class Wish:
    """name: of the voice or track. script: what the voice is to speak, in which tone. spoken: its language,
    or "auto"."""

    by: Asker
    what: str
    name: str
    script: str
    spoken: str
    tone: str


async def listen(work: Work, errand: Errand) -> None:
    """facts: what: "voice" or "music"; draft, or chat_id, language, thread_id and name."""
    house = work.house
    wish = await work.look(lambda turn: _wish(turn, house, errand.facts))
    if wish is None:
        await work.finish(errand)
        return
    out = house.places.listen(unique(errand))
    try:
        if wish.what == "music":
            asked = {"config": work.config, "track": wish.name, "out": str(out)}
            told = await work.door("listen:music", asked)
        else:
            told = await _speak(work, wish, out)
    except BadInput as e:
        refusal = e
        await work.finish(errand, lambda turn: given_up(turn, house, errand, refusal))
        return
    content = _content(wish, out, told)
    await work.finish(errand, lambda turn: answer(turn, errand, content))


async def _speak(work: Work, wish: Wish, out: Path) -> Any:
    """By the engine that speaks for all jobs: it is waited for, if it works on one."""
    scratch = out.with_suffix(".speech")
    try:
        fields = {"script": wish.script, "clip": Path("/"), "voice": wish.name, "language": wish.spoken}
        spec = JobSpec.model_validate(fields | {"tone": wish.tone}).model_dump(mode="json")
        asked = {"config": work.config, "chat_id": wish.by.chat_id, "spec": spec}
        found = await work.door("theirs:with_voice", asked)
        spec_of_theirs = JobSpec.model_validate(found["spec"])
        wav = await work.blocking(_spoken, work, spec_of_theirs, scratch)
        return await work.door("listen:sound", {"wav": str(wav), "out": str(out)})
    finally:
        await work.blocking(shutil.rmtree, scratch, True)


def _spoken(work: Work, spec: JobSpec, scratch: Path) -> Path:
    job = work.house.lobby.job("", spec, work.house.config.settings)
    job.progress = work.progress()
    return work.house.lobby.make(SPEECH, job, Workspace(scratch)).artifact / "speech.wav"


def _wish(turn: Turn, house: House, facts: dict[str, Any]) -> Wish | None:
    """None: whoever asked is not to be found, or there is nothing to listen to."""
    by = asker(turn, facts)
    if by is None:
        return None
    options = house.config.defaults.model_dump() | turn.people.settings(by.chat_id).options
    script = ""
    if draft := turn.drafts.get(facts.get("draft") or ""):
        contents = Contents.from_json(draft.contents)
        findings = Findings.from_json(draft.findings) if draft.findings else None
        known = findings.options if findings and findings.of_words == contents.words else {}
        options |= known | contents.options
        script = (findings.script if findings else "") or contents.text
    name = facts.get("name") or options[facts["what"]]
    sample = plain(by.language, "listen.sample")
    spoken = options["language"] if script else "auto"
    return Wish(by, facts["what"], name, beginning(script) or sample, spoken, options.get("tone", ""))


def beginning(script: str) -> str:
    """Not more than SCRIPT_CHARS, cut between two words where there are spaces."""
    script = script.strip()
    if len(script) <= SCRIPT_CHARS:
        return script
    cut = script[:SCRIPT_CHARS]
    at_a_space = cut.rsplit(None, 1)[0]
    return at_a_space if len(at_a_space) > SCRIPT_CHARS // 2 else cut


def _content(wish: Wish, out: Path, told: dict[str, Any]) -> Content:
    name = name_of(wish.by.language, wish.what, wish.name)  # as the card calls it
    words = say(wish.by.language, f"listen.{wish.what}", name=name)
    facts = {"duration": max(round(told["seconds"]), 1), "title": name}
    return Content(words, kind="audio", file=out, name=f"{wish.what}.m4a", facts=facts)
