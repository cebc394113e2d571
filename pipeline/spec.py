"""What a job is asked to make (JobSpec) and how this machine makes videos (Settings)."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

Language = Literal[
    "auto", "zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru"
]  # what Qwen3-TTS speaks; "auto" looks at the script


# A marker on a text field: the value is a name, or (with a "/" in it) a file.
NAME_OR_FILE = "name or file"
NONE = "none"

A_TIME = "a time such as 2026-11-23 08:00, or with its zone 2026-11-23T08:00+01:00"
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)


def _time(given: object) -> dt.datetime | None:
    """A time without a zone is this machine's. A day alone is none: midnight would be a guess."""
    if given is None:
        return None
    try:
        if isinstance(given, str) and _TIME.fullmatch(text := given.strip().upper()):
            given = dt.datetime.fromisoformat(text[:11] + text[11:].replace(" ", ""))
        if isinstance(given, dt.datetime):
            given.astimezone(dt.UTC).astimezone()  # it is shown in both
            return given if given.tzinfo else given.astimezone()
    except (ValueError, OverflowError):  # the 31st of February; no such year in UTC, or here
        pass
    raise ValueError(f"should be {A_TIME}")


def _names(given: object) -> object:
    """ "youtube, telegram" is a list too; "none" is an empty one."""
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("should be a list of names")
    names = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    return () if names == (NONE,) else names


TAG_CHARS, MOST_TAGS = 100, 60
TAGS = f"a list of words such as news, morning: at most {MOST_TAGS}, each of at most {TAG_CHARS} characters"


def _tags(given: object) -> object:
    """As `_names`; "#news" is "news"."""
    names = _names(given)
    assert isinstance(names, tuple)
    tags = tuple(dict.fromkeys(tag for name in names if (tag := " ".join(name.lstrip("#").split()))))
    if len(tags) > MOST_TAGS or any(len(tag) > TAG_CHARS or not tag.isprintable() for tag in tags):
        raise ValueError(f"should be {TAGS}")
    return tags


def _read_size(given: object, read: ValidatorFunctionWrapHandler) -> ByteSize:
    try:
        size = None if isinstance(given, bool) else read(given)
    except ValidationError:
        size = None
    if not isinstance(size, ByteSize):
        raise ValueError("should be a size, such as 5GB, 500MB or a number of bytes")
    return size


def _written_size(size: ByteSize) -> str:
    """As it can be read again, to the byte."""
    units = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3))
    for unit, factor in units:
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size:d}B"


def _no_switch(given: object) -> object:
    """true is no number, though Python counts it as 1."""
    if isinstance(given, bool):
        raise ValueError("should be a number")
    return given


def _number(given: object) -> object:
    """ "25" is a number too: the environment has only text."""
    return int(given) if isinstance(given, str) and given.isascii() and given.isdigit() else given


TONE_CHARS = 500
A_TONE = f"words on one line, at most {TONE_CHARS} characters"


def _tone(given: str) -> str:
    lines = given.strip().splitlines()
    line = " ".join("".join(lines).split())
    if len(lines) > 1 or len(line) > TONE_CHARS or any(unicodedata.category(c) == "Cc" for c in line):
        raise ValueError(f"should be {A_TONE}")
    return line


