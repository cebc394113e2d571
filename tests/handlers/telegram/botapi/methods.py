"""The methods of the Bot API by name, and those that are neither sending nor editing.

Every method is a function of the state and a request, called with the condition held; it raises ApiError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.handlers.telegram.botapi import editing, rules, sending, wire
from tests.handlers.telegram.botapi.errors import bad
from tests.handlers.telegram.botapi.parsing import Request
from tests.handlers.telegram.botapi.state import State

Method = Callable[[State, Request], Any]
COMMAND = re.compile(r"[a-z0-9_]{1,32}\Z")
DESCRIPTIONS = {"setmydescription": 512, "setmyshortdescription": 120}  # how long they may be


def get_me(state: State, request: Request) -> Any:
    return wire.user(state.bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_file(state: State, request: Request) -> Any:
    """In local mode file_path is absolute, and the file may be of any size."""
    file = state.files.get(request.text("file_id") or "")
    if file is None:
        raise bad("invalid file_id")
    if state.download_limit is not None and file.size > state.download_limit:
        raise bad("file is too big")
    where = str(file.path) if state.local_mode else file.where
    return wire.file(file, name=False) | {"file_path": where}


def answer_query(state: State, request: Request) -> Any:
    query = state.queries.get(request.text("callback_query_id") or "")
    too_old = query is None or state.clock() - query.sent_at > state.query_lifetime_s
    if query is None or too_old or query.answer is not None:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if len(request.text("text") or "") > 200:
        raise bad("MESSAGE_TOO_LONG")
    query.answer = {
        "text": request.text("text"),
        "show_alert": request.boolean("show_alert"),
        "url": request.text("url"),
    }
    query.answered_at = state.clock()
    state.changed()
    return True


def set_commands(state: State, request: Request) -> Any:
    commands = request.data("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad("can't parse commands: expected an Array of at most 100 BotCommands")
    for c in commands:
        if not COMMAND.match(str(c.get("command", "")).removeprefix("/")):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(c.get("description", ""))) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[_audience(request)] = commands
    state.changed()
    return True


def get_commands(state: State, request: Request) -> Any:
    return state.commands.get(_audience(request), [])


def delete_commands(state: State, request: Request) -> Any:
    state.commands.pop(_audience(request), None)
    state.changed()
    return True


def _audience(request: Request) -> tuple[str, str]:
    scope = request.data("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), request.text("language_code") or ""


def set_description(state: State, request: Request) -> Any:
    name = request.method.lower()
    text = request.text("short_description" if "short" in name else "description") or ""
    if len(text) > DESCRIPTIONS[name]:
        raise bad("description is too long")
    state.descriptions[name, request.text("language_code") or ""] = text
    state.changed()
    return True


def get_chat(state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    return wire.chat(chat) | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }


def get_chat_member(state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    user = state.users.get(request.integer("user_id") or 0)
    if user is None:
        raise bad("PARTICIPANT_ID_INVALID")
    if user is state.bot:
        return wire.member(user, chat.bot)
    if chat.kind == "private":
        return wire.member(user, "member" if chat.user is user else "left")
    return wire.member(user, chat.roles.get(user.id, "left"))


def leave_chat(state: State, request: Request) -> Any:
    chat = rules.chat(state, request)
    if chat.kind == "private":
        raise bad("chat member status can't be changed in private chats")
    chat.bot = "left"
    state.changed()
    return True


def delete_webhook(state: State, request: Request) -> Any:
    if request.boolean("drop_pending_updates"):
        state.updates.forget()
    return True


SPELT: dict[str, Method] = {
    "getMe": get_me,
    "sendMessage": sending.send_message,
    "sendPhoto": partial(sending.send_media, "photo"),
    "sendVideo": partial(sending.send_media, "video"),
    "sendAudio": partial(sending.send_media, "audio"),
    "sendVoice": partial(sending.send_media, "voice"),
    "sendDocument": partial(sending.send_media, "document"),
    "sendAnimation": partial(sending.send_media, "animation"),
    "sendMediaGroup": sending.send_media_group,
    "sendChatAction": sending.send_chat_action,
    "editMessageText": editing.edit_text,
    "editMessageCaption": editing.edit_caption,
    "editMessageMedia": editing.edit_media,
    "editMessageReplyMarkup": editing.edit_keyboard,
    "deleteMessage": editing.delete,
    "deleteMessages": editing.delete_many,
    "answerCallbackQuery": answer_query,
    "getFile": get_file,
    "setMyCommands": set_commands,
    "getMyCommands": get_commands,
    "deleteMyCommands": delete_commands,
    "setMyDescription": set_description,
    "setMyShortDescription": set_description,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "leaveChat": leave_chat,
    "deleteWebhook": delete_webhook,
}
METHODS = {name.lower(): method for name, method in SPELT.items()}  # the real one, too, takes any case
