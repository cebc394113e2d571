"""Do lips follow? Measured on the encoded video by tracking it again, on two real faces."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.io import wavfile

from models.engine import Clip, Phoneme, Picture, Speech, SyncedFrame, SyncOptions, SyncReport
from models.errors import BadInput
from models.mouthwarp.engine import MouthwarpEngine
from models.mouthwarp.shapes import mouth_shapes
from models.progress import Quiet
from pipeline.patches import patch_of
from tests.face_kit import CHINESE, ENGLISH, clip_of, correlation, loudness, measured_gap, portrait, speech
from tests.media_kit import QUICK, ffmpeg

Array = npt.NDArray[np.float64]
SHORT = "Good morning. Here is the news."
LONG = (
    "Good morning. Here is the news about artificial intelligence. A small team built a tool that "
    "turns a script and a clip into a finished video, every day, and nobody has to watch it."
)


@pytest.fixture(scope="module")
def face(album: Path) -> Path:
    return portrait(album, seconds=2)


def sync(
    path: Path, voice: Speech, scratch: Path, frames: int, report: SyncReport | None = None, first: int = 0
) -> list[SyncedFrame]:
    scratch.mkdir(exist_ok=True)
    clip = clip_of(path, frames)
    return list(MouthwarpEngine().sync(clip, voice, SyncOptions(scratch), Quiet(), first, report))


def shown(frames: list[SyncedFrame], clip: Clip) -> Iterator[Picture]:
    """The whole frames, from the first one on."""
    pictures = clip.pictures([int(clip.order[frame.number]) for frame in frames])
    for frame, picture in zip(frames, pictures, strict=True):
        if (patch := patch_of(frame)) is not None:
            patch.paste(picture)
        yield picture


def encode(frames: list[SyncedFrame], clip: Clip, fps: float, path: Path) -> Path:
    width, height = clip.width, clip.height
    raw = b"".join(picture.tobytes() for picture in shown(frames, clip))
    ffmpeg(
        *["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"],
        *["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709"],
        *("-c:v", "libx264", "-crf", "18", "-preset", "veryfast", "-pix_fmt", "yuv420p", path),
        stdin=raw,
    )
    return path


def recording(media: Path, seconds: float) -> Speech:
    rate, wav = wavfile.read(media / "speech_en_9s6.wav")
    return Speech(wav[: int(rate * seconds)].astype(np.float32) / 32768, rate)


# ---------------------------------------------------------------- the encoded result


def check_lips_follow(clip: Path, voice: Speech, folder: Path) -> None:
    """The whole claim, with its controls, on one clip and one speech."""
    reader = clip_of(clip)
    frames = round(voice.duration_s * reader.fps)
    synced = sync(clip, voice, folder / "scratch", frames)
    out = encode(synced, clip_of(clip, frames), reader.fps, folder / "out.mp4")
    gap = measured_gap(out, folder / "again")
    shapes = mouth_shapes(voice, reader.fps, frames)
    loud = loudness(voice, reader.fps, frames)

    r, lag = correlation(shapes.open, gap)
    assert r >= 0.85, f"lips follow their target with r {r:.2f}"
    assert abs(lag) <= 1
    r, lag = correlation(loud, gap)
    assert r >= 0.75, f"lips follow the voice with r {r:.2f}"
    assert abs(lag) <= 1

    untouched = measured_gap(clip, folder / "scratch")  # as the engine followed it
    shown = clip_of(clip, frames).order
    own = float(np.corrcoef(untouched[shown], loud)[0, 1]) if untouched.std() > 1e-6 else 0.0
    assert own <= 0.45, "the clip's own mouth moves with this speech: the test proves nothing"
    shifts = np.linspace(0.1, 0.9, 20) * frames
    wrong = [float(np.corrcoef(np.roll(loud, int(k)), gap)[0, 1]) for k in shifts]
    assert max(wrong) <= 0.45

    silent = loud < 0.05 * np.percentile(loud, 95)
    calm = np.convolve(~silent, np.ones(7), "same") == 0  # three frames from any sound
    assert calm.sum() >= 3
    assert np.percentile(gap[calm], 90) <= 0.35 * np.percentile(gap, 90)


def with_pauses(voice: Speech) -> Speech:
    """Half a second of silence before and after."""
    pad = np.zeros(voice.rate // 2, np.float32)
    later = [Phoneme(p.ipa, p.start_s + 0.5, p.end_s + 0.5) for p in voice.phonemes or []]
    return Speech(np.concatenate([pad, voice.wav, pad]), voice.rate, None, later or None)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, "en"),
        pytest.param(CHINESE, "zh", marks=pytest.mark.slow),
        pytest.param(LONG, "en", marks=pytest.mark.slow),
    ],
    ids=["en", "zh", "long"],
)
def test_lips_follow_phonemes_on_the_demo_face(face: Path, tmp_path: Path, text: str, language: str) -> None:
    check_lips_follow(face, with_pauses(speech(text, language)), tmp_path)


@pytest.mark.slow  # the usual suite looks at the finished video of it: tests/video/test_video.py
def test_lips_follow_a_recording_on_real_footage(tmp_path: Path, media: Path) -> None:
    small, footage = tmp_path / "small.mp4", media / "presenter_1080x1920_25fps.mp4"
    ffmpeg("-i", footage, "-an", "-t", "3", "-vf", "scale=450:800", *QUICK, "-crf", "12", small)
    check_lips_follow(small, with_pauses(recording(media, 3.5)), tmp_path)


def test_a_photo_speaks(tmp_path: Path) -> None:
    from skimage.data import astronaut

    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()).save(photo)  # type: ignore[no-untyped-call]
    voice = with_pauses(speech(SHORT))
    frames = round(voice.duration_s * 25)
    synced = sync(photo, voice, tmp_path / "scratch", frames)
    gap = measured_gap(encode(synced, clip_of(photo, frames), 25, tmp_path / "out.mp4"), tmp_path / "again")
    r, lag = correlation(mouth_shapes(voice, 25, frames).open, gap)
    assert r >= 0.85
    assert abs(lag) <= 1


# ---------------------------------------------------------------- pixels


def test_pixels_outside_the_mask_are_the_clips_own(face: Path, tmp_path: Path) -> None:
    source = clip_of(face, 40)
    originals = list(source.pictures([int(n) for n in source.order]))
    touched_share = []
    made = sync(face, speech(), tmp_path / "s", 40)
    whole = shown(made, clip_of(face, 40))
    for synced, picture, original in zip(made, whole, originals, strict=True):
        outside = np.ones(original.shape[:2], bool)
        if synced.box is not None and synced.touched is not None:
            x0, y0, x1, y1 = synced.box
            outside[y0:y1, x0:x1] = ~synced.touched
        assert np.array_equal(picture[outside], original[outside]), synced.number
        touched_share.append(1 - outside.mean())
    assert 0.005 < np.mean(touched_share) < 0.12


def test_going_on_in_the_middle_gives_the_same_frames(face: Path, tmp_path: Path) -> None:
    whole = sync(face, speech(), tmp_path / "whole", 40)
    resumed = sync(face, speech(), tmp_path / "resumed", 40, first=32)
    assert [f.number for f in resumed] == list(range(32, 40))
    for a, b in zip(whole[32:], resumed, strict=True):
        assert a.box == b.box
        assert np.array_equal(a.pixels, b.pixels)  # type: ignore[arg-type]


@pytest.mark.slow
def test_pixel_aspect_does_not_bend_the_mouth(face: Path, tmp_path: Path) -> None:
    """The same face squeezed to half its width: the opening, measured in square pixels, is the same."""
    squeezed = tmp_path / "squeezed.mp4"
    ffmpeg("-i", face, "-t", "1.28", "-vf", "scale=180:640,setsar=2/1", *QUICK, "-crf", "10", squeezed)
    gaps = []
    for path in (face, squeezed):
        synced = sync(path, speech(), tmp_path / path.stem, 32)
        out = encode(synced, clip_of(path, 32), 25, tmp_path / f"{path.stem}-out.mp4")
        if path is squeezed:
            wide = tmp_path / "wide.mp4"
            ffmpeg("-i", out, "-vf", "scale=360:640", *QUICK, "-crf", "10", wide)
            out = wide
        gaps.append(measured_gap(out, tmp_path / f"{path.stem}-again"))
    assert np.corrcoef(gaps[0], gaps[1])[0, 1] > 0.9
    assert np.percentile(gaps[1], 90) == pytest.approx(np.percentile(gaps[0], 90), rel=0.25)


# ---------------------------------------------------------------- faces that come and go


def blank_stretch(clip: Path, out: Path, begin: int, end: int) -> Path:
    """Pictures begin…end−1 show a backdrop without anybody."""
    box = f"drawbox=c=0x8899aa:t=fill:enable='between(n,{begin},{end - 1})'"
    ffmpeg("-i", clip, "-vf", box, *QUICK, "-crf", "12", out)
    return out


def test_faceless_stretch_passes_through_and_is_counted(face: Path, tmp_path: Path) -> None:
    clip = blank_stretch(face, tmp_path / "gone.mp4", 20, 32)
    report = SyncReport()
    synced = sync(clip, speech(), tmp_path / "s", 64, report)  # the last 14 show it backwards, down to 35
    untouched = [f.number for f in synced if f.box is None and 10 < f.number < 40]
    assert set(range(20, 32)) <= set(untouched)
    assert report.faceless == pytest.approx(12, abs=3)
    assert report.frames == 64


def test_no_face_and_too_few_faces_are_named(face: Path, tmp_path: Path) -> None:
    for clip, code in [
        (blank_stretch(face, tmp_path / "none.mp4", 0, 1000), "no_face"),
        (blank_stretch(face, tmp_path / "few.mp4", 10, 35), "too_few_faces"),
    ]:
        with pytest.raises(BadInput) as caught:
            sync(clip, speech(), tmp_path / clip.stem, 50)
        assert caught.value.code == code
        assert caught.value.hint


def test_a_mouth_beyond_the_edge_is_named(face: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    # The portrait's mouth is at 53 % of the height; the picture ends above it.
    ffmpeg("-i", face, "-vf", "crop=iw:trunc(ih*0.46/2)*2:0:0", *QUICK, "-crf", "12", cut)
    with pytest.raises(BadInput) as caught:
        sync(cut, speech(), tmp_path / "s", 30)
    assert caught.value.code in ("lips_outside", "no_face")


# ---------------------------------------------------------------- shapes


def spoken(*sounds: tuple[str, float]) -> Speech:
    """A steady hum with these phonemes over it."""
    rate, phonemes, at = 16000, [], 0.3
    for ipa, seconds in sounds:
        phonemes.append(Phoneme(ipa, at, at + seconds))
        at += seconds
    t = np.arange(int((at + 0.3) * rate)) / rate
    wav = 0.3 * np.sin(2 * np.pi * 400 * t) * ((t > 0.3) & (t < at))
    return Speech(wav.astype(np.float32), rate, None, phonemes)


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60])
@pytest.mark.parametrize("lips", ["m", "b", "p"])
def test_lips_close(fps: int, lips: str) -> None:
    shapes = mouth_shapes(spoken(("a", 0.3), (lips, 0.05), ("a", 0.3)), fps, int(1.2 * fps))
    closing = shapes.open[int(0.58 * fps) : int(0.72 * fps) + 1]
    assert closing.min() < 0.02
    assert shapes.open[int(0.45 * fps)] > 0.6
    assert shapes.open[int(0.85 * fps)] > 0.6


def test_sounds_have_their_shapes() -> None:
    at = {s: mouth_shapes(spoken((s, 0.5)), 25, 27) for s in ("a", "iː", "uː", "w", "o", "e", "f")}
    middle = 13
    assert all(at[s].wide[middle] < -0.5 for s in ("uː", "w", "o"))
    assert all(at[s].wide[middle] > 0.4 for s in ("iː", "e"))
    both = mouth_shapes(spoken(("a", 0.4), ("f", 0.3), ("a", 0.4)), 25, 45)
    assert both.open[21] < 0.5 * both.open[12]


def test_a_diphthong_moves() -> None:
    shapes = mouth_shapes(spoken(("aʊ", 0.6)), 25, 30)
    assert shapes.wide[10] > shapes.wide[19] + 0.4
    assert shapes.open[10] > shapes.open[19]


def test_silence_rests() -> None:
    quiet = mouth_shapes(Speech(np.zeros(16000, np.float32), 16000), 25, 25)
    assert not quiet.open.any()
    assert not mouth_shapes(Speech(np.zeros(10, np.float32), 16000), 25, 3).open.any()


def test_a_hiss_does_not_open_the_mouth_like_a_vowel() -> None:
    rng = np.random.default_rng(1)
    rate, n = 16000, 16000
    hiss = np.diff(rng.normal(0, 0.2, n + 1))  # energy towards the high end
    hum = 0.3 * np.sin(2 * np.pi * 500 * np.arange(n) / rate)
    wav = np.concatenate([hum, np.zeros(n // 2), hiss, np.zeros(n // 2)]).astype(np.float32)
    shapes = mouth_shapes(Speech(wav, rate), 25, 75)
    assert shapes.open[10:20].mean() > 0.7
    assert shapes.open[45:55].mean() < 0.5 * shapes.open[10:20].mean()


def test_an_hours_speech_is_read_in_pieces() -> None:
    """The shapes of a long speech are those of its parts, and take no memory that grows like the sound."""
    rate = 8000
    rng = np.random.default_rng(3)
    t = np.arange(150 * rate) / rate
    wav = (0.3 * np.sin(2 * np.pi * 440 * t) * (np.sin(2 * np.pi * 1.3 * t) > 0)).astype(np.float32)
    wav += rng.normal(0, 1e-3, len(wav)).astype(np.float32)
    whole = mouth_shapes(Speech(wav, rate), 25, 150 * 25).open
    part = mouth_shapes(Speech(wav[50 * rate : 80 * rate], rate), 25, 30 * 25).open
    assert np.abs(whole[50 * 25 + 10 : 80 * 25 - 10] - part[10:-10]).max() < 0.05
    tracemalloc.start()
    mouth_shapes(Speech(wav, rate), 25, 150 * 25)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * rate * 8 * 12  # a dozen arrays of one minute
