"""Can a voice be learned from this recording? What it says fits a file and a voice message alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.audio import level_spread_db, voiced_spans
from models.engine import Audio
from models.errors import BadInput
from models.progress import Progress
from models.qwen3.verdict import longest_s, shortest_s
from pipeline.recording import decode_recording

SHORTEST_S, LONGEST_S = 3.0, 60.0  # of the recording; and half of the shortest has to be voice
QUIETEST_DB = -45.0  # RMS of the voice, of full scale: below, there is more noise than voice
CLIPPED, MOST_CLIPPED = 0.985, 0.005  # of full scale; of all samples with voice
EVENEST_DB = 6.0  # as level_spread_db measures: hum and hiss have 0 to 2, speech in loud noise 9
DECODED_S = 600.0  # what is longer is not even decoded


@dataclass(frozen=True)
class Recorded:
    """wav: mono, 1.0 is full scale, at its own rate. voiced_s: so much of it is voice; level_db: RMS of that,
    of full scale."""

    wav: Audio
    rate: int
    voiced_s: float
    level_db: float

    @property
    def seconds(self) -> float:
        return len(self.wav) / self.rate


def read_voice(path: Path, progress: Progress) -> Recorded:
    """The first sound of any audio or video file.

    Raises BadInput as `check_voice` and `decode_recording` do.
    """
    try:
        wav, rate = decode_recording(path, DECODED_S, progress)
    except BadInput as e:
        raise _too_long(f"more than {DECODED_S:.0f} s") if e.code == "speech_too_long" else e from e
    return check_voice(wav, rate)


def check_voice(wav: Audio, rate: int) -> Recorded:
    """wav: mono, 1.0 is full scale.

    Raises BadInput `voice_too_short`, `voice_too_long`, `voice_too_quiet`, `voice_clipped` or
    `voice_no_speech`.
    """
    if len(wav) > LONGEST_S * rate:
        raise _too_long(f"{len(wav) / rate:.0f} s")
    spans = voiced_spans(wav, rate)
    voiced_s = float(sum(end - begin for begin, end in spans))
    if len(wav) < SHORTEST_S * rate or voiced_s < SHORTEST_S / 2:
        raise _too_short(len(wav) / rate, voiced_s)
    spoken = np.concatenate([wav[int(begin * rate) : int(end * rate)] for begin, end in spans])
    level_db = 10 * math.log10(float(np.mean(np.square(spoken, dtype=np.float64))) + 1e-12)
    if level_db < QUIETEST_DB:
        raise BadInput(
            f"The voice is too quiet: {level_db:.0f} dB, and it takes {QUIETEST_DB:.0f} dB",
            code="voice_too_quiet",
            hint="Record it again, closer to the microphone.",
        )
    if float(np.mean(np.abs(spoken) >= CLIPPED)) > MOST_CLIPPED:
        raise BadInput(
            "The voice is distorted: it was recorded too loud, and its peaks are cut off",
            code="voice_clipped",
            hint="Record it again, further from the microphone.",
        )
    if level_spread_db(wav, rate) < EVENEST_DB:
        raise no_speech("its sound is even, as that of a tone or of noise is")
    return Recorded(wav, rate, voiced_s, level_db)


def doubt(text: str, recorded: Recorded) -> str:
    """Why this cannot be all that is said in it, and no more; "" when it can."""
    if recorded.seconds < shortest_s(text):
        return f"nobody says as much in {recorded.seconds:.0f} s"
    if recorded.voiced_s > longest_s(text):
        return f"somebody speaks for {recorded.voiced_s:.0f} s, and it is too short for that"
    return ""


def no_speech(why: str) -> BadInput:
    return BadInput(
        f"Nobody speaks in the recording: {why}",
        code="voice_no_speech",
        hint="Record two or three sentences in a quiet room.",
    )


def _too_short(seconds: float, voiced_s: float) -> BadInput:
    heard = f"{seconds:.1f} s" + (f", {voiced_s:.1f} s of it with sound" if seconds >= SHORTEST_S else "")
    return BadInput(
        f"The recording holds too little speech ({heard}): a voice is kept from {SHORTEST_S:.0f} seconds on",
        code="voice_too_short",
        hint="Read two or three sentences in a quiet room.",
    )


def _too_long(length: str) -> BadInput:
    return BadInput(
        f"The recording is too long ({length}): a voice is kept from at most {LONGEST_S:.0f} seconds",
        code="voice_too_long",
        hint="Cut out two or three sentences, for example 20 seconds from the 5th on with "
        "`ffmpeg -ss 5 -t 20 -i RECORDING cut.wav`.",
    )