Tone = Annotated[str, AfterValidator(_tone)]
Time = Annotated[dt.datetime | None, BeforeValidator(_time)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Tags = Annotated[tuple[str, ...], BeforeValidator(_tags)]
# "5GB", "500MB" or a number of bytes.
Size = Annotated[ByteSize, WrapValidator(_read_size), PlainSerializer(_written_size)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Options(_Strict):
    """What a person may choose about a job, beside what it is made of.

    Names (voice, styles, music) are resolved when the job is admitted.
    """

    voice: str = "default"
    tone: Tone = ""  # how it is to be said, for voices that can be told
    language: Language = "auto"
    title: str = ""
    subtitles: str = "clean"  # a subtitle style, or "none"
    title_style: str = "headline"
    music: Annotated[str, NAME_OR_FILE] = NONE  # a track's name, a file's path, or "none"
    music_volume: Annotated[float, Field(ge=0, le=1)] = 0.25
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1247
    tags: Tags = ()  # without "#"; shown where it is published
    publish: Names = ()  # targets
    publish_at: Time = None  # None: when it is done


class JobSpec(Options):
    """One script + one clip + options → one video. Everything that the person chose, nothing else.

    Paths are absolute. voice_id: of the saved voice that `voice` stood for when the job was admitted; nobody
    can choose it, and another voice that has the name by now is not meant.
    """

    script: str = ""  # may be empty only with `speech`
    clip: Path
    speech: Path | None = None  # a recording instead of synthesis
    out: Path | None = None
    voice_id: str = ""


DEVICE = r"cpu|cuda:(0|[1-9][0-9]{0,2})"


def _device(given: str) -> str:
    if not re.fullmatch(DEVICE, given):
        raise ValueError("should be cpu, cuda:0, cuda:1 or so on")
    return given


Device = Annotated[str, AfterValidator(_device)]  # draft engines always work on the CPU


def _devices(given: object) -> object:
    """["cuda:1", "cuda:2"], or, as in the environment, "cuda:1,cuda:2"."""
    if isinstance(given, list | tuple):
        given = ",".join(map(str, given))
    if not isinstance(given, str):
        return given
    return ",".join(_device(one.strip()) for one in given.split(","))


# One process with the engine on each.
Devices = Annotated[str, BeforeValidator(_devices)]


class SpeechSettings(_Strict):
    engine: Literal["auto", "espeak", "qwen3"] = "auto"
    device: Devices = "cuda:0"
    replicas: Annotated[int, Field(ge=0, le=64), BeforeValidator(_no_switch)] = 0  # in a cluster
    lead_s: Annotated[float, Field(ge=0, le=10)] = 0.2  # silence before the first word
    tail_s: Annotated[float, Field(ge=0, le=10)] = 0.6  # and after the last
    # What follows is for Qwen3-TTS alone.
    # the checkpoint: Base speaks with saved voices, CustomVoice with its own, VoiceDesign as it is described
    model: Literal["1.7B-Base", "1.7B-CustomVoice", "1.7B-VoiceDesign", "0.6B-Base", "0.6B-CustomVoice"] = (
        "1.7B-Base"
    )
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    attention: Literal["auto", "flash", "sdpa"] = "auto"  # flash: the package flash_attn
    tries: Annotated[int, Field(ge=1, le=10), BeforeValidator(_no_switch)] = 3  # seeds for a sentence
    verify: bool = False  # Whisper listens to each sentence; one that it does not understand is said again
    # of the characters, that Whisper may hear otherwise
    max_error: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(_no_switch)] = 0.3
    sentence_cache: Size = ByteSize(1_000_000_000)  # kept of spoken sentences; 0: nothing

    @property
    def devices(self) -> list[str]:
        return self.device.split(",")


class WhisperSettings(_Strict):
    """What finds the times of words that the speech engine does not know itself."""

    model: Literal["tiny", "base", "small", "medium", "large-v3", "turbo"] = "small"


STEADY_GUIDANCE = 2.5  # above it, LatentSync's lips tend to jitter


class LipsyncSettings(_Strict):
    engine: Literal["auto", "mouthwarp", "latentsync"] = "auto"
    device: Devices = "cuda:1"
    replicas: Annotated[int, Field(ge=1, le=64), BeforeValidator(_no_switch)] = 1  # in a cluster
    face: Literal["largest", "left", "right", "center"] = "largest"  # the presenter, among several
    max_faceless: Annotated[float, Field(ge=0, le=1)] = 0.2  # of the frames; more is an error
    fps: Annotated[Literal["clip", 25], BeforeValidator(_number)] = "clip"  # the video's rate
    # What follows is for LatentSync alone.
    steps: Annotated[int, Field(ge=1, le=50), BeforeValidator(_no_switch)] = 20  # of denoising
    # how far lips obey the speech
    guidance: Annotated[float, Field(ge=1, le=3, allow_inf_nan=False), BeforeValidator(_no_switch)] = 1.5
    # every so many steps in full; 0: all
    deepcache_interval: Annotated[int, Field(ge=0, le=10), BeforeValidator(_no_switch)] = 3
    precision: Literal["auto", "fp16", "bf16", "fp32"] = "auto"
    audio_windows: Literal["overlapped", "reference"] = "overlapped"  # reference: a seam every 30 s
    alignment: Literal["mediapipe", "insightface"] = "mediapipe"
    presenter_cache: Size = ByteSize(4_000_000_000)  # kept of clips for their next jobs; 0: nothing
    compile: bool = True

    @property
    def devices(self) -> list[str]:
        return self.device.split(",")


class VideoSettings(_Strict):
    encoder: Literal["auto", "nvenc", "x264"] = "auto"
    crf: Annotated[int, Field(ge=0, le=40)] = 18
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
    loudness: Annotated[float, Field(ge=-30, le=-5)] = -14.0  # integrated, LUFS
    true_peak: Annotated[float, Field(ge=-9, le=0)] = -1.0  # dBTP
    mark: str = ""  # a visible note that the video is synthetic, e.g. "AI"; empty: none
    photo_max: Annotated[int, Field(ge=256, le=4096)] = 1920  # longest side made from a still photo


class Limits(_Strict):
    script_chars: Annotated[int, Field(ge=1)] = 20_000
    clip_minutes: Annotated[float, Field(gt=0)] = 60.0


class Settings(_Strict):
    """The part of the configuration that decides how a video looks and sounds."""

    speech: SpeechSettings = SpeechSettings()
    whisper: WhisperSettings = WhisperSettings()
    lipsync: LipsyncSettings = LipsyncSettings()
    video: VideoSettings = VideoSettings()
    limits: Limits = Limits()
    assets: Path | None = None  # the user's own folder: fonts/ music/ styles/ beside the built-in ones
    weights: Path = Path("models")  # of the models, and
    voices: Path = Path("voices")  # those that people saved: where they lie
