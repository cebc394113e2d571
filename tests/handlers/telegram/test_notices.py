"""What the daemon's alarms say reaches every admin that can be written to, also after trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from daemon.alarms import Notice
from daemon.chats import Standing
from daemon.config import Config, TelegramSettings
from handlers.telegram.incoming import Where, Who
from handlers.telegram.notices import PATIENCE_S, Notices, in_words
from models.errors import Unavailable
from tests.handlers.telegram.talking import ANNA, BO, ROOT, Conversation

FULL = Notice("disk:data", "Only 9 MB are free for /data", "`vigentd clean` says what can go.")


class Stand:
    """Anna may use the bot; Bo has paired as an admin; Root is one of the configuration."""

    def __init__(
        self, folder: Path, token: str | None = "123456:abcdefghijklmnopqrstuvwxyz012345678"
    ) -> None:
        self.chat = Conversation(folder)
        settings = TelegramSettings(
            token=None if token is None else SecretStr(token),
            allowed_user_ids=(ANNA.id,),
            admin_user_ids=(ROOT.id, 4711),  # that one has never written
        )
        config = Config(data_dir=folder, telegram=settings)
        self.now = 0.0
        self.written = threading.Event()
        self.posted: list[str] = []
        self.notices = Notices(
            lambda: config, self.chat.ledger, self.chat.log, self.written.set, self._post, lambda: self.now
        )

    def _post(self, config: Config, text: str) -> int:
        self.posted.append(text)
        self.written.set()
        return len(self.posted) - 1  # at first nobody is reached

    def knows(self, *people: Who) -> None:
        for who in people:
            self.chat.says("/start", by=who, where=Where(who.id))
        with self.chat.ledger.turn() as turn:
            turn.people.set_standing(BO.id, Standing.ADMIN)

    def seen(self, who: Who) -> str:
        return self.chat.sees_all(Where(who.id))

    def close(self) -> None:
        self.notices.stop()
        self.chat.close()


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.close()


def test_every_admin_is_told_in_their_language_and_nobody_else(stand: Stand) -> None:
    stand.knows(ANNA, BO, ROOT)
    stand.notices.tell(FULL)
    stand.notices.tell(Notice(FULL.key, FULL.message, over=True))
    stand.notices.start()
    stand.notices.stop()  # what waits is written first
    assert stand.written.is_set()
    told, over = stand.seen(ROOT).split("\n\n")
    assert "The disk has trouble" in told and FULL.message in told and "`vigentd clean`" in told
    assert "The disk works again" in over
    assert "磁盘有问题" in stand.seen(BO) and "磁盘已恢复正常" in stand.seen(BO)
    assert stand.seen(ANNA) == ""


def test_a_database_that_cannot_be_written_is_waited_for(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.telegram.notices.AGAIN_S", 0.01)
    stand.knows(ROOT)
    failed = threading.Event()
    database = stand.chat.queue.database
    real = database.writing

    def writing(*given: object) -> object:
        if not failed.is_set():
            failed.set()
            raise Unavailable("The database is locked")
        return real(*given)

    monkeypatch.setattr(database, "writing", writing)
    stand.notices.start()
    stand.notices.tell(FULL)
    assert stand.written.wait(20)
    assert failed.is_set() and FULL.message in stand.seen(ROOT)
    assert [name for name, _ in stand.chat.log.lines].count("admins_not_told") == 1


def test_when_the_database_takes_nothing_they_are_told_without_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.telegram.notices.AGAIN_S", 0.01)
    tries = threading.Semaphore(0)

    def writing() -> object:
        tries.release()
        raise Unavailable("The disk is full")

    monkeypatch.setattr(stand.chat.queue.database, "writing", writing)
    stand.notices.start()
    stand.notices.tell(FULL)
    for _ in range(3):
        assert tries.acquire(timeout=20)
    assert stand.posted == []  # it may take it in a moment
    for _ in range(2):
        stand.written.clear()
        stand.now += PATIENCE_S
        assert stand.written.wait(20)
    stand.notices.stop()
    assert len(stand.posted) == 2 and FULL.message in stand.posted[0] and "<b>" not in stand.posted[0]


def test_a_token_of_systemds_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "telegram-token").write_text("123456:abcdefghijklmnopqrstuvwxyz012345678")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    stand = Stand(tmp_path, token=None)
    try:
        stand.knows(ROOT)
        stand.notices.tell(FULL)
        stand.notices.start()
        stand.notices.stop()
        assert FULL.message in stand.seen(ROOT)
    finally:
        stand.close()


def test_without_a_bot_nothing_is_kept(tmp_path: Path) -> None:
    stand = Stand(tmp_path, token=None)
    try:
        stand.knows(ROOT)
        stand.notices.tell(FULL)
        stand.notices.start()
        stand.notices.stop()
        assert stand.seen(ROOT) == "" and not stand.written.is_set()
    finally:
        stand.close()


def test_markup_in_a_message_is_text() -> None:
    words = in_words("en", Notice("unheard-of:1", "a <b> & c", "d <i> e"))
    assert "vigentd needs attention" in words
    assert "a &lt;b&gt; &amp; c." in words and "d &lt;i&gt; e." in words
