"""A content → the right call of the Bot API.

Files are read from the disk while they are sent, and never into memory. A server on this machine is given
the path, unless the file is to have another name at the other end and is small.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ParseMode

from daemon.chats import ChatMessage
from handlers.telegram.content import Content

How = Literal["text", "caption", "media", "anew"]

LIGHT_BYTES = 1_000_000  # up to here a file does not hold up what follows it
LIGHT_READ_S, LIGHT_WRITE_S = 30.0, 20.0
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
INPUT_MEDIA = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "audio": InputMediaAudio,
    "document": InputMediaDocument,
}
FACTS: dict[str, tuple[str, ...]] = {"video": ("duration", "width", "height"), "audio": ("duration", "title")}
FACTS |= {"voice": ("duration",)}


class Parcel:
    """The files of one call, open as long as it lasts. local: the server takes paths."""

    def __init__(self, *, local: bool) -> None:
        self._local = local
        self._stack = ExitStack()
        self._open: list[tuple[IO[bytes], int]] = []
        self.light = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def whole(self) -> bool:
        """Whether all was read, and so was given to the network, except perhaps for the last piece."""
        return all(handle.tell() >= size for handle, size in self._open)

    def put(self, path: Path, name: str = "", *, attach: bool = True) -> Path | InputFile:
        """name: at the other end. Raises OSError."""
        size = path.stat().st_size
        self.light &= size <= LIGHT_BYTES
        if self._local and (name in ("", path.name) or size > LIGHT_BYTES):
            return path
        handle = self._stack.enter_context(path.open("rb"))
        self._open.append((handle, size))
        return InputFile(handle, filename=name or path.name, attach=attach, read_file_handle=False)

    @property
    def patience(self) -> dict[str, Any]:
        """Timeouts: what is small must not take as long as a video may."""
        light = self.light and bool(self._open)
        return {"read_timeout": LIGHT_READ_S, "write_timeout": LIGHT_WRITE_S} if light else {}


async def send(bot: Bot, row: ChatMessage, content: Content, parcel: Parcel) -> Message:
    """Raises TelegramError, OSError of the file."""
    where: dict[str, Any] = {
        "chat_id": row.chat_id,
        "message_thread_id": row.thread_id,
        "reply_markup": _keyboard(content),
        "parse_mode": ParseMode.HTML,
    }
    if row.reply_to is not None:
        where["reply_parameters"] = ReplyParameters(row.reply_to, allow_sending_without_reply=True)
    if content.file is None:
        return await bot.send_message(text=content.text, link_preview_options=NO_PREVIEW, **where)
    given = _media(content, parcel, attach=False)
    given |= {name: parcel.put(path) for name, path in _pictures(content, "thumbnail", "cover")}
    call = getattr(bot, f"send_{content.kind}")
    sent: Message = await call(caption=content.text or None, **given, **where, **parcel.patience)
    return sent


async def edit(bot: Bot, row: ChatMessage, content: Content, parcel: Parcel, how: How) -> None:
    """how: as `way` says, and not "anew". Raises TelegramError, OSError of the file."""
    which: dict[str, Any] = {
        "chat_id": row.chat_id,
        "message_id": row.message_id,
        "reply_markup": _keyboard(content),
    }
    if how == "text":
        await bot.edit_message_text(
            text=content.text, parse_mode=ParseMode.HTML, link_preview_options=NO_PREVIEW, **which
        )
    elif how == "caption":
        await bot.edit_message_caption(caption=content.text or None, parse_mode=ParseMode.HTML, **which)
    else:
        given = _media(content, parcel, attach=True)
        given |= {name: parcel.put(path) for name, path in _pictures(content, "thumbnail")}
        given["media"] = given.pop(content.kind)
        media = INPUT_MEDIA[content.kind](caption=content.text or None, parse_mode=ParseMode.HTML, **given)
        await bot.edit_message_media(media=media, **which, **parcel.patience)


def way(kind: str, file: Path | None, content: Content) -> How:
    """How a message that shows this kind, with this file, comes to show that content.

    file None: nobody knows which. A photo may be another one then, and is small; anything else is the same as
    it was, because what is finished does not change.
    """
    if content.file is None:
        return "text" if kind == "text" else "anew"
    if kind == content.kind:
        if file == content.file or (file is None and kind != "photo") or not content.file.exists():
            return "caption"
    elif not content.file.exists() and kind == "text":
        return "text"
    return "media" if {kind, content.kind} <= {"text", *INPUT_MEDIA} else "anew"


def _keyboard(content: Content) -> InlineKeyboardMarkup | None:
    rows = [
        [
            InlineKeyboardButton(b.text, url=b.url)
            if b.url
            else InlineKeyboardButton(b.text, callback_data=b.data)
            for b in row
        ]
        for row in content.buttons
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def _media(content: Content, parcel: Parcel, *, attach: bool) -> dict[str, Any]:
    """The file under the name of its kind, and the facts that go with that."""
    assert content.file is not None
    given: dict[str, Any] = {content.kind: parcel.put(content.file, content.name, attach=attach)}
    known = FACTS.get(content.kind, ())
    given |= {name: content.facts[name] for name in known if content.facts.get(name) is not None}
    if content.kind == "video":
        given["supports_streaming"] = True
    return given


def _pictures(content: Content, *names: str) -> list[tuple[str, Path]]:
    """Thumbnail and cover, where there are such; one that is gone is not worth losing the video for."""
    if content.kind != "video":
        return []
    found = [(name, Path(content.facts[name])) for name in names if content.facts.get(name)]
    return [(name, path) for name, path in found if path.is_file()]
