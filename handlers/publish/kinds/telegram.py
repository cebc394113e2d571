"""A channel or a chat on Telegram, through the Bot API; the bot has to be an administrator of a channel.

    [[publish.target]]
    name = "channel"
    kind = "telegram"
    chat = "@morning_news"              # or a number such as -1001234567890
    token_file = "/etc/vigentd/token"   # the same as in [telegram], or that of another bot

Title, an empty line and the description are the caption: 1024 characters together, most emoji count twice.
A bot cannot look for what it has sent: when it is not known whether a video arrived, a person has to look.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, SecretStr, model_validator

from handlers.publish.errors import Login, NotSent, Refused, Unsure
from handlers.publish.fits import check_text
from handlers.publish.kind import Kind, Surroundings, TargetSettings
from handlers.publish.kinds import speaking
from handlers.publish.kinds.speaking import Answer, Body, Client, Part, Range
from handlers.publish.kinds.waiting import bounded
from handlers.publish.target import Length, Limits, Memo, Receipt, Text, Video, in_utf16
from models.errors import VigentdError
from models.progress import Progress

CAPTION = 1024  # characters, as UTF-16 counts them
CLOUD_BYTES, LOCAL_BYTES = 50 * 10**6, 2000 * 2**20
LOCAL_ANSWER_S = 900.0  # a server of one's own answers when it has sent all on
THUMBNAIL_SIDE, THUMBNAIL_BYTES = 320, 200_000
NOT_A_TOKEN = "should be a token as @BotFather gives it, such as 123456:ABC-DEF…"


def _chat(given: str | int) -> str | int:
    if isinstance(given, int) or re.fullmatch(r"-?\d+", given, re.ASCII):
        return int(given)
    if not re.fullmatch(r"@[A-Za-z]\w{3,31}", given, re.ASCII):
        raise ValueError("should be the name of a channel such as @morning_news, or a chat's number")
    return given


def _is_token(token: str) -> bool:
    return re.fullmatch(r"\d{1,20}:[\w-]{10,100}", token, re.ASCII) is not None


def _token(given: SecretStr | None) -> SecretStr | None:
    if given is not None and not _is_token(given.get_secret_value()):
        raise ValueError(NOT_A_TOKEN)
    return given


def _base(given: str) -> str:
    if not speaking.checked_address(given).endswith("/bot"):
        raise ValueError("should be an address that ends in /bot, such as http://localhost:8081/bot")
    return given


class TelegramSettings(TargetSettings):
    """local_mode: base_url is one's own Bot API server: up to 2 GB. silent: without a sound."""

    kind: Literal["telegram"] = "telegram"
    chat: Annotated[str | int, AfterValidator(_chat)]
    token: Annotated[SecretStr | None, AfterValidator(_token)] = None
    token_file: Path | None = None
    base_url: Annotated[str, AfterValidator(_base)] = "https://api.telegram.org/bot"
    local_mode: bool = False
    silent: bool = False

    @model_validator(mode="after")
    def _one_token(self) -> TelegramSettings:
        if (self.token is None) == (self.token_file is None):
            raise ValueError("give one of token and token_file")
        return self


