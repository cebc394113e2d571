"""A year of slots, with restarts: each is used once, by the next in order, also where the clock leaps."""

from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from daemon.config import Config
from daemon.jobs import iso
from daemon.publications.cron import Cron
from daemon.publications.slots import Rules, Slot
from daemon.publications.tables import Publication, Standing
from daemon.queue import Queue
from tests.daemon.publications.kit import House, Site

# Each has one slot that is leapt over once a year, one within the hour that comes twice, and a plain one.
CRONS = ("30 2 * * *", "30 1 * * *", "0 18 * * mon-fri")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


def year(config: Config, queue: Queue, begin: dt.datetime, end: dt.datetime, seed: int = 1) -> None:
    dice = random.Random(seed)
    rules = [
        Rules(f"t{n}", zone=ZoneInfo(zone), slots=tuple(Slot(Cron.of(c), ZoneInfo(zone)) for c in CRONS))
        for n, zone in enumerate(ZONES)
    ]
    home = House(queue, config.database, rules, **{one.name: Site() for one in rules})
    home.time.now = begin
    home.look()
    expected = {one.name: [iso(moment) for moment in one.moments(begin, end)] for one in rules}
    most = max(map(len, expected.values())) + 3  # more than there are slots for
    with queue.database.writing():  # one transaction: it is not the queue that is tried
        jobs = [home.job(*expected) for _ in range(most)]
    while home.time.now < end:
        home.time.now = min(home.time.now + dt.timedelta(minutes=dice.choice([7, 31, 59, 200, 700])), end)
        if dice.random() < 0.1:
            home.restart()
        home.look()
    for name, moments in expected.items():
        with queue.database.reading() as s:
            used = s.exec(
                select(Publication.slot, Publication.job_id, Publication.key)
                .where(Publication.target == name, Publication.state == Standing.PUBLISHED)
                .order_by(col(Publication.place))
            ).all()
        assert [slot for slot, _, _ in used] == moments
        assert [job for _, job, _ in used] == jobs[: len(moments)]
        assert home.sites[name].order == [key for _, _, key in used]
    home.close()


def test_the_days_in_which_an_hour_comes_twice(config: Config, queue: Queue) -> None:
    year(config, queue, dt.datetime(2026, 10, 30, tzinfo=dt.UTC), dt.datetime(2026, 11, 3, tzinfo=dt.UTC))


def test_the_days_in_which_an_hour_is_leapt_over(config: Config, queue: Queue) -> None:
    year(config, queue, dt.datetime(2026, 3, 28, tzinfo=dt.UTC), dt.datetime(2026, 3, 31, tzinfo=dt.UTC))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_year(config: Config, queue: Queue) -> None:
    year(config, queue, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
