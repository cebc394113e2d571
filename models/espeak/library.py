"""The espeak-ng library through ctypes: text → samples and events.

The library is one synthesiser per process, and what it said before colours what it says next: the
phase of the voice, its noise and even the number of samples carry over, also through its own
terminate and initialise. So every utterance gets a freshly loaded library (about 5 ms), which makes
it a function of its arguments, in any process and in any order. One at a time: see `_ONE_AT_A_TIME`.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from models.engine import Audio
from models.errors import StageFailed, Unavailable

# Two threads that load the library share one copy of it, so the lock is the process's.
_ONE_AT_A_TIME = threading.Lock()

# Of espeak-ng's speak_lib.h.
_LIST_TERMINATED, _WORD, _PHONEME = 0, 1, 7  # espeak_EVENT_TYPE
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_AUDIO_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEMES_IN_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_POSITION_IN_CHARACTERS = 1
_CHARS_UTF8, _END_PAUSE = 0x0001, 0x1000  # without the pause the last sound is cut off


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Manner:
    """How to say it.

    voice: espeak's name with a variant ("cmn+f2"); wpm: words a minute as espeak counts them;
    pitch, pitch_range: 0..99.
    """

    voice: str
    wpm: int
    pitch: int
    pitch_range: int


@dataclass
class Utterance:
    """What the library gave.

    words:  (first character in the text, how many, second), in the order spoken; not every word has one.
    sounds: (IPA or "" for a pause, second); each lasts until the next one.
    """

    wav: Audio
    rate: int
    words: list[tuple[int, int, float]] = field(default_factory=list)
    sounds: list[tuple[str, float]] = field(default_factory=list)


def say(text: str, manner: Manner, seed: int) -> Utterance:
    """The text spoken: the same samples for the same arguments, always.

    Raises Unavailable when the library cannot be loaded, StageFailed when it refuses to speak.
    """
    with _ONE_AT_A_TIME, _fresh_library() as (lib, rate):
        lib.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        if lib.espeak_SetVoiceByName(manner.voice.encode()) != 0:
            raise Unavailable(
                f"The speech engine espeak has no voice {manner.voice}",
                code="speech_engine_broken",
                hint="Install espeakng-loader again",
            )
        for parameter, value in (
            (_RATE, manner.wpm),
            (_PITCH, manner.pitch),
            (_RANGE, manner.pitch_range),
        ):
            lib.espeak_SetParameter(parameter, value, 0)
        return _synthesise(lib, rate, text)


def _synthesise(lib: ctypes.CDLL, rate: int, text: str) -> Utterance:
    pieces: list[bytes] = []
    said = Utterance(np.zeros(0, np.float32), rate)

    def take(samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        i = 0
        while events[i].type != _LIST_TERMINATED:
            _note(said, events[i])
            i += 1
        return 0

    callback = _Callback(take)
    lib.espeak_SetSynthCallback(callback)
    data = text.encode("utf-8", errors="replace") + b"\0"
    flags = _CHARS_UTF8 | _END_PAUSE
    status = lib.espeak_Synth(data, len(data), 0, _POSITION_IN_CHARACTERS, 0, flags, None, None)
    lib.espeak_Synchronize()
    if status != 0:
        raise StageFailed(f"The speech engine espeak failed with status {status}", code="speech_failed")
    said.wav = np.frombuffer(b"".join(pieces), np.int16).astype(np.float32) / 32768
    return said


def _note(said: Utterance, event: _Event) -> None:
    second = event.audio_position / 1000
    if event.type == _WORD:
        said.words.append((event.text_position - 1, max(event.length, 1), second))  # it counts from 1
    elif event.type == _PHONEME:
        # Eight bytes with no end mark when they are all used; a character may be cut off.
        raw = ctypes.string_at(ctypes.addressof(event) + _Event.id.offset, 8)
        said.sounds.append((raw.split(b"\0")[0].decode("utf-8", errors="ignore"), second))


@contextmanager
def _fresh_library() -> Iterator[tuple[ctypes.CDLL, int]]:
    """The library as a new process would have it, and its sample rate."""
    try:
        import espeakng_loader

        lib = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path())
    except (ImportError, OSError) as error:
        raise _unusable(str(error)) from error
    try:
        _declare(lib)
        options = _PHONEME_EVENTS | _PHONEMES_IN_IPA | _DONT_EXIT
        rate = lib.espeak_Initialize(_AUDIO_SYNCHRONOUS, 0, data.encode(), options)
        if rate <= 0:
            raise _unusable(f"its data in {data} cannot be read")
        try:
            yield lib, rate
        finally:
            lib.espeak_Terminate()
    finally:
        unload = ctypes.CDLL(None).dlclose
        unload.argtypes = [ctypes.c_void_p]
        unload(lib._handle)


def _declare(lib: ctypes.CDLL) -> None:
    c_int, c_uint, c_char_p, c_void_p = ctypes.c_int, ctypes.c_uint, ctypes.c_char_p, ctypes.c_void_p
    lib.espeak_Initialize.argtypes = [c_int, c_int, c_char_p, c_int]
    lib.espeak_Synth.argtypes = [c_char_p, ctypes.c_size_t, c_uint, c_int, c_uint, c_uint, c_void_p, c_void_p]
    lib.espeak_SetVoiceByName.argtypes = [c_char_p]
    lib.espeak_SetParameter.argtypes = [c_int, c_int, c_int]
    lib.espeak_SetSynthCallback.argtypes = [_Callback]
    lib.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]


def _unusable(why: str) -> Unavailable:
    return Unavailable(
        f"The speech engine espeak cannot be loaded: {why}",
        code="speech_engine_missing",
        hint="Install it again: pip install --force-reinstall espeakng-loader",
    )
