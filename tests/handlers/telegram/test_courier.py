"""The courier against a real server: whatever goes wrong, the chat shows what is wanted, once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import ChatJob, ChatMessage, MessageState
from handlers.telegram.buttons import Press
from handlers.telegram.content import Content, Rank
from handlers.telegram.courier import books, question
from handlers.telegram.courier.outcome import NoThread
from handlers.telegram.incoming import Where, Who
from handlers.telegram.talk import Talk
from tests.handlers.telegram.botapi import BotApi, Fault, Message, Person
from tests.handlers.telegram.botapi_kit import picture
from tests.handlers.telegram.courier_kit import TICK_S, Office, Time, button

ANNA = 7
JOB = "260101-000000-0000"
RESULT = f"result:{JOB}:0"
ARRIVED = "arrived:1:"  # the first message of all is the one that is asked about


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture(autouse=True)
def anna(api: BotApi) -> Person:
    return api.person(ANNA, "Anna")


@pytest.fixture
def office(tmp_path: Path, api: BotApi) -> Iterator[Office]:
    with Office(tmp_path / "data", api) as office:
        yield office


@pytest.fixture
def hasty(tmp_path: Path, api: BotApi) -> Iterator[Office]:
    """Its clock runs twenty times as fast as ours: pauses are short."""
    with Office(tmp_path / "data", api, times=Time(20.0)) as office:
        yield office


@pytest.fixture
def video(tmp_path: Path) -> Content:
    """Bytes that call themselves a video: the server does not look into it."""
    file = tmp_path / "video.mp4"
    file.write_bytes(b"\0" * 300_000)
    return Content(
        "Here it is", button("Files", f"files:{JOB}"), "video", file, "Good morning.mp4", {"duration": 12}
    )


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "preview.jpg"
    file.write_bytes(picture())
    return file


def words(api: BotApi) -> list[str]:
    return [m.words for m in api.chat(ANNA).from_bot]


def until_words(api: BotApi, *wanted: str) -> list[Message]:
    def look(messages: list[Message]) -> list[Message]:
        found = [m for m in messages if m.from_bot]
        return found if [m.words for m in found] == list(wanted) else []

    return api.chat(ANNA).wait_for(look)


def videos(api: BotApi) -> list[Message]:
    return [m for m in api.chat(ANNA).everything if m.kind == "video"]


def want_result(office: Office, video: Content) -> None:
    """As the errand that delivers one does."""
    with office.ledger.turn() as turn:
        turn.jobs.link(ChatJob(job_id=JOB, chat_id=ANNA, user_id=ANNA, draft_id="D", language="en"))
    office.want(RESULT, video, rank=Rank.RESULT, repeatable=False)


def press(office: Office, under: Message, data: str, who: int = ANNA) -> Talk:
    """As the dispatcher hands it on."""
    _, about, argument = data.split(":")
    with office.ledger.turn() as turn:
        talk = Talk(turn, office.house, Who(who, "Somebody"), Where(ANNA), "en", False, 1, under.id)
        question.arrived(talk, Press("arrived", about, argument))
    office.nudge()
    return talk


def is_up_to_date(row: ChatMessage) -> bool:
    return row.shown == row.version


def the_question(api: BotApi, but: Message | None = None) -> Message:
    def look(messages: list[Message]) -> Message | None:
        return next((m for m in messages if "Is it here" in m.words and m is not but), None)

    return api.chat(ANNA).wait_for(look)


# ---------------------------------------------------------------- all is well


def test_messages_come_in_order_as_answers_and_with_buttons(
    office: Office, api: BotApi, anna: Person
) -> None:
    asked = anna.send_text("a script")
    with office.courier():
        for n in range(3):
            office.want(f"m{n}", Content(f"<b>{n}</b>", button("Go", f"go:{n}")), reply_to=asked.id)
        messages = until_words(api, "0", "1", "2")
    last = messages[-1]
    assert (last.reply_to, last.buttons[0][0].data) == (asked.id, "go:2")
    assert "is_disabled" in str(last.others["link_preview_options"])
    row = office.row("m2")
    assert (row.state, row.message_id, row.shown, row.kind) == ("shown", last.id, 1, "text")


def test_of_many_changes_only_the_last_is_told(office: Office, api: BotApi) -> None:
    office.want("card", "0")
    with office.courier():
        until_words(api, "0")
        api.faults.add(Fault("editMessageText", "late", seconds=0.2))
        for n in range(1, 30):
            office.want("card", str(n))
        until_words(api, "29")
        office.until("card", is_up_to_date)
    assert len(api.calls.of("editMessageText")) <= 3


def test_what_changed_while_it_was_being_sent_is_edited_afterwards(office: Office, api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "late", seconds=0.3))
    with office.courier():
        office.want("card", "old")
        until_words(api, "old")
        office.want("card", "new")  # its number is not known yet
        until_words(api, "new")
        assert office.until("card", lambda row: row.shown == 2).state == MessageState.SHOWN
    assert len(api.calls.of("sendMessage")) == 1


def test_a_video_is_sent_as_one_and_holds_up_no_words(
    office: Office, api: BotApi, tmp_path: Path, photo: Path
) -> None:
    file = tmp_path / "long.mp4"
    file.write_bytes(b"\0" * 3_000_000)
    facts = {"duration": 12, "width": 640, "height": 360, "thumbnail": str(photo), "cover": str(photo)}
    api.faults.add(Fault("sendVideo", "slow", seconds=0.5))
    with office.courier():
        office.want(
            RESULT,
            Content("Here", kind="video", file=file, name="Good morning.mp4", facts=facts),
            rank=Rank.RESULT,
        )
        office.want("answer", "At once")
        until_words(api, "At once")
        until_words(api, "At once", "Here")
    media = videos(api)[0].media
    assert media is not None and media.thumbnail is not None and media.cover is not None
    assert (media.duration, media.width, media.height, media.supports_streaming) == (12, 640, 360, True)
    assert (media.file.name, media.file.size) == ("Good morning.mp4", 3_000_000)


def test_two_uploads_at_a_time(office: Office, api: BotApi, tmp_path: Path) -> None:
    file = tmp_path / "long.mp4"
    file.write_bytes(b"\0" * 1_100_000)
    for chat_id in range(1, 6):
        api.person(chat_id, f"P{chat_id}")
        office.want(f"r{chat_id}", Content("", kind="video", file=file), chat_id=chat_id, rank=Rank.RESULT)
    api.faults.add(Fault("sendVideo", "late", times=5, seconds=0.15))
    with office.courier() as courier:
        api.wait_for(lambda: len(api.calls.of("sendVideo")) >= 2)
        assert sum(lane.uploads for lane in courier._under_way) <= 2
        api.wait_for(lambda: len(api.calls.of("sendVideo")) == 5)
        office.until_state("r5", "shown")
    began = sorted(call.at for call in api.calls.of("sendVideo"))
    assert began[4] - began[0] > 0.25, "the third waited for the first"


def test_in_local_mode_the_server_takes_the_file_itself(tmp_path: Path) -> None:
    file = tmp_path / "result.mp4"
    file.write_bytes(b"\0" * 2_000_000)
    with BotApi(local_mode=True) as api, Office(tmp_path / "data", api) as office:
        api.person(ANNA, "Anna")
        office.want("r", Content("Here", kind="video", file=file, name="Good morning.mp4"), rank=Rank.RESULT)
        with office.courier():
            until_words(api, "Here")
    call = api.calls.of("sendVideo")[0]
    assert call.size < 5000 and call.params["video"] == file.as_uri()


def test_deleted_and_never_sent_at_all(office: Office, api: BotApi) -> None:
    office.want("m", "Hello")
    office.want("late", "Too late")
    office.remove("late")
    with office.courier():
        until_words(api, "Hello")
        office.until_state("m", "shown")
        office.remove("m")
        office.until_state("m", "gone")
        office.until_state("late", "gone")
    assert words(api) == [] and len(api.calls.of("sendMessage")) == 1


def test_deleting_what_somebody_has_deleted_is_done(office: Office, api: BotApi, anna: Person) -> None:
    office.want("m", "Hello")
    with office.courier():
        message = until_words(api, "Hello")[0]
        office.until_state("m", "shown")
        anna.delete(message)
        office.remove("m")
        office.until_state("m", "gone")


# ---------------------------------------------------------------- cards


def test_a_card_gets_a_picture_another_one_other_words_and_loses_it(
    office: Office, api: BotApi, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(picture(80, 60))
    with office.courier():
        office.want("card", "words")
        first = until_words(api, "words")[0]
        office.want("card", Content("picture", button("Go", "go"), "photo", photo))
        until_words(api, "picture")
        assert (first.kind, first.deleted) == ("photo", False)
        office.want("card", Content("same picture", (), "photo", photo))
        until_words(api, "same picture")
        office.until("card", is_up_to_date)
        assert [c.method for c in api.calls][-1] == "editMessageCaption"
        office.want("card", Content("other picture", (), "photo", other))
        until_words(api, "other picture")
        office.until("card", is_up_to_date)
        assert [c.method for c in api.calls][-1] == "editMessageMedia"
        office.want("card", "words again")
        last = until_words(api, "words again")[-1]
        assert first.deleted and last.kind == "text"
        assert office.until_state("card", "shown").message_id == last.id


def test_after_a_restart_buttons_change_and_the_video_is_not_sent_again(
    office: Office, api: BotApi, video: Content
) -> None:
    want_result(office, video)
    with office.courier():
        office.until_state(RESULT, "shown")
    with office.courier():
        office.want(RESULT, Content("Published", (), "video", video.file), rank=Rank.RESULT)
        until_words(api, "Published")
        office.until(RESULT, is_up_to_date)
    assert len(videos(api)) == 1
    assert [c.method for c in api.calls] == ["sendVideo", "editMessageCaption"]


def test_a_picture_that_telegram_refuses_is_left_away(hasty: Office, api: BotApi, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with hasty.courier():
        hasty.want("card", Content("words", button("Start", "start"), "photo", broken))
        message = until_words(api, "words")[0]
        assert (message.kind, message.buttons[0][0].text) == ("text", "Start")
        hasty.want("other", Content("gone", (), "photo", tmp_path / "nowhere.jpg"))
        until_words(api, "words", "gone")


def test_a_lost_answer_to_a_deletion_does_not_cost_the_message(
    hasty: Office, api: BotApi, photo: Path
) -> None:
    """A picture cannot become words: it is deleted, and they are sent. The second time it is not there to be
    deleted."""
    api.faults.add(Fault("deleteMessage", "drop_after"))
    with hasty.courier():
        hasty.want("card", Content("picture", (), "photo", photo), rank=Rank.NOTICE)
        until_words(api, "picture")
        hasty.want("card", "words", rank=Rank.NOTICE)
        until_words(api, "words")


def test_an_edit_whose_answer_was_lost_does_not_leave_the_card_behind(
    hasty: Office, api: BotApi, photo: Path
) -> None:
    """It shows a picture, and we think that it shows words."""
    with hasty.courier():
        hasty.want("card", "words")
        until_words(api, "words")
        api.faults.add(Fault("editMessageMedia", "drop_after"))
        hasty.want("card", Content("picture", (), "photo", photo))
        until_words(api, "picture")
        hasty.want("card", "words again")
        until_words(api, "words again")
        hasty.until("card", lambda row: row.shown == row.version and row.kind == "text")
    assert len(words(api)) == 1


def test_the_answer_to_a_press_is_seen_though_the_message_was_deleted(
    office: Office, api: BotApi, anna: Person
) -> None:
    with office.courier():
        for key, rank in (("card", Rank.ANSWER), ("progress", Rank.PROGRESS)):
            office.want(key, key, rank=rank)
            office.until_state(key, "shown")
        for message in anna.chat.messages:
            anna.delete(message)
        office.want("progress", "50 %", rank=Rank.PROGRESS)
        office.want("card", "changed")
        until_words(api, "changed")
        office.until_state("progress", "gone")


# ---------------------------------------------------------------- trouble


def test_too_many_requests(hasty: Office, api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "too_many", retry_after=10))
    with hasty.courier():
        hasty.want("a", "a")
        hasty.until("a", lambda row: row.error is not None)
        hasty.want("b", "b")
        until_words(api, "a", "b")
    refused, sent, _ = api.calls.of("sendMessage")
    assert (sent.at - refused.at) * 20 >= 9.9


def test_after_a_restart_it_is_still_too_early(hasty: Office, api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "too_many", retry_after=10))
    with hasty.courier():
        hasty.want("a", "a")
        hasty.until("a", lambda row: row.error is not None)
    with hasty.courier():
        until_words(api, "a")
    refused, sent = api.calls.of("sendMessage")
    assert (sent.at - refused.at) * 20 >= 9.9


@pytest.mark.parametrize("kind", ["error"])
def test_the_server_has_trouble(hasty: Office, api: BotApi, video: Content, kind: str) -> None:
    api.faults.add(Fault("send*", kind, times=3))  # type: ignore[arg-type]
    with hasty.courier() as courier:
        want_result(hasty, video)
        until_words(api, "Here it is")
        hasty.until_state(RESULT, "shown")
        assert courier.why == ""
    assert len(api.calls.of("sendVideo")) == 4
    pauses = [b.at - a.at for a, b in itertools.pairwise(list(api.calls))]
    assert pauses[2] > pauses[0], "the longer, the oftener it was tried"


def test_nobody_answers_and_then_somebody_does(hasty: Office, api: BotApi, video: Content) -> None:
    api.down()
    with hasty.courier() as courier:
        want_result(hasty, video)
        for n in range(3):
            hasty.want(f"m{n}", f"m{n}")
        hasty.until("m0", lambda row: row.attempts >= 2)
        assert courier.why and api.token not in courier.why
        api.up()
        api.chat(ANNA).wait_for(lambda m: len(m) == 4)
        hasty.until_state(RESULT, "shown")
    assert [w for w in words(api) if w != "Here it is"] == ["m0", "m1", "m2"]
    assert len(videos(api)) == 1


def test_a_text_whose_fate_is_unknown_is_sent_once_more(office: Office, api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "drop_after"))
    with office.courier():
        office.want("m", "Hello")
        until_words(api, "Hello", "Hello")
        assert office.until_state("m", "shown").message_id == 2


def test_a_result_whose_fate_is_unknown_is_asked_about_yes(
    office: Office, api: BotApi, video: Content
) -> None:
    api.faults.add(Fault("sendVideo", "drop_after"))
    with office.courier():
        want_result(office, video)
        asked = the_question(api)
        assert office.row(RESULT).state == MessageState.UNSURE
        assert [b.data for b in asked.buttons[0]] == [f"{ARRIVED}yes", f"{ARRIVED}no"]
        office.until_state("ask:1", "shown")
        press(office, asked, f"{ARRIVED}yes")
        until_words(api, "Here it is", "Good, thank you.")
        office.want(RESULT, Content("changed", (), "video", video.file), rank=Rank.RESULT)
        office.until(RESULT, is_up_to_date)  # it cannot be, and that is all
    assert len(videos(api)) == 1 and office.log.lines[-1][0] != "courier_failed"


def test_a_result_whose_fate_is_unknown_is_asked_about_no(hasty: Office, api: BotApi, video: Content) -> None:
    """It did not arrive; and again; and then it did."""
    api.faults.add(Fault("sendVideo", "drop_before", times=2))
    with hasty.courier():
        want_result(hasty, video)
        asked = the_question(api)
        hasty.until_state("ask:1", "shown")
        assert len(api.calls.of("sendVideo")) == 1
        press(hasty, asked, f"{ARRIVED}no")
        asked = the_question(api, but=asked)
        hasty.until("ask:1", lambda row: row.message_id == asked.id)
        assert len(api.calls.of("sendVideo")) == 2
        press(hasty, asked, f"{ARRIVED}no")
        api.chat(ANNA).wait_for(lambda m: [x for x in m if x.kind == "video"])
        hasty.until_state(RESULT, "shown")
        assert "settled" in press(hasty, asked, f"{ARRIVED}no").toast  # pressed once more
    assert len(videos(api)) == 1


def test_who_may_answer(office: Office, api: BotApi, video: Content) -> None:
    api.faults.add(Fault("sendVideo", "drop_after"))
    with office.courier():
        want_result(office, video)
        asked = the_question(api)
        assert press(office, asked, f"{ARRIVED}no", who=8).alarm
        for data in ("arrived:99:yes", "arrived:x:yes", f"arrived:{'9' * 30}:no"):
            assert "settled" in press(office, asked, data).toast
        assert office.row(RESULT).state == MessageState.UNSURE


def test_a_press_under_the_result_says_that_it_is_there(office: Office, api: BotApi, video: Content) -> None:
    api.faults.add(Fault("sendVideo", "drop_after"))
    with office.courier():
        want_result(office, video)
        api.chat(ANNA).wait_for(lambda m: m if len(m) == 2 else [])
        office.until_state("ask:1", "shown")
        there = videos(api)[0].id
        with office.ledger.turn() as turn:
            question.adopt(turn, ANNA, there, JOB)
            question.adopt(turn, ANNA, there, JOB)
            question.adopt(turn, 8, there + 5, JOB)
        office.nudge()
        office.want(RESULT, Content("changed", (), "video", video.file), rank=Rank.RESULT)
        until_words(api, "changed")
        assert office.row(RESULT).message_id == there


def test_an_upload_that_was_broken_off_surely_did_not_arrive(
    hasty: Office, api: BotApi, tmp_path: Path
) -> None:
    """Far more than the buffers of a connection hold: it is not read to its end when the server goes away."""
    file = tmp_path / "long.mp4"
    file.write_bytes(b"\0" * 40_000_000)
    api.faults.add(Fault("sendVideo", "slow", seconds=1.0))
    with hasty.courier():
        want_result(hasty, Content("Here", kind="video", file=file))
        while not api.faults.struck:  # it has begun to come in
            time.sleep(TICK_S)
        api.down()
        hasty.until(RESULT, lambda row: row.error is not None)
        assert hasty.row(RESULT).state != MessageState.UNSURE
        api.up()
        until_words(api, "Here")
    assert len(videos(api)) == 1


def test_the_intent_is_written_down_before_the_request(office: Office, api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "late", seconds=0.4))
    with office.courier():
        office.want("m", "Hello")
        api.chat(ANNA).wait_for(lambda m: m)  # it is there, and its answer is still to come
        row = office.row("m")
        assert (row.state, row.attempts, row.message_id) == (MessageState.SENDING, 1, None)
        assert office.until_state("m", "shown").message_id == 1


def test_ended_while_it_was_being_sent(office: Office, api: BotApi, video: Content) -> None:
    """SIGKILL between the intent and the answer: rows that say "sending"."""
    want_result(office, video)
    office.want("m", "Hello")
    with office.ledger.turn() as turn:
        for key in (RESULT, "m"):
            row = turn.messages.of_key(key)
            assert row is not None and books.begin(turn, row.number or 0) is not None
    with office.courier():
        found = api.chat(ANNA).wait_for(lambda m: m if len(m) == 2 else [])
        assert {m.words[:5] for m in found} == {"Hello", "Teleg"}
        assert office.until_state("m", "shown").attempts == 0
        assert office.row(RESULT).state == MessageState.UNSURE
    assert videos(api) == []


def test_an_orderly_end_waits_for_what_is_on_its_way(office: Office, api: BotApi, video: Content) -> None:
    api.faults.add(Fault("sendVideo", "late", seconds=0.5))
    with office.courier():
        want_result(office, video)
        api.chat(ANNA).wait_for(lambda m: m)
    assert office.row(RESULT).state == MessageState.SHOWN


def test_too_large(office: Office, api: BotApi, video: Content) -> None:
    api.state.upload_limit = 200_000
    with office.courier():
        want_result(office, video)
        message = until_words(api, f"The file is too large for Telegram. It lies here: {video.file}")[0]
        assert message.media is None
        assert office.until_state(RESULT, "refused").error == "the file is too big"


def test_refused_for_another_reason(office: Office, api: BotApi, video: Content) -> None:
    assert video.file is not None
    with office.courier():
        want_result(
            office, Content("</b>", kind="video", file=video.file, facts={"place": "/results/a & b.mp4"})
        )
        message = api.chat(ANNA).wait_for(lambda m: m[-1])
        assert message.words.endswith("It lies here: /results/a & b.mp4")
        office.until_state(RESULT, "refused")


def test_who_has_blocked_the_bot_gets_nothing_and_holds_up_nobody(
    office: Office, api: BotApi, anna: Person
) -> None:
    other = api.person(8, "Bo")
    anna.block()
    with office.courier():
        for n in range(3):
            office.want(f"m{n}", "Hello")
        office.want("bo", "Hello Bo", chat_id=8)
        other.chat.wait_for(lambda m: m)
        for n in range(3):
            assert "blocked" in (office.until_state(f"m{n}", "refused").error or "")
    assert [name for name, _ in office.log.lines].count("message_refused") == 1


def test_a_topic_that_is_gone(office: Office) -> None:
    """Then it is said outside of it; and when Telegram still speaks of a topic, that was not it."""
    office.want("m", "Hello", thread_id=40)
    for state, thread_id in (("due", None), ("refused", None)):
        with office.ledger.turn() as turn:
            row = books.begin(turn, 1)
            assert row is not None
            books.failed(turn, 1, row.version, "send", NoThread())
        assert (office.row("m").state, office.row("m").thread_id) == (state, thread_id)


def test_a_group_that_moved_is_written_to_where_it_is(office: Office, api: BotApi) -> None:
    group = api.group("News", [api.person(8, "Bo")])
    old = group.chat
    group.migrate()
    with office.courier():
        office.want("m", "Hello", chat_id=old.id)
        group.chat.wait_for(lambda m: [x for x in m if x.words == "Hello"])
        assert office.until_state("m", "shown").chat_id == group.chat.id


def test_the_wrong_token(office: Office, api: BotApi) -> None:
    api._service._token = "1:other"
    with office.courier() as courier:
        office.want("m", "Hello")
        office.until("m", lambda row: row.error is not None)
        assert "token" in courier.why and office.row("m").state == MessageState.DUE
        told = str(office.log.lines) + str(office.row("m")) + courier.why
    assert api.token not in told and len(api.calls) == 0


def test_the_database_is_busy_for_a_while(office: Office, api: BotApi) -> None:
    """What was sent is written down when it can be, and is not sent twice."""
    api.faults.add(Fault("sendMessage", "late", seconds=0.2))
    with office.courier():
        office.want("m", "Hello")
        until_words(api, "Hello")
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with office.queue.database.writing():
                held.set()
                release.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(60)
        threading.Timer(0.4, release.set).start()
        holder.join()
        office.until_state("m", "shown")
    assert words(api) == ["Hello"]


# ---------------------------------------------------------------- pace


def test_twenty_edits_a_minute_whatever_happens(tmp_path: Path) -> None:
    """Ten jobs with their bars, and somebody who plays with a card, for 100 s of a fast clock or more."""
    times = Time(40.0)
    with BotApi(clock=times.clock) as api, Office(tmp_path / "data", api, times=times) as office:
        api.person(ANNA, "Anna")
        with office.courier():
            for n in range(10):
                office.want(f"progress:{n}", "0 %", rank=Rank.PROGRESS)
            office.want("card", "card 0")
            office.until_state("card", "shown")
            start, step = times.clock(), 0
            while (now := times.clock()) < start + 100 or (len(bars_of(api)) < 10 and now < start + 800):
                step += 1
                tell(office, step)
                time.sleep(2 / times.speed)
                if step % 2 == 0:
                    office.want("card", f"card {step}")
        assert len(api.calls.of("editMessageText")) >= 20, "it does tell"
        assert api.calls.edits_per_minute(ANNA) <= 20
        assert len(bars_of(api)) == 10, "none waits for ever behind another"


def bars_of(api: BotApi) -> set[object]:
    edits = api.calls.of("editMessageText")
    return {call.params["message_id"] for call in edits if "%" in call.params["text"]}


def tell(office: Office, step: int) -> None:
    """As the reporter does: all jobs in one turn."""
    with office.ledger.turn() as turn:
        for n in range(10):
            turn.messages.post(ANNA, f"progress:{n}", Content(f"{step} %"), rank=Rank.PROGRESS)
    office.nudge()


def test_the_first_answer_comes_at_once_among_many_chats(office: Office, api: BotApi) -> None:
    for chat_id in range(100, 140):
        api.person(chat_id, f"P{chat_id}")
        office.want(f"p{chat_id}", "progress", chat_id=chat_id, rank=Rank.PROGRESS)
    office.want("answer", "Hello")
    with office.courier():
        until_words(api, "Hello")
    before = [call.chat_id for call in api.calls].index(ANNA)
    assert before < 28, "what somebody waits for goes before the bars of others"


def test_a_nudge_from_many_threads_costs_nothing(office: Office) -> None:
    def nudge() -> None:
        for _ in range(2000):
            courier.nudge()

    with office.courier() as courier:
        threads = [threading.Thread(target=nudge) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    courier.nudge()  # after the end, too


def test_a_gateway_that_lost_what_stands_behind_it_is_no_reason_to_send_a_video_twice(
    hasty: Office, api: BotApi, video: Content
) -> None:
    """502: it may have been taken nevertheless."""
    api.faults.add(Fault("sendVideo", "bad_gateway"))
    with hasty.courier():
        want_result(hasty, video)
        hasty.until_state(RESULT, "unsure")
        until_words(api, "Telegram did not say whether the file reached this chat. Is it here?")
    assert len(api.calls.of("sendVideo")) == 1


def test_a_result_waits_for_somebody_who_had_blocked_the_bot(
    hasty: Office, api: BotApi, video: Content
) -> None:
    api.person(ANNA, "Anna").block()
    with hasty.courier():
        want_result(hasty, video)
        hasty.until_state(RESULT, "away")
    api.person(ANNA, "Anna").unblock()
    with hasty.ledger.turn() as turn:
        turn.messages.somebody_is_there(ANNA)
    with hasty.courier():
        hasty.until_state(RESULT, "shown")
    assert len(videos(api)) == 1


def test_a_text_of_which_nobody_ever_knows_comes_a_few_times_and_no_more(hasty: Office, api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "drop_after", times=12))
    with hasty.courier():
        hasty.want("a", "a")
        hasty.until_state("a", "shown")
    assert len(api.calls.of("sendMessage")) == 3


def test_a_message_that_telegram_never_takes_does_not_silence_its_chat(hasty: Office, api: BotApi) -> None:
    api.faults.add(Fault("sendMessage", "error", times=4))
    with hasty.courier():
        hasty.want("stubborn", "stubborn")
        hasty.until("stubborn", lambda row: row.attempts >= 4)
        api.faults.add(Fault("sendMessage", "error", times=1, after=1))
        hasty.want("b", "b")
        until_words(api, "b")
