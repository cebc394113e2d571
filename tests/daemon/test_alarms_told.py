"""A real daemon in trouble, and an admin who only has Telegram."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.daemon.daemon_kit import gone
from tests.face_kit import portrait
from tests.handlers.telegram.whole import ADMIN, SOON_S, from_bot, whole


@pytest.fixture(scope="module")
def clip(album: Path) -> Path:
    return portrait(album, (180, 320), 1)


def test_what_happens_while_telegram_is_away_is_told_when_it_is_back(tmp_path: Path, clip: Path) -> None:
    with whole(tmp_path, clip) as (api, desk):
        desk.variables["VIGENTD_HEALTH__REPLACEMENTS"] = "1"
        admin, guest = api.person(ADMIN, "Root"), api.person(2, "Anna")
        with desk.daemon() as daemon:
            for person in (admin, guest):
                person.command("/start")
                person.chat.wait_for(from_bot, SOON_S)
            api.down()
            for start in (1, 2):
                assert gone(lambda s=start: daemon.host("media")["starts"] < s, SOON_S)  # type: ignore[misc]
                assert gone(lambda: daemon.host("media")["pid"] is None, SOON_S)
                os.kill(daemon.host("media")["pid"], signal.SIGKILL)
            assert gone(lambda: " alarm " not in desk.said(), SOON_S), desk.said()
            api.up()
            told = admin.chat.wait_for(
                lambda seen: next((m for m in from_bot(seen) if "🚨" in m.text), None), 60.0
            )
            assert (
                "has ended 2 times within 10 minutes" in told.text and "An engine keeps failing" in told.text
            )
            assert not [m for m in from_bot(guest.chat.messages) if "🚨" in m.text]
