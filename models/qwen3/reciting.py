"""A script, sentence by sentence: what is the same whoever speaks them, a model here or replicas."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from models.audio import silence
from models.engine import Audio, Sentence, Speech
from models.errors import BadInput
from models.progress import Progress, side_by_side
from models.qwen3.casting import AUTO, Role, cast, model_language, saved_voice, spoken_voices
from models.qwen3.checkpoint import Checkpoint
from models.qwen3.store import Store
from models.qwen3.takes import Line, Tally
from models.qwen3.verdict import expected_s
from models.reading import read
from models.voice_files import RATE
from models.voices import Voices
from models.words import tokens

NOTHING_S = 0.2  # of silence for a sentence in which there is nothing to say

Finish = Callable[[], Audio]  # waits for a sentence, without its pause


class Reciting(ABC):
    """Satisfies models.engine.SpeechEngine. fingerprint: of the weights.

    heard_by: who listens to each sentence, and how strictly; None: nobody. at_once: sentences that are begun
    before the first of them is waited for.
    """

    name = "qwen3"
    version = 2  # raise it with every change of the sound

    def __init__(
        self,
        checkpoint: Checkpoint,
        fingerprint: str,
        voices: Voices,
        heard_by: list[Any] | None,
        store: Store | None,
        at_once: int = 1,
    ) -> None:
        self.checkpoint, self.fingerprint = checkpoint, fingerprint
        self._voices, self._heard_by, self._store = voices, heard_by, store
        self._at_once = at_once
        self._role: Role | None = None  # who spoke last
        self._runs = ""  # when they did

    @property
    @abstractmethod
    def runs(self) -> str:
        """Whatever decides, beside the weights, which samples come of a seed."""

    @abstractmethod
    def warm_up(self) -> None:
        """Raises Unavailable."""

    @abstractmethod
    def begin(self, line: Line, role: Role, seed: int, progress: Progress, tally: Tally) -> Finish:
        """progress: its 0…1 is this sentence. What it gives raises StageFailed `sentence_unspeakable`, and
        what `progress` raises."""

    def told(self) -> str:
        """Of whoever speaks, for the log."""
        return ""

    # ------------------------------------------------------------ what it is

    def voices(self) -> list[str]:
        return spoken_voices(self.checkpoint, self._voices)

    def decided_by(self, voice: str) -> dict[str, str]:
        """Raises BadInput when there is no such voice."""
        saved = saved_voice(self.checkpoint, self._voices, voice)
        return {"weights": self.fingerprint, "runs": self.runs, "voice": saved.key if saved else ""}

    def remarks(self, sentences: Sequence[Sentence]) -> list[str]:
        """About the voice that spoke last."""
        role = self._role
        if role is None:
            return []
        if role.kind == "base" and role.saved is not None and not role.saved.text:
            return [
                f"The voice “{role.voice}” was saved without the text of its recording; with it, it would "
                "sound more alike (`vigentd voices add` with --text)"
            ]
        if role.kind == "voice_design" and len(sentences) > 1:
            return [
                "A described voice may sound a little different from sentence to sentence; a saved recording "
                'and speech.model = "1.7B-Base" keep it the same'
            ]
        return []

    # ------------------------------------------------------------ work

    def speak(
        self,
        sentences: Sequence[Sentence],
        voice: str,
        language: str,
        seed: int,
        progress: Progress,
        tone: str = "",
    ) -> Speech:
        """See models.engine.SpeechEngine. The same arguments give the same samples.

        A step for every codec frame; a sentence that is in the store takes one. Raises BadInput as
        `casting.cast`, `voice_unreadable`; StageFailed `sentence_unspeakable`; and what `progress` raises.
        """
        began, tally = time.perf_counter(), Tally()
        role = self._role = cast(self.checkpoint, self._voices, voice, tone, language)
        self._runs = self.runs
        lines = [self._line(sentence) for sentence in sentences]
        pieces: list[Audio] = []
        spans: list[tuple[float, float]] = []
        samples = 0
        with closing(self._spoken(lines, role, seed, progress, tally)) as spoken:
            for sentence, wav in zip(sentences, spoken, strict=True):
                pieces += [wav, silence(sentence.pause_s, RATE)]
                spans.append((samples / RATE, (samples + len(wav)) / RATE))
                samples += len(pieces[-2]) + len(pieces[-1])
        count = "1 sentence" if len(lines) == 1 else f"{len(lines)} sentences"
        note(f"{count}: {tally.told(time.perf_counter() - began)}{self.told()}")
        return Speech(np.concatenate(pieces) if pieces else silence(0, RATE), RATE, None, None, spans)

    def _spoken(
        self, lines: Sequence[Line], role: Role, seed: int, progress: Progress, tally: Tally
    ) -> Generator[Audio]:
        """Each without its pause, in order."""
        efforts = [expected_s(line.text) for line in lines]
        whole = sum(efforts) or 1.0
        parts = side_by_side(progress, *(effort / whole for effort in efforts))
        begun: deque[tuple[Finish, Progress]] = deque()

        def first() -> Audio:
            finish, part = begun.popleft()
            wav = finish()
            part.step(1, 1)
            return wav

        for line, part in zip(lines, parts, strict=True):
            begun.append((self._begun(line, role, seed, part, tally), part))
            if len(begun) == self._at_once:
                yield first()
        while begun:
            yield first()

    def _begun(self, line: Line, role: Role, seed: int, progress: Progress, tally: Tally) -> Finish:
        """Unless it is kept, or nothing."""
        if not tokens(line.text):
            return lambda: silence(NOTHING_S, RATE)
        decided_by = self._decides(line, role, seed)
        kept = self._store.get(decided_by) if self._store else None
        if kept is not None:
            tally.kept += 1
            return lambda: kept
        finish = self.begin(line, role, seed, progress, tally)

        def finished() -> Audio:
            wav = finish()
            if self._store is not None:
                self._store.put(decided_by, wav)
            return wav

        return finished

    def _decides(self, line: Line, role: Role, seed: int) -> dict[str, Any]:
        return {
            "engine": [self.name, self.version, self.fingerprint, self._runs],
            "voice": [role.kind, role.speaker, role.instruct, role.saved.key if role.saved else ""],
            "text": [line.text, line.spoken],
            "seed": seed,
            "heard": self._heard_by,
        }

    def _line(self, sentence: Sentence) -> Line:
        text = " ".join(read(sentence.text, sentence.language).text.split())
        try:
            spoken = model_language(self.checkpoint, sentence.language)
        except BadInput:  # the job's language is known; a word in another is read as well as it can be
            spoken = AUTO
        return Line(text, sentence.text, sentence.language, spoken)


def note(what: str) -> None:
    """Into the log of a host; in the foreground nobody asked."""
    logging.getLogger("vigentd.qwen3").info(what)
