"""Makes the built-in music: three loops, composed here note by note and synthesised with numpy.

    python -m assets.music.synthesise            (in the project's root; writes beside this file)

Everything is rendered on a circle: a note that rings past the end goes on at the beginning, and so
does its reverb, so a loop has no seam. As a lossy codec cannot know that, each file carries a second
of the loop's end before it and a second of its beginning after it; tracks.json says where to cut.
The same program gives the same samples; the music is its author's own and is given away (CC0).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline import ffmpeg

RATE = 48_000
LEAD_S = 1.0  # of the loop's end before it, and of its beginning after it
LEVEL = 0.11  # RMS of every track, so that all start out about equally loud

Wave = npt.NDArray[np.float64]  # (samples,) mono, or (samples, 2)
Chord = tuple[int, ...]  # MIDI note numbers, the bass note first


@dataclass(frozen=True)
class Piece:
    name: str
    title: str
    mood: str
    bpm: int
    bars: int
    play: Callable[[Canvas], None]

    @property
    def length_s(self) -> float:
        return self.bars * 4 * 60 / self.bpm


class Canvas:
    """A circle of stereo sound on which notes are laid down in beats."""

    def __init__(self, piece: Piece) -> None:
        self.beat_s = 60 / piece.bpm
        self.dry: Wave = np.zeros((round(piece.length_s * RATE), 2))
        self.wet: Wave = np.zeros_like(self.dry)  # what is sent to the reverb
        self.random = np.random.default_rng(piece.bpm)

    def add(self, sound: Wave, beat: float, *, gain: float, pan: float = 0.0, reverb: float = 0.2) -> None:
        """pan -1 (left) … 1 (right), at constant power."""
        angle = (pan + 1) * np.pi / 4
        stereo = gain * sound[:, None] * np.array([np.cos(angle), np.sin(angle)])
        places = (round(beat * self.beat_s * RATE) + np.arange(len(sound))) % len(self.dry)
        np.add.at(self.dry, places, stereo)
        np.add.at(self.wet, places, stereo * reverb)

    def touch(self, spread: float = 0.15) -> float:
        """How hard a player happens to hit this note, around 1."""
        return float(1 + spread * self.random.uniform(-1, 1))


# ---------------------------------------------------------------- instruments: mono sounds


def hertz(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def clock(seconds: float) -> Wave:
    return np.arange(round(seconds * RATE)) / RATE


def envelope(seconds: float, attack: float, release: float) -> Wave:
    """Rises and falls like a half cosine, so that no note begins or ends with a click."""
    t = clock(seconds)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(t / attack, 0, 1))
    fall = 0.5 - 0.5 * np.cos(np.pi * np.clip((seconds - t) / release, 0, 1))
    return np.asarray(rise * fall)


def pad(note: float, seconds: float, brightness: float = 1.9) -> Wave:
    """Three strings a little out of tune; the higher `brightness`, the darker."""
    t, sound = clock(seconds), np.zeros(round(seconds * RATE))
    for cents in (-5, 0, 6):
        pitch = hertz(note + cents / 100)
        for k in range(1, 9):
            sound += np.sin(2 * np.pi * k * pitch * t + k * cents) / k**brightness
    return np.asarray(sound * envelope(seconds, 0.35 * seconds, 0.45 * seconds) / 3)


def keys(note: float, seconds: float = 2.4) -> Wave:
    """An electric piano: a sine, bent by another whose force dies away."""
    t, pitch = clock(seconds), hertz(note)
    bend = 0.9 * np.exp(-t * 5) * np.sin(2 * np.pi * 2 * pitch * t)
    bell = 0.06 * np.exp(-t * 9) * np.sin(2 * np.pi * 7 * pitch * t)
    return np.asarray(
        (np.sin(2 * np.pi * pitch * t + bend) + bell) * np.exp(-t * 1.7) * envelope(seconds, 0.008, 0.6)
    )


def pluck(note: float, seconds: float = 1.1) -> Wave:
    """A string: its upper partials die first."""
    t, pitch = clock(seconds), hertz(note)
    partials = [np.sin(2 * np.pi * k * pitch * t) * np.exp(-t * (3 + 2.2 * k)) / k**1.1 for k in range(1, 8)]
    return np.asarray(sum(partials) * envelope(seconds, 0.004, 0.3))


def bass(note: float, seconds: float, attack: float = 0.012) -> Wave:
    """Rich in overtones, by which a phone's small speaker lets it be heard at all."""
    t, pitch = clock(seconds), hertz(note)
    tone = sum(np.sin(2 * np.pi * k * pitch * t) * np.exp(-t * (k - 1) * 0.9) / k for k in range(1, 7))
    return np.asarray(tone * envelope(seconds, attack, max(attack, seconds / 3)))


