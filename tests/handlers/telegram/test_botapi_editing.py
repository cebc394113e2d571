"""Edits, deletions and the chats in which a bot may write: as with the real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InputMediaPhoto,
)
from telegram.error import ChatMigrated, Forbidden, RetryAfter

from tests.handlers.telegram.botapi import BotApi, Limits
from tests.handlers.telegram.botapi_kit import ask, buttons, picture, refusal, updates


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        api.person(7, "Anna")
        yield api


# --- editing


def test_edits_are_kept_and_judged_as_by_the_real_one(api: BotApi) -> None:
    id = ask(api, lambda bot: bot.send_message(7, "one", reply_markup=buttons("a"))).message_id

    def edit(**params: Any) -> str:
        return str(
            refusal(api, lambda bot: bot.edit_message_text(**{"chat_id": 7, "message_id": id} | params))
        )

    assert edit(text="one", reply_markup=buttons("a")).startswith("Message is not modified: specified new")
    assert edit(text="two", message_id=99) == "Message to edit not found"
    e = refusal(api, lambda bot: bot.edit_message_caption(7, id, caption="x"))
    assert str(e) == "There is no caption in the message to edit"
    ask(api, lambda bot: bot.edit_message_text("two", 7, id))
    (message,) = api.chat(7).messages
    assert (message.text, message.buttons, message.first.text) == ("two", (), "one")
    assert [edit.content.text for edit in message.edits] == ["two"]
    ask(api, lambda bot: bot.edit_message_reply_markup(7, id, reply_markup=buttons("b")))
    assert message.buttons == ((("B", "b"),),)


def test_a_text_message_can_be_given_media_and_has_then_no_text(api: BotApi) -> None:
    async def script(bot: Bot) -> None:
        id = (await bot.send_message(7, "wait")).message_id
        await bot.edit_message_media(InputMediaPhoto(picture(), caption="there"), 7, id)
        await bot.edit_message_caption(7, id, caption="it is")

    ask(api, script)
    (message,) = api.chat(7).messages
    assert (message.kind, message.text, message.caption, len(message.edits)) == ("photo", "", "it is", 2)
    e = refusal(api, lambda bot: bot.edit_message_text("x", 7, message.id))
    assert str(e) == "There is no text in the message to edit"


def test_only_what_is_there_and_its_own_is_edited_and_deleted(api: BotApi) -> None:
    anna, bob = api.person(7, "Anna"), api.person(8, "Bob")
    theirs = api.group("Team", [anna, bob]).send_text(bob, "/mine")
    hers = anna.send_text("mine")
    e = refusal(api, lambda bot: bot.edit_message_text("x", 7, hers.id))
    assert str(e) == "Message can't be edited"
    e = refusal(api, lambda bot: bot.delete_message(theirs.chat.id, theirs.id))
    assert str(e) == "Message can't be deleted for everyone"
    ask(api, lambda bot: bot.delete_message(7, hers.id))
    assert hers.deleted
    assert not anna.chat.messages
    e = refusal(api, lambda bot: bot.delete_message(7, hers.id))
    assert str(e) == "Message to delete not found"
    assert ask(api, lambda bot: bot.delete_messages(7, [hers.id, 99]))


# --- where the bot may not write, and how often it may


def test_who_has_blocked_the_bot_gets_nothing(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    anna.block()
    e = refusal(api, lambda bot: bot.send_message(7, "x"))
    assert isinstance(e, Forbidden)
    assert str(e) == "Forbidden: bot was blocked by the user"
    anna.unblock()
    ask(api, lambda bot: bot.send_message(7, "x"))
    changes = [u.my_chat_member for u in updates(api)]
    assert [c.new_chat_member.status for c in changes if c] == ["kicked", "member"]


def test_the_bot_cannot_write_first(api: BotApi) -> None:
    zoe = api.person(9, "Zoe", started=False)
    assert str(refusal(api, lambda bot: bot.send_message(9, "x"))) == "Chat not found"
    zoe.command("/start")
    ask(api, lambda bot: bot.send_message(9, "x"))


def test_a_group_that_became_a_supergroup_says_where_it_is(api: BotApi) -> None:
    anna = api.person(7, "Anna")
    group = api.group("Team", [anna])
    old = group.migrate()
    e = refusal(api, lambda bot: bot.send_message(old.id, "x"))
    assert isinstance(e, ChatMigrated)
    assert e.new_chat_id == group.chat.id
    group.kick_bot(anna)
    e = refusal(api, lambda bot: bot.send_message(group.chat.id, "x"))
    assert str(e) == "Forbidden: bot was kicked from the supergroup chat"


def test_members_are_known_by_their_status(api: BotApi) -> None:
    anna, bob, zoe = api.person(7, "Anna"), api.person(8, "Bob"), api.person(9, "Zoe")
    group = api.group("Team", [anna, bob, zoe], admins=[bob])
    group.leave(zoe)

    async def script(bot: Bot) -> list[str]:
        people = (7, 8, 9, bot.id)
        return [(await bot.get_chat_member(group.chat.id, id)).status for id in people]

    assert ask(api, script) == ["creator", "administrator", "left", "member"]
    assert ask(api, lambda bot: bot.get_chat(group.chat.id)).title == "Team"
    ask(api, lambda bot: bot.leave_chat(group.chat.id))
    assert group.chat.bot == "left"


def test_who_sends_too_fast_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # else the library warns
    now = [100.0]
    with BotApi(limits=Limits(burst=3), clock=lambda: now[0]) as api:
        anna = api.person(7, "Anna")

        async def send(bot: Bot, chat: int, times: int) -> None:
            for n in range(times):
                await bot.send_message(chat, str(n))

        ask(api, lambda bot: send(bot, 7, 3))
        e = refusal(api, lambda bot: bot.send_message(7, "x"))
        assert isinstance(e, RetryAfter)
        assert "1" in str(e)
        now[0] += 1.0
        ask(api, lambda bot: send(bot, 7, 1))
        group = api.group("Team", [anna]).chat.id
        for _ in range(20):
            now[0] += 1.0
            ask(api, lambda bot: send(bot, group, 1))
        now[0] += 1.0
        e = refusal(api, lambda bot: bot.send_message(group, "x"))
        assert "0:00:40" in str(e)  # a minute from the first of the 20


# --- what the bot says of itself


def test_commands_are_kept_by_scope_and_language(api: BotApi) -> None:
    english, chinese = [BotCommand("jobs", "Newest first")], [BotCommand("jobs", "最新的在前")]

    async def script(bot: Bot) -> list[tuple[BotCommand, ...]]:
        await bot.set_my_commands(english)
        await bot.set_my_commands(chinese, BotCommandScopeChat(7), "zh")
        await bot.set_my_description("What it does")
        return [await bot.get_my_commands(), await bot.get_my_commands(BotCommandScopeChat(7), "zh")]

    assert ask(api, script) == [tuple(english), tuple(chinese)]
    assert api.state.descriptions == {("setmydescription", ""): "What it does"}
    wrong = [BotCommand("Jobs!", "x")]
    assert str(refusal(api, lambda bot: bot.set_my_commands(wrong))) == "Bot_command_invalid"
