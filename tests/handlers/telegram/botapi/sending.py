"""The methods that send: sendMessage, one for each kind of media, sendMediaGroup, sendChatAction."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.handlers.telegram.botapi import rules, wire
from tests.handlers.telegram.botapi.content import Content, Media
from tests.handlers.telegram.botapi.errors import bad
from tests.handlers.telegram.botapi.files import StoredFile
from tests.handlers.telegram.botapi.parsing import Request, Upload
from tests.handlers.telegram.botapi.state import Chat, Message, State

NOT_OTHERS = {  # what has a field of its own in a Message
    *("chat_id", "text", "caption", "parse_mode", "entities", "caption_entities", "reply_markup"),
    *("reply_parameters", "reply_to_message_id", "allow_sending_without_reply"),
    *("photo", "video", "audio", "voice", "document", "animation", "media", "thumbnail", "cover"),
    *("width", "height", "duration", "supports_streaming", "title", "performer"),
}
ACTIONS = {
    *("typing", "choose_sticker", "find_location"),
    *(f"{what}_{media}" for what in ("upload", "record") for media in ("video", "voice", "video_note")),
    *("upload_photo", "upload_document"),
}


def send_message(state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    content = rules.text(request)
    return wire.message(_send(chat, request, content))


def send_media(kind: str, state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    content = rules.caption(request.params)
    rules.keyboard(request)  # before the file is taken in: a refused call leaves nothing behind
    rules.reply(request, chat)
    media = take_media(state, request, kind, request.params, request.params.get(kind) or f"attach://{kind}")
    return wire.message(_send(chat, request, replace(content, media=media)))


def send_media_group(state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    items = request.data("media")
    if not isinstance(items, list) or not items:
        raise bad("there are no messages to send")
    if len(items) > 10:
        raise bad("too many messages to send as an album")
    kinds = {str(item.get("type")) for item in items}
    for kind in sorted(kinds - {"photo", "video"}):
        if kind not in {"audio", "document"}:
            raise bad(f"can't parse InputMedia: type \"{kind}\" can't be used in sendMediaGroup")
        if len(kinds) > 1:
            raise bad(f"{kind} can't be mixed with other media types")
    captions = [rules.caption(item) for item in items]
    reply_to = rules.reply(request, chat)
    media = [take_media(state, request, item["type"], item, item.get("media")) for item in items]
    album = state.new_album()
    sent = [
        _put(chat, request, replace(content, media=one), reply_to, album)
        for content, one in zip(captions, media, strict=True)
    ]
    return [wire.message(m) for m in sent]


def send_chat_action(state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    action = request.text("action")
    if action not in ACTIONS:
        raise bad("wrong parameter action in request")
    chat.actions.append((state.clock(), action))
    state.changed()
    return True


def _send(chat: Chat, request: Request, content: Content) -> Message:
    content = replace(content, keyboard=rules.keyboard(request))
    return _put(chat, request, content, rules.reply(request, chat), None)


def _put(chat: Chat, request: Request, content: Content, reply_to: int | None, album: str | None) -> Message:
    others = {name: value for name, value in request.params.items() if name not in NOT_OTHERS}
    return chat.put(
        chat.state.bot,
        content,
        reply_to=reply_to,
        album=album,
        method=request.method,
        others=others,
        fault=request.fault,
    )


def take_media(state: State, request: Request, kind: str, fields: dict[str, Any], where: Any) -> Media:
    """fields: of the request, or of one InputMedia. where: attach://NAME, a file_id, or (locally) file://…"""
    file = _file(state, request, kind, where)
    thumbnail = _thumbnail(state, request, fields)
    cover = None
    if fields.get("cover") or "cover" in request.uploads:
        cover = _file(state, request, "photo", fields.get("cover") or "attach://cover")
        rules.photo(cover.path)
    if kind == "photo":
        width, height = rules.photo(file.path)
        return Media(kind, file, width, height, sizes=((file, width, height),))

    def number(name: str) -> int:
        return int(float(fields.get(name) or 0))

    return Media(
        kind,
        file,
        number("width"),
        number("height"),
        number("duration"),
        supports_streaming=str(fields.get("supports_streaming", "")).lower() in {"true", "1"},
        thumbnail=thumbnail,
        cover=cover,
        title=fields.get("title"),
        performer=fields.get("performer"),
    )


def _thumbnail(state: State, request: Request, fields: dict[str, Any]) -> StoredFile | None:
    given = fields.get("thumbnail")
    if not given and "thumbnail" not in request.uploads:
        return None
    thumbnail = _file(state, request, "photo", given or "attach://thumbnail")
    rules.thumbnail(thumbnail.path)
    return thumbnail


def _file(state: State, request: Request, kind: str, where: Any) -> StoredFile:
    where = str(where or "")
    if where.startswith("attach://"):
        upload = request.uploads.get(where.removeprefix("attach://"))
        if upload is None:
            raise bad(f"there is no {kind} in the request")
    elif where.startswith("file:"):
        upload = _local(state, where)
    elif (known := state.files.get(where)) is not None:
        if "photo" in {kind, known.kind} and kind != known.kind:
            raise bad(f"can't use file of type {known.kind.capitalize()} as {kind.capitalize()}")
        return known
    else:
        raise bad("wrong file identifier/HTTP URL specified")
    if upload.path.stat().st_size == 0:
        raise bad("file must be non-empty")
    return state.files.add(kind, upload.path, upload.name, upload.mime, move=True)


def _local(state: State, uri: str) -> Upload:
    """A file on the bot's own disk: only a server in local mode can take it from there."""
    if not state.local_mode:
        raise bad("invalid file HTTP URL specified: Unsupported URL protocol")
    path = Path(unquote(urlsplit(uri).path))
    if not path.is_file():
        raise bad("invalid file HTTP URL specified: can't open the file")
    copy = state.files.new_upload()
    shutil.copyfile(path, copy)  # what the bot does with its own file afterwards is its own affair
    return Upload(path.name, None, copy)
