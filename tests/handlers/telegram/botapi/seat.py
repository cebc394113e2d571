"""A person in a chat, in front of the phone: writes, sends files, presses buttons, reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.handlers.telegram.botapi import measure, wire
from tests.handlers.telegram.botapi.content import Content, Edit, Media, User
from tests.handlers.telegram.botapi.entities import found
from tests.handlers.telegram.botapi.measure import Shape
from tests.handlers.telegram.botapi.presence import hears
from tests.handlers.telegram.botapi.rules import TEXT_MAX
from tests.handlers.telegram.botapi.state import Chat, Message, Query, State

Source = Path | str | bytes | None  # None: pretended, of the size given
STILLS = {".jpg", ".jpeg", ".png", ".webp"}
NAMES = {
    "video": ("video.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
    "video_note": ("note.mp4", "video/mp4"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "voice": ("voice.oga", "audio/ogg"),
    "sticker": ("sticker.webp", "image/webp"),
    "photo": ("photo.jpg", "image/jpeg"),
    "document": ("document.bin", "application/octet-stream"),
}


class Seat:
    """What one can do there. What is sent comes back as the Message that stands there."""

    def __init__(self, state: State, user: User, chat: Chat) -> None:
        self.state = state
        self.user = user
        self.chat = chat

    # --- texts

    def send_text(self, text: str, reply_to: Message | None = None) -> Message:
        assert 1 <= len(text) <= TEXT_MAX, "no Telegram client sends such a text: see send_long"
        return self._say(Content(text, text, found(text)), reply_to)

    def send_long(self, text: str) -> list[Message]:
        """In parts of 4096, as clients do, at white space where there is some."""
        return [self.send_text(part) for part in _parts(text)]

    def command(self, text: str, reply_to: Message | None = None) -> Message:
        """ "/start abc"."""
        assert text.startswith("/"), f"{text!r} is no command"
        return self.send_text(text, reply_to)

    def edit(self, message: Message, text: str) -> Message:
        """Its text, or its caption."""
        with self.state.condition:
            content = replace(message.content, text=text, as_sent=text, entities=found(text))
            message.content = content
            message.edits.append(Edit(self.state.clock(), content))
            self.state.changed()
            if message.update_id:
                message.update_id = self.state.updates.add("edited_message", wire.message(message))
            return message

    def delete(self, message: Message) -> None:
        """Telegram does not tell the bot."""
        with self.state.condition:
            message.deleted = True
            message.deleted_by = "person"
            self.state.changed()

    # --- files

    def send_video(
        self,
        source: Source = None,
        caption: str = "",
        *,
        name: str | None = None,
        mime: str | None = None,
        file_size: int | None = None,
        shape: Shape | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """file_size: what the server is to say, if not the truth; of no source: of that many zeros.

        shape: None: measured.
        """
        return self._say(self._with("video", source, caption, name, mime, file_size, shape), reply_to)

    def send_document(
        self,
        source: Source = None,
        name: str | None = None,
        mime: str | None = None,
        caption: str = "",
        *,
        file_size: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return self._say(self._with("document", source, caption, name, mime, file_size, Shape()), reply_to)

    def send_photo(
        self, source: Path | str | bytes, caption: str = "", reply_to: Message | None = None
    ) -> Message:
        return self._say(self._photo(source, caption), reply_to)

    def send_voice(
        self,
        source: Source = None,
        caption: str = "",
        *,
        file_size: int | None = None,
        shape: Shape | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return self._say(self._with("voice", source, caption, None, None, file_size, shape), reply_to)

    def send_audio(
        self,
        source: Source = None,
        caption: str = "",
        *,
        name: str | None = None,
        file_size: int | None = None,
        shape: Shape | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return self._say(self._with("audio", source, caption, name, None, file_size, shape), reply_to)

    def send_animation(
        self,
        source: Source = None,
        caption: str = "",
        *,
        file_size: int | None = None,
        shape: Shape | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return self._say(self._with("animation", source, caption, None, None, file_size, shape), reply_to)

    def send_video_note(
        self,
        source: Source = None,
        *,
        file_size: int | None = None,
        shape: Shape | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        return self._say(self._with("video_note", source, "", None, None, file_size, shape), reply_to)

    def send_sticker(self, source: Source = None, *, reply_to: Message | None = None) -> Message:
        return self._say(
            self._with(
                "sticker", source, "", None, None, 20_000 if source is None else None, Shape(512, 512)
            ),
            reply_to,
        )

    def send_album(self, sources: list[Path], caption: str = "") -> list[Message]:
        """Photos and videos; the caption stands under the first."""
        album = self.state.new_album()
        contents = []
        for number, source in enumerate(sources):
            words = "" if number else caption
            still = source.suffix.lower() in STILLS
            contents.append(
                self._photo(source, words)
                if still
                else self._with("video", source, words, None, None, None, None)
            )
        with self.state.condition:
            return [self._say(content, None, album) for content in contents]

    # --- buttons

    def press(
        self, message: Message, button: str, wait: bool = True, *, stale: bool = False, timeout: float = 10.0
    ) -> Query:
        """button: its text or its data. The Query has what the bot answered: text, show_alert.

        stale: the data is sent although no such button is there: the phone still showed an older state.
        """
        with self.state.condition:
            data = button if stale else self._data(message, button)
            number = len(self.state.queries)
            query = Query(
                f"{4_000_000_000_000_000_000 + number}", self.user, message, data, self.state.clock()
            )
            self.state.queries[query.id] = query
            query.update_id = self.state.updates.add("callback_query", wire.query(query))
        return query.wait(timeout) if wait else query

    def _data(self, message: Message, button: str) -> str:
        buttons = [b for row in message.buttons for b in row]
        fitting = [b for b in buttons if b.text == button] or [b for b in buttons if b.data == button]
        assert fitting and not message.deleted, (
            f"there is no button {button!r} on\n{message}\nin\n{self.chat}"
        )
        return fitting[0].data

    # --- what the bot has said here

    def last(self) -> Message:
        """The bot's newest message that stands in the chat."""
        messages = self.chat.from_bot
        assert messages, f"the bot has said nothing\n{self.chat}"
        return messages[-1]

    def texts(self) -> list[str]:
        """Of the bot's messages, captions included."""
        return [m.words for m in self.chat.from_bot]

    # --- how

    def _say(self, content: Content, reply_to: Message | None, album: str | None = None) -> Message:
        with self.state.condition:
            blocked = self.chat.kind == "private" and self.chat.bot == "kicked"
            assert not blocked, "who has blocked the bot cannot write to it: unblock() first"
            self.chat.started = True
            message = self.chat.put(
                self.user, content, reply_to=reply_to.id if reply_to else None, album=album
            )
            if hears(message):
                message.update_id = self.state.updates.add("message", wire.message(message))
            return message

    def _with(
        self,
        kind: str,
        source: Source,
        caption: str,
        name: str | None,
        mime: str | None,
        size: int | None,
        shape: Shape | None,
    ) -> Content:
        assert source is not None or size is not None, "a file without bytes needs a file_size"
        path = Path(source) if isinstance(source, str) else source
        usual_name, usual_mime = NAMES[kind]
        name = name or (path.name if isinstance(path, Path) else usual_name)
        mime = mime or (None if kind == "document" else usual_mime)
        file = self.state.files.add(kind, path, name, mime, size)
        if shape is None:
            shape = measure.recording(file.path) if source is not None else Shape(1280, 720, 10)
        media = Media(kind, file, shape.width, shape.height, shape.duration)
        return Content(caption, caption, found(caption), media)

    def _photo(self, source: Path | str | bytes, caption: str) -> Content:
        sizes = []
        for jpeg, width, height in measure.photo_sizes(Path(source) if isinstance(source, str) else source):
            sizes.append((self.state.files.add("photo", jpeg, "photo.jpg", "image/jpeg"), width, height))
        file, width, height = sizes[-1]
        media = Media("photo", file, width, height, sizes=tuple(sizes))
        return Content(caption, caption, found(caption), media)


def _parts(text: str) -> list[str]:
    parts = []
    while len(text) > TEXT_MAX:
        space = max(text.rfind(" ", 0, TEXT_MAX), text.rfind("\n", 0, TEXT_MAX))
        end = space + 1 if space > TEXT_MAX // 2 else TEXT_MAX
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text]