class Telegram:
    searchable = False

    def __init__(self, settings: TelegramSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self.limits = Limits(
            together=Length(CAPTION, count=in_utf16),
            size=LOCAL_BYTES if settings.local_mode else CLOUD_BYTES,
        )

    def check(self) -> str:
        with self._client() as http:
            me = self._ask(http, "getMe")
            chat = self._ask(http, "getChat", chat_id=self._settings.chat)
            mine = self._ask(http, "getChatMember", chat_id=self._settings.chat, user_id=me.get("id"))
        kind, status = chat.get("type", "chat"), mine.get("status")
        name = chat.get("title") or chat.get("first_name") or str(self._settings.chat)
        may = status in ("creator", "administrator") and mine.get("can_post_messages", True)
        if (kind == "channel" and not may) or status in ("left", "kicked"):
            raise Refused(
                f"The bot @{me.get('username')} may not post in the {kind} {name}",
                code="telegram_rights",
                hint="Add it there as an administrator who may post messages",
            )
        return f"the {kind} {name}, as @{me.get('username')}"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        progress.check()
        most = self.limits.size or video.size
        if video.size > most:
            raise Refused(
                f"The video has {video.size / 1e6:.1f} MB, and at most {most / 1e6:.0f} MB are taken there",
                hint="Make it smaller, or use a Bot API server of your own (local_mode)",
            )
        check_text(text, self.limits)
        pieces, content_type = speaking.form(self._parts(video, text, key), f"vigentd-{key}")
        body = Body(pieces, progress)
        with self._client() as http:
            answer = self._say(http, "sendVideo", body, content_type)
        if answer.ok and not answer.whole:  # yes, and no more was heard
            return Receipt(key)
        message = self._result(answer, body)
        number = str(message.get("message_id", key))
        return Receipt(number, _url(message), {"chat": message.get("chat", {}).get("id")})

    def find(self, key: str, memo: Memo) -> Receipt | None:
        raise Unsure("Telegram cannot be searched by a bot", hint="Look into the chat")

    # ---------------------------------------------------------------- the parts

    def _client(self) -> Client:
        return speaking.client(self._around, LOCAL_ANSWER_S if self._settings.local_mode else None)

    def _parts(self, video: Video, text: Text, key: str) -> list[Part]:
        fields = {
            "chat_id": self._settings.chat,
            "caption": text.together,
            "width": video.width,
            "height": video.height,
            "duration": round(video.duration_s),
            "supports_streaming": "true",
            "disable_notification": "true" if self._settings.silent else "false",
        }
        parts = [Part(name, str(value).encode()) for name, value in fields.items()]
        if (small := _thumbnail(video)) is not None:
            parts.append(Part("thumbnail", small, "image/jpeg", "thumbnail.jpg"))
        return [*parts, Part("video", Range.whole(video.path), "video/mp4", f"{key}.mp4")]

    def _ask(self, http: Client, method: str, **params: Any) -> dict[str, Any]:
        content = Body([json.dumps(params).encode()])
        answer = self._say(http, method, content, "application/json")
        content.over = False  # it changes nothing there: asked again, it is the same
        return self._result(answer, content)

    def _say(self, http: Client, method: str, body: Body, content_type: str) -> Answer:
        url = f"{self._settings.base_url}{self._secret()}/{method}"
        try:
            return speaking.say(http, "POST", url, body, {"Content-Type": content_type}, who="Telegram")
        except Unsure as e:
            if method != "sendVideo":
                raise NotSent(f"Telegram is not to be reached: {e.message}") from None
            raise

    def _result(self, answer: Answer, body: Body) -> dict[str, Any]:
        said = answer.json()
        result = said.get("result")
        if answer.ok and said.get("ok") and isinstance(result, dict):
            return result
        raise self._told(answer, said, body)

    def _told(self, answer: Answer, said: dict[str, Any], body: Body) -> VigentdError:
        words = str(said.get("description") or f"HTTP {answer.status}").replace(self._secret(), "***")[:200]
        more = said.get("parameters")
        more = more if isinstance(more, dict) else {}
        status = answer.status
        if status == 429:
            wait_s = bounded(more.get("retry_after", answer.wait_s(self._around.now())))
            return NotSent("Telegram asks to wait", wait_s=wait_s)
        if status == 401 or (status == 404 and words == "Not Found"):
            return Login(
                f"Telegram does not take the token of the target {self._settings.name}",
                hint="Ask @BotFather for it, and set token or token_file",
            )
        if answer.ok or status >= 500:
            if body.over:
                return Unsure(
                    f"Telegram failed when it had the whole video: {words}",
                    hint="Look into the chat whether it is there",
                )
            return NotSent(f"Telegram failed: {words}")
        return Refused(f"Telegram refuses it: {words}", code=_code(status), hint=_hint(status, words, more))

    def _secret(self) -> str:
        whose = f"the target {self._settings.name}"
        token = speaking.secret_of(self._settings.token, self._settings.token_file, whose)
        if not _is_token(token):
            raise Login(f"The token of {whose} is none", hint=f"It {NOT_A_TOKEN}")
        return token


def _code(status: int) -> str:
    return {403: "telegram_rights", 413: "telegram_size"}.get(status, "target_refused")


def _hint(status: int, words: str, more: dict[str, Any]) -> str:
    lower = words.lower()
    if "migrate_to_chat_id" in more:
        return f"The group has another number now: set chat = {more['migrate_to_chat_id']}"
    if "chat not found" in lower:
        return "Add the bot to the chat, and look at `chat`"
    if status == 403 or "rights" in lower or "chat_write_forbidden" in lower:
        return "Add the bot there as an administrator who may post messages"
    if status == 413:
        return "Make it smaller, or use a Bot API server of your own (local_mode)"
    return ""


def _url(message: dict[str, Any]) -> str:
    """A link for who may see the chat; "" where Telegram has none: in private chats and basic groups."""
    chat, number = message.get("chat", {}), message.get("message_id")
    if chat.get("type") not in ("channel", "supergroup"):
        return ""
    if chat.get("username"):
        return f"https://t.me/{chat['username']}/{number}"
    return f"https://t.me/c/{str(chat.get('id')).removeprefix('-100')}/{number}"


def _thumbnail(video: Video) -> bytes | None:
    """Of the cover, as small as it has to be; one that cannot be read is not worth losing the video for."""
    from PIL import Image

    if video.cover is None:
        return None
    try:
        with Image.open(video.cover) as picture:
            small = picture.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    for quality in (85, 60, 30):
        written = io.BytesIO()
        small.save(written, "JPEG", quality=quality)
        if written.tell() < THUMBNAIL_BYTES:
            return written.getvalue()
    return None


KIND = Kind("telegram", TelegramSettings, Telegram)
