"""Tells the admins what the daemon's alarms say, each in their language.

What is told stands in the bot's tables, so the courier sends it as soon as Telegram is there, and a restart
loses nothing. A thread of its own writes it: whoever raises an alarm must not wait for the database, which
may be what the alarm is about. When that has taken nothing for a minute, it is told without the tables.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from daemon.alarms import Notice
from daemon.bot_token import bot_token
from daemon.config import Config
from daemon.jobs import iso
from daemon.logs.tell import Tell
from handlers.telegram.access import language_of, reachable
from handlers.telegram.content import Content, Rank
from handlers.telegram.store.ledger import Ledger
from handlers.telegram.texts import Language, Marked, bare, catalogue, plain, say
from models.errors import VigentdError

AGAIN_S = 5.0  # while the database does not take it
PATIENCE_S = 60.0  # with the database, and between two tries without it
MOST = 100  # that wait for the database
LAST_S = 2.0  # for what is not written at the end


class Notices:
    """config: as it is now. ledger: of the bot; written: called when there is something to send. post: sends
    a text to all admins without the bot, and returns how many were reached.

    Methods may be called from any thread.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        ledger: Ledger,
        log: Tell,
        written: Callable[[], None],
        post: Callable[[Config, str], int] = lambda _config, _text: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._log = log
        self._written = written
        self._post = post
        self._clock = clock
        self._waiting: deque[Notice] = deque(maxlen=MOST)
        self._changed = threading.Condition()
        self._leaving = False
        self._failing = False
        self._post_at = 0.0  # while it fails
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What waits is written first, if the database takes it at once."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(LAST_S)

    def tell(self, notice: Notice) -> None:
        """To every admin that can be written to; nothing where there is no bot. At once."""
        with self._changed:
            self._waiting.append(notice)
            self._changed.notify_all()

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._leaving)
                if not self._waiting:
                    return
                notice = self._waiting[0]
            if not self._has_bot() or self._write(notice) or self._posted(notice):
                with self._changed:
                    self._forget(notice)
            elif self._leaving:
                return
            else:
                with self._changed:
                    self._changed.wait_for(lambda: self._leaving, AGAIN_S)

    def _forget(self, notice: Notice) -> None:
        if self._waiting and self._waiting[0] is notice:  # else it fell out meanwhile
            self._waiting.popleft()

    def _has_bot(self) -> bool:
        """Also one whose token cannot be read now: that will be put right."""
        try:
            return bot_token(self._config().telegram) is not None
        except VigentdError:
            return True

    def _write(self, notice: Notice) -> bool:
        """Whether it was written."""
        try:
            with self._ledger.turn() as turn:
                for admin in reachable(turn, self._config()):
                    key = f"alarm:{notice.key}:{admin.user_id}:{iso(turn.now)}:{int(notice.over)}"
                    content = Content(in_words(language_of(turn, admin), notice))
                    turn.messages.post(admin.user_id, key, content, rank=Rank.RESULT)
        except VigentdError as e:
            if not self._failing:
                self._log.warning("admins_not_told", key=notice.key, because=e.message)
                self._post_at = self._clock() + PATIENCE_S
            self._failing = True
            return False
        except Exception as e:  # a fault of ours must not be the end of all later alarms
            self._log.error("admins_not_told", key=notice.key, error=repr(e), trace=e)
            return True
        self._failing = False
        self._written()
        return True

    def _posted(self, notice: Notice) -> bool:
        """Whether somebody was reached without the tables. Those who are no admins by the configuration, but
        have paired, may be known to the tables alone."""
        if self._leaving or self._clock() < self._post_at:
            return False
        self._post_at = self._clock() + PATIENCE_S
        try:
            return self._post(self._config(), bare(in_words("en", notice))) > 0
        except Exception as e:  # the token cannot be read, a proxy; the log has the alarm itself
            self._log.warning("admins_not_told", key=notice.key, because=type(e).__name__)
            return False


def in_words(language: Language, notice: Notice) -> Marked:
    kind = notice.key.partition(":")[0]
    section = "well" if notice.over else "trouble"
    named = f"{section}.{kind}" if f"{section}.{kind}" in catalogue() else f"{section}.other"
    what, message = plain(language, named), notice.message.rstrip(".")
    if notice.over:
        return say(language, "alarm.over", what=what, message=message)
    hint = f" {notice.hint.rstrip('.')}." if notice.hint else ""
    return say(language, "alarm.raised", what=what, message=message, hint=hint)
