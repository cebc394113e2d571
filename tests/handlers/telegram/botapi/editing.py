"""The methods that change what was sent: editMessage*, deleteMessage, deleteMessages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.handlers.telegram.botapi import rules, wire
from tests.handlers.telegram.botapi.content import Content, Edit
from tests.handlers.telegram.botapi.errors import ApiError, bad
from tests.handlers.telegram.botapi.parsing import Request
from tests.handlers.telegram.botapi.sending import take_media
from tests.handlers.telegram.botapi.state import Chat, Message, State

EDITABLE = {"photo", "video", "audio", "document", "animation"}


def edit_text(state: State, request: Request) -> Any:
    message = rules.editable(request, rules.chat(state, request))
    content = rules.text(request)
    if message.media is not None:
        raise bad("there is no text in the message to edit")
    return _edit(state, request, message, content)


def edit_caption(state: State, request: Request) -> Any:
    message = rules.editable(request, rules.chat(state, request))
    content = rules.caption(request.params)
    if message.media is None:
        raise bad("there is no caption in the message to edit")
    return _edit(state, request, message, replace(content, media=message.media))


def edit_media(state: State, request: Request) -> Any:
    """A text message may be given media; its text is then gone, and the caption stands instead."""
    message = rules.editable(request, rules.chat(state, request))
    asked = request.data("media")
    if not isinstance(asked, dict) or asked.get("type") not in EDITABLE:
        raise bad("can't parse InputMedia: unknown type of the media")
    if message.media is not None and message.media.kind not in EDITABLE:
        raise bad("message can't be edited")
    content = rules.caption(asked)
    rules.keyboard(request)
    media = take_media(state, request, asked["type"], asked, asked.get("media"))
    return _edit(state, request, message, replace(content, media=media))


def edit_keyboard(state: State, request: Request) -> Any:
    message = rules.editable(request, rules.chat(state, request))
    return _edit(state, request, message, message.content)


def _edit(state: State, request: Request, message: Message, content: Content) -> Any:
    """An edit without a keyboard takes the keyboard away."""
    content = replace(content, keyboard=rules.keyboard(request))
    rules.modified(message, content)
    message.content = content
    message.edits.append(Edit(state.clock(), content, request.fault))
    state.changed()
    return wire.message(message)


def delete(state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    id = request.integer("message_id")
    message = chat.find(id) if id else None
    if message is None:
        raise bad("message to delete not found")
    _delete(state, chat, message)
    return True


def delete_many(state: State, request: Request) -> Any:
    """Those that are not there are passed over."""
    chat = rules.chat(state, request)
    ids = request.data("message_ids")
    if not isinstance(ids, list) or not ids:
        raise bad("message identifiers are not specified")
    if len(ids) > 100:
        raise bad("too many message identifiers specified")
    for id in ids:
        message = chat.find(int(id))
        if message is not None:
            _delete(state, chat, message)
    return True


def _delete(state: State, chat: Chat, message: Message) -> None:
    if not message.from_bot and chat.kind != "private" and chat.bot != "administrator":
        raise ApiError(400, "Bad Request: message can't be deleted for everyone")
    message.deleted = True
    message.deleted_by = "bot"
    state.changed()
