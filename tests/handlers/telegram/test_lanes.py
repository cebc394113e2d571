"""In which order messages go out."""

from __future__ import annotations

import datetime as dt

from daemon.chats import ChatMessage
from daemon.jobs import iso
from handlers.telegram.content import Content, Rank
from handlers.telegram.courier.lanes import in_order
from tests.handlers.telegram.talking import BEGINNING


def wanted(number: int, rank: Rank, after_s: float = 0.0, chat_id: int = 7) -> ChatMessage:
    at = iso(BEGINNING + dt.timedelta(seconds=after_s))
    words = Content(str(number)).as_json()
    return ChatMessage(
        number=number, chat_id=chat_id, key=f"{number}", rank=rank, repeatable=True, wanted=words,
        at=at, changed_at=at,
    )  # fmt: skip


def order(*rows: ChatMessage) -> list[int | None]:
    """As they go out when one is sent after the other."""
    waiting, sent = list(rows), []
    while waiting:
        row = in_order(waiting, ())[0].row
        waiting.remove(row)
        sent.append(row.number)
    return sent


def test_an_answer_goes_before_notices_that_were_wanted_earlier() -> None:
    notices = [wanted(n, Rank.NOTICE, n) for n in range(1, 40)]
    assert order(*notices, wanted(40, Rank.ANSWER, 40))[0] == 40


def test_the_parts_of_an_answer_stay_in_order() -> None:
    parts = [wanted(n, Rank.ANSWER) for n in (9, 10, 11)]
    assert order(parts[2], wanted(1, Rank.NOTICE), parts[0], parts[1]) == [9, 10, 11, 1]


def test_nothing_is_overtaken_for_ever() -> None:
    """Somebody asks and asks: what ended in failure meanwhile is told nevertheless."""
    failure = wanted(1, Rank.RESULT)
    answers = [wanted(n, Rank.ANSWER, 10.0 * n) for n in range(2, 12)]
    sent = order(failure, *answers)
    assert sent.index(1) == 4 and [n for n in sent if n != 1] == list(range(2, 12))


def test_after_a_long_silence_all_comes_as_it_was_wanted() -> None:
    rows = [wanted(1, Rank.PROGRESS), wanted(2, Rank.RESULT, 600), wanted(3, Rank.ANSWER, 1200)]
    assert order(*rows) == [1, 2, 3]
