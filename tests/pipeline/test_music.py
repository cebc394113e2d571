"""Which music there is, and how it lies under the voice: measured on what would be heard."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyloudnorm  # type: ignore[import-untyped]
import pytest
from scipy.io import wavfile

from models.errors import BadInput, StageFailed
from models.progress import Quiet
from pipeline import ffmpeg, music
from pipeline.loudness import measure
from pipeline.mix import AAC, RATE, Mix, mix
from pipeline.music import Track, check_sound, resolve, tracks
from pipeline.spec import Settings
from tests.pipeline.handmade import babble, hush, playlists

Wave = npt.NDArray[np.float32]
SETTINGS = Settings()
TARGET = SETTINGS.video.loudness


def heard(path: Path, channels: int = 2) -> Wave:
    """(samples, channels) as ffmpeg decodes it."""
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "heard.f32"
        sound = ffmpeg.source(path).audio.output(str(raw), format="f32le", ar=RATE, ac=channels)
        ffmpeg.run(sound.get_args(), doing="listening")
        return np.fromfile(raw, np.float32).reshape(-1, channels)


def mixed(
    root: Path, wav: Wave, track: str | Track = "none", volume: float = 0.25, rate: int = 22_050
) -> Mix:
    voice = root / "speech.wav"
    wavfile.write(voice, rate, wav)
    found = resolve(track, SETTINGS) if isinstance(track, str) else track
    out = root / f"mix-{found.name if found else 'none'}-{volume}.wav"
    return mix(voice, found, volume, round(len(wav) / rate * RATE), SETTINGS.video, out, Quiet())


def user_track(root: Path, seconds: float = 3.0) -> Track:
    """A file as a user has it: no tidy loop, another rate, mono; and a level that does not change."""
    path = root / "song.mp3"
    noise = f"anoisesrc=color=pink:seed=1:amplitude=0.4:sample_rate=44100:duration={seconds}"
    ffmpeg.run(ffmpeg.generated(noise).output(str(path), audio_bitrate="128k").get_args(), doing="singing")
    return Track("song", path)


def lufs(wave: Wave) -> float:
    """Integrated loudness by another program than the one that made the mix."""
    return float(pyloudnorm.Meter(RATE).integrated_loudness(wave))


def decibels(wave: Wave) -> float:
    return float(10 * np.log10(np.mean(np.square(wave, dtype=np.float64)) + 1e-15))


# ---------------------------------------------------------------- the tracks


def test_there_are_three_small_tracks_of_our_own() -> None:
    found = tracks(SETTINGS)
    assert {"calm", "bright", "drive"} <= {track.name for track in found}
    for track in found:
        assert track.path.stat().st_size <= 700_000
        assert track.licence.startswith("CC0")
        assert track.title
        assert track.mood
        assert track.bpm
        assert track.loop is not None
        assert 20 <= track.loop[1] - track.loop[0] <= 40


@pytest.mark.parametrize("name", ["calm", "bright", "drive"])
def test_our_tracks_sound_alike_in_level_and_loop_without_a_seam(name: str) -> None:
    track = resolve(name, SETTINGS)
    assert track is not None
    assert track.loop is not None
    sound = heard(track.path)
    begin, end = (round(s * RATE) for s in track.loop)
    assert len(sound) >= end
    once = sound[begin:end]
    level = measure(track.path)
    assert level.integrated == pytest.approx(-17.3, abs=1)
    assert level.true_peak < -3
    assert np.abs(once.mean(axis=0)).max() < 1e-3  # no constant part
    assert np.corrcoef(once.T)[0, 1] < 0.9  # stereo
    steps = np.abs(np.diff(once, axis=0)).max(axis=1)
    assert np.abs(once[0] - once[-1]).max() <= np.quantile(steps, 0.99)
    tenth = RATE // 10
    assert abs(decibels(once[:tenth]) - decibels(sound[end : end + tenth])) < 1  # it goes on as it began


def test_the_users_own_folder_adds_and_replaces(tmp_path: Path) -> None:
    own = tmp_path / "music"
    own.mkdir()
    song = user_track(tmp_path).path
    shutil.copy(song, own / "jingle.mp3")
    shutil.copy(song, own / "calm.mp3")
    shutil.copy(song, own / "x1.mp3")
    (own / "cover.png").write_bytes(b"")
    (own / "tracks.json").write_text(json.dumps({"tracks": [{"name": "anthem", "file": "x1.mp3"}]}))
    settings = Settings(assets=tmp_path)
    names = [track.name for track in tracks(settings)]
    assert names == ["anthem", "bright", "calm", "drive", "jingle"]
    calm = resolve("CALM", settings)
    assert calm is not None
    assert calm.path == own / "calm.mp3"
    (own / "tracks.json").write_text("{")
    with pytest.raises(BadInput) as refused:
        tracks(settings)
    assert refused.value.code == "music_list_invalid"
    assert str(own / "tracks.json") in refused.value.message


def test_no_music_is_no_music() -> None:
    assert resolve("none", SETTINGS) is None
    assert resolve(" NONE ", SETTINGS) is None


@pytest.mark.parametrize(
    ("asked", "hint"), [("clam", "calm"), ("nowhere/song.mp3", "path"), ("song.wav", "path")]
)
def test_unknown_music_says_what_there_is(asked: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        resolve(asked, SETTINGS)
    assert refused.value.code == "music_unknown"
    assert asked in refused.value.message
    assert hint in refused.value.hint
    assert "drive" in refused.value.hint


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    text, silent_film = tmp_path / "a.mp3", tmp_path / "c.mp4"
    text.write_text("la la la")
    film = ffmpeg.generated("testsrc=size=64x64:duration=1").output(str(silent_film))
    ffmpeg.run(film.get_args(), doing="filming")
    secret, lists = playlists(tmp_path)
    for path in (text, silent_film, *lists):
        track = resolve(str(path), SETTINGS)
        assert track is not None
        with pytest.raises(BadInput) as refused:
            check_sound(track)
        assert refused.value.code == "music_unreadable"
        assert "\n" not in refused.value.message
        with pytest.raises(StageFailed):  # it may have been put there after the door's check
            mixed(tmp_path, hush(0.5), track)
    assert secret.stat().st_atime == 0


def test_every_kind_of_file_that_is_looked_for_can_be_read(tmp_path: Path) -> None:
    song = user_track(tmp_path, 0.5).path
    check_sound(Track("song", song))
    for suffix in music.SUFFIXES - {".mp3", ".opus", ".aif"}:
        other = tmp_path / f"other{suffix}"
        ffmpeg.run(ffmpeg.source(song).audio.output(str(other)).get_args(), doing="copying")
        check_sound(Track("other", other))


def test_asking_what_the_music_is_starts_no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "run", None)
    assert resolve("calm", SETTINGS) is not None


# ---------------------------------------------------------------- the voice under music


def test_music_leaves_the_voice_as_it_is(tmp_path: Path) -> None:
    wav = babble(2)
    alone = mixed(tmp_path, wav)
    voice = heard(alone.file).ravel()
    for volume in (0.25, 1.0):
        both = mixed(tmp_path, wav, "bright", volume)
        sound = heard(both.file).ravel()
        gain = 20 * np.log10(np.dot(sound, voice) / np.dot(voice, voice))
        assert abs(gain) < 0.2
        assert np.corrcoef(sound, voice)[0, 1] > (0.97 if volume == 0.25 else 0.7)


def test_music_is_never_louder_than_asked_and_gives_way_to_the_voice(tmp_path: Path) -> None:
    volume = 0.25
    pause, talk = np.zeros(4 * 22_050, np.float32), babble(18)
    wav = np.concatenate([pause, talk])
    track = user_track(tmp_path, 23)
    voice = heard(mixed(tmp_path, wav).file)
    made = mixed(tmp_path, wav, track, volume)
    bed = heard(made.file) - voice  # the voice has the same gain in both
    asked = TARGET + 20 * np.log10(volume)
    before, under = bed[RATE : 4 * RATE], bed[6 * RATE : 22 * RATE]
    assert made.notes == []
    assert asked - 1 <= lufs(before) <= asked + 0.3
    assert lufs(under) <= asked - 4
    assert lufs(bed) <= asked + 0.3


@dataclass(frozen=True)
class Pausing:
    """A voice that pauses for 3 s, talks for 2 s and pauses again; alone, and over a song of 1.5 s."""

    voice: Wave
    made: Mix
    sound: Wave


@pytest.fixture(scope="module")
def pausing(tmp_path_factory: pytest.TempPathFactory) -> Pausing:
    root = tmp_path_factory.mktemp("pausing")
    pause = np.zeros(3 * 22_050, np.float32)
    wav = np.concatenate([pause, babble(2), pause])
    made = mixed(root, wav, user_track(root, 1.5), 0.5)
    return Pausing(heard(mixed(root, wav).file), made, heard(made.file))


def test_in_long_pauses_the_music_gives_way_and_not_the_voice(pausing: Pausing) -> None:
    """Music at 0.5 for half of the time would count as the video's own loudness, and call for more gain."""
    assert pausing.made.heard.integrated == pytest.approx(TARGET, abs=0.8)
    assert lufs(pausing.sound - pausing.voice) < TARGET - 6
    assert "lower than asked" in pausing.made.notes[0]


