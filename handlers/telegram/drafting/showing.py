"""Brings a draft's card up to date: reads what it is to show, and says that it is wanted."""

from __future__ import annotations

from daemon.chats import ChatMessage, Draft, DraftState, FileState, MessageState
from handlers.telegram.buttons import pressed
from handlers.telegram.content import Button, Content, Rank
from handlers.telegram.draft import Contents, Findings
from handlers.telegram.drafting.card import BACK, View, card
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn

Rows = tuple[tuple[Button, ...], ...]


def show(
    turn: Turn,
    house: House,
    draft: Draft,
    *,
    choices: Rows | None = None,
    keep: bool = False,
    answer: bool = False,
) -> None:
    """choices: in place of the buttons. keep: a list of choices that is open stays open.

    answer: to a message; the card is taken away, and a new one comes below that.
    """
    key, row = _shown(turn, draft)
    dropped = draft.state == DraftState.DROPPED
    content = card(view_of(turn, house, draft))
    if draft.state == DraftState.OPEN:
        choices = choices or (_open_list(row) if keep else None)
        if choices:
            content = Content(content.text, choices, content.kind, content.file, content.name, content.facts)
    if answer and row is not None and row.state != MessageState.DUE:  # such a one is still to come
        turn.messages.remove(key)
        key = _next(key)
    turn.messages.post(
        draft.chat_id,
        key,
        content,
        rank=Rank.NOTICE if dropped else Rank.ANSWER,  # a card that is gone is not sent anew for that
        reply_to=Contents.from_json(draft.contents).reply_to if draft.chat_id < 0 else None,
        thread_id=draft.thread_id,
    )


def take_away(turn: Turn, draft: Draft) -> None:
    """There is nothing to be seen of this draft any more."""
    turn.messages.remove(_shown(turn, draft)[0])


def findings_of(draft: Draft) -> Findings | None:
    """What was found out last, maybe about older contents."""
    return None if draft.findings is None else Findings.from_json(draft.findings)


def view_of(turn: Turn, house: House, draft: Draft) -> View:
    contents, findings = Contents.from_json(draft.contents), findings_of(draft)
    settings = turn.people.settings(draft.chat_id)
    known = findings.options if findings and findings.of_words == contents.words else {}
    usual = house.config.defaults.model_dump() | settings.options
    awaited = turn.people.awaited(draft.chat_id, draft.user_id) or {}
    return View(
        draft_id=draft.id,
        language=draft.language,
        state=DraftState(draft.state),
        group=draft.chat_id < 0,
        contents=contents,
        findings=findings,
        current=findings is not None and findings.version == draft.version,
        files={file.id: file for name in contents.files if (file := turn.files.get(name))},
        options={"title": "", "tone": ""} | usual | known | contents.options,
        engine=house.choices().engine,
        toned=house.choices().tone,
        asked=awaited.get("what", "") if awaited.get("draft") == draft.id else "",
        same_clip=contents.clip is None and earlier_clip(turn, draft) is not None,
    )


def earlier_clip(turn: Turn, draft: Draft) -> Contents | None:
    """Of the last video before this one in its chat that had a clip which could be had."""
    for other in turn.drafts.recent(draft.chat_id):
        contents = Contents.from_json(other.contents)
        file = turn.files.get(contents.clip) if contents.clip else None
        if other.id != draft.id and file is not None and file.state != FileState.REFUSED:
            return contents
    return None


def _shown(turn: Turn, draft: Draft) -> tuple[str, ChatMessage | None]:
    """The key of the card, and the card, if there is one."""
    key = f"card:{draft.id}"
    while turn.messages.of_key(_next(key)) is not None:
        key = _next(key)
    return key, turn.messages.of_key(key)


def _next(key: str) -> str:
    """ "card:ID" → "card:ID:2" → "card:ID:3": when one is taken away, its key is not free again."""
    name, draft_id, *number = key.split(":")
    return f"{name}:{draft_id}:{int(number[0]) + 1 if number else 2}"


def _open_list(row: ChatMessage | None) -> Rows | None:
    if row is None or row.wanted is None:
        return None
    rows = Content.from_json(row.wanted).buttons
    return rows if any(pressed(b.data).verb == BACK for line in rows for b in line) else None
