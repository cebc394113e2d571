"""Updates as Telegram sends them, and what we read in them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from telegram import Update

from handlers.telegram.arrivals import Me, incoming
from handlers.telegram.buttons import Press
from handlers.telegram.incoming import Attachment, Incoming, Moved, Pressed, Said, Where, Who

ME = Me(76, "Vigent_bot")
ANNA = {"id": 7, "is_bot": False, "first_name": "Anna", "last_name": "Berg", "language_code": "zh-hans"}
BOT = {"id": 76, "is_bot": True, "first_name": "Vigent", "username": "Vigent_bot"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Anna", "last_name": "Berg"}
GROUP = {"id": -1001, "type": "supergroup", "title": "News"}
FILE = {"file_id": "F1", "file_unique_id": "U1", "file_size": 1234}
SMALL = FILE | {"file_id": "S", "width": 90, "height": 60}
VIDEO = FILE | {"width": 640, "height": 360, "duration": 12, "mime_type": "video/mp4", "file_name": "a.mp4"}


def heard(kind: str = "message", chat: dict[str, Any] = PRIVATE, **more: Any) -> Incoming | None:
    message = {"message_id": 5, "date": 1790000000, "chat": chat, "from": ANNA} | more
    if kind == "edited_message":
        message["edit_date"] = 1790000100
    return incoming(Update.de_json({"update_id": 900, kind: message}, None), ME)


def said(kind: str = "message", **more: Any) -> Said:
    got = heard(kind, **more)
    assert isinstance(got, Said), got
    return got


def marked(text: str, *marks: tuple[str, str], **more: Any) -> dict[str, Any]:
    """text with entities: (type, the words of it). Offsets in UTF-16 units, as Telegram counts."""

    def units(part: str) -> int:
        return len(part.encode("utf-16-le")) // 2

    entities = [
        {"type": kind, "offset": units(text[: text.index(words)]), "length": units(words)} | more
        for kind, words in marks
    ]
    return {"text": text, "entities": entities}


def test_a_text() -> None:
    assert said(text="Good morning") == Said(
        update_id=900,
        who=Who(7, "Anna Berg", "zh-hans"),
        where=Where(7),
        message_id=5,
        at=dt.datetime.fromtimestamp(1790000000, dt.UTC),
        text="Good morning",
    )


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"video": VIDEO}, Attachment("video", "F1", "a.mp4", "video/mp4", 1234, 12.0)),
        (
            {"document": FILE | {"file_name": "a.mov", "mime_type": "video/quicktime"}},
            Attachment("document", "F1", "a.mov", "video/quicktime", 1234),
        ),
        (
            {"video_note": FILE | {"length": 240, "duration": 9}},
            Attachment("video_note", "F1", size=1234, seconds=9.0),
        ),
        (
            {"animation": VIDEO, "document": FILE | {"file_id": "AS_DOCUMENT"}},
            Attachment("animation", "F1", "a.mp4", "video/mp4", 1234, 12.0),
        ),
        (
            {"photo": [SMALL, FILE | {"width": 1280, "height": 853}]},
            Attachment("photo", "F1", mime="image/jpeg", size=1234),
        ),
        (
            {"voice": FILE | {"duration": 3, "mime_type": "audio/ogg"}},
            Attachment("voice", "F1", mime="audio/ogg", size=1234, seconds=3.0),
        ),
        (
            {"audio": FILE | {"duration": 200, "file_name": "s.mp3", "mime_type": "audio/mpeg"}},
            Attachment("audio", "F1", "s.mp3", "audio/mpeg", 1234, 200.0),
        ),
        ({"location": {"longitude": 1.0, "latitude": 2.0}}, Attachment("other")),
        ({"contact": {"phone_number": "1", "first_name": "B"}}, Attachment("other")),
        ({"dice": {"emoji": "🎲", "value": 3}}, Attachment("other")),
    ],
)  # fmt: skip
def test_what_is_attached(sent: dict[str, Any], read: Attachment) -> None:
    assert said(**sent).attachment == read


def test_a_caption_is_a_text_and_may_be_a_command() -> None:
    got = said(
        video=VIDEO,
        caption="/new Hello",
        caption_entities=[{"type": "bot_command", "offset": 0, "length": 4}],
        media_group_id="13",
    )
    assert (got.text, got.command, got.argument, got.album) == ("/new Hello", "new", "Hello", "13")


@pytest.mark.parametrize(
    ("text", "mark", "read"),
    [
        ("/Start abc def", "/Start", ("start", "abc def")),
        ("/jobs@VIGENT_BOT", "/jobs@VIGENT_BOT", ("jobs", "")),
        ("/new\nA script", "/new", ("new", "A script")),
        ("say /start", "/start", ("", "")),
    ],
)
def test_commands(text: str, mark: str, read: tuple[str, str]) -> None:
    got = said(**marked(text, ("bot_command", mark)))
    assert (got.command, got.argument) == read


def test_a_command_for_another_bot_is_none_of_our_business() -> None:
    assert heard(chat=GROUP, **marked("/start@other_bot", ("bot_command", "/start@other_bot"))) is None


def test_a_slash_alone_is_text() -> None:
    """Only what Telegram has marked is a command: "/ 2" is part of a script."""
    assert said(text="/ 2").command == ""


def test_in_a_group_only_what_is_meant_for_us() -> None:
    assert not said(chat=GROUP, text="Good morning").to_us
    assert said(chat=GROUP, **marked("/jobs", ("bot_command", "/jobs"))).to_us
    answer = {"message_id": 3, "date": 1, "chat": GROUP, "text": "card"}
    ours, others = answer | {"from": BOT}, answer | {"from": ANNA | {"id": 8}}
    assert said(chat=GROUP, text="yes", reply_to_message=ours).to_us
    assert not said(chat=GROUP, text="yes", reply_to_message=others).to_us
    assert said(chat=GROUP, text="yes", reply_to_message=others).reply_to == 3
    assert said(chat=GROUP, text="x").where == Where(-1001, "supergroup", "News")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@vigent_bot Good 👋 morning", "Good 👋 morning"),
        ("👋👋 @Vigent_bot make this", "👋👋 make this"),
        ("Hello @Vigent_bot", "Hello"),
        ("Hello @Vigent_bot, dear", "Hello, dear"),
    ],
)
def test_a_mention_is_for_us_and_not_part_of_the_script(text: str, left: str) -> None:
    mention = next(word for word in text.split() if word.startswith("@")).rstrip(",")
    got = said(chat=GROUP, **marked(text, ("mention", mention)))
    assert (got.to_us, got.text) == (True, left)


def test_somebody_else_may_be_mentioned() -> None:
    got = said(chat=GROUP, **marked("@Vigent_bot2 hello", ("mention", "@Vigent_bot2")))
    assert (got.to_us, got.text) == (False, "@Vigent_bot2 hello")


def test_a_mention_by_name() -> None:
    got = said(chat=GROUP, **marked("Vigent do it", ("text_mention", "Vigent"), user=BOT))
    assert (got.to_us, got.text) == (True, "do it")


def test_topics() -> None:
    """Everything in a topic answers the note which opened it; that is no answer. Outside of topics the number
    of a thread is nothing to which could be sent."""
    opening = {"message_id": 40, "date": 1, "chat": GROUP, "from": BOT}
    opening["forum_topic_created"] = {"name": "T", "icon_color": 1}
    got = said(chat=GROUP, text="hi", message_thread_id=40, is_topic_message=True, reply_to_message=opening)
    assert (got.where.thread_id, got.reply_to, got.to_us) == (40, None, False)
    assert said(chat=GROUP, text="hi", message_thread_id=40).where.thread_id is None


def test_an_edited_message() -> None:
    got = said("edited_message", text="Better")
    assert (got.edited, got.text, got.message_id) == (True, "Better", 5)


def test_a_group_that_moved() -> None:
    group = {"id": -5, "type": "group", "title": "News"}
    assert heard(chat=group, migrate_to_chat_id=-1005) == Moved(900, -5, -1005)
    assert heard(chat=GROUP, migrate_from_chat_id=-5) is None


@pytest.mark.parametrize(
    "message",
    [
        {"chat": GROUP, "new_chat_members": [ANNA]},
        {"chat": GROUP, "pinned_message": {"message_id": 1, "date": 0, "chat": GROUP}},
        {"text": "I am a bot too", "from": BOT},
        {"chat": GROUP, "text": "anonymous", "sender_chat": GROUP},
        {"chat": {"id": -9, "type": "channel", "title": "C"}, "text": "post"},
    ],
)
def test_what_nobody_said_to_us(message: dict[str, Any]) -> None:
    assert heard(**message) is None


def test_other_updates_are_nothing() -> None:
    post = {"message_id": 5, "date": 1, "chat": {"id": -9, "type": "channel", "title": "C"}, "text": "post"}
    assert incoming(Update.de_json({"update_id": 1, "channel_post": post}, None), ME) is None


def press(**more: Any) -> Incoming | None:
    query = {"id": "Q1", "from": ANNA, "chat_instance": "1", "data": "start:D1:now"} | more
    return incoming(Update.de_json({"update_id": 900, "callback_query": query}, None), ME)


def test_a_press() -> None:
    under = {"message_id": 5, "date": 1790000000, "chat": GROUP, "from": BOT, "text": "card"}
    where = Where(-1001, "supergroup", "News")
    anna, start = Who(7, "Anna Berg", "zh-hans"), Press("start", "D1", "now")
    assert press(message=under) == Pressed(900, anna, where, 5, "Q1", start)


def test_a_press_under_a_message_that_is_too_old_to_be_told() -> None:
    got = press(message={"message_id": 5, "date": 0, "chat": PRIVATE})
    assert isinstance(got, Pressed)
    assert (got.message_id, got.where) == (5, Where(7))


def test_presses_that_are_not_under_a_message_of_ours() -> None:
    assert press(inline_message_id="X") is None
    under = {"message_id": 5, "date": 1, "chat": PRIVATE, "from": BOT, "text": "game"}
    assert press(message=under, data=None, game_short_name="g") is None
