"""The plan: what it says is what the publisher then does."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest

from daemon.config import Config
from daemon.publications.cron import Cron
from daemon.publications.plan import Plan, plan
from daemon.publications.slots import Quiet, Rules, Slot
from daemon.queue import Queue
from handlers.publish.errors import NotSent, Spent
from tests.daemon.publications.kit import START, House, Site

BERLIN, YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
STEP_S, DAYS = 1800, 4  # whatever happens here happens at whole half hours

Open = Callable[..., House]


@pytest.fixture
def house(config: Config, queue: Queue) -> Iterator[Open]:
    opened = []

    def open_house(*rules: Rules) -> House:
        opened.append(House(queue, config.database, rules, **{one.name: Site() for one in rules}))
        return opened[-1]

    yield open_house
    for one in opened:
        one.close()


def planned(home: House, days: int = 7) -> Plan:
    return plan(home.book, home.rules, home.time(), days)


def said(home: House, days: int = 1) -> list[str]:
    """ "23 18:00 job why", with "–" for a slot that nothing waits for."""
    lines = []
    for one in planned(home, days).dated:
        who = one.publication.job_id if one.publication else "–"
        lines.append(f"{f'{one.at:%d %H:%M}' if one.at else 'never'} {who} {one.why}".rstrip())
    return lines


def slots(*crons: str, zone: ZoneInfo = BERLIN) -> tuple[Slot, ...]:
    return tuple(Slot(Cron.of(cron), zone) for cron in crons)


def test_slots_are_taken_in_order_and_the_others_are_free(house: Open) -> None:
    home = house(Rules("site", zone=BERLIN, slots=slots("0 8,18 * * *")))
    first, second = home.job("site"), home.job("site", at=START + dt.timedelta(hours=20))
    home.publisher.look()
    assert said(home, 2) == [
        f"23 18:00 {first}",
        "24 08:00 –",
        f"24 09:00 {second}",
        "24 18:00 –",
        "25 08:00 –",
    ]


def test_what_waits_says_why(house: Open) -> None:
    rules = Rules("site", per_day=1, quiet=Quiet.of("11:00-14:00"), late="publish")
    home = house(rules)
    first, second = home.job("site"), home.job("site")
    home.publisher.look()
    assert said(home) == [f"23 14:00 {first} quiet", f"24 00:00 {second} full"]
    home.book.pause("site", "Anna")
    assert said(home) == [f"never {first} paused", f"never {second} paused"]
    home.book.pause("site", None)
    home.time.pass_by(2 * 3600)
    errors: list[Exception] = [Spent("Enough", until=START + dt.timedelta(hours=30))]
    home.sites["site"].faults.at = lambda _: errors.pop() if errors else None
    home.look()
    assert said(home) == [f"24 18:00 {first} spent", f"25 00:00 {second} full"]


def test_what_is_tried_again_has_its_time(house: Open) -> None:
    home = house(Rules("site"))
    job = home.job("site", at=START)
    errors: list[Exception] = [NotSent("Away", wait_s=7200)]
    home.sites["site"].faults.at = lambda _: errors.pop() if errors else None
    home.look()
    assert said(home) == [f"23 14:00 {job} retry"]
    home.time.pass_by(3 * 3600)
    assert said(home) == [f"23 15:00 {job}"], "no quota is used up"


def test_what_waits_for_a_person_and_what_goes_nowhere(house: Open) -> None:
    home = house(Rules("site", approve=True))
    home.job("site")
    home.job("elsewhere")
    home.publisher.look()
    shown = planned(home)
    assert shown.dated == () and [(one.target, one.why) for one in shown.waiting] == [
        ("site", ""),
        ("elsewhere", "gone"),
    ]


def test_a_day_that_never_comes(house: Open) -> None:
    home = house(Rules("shut", per_day=0))
    job = home.job("shut")
    home.publisher.look()
    assert said(home) == [f"never {job} full"]


def some_rules(chance: random.Random, name: str) -> Rules:
    crons = [f"{chance.choice(['0', '30', '0,30'])} {chance.randrange(24)} * * *" for _ in range(2)]
    return Rules(
        name,
        per_day=chance.choice([None, 1, 2]),
        quiet=chance.choice([None, Quiet.of("22:00-07:00"), Quiet.of("12:00-12:30")]),
        zone=chance.choice([BERLIN, YORK]),
        slots=slots(*crons) if chance.random() < 0.6 else (),
    )


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_what_it_says_is_what_happens(house: Open, seed: int) -> None:
    chance = random.Random(seed)
    home = house(some_rules(chance, "site"), some_rules(chance, "news"))
    for _ in range(7):
        at = START + dt.timedelta(seconds=STEP_S * chance.randrange(100)) if chance.random() < 0.5 else None
        home.job(chance.choice(["site", "news"]), at=at)
    home.publisher.look()
    foreseen = {one.publication.number: one.at for one in planned(home).dated if one.publication is not None}
    assert len(foreseen) == 7
    happened: dict[int | None, dt.datetime] = {}
    for _ in range(DAYS * 86400 // STEP_S):
        home.look()
        for row in home.book.all():
            if row.receipt is not None:
                happened.setdefault(row.number, home.time())
        home.time.pass_by(STEP_S)
    until = home.time()
    assert happened == {number: at for number, at in foreseen.items() if at is not None and at < until}
