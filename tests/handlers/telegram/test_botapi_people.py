"""The people of the fake server: what they do is what a bot is told, and what they see can be waited for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update

from tests.handlers.telegram.botapi import BotApi, Shape
from tests.handlers.telegram.botapi_kit import answering, ask, picture, refusal, updates
from tests.media_kit import pattern


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


def told(api: BotApi) -> list[Message]:
    return [u.message for u in updates(api) if u.message]


def test_commands_mentions_and_addresses_are_marked(api: BotApi) -> None:
    anna = api.person(7, "Anna", language_code="zh")
    anna.command("/start abc")
    anna.send_text("😀 see https://a.org/x, @bob_b and /help@vigent_test_bot, not a/b or me@x.org")
    start, text = told(api)
    assert start.from_user is not None
    assert start.from_user.language_code == "zh"
    assert [(e.type, e.offset, e.length) for e in start.entities] == [("bot_command", 0, 6)]
    assert list(text.parse_entities(["url", "mention", "bot_command"]).values()) == [
        "https://a.org/x",
        "@bob_b",
        "/help@vigent_test_bot",
    ]


def test_a_long_text_comes_in_parts_that_make_it_up_again(api: BotApi) -> None:
    text = "".join(f"word{n} " for n in range(1500)) + "字" * 5000
    parts = api.person(7, "Anna").send_long(text)
    assert "".join(p.text for p in parts) == text
    assert max(len(p.text) for p in parts) <= 4096
    assert parts[0].text.endswith(" ")
    assert [m.text for m in told(api)] == [p.text for p in parts]


def test_every_kind_of_file_reaches_the_bot(api: BotApi, tmp_path: Path) -> None:
    anna = api.person(7, "Anna")
    clip = pattern(tmp_path / "Clip ü.mp4", "-pix_fmt", "yuv420p", size="64x48", seconds=2.0)
    note = tmp_path / "script.txt"
    note.write_text("Hello", encoding="utf-8")
    anna.send_video(clip, "say this")
    anna.send_document(note, mime="text/plain", caption="read it")
    anna.send_document(b"# Hi", "x.md", "text/markdown")
    anna.send_photo(picture(1600, 900))
    anna.send_voice(b"ogg", shape=Shape(duration=3))
    anna.send_audio(b"mp3", name="song.mp3")
    anna.send_animation(clip)
    anna.send_video_note(file_size=5000, shape=Shape(240, 240, 4))
    anna.send_sticker()
    video, text, markdown, photo, voice, audio, gif, circle, sticker = told(api)
    assert video.video is not None
    assert (video.video.width, video.video.height, video.to_dict()["video"]["duration"]) == (64, 48, 2)
    assert (video.video.file_name, video.caption) == ("Clip ü.mp4", "say this")
    assert text.document is not None
    assert (text.document.file_name, text.document.mime_type, text.caption) == (
        "script.txt",
        "text/plain",
        "read it",
    )
    assert markdown.document is not None
    assert [(p.width, p.height) for p in photo.photo] == [(90, 51), (320, 180), (800, 450), (1280, 720)]
    assert voice.voice is not None
    assert audio.audio is not None
    assert gif.animation is not None
    assert gif.document is not None
    assert circle.video_note is not None
    assert circle.video_note.length == 240
    assert sticker.sticker is not None

    async def download(bot: Bot) -> tuple[bytes, int]:
        assert text.document is not None
        assert circle.video_note is not None
        file, hollow = (
            await bot.get_file(text.document.file_id),
            await bot.get_file(circle.video_note.file_id),
        )
        return bytes(await file.download_as_bytearray()), len(await hollow.download_as_bytearray())

    assert ask(api, download) == (b"Hello", 5000)


def test_a_size_can_be_a_lie(api: BotApi) -> None:
    api.person(7, "Anna").send_video(b"four", file_size=1000, shape=Shape())
    (message,) = told(api)
    assert message.video is not None
    id = message.video.file_id

    async def download(bot: Bot) -> tuple[int | None, int]:
        file = await bot.get_file(id)
        return file.file_size, len(await file.download_as_bytearray())

    assert ask(api, download) == (1000, 4)


def test_an_album_has_one_id_and_one_caption(api: BotApi, tmp_path: Path) -> None:
    clip = pattern(tmp_path / "a.mp4", "-pix_fmt", "yuv420p", size="64x48", seconds=1.0)
    still = tmp_path / "b.jpg"
    still.write_bytes(picture())
    api.person(7, "Anna").send_album([clip, still], "both")
    first, second = told(api)
    assert first.media_group_id == second.media_group_id is not None
    assert (first.caption, second.caption) == ("both", None)


def test_replies_and_edits_are_told(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    script = anna.send_text("one")
    anna.send_text("two", reply_to=script)
    anna.edit(script, "/one")
    first, second, edited = updates(api)
    assert first.message is not None
    assert second.message is not None
    assert second.message.reply_to_message == first.message
    assert edited.edited_message is not None
    assert edited.edited_message.text == "/one"
    assert edited.edited_message.entities


async def answer_presses(bot: Bot, update: Update) -> None:
    if update.callback_query:
        await update.callback_query.answer(f"got {update.callback_query.data}", show_alert=True)
    elif update.message:
        button = InlineKeyboardButton("Go on", callback_data="go:1")
        await update.message.reply_text("Well?", reply_markup=InlineKeyboardMarkup([[button]]))


def test_a_press_gets_its_answer(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    with answering(api, answer_presses):
        asked = anna.send_text("Hi")
        question = anna.chat.wait_for(lambda messages: messages[-1].buttons and messages[-1])
        assert question
        assert question is anna.last()
        by_text, by_data = anna.press(question, "Go on"), anna.press(question, "go:1")
        stale = anna.press(question, "gone:9", stale=True)
        assert (by_text.text, by_text.show_alert) == ("got go:1", True)
        assert by_data.text == "got go:1"
        assert stale.text == "got gone:9"
        assert 0 < api.calls.first_answer_after(asked) < 5
        assert 0 < api.calls.first_answer_after(by_data) < 5
        assert anna.texts() == ["Well?"]
        with pytest.raises(AssertionError, match=r"no button 'Stop' on(.|\n)*\[Go on \| go:1\]"):
            anna.press(question, "Stop")


def test_a_press_can_be_answered_once_and_not_for_ever() -> None:
    now = [100.0]
    with BotApi(clock=lambda: now[0], query_lifetime_s=15) as api:
        anna = api.person(7, "Anna")
        button = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
        ask(api, lambda bot: bot.send_message(7, "Well?", reply_markup=button))
        first, second = (anna.press(anna.last(), "Go", wait=False) for _ in range(2))
        ask(api, lambda bot: bot.answer_callback_query(first.id))

        def again(id: str) -> str:
            return str(refusal(api, lambda bot: bot.answer_callback_query(id)))

        answers = [again(first.id), again("unknown")]
        now[0] += 16
        for why in (*answers, again(second.id)):
            assert why == "Query is too old and response timeout expired or query id is invalid"
        with pytest.raises(AssertionError, match="the press of 'go' was not answered"):
            second.wait(0)


def test_in_a_group_the_bot_hears_only_what_is_for_it(api: BotApi) -> None:
    anna, bob = api.person(7, "Anna"), api.person(8, "Bob")
    group = api.group("Team", [anna, bob])
    sent = ask(api, lambda bot: bot.send_message(group.chat.id, "Hello"))
    hello = group.last()
    assert sent.message_id == hello.id
    command = group.send_text(anna, "/new")
    heard = [
        command,
        group.send_text(anna, "/new@vigent_test_bot now"),
        group.send_text(bob, "well @Vigent_Test_Bot, do it"),
        group.send_text(bob, "yes", reply_to=hello),
        group.send_text(bob, "that one", reply_to=command),
        group.send_video(bob, file_size=1000, caption="/new"),
    ]
    gossip = [
        group.send_text(anna, "hello Bob"),
        group.send_text(anna, "/new@other_bot"),
        group.send_text(bob, "@anna look"),
    ]
    group.send_text(bob, "ok", reply_to=gossip[0])
    assert [m.message_id for m in told(api)] == [m.id for m in heard]
    group.promote_bot(anna)
    assert group.send_text(anna, "all of it").update_id
    assert api.group("Open", [anna], privacy=False).send_text(anna, "all of it").update_id


def test_messages_of_two_chats_share_their_numbers(api: BotApi) -> None:
    anna, bob = api.person(7, "Anna"), api.person(8, "Bob")
    assert anna.send_text("a").id == bob.send_text("b").id


def test_a_replayed_update_comes_again_though_it_was_confirmed(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    id = anna.send_text("once").update_id
    updates(api, offset=id + 1)
    api.wait_until_confirmed(id, timeout=0)
    api.replay(id)
    assert [u.update_id for u in updates(api, offset=id + 1, timeout=5)] == [id]
    with pytest.raises(AssertionError):
        api.wait_until_confirmed(id, timeout=0)
    assert updates(api, offset=id + 1) == ()
    api.wait_until_confirmed(timeout=0)


def test_what_does_not_come_is_shown_with_the_chat(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    anna.send_text("Hi")
    ask(api, lambda bot: bot.send_message(7, "Hello", reply_parameters=None))
    with pytest.raises(AssertionError) as e:
        anna.chat.wait_for(lambda messages: messages[5], timeout=0.05)
    assert "   1 Anna: Hi\n   2 bot: Hello" in str(e.value)
    assert anna.chat.wait_for(lambda messages: messages[1].text) == "Hello"


def test_edits_are_counted_in_the_worst_minute() -> None:
    now = [0.0]
    with BotApi(clock=lambda: now[0]) as api:
        api.person(7, "Anna")

        async def script(bot: Bot) -> None:
            id = (await bot.send_message(7, "x")).message_id
            for at in (10, 50, 69, 70.5, 200, 201):
                now[0] = at
                await bot.edit_message_text(f"at {at}", 7, id)

        ask(api, script)
        assert api.calls.edits_per_minute(api.chat(7)) == 3
        assert api.calls.edits_per_minute(8) == 0