def kick() -> Wave:
    t = clock(0.32)
    phase = 2 * np.pi * (47 * t + 70 * 0.03 * (1 - np.exp(-t / 0.03)))
    return np.asarray(np.sin(phase) * np.exp(-t * 11) * envelope(0.32, 0.003, 0.1))


def brush(canvas: Canvas, seconds: float, lowest_hz: float) -> Wave:
    """A short hiss: shaker, hi-hat."""
    t = clock(seconds)
    hiss = np.fft.rfft(canvas.random.standard_normal(len(t)))
    hiss[np.fft.rfftfreq(len(t), 1 / RATE) < lowest_hz] = 0
    return np.asarray(
        np.fft.irfft(hiss, len(t)) * np.exp(-t * 5 / seconds) * envelope(seconds, 0.006, seconds / 2)
    )


# ---------------------------------------------------------------- the pieces


def play_calm(canvas: Canvas) -> None:
    """Cmaj9 Am9 Fmaj9 G6 · Em7 Am9 Dm9 G7sus: slow strings under a wandering electric piano."""
    chords: list[Chord] = [
        (36, 55, 59, 64, 74),
        (33, 55, 60, 64, 71),
        (41, 57, 60, 64, 67),
        (43, 59, 62, 64, 69),
        (40, 55, 59, 62, 67),
        (33, 57, 60, 64, 71),
        (38, 57, 60, 64, 65),
        (43, 55, 60, 62, 65),
    ]
    figure = [(0, 1), (0.75, 2), (1.5, 3), (2, 4), (2.75, 2), (3.5, 3)]  # beat, which note of the chord
    for bar, chord in enumerate(chords):
        start = 4 * bar
        canvas.add(bass(chord[0], 5 * canvas.beat_s, 0.25), start, gain=0.13, reverb=0.1)
        for i, note in enumerate(chord[1:]):
            canvas.add(
                pad(note, 6 * canvas.beat_s),
                start - 1,
                gain=0.16,
                pan=(-0.6, 0.6, -0.25, 0.25)[i],
                reverb=0.5,
            )
        for beat, index in figure[: 6 if bar % 2 == 0 else 4]:
            sound = keys(chord[index] + 12)
            canvas.add(sound, start + beat, gain=0.17 * canvas.touch(), pan=0.3 * (-1) ** index, reverb=0.55)


def play_bright(canvas: Canvas) -> None:
    """D A/C# Bm7 G, then D F#m G A: plucked strings, a light kick and a shaker."""
    chords: list[Chord] = [
        (38, 62, 66, 69, 74),
        (37, 61, 64, 69, 73),
        (35, 62, 66, 69, 71),
        (43, 59, 62, 67, 74),
        (38, 62, 66, 69, 76),
        (42, 61, 66, 69, 73),
        (43, 62, 67, 71, 74),
        (45, 61, 64, 69, 71),
    ]
    figure = [1, 3, 2, 4, 3, 2, 4, 3]  # a note each half beat
    for bar, chord in enumerate(chords * 2):
        start = 4 * bar
        for note in chord[1:]:
            canvas.add(
                pad(note, 5 * canvas.beat_s, 2.1), start - 0.5, gain=0.07, pan=(note % 5 - 2) / 4, reverb=0.4
            )
        for step, index in enumerate(figure):
            note = chord[index] + (12 if bar >= 8 and step in (3, 6) else 0)
            accent = 1.2 if step % 4 == 0 else 0.85
            canvas.add(
                pluck(note),
                start + step / 2,
                gain=0.3 * accent * canvas.touch(),
                pan=0.5 * (-1) ** step,
                reverb=0.35,
            )
        for beat, seconds in ((0, 1.4), (1.5, 0.45), (2, 1.4), (3.5, 0.45)):
            canvas.add(bass(chord[0], seconds * canvas.beat_s), start + beat, gain=0.17, reverb=0.05)
        for beat in (0, 2):
            canvas.add(kick(), start + beat, gain=0.28, reverb=0.04)
        for step in range(8):
            gain = (0.06 if step % 2 else 0.03) * canvas.touch(0.3)
            canvas.add(brush(canvas, 0.09, 5000), start + step / 2, gain=gain, pan=0.35, reverb=0.2)


