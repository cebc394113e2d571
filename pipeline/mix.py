"""Voice and music become the sound of the video: looped, faded, ducked, and at the right loudness.

The voice comes first. It gets the gain that brings it, alone, to the wanted loudness, and keeps it:
music is laid under it and never turns it down. Volume v of the music means 20·log10(v) dB below the
voice: at 1 it is as loud as the voice, at 0.25 it is 12 dB below in the pauses, and while the
voice speaks it is ducked by some 10 dB more. What is said to be loud or quiet is always integrated
loudness (EBU R 128), and is measured as it will be heard: after AAC.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ffmpeg as graph

from models.errors import BadInput
from models.progress import Progress, Share
from pipeline import ffmpeg
from pipeline.loudness import Loudness, measure, metered, read_meter
from pipeline.music import Track, read
from pipeline.spec import VideoSettings

RATE = 48_000
# Without noise substitution, which invents peaks of up to 2 dB and saves nothing at this rate
AAC = {"acodec": "aac", "audio_bitrate": "192k", "aac_pns": 0}

_RAW = {"format": "f32le", "ar": RATE, "ac": 2}  # what lies between two passes
_RAW_BYTES = 8  # per sample of both channels
_CROSSFADE_S = 2.0
_FADE_IN_S, _FADE_OUT_S = 0.8, 2.5
_SHORTEST_MUSIC_S = 0.25

# Ducking. The threshold lies this far below the wanted loudness, so speech of any level presses alike.
_DUCK_DEPTH_DB = 12.0
_DUCK = {"ratio": 2.5, "attack": 30, "release": 450, "detection": "rms", "knee": 4}

_HEADROOM_DB = 0.6  # AAC and the way back from four times the rate raise peaks about so much
_NEAR_LU = 0.3  # close enough
_NEAR_WITH_MUSIC_LU = 0.7  # close enough to leave voice and music as they are
_STEP_DB = 3.0  # by which music gives way
_ROUNDS = 8


@dataclass(frozen=True)
class Mix:
    """The finished sound (48 kHz stereo WAV) and how it was made; gains in dB, None where there is none."""

    file: Path
    heard: Loudness
    voice_gain: float | None
    music_gain: float | None
    notes: list[str]


def mix(
    voice: Path,
    track: Track | None,
    volume: float,
    samples: int,
    video: VideoSettings,
    out: Path,
    progress: Progress,
) -> Mix:
    """Mix `voice` (any mono or stereo WAV) and the track into `out`, exactly `samples` long at 48 kHz.

    Raises BadInput `music_unreadable`, and what pipeline.ffmpeg raises.
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="mix-") as scratch:
        desk = _Desk(voice, samples, video, Path(scratch), progress)
        if not _voice_level(desk).silent:
            desk.voice_gain = _voice_gain(desk, video.true_peak - _HEADROOM_DB)
        else:
            desk.notes.append("The voice is silent")
        if track is not None and volume > 0:
            _lay_music(desk, track, volume)
        return _finish(desk, out)


@dataclass
class _Desk:
    """What all steps share: the sources, the wish, and the faders found so far (dB)."""

    voice: Path
    samples: int
    video: VideoSettings
    scratch: Path
    progress: Progress
    voice_gain: float | None = None
    music: _Bed | None = None
    music_gain: float = 0.0
    notes: list[str] = field(default_factory=list)
    passes: int = 0

    @property
    def duration_s(self) -> float:
        return self.samples / RATE

    def run(self, arguments: list[str], doing: str) -> str:
        """One pass over the sound."""
        return ffmpeg.run(arguments, doing=doing, progress=self.next_pass(), total_s=self.duration_s)

    def next_pass(self) -> Progress:
        """The next stretch of the way; each brings a quarter of what is left."""
        done = 1 - 0.75**self.passes
        self.passes += 1
        return Share(self.progress, done, 1 - 0.75**self.passes)


@dataclass(frozen=True)
class _Bed:
    """Music as long as one likes: the first `intro_s` seconds of `whole` once, then `loop` for ever."""

    whole: Path
    intro_s: float
    loop: Path


