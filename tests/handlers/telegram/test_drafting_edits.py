"""A message that is edited changes its video."""

from __future__ import annotations

from tests.handlers.telegram.drafting_kit import chat, chatting, contents, drafts, file_of, looks
from tests.handlers.telegram.talking import BO, Conversation, video

__all__ = ["chat", "chatting"]


def test_an_edited_text_is_the_script_now_and_is_looked_at_again(chat: Conversation) -> None:
    sent = chat.says("Goood morning.")
    chat.says(attached=video())
    looks(chat)
    chat.runs_errands()
    chat.says("Good morning.", edits=sent)
    assert contents(chat).text == "Good morning." and "Being looked at" in chat.sees()
    assert f"examine:{drafts(chat)[0].id}" in chat.errands()


def test_an_edited_caption_is_the_script_now(chat: Conversation) -> None:
    clip = video()
    sent = chat.says("Goood morning.", attached=clip)
    its = contents(chat).clip
    chat.says("Good morning.", edits=sent, attached=clip)
    assert contents(chat).text == "Good morning." and contents(chat).clip == its


def test_only_that_part_of_a_long_text_changes(chat: Conversation) -> None:
    first = "x" * 4000
    chat.says(first)
    second = chat.says("y")
    chat.says("z", edits=second)
    assert contents(chat).text == f"{first}\nz"


def test_a_caption_that_was_added_later(chat: Conversation) -> None:
    clip = video()
    sent = chat.says(attached=clip)
    chat.says("Good morning.", edits=sent, attached=clip)
    assert contents(chat).complete and len(drafts(chat)) == 1


def test_a_caption_that_was_taken_away(chat: Conversation) -> None:
    clip = video()
    sent = chat.says("Good morning.", attached=clip)
    chat.says("", edits=sent, attached=clip)
    assert "Now send the script" in chat.sees()


def test_another_video_in_the_same_message(chat: Conversation) -> None:
    sent = chat.says("Good morning.", attached=video(size=1000))
    chat.says("Good morning.", edits=sent, attached=video(size=2000))
    assert file_of(chat, contents(chat).clip).size == 2000


def test_a_started_one_says_once_that_it_is_too_late(chat: Conversation) -> None:
    sent = chat.says("One.", attached=(clip := video()))
    looks(chat)
    chat.taps("Start")
    chat.says("One.", edits=sent, attached=clip)  # as when a link in it gets its preview
    assert "already" not in chat.sees_all()
    chat.says("Two.", edits=sent, attached=clip)
    chat.says("Three.", edits=sent, attached=clip)
    assert chat.sees_all().count("is being made already") == 1 and contents(chat).text == "One."


def test_nobody_changes_the_message_of_another(chat: Conversation) -> None:
    sent = chat.says("One.")
    chat.says("Two.", edits=sent, by=BO)
    assert contents(chat).text == "One."


def test_of_an_unknown_message_nothing_is_said(chat: Conversation) -> None:
    chat.says("Two.", edits=5)
    assert not chat.messages() and not drafts(chat)


def test_a_dropped_one_stays_dropped(chat: Conversation) -> None:
    sent = chat.says("One.")
    chat.taps("Drop")
    chat.says("Two.", edits=sent)
    assert contents(chat).text == "One." and "Dropped" in chat.sees()
