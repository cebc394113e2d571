"""How fast the bot may speak. Nothing here waits: it says for how long somebody should.

Telegram's own limits are not written down anywhere in full; these stay below what is known of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from handlers.telegram.content import Rank

What = Literal["send", "edit", "delete"]

WINDOW_S = 60.5  # a minute, and a little for clocks that differ
EDITS, PROGRESS_EDITS = 20, 8  # in a window, of a chat; progress leaves the rest to answers
PROGRESS_EVERY_S = 3.0  # of one message
# Of a group: sends and edits in a window. Edits leave room for six sends, and the last calls of all are
# kept for what somebody has just asked for.
GROUP_CALLS, GROUP_PROGRESS_EDITS, GROUP_OTHER_EDITS, GROUP_ANSWERS = 20, 5, 9, 4
SENDS_AT_ONCE, CALLS_AT_ONCE = 3, 5  # then one a second
PROGRESS_LEAVES = 2  # of the calls that may come at once
OVERALL = 28  # in a second
MOMENT_S = 1e-6  # less is rounding


@dataclass(frozen=True)
class Call:
    """What somebody wants to do. message: number of its row."""

    chat_id: int
    what: What
    message: int = 0
    rank: int = Rank.ANSWER

    @property
    def progress(self) -> bool:
        """An edit that can wait."""
        return self.what == "edit" and self.rank == Rank.PROGRESS

    @property
    def group(self) -> bool:
        return self.chat_id < 0


@dataclass(eq=False)
class Ticket:
    """A call that was let through. at: clock; its end, once there is one: Telegram counted it before that."""

    call: Call
    at: float
    _clock: Callable[[], float]

    def end(self) -> None:
        self.at = self._clock()


@dataclass
class _Bucket:
    """`size` at once, then one a second."""

    size: int
    level: float
    at: float

    def wait(self, now: float, left: int = 0) -> float:
        """Seconds until one may be taken, with `left` still there afterwards."""
        self.level, self.at = min(self.size, self.level + max(0.0, now - self.at)), now
        return max(0.0, 1.0 + left - self.level)

    def take(self) -> None:
        self.level -= 1.0


@dataclass
class _Chat:
    tickets: list[Ticket]
    sends: _Bucket
    calls: _Bucket
    quiet_until: float = 0.0


@dataclass
class Pacing:
    """clock: monotonic seconds. One thread."""

    clock: Callable[[], float]
    _chats: dict[int, _Chat] = field(default_factory=dict)
    _second: list[float] = field(default_factory=list)
    _quiet_until: float = 0.0

    def wait_s(self, call: Call) -> float:
        """Seconds until it may be done; 0: now."""
        now = self.clock()
        chat = self._chat(call.chat_id, now)
        self._second = [at for at in self._second if at > now - 1.0]
        waits = [
            0.0,
            self._quiet_until - now,
            chat.quiet_until - now,
            _window(self._second, OVERALL, 1.0, now),
        ]
        if call.what != "delete":
            waits.append(chat.calls.wait(now, PROGRESS_LEAVES if call.progress else 0))
        if call.what == "send":
            waits.append(chat.sends.wait(now))
        if call.what == "edit":
            edits = [t for t in chat.tickets if t.call.what == "edit"]
            waits.append(_window([t.at for t in edits], EDITS, WINDOW_S, now))
            if call.progress:
                waits.append(_progress(call, [t for t in edits if t.call.progress], now))
        if call.group and call.what != "delete":
            waits.append(_in_a_group(call, [t for t in chat.tickets if t.call.what != "delete"], now))
        longest = max(waits)
        return longest if longest > MOMENT_S else 0.0

    def take(self, call: Call) -> Ticket:
        """It is done now."""
        now = self.clock()
        chat = self._chat(call.chat_id, now)
        ticket = Ticket(call, now, self.clock)
        chat.tickets.append(ticket)
        self._second.append(now)
        if call.what != "delete":
            chat.calls.take()
        if call.what == "send":
            chat.sends.take()
        return ticket

    def hold(self, seconds: float, chat_id: int | None = None) -> None:
        """Telegram wants silence in that chat; None: in all of them."""
        until = self.clock() + seconds
        if chat_id is None:
            self._quiet_until = max(self._quiet_until, until)
        else:
            chat = self._chat(chat_id, self.clock())
            chat.quiet_until = max(chat.quiet_until, until)

    def remember(self, call: Call, ago_s: float) -> None:
        """The last call for a message before a restart. Progress, we suppose, was told all the time: its
        edits then take up again at the pace that a minute allows, and not at once."""
        now = self.clock()
        known = self._chat(call.chat_id, now).tickets
        steps = max(_most(call) - sum(t.call.progress for t in known), 0) if call.progress else 1
        for step in range(steps):
            known.append(Ticket(call, now - ago_s - step * WINDOW_S / steps, self.clock))

    def _chat(self, chat_id: int, now: float) -> _Chat:
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = _Chat(
                [], _Bucket(SENDS_AT_ONCE, SENDS_AT_ONCE, now), _Bucket(CALLS_AT_ONCE, CALLS_AT_ONCE, now)
            )
            self._chats[chat_id] = chat
        chat.tickets = [t for t in chat.tickets if t.at > now - WINDOW_S]
        return chat


def _most(call: Call) -> int:
    """Edits of progress in a window."""
    return GROUP_PROGRESS_EDITS if call.group else PROGRESS_EDITS


def _progress(call: Call, before: list[Ticket], now: float) -> float:
    """The first quarter of the budget as fast as one likes, the rest slowly: that is better than a bar that
    stands still for the rest of the minute."""
    most = _most(call)
    own = max((t.at for t in before if t.call.message == call.message), default=-WINDOW_S)
    last = max((t.at for t in before), default=-WINDOW_S)
    slowly = WINDOW_S / most if len(before) >= most // 4 else 0.0
    window = _window([t.at for t in before], most, WINDOW_S, now)
    return max(own + PROGRESS_EVERY_S - now, last + slowly - now, window)


def _in_a_group(call: Call, before: list[Ticket], now: float) -> float:
    """Beyond `_progress`. before: sends and edits."""
    answer = call.what == "send" and call.rank == Rank.ANSWER
    most = GROUP_CALLS if answer else GROUP_CALLS - GROUP_ANSWERS
    wait_s = _window([t.at for t in before], most, WINDOW_S, now)
    if call.what == "edit" and not call.progress:
        edits = [t.at for t in before if t.call.what == "edit" and not t.call.progress]
        wait_s = max(wait_s, _window(edits, GROUP_OTHER_EDITS, WINDOW_S, now))
    return wait_s


def _window(times: list[float], most: int, length: float, now: float) -> float:
    """Seconds until fewer than `most` of these lie within the last `length` seconds."""
    within = sorted(at for at in times if at > now - length)
    return 0.0 if len(within) < most else within[-most] + length - now
