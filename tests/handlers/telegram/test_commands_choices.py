"""/voices, /styles, /music, /presenters, /settings: what a chat chooses for all its videos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import FileState
from handlers.telegram.choices import Choice, Choices
from handlers.telegram.incoming import Where
from tests.handlers.telegram.commanding import HOME, Bot
from tests.handlers.telegram.talking import ANNA, BO, GROUP, PRIVATE, video


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    yield bot
    bot.close()


# ---------------------------------------------------------------- lists


def test_a_voice_is_chosen_and_remembered(bot: Bot) -> None:
    bot.says("/voices")
    assert bot.labels()[:4] == ["✓ usual", "▷ Listen", "en_US", "▷ Listen"]
    assert "• en_GB: English" in bot.sees()
    assert bot.taps("en_GB") == "Chosen: en_GB"
    assert bot.settings().options == {"voice": "en_GB"} and "✓ en_GB" in bot.labels()
    bot.taps("usual")
    assert bot.settings().options == {"voice": "default"} and "✓ usual" in bot.labels()


def test_a_voice_that_another_chat_kept_is_not_there(tmp_path: Path) -> None:
    kept = (Choice("Theirs", chat_id=22), Choice("Ours", chat_id=PRIVATE.chat_id), Choice("Everybodys"))
    bot = Bot(tmp_path / "other", choices=lambda: Choices(voices=kept))
    bot.says("/voices")
    assert {"Ours", "Everybodys"} <= set(bot.labels()) and "Theirs" not in bot.sees_all()
    bot.close()


def test_styles_are_two_lists(bot: Bot) -> None:
    bot.says("/styles")
    assert "Subtitle looks" in bot.sees()
    bot.taps("karaoke")
    bot.taps("Title looks")
    assert "Title looks" in bot.sees() and "none" not in bot.labels()
    bot.taps("stamp")
    assert bot.settings().options == {"subtitles": "karaoke", "title_style": "stamp"}
    bot.taps("Subtitle looks")
    bot.taps("none")
    assert bot.settings().options["subtitles"] == "none"


def test_music_is_chosen(bot: Bot) -> None:
    bot.says("/music", by=BO)
    assert bot.labels(HOME)[:3] == ["✓ 无", "calm · 舒缓", "▷ 试听"], "nothing is no sound to listen to"
    bot.taps("calm", by=BO, where=HOME)
    assert bot.settings(HOME).options == {"music": "calm"} and bot.settings(PRIVATE).options == {}


def test_listen_and_example_are_errands(bot: Bot) -> None:
    bot.says("/music", where=GROUP)
    assert bot.taps("Listen", where=GROUP) == "It comes in a moment."
    bot.taps("Listen", where=GROUP)  # impatience
    bot.says("/styles")
    bot.taps("Example")
    music, look = bot.runs_errands()
    assert (music.kind, music.facts["what"], music.facts["name"]) == ("listen", "music", "calm")
    assert music.facts["chat_id"] == GROUP.chat_id and music.facts["reply_to"] is not None
    assert (look.kind, look.facts["style"], look.facts["language"]) == ("sample", "clean", "en")


def test_long_lists_have_pages_and_long_names_have_buttons(tmp_path: Path) -> None:
    there = [Choices(voices=tuple(Choice(f"声音的名字非常非常长{n}" * 4) for n in range(20)))]
    bot = Bot(tmp_path, choices=lambda: there[0])
    bot.says("/voices")
    bot.taps("▶")
    bot.taps("长9")
    assert bot.settings().options["voice"] == there[0].voices[9].name
    assert any(label.startswith("✓") for label in bot.labels()), "the page stays"
    there[0] = Choices()
    assert "not there any more" in bot.taps("长10")
    bot.close()


def test_a_choice_counts_for_the_card_that_is_open(bot: Bot) -> None:
    bot.says("Good morning.")
    bot.runs_errands()
    bot.says("/voices")
    bot.taps("en_GB")
    assert any(key.startswith("examine:") for key in bot.errands())
    assert "Voice: en_GB" in bot.sees_all()


def test_forged_lists(bot: Bot) -> None:
    bot.says("/voices")
    for verb in ("browse", "pick", "listen", "sample"):
        for argument in ("", "x.y", "clip./etc/passwd", "voice.x"):
            bot.presses_data(f"{verb}:11:{argument}", under=1)
    assert bot.settings().options == {} and not bot.errands()


# ---------------------------------------------------------------- presenters


def test_the_last_clip_becomes_a_presenter_and_a_script_is_enough(bot: Bot) -> None:
    file = bot.sends_clip()
    bot.says("/new")
    bot.says("/presenters")
    assert "keeps no clip yet" in bot.sees()
    bot.taps("Save the last clip")
    assert bot.sees() == "✏️ Write a name for the presenter."
    bot.says("  安娜 \u202e /etc/passwd\n")
    assert "kept as 安娜 /etc/passwd" in bot.sees()
    assert bot.settings().presenter == "安娜 /etc/passwd"
    bot.says("Good morning.")
    assert "presenter 安娜 /etc/passwd" in bot.sees()
    with bot.ledger.look() as turn:
        (kept,) = turn.files.presenters(ANNA.id)
    assert kept.file_id == file


def keeps(bot: Bot, *names: str, where: Where = PRIVATE) -> None:
    file = bot.sends_clip(where=where)
    with bot.ledger.turn() as turn:
        for name in names:
            turn.files.keep(where.chat_id, name, file)


def test_choosing_and_not_choosing(bot: Bot) -> None:
    keeps(bot, "Anna", "Berta")
    bot.says("/presenters")
    bot.taps("Berta")
    assert bot.settings().presenter == "Berta" and "✓ Berta" in bot.labels()
    bot.taps("✓ Berta")
    assert bot.settings().presenter is None


def test_removing_asks_first(bot: Bot) -> None:
    keeps(bot, "Anna", "Berta")
    bot.says("/presenters")
    bot.taps("Anna")
    bot.taps("🗑")
    assert "Is Anna to be removed?" in bot.sees()
    bot.taps("Back")
    assert "✓ Anna" in bot.labels()
    bot.taps("🗑")
    assert bot.taps("Remove") == "Anna is removed."
    assert bot.settings().presenter is None and "Berta" in bot.labels() and "Anna" not in bot.labels()


def test_a_name_that_is_too_long_is_asked_for_again(bot: Bot) -> None:
    bot.sends_clip()
    bot.says("/presenters")
    bot.taps("Save the last clip")
    bot.says("x" * 41)
    assert "40 characters at most" in bot.sees()
    bot.says("x" * 40)
    assert "kept as" in bot.sees()


def test_no_clip_no_presenter(bot: Bot) -> None:
    bot.says("/presenters")
    assert "have not sent a clip" in bot.taps("Save the last clip")
    bot.says(attached=video())
    assert "still being fetched" in bot.taps("Save the last clip")
    with bot.ledger.turn() as turn:
        draft = turn.drafts.latest(ANNA.id)
        assert draft is not None
        file = turn.files.get(draft.contents["clip"])
        assert file is not None
        file.state = FileState.REFUSED
    assert "have not sent a clip" in bot.taps("Save the last clip")


def test_in_a_group_nobody_saves_or_removes_by_another_ones_button(bot: Bot) -> None:
    keeps(bot, "Anna", where=GROUP)
    bot.says("/presenters", where=GROUP)
    for label in ("Anna", "🗑", "Save"):
        assert "只有发起的人" in bot.taps(label, by=BO, where=GROUP)
    bot.says("/presenters", by=BO, where=GROUP)
    assert "还没有在这里发过片段" in bot.taps("存为主播", by=BO, where=GROUP)


# ---------------------------------------------------------------- settings


def test_settings_shows_everything_and_leads_there(bot: Bot) -> None:
    bot.says("/settings")
    labels = " ".join(bot.labels())
    for part in ("as your Telegram", "once: off", "Presenter: none", "usual", "clean", "headline", "25%"):
        assert part in labels
    bot.taps("Start at once")
    assert bot.settings().start_at_once and "⚡ Start at once: on" in bot.labels()
    for label, head in (("🗣", "Voices"), ("🎬", "Presenters"), ("🔉", "Volume"), ("🌍", "Spoken language")):
        bot.taps(label)
        assert head in bot.sees()
        bot.taps("⚙️ Settings")
        assert "Settings of this chat" in bot.sees()


def test_the_volume(bot: Bot) -> None:
    bot.says("/settings")
    bot.taps("25%")
    bot.taps("60%")
    assert bot.settings().options == {"music_volume": 0.6} and "✓ 60%" in bot.labels()


def test_the_bot_speaks_as_it_is_told(bot: Bot) -> None:
    bot.says("/settings")
    bot.taps("My words")
    bot.taps("中文")
    assert "本聊天的设置" in bot.sees() and bot.settings().language == "zh"
    bot.says("/help")
    assert "可以发什么" in bot.sees()
    bot.says("/settings")
    bot.taps("界面语言")
    bot.taps("跟随 Telegram")
    assert "Settings of this chat" in bot.sees() and bot.settings().language is None


def test_settings_of_a_group_by_another_member(bot: Bot) -> None:
    bot.says("/settings", where=GROUP)
    assert "只有发起的人" in bot.taps("Start at once", by=BO, where=GROUP)
    bot.presses_data("settings:11:language.fr", under=1, where=GROUP)
    assert bot.settings(GROUP).language is None and not bot.settings(GROUP).start_at_once
