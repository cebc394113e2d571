"""The buttons of a card: whose they are, and what they change."""

from __future__ import annotations

import pytest

from daemon.chats import DraftState
from handlers.telegram.buttons import press
from tests.handlers.telegram.drafting_kit import chat, chatting, contents, drafts
from tests.handlers.telegram.talking import BO, GROUP, ROOT, Conversation, video

__all__ = ["chat", "chatting"]


@pytest.mark.parametrize(
    ("button", "label", "chosen"),
    [
        ("Voice", "en_GB", {"voice": "en_GB"}),
        ("Language", "German", {"language": "de"}),
        ("Subtitles", "karaoke", {"subtitles": "karaoke"}),
        ("Subtitles", "none", {"subtitles": "none"}),
        ("Title look", "stamp", {"title_style": "stamp"}),
        ("Music", "news", {"music": "news"}),
    ],
)
def test_a_choice(chat: Conversation, button: str, label: str, chosen: dict[str, str]) -> None:
    chat.says("Good morning.", attached=video())
    before = drafts(chat)[0].version
    chat.runs_errands()
    chat.taps(button)
    assert not chat.errands() and drafts(chat)[0].version == before
    chat.taps(label)
    assert contents(chat).options == chosen and drafts(chat)[0].version == before + 1
    assert f"examine:{drafts(chat)[0].id}" in chat.errands() and "▶ Start" in chat.labels()


def test_the_volume_of_the_music(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("🎵 Music")
    chat.taps("calm")
    chat.taps("Volume")
    assert chat.labels()[:2] == ["10%", "✓ 25%"]
    chat.taps("40%")
    assert contents(chat).options == {"music": "calm", "music_volume": 0.4} and "volume 40%" in chat.sees()


def test_an_old_card_is_changed_where_it_is_when_it_is_pressed(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.passes(86400)
    chat.taps("Voice")
    chat.taps("en_GB")
    assert [row.key for row in chat.messages()] == [f"card:{drafts(chat)[0].id}"]


def test_listen(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.runs_errands()
    assert "moment" in chat.taps("Listen: voice")
    (errand,) = chat.runs_errands()
    draft = drafts(chat)[0].id
    assert (errand.key, errand.kind, errand.facts) == (
        f"listen:{draft}:voice", "listen", {"draft": draft, "what": "voice"},
    )  # fmt: skip


def test_drop(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    card = chat.messages()[-1].message_id
    assert card
    chat.taps("Drop")
    assert drafts(chat)[0].state == DraftState.DROPPED and "Dropped" in chat.sees() and not chat.labels()
    assert "dropped" in chat.presses_data(press("d.start", drafts(chat)[0].id), under=card)
    chat.says("Another.")
    assert len(drafts(chat)) == 2


def test_the_title_is_dropped_with_its_draft(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    card = chat.messages()[-1].message_id
    assert card
    chat.taps("✏️ Title")
    chat.presses_data(press("d.drop", drafts(chat)[0].id), under=card)
    chat.says("Another script.")
    assert contents(chat).text == "Another script."


def test_only_the_owner_and_admins_press(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video(), where=GROUP)
    toast = chat.taps("Drop", where=GROUP, by=BO)
    assert toast == "只有发起的人或管理员才能按。"
    assert drafts(chat, GROUP.chat_id)[0].state == DraftState.OPEN
    chat.taps("Drop", where=GROUP, by=ROOT)
    assert drafts(chat, GROUP.chat_id)[0].state == DraftState.DROPPED


def test_an_admin_does_not_reach_into_other_chats(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    toast = chat.presses_data(press("d.drop", drafts(chat)[0].id), under=1, by=ROOT, where=GROUP)
    assert "not there any more" in toast and drafts(chat)[0].state == DraftState.OPEN


@pytest.mark.parametrize(
    "argument", ["voice.gone", "music./etc/passwd", "seed.1", "language.xx", "", "title.x"]
)
def test_what_is_not_there_is_not_chosen(chat: Conversation, argument: str) -> None:
    chat.says("Good morning.", attached=video())
    card = chat.messages()[-1].message_id
    assert card
    assert "not there" in chat.presses_data(press("d.set", drafts(chat)[0].id, argument), under=card)
    assert not contents(chat).options


@pytest.mark.parametrize(
    "wish", [("d.pick", "seed"), ("d.pick", "voice.x"), ("d.pick", ""), ("d.ask", "x"), ("d.sound", "speech"),
             ("d.listen", "x"), ("d.same", ""), ("d.back", "")]
)  # fmt: skip
def test_a_button_that_makes_no_sense_does_no_harm(chat: Conversation, wish: tuple[str, str]) -> None:
    chat.says("Good morning.", attached=video())
    before, card = contents(chat), chat.messages()[-1].message_id
    assert card
    chat.presses_data(press(wish[0], drafts(chat)[0].id, wish[1]), under=card)
    assert contents(chat) == before


def test_a_draft_that_never_was(chat: Conversation) -> None:
    chat.says("Good morning.")
    assert "not there any more" in chat.presses_data("d.start:00000000:", under=1)
