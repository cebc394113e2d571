"""A voice message becomes a voice to keep, if it is one that can be learned from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from handlers.telegram.door.wording import Known, in_their_words
from handlers.telegram.door.written import whole
from models.audio import faded, levelled, voiced_spans
from models.engine import Audio
from models.errors import BadInput
from models.progress import Progress
from pipeline.recording import decode_recording

RATE = 24_000  # Hz; that of the speech engines
SHORTEST_S, LONGEST_S = 3.0, 60.0  # of the message; and so much of it has to be voice
QUIETEST_DB = -45.0  # RMS of the voice, of full scale: below, there is more noise than voice
CLIPPED, MOST_CLIPPED = 0.985, 0.005  # of full scale; of all samples with voice
DECODED_S = 600.0  # what is longer is not even decoded


def keep(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"sound": path, "name": what its sender calls it, "out": path of the wav to write}.

    Writes 24 kHz mono, 32-bit float, at the level of all voices. Returns {"seconds", "voiced_s"}.
    Raises BadInput `voice_too_short`, `voice_too_long`, `voice_too_quiet`, `voice_clipped`, and as
    decode_recording.
    """
    sound, out = Path(asked["sound"]), Path(asked["out"])
    with in_their_words([Known(sound, "recording", asked["name"])]):
        try:
            wav, rate = decode_recording(sound, DECODED_S, progress)
        except BadInput as e:
            raise _too_long() if e.code == "speech_too_long" else e from e
        check(wav, rate)
    common = math.gcd(RATE, rate)
    made = resample_poly(wav, RATE // common, rate // common).astype(np.float32) if rate != RATE else wav
    made = faded(levelled(made, RATE), RATE)
    with whole(out) as part:
        wavfile.write(part, RATE, made)
    return {"seconds": len(made) / RATE, "voiced_s": _voiced_s(made, RATE)}


def check(wav: Audio, rate: int) -> None:
    """wav: mono, 1.0 is full scale. Raises BadInput."""
    seconds = len(wav) / rate
    if seconds > LONGEST_S:
        raise _too_long()
    if seconds < SHORTEST_S or _voiced_s(wav, rate) < SHORTEST_S / 2:
        raise BadInput(
            f"The voice message holds too little speech: a voice is kept from {SHORTEST_S:.0f} seconds on",
            code="voice_too_short",
            hint="Read two or three sentences in a quiet room.",
        )
    spoken = np.concatenate([wav[int(a * rate) : int(b * rate)] for a, b in voiced_spans(wav, rate)])
    level = 10 * math.log10(float(np.mean(np.square(spoken, dtype=np.float64))) + 1e-12)
    if level < QUIETEST_DB:
        raise BadInput(
            f"The voice is too quiet: {level:.0f} dB, and it takes {QUIETEST_DB:.0f} dB",
            code="voice_too_quiet",
            hint="Record it again, closer to the microphone.",
        )
    if float(np.mean(np.abs(spoken) >= CLIPPED)) > MOST_CLIPPED:
        raise BadInput(
            "The voice is distorted: it was recorded too loud, and its peaks are cut off",
            code="voice_clipped",
            hint="Record it again, further from the microphone.",
        )


def _voiced_s(wav: Audio, rate: int) -> float:
    return float(sum(end - begin for begin, end in voiced_spans(wav, rate)))


def _too_long() -> BadInput:
    return BadInput(
        f"The voice message is too long: a voice is kept from at most {LONGEST_S:.0f} seconds",
        code="voice_too_long",
        hint="Record two or three sentences.",
    )
