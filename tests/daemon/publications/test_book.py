"""The book: intent before, receipt after, and nothing is sent again before it is settled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from daemon.config import Config
from daemon.publications.book import Outdated, Proposal, Sending
from daemon.publications.cron import Cron
from daemon.publications.slots import Late, Quiet, Rules, Slot
from daemon.publications.tables import Standing
from daemon.queue import Queue
from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.target import Receipt, Video
from models.errors import BadInput, Cancelled
from tests.daemon.publications.kit import START, House, Killed, Site, lost

SITE = Rules("site")
DAILY = (Slot(Cron.of("0 18 * * *")),)
HOUR = 3600.0


Open = Callable[..., House]


@pytest.fixture
def house(config: Config, queue: Queue) -> Iterator[Open]:
    opened = []

    def open_house(rules: Rules = SITE, site: Site | None = None) -> House:
        opened.append(House(queue, config.database, [rules], site=site or Site()))
        return opened[-1]

    yield open_house
    for one in opened:
        one.close()


def test_a_job_that_is_done_is_published_once(house: Open) -> None:
    home = house()
    number_of = home.job("site")
    home.look()
    home.restart()
    home.look()
    row = home.book.get(home.of(number_of))
    assert row.state == Standing.PUBLISHED and home.sites["site"].arrived == {row.key: 1}
    names = [event.name for event in home.book.events(home.of(number_of))]
    assert names == ["proposed", "due", "sending", "put", "put", "published"]
    assert home.book.propose(home.book.job(number_of), "site", Proposal({})) == (row.number, False)
    with pytest.raises(BadInput, match="already"):
        home.book.approve(home.of(number_of), "anna")


def test_the_intent_is_written_before_anything_is_sent(house: Open) -> None:
    home, seen = house(), []
    home.sites["site"].faults.at = lambda place: seen.append((place, home.book.all()[0].state))
    home.job("site")
    home.look()
    assert seen[0] == ("before", "sending") and seen[-1] == ("accepted", "sending")


def test_accepted_and_never_told_is_found_and_not_sent_again(house: Open) -> None:
    home = house()
    home.sites["site"].faults.at = lost("accepted")
    job = home.job("site")
    home.look()
    row = home.book.get(home.of(job))
    assert row.state == Standing.PUBLISHED and home.sites["site"].arrived == {row.key: 1}


@pytest.mark.parametrize(("arrived", "answer"), [(True, "there"), (False, "again")])
def test_where_nobody_can_search_a_person_is_asked(house: Open, arrived: bool, answer: str) -> None:
    home = house(site=Site(searchable=False))
    home.sites["site"].faults.at = lost("accepted" if arrived else "piece")
    job = home.job("site")
    home.look()
    number = home.of(job)
    home.time.pass_by(24 * HOUR)
    home.restart()
    home.look()
    assert home.book.get(number).state == Standing.ASKED
    with pytest.raises(BadInput, match="is asked"):
        home.book.approve(number, "anna")
    getattr(home.book, answer)(number, "anna")
    home.look()
    assert home.book.get(number).state == Standing.PUBLISHED
    assert list(home.sites["site"].arrived.values()) == [1]


@pytest.mark.parametrize("place", ["before", "piece", "accepted"])
def test_killed_while_sending_it_is_settled_first(house: Open, place: str) -> None:
    home = house()
    home.sites["site"].faults.at = lambda _: NotSent("Nobody is there", wait_s=None)
    job = home.job("site")
    home.look()
    home.time.pass_by(60)
    home.sites["site"].faults.at = lambda here: Killed() if here == place else None
    with pytest.raises(Killed):
        home.look()
    home.sites["site"].faults.at = lambda here: None
    home.restart()
    number = home.of(job)
    row = home.book.get(number)
    assert (row.state, row.error) == (Standing.UNSURE, None), "what went wrong before is not why"
    home.look()
    assert list(home.sites["site"].arrived.values()) == [1]
    assert "settling" in [event.name for event in home.book.events(number)]


def test_who_is_away_is_tried_later_and_later(house: Open) -> None:
    home = house()
    home.sites["site"].faults.at = lambda here: NotSent("Nobody is there", wait_s=None)
    job = home.job("site")
    pauses = []
    for _ in range(3):
        home.look()
        again = dt.datetime.fromisoformat(str(home.book.get(home.of(job)).next_try))
        pauses.append((again - home.time.now).total_seconds())
        home.time.now = again - dt.timedelta(seconds=1)
        home.look()
        home.time.now = again
    assert pauses == [30, 60, 120] and home.book.get(home.of(job)).tries == 3
    home.sites["site"].faults.at = lambda here: NotSent("Not now", wait_s=5000)
    home.look()
    assert home.book.get(home.of(job)).next_try == "2026-11-23T13:26:50.000Z"
    assert home.book.taken("site", "2026-11-23") == 0


def test_a_spent_quota_holds_up_all_that_goes_there_and_nothing_is_tried_before(house: Open) -> None:
    home = house()
    until = START + dt.timedelta(hours=10)
    home.sites["site"].faults.at = lambda here: Spent("No more today", until=until)
    first, second = home.job("site"), home.job("site")
    home.look()
    assert [home.book.get(home.of(job)).tries for job in (first, second)] == [1, 0]
    home.sites["site"].faults.at = lambda here: None
    home.time.now = until - dt.timedelta(seconds=1)
    home.look()
    assert home.sites["site"].arrived == {}
    home.time.now = until
    home.look()
    assert home.sites["site"].order == [home.book.get(home.of(job)).key for job in (first, second)]


@pytest.mark.parametrize("error", [Login("Who are you"), Refused("Too long")])
def test_what_a_person_has_to_put_right_waits_for_one(house: Open, error: Exception) -> None:
    home = house()
    home.sites["site"].faults.at = lambda here: error
    job = home.job("site")
    home.look()
    home.time.pass_by(240 * HOUR)
    home.sites["site"].faults.at = lambda here: None
    home.look()
    assert home.book.get(home.of(job)).state == Standing.HELD and not home.sites["site"].arrived
    home.book.approve(home.of(job), "anna")
    home.look()
    assert home.book.get(home.of(job)).state == Standing.PUBLISHED


def test_a_word_about_what_somebody_else_has_settled_is_refused(house: Open) -> None:
    home = house()
    home.job("site")
    home.counter.propose_done()
    home.book.fall_due(SITE)
    claim = home.book.claim(SITE, searchable=True)
    assert claim is not None and home.book.claim(SITE, searchable=True) is None
    home.book.recover()
    with pytest.raises(Outdated):
        home.book.published(claim, Receipt("1"))
    with pytest.raises(Outdated):
        home.book.put(claim, {"a": 1})
    with pytest.raises(Outdated):
        home.book.failed(claim, NotSent("Nothing"))


def test_stopped_in_good_order_it_goes_on_by_its_memo(house: Open) -> None:
    home = house()
    pieces: list[str] = []

    def stop_once(here: str) -> Exception | None:
        pieces.append(here)
        return Cancelled() if pieces.count("piece") == 1 and here == "piece" else None

    home.sites["site"].faults.at = stop_once
    job = home.job("site")
    home.look()
    assert home.book.get(home.of(job)).state == Standing.PUBLISHED and pieces.count("piece") == 2


def test_while_it_cannot_be_found_out_it_is_not_sent(house: Open) -> None:
    home = house()
    home.sites["site"].faults.at = lambda here: {
        "accepted": Unsure("Who knows"),
        "find": NotSent("Nobody is there"),
    }.get(here)
    job = home.job("site")
    for _ in range(5):
        home.look()
        home.time.pass_by(10 * HOUR)
    assert home.book.get(home.of(job)).state == Standing.UNSURE
    assert list(home.sites["site"].arrived.values()) == [1]


def test_approval_edit_later_and_skip(house: Open) -> None:
    home = house(Rules("site", approve=True))
    first, second = home.job("site"), home.job("site")
    home.look()
    assert not home.sites["site"].arrived
    home.book.edit(home.of(first), "anna", {"title": "Better"})
    home.book.later(home.of(first), "anna", START + dt.timedelta(hours=2))
    home.book.approve(home.of(first), "anna")
    home.book.skip(home.of(second), "anna")
    home.look()
    assert not home.sites["site"].arrived
    home.time.pass_by(2 * HOUR)
    home.look()
    assert [row.state for row in home.book.all()] == [Standing.PUBLISHED, Standing.SKIPPED]
    assert home.book.get(home.of(first)).text["title"] == "Better"


def test_quiet_hours_days_and_pauses(house: Open) -> None:
    home = house(Rules("site", per_day=1, quiet=Quiet.of("22:00-07:00")))
    home.time.now = START + dt.timedelta(hours=11)  # 23:00
    for _ in range(3):
        home.job("site")
    counts = []
    for _ in range(3):
        home.look()
        counts.append(len(home.sites["site"].arrived))
        home.time.pass_by(9 * HOUR)
    home.book.pause("site", "anna")
    home.time.pass_by(30 * HOUR)
    home.look()
    counts.append(len(home.sites["site"].arrived))
    home.book.pause("site", None)
    home.look()
    counts.append(len(home.sites["site"].arrived))
    assert counts == [0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("late", "state", "arrived"),
    [("publish", "published", 1), ("next_slot", "approved", 0), ("ask", "held", 0)],
)
def test_what_was_missed_follows_the_policy(house: Open, late: Late, state: str, arrived: int) -> None:
    home = house(Rules("site", late=late, slots=DAILY))
    job = home.job("site")
    home.look()
    home.time.pass_by(10 * HOUR)  # 22:00
    home.restart()
    home.look()
    assert home.book.get(home.of(job)).state == state and len(home.sites["site"].arrived) == arrived
    home.time.now = START + dt.timedelta(hours=30)
    home.look()
    assert len(home.sites["site"].arrived) == (late != "ask")


def test_a_target_that_is_not_set_loses_nothing(house: Open) -> None:
    home = house()
    job = home.job("nowhere")
    home.look()
    row = home.book.get(home.of(job, "nowhere"))
    assert row.state == Standing.HELD and row.error and row.error["code"] == "unknown_target"


def test_a_video_that_is_gone_is_told_and_nothing_is_sent(house: Open) -> None:
    home = house()

    def gone(_: Sending) -> Video:
        raise BadInput("It is gone", code="video_gone")

    home.counter.video = gone  # type: ignore[method-assign]
    job = home.job("site")
    home.look()
    row = home.book.get(home.of(job))
    assert row.state == Standing.HELD and row.error and row.error["code"] == "video_gone"
    component = next(iter(home.publisher.health()))
    assert component.trouble == "It is gone" and component.state == "idle"
