"""From an update to a handler: once, for those who may, all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from telegram import Update

from daemon.jobs import State
from handlers.telegram import verbs
from handlers.telegram.buttons import Press
from handlers.telegram.commands import COMMANDS, jobs, lists, people, plan, presenters, settings
from handlers.telegram.courier import question
from handlers.telegram.dispatch import Dispatch
from handlers.telegram.drafting import presses as drafting
from handlers.telegram.incoming import Moved, Pressed, Said, Where, Who
from handlers.telegram.poll import Toast
from handlers.telegram.pressing import jobs as of_jobs
from handlers.telegram.pressing import publications, publishing
from handlers.telegram.talk import Talk
from models.errors import BadInput, Unavailable
from tests.handlers.telegram.commanding import Bot
from tests.handlers.telegram.talking import ANNA, BO, GROUP, PRIVATE, ROOT, document, video

NOW = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)
EVE = Who(66, "Eve", "en")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    yield bot
    bot.close()


def hello(update_id: int = 500, text: str = "Good morning.", command: str = "", who: Who = ANNA) -> Said:
    return Said(update_id, who, Where(who.id), update_id + 1, NOW, text, command=command)


def tap(press: Press, update_id: int = 500, who: Who = ANNA) -> Pressed:
    return Pressed(update_id, who, Where(who.id), 77, "query", press)


# ---------------------------------------------------------------- once


def test_a_replayed_message_changes_nothing(bot: Bot) -> None:
    bot.dispatch.handle(hello())
    before = bot.sees_all(), bot.errands()
    bot.dispatch.handle(hello())
    assert (bot.sees_all(), bot.errands()) == before


def test_a_replayed_press_is_answered_and_does_nothing(bot: Bot) -> None:
    job = bot.makes(state=State.FAILED)
    press = tap(Press("retry", job))
    assert bot.dispatch.handle(press) == Toast("query", "It is in the queue again.")
    bot.queue.cancel(job)
    assert bot.dispatch.handle(press) == Toast("query")
    assert bot.row(job).state == State.CANCELLED


def test_others_hear_that_there_is_something_to_do(bot: Bot) -> None:
    bot.dispatch.handle(hello())
    assert bot.nudges == 1
    bot.dispatch.handle(hello())
    assert bot.nudges == 1


# ---------------------------------------------------------------- all or nothing


def a_handler_that(does: BaseException) -> Any:
    def do(talk: Talk, _: object) -> None:
        talk.answer("new.begin")
        talk.wait_for({"what": "time"})
        talk.turn.then(lambda: talk.house.changed("something"))
        raise does

    return do


def test_what_is_refused_leaves_words_and_nothing_else(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = BadInput("The title is <too> long", code="x", hint="Use `--title`.")
    monkeypatch.setitem(COMMANDS, "new", replace(COMMANDS["new"], do=a_handler_that(refusal)))
    bot.says("/new")
    assert bot.sees_all() == "The title is <too> long." and not bot.changed
    with bot.ledger.look() as turn:
        assert turn.people.awaited(ANNA.id, ANNA.id) is None


def test_what_is_refused_after_a_press_is_an_alarm(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = BadInput("A & B " * 60, code="x")
    monkeypatch.setitem(verbs.PRESSES, "jobs", a_handler_that(refusal))
    told = bot.dispatch.handle(tap(Press("jobs")))
    assert told is not None and told.alarm and told.text.startswith("A & B A") and len(told.text) <= 200
    assert not bot.sees_all() and not bot.changed


def test_trouble_of_the_machine_is_no_answer(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The update is handed in again, and nothing of it is there yet."""
    before = COMMANDS["new"]
    monkeypatch.setitem(COMMANDS, "new", replace(before, do=a_handler_that(Unavailable("The disk is full"))))
    with pytest.raises(Unavailable):
        bot.dispatch.handle(hello(command="new"))
    assert not bot.sees_all() and not bot.changed and not bot.nudges
    monkeypatch.setitem(COMMANDS, "new", before)
    bot.dispatch.handle(hello(command="new"))
    assert "Send the clip or the script" in bot.sees_all()


def test_after_a_fault_the_update_is_done_with_and_the_person_knows(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COMMANDS, "new", replace(COMMANDS["new"], do=a_handler_that(ZeroDivisionError())))
    with pytest.raises(ZeroDivisionError):
        bot.dispatch.handle(hello(command="new"))
    bot.dispatch.broken(500)
    assert "Something went wrong" in bot.sees_all() and bot.ledger.next_update() == 501
    assert bot.dispatch.handle(hello(command="new")) is None


