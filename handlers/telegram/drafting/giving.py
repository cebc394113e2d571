"""What somebody sends becomes a part of the video that they are putting together, or begins a new one.

A text, a clip or a recording goes where it is missing; into what is complete nothing more goes, unless
it is sent as an answer to the card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from daemon.chats import Draft, DraftState, FileState
from daemon.said import limit_bytes
from handlers.telegram.content import Content
from handlers.telegram.draft import JOIN_CHARS, Contents, Part, continues
from handlers.telegram.drafting.drafting import begin, changed, with_presenter
from handlers.telegram.drafting.length import over_limit, with_part
from handlers.telegram.drafting.showing import findings_of
from handlers.telegram.errors import in_words
from handlers.telegram.incoming import Attachment, Said
from handlers.telegram.report.amounts import size
from handlers.telegram.store.drafts import UNSTARTED
from handlers.telegram.talk import Talk

# What is wrong with a script: a new one takes its place.
WRONG_SCRIPT = ("script_", "head_", "front_matter_", "subtitles_", "option_")


def give_text(talk: Talk, said: Said) -> None:
    if not said.text.strip():
        talk.answer("drafting.empty")
    elif not _continue(talk, said):
        give_script(talk, said, _target(talk, said, lambda draft: _takes_script(talk, draft)))


def give_script(talk: Talk, said: Said, draft: Draft | None) -> None:
    """In place of the one that it has. None: for a new draft."""
    contents = replace(_contents(draft), script=(part_of(said),), script_file=None)
    # Of one that was cut the other parts follow, so it is kept: the card says that it is too long.
    if len(said.text) >= JOIN_CHARS or not refuse_long(talk, contents):
        put(talk, said, draft, contents)


def give_clip(talk: Talk, said: Said) -> None:
    assert said.attachment is not None
    caption = said.text.strip()
    if said.album and (first := _of_album(talk, said)) is not None:
        talk.show(Content(talk.say("drafting.album")), f"album:{talk.where.chat_id}:{said.album}")
        if caption and first.state in UNSTARTED and not _written(_contents(first)):
            give_script(talk, said, first)
        return
    if refuse_large(talk, said.attachment):
        if caption:
            give_text(talk, said)
        return
    draft = _target(talk, said, lambda draft: _takes_clip(_contents(draft), said.text))
    contents = _contents(draft)
    if caption:
        contents = replace(contents, script=(part_of(said),), script_file=None)
        if refuse_long(talk, contents):
            return
    file = talk.turn.files.add(talk.where.chat_id, "clip", said.attachment)
    put(talk, said, draft, replace(contents, clip=file.id, presenter=None, album=said.album))


def give_script_file(talk: Talk, said: Said, draft: Draft | None = None) -> None:
    """draft: it is for that one, whatever it has."""
    assert said.attachment is not None
    most = limit_bytes(talk.house.config.limits.script_chars)
    if said.attachment.size is not None and said.attachment.size > most:
        talk.answer("drafting.script_file_large", size=size(said.attachment.size), limit=size(most))
        return
    if refuse_large(talk, said.attachment):
        return
    if said.text.strip():
        talk.answer("drafting.caption_ignored")
    draft = draft or _target(talk, said, lambda draft: _takes_script(talk, draft))
    file = talk.turn.files.add(talk.where.chat_id, "script", said.attachment)
    put(talk, said, draft, replace(_contents(draft), script=(), script_file=file.id))


def give_sound(talk: Talk, said: Said) -> None:
    """The card asks what it is."""
    assert said.attachment is not None
    if refuse_large(talk, said.attachment):
        return
    draft = _target(talk, said, lambda _: True)
    contents = _contents(draft)
    file = talk.turn.files.add(talk.where.chat_id, "speech", said.attachment)
    if said.text.strip() and not _written(contents):
        contents = replace(contents, script=(part_of(said),))
    put(talk, said, draft, replace(contents, sound=file.id))


def put(talk: Talk, said: Said, draft: Draft | None, contents: Contents) -> None:
    """These are its contents now. None: a new draft's."""
    contents = replace(contents, reply_to=contents.reply_to or said.message_id)
    if draft is None:
        begin(talk, contents)
        return
    talk.turn.drafts.change(draft, with_presenter(talk.turn, talk.where.chat_id, contents))
    changed(talk.turn, talk.house, draft, answer=True)


