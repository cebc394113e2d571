"""The life of a draft: begun, changed, looked at, drawn, started."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from daemon.chats import Draft, DraftState, FileState
from handlers.telegram.draft import JOIN_CHARS, JOIN_S, Contents, Findings, about
from handlers.telegram.drafting.length import over_limit
from handlers.telegram.drafting.showing import findings_of, show
from handlers.telegram.drafting.start import examine_key, spec_of, start
from handlers.telegram.house import House
from handlers.telegram.settings import REMEMBERED
from handlers.telegram.store.drafts import UNSTARTED
from handlers.telegram.store.ledger import Turn
from handlers.telegram.talk import Talk

SEEN = ("script", "clip", "subtitles", "title", "title_style")  # what of a job is in its preview picture


def begin(talk: Talk, contents: Contents) -> Draft:
    """A new one, with the chat's presenter if it needs a clip."""
    contents = with_presenter(talk.turn, talk.where.chat_id, contents)
    draft = talk.turn.drafts.add(
        talk.where.chat_id, talk.who.id, talk.where.thread_id, talk.language, contents
    )
    changed(talk.turn, talk.house, draft)
    return draft


def again(talk: Talk, draft: Draft) -> Draft:
    """A new one with the same contents and the same choices, for whoever asks."""
    contents, findings = Contents.from_json(draft.contents), findings_of(draft)
    # The choices that the chat remembers may be others by now.
    then = {name: findings.spec[name] for name in REMEMBERED} if findings and findings.spec else {}
    options = then | contents.options
    return begin(talk, replace(contents, options=options, sound=None, album="", by_hand=True))


def with_presenter(turn: Turn, chat_id: int, contents: Contents) -> Contents:
    spoken = contents.script or contents.script_file or contents.speech
    name = turn.people.settings(chat_id).presenter
    presenter = turn.files.presenter(chat_id, name) if name and spoken and not contents.clip else None
    if presenter is None:
        return contents
    return replace(contents, clip=presenter.file_id, presenter=presenter.name)


def changed(turn: Turn, house: House, draft: Draft, *, keep: bool = False, answer: bool = False) -> None:
    """After every change of its contents, and when one of its files has come: what follows from that.

    keep: nobody did anything, so a list of choices that is open stays open. answer: somebody sent something
    for it, and looks below that for the card.
    """
    contents = Contents.from_json(draft.contents)
    for name in contents.files:
        file = turn.files.get(name)
        if file is None:
            continue
        if file.state == FileState.REMOVED:
            file.state, file.error = FileState.WANTED, None
        turn.files.used(file)
        if file.state == FileState.WANTED:
            turn.errands.add(f"fetch:{file.id}", "fetch", file=file.id)
    if not contents.complete:  # what was taken away again is not waited for
        turn.drafts.set_state(draft, DraftState.OPEN)
    if error := over_limit(contents, house.config.limits.script_chars):
        turn.drafts.found(draft, about(Findings(draft.version, error=error), contents, findings_of(draft)))
        turn.drafts.set_state(draft, DraftState.OPEN)
    else:
        turn.errands.add(examine_key(draft), "examine", draft=draft.id)
    show(turn, house, draft, keep=keep, answer=answer)


def look_again(turn: Turn, house: House, draft: Draft) -> None:
    """Something was wrong; perhaps it is right by now: the disk has room, the engine is there."""
    for name in Contents.from_json(draft.contents).files:
        file = turn.files.get(name)
        if file is not None and file.state == FileState.REFUSED:
            file.state, file.error = FileState.WANTED, None
    findings = findings_of(draft)
    if findings is not None:
        turn.drafts.found(draft, replace(findings, error=None))
    changed(turn, house, draft)


def examined(turn: Turn, house: House, draft: Draft, findings: Findings) -> None:
    """The door has looked at the draft. What it says of older contents is worth nothing any more.

    The card is changed once: when a picture is to come, together with that.
    """
    if draft.state not in UNSTARTED or draft.version != findings.version:
        return
    findings = about(findings, Contents.from_json(draft.contents), findings_of(draft))
    turn.drafts.found(draft, findings)
    right = spec_of(draft) is not None
    drawing = right and _seen(findings) != findings.drawn
    if drawing:
        draw(turn, draft)
    if draft.state == DraftState.STARTING:
        if right:
            start(turn, house, draft)
            return
        if findings.error:
            turn.drafts.set_state(draft, DraftState.OPEN)
    elif right and _at_once(turn, draft):
        start(turn, house, draft)
        return
    if not drawing:
        show(turn, house, draft, keep=True)


def previewed(turn: Turn, house: House, draft: Draft, version: int, path: str | None) -> None:
    """The picture of the contents in that version is drawn; None: it could not be."""
    findings = findings_of(draft)
    if findings is None or findings.version != version:
        return  # they have changed: another picture is wanted already
    picture = findings.preview if path is None else path
    turn.drafts.found(draft, replace(findings, preview=picture, drawn=_seen(findings)))
    if draft.state in UNSTARTED:
        show(turn, house, draft, keep=True)


def draw(turn: Turn, draft: Draft) -> None:
    """The picture is wanted once more."""
    turn.errands.add(_preview_key(draft), "preview", draft=draft.id)


def _at_once(turn: Turn, draft: Draft) -> bool:
    """Whether it is to be started without a word. If the script may go on, that is asked again later."""
    contents = Contents.from_json(draft.contents)
    wanted = turn.people.settings(draft.chat_id).start_at_once and not contents.by_hand
    if not wanted or contents.sound or not contents.complete:
        return False
    until = _may_continue_until(contents)
    if until is None or turn.now >= until:
        return True
    key = examine_key(draft)
    turn.errands.add(key, "examine", draft=draft.id)
    for errand in turn.errands.to_do():
        if errand.key == key and errand.number is not None:
            turn.errands.later(errand.number, until)
    return False


def _may_continue_until(contents: Contents) -> dt.datetime | None:
    if not contents.script or len(contents.script[-1].text) < JOIN_CHARS:
        return None
    return dt.datetime.fromisoformat(contents.script[-1].at) + dt.timedelta(seconds=JOIN_S)


def _preview_key(draft: Draft) -> str:
    return f"preview:{draft.id}"


def _seen(findings: Findings) -> dict[str, Any]:
    return {name: (findings.spec or {}).get(name) for name in SEEN}
