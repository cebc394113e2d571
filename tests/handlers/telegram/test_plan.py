"""/schedule alone: the coming week in words and as a picture; /publish pause and resume."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from daemon import demo
from handlers.telegram.door import calendar
from handlers.telegram.incoming import Where
from models.progress import Quiet
from tests.handlers.telegram.commanding import OFFICE
from tests.handlers.telegram.publishing_kit import Newsroom, slot, target
from tests.handlers.telegram.talking import BO, GROUP, ROOT

HOME = Where(BO.id)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.clip(tmp_path_factory.mktemp("album"), (90, 160), 1)


@pytest.fixture
def room(tmp_path: Path, clip: Path) -> Iterator[Newsroom]:
    opened = Newsroom(
        tmp_path, clip, target("site", approve=True), target("blog"), slot("site", "0 18 * * *")
    )
    yield opened
    opened.close()


def week(room: Newsroom) -> dict[str, Any]:
    """As the picture is asked for."""
    (errand,) = (errand for errand in room.bot.runs_errands() if errand.kind == "calendar")
    return dict(errand.facts["week"])


def test_the_week_in_words(room: Newsroom) -> None:
    room.made("Good morning.", "site")
    room.made("Of Bo", "site", by=BO)
    room.made("Tomorrow", "blog", publish_at=room.bot.now + dt.timedelta(hours=25))
    room.looks()
    room.bot.says("/schedule")
    head, wait, others, today, tomorrow = room.bot.sees().split("\n\n")[:5]
    assert head == "The coming week (Europe/Berlin)"
    assert wait == "To be approved\n📤 1. Good morning. → site"
    assert others == "Of others, 1 more wait for somebody." and "Of Bo" not in room.bot.sees()
    assert today == "Mon 23 Nov\nfree: 18:00 site"
    assert tomorrow == "Tue 24 Nov\n10:00 Tomorrow → blog\nfree: 18:00 site"
    assert room.bot.labels() == ["1"], "only admins pause"


def test_a_number_opens_the_card_here(room: Newsroom) -> None:
    job = room.made("Good morning.", "site")
    room.looks()
    room.bot.says("/schedule")
    room.bot.taps("1")
    assert room.bot.sees().startswith("📤 May this go to site?")
    assert room.bot.sees_all().count("May this go to site?") == 1, "the one further up is gone"
    room.bot.taps("Approve")
    assert "approved by Anna" in room.bot.sees() and room.only(job).approval


def test_nothing_is_planned(tmp_path: Path, clip: Path) -> None:
    room = Newsroom(tmp_path, clip, target("blog"))
    room.bot.says("/schedule")
    assert room.bot.sees() == "The coming week (Europe/Berlin)\n\nNothing is planned."
    room.close()


def test_what_has_no_time_says_why(room: Newsroom) -> None:
    room.made("Good morning.", "blog")
    room.looks()
    room.book.pause("blog", "Root")
    room.bot.says("/schedule")
    assert "Without a time\n• Good morning. → blog (paused)\n\n⏸ Paused: blog" in room.bot.sees()


def test_admins_see_all_but_not_in_a_group(room: Newsroom) -> None:
    room.made("Of Bo", "site", by=BO)
    room.looks()
    room.bot.says("/schedule", by=ROOT)
    assert "1. Of Bo → site" in room.bot.sees(OFFICE)
    room.bot.says("/schedule", by=ROOT, where=GROUP)
    assert "Of Bo" not in room.bot.sees(GROUP) and "Of Bo" not in str(week_of(room, GROUP))


def test_a_message_has_room_for_a_long_plan(tmp_path: Path, clip: Path) -> None:
    long = "a-name-of-forty-characters-for-a-target0"
    room = Newsroom(tmp_path, clip, target(long, per_day=3))
    for n in range(40):
        room.made(f"{n}" + "x" * 80, long, publish_at=room.bot.now + dt.timedelta(hours=4 * n))
    room.looks()
    room.bot.says("/schedule")
    assert len(room.bot.content(room.bot.messages()[-1].key).text) < 4096 and "…" in room.bot.sees()
    room.close()


def week_of(room: Newsroom, where: Where) -> dict[str, Any]:
    found = [one for one in room.bot.runs_errands() if one.facts.get("chat_id") == where.chat_id]
    return dict(found[-1].facts["week"])


def test_targets_are_paused_and_resumed_by_admins(room: Newsroom) -> None:
    room.bot.says("/publish pause site", by=ROOT)
    assert room.bot.sees(OFFICE) == "⏸ Nothing goes to site until it is resumed."
    assert room.book.target("site").paused_by == "Root (Telegram)"
    room.bot.says("/schedule", by=ROOT)
    room.bot.taps("Resume site", by=ROOT, where=OFFICE)
    assert room.book.target("site").paused_by is None and "Pause site" in str(room.bot.labels(OFFICE))
    forged = next(b for b in room.bot.content(room.bot.messages(OFFICE)[-1].key).buttons[-1]).data
    assert "Only an admin" in room.bot.presses_data(forged, under=1)
    room.bot.says("/publish pause site")
    assert "Only an admin" in room.bot.sees() and room.book.target("site").paused_by is None
    room.bot.says("/publish pause elsewhere", by=ROOT)
    assert "There is: site, blog" in room.bot.sees(OFFICE)


@pytest.mark.parametrize("many", [0, 3, 20])
def test_the_week_as_a_picture(room: Newsroom, tmp_path: Path, many: int) -> None:
    for n in range(many):
        at = room.bot.now + dt.timedelta(hours=4 * n)
        room.made(f"第{n}集：城市早餐的故事，关于豆浆与油条的一切，还有更多", "blog", by=BO, publish_at=at)
    room.looks()
    room.bot.says("/schedule", by=BO)
    assert room.bot.sees(HOME).startswith("未来一周（Europe/Berlin）")
    asked = week(room)
    assert [day["name"] for day in asked["days"]][:2] == ["周一", "周二"]
    assert sum(one["kind"] == "taken" for day in asked["days"] for one in day["entries"]) == many
    out = tmp_path / "week.png"
    config = room.bot.house.config.model_dump(mode="json")
    calendar.calendar(None, {"config": config, "week": asked, "out": str(out)}, Quiet())
    with Image.open(out) as picture:
        assert picture.width == 1080 and 800 < picture.height < 3000
        colours = {colour for _, colour in picture.convert("RGB").getcolors(2**24) or []}
    assert (47, 111, 222) in colours, "site's slots are blue"


def test_a_day_that_is_full_shows_videos_before_slots() -> None:
    free = [{"time": f"{n:02}:00", "label": "free", "target": "a", "kind": "free"} for n in range(6)]
    taken = [{"time": f"{n + 10}:00", "label": "x", "target": "a", "kind": "taken"} for n in range(4)]
    shown = calendar._shortened(free + taken)
    assert len(shown) == calendar.MOST and [one["kind"] for one in shown] == ["free", *["taken"] * 4, "more"]
    assert shown[-1]["n"] == 5