def test_music_fades_at_both_ends(pausing: Pausing) -> None:
    middle = decibels(pausing.sound[RATE : 2 * RATE])
    assert decibels(pausing.sound[: RATE // 20]) < middle - 15
    assert decibels(pausing.sound[-RATE // 20 :]) < middle - 15


def test_a_short_file_is_repeated_without_a_hole(pausing: Pausing) -> None:
    """It ends at 1.5 s and, a crossfade shorter, at 2.6 s, while the voice is silent."""
    window = RATE // 20
    level = [decibels(pausing.sound[i : i + window]) for i in range(RATE, 3 * RATE - window, window)]
    assert min(level) > np.median(level) - 6  # where two of them cross, a tone may partly cancel
    assert max(level) < np.median(level) + 4


def test_volume_zero_is_no_music(tmp_path: Path) -> None:
    wav = babble(1)
    assert np.array_equal(heard(mixed(tmp_path, wav, "calm", 0).file), heard(mixed(tmp_path, wav).file))


@pytest.mark.slow  # the tracks are files that seldom change
def test_our_loops_repeat_exactly(tmp_path: Path) -> None:
    track = resolve("calm", SETTINGS)
    assert track is not None
    assert track.loop is not None
    wav = np.concatenate([babble(1), np.zeros(22_050 * 44, np.float32)])
    sound = heard(mixed(tmp_path, wav, track, 0.5).file)
    period = round((track.loop[1] - track.loop[0]) * RATE)
    first, second = sound[4 * RATE : 15 * RATE], sound[4 * RATE + period : 15 * RATE + period]
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.999


# ---------------------------------------------------------------- how loud it all is


def _sparse() -> Wave:
    return np.concatenate([np.zeros(22_050 * 2, np.float32), babble(1), np.zeros(22_050 * 2, np.float32)])


VOICES: dict[str, Callable[[], Wave]] = {
    "2 s": lambda: babble(2),
    "60 s": lambda: babble(60),
    "mostly silent": _sparse,
    "whispered": lambda: babble(3, level=0.003),
    "shouted": lambda: np.clip(babble(3, level=0.5), -1, 1),
}


@pytest.mark.parametrize(
    ("voice", "track"),
    [
        ("2 s", "none"),
        *((voice, "drive") for voice in VOICES if voice != "60 s"),
        *(
            pytest.param(voice, "none", marks=pytest.mark.slow)
            for voice in VOICES
            if voice not in ("2 s", "60 s")
        ),
        pytest.param("60 s", "drive", marks=pytest.mark.slow),
    ],
)
def test_loudness_and_peak_are_met_after_aac(tmp_path: Path, voice: str, track: str) -> None:
    wav = VOICES[voice]()
    made = mixed(tmp_path, wav, track)
    coded = tmp_path / "coded.m4a"
    aac = ffmpeg.source(made.file).audio.output(str(coded), **AAC)
    ffmpeg.run(aac.get_args(), doing="encoding")
    level = measure(coded)
    assert level.integrated == pytest.approx(TARGET, abs=0.75 if track != "none" else 0.35)
    assert level.true_peak <= -1.0
    sound = heard(made.file)
    assert len(sound) == round(len(wav) / 22_050 * RATE)
    independent = lufs(sound)
    assert independent == pytest.approx(TARGET, abs=0.9)


@pytest.mark.parametrize("track", ["none", "calm"])
def test_real_speech_comes_to_its_loudness(tmp_path: Path, media: Path, track: str) -> None:
    rate, samples = wavfile.read(media / "speech_en_9s6.wav")
    made = mixed(tmp_path, (samples[: 5 * rate] / 32768).astype(np.float32), track, rate=rate)
    assert made.heard.integrated == pytest.approx(TARGET, abs=0.35)
    assert made.heard.true_peak <= -1.0


def test_the_voice_is_not_moved_in_time(tmp_path: Path) -> None:
    wav = babble(2)
    sound = heard(mixed(tmp_path, wav).file)[:, 0]
    (tmp_path / "v.wav").unlink(missing_ok=True)
    wavfile.write(tmp_path / "v.wav", 22_050, wav)
    original = heard(tmp_path / "v.wav", channels=1)[:, 0]
    size = min(len(sound), len(original))
    spectrum = np.fft.rfft(sound[:size], 2 * size) * np.conj(np.fft.rfft(original[:size], 2 * size))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    assert lag <= 2 or lag >= 2 * size - 2  # samples


def test_a_silent_voice_is_noted_and_music_carries_the_video(tmp_path: Path) -> None:
    silence = np.zeros(22_050 * 4, np.float32)
    alone = mixed(tmp_path, silence)
    assert alone.heard.silent
    assert alone.notes == ["The voice is silent"]
    with_music = mixed(tmp_path, silence, "calm")
    assert with_music.heard.integrated == pytest.approx(TARGET, abs=0.5)


def test_every_pass_over_the_sound_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not could not be cancelled, and would look like a stall."""
    passes: list[bool] = []
    real = ffmpeg.run

    def seen(arguments: list[str], **options: Any) -> str:
        passes.append(options.get("progress") is not None and options["total_s"] > 0)
        return real(arguments, **options)

    monkeypatch.setattr(ffmpeg, "run", seen)
    mixed(tmp_path, babble(1), "calm")
    assert len(passes) >= 5
    assert all(passes)


def test_nothing_but_the_mix_is_left_in_the_folder(tmp_path: Path) -> None:
    made = mixed(tmp_path, babble(1), "calm")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["speech.wav", made.file.name])
    assert music.BUILT_IN.is_dir()