# ---------------------------------------------------------------- the voice


def _voice_level(desk: _Desk) -> Loudness:
    heard = metered(_voice(desk, 0.0)).output("-", format="null")
    return read_meter(desk.run(heard.get_args(), "measuring the voice"))


def _voice_gain(desk: _Desk, ceiling: float) -> float:
    """The gain that brings the voice alone, limited, to the wanted loudness."""
    gain = desk.voice_gain or 0.0
    for _ in range(_ROUNDS):
        heard = metered(_limited(_voice(desk, gain), ceiling)).output("-", format="null")
        off = desk.video.loudness - read_meter(desk.run(heard.get_args(), "levelling the voice")).integrated
        if abs(off) <= 0.1:
            break
        gain += off
    return gain


def _voice(desk: _Desk, gain: float) -> Any:
    """The voice in both ears, from the first to the last sample of the video."""
    sound = (
        ffmpeg.source(desk.voice).audio.filter("aresample", RATE).filter("aformat", channel_layouts="stereo")
    )
    return _exactly(_louder(sound, gain), desk.samples)


# ---------------------------------------------------------------- the music


def _lay_music(desk: _Desk, track: Track, volume: float) -> None:
    desk.music = _bed(desk, track)
    heard = metered(_music(desk, desk.music, 0.0)).output("-", format="null")
    level = read_meter(desk.run(heard.get_args(), "measuring the music"))
    if level.silent:
        desk.notes.append(f'The music "{track.name}" is silent')
        desk.music = None
        return
    asked = 20 * math.log10(volume) if desk.voice_gain is not None else 0.0  # alone, it carries the video
    desk.music_gain = desk.video.loudness + asked - level.integrated


def _bed(desk: _Desk, track: Track) -> _Bed:
    """Decode the track once, as far as it is needed, and make of it something that can be repeated."""
    whole, loop = desk.scratch / "whole.f32", desk.scratch / "loop.f32"
    begin, end = track.loop or (0.0, desk.duration_s)
    sound = read(track.path).filter("aresample", RATE).filter("aformat", channel_layouts="stereo")
    sound = sound.filter("atrim", start=begin, end=end).filter("asetpts", "PTS-STARTPTS")
    desk.run(sound.output(str(whole), **_RAW).get_args(), "reading the music")
    length_s = whole.stat().st_size / _RAW_BYTES / RATE
    if length_s < _SHORTEST_MUSIC_S:
        raise BadInput(
            f"The music {track.path} is too short to be repeated: {length_s:.2f} s",
            code="music_unreadable",
            hint="Use a piece of some seconds",
        )
    if track.loop is not None or length_s >= desk.duration_s - 1 / RATE:
        return _Bed(whole, 0.0, whole)
    fade_s = min(_CROSSFADE_S, length_s / 4)
    rest = ffmpeg.source(whole, **_RAW).audio.filter("atrim", start=fade_s).filter("asetpts", "PTS-STARTPTS")
    again = ffmpeg.source(whole, **_RAW).audio.filter("atrim", end=fade_s)
    joined = graph.filter([rest, again], "acrossfade", d=f"{fade_s:.6f}", c1="qsin", c2="qsin")
    desk.run(joined.output(str(loop), **_RAW).get_args(), "looping the music")
    return _Bed(whole, fade_s, loop)


def _music(desk: _Desk, bed: _Bed, gain: float) -> Any:
    """The music as long as the video, faded in and out."""
    sound = ffmpeg.source(bed.loop, stream_loop=-1, **_RAW).audio
    if bed.intro_s:
        intro = ffmpeg.source(bed.whole, **_RAW).audio.filter("atrim", end=bed.intro_s)
        sound = graph.filter([intro, sound], "concat", n=2, v=0, a=1)
    fade_in, fade_out = min(_FADE_IN_S, desk.duration_s / 4), min(_FADE_OUT_S, desk.duration_s / 3)
    sound = _exactly(sound, desk.samples)
    sound = sound.filter("afade", type="in", duration=fade_in)
    sound = sound.filter("afade", type="out", start_time=desk.duration_s - fade_out, duration=fade_out)
    return _louder(sound, gain)


