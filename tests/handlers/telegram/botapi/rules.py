"""What Telegram refuses, in Telegram's words.

Lengths of texts are in characters (code points), as the real Bot API server counts them; only the offsets of
entities are in UTF-16 units.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from tests.handlers.telegram.botapi import markup
from tests.handlers.telegram.botapi.content import Content, Entity, Keyboard
from tests.handlers.telegram.botapi.errors import ApiError, bad
from tests.handlers.telegram.botapi.parsing import Request
from tests.handlers.telegram.botapi.state import Chat, Message, State

TEXT_MAX = 4096
CAPTION_MAX = 1024
DATA_MAX = 64  # bytes
BUTTONS_MAX = 100
OTHER_BUTTONS = {"url", "web_app", "login_url", "copy_text", "switch_inline_query"}
PHOTO_MAX = 10 * 2**20  # bytes
PHOTO_SIDES_MAX = 10_000  # width + height
THUMBNAIL_MAX = 200_000  # bytes
THUMBNAIL_SIDE = 320


def chat(state: State, request: Request) -> Chat:
    """The chat that a method is for, to which the bot may write."""
    found = known_chat(state, request)
    if found.migrated_to is not None:
        raise ApiError(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=found.migrated_to,
        )
    if found.bot == "kicked" and found.kind == "private":
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if found.bot == "kicked":
        raise ApiError(403, f"Forbidden: bot was kicked from the {found.kind} chat")
    if found.bot == "left":
        raise ApiError(403, f"Forbidden: bot is not a member of the {found.kind} chat")
    return found


def known_chat(state: State, request: Request) -> Chat:
    if not request.text("chat_id"):
        raise bad("chat_id is empty")
    id = request.integer("chat_id")
    found = state.chats.get(id) if id is not None else None
    if found is None or not found.started:
        raise bad("chat not found")
    return found


def text(request: Request) -> Content:
    """Of sendMessage and editMessageText."""
    sent = request.text("text") or ""
    if not sent:
        raise bad("message text is empty")
    plain, entities = formatted(sent, request.text("parse_mode"), request.data("entities"))
    if not plain:
        raise bad("text must be non-empty")
    if len(plain) > TEXT_MAX:
        raise bad("message is too long")
    return Content(plain, sent, tuple(entities))


def caption(params: dict[str, Any]) -> Content:
    """params: of the request, or of one InputMedia."""
    sent = str(params.get("caption") or "")
    plain, entities = formatted(sent, params.get("parse_mode"), as_data(params.get("caption_entities")))
    if len(plain) > CAPTION_MAX:
        raise bad("message caption is too long")
    return Content(plain, sent, tuple(entities))


def formatted(sent: str, parse_mode: str | None, entities: Any) -> tuple[str, list[Entity]]:
    if not parse_mode:
        return sent.strip(), list(entities or [])
    if parse_mode.lower() != "html":
        # the bot under test speaks HTML; a slip into Markdown is to be seen and not to be half understood
        raise bad("unsupported parse_mode")
    return markup.parse(sent)


def keyboard(request: Request) -> Keyboard:
    """The inline keyboard of reply_markup; other kinds of reply_markup have no buttons on the message."""
    asked = request.data("reply_markup")
    if asked is None:
        return ()
    if not isinstance(asked, dict):
        raise bad("object expected as reply markup")
    rows = asked.get("inline_keyboard") or []
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    for button in (b for row in rows for b in row):
        _button(button)
    if sum(len(row) for row in rows) > BUTTONS_MAX:
        raise bad("reply markup is too long")
    return tuple(tuple(row) for row in rows if row)


def _button(button: Any) -> None:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad("can't parse inline keyboard button: Can't find field \"text\"")
    if not button["text"].strip():
        raise bad('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if button.get("callback_data"):
        if len(str(button["callback_data"]).encode()) > DATA_MAX:
            raise bad("BUTTON_DATA_INVALID")
    elif not OTHER_BUTTONS & button.keys():
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")


def reply(request: Request, to: Chat) -> int | None:
    """The id of the message that is answered; None: of none, or it is gone and that is allowed."""
    asked = request.data("reply_parameters") or {}
    id = asked.get("message_id", request.integer("reply_to_message_id"))
    if not id:
        return None
    if to.find(int(id)) is not None:
        return int(id)
    if asked.get("allow_sending_without_reply", request.boolean("allow_sending_without_reply")):
        return None
    raise bad("message to be replied not found")


def editable(request: Request, of: Chat) -> Message:
    if request.text("inline_message_id"):
        raise bad("MESSAGE_ID_INVALID")
    id = request.integer("message_id")
    if not id:
        raise bad("message identifier is not specified")
    message = of.find(id)
    if message is None:
        raise bad("message to edit not found")
    if not message.from_bot:
        raise bad("message can't be edited")
    return message


def modified(message: Message, content: Content) -> None:
    if message.content.same_as(content):
        raise bad(
            "message is not modified: specified new message content and reply markup are exactly the same"
            " as a current content and reply markup of the message"
        )


def photo(path: Path) -> tuple[int, int]:
    """Width and height. The thing must be a picture that Telegram makes a photo of."""
    size = path.stat().st_size
    if size > PHOTO_MAX:
        raise bad(f"file of size {size} bytes is too big for a photo; the maximum size is {PHOTO_MAX} bytes")
    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError):
        raise bad("IMAGE_PROCESS_FAILED") from None
    if width + height > PHOTO_SIDES_MAX or max(width, height) > 20 * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return width, height


def thumbnail(path: Path) -> None:
    """Telegram leaves a wrong thumbnail away and says nothing; here it is refused, so that a test sees it."""
    size = path.stat().st_size
    if size > THUMBNAIL_MAX:
        raise bad(f"wrong thumbnail: it has {size} bytes and not at most {THUMBNAIL_MAX}")
    try:
        with Image.open(path) as picture:
            kind, sides = picture.format, picture.size
    except (UnidentifiedImageError, OSError):
        kind, sides = None, (0, 0)
    if kind != "JPEG":
        raise bad(f"wrong thumbnail: it is {kind or 'no picture'} and not JPEG")
    if max(sides) > THUMBNAIL_SIDE:
        raise bad(f"wrong thumbnail: it has {sides[0]}x{sides[1]} pixels, at most {THUMBNAIL_SIDE} per side")


def as_data(value: Any) -> Any:
    """A parameter that is an object or an array: as such, or as JSON in a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError:
        raise bad("can't parse JSON object") from None
