"""What a job is expected to take: from this machine's own past, and only where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import StageTime
from daemon.store.history import UNKNOWN_S, amount, expected
from pipeline.spec import JobSpec
from pipeline.stages import STAGES, Stage

STEPS = (Stage("speech", 1.0, "speech"), Stage("lipsync", 8.0, "lipsync"), Stage("verify", 1.0))
ENGINES = {"speech": "espeak", "lipsync": "mouthwarp"}


def spec(script: str, speech: Path | None = None) -> JobSpec:
    return JobSpec(script=script, clip=Path("/c.mp4"), speech=speech)


def took(stage: str, seconds: float, amount_s: float = 10.0, engine: str | None = None) -> StageTime:
    engine = ENGINES.get(stage, "") if engine is None else engine
    return StageTime(at="2026", stage=stage, engine=engine, seconds=seconds, amount_s=amount_s)


# ---------------------------------------------------------------- how much video


@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        ("Good morning, and here is what happened overnight in the world of machines.", 6),
        ("大家早上好，今天的新闻是这样的：一个小团队让一个大模型在很小的机器上运行。", 9),
        ("おはようございます。今日のニュースです。", 4),
        ("안녕하세요 오늘의 뉴스입니다", 3.5),
    ],
)
def test_a_script_gives_about_so_much_video(script: str, seconds: float) -> None:
    assert amount(spec(script)) == pytest.approx(seconds, rel=0.25)


def test_a_recording_without_a_script_is_of_unknown_length() -> None:
    assert amount(spec("", speech=Path("/me.wav"))) == UNKNOWN_S == 30
    assert amount(spec("Hi.", speech=Path("/me.wav"))) < 2


@given(st.text(), st.text(min_size=1))
def test_more_text_never_gives_less_video(some: str, more: str) -> None:
    if some.strip():
        assert 0 < amount(spec(some)) <= amount(spec(some + more))


# ---------------------------------------------------------------- how long


def test_without_a_past_nothing_is_certain_and_the_proportions_are_the_usual_ones() -> None:
    found = expected(spec("Hello there."), ENGINES, STEPS, [])
    assert not found.certain
    assert list(found.weights) == ["speech", "lipsync", "verify"]
    assert found.weights["lipsync"] == pytest.approx(8 * found.weights["speech"])


def test_the_median_of_the_last_runs_for_this_much_video() -> None:
    script = spec("Good morning. " * 40)
    times = [
        *(took("speech", s) for s in (1.0, 2.0, 90.0)),
        *(took("lipsync", s) for s in (20.0, 40.0)),
        took("verify", 1.0, amount_s=5.0),
    ]
    found = expected(script, ENGINES, STEPS, times)
    video = amount(script)
    assert found.certain
    assert found.weights == pytest.approx(
        {"speech": 0.2 * video, "lipsync": 3 * video, "verify": 0.2 * video}
    )


def test_another_engine_has_another_past() -> None:
    times = [took("lipsync", 100.0, engine="latentsync"), took("lipsync", 10.0)]
    script = spec("Good morning.")
    draft = expected(script, ENGINES, STEPS, times).weights["lipsync"]
    real = expected(script, ENGINES | {"lipsync": "latentsync"}, STEPS, times).weights["lipsync"]
    assert real == pytest.approx(10 * draft)


def test_a_stage_without_a_past_is_as_long_beside_the_others_as_usual() -> None:
    found = expected(spec("Good morning."), ENGINES, STEPS, [took("lipsync", 160.0)])
    assert found.certain
    assert found.weights["speech"] == pytest.approx(found.weights["lipsync"] / 8)


def test_a_past_of_the_smallest_stage_only_is_not_enough() -> None:
    """A job that failed in its first second says nothing about the minutes that others take."""
    found = expected(spec("Good morning."), {}, STAGES, [took("probe", 3.0)])
    assert not found.certain


def test_times_of_nothing_are_left_out() -> None:
    assert not expected(spec("Hi."), ENGINES, STEPS, [took("lipsync", 5.0, amount_s=0.0)]).certain
