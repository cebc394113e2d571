"""From a draft to a job: looked at, drawn, started once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.chats import DraftState
from daemon.jobs import JobRow
from handlers.telegram.buttons import press
from handlers.telegram.choices import Choices
from handlers.telegram.draft import JOIN_S
from handlers.telegram.drafting.drafting import again, examined
from handlers.telegram.drafting.start import start
from handlers.telegram.errands.fetch import refused
from handlers.telegram.incoming import Said
from handlers.telegram.store.jobs import SOURCE
from handlers.telegram.talk import Talk
from models.errors import BadInput
from tests.handlers.telegram.drafting_kit import (
    Chatting,
    chat,
    chatting,
    contents,
    drafts,
    draws,
    found,
    keeps_presenter,
    looks,
    settles,
)
from tests.handlers.telegram.talking import BO, PRIVATE, Conversation, video, voice

__all__ = ["chat", "chatting"]

NO_FACE = BadInput("There is no face in the clip", code="no_face")


def jobs(chat: Conversation) -> list[JobRow]:
    return [chat.queue.get(row.id) for row in chat.queue.list()]


def test_start(chat: Conversation) -> None:
    sent = chat.says("Good morning.", attached=video())
    looks(chat)
    assert chat.taps("Start") == "It is in the queue."
    (job,) = jobs(chat)
    draft = drafts(chat)[0]
    assert (job.source, job.idempotency_key, job.spec["script"]) == (
        SOURCE,
        f"telegram:{draft.id}",
        "Good morning.",
    )
    assert (draft.state, draft.job_id) == (DraftState.STARTED, job.id)
    with chat.ledger.look() as turn:
        link = turn.jobs.get(job.id)
    assert link and (link.chat_id, link.reply_to, link.language, link.draft_id) == (11, sent, "en", draft.id)
    assert chat.changed == [job.id]
    assert chat.sees().startswith("🎬 Ordered\nGood morning.\nVoice: usual (espeak) · ") and not chat.labels()
    assert "characters" not in chat.sees() and "Clip" not in chat.sees()


def test_start_waits_until_it_has_been_looked_at(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    assert "as soon as" in chat.taps("Start")
    assert not jobs(chat) and "as soon as" in chat.sees() and "Start" not in chat.sees()
    looks(chat)
    assert len(jobs(chat)) == 1 and chat.changed == [jobs(chat)[0].id] and "Ordered" in chat.sees()


def test_a_change_after_start_is_in_the_job(chat: Conversation) -> None:
    sent = chat.says("Goood morning.", attached=video())
    old = found(chat, drafts(chat)[0])
    chat.taps("Start")
    chat.says("Good morning.", edits=sent)
    with chat.ledger.turn() as turn:
        draft = turn.drafts.get(drafts(chat)[0].id)
        assert draft
        examined(turn, chat.house, draft, old)  # the door was just looking at it
    assert not jobs(chat)
    looks(chat)
    assert jobs(chat)[0].spec["script"] == "Good morning."


def test_start_waits_for_a_look_at_what_has_changed(chat: Conversation) -> None:
    sent = chat.says("Goood morning.", attached=video())
    looks(chat)
    chat.says("Good morning.", edits=sent)
    assert "as soon as" in chat.taps("Start") and not jobs(chat)


def test_what_was_wrong_with_older_contents_stops_nothing(chat: Conversation) -> None:
    sent = chat.says("Goood morning.", attached=video())
    old = found(chat, drafts(chat)[0], NO_FACE)
    chat.taps("Start")
    chat.says("Good morning.", edits=sent)
    with chat.ledger.turn() as turn:
        draft = turn.drafts.get(drafts(chat)[0].id)
        assert draft
        examined(turn, chat.house, draft, old)
    assert drafts(chat)[0].state == DraftState.STARTING


def test_starting_twice_makes_one_job(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    looks(chat)
    for _ in range(2):
        with chat.ledger.turn() as turn:
            draft = turn.drafts.get(drafts(chat)[0].id)
            assert draft
            start(turn, chat.house, draft)
    assert len(jobs(chat)) == 1 and len(chat.changed) == 1


def test_what_is_wrong_is_on_the_card_and_nothing_starts(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("Start")
    looks(chat, error=NO_FACE)
    assert not jobs(chat) and drafts(chat)[0].state == DraftState.OPEN
    assert "no face" in chat.sees() and "Good morning." in chat.sees()
    assert "▶ Start" not in chat.labels()
    card = chat.messages()[-1].message_id
    assert card and "no face" in chat.presses_data(press("d.start", drafts(chat)[0].id), under=card)
    assert not jobs(chat)
    chat.runs_errands()
    chat.taps("Check again")  # perhaps it is right by now
    assert f"examine:{drafts(chat)[0].id}" in chat.errands() and "looked at" in chat.sees()
    looks(chat)
    chat.taps("Start")
    assert len(jobs(chat)) == 1


def test_a_file_that_was_given_up_is_fetched_when_it_is_checked_again(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    clip = contents(chat).clip
    with chat.ledger.turn() as turn:
        file = turn.files.get(clip or "")
        assert file
        turn.files.refuse(file, BadInput("The disk is full", code="disk_full"))
    chat.runs_errands()
    card = chat.messages()[-1].message_id
    assert card and "full" in chat.presses_data(press("d.start", drafts(chat)[0].id), under=card)
    chat.taps("Check again")
    assert f"fetch:{clip}" in chat.errands() and "full" not in chat.sees()


def test_while_a_file_is_away_start_goes_on_waiting(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("Start")
    with chat.ledger.turn() as turn:
        draft = turn.drafts.get(drafts(chat)[0].id)
        assert draft
        examined(turn, chat.house, draft, replace(found(chat, draft), spec=None))
    assert drafts(chat)[0].state == DraftState.STARTING


def test_pressing_twice_or_on_an_old_card_starts_nothing_twice(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    card, draft = chat.messages()[-1].message_id, drafts(chat)[0].id
    assert card
    chat.taps("Start")
    assert "as soon as" in chat.presses_data(press("d.start", draft), under=card)
    looks(chat)
    for verb in ("d.start", "d.set", "d.drop", "d.ask"):
        toast = chat.presses_data(press(verb, draft, "title."), under=card)
        assert toast == "This video is being made already."
    assert len(jobs(chat)) == 1 and drafts(chat)[0].state == DraftState.STARTED


def test_a_draft_that_misses_something_is_not_started(chat: Conversation) -> None:
    chat.says("Good morning.")
    card = chat.messages()[-1].message_id
    assert card
    assert "missing" in chat.presses_data(press("d.start", drafts(chat)[0].id), under=card)
    assert drafts(chat)[0].state == DraftState.OPEN


def test_a_finding_of_another_version_of_vigentd_is_looked_for_again(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    looks(chat, sparkle=3)
    chat.runs_errands()
    chat.taps("Start")
    assert not jobs(chat) and chat.errands() == [f"examine:{drafts(chat)[0].id}"]


def test_choices_are_remembered_when_it_starts(chat: Conversation) -> None:
    settles(chat, options={"music": "calm", "voice": "cmn"})
    chat.says("One.", attached=video())
    chat.taps("Voice")
    chat.taps("en_GB")
    chat.taps("✏️ Title")
    chat.says("Today")
    looks(chat)
    chat.says("Two.", attached=video())
    assert "Voice: cmn" in chat.sees(last=1)  # the other is not started yet
    chat.taps("Start", within=f"card:{drafts(chat)[0].id}:2")
    with chat.ledger.look() as turn:
        assert turn.people.settings(PRIVATE.chat_id).options == {"music": "calm", "voice": "en_GB"}
    chat.says("Three.", attached=video())
    assert "Voice: en_GB" in chat.sees() and "Music: calm" in chat.sees() and "Today" not in chat.sees()


# ---------------------------------------------------------------- at once


def test_start_at_once(chat: Conversation) -> None:
    settles(chat, start_at_once=True)
    chat.says("Good morning.", attached=video())
    assert not jobs(chat)
    looks(chat)
    assert len(jobs(chat)) == 1 and "Ordered" in chat.sees()


@pytest.mark.parametrize("wrong", [True, False])
def test_what_is_wrong_or_not_decided_does_not_start_at_once(chat: Conversation, wrong: bool) -> None:
    settles(chat, start_at_once=True)
    chat.says("Good morning.", attached=video())
    if not wrong:
        chat.says(attached=voice())
    looks(chat, error=NO_FACE if wrong else None)
    assert not jobs(chat)


def test_at_once_waits_for_the_rest_of_a_long_text(chat: Conversation) -> None:
    settles(chat, start_at_once=True)
    chat.says(attached=video())
    chat.says("x" * 4000)
    begun = chat.now
    chat.runs_errands()
    looks(chat)
    assert not jobs(chat)
    with chat.ledger.look() as turn:
        (due,) = [e.due_at for e in turn.errands.to_do() if e.kind == "examine"]
    assert due and dt.datetime.fromisoformat(due) - begun == pytest.approx(
        dt.timedelta(seconds=JOIN_S), abs=dt.timedelta(seconds=1)
    )
    chat.passes(1)
    chat.says("The end.")
    looks(chat)  # the last part was not cut: nothing can follow
    assert jobs(chat)[0].spec["script"].endswith("The end.")


def test_at_once_starts_when_nothing_followed(chat: Conversation) -> None:
    settles(chat, start_at_once=True)
    chat.says("x" * 4000, attached=None)
    chat.says(attached=video())
    chat.passes(JOIN_S)
    looks(chat)
    assert len(jobs(chat)) == 1


# ---------------------------------------------------------------- the picture


def test_the_picture_is_drawn_once_all_is_right_and_again_when_it_would_change(chat: Conversation) -> None:
    def wanted() -> bool:
        return f"preview:{drafts(chat)[0].id}" in [errand.key for errand in chat.runs_errands()]

    chat.says("Good morning.", attached=video())
    looks(chat, error=NO_FACE)
    assert not wanted()
    before = chat.messages()[-1].version
    looks(chat)
    assert wanted() and chat.messages()[-1].version == before, "it waits for the picture"
    draws(chat, "/previews/1.jpg")
    assert chat.sees().startswith("(photo 1.jpg) ")
    chat.taps("Voice")
    chat.taps("en_GB")
    looks(chat)
    assert not wanted() and chat.sees().startswith("(photo 1.jpg) ")
    chat.taps("Subtitles")
    chat.taps("karaoke")
    looks(chat)
    assert wanted() and chat.sees().startswith("(photo 1.jpg) ")  # until the new one is there
    draws(chat, "/previews/2.jpg")
    assert chat.sees().startswith("(photo 2.jpg) ")


def test_a_picture_of_older_contents_is_not_shown(chat: Conversation) -> None:
    sent = chat.says("Good morning.", attached=video())
    looks(chat)
    chat.says("Good evening.", edits=sent)
    looks(chat)
    draws(chat, "/previews/1.jpg", version=1)
    assert "photo" not in chat.sees()


def test_a_picture_that_could_not_be_drawn_can_be_asked_for(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    looks(chat)
    assert "Preview" not in chat.sees()
    chat.runs_errands()
    draws(chat, None)
    chat.taps("Preview")
    assert chat.errands() == [f"preview:{drafts(chat)[0].id}"]


def test_a_list_that_is_open_stays_open_when_the_picture_comes(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("Voice")
    looks(chat)
    draws(chat, "/previews/1.jpg")
    assert "en_US" in chat.labels() and "about 9 s" in chat.sees()
    chat.taps("Back")
    assert "🗣 Voice" in chat.labels()


def test_a_list_that_is_open_stays_open_when_the_clip_has_come_or_will_not(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    chat.taps("Voice")
    with chat.ledger.turn() as turn:
        clip = contents(chat).clip
        assert clip is not None
        refused(turn, chat.house, clip, NO_FACE)
    chat.deliver()
    assert "en_US" in chat.labels() and "There is no face in the clip" in chat.sees()


def test_there_is_nothing_to_choose_from_before_the_door_has_told_what(chatting: Chatting) -> None:
    chat = chatting(choices=Choices)
    chat.says("Good morning.", attached=video())
    assert chat.taps("Voice") == "It is being looked at."
    assert "🗣 Voice" in chat.labels()


def test_the_picture_of_a_started_one_changes_nothing(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    looks(chat)
    chat.taps("Start")
    draws(chat, "/previews/1.jpg")
    assert "photo" not in chat.sees()


# ---------------------------------------------------------------- again


def test_again_begins_with_what_that_video_had(chatting: Chatting, tmp_path: Path) -> None:
    def hears(talk: Talk, said: Said) -> None:
        draft = talk.turn.drafts.latest(PRIVATE.chat_id)
        assert draft
        again(talk, draft)

    chat = chatting()
    clip = keeps_presenter(chat, options={"voice": "cmn"})
    first = chat.says("Good morning.")
    looks(chat, voice="cmn", title="From its head")
    chat.taps("Start")
    settles(chat, options={"voice": "en_US", "music": "calm"})
    chat.hears = hears
    chat.says("again", by=BO)
    _, new = drafts(chat)
    assert (new.state, new.user_id) == (DraftState.OPEN, BO.id)
    made = contents(chat)
    assert (made.text, made.clip, made.reply_to) == ("Good morning.", clip, first)
    assert made.options["voice"] == "cmn" and made.options["music"] == "none" and "title" not in made.options
    looks(chat)
    chat.taps("开始", by=BO)
    assert len(jobs(chat)) == 2


# ---------------------------------------------------------------- few edits, and nothing jumps


def test_a_choice_changes_the_card_once_and_keeps_what_is_known(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    looks(chat)
    draws(chat, "/previews/1.jpg")
    before = chat.messages()[-1].version
    chat.taps("Voice")
    chat.taps("en_GB")
    assert "about 9 s" in chat.sees() and "1080×1920" in chat.sees() and "looked at" not in chat.sees()
    looks(chat)
    assert chat.messages()[-1].version == before + 2, "the list, and the choice"
    chat.taps("Subtitles")
    chat.taps("karaoke")
    looks(chat)
    draws(chat, "/previews/2.jpg")
    assert chat.messages()[-1].version == before + 5, "and the picture"


def test_other_words_are_not_shown_with_the_length_of_the_old_ones(chat: Conversation) -> None:
    sent = chat.says("Good morning.", attached=video())
    looks(chat)
    chat.says("Good evening, everybody.", edits=sent)
    assert "about" not in chat.sees() and "1080×1920" in chat.sees() and "looked at" in chat.sees()


def test_an_error_keeps_what_is_known_of_the_clip(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    looks(chat)
    chat.taps("Voice")
    chat.taps("en_GB")
    looks(chat, error=BadInput("No room", code="disk_low"))
    assert "1080×1920" in chat.sees() and "about 9 s" in chat.sees() and "disk is nearly full" in chat.sees()


def test_the_options_of_the_head_are_on_the_card_before_there_is_a_clip(chat: Conversation) -> None:
    chat.says("---\ntitle: News\n---\nGood morning.")
    options = {"title": "News", "voice": "cmn", "publish": ["youtube"], "publish_at": "2026-11-24T08:00:00Z"}
    with chat.ledger.turn() as turn:
        draft = turn.drafts.latest(PRIVATE.chat_id)
        assert draft
        usual = chat.house.config.defaults.model_dump(mode="json")
        head = replace(found(chat, draft), script="Good morning.", options=usual | options)
        examined(turn, chat.house, draft, head)
    chat.deliver()
    assert "“News”" in chat.sees() and "Voice: cmn" in chat.sees()
    assert "Publish to: youtube" in chat.sees() and "Publish at: 2026-11-24" in chat.sees()
    chat.taps("Voice")
    chat.taps("en_GB")
    assert "Voice: en_GB" in chat.sees() and "“News”" in chat.sees(), "the card counts more"
