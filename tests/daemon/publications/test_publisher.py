"""The publisher's threads: a slow target holds up nobody, and a stop leaves what goes on later."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from daemon.config import Config
from daemon.publications.slots import Rules
from daemon.publications.tables import Standing
from daemon.queue import Queue
from handlers.publish.target import Memo, Receipt, Text, Video
from models.errors import Unavailable
from models.progress import Progress
from tests.daemon.publications.kit import House, Site


class Slow(Site):
    """Sends nothing until it is stopped, and all at once when it is asked again."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.waits = True

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        memo.put(sent=1)
        self.began.set()
        while self.waits:
            progress.check()
            threading.Event().wait(0.01)
        return super().publish(video, text, key, memo, progress)


@pytest.fixture
def home(config: Config, queue: Queue) -> Iterator[House]:
    house = House(queue, config.database, [Rules("slow"), Rules("quick")], slow=Slow(), quick=Site())
    yield house
    house.publisher.stop()
    house.close()


def until(house: House, job: str, target: str, state: Standing) -> None:
    for _ in range(6000):
        if house.book.get(house.of(job, target)).state == state:
            return
        threading.Event().wait(0.01)
    pytest.fail(f"never {state}")


def test_a_slow_target_holds_up_no_other_and_goes_on_after_a_stop(home: House) -> None:
    slow = home.sites["slow"]
    assert isinstance(slow, Slow)
    job = home.job("slow", "quick")
    home.publisher.look()
    home.publisher.start()
    assert slow.began.wait(60)
    until(home, job, "quick", Standing.PUBLISHED)
    states = {one.name: one.state for one in home.publisher.health()}
    assert states["publish:slow"] == "busy"
    home.publisher.stop()
    row = home.book.get(home.of(job, "slow"))
    assert row.state == Standing.APPROVED and row.memo == {"sent": 1}
    slow.waits = False
    home.restart()
    home.publisher.start()
    until(home, job, "slow", Standing.PUBLISHED)
    assert list(slow.arrived.values()) == [1]


def test_a_receipt_that_could_not_be_written_is_found_out_and_nothing_sent_again(home: House) -> None:
    broken: list[str] = []

    def full_once(place: str) -> BaseException | None:
        if home.sites["quick"].arrived and place == "before a transaction" and not broken:
            broken.append(place)
            return Unavailable("The disk is full", code="disk_full")
        return None

    home.faults.at = full_once
    job = home.job("quick")
    home.publisher.look()
    home.publisher.start()
    for _ in range(6000):
        home.publisher.wake()
        if home.book.get(home.of(job, "quick")).state == Standing.PUBLISHED:
            break
        threading.Event().wait(0.01)
    assert broken and list(home.sites["quick"].arrived.values()) == [1]
    names = [event.name for event in home.book.events(home.of(job, "quick"))]
    assert names[-3:] == ["unsure", "settling", "published"]