def play_drive(canvas: Canvas) -> None:
    """Em C G D/F#, twice plain and twice with an arpeggio above: a running bass and a steady kick."""
    chords: list[Chord] = [
        (40, 59, 64, 67, 71),
        (36, 60, 64, 67, 71),
        (43, 59, 62, 67, 74),
        (42, 57, 62, 66, 74),
    ]
    run = [0, 0, 12, 0, 0, 7, 12, 0]  # semitones above the bass note, each half beat
    for bar, chord in enumerate(chords * 4):
        start = 4 * bar
        for note in chord[1:]:
            canvas.add(
                pad(note, 5 * canvas.beat_s, 1.6), start - 0.5, gain=0.08, pan=(note % 7 - 3) / 4, reverb=0.45
            )
        for step, above in enumerate(run):
            sound = bass(chord[0] + above, 0.42 * canvas.beat_s)
            canvas.add(sound, start + step / 2, gain=0.2 * canvas.touch(0.1), reverb=0.05)
        for step in range(16 if bar >= 8 else 0):
            note = chord[1 + (step * 3) % 4] + 12
            gain = 0.15 * (1.25 if step % 4 == 0 else 0.8) * canvas.touch()
            canvas.add(pluck(note, 0.7), start + step / 4, gain=gain, pan=0.6 * np.sin(step), reverb=0.4)
        for beat in range(4):
            canvas.add(kick(), start + beat, gain=0.32, reverb=0.03)
            hat = brush(canvas, 0.06, 6500)
            canvas.add(hat, start + beat + 0.5, gain=0.08 * canvas.touch(0.2), pan=-0.25, reverb=0.15)


PIECES = [
    Piece("calm", "Early Light", "calm, warm, unhurried", 72, 8, play_calm),
    Piece("bright", "Open Window", "bright, friendly, light", 104, 16, play_bright),
    Piece("drive", "Forward", "driving, confident, modern", 120, 16, play_drive),
]


# ---------------------------------------------------------------- from notes to files


def render(piece: Piece) -> Wave:
    """(samples, 2): one round of the loop, with its room, a place for the voice, and its level."""
    canvas = Canvas(piece)
    piece.play(canvas)
    sound = canvas.dry + echo_of_a_room(canvas)
    sound = equalise(sound)
    sound *= LEVEL / np.sqrt(np.mean(sound**2))
    return np.asarray(np.tanh(sound))  # rounds off the rare peaks


def echo_of_a_room(canvas: Canvas, seconds: float = 1.9) -> Wave:
    """Convolves, on the circle, with noise that dies away: another noise for each ear."""
    t = clock(seconds)
    room = canvas.random.standard_normal((len(t), 2)) * np.exp(-t * 6.9 / seconds)[:, None]
    room *= np.clip(t / 0.02, 0, 1)[:, None]  # the walls answer a little later
    spectrum = np.fft.rfft(room, len(canvas.wet), axis=0)
    spectrum /= 1 + (np.fft.rfftfreq(len(canvas.wet), 1 / RATE)[:, None] / 3500) ** 2  # soft walls
    spectrum *= 0.045
    return np.fft.irfft(np.fft.rfft(canvas.wet, axis=0) * spectrum, len(canvas.wet), axis=0)


def equalise(sound: Wave) -> Wave:
    """Nothing below 35 Hz, softer highs, and 3 dB less where speech lives (1–4 kHz)."""
    frequency = np.maximum(np.fft.rfftfreq(len(sound), 1 / RATE), 1e-3)
    gain = 1 / (1 + (35 / frequency) ** 4)
    gain /= 1 + (frequency / 11_000) ** 4
    gain *= 10 ** (-3 / 20 * np.exp(-0.5 * (np.log2(frequency / 2000) / 0.8) ** 2))
    return np.fft.irfft(np.fft.rfft(sound, axis=0) * gain[:, None], len(sound), axis=0)


def save(piece: Piece, sound: Wave, folder: Path) -> dict[str, object]:
    """Writes the loop as Opus with its overlaps; returns its entry in tracks.json."""
    lead = round(LEAD_S * RATE)
    whole = np.concatenate([sound[-lead:], sound, sound[:lead]]).astype("<f4")
    raw = folder / f"{piece.name}.f32"
    raw.write_bytes(whole.tobytes())
    try:
        heard = ffmpeg.source(raw, format="f32le", ar=RATE, ac=2)
        bits = {"acodec": "libopus", "audio_bitrate": "88k", "fflags": "+bitexact", "flags:a": "+bitexact"}
        ffmpeg.run(
            heard.output(str(folder / f"{piece.name}.opus"), **bits).get_args(), doing="saving the music"
        )
    finally:
        raw.unlink()
    return {
        "name": piece.name,
        "file": f"{piece.name}.opus",
        "title": piece.title,
        "mood": piece.mood,
        "bpm": piece.bpm,
        "licence": "CC0-1.0",
        "loop_start_s": LEAD_S,
        "loop_end_s": LEAD_S + len(sound) / RATE,
    }


def main() -> None:
    folder = Path(__file__).parent
    tracks = [save(piece, render(piece), folder) for piece in PIECES]
    (folder / "tracks.json").write_text(json.dumps({"tracks": tracks}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
