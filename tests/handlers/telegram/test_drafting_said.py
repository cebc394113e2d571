"""What people send becomes a part of the right video."""

from __future__ import annotations

import pytest

from daemon.chats import DraftState, FileState, MessageState
from handlers.telegram.drafting.drafting import again
from handlers.telegram.drafting.showing import show
from handlers.telegram.incoming import Attachment, Said
from handlers.telegram.talk import Talk
from models.errors import BadInput
from tests.handlers.telegram.drafting_kit import (
    Chatting,
    chat,
    chatting,
    contents,
    drafts,
    file_of,
    keeps_presenter,
    looks,
)
from tests.handlers.telegram.talking import (
    ANNA,
    BO,
    GROUP,
    PRIVATE,
    Conversation,
    document,
    photo,
    video,
    voice,
)

__all__ = ["chat", "chatting"]

LONG = "Many words of a long script. " * 130  # 3770 characters: a client would have cut here


@pytest.mark.parametrize("kind", ["video", "video_note", "animation", "photo"])
def test_a_clip_with_the_script_as_its_caption(chat: Conversation, kind: str) -> None:
    sent = chat.says("Good morning.", attached=video(kind=kind))  # type: ignore[arg-type]
    made = contents(chat)
    assert made.complete and made.text == "Good morning." and made.reply_to == sent
    assert file_of(chat, made.clip).role == "clip"
    assert chat.errands() == [f"fetch:{made.clip}", f"examine:{drafts(chat)[0].id}"]
    assert "[▶ Start]" in chat.sees()


def test_clip_then_script(chat: Conversation) -> None:
    chat.says(attached=video())
    assert "Now send the script" in chat.sees() and "Start" not in chat.sees()
    chat.says("Good morning.")
    assert len(drafts(chat)) == 1 and contents(chat).complete


def test_script_then_clip_days_later_and_after_a_restart(chatting: Chatting) -> None:
    chat = chatting()
    chat.says("Good morning.")
    assert "Now send the clip" in chat.sees()
    before = chat.messages()[-1].key
    chat.close()
    chat = chatting()
    chat.passes(3 * 86400)
    chat.says(attached=photo())
    assert len(drafts(chat)) == 1 and contents(chat).complete
    # The card is not changed somewhere far above: a new one comes below the message.
    assert [row.key for row in chat.messages()] == [before + ":2"]
    assert "Good morning." in chat.sees()


def test_the_card_comes_below_what_was_sent_for_it(chat: Conversation) -> None:
    chat.says("Good morning.")
    (before,) = chat.messages()
    chat.says(attached=video())
    (card,) = chat.messages()
    assert card.key == f"{before.key}:2" and (card.message_id or 0) > (before.message_id or 0)
    chat.taps("✏️ Title")
    chat.says("News")
    (card,) = chat.messages()
    assert card.key == f"{before.key}:3" and "“News”" in chat.sees()
    chat.taps("Voice")
    assert [row.key for row in chat.messages()] == [card.key], "a press changes it where it is"


def test_a_card_that_was_not_sent_yet_is_not_sent_twice(chat: Conversation) -> None:
    chat.deliver = lambda: None  # type: ignore[method-assign]  # the network is away
    chat.says("Good morning.")
    chat.says(attached=video())
    with chat.ledger.look() as turn:
        (row,) = turn.messages.to_do()
    assert row.key == f"card:{drafts(chat)[0].id}" and "Now send" not in str(row.wanted)


def test_a_card_that_was_deleted_is_not_sent_to_say_that_it_is_dropped(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video())
    card, draft = chat.messages()[-1], drafts(chat)[0]
    with chat.ledger.turn() as turn:
        row = turn.messages.of_key(card.key)
        assert row
        row.state = MessageState.GONE
        turn.messages.put(row)
        turn.drafts.set_state(draft, DraftState.DROPPED)
        show(turn, chat.house, draft)
        assert not turn.messages.to_do()


def test_in_a_group_the_missing_part_is_to_be_an_answer(chat: Conversation) -> None:
    chat.says("Good morning.", where=GROUP)
    assert "Now send the clip" in chat.sees(GROUP) and "Answer this message with it." in chat.sees(GROUP)
    chat.says("Good morning.")
    assert "Answer this message" not in chat.sees()


