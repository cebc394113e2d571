"""The log of calls: what the bot asked, when, and what it was told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.handlers.telegram.botapi.state import Chat, Message, Query

MINUTE = 60.0


@dataclass
class Call:
    """at: when it came; done_at: when it was done or refused, which is before a late answer (monotonic s).

    outcome: "ok", the code of an error, or the kind of the fault that hit it. done: whether it had an effect.
    size: bytes of the body.
    """

    at: float
    method: str
    chat_id: int | None = None
    size: int = 0
    outcome: str = ""
    description: str = ""
    done: bool = False
    done_at: float = 0.0
    params: dict[str, Any] = field(default_factory=dict)


class Calls:
    """In the order in which they were done with."""

    def __init__(self, condition: threading.Condition) -> None:
        self._condition = condition
        self._calls: list[Call] = []

    def add(self, call: Call) -> None:
        with self._condition:
            self._calls.append(call)
            self._condition.notify_all()

    def __iter__(self) -> Iterator[Call]:
        with self._condition:
            return iter(list(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, index: int) -> Call:
        return self._calls[index]

    def of(self, *methods: str) -> list[Call]:
        names = {m.lower() for m in methods}
        return [call for call in self if call.method.lower() in names]

    def edits_per_minute(self, chat: Chat | int) -> int:
        """The highest number of calls of any edit* in any 60 s, refused ones included: they count, too."""
        chat_id = chat if isinstance(chat, int) else chat.id
        window: deque[float] = deque()
        highest = 0
        for at in sorted(c.at for c in self if c.chat_id == chat_id and c.method.startswith("edit")):
            window.append(at)
            while window[0] <= at - MINUTE:
                window.popleft()
            highest = max(highest, len(window))
        return highest

    def first_answer_after(self, message: Message | Query) -> float:
        """Seconds from a person's message, or press, to the bot's first message, edit or answer to a press
        in that chat. AssertionError: there was none."""
        times = [
            call.done_at - message.sent_at
            for call in self
            if call.done
            and call.chat_id == message.chat.id
            and call.at >= message.sent_at
            and (call.method.startswith(("send", "edit")) or call.method == "answerCallbackQuery")
            and call.method != "sendChatAction"
        ]
        if not times:
            raise AssertionError(f"there was no answer to it\n{message.chat}")
        return min(times)
