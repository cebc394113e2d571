"""Orders by message: what comes back, in whichever order, gets to who waits for it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from models import wire
from models.errors import BadInput, Cancelled
from models.orders import ByWire, orders, taken_by
from models.wire import Message

WITHIN_S = 20.0


class Post:
    """The other end: what was ordered there, and what it brings."""

    def __init__(self) -> None:
        self.said: list[Message] = []
        self.desk = ByWire(7, self.said.append)

    def told(self, order: int, share: float, number: int = 7) -> None:
        self.desk.heard({"do": "told", "number": number, "order": order, "share": share})

    def brought(self, order: int, number: int = 7, **what: Any) -> None:
        self.desk.heard({"do": "brought", "number": number, "order": order, **what})


@pytest.fixture
def post() -> Post:
    return Post()


def nothing(_: Any = None) -> None:
    """Nobody minds."""


def test_they_come_back_in_any_order(post: Post) -> None:
    with taken_by(post.desk):
        first, second = (orders().place(f"m:{name}", {"n": name}, nothing) for name in ("a", "b"))
    assert [(m["order"], m["call"], m["arguments"]) for m in post.said] == [
        (1, "m:a", {"n": "a"}),
        (2, "m:b", {"n": "b"}),
    ]
    post.brought(2, value="B")
    post.brought(1, value=None)
    assert first.result(nothing) is None
    assert second.result(nothing) == "B"


def test_shares_are_told_to_whose_they_are_while_anything_is_waited_for(post: Post) -> None:
    shares: dict[str, list[float]] = {"a": [], "b": []}
    first, second = (post.desk.place("m:f", {}, shares[name].append) for name in ("a", "b"))
    post.told(2, 0.25)
    post.told(1, 0.5)
    post.told(2, 0.75)
    assert shares == {"a": [], "b": []}, "they are told by who waits, not by who reads"
    post.brought(1, value=1)
    assert first.result(nothing) == 1
    assert shares == {"a": [0.5, 1.0], "b": [0.25, 0.75]}
    post.brought(2, error=wire.describe(BadInput("No face there", code="no_face")))
    with pytest.raises(BadInput, match="No face there") as caught:
        second.result(nothing)
    assert caught.value.code == "no_face" and shares["b"] == [0.25, 0.75], "it was not done"


def test_what_comes_for_earlier_work_is_not_taken_for_this(post: Post) -> None:
    order = post.desk.place("m:f", {}, nothing)
    post.brought(1, number=6, value="of another")
    post.brought(1, value="ours")
    assert order.result(nothing) == "ours"


def test_who_waits_is_asked_whether_to_go_on(post: Post) -> None:
    order = post.desk.place("m:f", {}, nothing)

    def check() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        order.result(check)


def test_who_waits_wakes_up_when_it_comes(post: Post) -> None:
    order, waits, found = post.desk.place("m:f", {}, nothing), threading.Event(), list[Any]()
    thread = threading.Thread(target=lambda: found.append(order.result(waits.set)))
    thread.start()
    assert waits.wait(WITHIN_S)
    post.brought(1, value="there")
    thread.join(WITHIN_S)
    assert found == ["there"]


def test_where_nobody_takes_any_there_are_none() -> None:
    with pytest.raises(LookupError):
        orders()