@pytest.mark.parametrize("name", ["me.MP4", "me.mov", "me.jpg", "me.webp"])
def test_a_document_is_a_clip_by_its_suffix(chat: Conversation, name: str) -> None:
    chat.says("Good morning.", attached=document(name, "application/octet-stream"))
    assert contents(chat).complete


def test_a_document_is_a_clip_by_its_type(chat: Conversation) -> None:
    chat.says("Good morning.", attached=document("clip", "video/x-matroska"))
    assert contents(chat).complete


@pytest.mark.parametrize(
    "sent", [("news.TXT", ""), ("news.md", ""), ("news.srt", "video/x"), ("n", "text/plain")]
)
def test_a_text_document_is_the_script(chat: Conversation, sent: tuple[str, str]) -> None:
    chat.says(attached=video())
    chat.says(attached=document(*sent))
    made = contents(chat)
    assert made.complete and not made.script and file_of(chat, made.script_file).role == "script"
    assert f"fetch:{made.script_file}" in chat.errands()


def test_a_script_file_that_is_too_large_is_not_fetched(chat: Conversation) -> None:
    chat.says(attached=document("book.txt", size=5_000_000))
    assert "that file has 5 mb" in chat.sees().lower() and not chat.errands()


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.zip", "a"])
def test_another_document_cannot_be_used(chat: Conversation, name: str) -> None:
    chat.says("my script", attached=document(name, "application/x"))
    assert ".txt, .md or .srt" in chat.sees() and not drafts(chat)


def test_a_sticker_cannot_be_used(chat: Conversation) -> None:
    chat.says(attached=Attachment("other"))
    assert "cannot be part of a video" in chat.sees() and not drafts(chat)


def test_nothing_but_blanks_is_no_script(chat: Conversation) -> None:
    chat.says(" \n ")
    assert "no text" in chat.sees() and not drafts(chat)


# ---------------------------------------------------------------- which draft


