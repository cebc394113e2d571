"""`vigentd telegram …`: pairing, who may use the bot, and whether it is connected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.chats import Standing
from daemon.queue import Queue
from handlers.telegram.incoming import Where, Who
from handlers.telegram.pairing import redeem
from handlers.telegram.store.ledger import Ledger
from tests.daemon.conftest import Cli
from tests.daemon.control_kit import TinyOffice

TOKEN = "123456:" + "ABCdefGHIjkl-mnoPQRstu_vwxyz0123456"
BOT = {"state": "connected", "why": "", "name": "vigentd_bot", "last_poll_s": 2.5}
COUNTS = {"waiting": 1, "errands": 2, "unsure": 3}
EVE = Who(66, "Eve\x1b[2J", "en")


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the daemon says of it."""
    told: dict[str, Any] = BOT | COUNTS
    status = TinyOffice.status
    monkeypatch.setattr(TinyOffice, "status", lambda office: status(office) | {"telegram": told or None})
    yield told


@pytest.fixture
def ledger(queue: Queue) -> Ledger:
    ledger = Ledger(queue)
    with ledger.turn() as turn:
        turn.people.met(EVE)
        turn.people.chat(Where(EVE.id))
    return ledger


def with_token(cli: Cli, *arguments: str, **more: str) -> Any:
    return cli("telegram", *arguments, VIGENTD_TELEGRAM__TOKEN=TOKEN, **more)


# ---------------------------------------------------------------- pair


def test_pair_prints_a_code_that_works(cli: Cli, bot: object, served: Path, ledger: Ledger) -> None:
    said = with_token(cli, "pair")
    code = said.out.strip()
    assert said.code == 0 and re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", code)
    assert f"/start {code}" in said.err and "@vigentd_bot" in said.err and "10 minutes" in said.err
    assert f"https://t.me/vigentd_bot?start={code}" in said.err and "note" not in said.err
    with ledger.turn() as turn:
        person = turn.people.person(EVE.id)
        assert person is not None and redeem(turn, code.replace("-", ""), person)
        assert person.standing == Standing.ADMIN


def test_pair_for_programs(cli: Cli, bot: object, served: Path) -> None:
    told = with_token(cli, "pair", "--json").json
    assert told.keys() == {"code", "until", "send", "bot", "link"}
    assert told["send"] == f"/start {told['code']}"
    assert told["link"] == f"https://t.me/vigentd_bot?start={told['code']}"


def test_pair_without_a_token_says_how_to_get_one(cli: Cli, queue: Queue) -> None:
    said = cli("telegram", "pair")
    assert said.code == 2 and "no token is configured" in said.err
    assert "@BotFather" in said.err and "telegram.token_file" in said.err
    with Ledger(queue).look() as turn:
        assert turn.people.pairing() is None


def test_pair_with_a_token_that_only_the_daemon_can_read(
    cli: Cli, bot: object, served: Path, tmp_path: Path
) -> None:
    """systemd hands it over as a credential; the file is root's."""
    for variables in ({}, {"VIGENTD_TELEGRAM__TOKEN_FILE": str(tmp_path / "roots")}):
        said = cli("telegram", "pair", **variables)
        assert said.code == 0 and "@vigentd_bot" in said.err


def test_pair_with_a_token_file_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    said = cli("telegram", "pair", VIGENTD_TELEGRAM__TOKEN_FILE=str(tmp_path / "none"))
    assert said.code == 2 and "cannot be read" in said.err and said.err.count("\n") == 2


def test_pair_without_a_daemon_says_so(cli: Cli) -> None:
    said = with_token(cli, "pair")
    assert said.code == 0 and "No daemon is running" in said.err and "vigentd run" in said.err
    assert "t.me" not in said.err and TOKEN not in said.err + said.out


def test_pair_while_telegram_is_away(cli: Cli, bot: dict[str, Any], served: Path) -> None:
    bot.update(state="away", why="Telegram cannot be reached")
    assert "not connected (away: Telegram cannot be reached)" in with_token(cli, "pair").err


# ---------------------------------------------------------------- status


def test_status_of_a_connected_bot(cli: Cli, bot: object, served: Path) -> None:
    said = with_token(cli, "status")
    assert (said.code, said.err) == (0, "")
    for part in (
        "@vigentd_bot",
        "connected",
        "2 s ago",
        "1 message to send, 2 errands",
        "3 messages of which",
    ):
        assert part in said.out
    assert with_token(cli, "status", "--json").json == BOT | COUNTS


@pytest.mark.parametrize("state", ["connecting", "away", "off"])
def test_status_of_a_bot_that_is_not(cli: Cli, bot: dict[str, Any], served: Path, state: str) -> None:
    bot.update(state=state, why="the network is down")
    said = with_token(cli, "status")
    assert said.code == 1 and state in said.out and "the network is down" in said.err
    assert with_token(cli, "status", "--json").code == 1


def test_status_without_a_token_a_daemon_or_a_reload(cli: Cli, bot: dict[str, Any], served: Path) -> None:
    bot.clear()
    said = cli("telegram", "status")
    assert said.code == 1 and "no token is configured" in said.err and "@BotFather" in said.err
    said = with_token(cli, "status")
    assert said.code == 1 and "started without a token" in said.err and "@BotFather" not in said.err
    assert with_token(cli, "status", "--json").json is None


def test_status_without_a_daemon(cli: Cli) -> None:
    said = with_token(cli, "status")
    assert (said.code, said.out) == (1, "") and "No daemon is running" in said.err


# ---------------------------------------------------------------- people


def test_people_are_listed_with_those_of_the_configuration(cli: Cli, ledger: Ledger) -> None:
    ids = {"VIGENTD_TELEGRAM__ADMIN_USER_IDS": "7", "VIGENTD_TELEGRAM__ALLOWED_USER_IDS": "66,8"}
    told = cli("telegram", "people", "--json", **ids).json
    assert [(p["id"], p["standing"], p["configured"]) for p in told] == [
        (7, "admin", True),
        (8, "allowed", True),
        (66, "allowed", True),
    ]
    said = cli("telegram", "people", **ids)
    assert "66" in said.out and "\x1b" not in said.out and "in the configuration" in said.out
    assert cli("telegram", "people", "--json").json[0]["standing"] == "unknown"


def test_nobody_yet(cli: Cli) -> None:
    said = cli("telegram", "people")
    assert (said.code, said.out) == (0, "") and "vigentd telegram pair" in said.err


def test_allow_and_deny(cli: Cli, ledger: Ledger, office: TinyOffice, served: Path) -> None:
    said = cli("telegram", "allow", "66")
    assert said.code == 0 and "is allowed." in said.err and "\x1b" not in said.err
    assert office.woken.is_set()
    with ledger.look() as turn:
        (told,) = turn.messages.to_do()
    assert told.chat_id == 66 and "You may use this bot" in str(told.wanted)
    assert cli("telegram", "deny", "66", "--json").json["standing"] == "denied"
    assert cli("telegram", "allow", "67", "--json").json["standing"] == "allowed"


def test_deny_of_somebody_in_the_configuration(cli: Cli) -> None:
    said = cli("telegram", "deny", "7", VIGENTD_TELEGRAM__ADMIN_USER_IDS="7")
    assert said.code == 2 and "stands in the configuration" in said.err and "admin_user_ids" in said.err


@pytest.mark.parametrize("given", ["0", "x", "9" * 30])
def test_an_id_that_is_none(cli: Cli, given: str) -> None:
    said = cli("telegram", "allow", given)
    assert said.code == 2 and said.err.startswith("error: ")
