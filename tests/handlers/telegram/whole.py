"""The whole daemon and a Bot API server: people send what they have, and get videos.

with whole(folder, clip) as (api, desk):
    anna = api.person(7, "Anna")
    with desk.daemon():
        ...
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.daemon.daemon_kit import Desk
from tests.handlers.telegram.botapi import BotApi, Message, Person

ADMIN = 1
SOON_S = 60.0  # when all is well it is far less, and only the failure of a test is waited for
LATE_S = 150.0  # a job, on a machine that has other things to do


@contextmanager
def whole(
    folder: Path, clip: Path, people: range = range(1, 10), **server: object
) -> Iterator[tuple[BotApi, Desk]]:
    """people: the ids of those who may use the bot; ADMIN is one."""
    with BotApi(**server) as api:  # type: ignore[arg-type]
        said = {
            "TOKEN": api.token,
            "BASE_URL": api.base_url,
            "BASE_FILE_URL": api.base_file_url,
            "LOCAL_MODE": str(api.state.local_mode).lower(),
            "ADMIN_USER_IDS": str(ADMIN),
            "ALLOWED_USER_IDS": ",".join(map(str, people)),
        }
        yield api, Desk(folder, clip, {f"VIGENTD_TELEGRAM__{key}": value for key, value in said.items()})


def from_bot(messages: list[Message]) -> list[Message]:
    return [m for m in messages if m.from_bot and not m.deleted]


def with_button(messages: list[Message], begin: str) -> Message | None:
    """The newest of the bot's messages with a button whose data begins so."""
    for message in reversed(from_bot(messages)):
        if any(b.data.startswith(begin) for row in message.buttons for b in row):
            return message
    return None


def button(message: Message, begin: str) -> str:
    return next(b.data for row in message.buttons for b in row if b.data.startswith(begin))


def videos(messages: list[Message]) -> list[Message]:
    return [m for m in from_bot(messages) if m.kind == "video"]


def newest(desk: Desk) -> str:
    with desk.queue() as queue:
        return queue.list(1)[0].id


@dataclass
class Author:
    """Somebody who wants one video, and gets it whatever happens to the bot meanwhile."""

    person: Person
    clip: Path
    chance: random.Random = field(default_factory=random.Random)
    script: str = "Hello."

    def ask(self) -> Message:
        """Sends clip and script in one of the ways. Returns the message to which the video answers."""
        chat = self.person
        way = self.chance.choice(("caption", "clip first", "script first", "document"))
        if way == "caption":
            return chat.send_video(self.clip, self.script)
        if way == "clip first":
            first = chat.send_video(self.clip)
            chat.send_text(self.script)
            return first
        if way == "script first":
            first = chat.send_text(self.script)
            chat.send_video(self.clip)
            return first
        first = chat.send_document(self.clip, "clip.mp4", "video/mp4")
        chat.send_document(self.script.encode(), "script.txt", "text/plain")
        return first

    def start(self, timeout: float = LATE_S) -> None:
        card = self.person.chat.wait_for(lambda m: with_button(m, "d.start:"), timeout)
        self.person.press(card, button(card, "d.start:"), wait=False)
        if self.chance.random() < 0.3:  # an impatient one
            self.person.press(card, button(card, "d.start:"), wait=False, stale=True)

    def receive(self, timeout: float = LATE_S) -> Message:
        """Waits for the video; says truly whether it came when the bot asks."""
        answered: set[int] = set()
        while True:
            found = self.person.chat.wait_for(lambda m: self._news(m, answered), timeout)
            if found.kind == "video":
                return found
            answered.add(found.id)
            number = button(found, "arrived:").split(":")[1]
            truth = "yes" if videos(self.person.chat.messages) else "no"
            self.person.press(found, f"arrived:{number}:{truth}", wait=False)

    def _news(self, messages: list[Message], answered: set[int]) -> Message | None:
        question = with_button([m for m in messages if m.id not in answered], "arrived:")
        return question or next(iter(videos(messages)), None)
