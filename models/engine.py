"""What an engine is: the shapes that pass between stages and engines, and who serves when.

Times are seconds from the start of the speech; audio is mono float32 in [-1, 1]; pictures are
uint8 RGB, (height, width, 3). Text positions are offsets of characters into the *script*, so that
whatever is shown later is the script itself and never a retelling of it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.progress import Progress

Audio = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]


# ---------------------------------------------------------------- speech


@dataclass(frozen=True)
class Sentence:
    """A piece of the script that is spoken in one breath: `script[begin:begin + len(text)] == text`."""

    text: str
    begin: int
    language: str  # "en", "zh", …
    pause_s: float  # silence after it


@dataclass(frozen=True)
class Word:
    """A word of the script, or one Chinese character: `script[begin:end]`, spoken start_s…end_s."""

    begin: int
    end: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Phoneme:
    """One sound in IPA ("m", "uː", "tʃ"); "" is a pause."""

    ipa: str
    start_s: float
    end_s: float


@dataclass
class Speech:
    """Spoken audio with what is known about its timing.

    words: None when the engine does not know them. spans: start_s, end_s of each sentence without its pause.
    """

    wav: Audio
    rate: int
    words: list[Word] | None = None
    phonemes: list[Phoneme] | None = None
    spans: list[tuple[float, float]] | None = None

    @property
    def duration_s(self) -> float:
        return len(self.wav) / self.rate


class SpeechEngine(Protocol):
    name: str
    version: int  # goes up when the sound changes

    def voices(self) -> list[str]: ...

    def warm_up(self) -> None:
        """Does now what the first job would else wait for: loads, maps and compiles."""

    def speak(
        self,
        sentences: Sequence[Sentence],
        voice: str,
        language: str,
        seed: int,
        progress: Progress,
        tone: str = "",
    ) -> Speech:
        """The sentences one after the other, with their pauses. One `progress.step` a sentence.

        tone: how it is to be said, in the person's words, for engines that can be told.
        """

    def decided_by(self, voice: str) -> dict[str, str]:
        """What else decides how this voice sounds (its recording, the weights), as JSON; may be empty."""

    def remarks(self, sentences: Sequence[Sentence]) -> list[str]:
        """What a person should know about how these will sound (letters it cannot read); may be empty."""


@dataclass(frozen=True)
class Reading:
    """A sentence as it is read aloud: `text`; of its character i, origin[i] is the place in the sentence.

    "$5" is read as "five dollars": all of these characters come from the place of the "$".
    """

    text: str
    origin: list[int]


@dataclass(frozen=True)
class Said:
    """A sentence, what was read for it, and when: start_s…end_s of the wav."""

    sentence: Sentence
    reading: Reading
    start_s: float
    end_s: float


@dataclass
class Aligned:
    """words: of all sentences, in order. guessed: of so many sentences the times are only proportional."""

    words: list[Word]
    guessed: int = 0


@dataclass(frozen=True)
class Transcript:
    """What was heard. words: (text, start_s, end_s), in order; text joined of them, as it is written."""

    text: str
    language: str  # "en", "zh", …
    words: list[tuple[str, float, float]]


class Aligner(Protocol):
    """Hears: finds a known text in a sound, or writes down what is said."""

    name: str
    version: int  # goes up when the times change

    def warm_up(self) -> None:
        """As SpeechEngine's."""

    def align(self, wav: Audio, rate: int, said: Sequence[Said], progress: Progress) -> Aligned: ...

    def transcribe(self, wav: Audio, rate: int, language: str, progress: Progress) -> Transcript:
        """language: "" when it is to be found out."""


# ---------------------------------------------------------------- lip-sync


class Clip(Protocol):
    """The presenter's clip as the video will show it: upright, at a constant rate, in SDR.

    Output frame i (at i / fps seconds) shows `picture` number `order[i]` of the clip; the order runs
    back and forth when the clip is shorter than the speech. `natural` is one whole pass of the clip forwards
    at the same rate: every number of `order` is in it. `key` says which clip it is, by its content; "" when
    nothing that is learned of it should be kept.
    """

    fps: float
    width: int
    height: int
    pixel_aspect: float  # width of a pixel / its height
    order: npt.NDArray[np.int32]
    natural: npt.NDArray[np.int32]
    key: str

    def pictures(self, numbers: Sequence[int]) -> Generator[Picture]:
        """These pictures of the clip, in the order asked for, one at a time."""


@dataclass
class SyncedFrame:
    """What is new in one output frame, in which the presenter's mouth is set to the speech; all else in it is
    the clip's own picture.

    box:     x0, y0, x1, y1 of the touched region; None when nothing was touched.
    pixels:  (y1 - y0, x1 - x0, 3) RGB of the box; None with box None, and so is
    touched: (y1 - y0, x1 - x0) bool, the pixels inside the box that may differ.
    """

    number: int
    box: tuple[int, int, int, int] | None = None
    pixels: Picture | None = None
    touched: npt.NDArray[np.bool_] | None = None


@dataclass
class SyncReport:
    """What the engine wants to say about a finished sync; goes into the job."""

    frames: int = 0
    faceless: int = 0  # frames that passed through untouched
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SyncOptions:
    """face: which of several people; max_faceless: share of frames, 0..1, above which it is an error.

    scratch: a folder for what the engine wants to find again when the job resumes.

    For engines that sample. steps: of denoising; guidance: 1..3, how far the lips obey the speech;
    deepcache_interval: every so many steps the whole network runs, 0: in all; audio_windows: "overlapped",
    or "reference" with its seam every 30 s; alignment: "mediapipe" or "insightface".
    """

    scratch: Path
    face: str = "largest"
    max_faceless: float = 0.2
    seed: int = 1247
    steps: int = 20
    guidance: float = 1.5
    deepcache_interval: int = 3
    audio_windows: str = "overlapped"
    alignment: str = "mediapipe"


class LipSyncEngine(Protocol):
    name: str
    version: int  # goes up when the pictures change

    def warm_up(self) -> None:
        """As SpeechEngine's."""

    def sync(
        self,
        clip: Clip,
        speech: Speech,
        options: SyncOptions,
        progress: Progress,
        first: int = 0,
        report: SyncReport | None = None,
    ) -> Generator[SyncedFrame]:
        """Frames first…len(clip.order)-1, in order. Memory does not grow with the clip.

        Raises BadInput (no_face, too_few_faces, lips_outside) as soon as that is certain.
        """
