"""The bot: a thread of the daemon with a loop of its own.

    poll      what people say and press → turns (dispatch.py)
    courier   makes the chats look as the tables say
    errands   what takes time
    reporter  what becomes of the jobs

They know nothing of each other but the tables; a nudge says that there may be something new in them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from daemon.config import Config
from daemon.control.events import Events
from daemon.health.component import Component
from handlers.telegram.house import House
from handlers.telegram.life import Life
from models.errors import VigentdError

STOP_S = 8.0  # for what is on its way

Lend = Callable[[Config], House]


class Bot:
    """lend: what the daemon lends, for a configuration. token: of that configuration; None: there is no bot.
    why: the reason why no job is worked on, "" when there is none.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        config: Config,
        lend: Lend,
        token: Callable[[Config], str | None],
        events: Events,
        why: Callable[[], str],
    ) -> None:
        self._config = config
        self._lend = lend
        self._token = token
        self._events = events
        self._why = why
        self._lock = threading.Lock()
        self._life: Life | None = None
        self._last: Life | None = None  # also one that was told to leave off
        self._with: tuple[str | None, str] = None, ""  # what `_read` gave for it

    def start(self) -> None:
        with self._lock:
            self._begin(self._read())

    def stop(self) -> None:
        """Waits until it has left off; some seconds only."""
        with self._lock:
            if self._last is not None:
                self._last.leave()
                self._last.join(STOP_S)

    def reload(self, config: Config) -> None:
        """Begins anew if anything that it uses is otherwise, also the token in its file; does not wait."""
        with self._lock:
            same, self._config = _uses(config) == _uses(self._config), config
            read = self._read()
            if not same or read != self._with:
                self._begin(read)

    def nudge(self) -> None:
        """Somebody has written to the database: there may be something to send, to do or to tell."""
        if (life := self._life) is not None:
            life.nudge()

    def status(self) -> dict[str, Any] | None:
        """As `vigentd status --json` prints it; None: there is no bot."""
        life, off = self._life, self._with[1]
        if life is not None:
            return life.status()
        nothing = {"name": "", "last_poll_s": None, "waiting": 0, "errands": 0, "unsure": 0}
        return {"state": "off", "why": off} | nothing if off else None

    def health(self) -> Iterable[Component]:
        """Nothing without a token."""
        life, off = self._life, self._with[1]
        if life is not None:
            return [life.health()]
        return [Component("telegram", "dead", trouble=off, hint="Then reload vigentd.")] if off else []

    def _read(self) -> tuple[str | None, str]:
        """The token; or why there is none, though there should be."""
        try:
            return self._token(self._config), ""
        except VigentdError as e:
            return None, e.message

    def _begin(self, read: tuple[str | None, str]) -> None:
        self._life, self._with = None, read
        if self._last is not None:
            self._last.leave()
        token, off = read
        house = self._lend(self._config)
        if off:
            house.log.error("telegram_off", because=off)
        if token is not None:
            self._life = self._last = Life(house, token, self._events, self._why, self._last)
            self._life.begin()


def _uses(config: Config) -> Config:
    """What the bot looks at: for the rest no upload has to be broken off."""
    fields = Config.model_fields
    return config.model_copy(update={name: fields[name].default for name in ("log", "queue", "models")})
