"""The bot's token is in nobody's sight, and the admins hear of a service that does not come back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.telegram.botapi import BotApi
from tests.systemd.container import until
from tests.systemd.product import CONFIGURATION, UNIT, Vigentd
from tests.systemd.times import Times

pytestmark = pytest.mark.slow

ADMIN = 1
TOKEN_FILE = Path("/etc/vigentd/telegram-token")


@pytest.fixture(scope="module")
def api(installed: Vigentd) -> Iterator[BotApi]:
    """A Bot API server that the machine's daemon uses: they share the network."""
    with BotApi() as api:
        machine = installed.machine
        machine.at(TOKEN_FILE).write_text(api.token)
        machine.at(TOKEN_FILE).chmod(0o600)
        installed.configure(
            "[telegram]",
            f'base_url = "{api.base_url}"',
            f'base_file_url = "{api.base_file_url}"',
            f"admin_user_ids = [{ADMIN}]",
            f"allowed_user_ids = [{ADMIN}]",
        )
        installed.restart()
        yield api
        machine.cut()  # so that nobody calls while the server goes


def test_the_token_reaches_the_daemon_and_nobody_else(api: BotApi, vigentd: Vigentd) -> None:
    machine = vigentd.machine
    until(lambda: len(api.calls), "the bot to call", 60)  # the server takes no other token
    assert vigentd.client.get("/status")["telegram"]
    told = [machine.journal(), vigentd.systemctl("show", UNIT), machine.says("systemctl", "cat", UNIT)]
    for process in machine.says("pgrep", "-u", "vigentd").split():
        told += [machine.says("cat", f"/proc/{process}/{file}") for file in ("environ", "cmdline")]
    token = api.token.partition(":")[2]
    assert len(told) > 5 and not any(token in text for text in told)
    assert machine.run("cat", TOKEN_FILE, user="nobody", check=False).returncode != 0


def test_the_admins_hear_of_a_service_that_does_not_come_back(
    api: BotApi, vigentd: Vigentd, times: Times
) -> None:
    """The configuration cannot be read: systemd gives up, and the daemon itself can tell nobody."""
    admin = api.person(ADMIN, "Ada")
    file = vigentd.machine.at(CONFIGURATION)
    good = file.read_text()
    file.write_text(f"{good}[queue\n")
    began = time.monotonic()
    vigentd.machine.run("systemctl", "restart", UNIT, check=False)
    failed_s = until(lambda: vigentd.shown("ActiveState")["ActiveState"] == "failed", "it to fail", 180)
    heard = admin.chat.wait_for(lambda m: next((x for x in m if x.from_bot and UNIT in x.text), None), 60)
    times.add("configuration broken", given_up=failed_s, admins_told=time.monotonic() - began)
    assert "has failed" in heard.text and "not valid TOML" in heard.text
    assert api.token.partition(":")[2] not in heard.text
    file.write_text(good)
    began = time.monotonic()
    vigentd.fresh()
    times.add("configuration mended", ready=time.monotonic() - began)
