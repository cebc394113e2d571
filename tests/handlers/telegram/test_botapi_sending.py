"""Texts and files go through the fake server as through the real one, and are refused by it as there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    ReplyParameters,
)
from telegram.error import BadRequest

from tests.handlers.telegram.botapi import BotApi
from tests.handlers.telegram.botapi.markup import parse
from tests.handlers.telegram.botapi_kit import ask, buttons, picture, refusal

Album = list[InputMediaVideo | InputMediaPhoto | InputMediaDocument]


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        api.person(7, "Anna")
        yield api


# --- texts


def test_html_becomes_text_and_entities_counted_in_utf_16() -> None:
    text, entities = parse(
        ' 😀 <b>fat <i>both</i></b> &lt;x&gt; &#20320;&amp; <a href="http://a/?b&amp;c">to</a>\n'
    )
    assert text == "😀 fat both <x> 你& to"
    assert entities == [
        {"type": "bold", "offset": 3, "length": 8},
        {"type": "italic", "offset": 7, "length": 4},
        {"type": "text_link", "offset": 19, "length": 2, "url": "http://a/?b&c"},
    ]
    assert parse('<pre><code class="language-py">x</code></pre>')[1] == [
        {"type": "pre", "offset": 0, "length": 1, "language": "py"}
    ]


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
        ("é<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("3 <4", "Unclosed start tag at byte offset 2"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_wrong_markup_is_refused(api: BotApi, html: str, why: str) -> None:
    e = refusal(api, lambda bot: bot.send_message(7, html, parse_mode="HTML"))
    assert isinstance(e, BadRequest)
    assert (
        str(e) == f"Can't parse entities: {why[0].lower()}{why[1:]}"
    )  # the library rewrites its first letters


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"text": ""}, "Message text is empty"),
        ({"text": "<b> </b>", "parse_mode": "HTML"}, "Text must be non-empty"),
        ({"text": "x" * 4097}, "Message is too long"),
        ({"text": "x", "chat_id": 99}, "Chat not found"),
        ({"text": "x", "reply_markup": buttons("é" * 33)}, "Button_data_invalid"),
        ({"text": "x", "reply_parameters": ReplyParameters(99)}, "Message to be replied not found"),
    ],
)
def test_what_telegram_refuses_to_send(api: BotApi, params: dict[str, Any], why: str) -> None:
    e = refusal(api, lambda bot: bot.send_message(**{"chat_id": 7} | params))
    assert isinstance(e, BadRequest)
    assert str(e) == why
    assert not api.chat(7).messages


def test_what_is_just_within_the_limits_is_taken(api: BotApi) -> None:
    async def script(bot: Bot) -> None:
        await bot.send_message(7, f"<b>{'é' * 4096}</b>", parse_mode="HTML", reply_markup=buttons("é" * 32))
        gone = ReplyParameters(99, allow_sending_without_reply=True)
        await bot.send_photo(7, picture(), "x" * 1024, reply_parameters=gone)

    ask(api, script)
    text, photo = api.chat(7).messages
    assert len(text.text) == 4096
    assert text.content.as_sent.startswith("<b>")
    assert text.buttons[0][0] == ("É" + "é" * 31, "é" * 32)
    assert photo.reply_to is None
    e = refusal(api, lambda bot: bot.send_photo(7, picture(), "x" * 1025))
    assert str(e) == "Message caption is too long"


# --- files


def test_a_sent_video_has_all_it_was_sent_with_and_goes_again_by_its_id(api: BotApi) -> None:
    data = bytes(range(256)) * 4096

    async def script(bot: Bot) -> bytes:
        sent = await bot.send_video(
            7,
            data,
            duration=12,
            width=320,
            height=240,
            supports_streaming=True,
            thumbnail=picture(320, 240),
            cover=picture(800, 600),
            filename="Ergebnis – 成品.mp4",
            caption="<i>done</i>",
            parse_mode="HTML",
            disable_notification=True,
        )
        assert sent.video is not None
        assert sent.video.thumbnail is not None
        again = await bot.send_video(7, sent.video.file_id)
        assert again.video is not None
        file = await bot.get_file(again.video.file_id)
        return bytes(await file.download_as_bytearray())

    assert ask(api, script) == data
    message, again = api.chat(7).messages
    media = message.media
    assert media is not None
    assert (media.kind, media.duration, media.width, media.height) == ("video", 12, 320, 240)
    assert media.supports_streaming
    assert media.thumbnail is not None
    assert media.cover is not None
    assert media.file.name == "Ergebnis – 成品.mp4"
    assert (message.caption, message.text) == ("done", "")
    assert message.others == {"disable_notification": "true"}
    assert message.path == again.path
    assert message.path is not None
    assert message.path.read_bytes() == data


def test_files_over_the_limits_are_refused() -> None:
    with BotApi(upload_limit=1000, download_limit=2000) as api:
        anna = api.person(7, "Anna")
        assert str(refusal(api, lambda bot: bot.send_document(7, b"x" * 1001))) == "Request Entity Too Large"
        ask(api, lambda bot: bot.send_document(7, b"x" * 1000))
        media = anna.send_video(file_size=30_000_000).media
        assert media is not None
        assert str(refusal(api, lambda bot: bot.get_file(media.file.id))) == "File is too big"
        assert api.calls.of("sendDocument")[0].outcome == "413"


@pytest.mark.parametrize(
    ("thumbnail", "why"),
    [
        (picture(321, 10), "at most 320 per side"),
        (picture(32, 32, "PNG"), "it is png and not jpeg"),
        (b"\xff\xd8" + bytes(200_000), "not at most 200000"),
    ],
)
def test_a_wrong_thumbnail_is_seen(api: BotApi, thumbnail: bytes, why: str) -> None:
    assert why in str(refusal(api, lambda bot: bot.send_video(7, b"video", thumbnail=thumbnail)))


def test_what_is_no_picture_is_no_photo(api: BotApi) -> None:
    assert str(refusal(api, lambda bot: bot.send_photo(7, b"nothing"))) == "Image_process_failed"
    assert str(refusal(api, lambda bot: bot.send_document(7, b""))) == "File must be non-empty"


def test_a_photo_does_not_go_as_a_video_nor_a_path_to_the_cloud(api: BotApi) -> None:
    sent = ask(api, lambda bot: bot.send_photo(7, picture()))
    e = refusal(api, lambda bot: bot.send_video(7, sent.photo[0].file_id))
    assert str(e) == "Can't use file of type photo as video"
    answer = httpx.post(
        f"{api.base_url}{api.token}/sendVideo", data={"chat_id": "7", "video": "file:///etc/hostname"}
    )  # by hand: the library itself would not send that
    assert "Unsupported URL protocol" in answer.json()["description"]
    assert len(api.chat(7).messages) == 1


def test_an_album_is_several_messages(api: BotApi) -> None:
    album: Album = [
        InputMediaVideo(b"one", caption="<b>1</b>", parse_mode="HTML"),
        InputMediaPhoto(picture()),
    ]
    ask(api, lambda bot: bot.send_media_group(7, album))
    first, second = api.chat(7).messages
    assert (first.kind, first.caption, second.kind, second.caption) == ("video", "1", "photo", "")
    assert first.album == second.album is not None
    mixed: Album = [InputMediaVideo(b"one"), InputMediaDocument(b"two")]
    e = refusal(api, lambda bot: bot.send_media_group(7, mixed))
    assert str(e) == "Document can't be mixed with other media types"


def test_local_mode_takes_and_gives_files_by_their_paths(tmp_path: Path) -> None:
    video = tmp_path / "résult 1.mp4"
    video.write_bytes(b"large" * 1000)
    with BotApi(local_mode=True, upload_limit=10, download_limit=10) as api:
        anna = api.person(7, "Anna")

        async def script(bot: Bot) -> Path:
            sent = await bot.send_video(7, video)
            assert sent.video is not None
            return Path((await bot.get_file(sent.video.file_id)).file_path or "")

        path = ask(api, script)
        assert path.is_absolute()
        assert path.read_bytes() == video.read_bytes()
        assert api.calls.of("sendVideo")[0].params["video"].startswith("file:///")
        assert anna.send_video(file_size=3_000_000_000).path is not None  # takes no room