def test_a_fault_over_a_stranger_is_silent(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot.dispatch.handle(hello(1, who=EVE))
    before = bot.sees_all(Where(EVE.id))
    monkeypatch.setattr("handlers.telegram.access.welcome", a_handler_that(ZeroDivisionError()))
    with pytest.raises(TypeError):
        bot.dispatch.handle(hello(2, who=EVE))
    bot.dispatch.broken(2)  # and breaks over the same again
    assert bot.sees_all(Where(EVE.id)) == before and bot.ledger.next_update() == 3
    assert bot.log.lines[-1][0] == "apology_failed"
    with pytest.raises(TypeError):
        bot.dispatch.handle(hello(3, who=EVE))
    monkeypatch.undo()
    bot.dispatch.broken(3)
    assert bot.sees_all(Where(EVE.id)) == before


def test_a_fault_before_anything_was_understood(bot: Bot) -> None:
    bot.dispatch.handle(hello(1))
    bot.dispatch.broken(7)
    assert bot.ledger.next_update() == 8 and "went wrong" not in bot.sees_all()


# ---------------------------------------------------------------- for whom


def test_in_a_group_only_what_is_meant_for_us(bot: Bot) -> None:
    bot.says("Good morning, everybody.", where=GROUP, to_us=False)
    bot.says(where=GROUP, attached=video(), to_us=False)
    assert not bot.sees_all(GROUP) and not bot.errands()
    bot.says("/unknown", where=GROUP)
    assert not bot.sees_all(GROUP), "it is for another bot"
    bot.says("", where=GROUP)
    assert "Mention me together with the script" in bot.sees(GROUP)
    bot.says("Good morning.", where=GROUP)
    assert "Good morning." in bot.sees(GROUP)


def test_an_unknown_command_and_an_old_button(bot: Bot) -> None:
    bot.says("/unknown")
    assert bot.sees() == "There is no such command. /help shows all of them."
    assert "too old" in bot.presses_data("frobnicate:1:2", under=1)
    assert "too old" in bot.presses_data("", under=1)


def test_a_command_is_not_done_again_when_it_is_edited(bot: Bot) -> None:
    job = bot.makes()
    bot.says("/cancel", edits=5)
    assert bot.row(job).state == State.QUEUED


def test_a_clip_under_a_command_is_not_lost(bot: Bot) -> None:
    bot.says("/start", attached=video())
    assert "Hello Anna" in bot.sees_all() and any(key.startswith("fetch:") for key in bot.errands())


@pytest.mark.parametrize("caption", ["/10 things to know", "/ten things", "/health is wealth", "/ and then"])
def test_a_caption_that_is_no_command_of_ours_is_a_script(bot: Bot, caption: str) -> None:
    message = bot.says(caption, attached=video())
    assert caption in bot.sees() and any(key.startswith("fetch:") for key in bot.errands())
    bot.says(caption.replace("/", "/1"), attached=video(), edits=message)
    assert caption.replace("/", "/1") in bot.sees()


def test_a_caption_in_a_group_is_heard_when_it_is_for_us(bot: Bot) -> None:
    bot.says("/10 things", where=GROUP, attached=video(), to_us=False)
    assert not bot.sees_all(GROUP)
    bot.says("/10 things", where=GROUP, attached=video())
    assert "/10 things" in bot.sees(GROUP)


def test_a_text_that_begins_with_a_number_and_a_slash(bot: Bot) -> None:
    bot.says("/10 things to know about tea")
    assert "New video" in bot.sees() and "/10 things to know about tea" in bot.sees()


def test_what_was_asked_for_comes_with_a_caption_like_a_command(bot: Bot) -> None:
    bot.says("Good morning.", attached=video())
    bot.taps("Change script")
    bot.says("/srt", attached=document("script.srt"))
    assert "Script: script.srt" in bot.sees_all()


def test_a_command_ends_a_question(bot: Bot) -> None:
    bot.sends_clip()
    bot.says("/presenters")
    bot.taps("Save the last clip")
    bot.says("/help")
    bot.says("Anna")
    with bot.ledger.look() as turn:
        assert not turn.files.presenters(ANNA.id)
        draft = turn.drafts.latest(ANNA.id)
    assert draft is not None and draft.contents["script"][0]["text"] == "Anna"


def test_the_language_is_the_chats_then_the_persons(bot: Bot) -> None:
    bot.says("/unknown", by=BO)
    assert "没有这个命令" in bot.sees(Where(BO.id))
    bot.says("/settings", by=ROOT, where=GROUP)
    bot.taps("My words", by=ROOT, where=GROUP)
    bot.taps("English", by=ROOT, where=GROUP)
    bot.says("/queue", by=BO, where=GROUP)
    assert "Nothing is being made" in bot.sees(GROUP)


def test_a_group_that_moves_keeps_everything(bot: Bot) -> None:
    job = bot.makes(where=GROUP)
    bot.says("/settings", where=GROUP)
    bot.taps("Start at once", where=GROUP)
    bot.dispatch.handle(Moved(900, GROUP.chat_id, -1000500))
    moved = Where(-1000500, "supergroup", "News")
    assert bot.settings(moved).start_at_once
    bot.says("/cancel", where=moved)
    assert bot.row(job).state == State.CANCELLED


def test_every_verb_belongs_to_one_room() -> None:
    rooms = [drafting, of_jobs, publishing, publications, jobs, lists, presenters, settings, people, plan]
    named = [verb for room in rooms for verb in room.PRESSES] + [question.VERB]
    assert len(named) == len(set(named)) == len(verbs.PRESSES)


# ---------------------------------------------------------------- as Telegram says it


class Named:
    """As much of a Bot as an update needs."""

    id = 4242
    username = "vigentd_bot"
    defaults = None


def update_of(update_id: int, **message: object) -> Update:
    chat = {"id": ANNA.id, "type": "private"}
    sender = {"id": ANNA.id, "is_bot": False, "first_name": "Anna", "language_code": "en"}
    told = {"message_id": 9, "date": 1795420800, "chat": chat, "from": sender} | message
    update = Update.de_json({"update_id": update_id, "message": told}, Named())  # type: ignore[arg-type]
    assert update is not None
    return update


def test_an_update_as_it_comes(bot: Bot) -> None:
    command = [{"type": "bot_command", "offset": 0, "length": 5}]
    assert bot.dispatch(update_of(600, text="/help", entities=command)) is None
    assert "What you can send" in bot.sees_all()


def test_what_is_nothing_for_us_is_done_with(bot: Bot) -> None:
    bot.dispatch(update_of(601, new_chat_title="News"))
    assert bot.ledger.next_update() == 602 and not bot.sees_all()


def test_whoever_builds_it_needs_no_callbacks(bot: Bot) -> None:
    Dispatch(bot.house).handle(hello())
    assert "Good morning." in bot.sees_all(PRIVATE)