def _ducked(music: Any, voice: Any, wanted_lufs: float) -> Any:
    """The music, pressed down by some 10 dB for as long as the voice speaks."""
    threshold = max(10 ** ((wanted_lufs - _DUCK_DEPTH_DB) / 20), 0.001)
    return graph.filter([music, voice], "sidechaincompress", threshold=f"{threshold:.6f}", **_DUCK)


# ---------------------------------------------------------------- both


def _finish(desk: _Desk, out: Path) -> Mix:
    """Mix, listen to it as AAC, correct; a few times at most."""
    both = desk.music is not None and desk.voice_gain is not None
    near = _NEAR_WITH_MUSIC_LU if both else _NEAR_LU
    ceiling, trim, asked = desk.video.true_peak - _HEADROOM_DB, 0.0, desk.music_gain
    for _ in range(_ROUNDS):
        _write(desk, trim, ceiling, out)
        heard = _as_aac(desk, out)
        off, over = desk.video.loudness - heard.integrated, heard.true_peak - (desk.video.true_peak - 0.1)
        if heard.silent or (abs(off) <= near and over < 0.05):
            break
        if over >= 0.05:
            ceiling -= over
            if desk.voice_gain is not None:
                desk.voice_gain = _voice_gain(desk, ceiling)  # the lower ceiling made it quieter
        elif both:
            # Too loud together; or so much music in long pauses that the meter takes the quiet of it
            # for the video's loudness. Either way the music gives way, and the voice stays as it is.
            desk.music_gain -= _STEP_DB
        else:
            trim += off
    if desk.music_gain < asked:
        desk.notes.append(
            f"The music is {asked - desk.music_gain:.0f} dB lower than asked, to keep the loudness"
        )
    if not heard.silent and abs(off) > 1:
        desk.notes.append(f"The sound came to {heard.integrated:.1f} LUFS, not {desk.video.loudness:.1f}")
    voice = None if desk.voice_gain is None else round(desk.voice_gain + trim, 2)
    music = None if desk.music is None else round(desk.music_gain + trim, 2)
    return Mix(out, heard, voice, music, desk.notes)


def _write(desk: _Desk, trim: float, ceiling: float, out: Path) -> None:
    if desk.music is None:
        sound = _voice(desk, (desk.voice_gain or 0.0) + trim)
    else:
        # ffmpeg-python wants every use of a stream to be split by hand
        voice = _voice(desk, desk.voice_gain or 0.0).filter_multi_output("asplit", 2)
        ducked = _ducked(_music(desk, desk.music, desk.music_gain), voice[1], desk.video.loudness)
        sound = graph.filter([voice[0], ducked], "amix", inputs=2, normalize=0, duration="first")
        sound = _louder(sound, trim)
    sound = _exactly(_limited(sound, ceiling), desk.samples)
    desk.run(sound.output(str(out), acodec="pcm_s24le", ar=RATE).get_args(), "mixing the sound")


def _as_aac(desk: _Desk, wav: Path) -> Loudness:
    """The loudness of this sound after the encoder that `compose` uses."""
    trial = desk.scratch / "heard.m4a"
    desk.run(ffmpeg.source(wav).audio.output(str(trial), **AAC).get_args(), "encoding the sound")
    return measure(trial, progress=desk.next_pass(), total_s=desk.duration_s)


def _limited(sound: Any, ceiling: float) -> Any:
    """No peak above the ceiling (dBTP), between the samples either: limited at four times the rate."""
    sound = sound.filter("aresample", 4 * RATE)
    limit = f"{10 ** (ceiling / 20):.6f}"
    sound = sound.filter("alimiter", limit=limit, attack=4, release=60, level=0, latency=1)
    return sound.filter("aresample", RATE)


def _louder(sound: Any, gain: float) -> Any:
    return sound.filter("volume", f"{gain:.3f}dB", precision="float")


def _exactly(sound: Any, samples: int) -> Any:
    return sound.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)
