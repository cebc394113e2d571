"""When a slot comes: on the clock on the wall, also on the two days a year on which that leaps."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from daemon.publications.cron import Cron
from daemon.publications.slots import Quiet, Rules, Slot

BERLIN, YORK, HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


def shown(cron: str, zone: ZoneInfo, start: str, count: int) -> list[str]:
    begin = dt.datetime.fromisoformat(start).replace(tzinfo=zone)
    found = islice(Cron.of(cron).after(begin, zone), count)
    return [one.astimezone(zone).isoformat(timespec="minutes") for one in found]


def test_a_slot_that_the_clock_leaps_over_comes_once_right_after() -> None:
    assert shown("30 2 * * *", BERLIN, "2026-03-28T12:00", 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-30T02:30+02:00",
    ]
    assert shown("*/30 * * * *", BERLIN, "2026-03-29T01:00", 3) == [
        "2026-03-29T01:30+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:30+02:00",
    ]
    assert shown("10 2 * * *", HOWE, "2026-10-03T12:00", 1) == ["2026-10-04T02:30+11:00"]


def test_a_slot_in_an_hour_that_comes_twice_comes_once() -> None:
    assert shown("30 1 * * *", YORK, "2026-10-31T12:00", 2) == [
        "2026-11-01T01:30-04:00",
        "2026-11-02T01:30-05:00",
    ]
    assert shown("0,30 1-3 * * *", YORK, "2026-11-01T00:30", 4) == [
        "2026-11-01T01:00-04:00",
        "2026-11-01T01:30-04:00",
        "2026-11-01T02:00-05:00",
        "2026-11-01T02:30-05:00",
    ]


def test_asked_within_the_second_of_two_hours_the_first_ones_do_not_come_again() -> None:
    second = dt.datetime(2026, 11, 1, 6, 10, tzinfo=dt.UTC)  # 01:10, for the second time
    assert next(Cron.of("30 1 * * *").after(second, YORK)) == dt.datetime(2026, 11, 2, 6, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 9 * * 0", "2026-11-29T09:00+00:00"),  # Sunday, as in cron
        ("0 9 * * 7", "2026-11-29T09:00+00:00"),
        ("0 9 * * mon-fri", "2026-11-23T09:00+00:00"),
        ("0 9 1 * tue", "2026-11-24T09:00+00:00"),  # either
        ("0 9 */2 * tue", "2026-12-01T09:00+00:00"),  # both
        ("5/20 8 * * *", "2026-11-23T08:05+00:00"),
        ("0 0 29 feb *", "2028-02-29T00:00+00:00"),
    ],
)
def test_the_fields_mean_what_they_mean_in_cron(cron: str, first: str) -> None:
    assert shown(cron, ZoneInfo("UTC"), "2026-11-23T00:00", 1) == [first]


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "60 * * * *", "* * 31 2 *", "5-1 * * * *", "*/0 * * * *", "a * * * *"]
)
def test_what_is_no_cron_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match="should be"):
        Cron.of(cron)


def test_slots_of_a_target_at_the_same_moment_are_one() -> None:
    rules = Rules("site", slots=(Slot(Cron.of("0 9 * * *"), BERLIN), Slot(Cron.of("0 8,9 * * *"))))
    begin = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    found = rules.moments(begin, begin + dt.timedelta(days=1))
    assert [one.hour for one in found] == [8, 9]


def test_quiet_hours_last_over_midnight() -> None:
    rules = Rules("site", quiet=Quiet.of("22:00-07:00"), zone=BERLIN)
    by_hour = [rules.is_quiet(dt.datetime(2026, 11, 23, hour, tzinfo=BERLIN)) for hour in (6, 7, 21, 22)]
    assert by_hour == [True, False, False, True]
    for wrong in ("22-7", "25:00-07:00", "07:00-07:00"):
        with pytest.raises(ValueError, match="two times of day"):
            Quiet.of(wrong)