def test_a_text_after_a_complete_draft_begins_another_and_the_older_card_stays(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.says("Two.")
    assert [contents(chat, n).text for n in (0, 1)] == ["One.", "Two."]
    assert contents(chat).clip is None
    looks(chat, number=0)
    chat.taps("Start", within=f"card:{drafts(chat)[0].id}")
    assert [draft.state for draft in drafts(chat)] == [DraftState.STARTED, DraftState.OPEN]


def test_a_text_before_the_clip_replaces_the_one_before(chat: Conversation) -> None:
    chat.says("Goood morning.")
    chat.passes(5)
    chat.says("Good morning.")
    assert len(drafts(chat)) == 1 and contents(chat).text == "Good morning."


def test_a_clip_before_the_script_replaces_the_one_before(chat: Conversation) -> None:
    chat.says(attached=video())
    first = contents(chat).clip
    chat.says(attached=video())
    assert len(drafts(chat)) == 1 and contents(chat).clip != first


def test_a_clip_after_a_complete_draft_begins_another(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.says(attached=video())
    assert len(drafts(chat)) == 2 and not contents(chat).script


def test_a_clip_with_a_caption_begins_another_though_a_clip_is_missing(chat: Conversation) -> None:
    chat.says("One.")
    chat.says("Two.", attached=video())
    assert [contents(chat, n).text for n in (0, 1)] == ["One.", "Two."]
    assert contents(chat, 0).clip is None


def test_an_answer_to_a_card_is_for_that_card(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    card = chat.messages()[-1].message_id
    chat.says("Two.")
    chat.says("One, better.", reply_to=card)
    assert [contents(chat, n).text for n in (0, 1)] == ["One, better.", "Two."]


def test_what_is_about_to_start_takes_nothing_more(chat: Conversation) -> None:
    keeps_presenter(chat)
    chat.says("One.")
    chat.taps("Start")
    assert drafts(chat)[0].state == DraftState.STARTING
    chat.says(attached=video())
    assert len(drafts(chat)) == 2 and contents(chat, 0).presenter == "Eva"


def test_in_a_group_everybody_has_their_own(chat: Conversation) -> None:
    chat.says("One.", where=GROUP)
    sent = chat.says(attached=video(), by=BO, where=GROUP)
    assert [draft.user_id for draft in drafts(chat, GROUP.chat_id)] == [ANNA.id, BO.id]
    assert chat.messages(GROUP)[-1].reply_to == sent


WRONG = BadInput("The script has no words", code="script_empty")


def test_a_text_takes_the_place_of_a_wrong_script(chat: Conversation) -> None:
    chat.says("?!", attached=video())
    looks(chat, error=WRONG)
    chat.says("Good morning.")
    assert len(drafts(chat)) == 1 and contents(chat).text == "Good morning."
    looks(chat, error=BadInput("There is no face", code="no_face"))
    chat.says("Another.")
    assert len(drafts(chat)) == 2, "it was not the script that was wrong"


def test_a_text_takes_the_place_of_that_of_an_earlier_video(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    looks(chat)
    chat.taps("Start")

    def once_more(talk: Talk, said: Said) -> None:
        draft = talk.turn.drafts.latest(PRIVATE.chat_id)
        assert draft
        again(talk, draft)

    hears, chat.hears = chat.hears, once_more
    chat.says("again")
    chat.hears = hears
    chat.says("Two.")
    assert [contents(chat, n).text for n in (0, 1)] == ["One.", "Two."] and contents(chat).complete


# ---------------------------------------------------------------- presenters, earlier clips


def test_a_script_alone_is_for_the_presenter(chat: Conversation) -> None:
    clip = keeps_presenter(chat)
    chat.says("One.")
    chat.says("Two.")
    assert [(contents(chat, n).clip, contents(chat, n).presenter) for n in (0, 1)] == [(clip, "Eva")] * 2
    assert "presenter Eva" in chat.sees()


def test_a_clip_after_a_script_takes_the_place_of_the_presenter(chat: Conversation) -> None:
    presenter = keeps_presenter(chat)
    chat.says("One.")
    chat.says(attached=video())
    made = contents(chat)
    assert len(drafts(chat)) == 1 and made.clip != presenter and made.presenter is None


def test_a_presenter_whose_file_was_cleared_away_is_fetched_again(chat: Conversation) -> None:
    clip = keeps_presenter(chat)
    with chat.ledger.turn() as turn:
        file = turn.files.get(clip)
        assert file
        turn.files.removed(file)
    chat.says("One.")
    assert file_of(chat, clip).state == FileState.WANTED and f"fetch:{clip}" in chat.errands()


def test_the_clip_of_before(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.says("Two.")
    assert "Now send the clip" in chat.sees()
    chat.taps("Same clip as before")
    assert contents(chat).complete and contents(chat).clip == contents(chat, 0).clip
    assert "Same clip" not in chat.sees()


def test_there_is_no_clip_of_before_in_a_new_chat(chat: Conversation) -> None:
    chat.says("One.")
    assert "Same clip" not in chat.sees()


# ---------------------------------------------------------------- long scripts, albums


def test_parts_of_one_long_text_are_joined(chat: Conversation) -> None:
    chat.says(attached=video())
    for _ in range(3):
        chat.says(LONG)
        chat.passes(1)
    chat.says("The end.")
    assert len(drafts(chat)) == 1 and contents(chat).text == "\n".join([LONG] * 3 + ["The end."])
    assert "11,3" in chat.sees()


def test_what_comes_later_is_no_part(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.says(LONG)
    chat.passes(60)
    chat.says("Another.")
    assert contents(chat).text == "Another."


def test_a_short_text_is_not_continued(chat: Conversation) -> None:
    chat.says("One.", attached=video())
    chat.says("Two.")
    assert contents(chat, 0).text == "One."


def test_a_script_that_is_too_long_is_told_once_and_never_made_in_part(chat: Conversation) -> None:
    chat.says(attached=video())
    for _ in range(20):
        chat.says(LONG)
    chat.says("The end.")
    (told,) = [line for line in chat.sees_all().splitlines() if "at most 20,000 are allowed" in line]
    characters = 20 * (len(LONG) + 1) + len("The end.")
    assert f"{characters:,} characters" in told and len(drafts(chat)) == 1 and "Start" not in chat.sees()
    assert 20_000 < len(contents(chat).text) < 45_000, "not all of it is kept"
    chat.says("Short.")
    assert len(drafts(chat)) == 1 and contents(chat).text == "Short." and "Start" in chat.sees()


def test_the_rest_of_a_first_part_that_is_too_long_is_no_script(chatting: Chatting) -> None:
    chat = chatting(config={"limits": {"script_chars": 1000}})
    chat.says(LONG)
    chat.says("The end.")
    assert len(drafts(chat)) == 1 and len(chat.messages()) == 1
    assert f"{len(LONG) + 9:,} characters, and at most 1,000" in chat.sees()


def test_one_text_that_is_too_long(chatting: Chatting) -> None:
    chat = chatting(config={"limits": {"script_chars": 10}})
    chat.says("Good morning.")
    assert "13 characters, and at most 10" in chat.sees() and not drafts(chat)
    chat.says("---\nvoice: deep\n---\nGood.")  # only the door can say what of it is spoken
    assert len(drafts(chat)) == 1


def test_the_first_clip_of_an_album_counts(chat: Conversation) -> None:
    chat.says("Good morning.", attached=video(), album="77")
    clip = contents(chat).clip
    chat.says(attached=video(), album="77")
    chat.says(attached=photo(), album="77")
    assert len(drafts(chat)) == 1 and contents(chat).clip == clip
    assert chat.sees_all().count("the first of the album is taken") == 1


def test_a_caption_further_on_in_an_album_is_the_script(chat: Conversation) -> None:
    chat.says(attached=video(), album="77")
    chat.says("Good morning.", attached=video(), album="77")
    assert len(drafts(chat)) == 1 and contents(chat).complete


def test_an_album_of_files_can_be_script_and_clip(chat: Conversation) -> None:
    chat.says(attached=document("news.txt"), album="77")
    chat.says(attached=document("me.mp4"), album="77")
    assert len(drafts(chat)) == 1 and contents(chat).complete and "album" not in chat.sees_all()


# ---------------------------------------------------------------- too large


def test_a_large_clip_is_told_before_it_is_fetched_and_its_caption_is_kept(chatting: Chatting) -> None:
    chat = chatting(config={"inbox": [{"name": "news", "path": "/srv/in <box>"}]})
    chat.says("Good morning.", attached=video(size=31_400_000))
    told = chat.sees_all()
    assert "31.4 MB" in told and "20 MB" in told and "/srv/in <box>" in told and "local Bot API" in told
    assert contents(chat).text == "Good morning." and contents(chat).clip is None
    chat.says("Good morning.", attached=video())  # a smaller copy, sent in the same way
    assert len(drafts(chat)) == 1 and contents(chat).complete


def test_without_an_inbox_there_is_no_word_of_it(chat: Conversation) -> None:
    chat.says(attached=video(size=20_000_001))
    assert "“Send it to a bot”" in chat.sees(), "the name of the section"
    assert "folder" not in chat.sees() and "local Bot API" in chat.sees() and not drafts(chat)
    chat.says(attached=video(size=20_000_000))
    assert len(drafts(chat)) == 1


# ---------------------------------------------------------------- recordings


@pytest.mark.parametrize("sent", [voice(), document("say.mp3"), document("x", "audio/flac")])
def test_a_recording_is_asked_about(chat: Conversation, sent: Attachment) -> None:
    chat.says(attached=video())
    chat.says(attached=sent)
    assert contents(chat).sound and not contents(chat).speech
    assert chat.labels() == ["🎙 It is the speech", "💾 Keep it as a voice", "Ignore it"]
    chat.taps("It is the speech")
    made = contents(chat)
    assert made.complete and made.sound is None and file_of(chat, made.speech).role == "speech"
    assert "[▶ Start]" in chat.sees() and "Listen: voice" not in chat.sees()


def test_a_text_beside_a_recording_is_its_script(chat: Conversation) -> None:
    chat.says(attached=video())
    chat.says(attached=voice())
    chat.taps("It is the speech")
    chat.says("What is said.")
    assert len(drafts(chat)) == 1 and contents(chat).text == "What is said." and contents(chat).speech
    chat.taps("Not the recording")
    assert contents(chat).speech is None


def test_a_recording_alone_is_for_the_presenter(chat: Conversation) -> None:
    keeps_presenter(chat)
    chat.says(attached=voice())
    assert contents(chat).clip is None
    chat.taps("It is the speech")
    assert contents(chat).presenter == "Eva" and contents(chat).complete


def test_a_recording_that_is_ignored_leaves_nothing(chat: Conversation) -> None:
    chat.says(attached=voice())
    chat.taps("Ignore")
    assert drafts(chat)[0].state == DraftState.DROPPED and not chat.messages()


def test_a_recording_is_ignored_and_the_rest_stays(chat: Conversation) -> None:
    chat.says("Good morning.")
    chat.says(attached=voice())
    chat.taps("Ignore")
    assert contents(chat).sound is None and "Good morning." in chat.sees()
