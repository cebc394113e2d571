"""What one intake waits for is its own; what was taken up is finished, whatever its inbox is called now."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from handlers.inbox.house import House
from handlers.inbox.inboxes import Foreground, Inboxes
from models.errors import StageFailed, Unavailable
from tests.handlers.inbox.inbox_kit import PATIENCE_S, HereDoor, Stand

pytestmark = pytest.mark.usefixtures("swift")

StandWith = Callable[..., Any]


def test_a_script_whose_presenter_is_missing_keeps_no_pair_waiting(
    stand_with: StandWith, tmp_path: Path
) -> None:
    presenter = tmp_path / "anna.mp4"
    with stand_with(presenter=str(presenter), wait_for_clip=0) as stand, stand.running():
        stand.drop("alone.txt", b"All alone.")
        stand.until(lambda: "presenter" in stand.inbox.why)
        stand.drop_pair("monday")
        (job,) = stand.until_jobs(1)
        assert job.label == "Good morning. This is the news."
        presenter.write_bytes(stand.clip())
        assert stand.until_jobs(2)[-1].label == "All alone."
        stand.until(lambda: stand.inbox.why == "")


def test_while_nobody_can_look_nothing_is_refused(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.inbox.course.SOON_S", 0.1)
    stand.door.away = Unavailable("The checking process is loading", code="engine_away")
    with stand.running():
        stand.drop_pair("monday")
        stand.until(lambda: "loading" in stand.inbox.why)
        stand.door.away = None
        stand.until_jobs(1)
        stand.until(lambda: stand.inbox.why == "")
    assert not (stand.root / "failed").exists()


def test_what_cannot_be_looked_at_three_times_is_refused(stand: Stand) -> None:
    stand.door.away = StageFailed("the process broke")
    with stand.running():
        stand.drop_pair("monday")
        stand.until_settled("failed")
    assert "broke" in stand.text("failed/monday.error.txt")


def test_who_retries_and_moves_the_files_back_too_gets_one_video(stand: Stand) -> None:
    with stand.running():
        stand.drop_pair("monday")
        (job,) = stand.until_jobs(1)
        stand.fail(job.id)
        stand.until_settled("failed")
        stand.queue.retry(job.id)
        for name in ("monday.txt", "monday.mp4"):
            shutil.move(stand.root / "failed" / name, stand.root / name)
        stand.until(lambda: Path(stand.queue.get(job.id).spec["clip"]).exists())
        stand.make(job.id)
        stand.until_settled("done")
    assert stand.queue.count() == 1 and "outbox/monday.mp4" in stand.tree()
    assert not (stand.root / "duplicates").exists()


def test_whoever_wants_all_made_gets_two_rows_that_are_alike(stand_with: StandWith) -> None:
    with stand_with(duplicates="make") as stand, stand.running():
        stand.drop_clip("anna.mp4")
        stand.drop("week.csv", b"name,script,clip\na,Hello.,anna.mp4\nb,Hello.,anna.mp4\n")
        assert len(stand.until_jobs(2)) == 2


def test_a_retry_in_the_foreground_puts_everything_in_its_place(stand: Stand) -> None:
    with stand.running():
        stand.drop_pair("monday")
        (job,) = stand.until_jobs(1)
        stand.fail(job.id)
        stand.until_settled("failed")
    stand.queue.retry(job.id)
    foreground = Foreground(stand.config, stand.queue)
    foreground.bring_back(job.id)
    assert Path(job.spec["clip"]).exists()
    stand.make(job.id)
    foreground.leave(job.id)
    assert "outbox/monday.mp4" in stand.tree() and "done/monday.txt" in stand.tree()


# ---------------------------------------------------------------- the configuration changes


def _inboxes(stand: Stand, door: HereDoor | None = None) -> Inboxes:
    return Inboxes(House(stand.config, stand.queue, door or stand.door, stand.log))


def _renamed(stand: Stand, name: str) -> Config:
    inbox = stand.config.inbox[0].model_copy(update={"name": name})
    return stand.config.model_copy(update={"inbox": (inbox,)})


def test_an_inbox_under_a_new_name_finishes_what_it_took_up(stand: Stand) -> None:
    with stand.running():
        stand.drop_pair("monday")
        (job,) = stand.until_jobs(1)
    inboxes = _inboxes(stand)
    inboxes.reload(_renamed(stand, "news"))
    try:
        stand.until(lambda: inboxes.status()[0]["at_work"])
        stand.make(job.id)
        inboxes.job_left()
        stand.until(lambda: inboxes.status()[0]["counts"]["done"] == 1)
    finally:
        inboxes.stop()
    assert "outbox/monday.mp4" in stand.tree()


def test_of_an_inbox_that_is_gone_it_is_said_what_it_still_has(stand: Stand) -> None:
    with stand.running():
        stand.drop_pair("monday")
        stand.until_jobs(1)
    inboxes = _inboxes(stand)
    inboxes.reload(stand.config.model_copy(update={"inbox": ()}))
    (gone,) = inboxes.status()
    inboxes.stop()
    assert gone["state"] == "gone" and gone["at_work"][0]["name"] == "monday" and gone["why"]
    assert "inbox_gone" in [name for name, _ in stand.log.lines]


class SlowDoor(HereDoor):
    """Whoever comes first is kept waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.come, self.go = threading.Event(), threading.Event()

    def at_the_door(self, *asked: Any) -> Any:
        if not self.come.is_set():
            self.come.set()
            assert self.go.wait(PATIENCE_S)
        return super().at_the_door(*asked)


def test_a_new_configuration_waits_for_the_thread_that_still_has_files_in_its_hands(stand: Stand) -> None:
    door = SlowDoor()
    inboxes = _inboxes(stand, door)
    inboxes.start()
    try:
        stand.drop_pair("monday")
        assert door.come.wait(PATIENCE_S)
        inboxes.reload(_renamed(stand, "news"))  # comes back at once
        stand.drop_pair("tuesday", b"Another day.")
        assert stand.queue.count() == 0
        door.go.set()
        stand.until_jobs(2)
    finally:
        door.go.set()
        inboxes.stop()
    assert [name for name, _ in stand.log.lines].count("inbox_taken") == 2


def test_the_jobs_of_an_inbox_whose_disk_is_away_are_known(stand: Stand) -> None:
    inboxes = _inboxes(stand)
    inboxes.start()
    try:
        stand.until(lambda: (stand.root / ".work").exists())
        assert inboxes.away() == {}
        stand.root.rename(stand.folder / "unmounted")
        stand.until(lambda: "inbox:daily" in inboxes.away())
        (stand.folder / "unmounted").rename(stand.root)
        stand.until(lambda: inboxes.away() == {})
    finally:
        inboxes.stop()
