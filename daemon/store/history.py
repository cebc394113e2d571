"""How long a job will take, from how long this machine took for others. Nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from daemon.jobs import StageTime
from pipeline.spec import JobSpec
from pipeline.stages import Stage

# Characters spoken in a second, pauses included; what is none of the former counts as Latin.
HAN_PER_S, KANA_PER_S, HANGUL_PER_S, LATIN_PER_S = 4.2, 7.0, 4.5, 14.5
SILENCE_S = 0.8  # before and after
UNKNOWN_S = 30.0  # nobody looks into a recording before its turn
ENOUGH = 0.5  # so much of the usual work has to be known


@dataclass(frozen=True)
class Expected:
    """weights: stage → expected seconds, in order. certain: from this machine's own past; when False,
    only their proportions mean something."""

    weights: dict[str, float]
    certain: bool


def amount(spec: JobSpec) -> float:
    """About how many seconds of video the job will give. Only to compare jobs with one another."""
    if not spec.script.strip():
        return UNKNOWN_S
    return SILENCE_S + sum(1 / _rate(character) for character in " ".join(spec.script.split()))


def expected(
    spec: JobSpec, engines: dict[str, str], steps: Sequence[Stage], times: Sequence[StageTime]
) -> Expected:
    """engines: stage → engine that will work on it (a stage without one is kept as ""). times: of any stages.

    A stage's time is the median of its last runs with this engine, for this much video. A stage without
    a past is as long, beside those that have one, as it usually is.
    """
    seconds_of_video = amount(spec)
    pace = {step.name: _pace(step.name, engines.get(step.name, ""), times) for step in steps}
    known = [(step.weight, found) for step in steps if (found := pace[step.name]) is not None]
    usual = sum(weight for weight, _ in known)
    scale = sum(found for _, found in known) / usual if usual else 1.0

    def seconds(step: Stage) -> float:
        found = pace[step.name]
        return seconds_of_video * (step.weight * scale if found is None else found)

    certain = bool(known) and usual >= ENOUGH * sum(step.weight for step in steps)
    return Expected({step.name: seconds(step) for step in steps}, certain)


def _pace(stage: str, engine: str, times: Sequence[StageTime]) -> float | None:
    """Seconds of work for a second of video."""
    runs = [
        time.seconds / time.amount_s
        for time in times
        if (time.stage, time.engine) == (stage, engine) and time.amount_s > 0
    ]
    return median(runs) if runs else None


def _rate(character: str) -> float:
    if "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf" or character >= "\U00020000":
        return HAN_PER_S
    if "\u3040" <= character <= "\u30ff":
        return KANA_PER_S
    if "\uac00" <= character <= "\ud7a3":
        return HANGUL_PER_S
    return LATIN_PER_S
