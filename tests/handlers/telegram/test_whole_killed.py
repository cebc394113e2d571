"""The whole daemon with its bot, killed and in bad weather: everybody gets one video all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon import demo
from tests.daemon.daemon_kit import Daemon, Desk
from tests.handlers.telegram.botapi import Fault
from tests.handlers.telegram.storms import weather
from tests.handlers.telegram.whole import LATE_S, SOON_S, button, newest, videos, whole, with_button

MEDIUM = "Good morning. Here is the news."


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.clip(tmp_path_factory.mktemp("album"), (180, 320), 4)


STEPS = ("fetched", "drawn", "pressed", "made", "sent")


@dataclass
class Lives:
    """Of a daemon that is killed in some of the steps, and begun again."""

    desk: Desk
    deadly: Collection[str]
    stack: ExitStack
    daemon: Daemon | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[Daemon]:
        if self.daemon is None:
            self.daemon = self.stack.enter_context(self.desk.daemon())
        yield self.daemon
        if name in self.deadly:
            self.daemon.kill()
            self.daemon = None


@pytest.mark.parametrize(
    "deadly", [("pressed", "sent"), pytest.param(STEPS, marks=pytest.mark.slow)], ids="-".join
)
def test_killed_on_the_way_it_goes_on(tmp_path: Path, clip: Path, deadly: Collection[str]) -> None:
    """One video, on the way to which the daemon is killed where it can be."""
    with whole(tmp_path, clip) as (api, desk), ExitStack() as stack:
        lives, anna = Lives(desk, deadly, stack), api.person(2, "Anna")
        with lives.step("fetched"):  # while the clip is
            if "fetched" in deadly:
                api.faults.add(Fault("download", "slow", seconds=30))
            anna.send_video(clip, MEDIUM)
            if "fetched" in deadly:
                api.wait_for(lambda: ("download", "slow") in api.faults.struck, SOON_S)
        with lives.step("drawn"):  # when the card is there
            card = anna.chat.wait_for(lambda m: with_button(m, "d.start:"), SOON_S)
        with lives.step("pressed"):  # as soon as Start is
            pressed = anna.press(card, button(card, "d.start:"), wait=False)
            api.wait_until_confirmed(pressed.update_id)
        with lives.step("made") as daemon:  # in the middle of it
            anna.chat.wait_for(lambda m: with_button(m, "cancel:"), SOON_S)
            job_id = newest(desk)
            daemon.until_stage(job_id, "lipsync")
        api.faults.add(Fault("sendVideo", "late", seconds=30))
        with lives.step("sent"):  # when the video is there, and nobody knows
            anna.chat.wait_for(lambda m: next(iter(videos(m)), None), LATE_S)
        with lives.step("asked"):
            question = anna.chat.wait_for(lambda m: with_button(m, "arrived:"), SOON_S)
            anna.press(question, next(b.data for r in question.buttons for b in r if b.data.endswith("yes")))
            anna.chat.wait_for(lambda m: with_button(m, "arrived:") is None, SOON_S)
            anna.chat.wait_for(lambda m: any("Done in" in x.words for x in m), SOON_S)
        assert len(videos(anna.chat.messages)) == 1
        with desk.queue() as queue:
            assert queue.count() == 1


@pytest.mark.slow  # the usual suite has the worst of it above, one by one
def test_in_bad_weather_everybody_gets_one_video(tmp_path: Path, clip: Path) -> None:
    weather(tmp_path, clip, authors=2, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_in_bad_weather(tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = weather(tmp_path, clip, authors=200, seed=2)
    with capsys.disabled():
        print(f"\n{record}")
