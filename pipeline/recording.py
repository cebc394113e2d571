"""A person's own recording instead of synthesis: any sound or video file, as samples."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio import AudioStream
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from models.audio import voiced_spans
from models.engine import Audio
from models.errors import BadInput
from models.progress import Progress
from pipeline.media import open_local

_HIGHEST_RATE = 48_000
_HINT = "Use a WAV, MP3, M4A or any file with sound in it, and check that it plays"
_TELL_EVERY_S = 5.0
_LISTENED_S = 300.0  # at most, before there is a job


def check_recording(path: Path) -> None:
    """Raises BadInput speech_unreadable, speech_empty or speech_no_audio; nothing is decoded."""
    with _opened(path):
        pass


def check_sound(path: Path) -> None:
    """As check_recording; and that something is heard in its first minutes, of which no more is decoded than
    that takes. Raises speech_silent, too."""
    listened_s = 0.0
    try:
        with _opened(path) as container:
            stream = container.streams.audio[0]
            rate = _rate(stream)
            for piece in _mono(container, stream, rate):
                listened_s += len(piece) / rate
                if listened_s > _LISTENED_S or voiced_spans(_finite(piece), rate):
                    return
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path) from error
    raise _silent(path) if listened_s else _empty(path)


def _opened(path: Path) -> InputContainer:
    """A file that has a sound in it, to be closed. Raises as check_recording does."""
    if path.is_dir():
        raise BadInput(
            f"{path.resolve().name} is a folder, not a recording",
            code="speech_unreadable",
            hint="Give a sound or video file",
        )
    if not path.is_file():
        raise BadInput(
            f"The recording {path.name} does not exist", code="speech_unreadable", hint="Check the path"
        )
    if path.stat().st_size == 0:
        raise BadInput(f"The recording {path.name} is an empty file", code="speech_empty", hint=_HINT)
    try:
        container = open_local(path)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path) from error
    if not container.streams.audio:
        container.close()
        raise BadInput(f"The recording {path.name} has no sound in it", code="speech_no_audio", hint=_HINT)
    return container


def _unreadable(path: Path) -> BadInput:
    return BadInput(
        f"The recording {path.name} cannot be read: it is damaged or not a sound file",
        code="speech_unreadable",
        hint=_HINT,
    )


def decode_recording(path: Path, longest_s: float, progress: Progress) -> tuple[Audio, int]:
    """The first sound of any audio or video file, mono, at its own rate (48 kHz at most).

    Raises BadInput: speech_unreadable, speech_no_audio, speech_empty, speech_silent, speech_too_long.
    """
    try:
        wav, rate = _decode(path, longest_s, progress)
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path) from error
    if not len(wav):
        raise _empty(path)
    if not voiced_spans(wav, rate):
        raise _silent(path)
    return wav, rate


def _empty(path: Path) -> BadInput:
    return BadInput(f"The recording {path.name} holds no sound", code="speech_empty", hint=_HINT)


def _silent(path: Path) -> BadInput:
    return BadInput(
        f"The recording {path.name} is silent",
        code="speech_silent",
        hint="Record it again with the microphone on",
    )


def _decode(path: Path, longest_s: float, progress: Progress) -> tuple[Audio, int]:
    with _opened(path) as container:
        stream = container.streams.audio[0]
        rate = _rate(stream)
        expected_s = container.duration / av.time_base if container.duration else 0.0
        pieces: list[Audio] = []
        done_s = told_s = 0.0
        for piece in _mono(container, stream, rate):
            pieces.append(piece)
            done_s += len(piece) / rate
            if done_s > longest_s:
                raise BadInput(
                    f"The recording {path.name} is longer than {longest_s / 60:g} minutes",
                    code="speech_too_long",
                    hint="Cut it, or raise limits.clip_minutes in the configuration",
                )
            if done_s >= told_s + _TELL_EVERY_S:
                told_s = done_s
                progress.step(done_s, max(expected_s, done_s))
    wav = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    return _finite(wav), rate


def _rate(stream: AudioStream) -> int:
    return min(stream.rate or _HIGHEST_RATE, _HIGHEST_RATE)


def _finite(wav: Audio) -> Audio:
    """A damaged float file can hold anything."""
    return np.nan_to_num(wav, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def _mono(container: InputContainer, stream: AudioStream, rate: int) -> Iterator[Audio]:
    resampler = AudioResampler(format="flt", layout="mono", rate=rate)
    for frame in chain(container.decode(stream), [None]):  # None: give what is left inside
        for piece in resampler.resample(frame):
            yield piece.to_ndarray().reshape(-1).astype(np.float32, copy=False)