def part_of(said: Said) -> Part:
    return Part(said.message_id, said.at.isoformat(), said.text)


# ---------------------------------------------------------------- what cannot be taken


def refuse_long(talk: Talk, contents: Contents) -> bool:
    """Whether the script is too long, and that was said."""
    error = over_limit(contents, talk.house.config.limits.script_chars)
    if error is not None:
        talk.show(Content(in_words(talk.language, error)))
    return error is not None


def refuse_large(talk: Talk, sent: Attachment) -> bool:
    """Whether Telegram will not give us that file, and that was said, with another way to send it."""
    most = talk.house.limits.download
    if sent.size is None or sent.size <= most:
        return False
    its, limit, inbox = size(sent.size), size(most), talk.house.inbox
    if inbox is None:
        talk.answer("drafting.too_large", size=its, limit=limit)
    else:
        talk.answer("drafting.too_large_inbox", size=its, limit=limit, inbox=inbox)
    return True


# ---------------------------------------------------------------- where it goes


def _continue(talk: Talk, said: Said) -> bool:
    """Whether it was the next part of a long text, of any draft of this person."""
    for draft in _own(talk):
        contents = _contents(draft)
        if draft.state in UNSTARTED and continues(contents, said.text, said.at):
            break
    else:
        return False
    # Also of a script that is too long: half of it must not be taken for a whole one. The card says so.
    put(talk, said, draft, with_part(contents, part_of(said), talk.house.config.limits.script_chars))
    return True


def _target(talk: Talk, said: Said, takes: Callable[[Draft], bool]) -> Draft | None:
    """The draft whose card this answers; else the newest, if it takes that; else None: a new one."""
    if said.reply_to is not None:
        row = talk.turn.messages.at(talk.where.chat_id, said.reply_to)
        named = row.key.split(":") if row is not None else []
        draft = talk.turn.drafts.get(named[1]) if len(named) > 1 and named[0] == "card" else None
        if draft is not None and draft.user_id == talk.who.id and draft.state == DraftState.OPEN:
            return draft
    draft = talk.turn.drafts.current(talk.where.chat_id, talk.who.id)
    is_open = draft is not None and draft.state == DraftState.OPEN
    return draft if draft is not None and is_open and takes(draft) else None


def _takes_script(talk: Talk, draft: Draft) -> bool:
    """Into a complete one goes another script only when it has a wrong one, or that of an earlier video."""
    contents, findings = _contents(draft), findings_of(draft)
    if not _written(contents) or not contents.complete or contents.by_hand:
        return True
    file = talk.turn.files.get(contents.script_file) if contents.script_file else None
    if file is not None and file.state == FileState.REFUSED:
        return True
    current = findings is not None and findings.version == draft.version
    error = findings.error if findings is not None and current else None
    return error is not None and error["code"].startswith(WRONG_SCRIPT)


def _takes_clip(contents: Contents, caption: str) -> bool:
    own_clip = contents.clip is not None and contents.presenter is None
    if caption.strip():  # a whole video; or the one before, whose clip could not be taken
        return not own_clip and (not _spoken(contents) or contents.text == caption)
    return not own_clip or not _spoken(contents)


def _of_album(talk: Talk, said: Said) -> Draft | None:
    return next((draft for draft in _own(talk) if _contents(draft).album == said.album), None)


def _own(talk: Talk) -> list[Draft]:
    recent = talk.turn.drafts.recent(talk.where.chat_id)
    return [draft for draft in recent if draft.user_id == talk.who.id]


def _contents(draft: Draft | None) -> Contents:
    return Contents() if draft is None else Contents.from_json(draft.contents)


def _written(contents: Contents) -> bool:
    return bool(contents.script or contents.script_file)


def _spoken(contents: Contents) -> bool:
    return _written(contents) or contents.speech is not None
