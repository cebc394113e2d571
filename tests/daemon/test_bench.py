"""The bench's own instruments."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.benches import inbox
from daemon.benches.draft import SPOKEN_CHARACTERS_PER_S, _peak_rss, script_of
from daemon.benches.past import invent
from daemon.benches.queue import Spread
from daemon.benches.watched import Watched
from daemon.config import Config
from daemon.jobs import State
from daemon.queue import Queue
from handlers.inbox.ledger import Ledger
from tests.daemon.conftest import Cli
from tests.media_kit import pattern


def test_memory_of_child_processes_counts() -> None:
    """A child that takes 100 MB, and a grandchild that takes 100 MB more at the same time."""
    eat = "import sys; big = bytearray(100_000_000); "
    grandchild = f"{eat} sys.stdin.read()"
    child = f"{eat} import subprocess; subprocess.run([sys.executable, '-c', {grandchild!r}], timeout=1)"
    process = subprocess.Popen(
        [sys.executable, "-c", child], stderr=subprocess.DEVNULL, stdin=subprocess.PIPE
    )
    with process:
        peak = _peak_rss(process)
    assert 200e6 < peak < 300e6


def test_a_script_is_about_as_long_as_asked() -> None:
    for seconds in (10, 120):
        assert 1.0 <= len(script_of(seconds)) / (seconds * SPOKEN_CHARACTERS_PER_S) < 1.7


def test_the_videos_are_made_with_the_configuration_that_was_named(cli: Cli, tmp_path: Path) -> None:
    """Here it allows scripts of five characters, so that it shows at once."""
    named = tmp_path / "other.toml"
    named.write_text("[limits]\nscript_chars = 5")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"not looked at")
    said = cli("--config", "other.toml", "bench", "draft", "--clip", str(clip), "--seconds", "1", "--json")
    assert said.code == 1
    assert "at most 5 are allowed" in said.json[0]["error"]


@pytest.mark.parametrize(
    ("line", "lost_twice_late"),
    [
        ("abc", (0, 0, 0)),
        ("acb", (0, 0, 1)),
        ("cab", (0, 0, 2)),
        ("ab", (1, 0, 0)),
        ("abbc", (0, 1, 0)),
        ("same", (0, 0, 0)),
    ],
)
def test_a_flood_is_judged(line: str, lost_twice_late: tuple[int, int, int]) -> None:
    complete = dict.fromkeys("same", 5) if line == "same" else {"a": 1, "b": 2, "c": 3}
    assert inbox.judged(line, complete) == lost_twice_late


def test_what_is_worse_than_it_may_be_is_said() -> None:
    flood = inbox.Flood(5, 0.1, 1.0, 5.0, lost=0, twice=1, late=2, daemon_cpu_s=0.1, door_cpu_s=0.1)
    soon = {"clip last": Spread(100, 900, 1001), "script last": Spread(100, 999, 1000)}
    figures = inbox.Figures(1.0, soon, flood, 10, 30, {"no inbox": 0.001, "10 files in done/": 0.006})
    assert figures.wrong == [
        "clip last: too late",
        "1 of 5 made twice",
        "2 of 5 out of order",
        "10 files in done/: the daemon does not rest",
    ]


@pytest.mark.slow
def test_what_is_dropped_gets_into_a_line_that_stands(tmp_path: Path) -> None:
    """What is measured is how files come in: nothing may work beside it until it is told to."""
    watched = Watched(tmp_path / "bench", settle_s=0.3)
    clip = pattern(tmp_path / "clip.mp4", seconds=1).read_bytes()
    try:
        with watched.running(held=True) as daemon:
            hand = inbox.Hand(watched, clip, large=2_000_000)
            flood = inbox._flood(watched, daemon, hand, 4, random.Random(1))
            assert (flood.lost, flood.twice, flood.late) == (0, 0, 0)
            for drop in (hand.script_last, hand.folder, hand.large_clip):
                assert inbox._one(watched, drop) > 0
            assert watched.queue.counts()[State.QUEUED] == watched.queue.count() == 7
            daemon.release()
            daemon.until(lambda: watched.queue.counts()[State.QUEUED] < 7, 30)
    finally:
        watched.close()


def test_an_invented_past_is_like_a_real_one(tmp_path: Path, config: Config, queue: Queue) -> None:
    (tmp_path / "in").mkdir()
    invent(tmp_path / "in", "daily", config, queue, files=10)
    ledger = Ledger(queue)
    assert len(list((tmp_path / "in/done").iterdir())) == 10
    assert ledger.counts("daily") == {"done": 5, "failed": 0, "duplicate": 0}
    assert not ledger.unsettled("daily") and queue.counts()[State.DONE] == 5
    keeper = ledger.keeper(queue.list()[0].id)
    assert keeper is not None and keeper[0].name == "old-4"
