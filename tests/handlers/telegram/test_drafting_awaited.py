"""What a person was asked for is their next message, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.chats import DraftState
from handlers.telegram.choices import Choice
from handlers.telegram.drafting.awaited import AWAITED, stop_waiting
from handlers.telegram.incoming import Said
from handlers.telegram.talk import Talk
from tests.handlers.telegram.drafting_kit import Chatting, chat, chatting, contents, drafts, looks
from tests.handlers.telegram.talking import (
    BO,
    CHOICES,
    GROUP,
    PRIVATE,
    ROOT,
    Conversation,
    document,
    video,
    voice,
)

__all__ = ["chat", "chatting"]


def test_the_title(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("✏️ Title")
    assert "Write the title now." in chat.sees() and chat.labels() == ["No title", "◀ Back"]
    chat.says(" The <news>\n today ")
    assert contents(chat).options == {"title": "The <news> today"} and "“The <news> today”" in chat.sees()
    chat.says("Another script.")
    assert len(drafts(chat)) == 2


def test_no_title(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("✏️ Title")
    chat.says("News")
    chat.taps("✏️ Title")
    chat.taps("No title")
    assert contents(chat).options == {"title": ""} and "Title:" not in chat.sees()
    chat.says("Another script.")  # nobody waits for a title any more
    assert len(drafts(chat)) == 2


def test_a_title_that_is_too_long(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("✏️ Title")
    chat.says("x" * 201)
    assert not contents(chat).options and "200 characters at most" in chat.sees_all()


def test_the_tone(chatting: Chatting) -> None:
    chat = chatting(choices=lambda: replace(CHOICES, tone=True))
    chat.says("Good morning.", attached=video())
    chat.taps("Tone")
    assert "Write how it is to be said" in chat.sees() and chat.labels() == ["No tone", "◀ Back"]
    chat.says(" warm <and>\n calm ")
    assert contents(chat).options == {"tone": "warm <and> calm"} and "Tone: warm <and> calm" in chat.sees()
    chat.taps("Tone")
    chat.says("x" * 501)
    assert "500 characters at most" in chat.sees_all() and contents(chat).options["tone"] == "warm <and> calm"
    chat.taps("Tone")
    chat.taps("No tone")
    assert contents(chat).options == {"tone": ""} and "Tone:" not in chat.sees()


def test_a_tone_is_for_one_video(chatting: Chatting) -> None:
    """The next one of the chat begins without."""
    chat = chatting(choices=lambda: replace(CHOICES, tone=True))
    chat.says("Good morning.", attached=video())
    chat.taps("Tone")
    chat.says("warm")
    looks(chat)
    chat.taps("Start")
    chat.says("Good evening.", attached=video())
    assert "Tone: warm" not in chat.sees() and "tone" not in contents(chat).options


def test_a_clip_is_no_title(chat: Conversation) -> None:
    chat.says("Good morning.")
    chat.taps("✏️ Title")
    chat.says(attached=video())
    assert contents(chat).complete and "Write the title" not in chat.sees()


def test_another_script_is_for_the_card_that_asked_for_it(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    first = drafts(chat)[0].id
    chat.says("Two.", attached=video())
    chat.taps("Change script", within=f"card:{first}")
    chat.says(long := "x" * 4000)
    chat.passes(1)
    chat.says("The end.")  # its second part, though no card asks for anything now
    assert contents(chat, 0).text == f"{long}\nThe end." and contents(chat, 1).text == "Two."


def test_another_script_from_a_file(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.taps("Change script")
    chat.says(attached=document("news.txt"))
    assert len(drafts(chat)) == 1 and contents(chat).script_file and not contents(chat).script


def test_back_ends_it(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.taps("Change script")
    chat.taps("Back")
    chat.says("Two.")
    assert contents(chat, 0).text == "One." and "new script" not in chat.sees_all()


def test_a_command_ends_it(chat: Conversation) -> None:
    def hears(talk: Talk, said: Said) -> None:
        stop_waiting(talk)

    chat.says("One.", attached=video())
    chat.taps("✏️ Title")
    chat.hears = hears
    chat.says("/new")
    assert "Write the title" not in chat.sees()


def test_a_voice_is_kept_under_a_name(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.runs_errands()
    chat.says(attached=voice())
    sound = contents(chat).sound
    chat.taps("Keep it as a voice")
    chat.says("en_US")
    assert "a voice named en_US already" in chat.sees_all()
    chat.says("Anna <b>")
    assert "A voice cannot be called Anna <b>" in chat.sees_all()
    chat.says("Anna  2")
    (kept,) = [errand for errand in chat.runs_errands() if errand.kind == "keep"]
    assert kept.key == f"keep:{sound}"
    assert kept.facts == {
        "file": sound, "name": "Anna 2", "chat_id": 11, "language": "en", "thread_id": None,
    }  # fmt: skip
    assert contents(chat).sound is None and contents(chat).text == "One."


def test_a_name_of_another_chats_voice_is_taken_and_ones_own_is_not(chatting: Chatting) -> None:
    kept = (Choice("Theirs", chat_id=22), Choice("Ours", chat_id=PRIVATE.chat_id))
    chat = chatting(choices=lambda: replace(CHOICES, voices=(*CHOICES.voices, *kept)))
    chat.says(attached=voice())
    chat.taps("Keep it as a voice")
    chat.says("theirs")
    assert "a voice named theirs already" in chat.sees_all()
    chat.says("ours")
    assert any(key.startswith("keep") for key in chat.errands())


def test_of_a_voice_that_came_alone_no_video_is_left(chat: Conversation) -> None:
    chat.says(attached=voice())
    chat.taps("Keep it as a voice")
    chat.says("Mine")
    assert drafts(chat)[0].state == DraftState.DROPPED
    assert chat.sees_all() == "The recording is being kept as the voice Mine…"


@pytest.mark.parametrize("name", ["default", "None", "default\u200b\u202e", "x" * 41, "../x", "a'b"])
def test_names_that_a_voice_cannot_have(chat: Conversation, name: str) -> None:
    chat.says(attached=voice())
    chat.taps("Keep it as a voice")
    chat.says(name)
    assert not any(key.startswith("keep") for key in chat.errands())
    chat.says("Mine")  # it is still asked for
    assert any(key.startswith("keep") for key in chat.errands())


def test_others_can_be_asked_for_their_own(chat: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(talk: Talk, said: Said, awaited: dict[str, object]) -> None:
        talk.answer("drafting.keeping", name=f"{awaited['more']} {said.text}")

    def asks(talk: Talk, said: Said) -> None:
        talk.wait_for({"what": "presenter", "more": 7})

    monkeypatch.setitem(AWAITED, "presenter", take)
    usual, chat.hears = chat.hears, asks
    chat.says("/presenters")
    chat.hears = usual
    chat.says("Eva", where=GROUP, by=BO)
    assert not chat.messages()
    chat.says("Eva")
    assert "7 Eva" in chat.sees() and not drafts(chat)


def test_in_a_group_it_says_how_to_answer_and_an_admin_is_asked_for_another(chatting: Chatting) -> None:
    chat = chatting()
    chat.says("One.", attached=video(), where=GROUP)
    chat.taps("✏️ Title", where=GROUP)
    assert "Answer this message with it." in chat.sees(GROUP)
    chat.taps("Back", where=GROUP)
    chat.taps("✏️ Title", where=GROUP, by=ROOT)
    assert chat.sees_all(GROUP).count("Write the title now.") == 1
    chat.says("From above", where=GROUP, by=ROOT)
    assert "“From above”" in chat.sees_all(GROUP)
