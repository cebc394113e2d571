"""One sentence, take after take: each with a seed of its own, until one can be what was asked for."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.audio import faded, levelled, voiced_spans
from models.engine import Audio
from models.errors import StageFailed
from models.progress import Progress, Share
from models.qwen3.casting import Role
from models.qwen3.misheard import misheard
from models.qwen3.model import FRAMES_PER_S, RATE, SHOWN, Model
from models.qwen3.stock import VoiceClonePromptItem
from models.qwen3.verdict import cap_s, expected_s, fault
from models.reading import read
from models.shortened import shortened

LEAD_S, TAIL_S = 0.06, 0.12  # kept around the voice: a soft consonant is below what counts as voice
HEARD = 0.15  # share of the work that listening is

# (wav, rate, language, progress) → the text that was heard
Listen = Callable[[Audio, int, str, Progress], str]


@dataclass(frozen=True)
class Line:
    """text: as it is read; shown: as it is written. language: as the job calls it; spoken: as the model."""

    text: str
    shown: str
    language: str
    spoken: str


@dataclass(frozen=True)
class Direction:
    """tries: at most. listen: None: nobody does; listener: who does. max_error: share of the characters."""

    tries: int
    listen: Listen | None = None
    listener: str = ""
    max_error: float = 0.3

    @property
    def heard_by(self) -> list[Any] | None:
        """What decides which take it is, beside the seed."""
        return None if self.listen is None else [self.listener, self.max_error]


@dataclass
class Tally:
    """kept, spoken: sentences; tries, frames: what the spoken ones took."""

    kept: int = 0
    spoken: int = 0
    tries: int = 0
    frames: int = 0

    def add(self, other: Tally) -> None:
        self.kept += other.kept
        self.spoken += other.spoken
        self.tries += other.tries
        self.frames += other.frames

    def told(self, seconds: float) -> str:
        """ "3 kept, 2 spoken in 4 tries, 110 codec frames in 2.1 s, 4.19 s of sound a second"."""
        tries = "1 try" if self.tries == 1 else f"{self.tries} tries"
        made = f"{self.spoken} spoken in {tries}, {self.frames} codec frames in {seconds:.1f} s"
        speed = f", {self.frames / FRAMES_PER_S / seconds:.2f} s of sound a second"
        return f"{self.kept} kept, {made}{speed}" if self.spoken else f"{self.kept} kept, none spoken"


def seed_of(seed: int, line: Line, take: int) -> int:
    """Of the job's seed. Neither the sentences around it nor its place decide it."""
    told = json.dumps([seed, line.text, line.spoken, take])
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big") >> 1


def perform(
    model: Model,
    line: Line,
    role: Role,
    prompt: VoiceClonePromptItem | None,
    direction: Direction,
    seed: int,
    progress: Progress,
    tally: Tally,
) -> Audio:
    """At RATE, at the common loudness, without the silence around it.

    progress: its 0…1 is this sentence. Raises StageFailed `sentence_unspeakable`, and what `progress` raises.
    """
    making, hearing = Share(progress, 0, 1 - HEARD), Share(progress, 1 - HEARD, 1)
    cap, expected = math.ceil(cap_s(line.text) * FRAMES_PER_S), expected_s(line.text) * FRAMES_PER_S
    furthest, why = 0.0, ""

    def beat(made: int) -> None:
        nonlocal furthest
        furthest = max(furthest, min(made / expected, 0.95))  # another take does not go back
        making.step(furthest, 1)

    tally.spoken += 1
    for take in range(direction.tries):
        taken = model.say(line.text, line.spoken, role, prompt, seed_of(seed, line, take), cap, beat)
        tally.tries += 1
        tally.frames += taken.frames
        why = fault(taken.wav, RATE, line.text, taken.capped)
        if not why and direction.listen is not None:
            heard = direction.listen(taken.wav, RATE, line.language, hearing)
            why = misheard(line.text, read(heard, line.language).text, direction.max_error) and misheard(
                line.shown, heard, direction.max_error
            )
        if not why:
            return _trimmed(taken.wav)
    tries = "its only try" if direction.tries == 1 else f"the last of {direction.tries} tries"
    raise StageFailed(
        f"The sentence “{shortened(line.shown, SHOWN)}” could not be spoken: {tries} {why}",
        code="sentence_unspeakable",
        hint="Write it in other words or as two sentences, choose another seed, or raise speech.tries",
    )


def _trimmed(wav: Audio) -> Audio:
    spans = voiced_spans(wav, RATE)
    begin, end = max(spans[0][0] - LEAD_S, 0.0), spans[-1][1] + TAIL_S
    return faded(levelled(np.asarray(wav[int(begin * RATE) : int(end * RATE)], np.float32), RATE), RATE)
