"""Writes people, chats and messages as the Bot API does, as JSON objects."""

from __future__ import annotations

from typing import Any

from tests.handlers.telegram.botapi.content import Media, User
from tests.handlers.telegram.botapi.files import StoredFile
from tests.handlers.telegram.botapi.state import Chat, Message, Query

Json = dict[str, Any]


def user(u: User) -> Json:
    out: Json = {"id": u.id, "is_bot": u.is_bot, "first_name": u.first_name}
    return out | _given(username=u.username, language_code=u.language_code)


def chat(c: Chat) -> Json:
    if c.user is None:
        return {"id": c.id, "type": c.kind, "title": c.title}
    return {"id": c.id, "type": "private", "first_name": c.user.first_name} | _given(username=c.user.username)


def message(m: Message, *, with_reply: bool = True) -> Json:
    out: Json = {"message_id": m.id, "from": user(m.sender), "chat": chat(m.chat), "date": m.date}
    if m.edits:
        out["edit_date"] = m.date + int(m.edits[-1].at - m.sent_at)
    replied = m.chat.find(m.reply_to) if m.reply_to and with_reply else None
    if replied is not None:
        out["reply_to_message"] = message(replied, with_reply=False)
    out |= _given(media_group_id=m.album)
    return out | _content(m)


def _content(m: Message) -> Json:
    content = m.content
    if content.service is not None:
        return content.service
    word = "caption" if content.media else "text"
    out = media(content.media) if content.media else {}
    if content.text:
        out[word] = content.text
    if content.entities:
        out["caption_entities" if content.media else "entities"] = list(content.entities)
    if content.keyboard:
        out["reply_markup"] = {"inline_keyboard": [list(row) for row in content.keyboard]}
    return out


def media(m: Media) -> Json:
    """{kind: the object of that kind}."""
    if m.kind == "photo":
        return {"photo": [file(f, name=False) | {"width": w, "height": h} for f, w, h in m.sizes]}
    out = file(m.file, name=m.kind in {"video", "audio", "document", "animation"})
    if m.kind in {"video", "animation", "sticker"}:
        out |= {"width": m.width, "height": m.height}
    if m.kind in {"video", "animation", "audio", "voice", "video_note"}:
        out["duration"] = m.duration
    if m.kind == "video_note":
        out["length"] = m.width
        out.pop("mime_type")
    if m.kind == "sticker":
        out |= {"type": "regular", "is_animated": False, "is_video": False, "emoji": "👍"}
        out.pop("mime_type")
    if m.thumbnail is not None:
        out["thumbnail"] = file(m.thumbnail, name=False) | {"width": 320, "height": 320}
    if m.cover is not None:
        out["cover"] = [file(m.cover, name=False) | {"width": m.width, "height": m.height}]
    out |= _given(title=m.title, performer=m.performer)
    if m.kind == "animation":  # the real one sends it twice, for bots from before there were animations
        return {"animation": out, "document": file(m.file, name=True)}
    return {m.kind: out}


def file(f: StoredFile, *, name: bool) -> Json:
    out: Json = {"file_id": f.id, "file_unique_id": f.unique_id, "file_size": f.size}
    return out | {"file_name": f.name, "mime_type": f.mime} if name else out | _mime(f)


def query(q: Query) -> Json:
    return {
        "id": q.id,
        "from": user(q.person),
        "message": message(q.message),
        "chat_instance": str(q.chat.id * 7919),
        "data": q.data,
    }


def member(u: User, status: str) -> Json:
    return {"user": user(u), "status": status} | _needed_by(status)


def _needed_by(status: str) -> Json:
    """The fields without which python-telegram-bot does not read a ChatMember."""
    if status == "creator":
        return {"is_anonymous": False}
    if status == "kicked":
        return {"until_date": 0}
    if status != "administrator":
        return {}
    rights = (
        "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats "
        "can_restrict_members can_promote_members can_change_info can_invite_users can_post_stories "
        "can_edit_stories can_delete_stories"
    )
    return dict.fromkeys(rights.split(), False)


def _mime(f: StoredFile) -> Json:
    return {} if f.where.startswith("photos/") else {"mime_type": f.mime}


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
