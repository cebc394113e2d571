"""The finished file: its pictures, colours, times and labels, read back with another program (PyAV)."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import psutil  # type: ignore[import-untyped]
import pytest
from PIL import Image

from models.engine import Picture
from models.errors import Cancelled, StageFailed, Unavailable
from models.progress import Quiet
from pipeline import compose, ffmpeg, label, lipsync
from pipeline.encoder import Encoder, pick_encoder
from pipeline.job import Job
from tests.pipeline.handmade import PATCHES, Shot, hush, job_of
from tests.progress_kit import Steps

WEIGHTS = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114)}  # of red and blue


@pytest.fixture
def composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def make(shot: Shot, job: Job | None = None) -> Path:
        monkeypatch.setattr(lipsync, "frames", shot.frames)
        folder = tmp_path / "compose-0123456789ab"
        folder.mkdir()
        compose.make(job or job_of(tmp_path, shot), folder, Quiet())
        return folder

    return make


def planes(picture: Picture, space: str) -> npt.NDArray[np.float64]:
    """(3, height, width): Y, Cb, Cr in 8-bit limited range, by the standard's own formula."""
    red, blue = WEIGHTS[space]
    r, g, b = np.moveaxis(picture.astype(np.float64) / 255, 2, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    return np.stack([16 + 219 * y, 128 + 224 * (b - y) / (2 - 2 * blue), 128 + 224 * (r - y) / (2 - 2 * red)])


def decoded(video: Path) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
    """Luma (height, width) and chroma (2, height/2, width/2) of every picture."""
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            flat = np.asarray(frame.to_ndarray(), np.uint8)
            height, width = frame.height, frame.width
            chroma = flat[height:].reshape(2, height // 2, width // 2)
            yield flat[:height], chroma


@pytest.mark.parametrize("space", ["bt709", "smpte170m"])
def test_pictures_are_kept_and_their_colours_are_right(composed: Callable[..., Path], space: str) -> None:
    shot = Shot(seconds=1.2, colour={"space": space, "primaries": space, "transfer": space})
    folder = composed(shot)
    video = folder / "video.mp4"
    errors = []
    for number, (luma, chroma) in enumerate(decoded(video)):
        wanted = planes(shot.picture(number), space)
        errors.append(np.mean((luma - wanted[0]) ** 2))
        for i in range(len(PATCHES)):
            y, x = 20 + 80 * (i // 3) + 30, 20 + 100 * (i % 3) + 40
            found = [luma[y, x], *chroma[:, y // 2, x // 2]]
            assert found == pytest.approx(wanted[:, y, x].tolist(), abs=2.5)
    assert number + 1 == shot.count
    assert 10 * np.log10(255**2 / np.mean(errors)) >= 40
    with av.open(str(video)) as container:
        codec = container.streams.video[0].codec_context
        code = {"bt709": 1, "smpte170m": 6}[space]
        assert (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range) == (
            code if space == "bt709" else pytest.approx(5.5, abs=0.5),
            code,
            code,
            1,
        )
    check_cover(folder / "cover.jpg", shot)


def check_cover(path: Path, shot: Shot) -> None:
    """It is one of the video's pictures, and in its colours."""
    with Image.open(path) as cover:
        picture = np.asarray(cover.convert("RGB"))
    assert picture.shape == (shot.height, shot.width, 3)
    for i, colour in enumerate(PATCHES):
        y, x = 20 + 80 * (i // 3) + 30, 20 + 100 * (i % 3) + 40
        assert picture[y, x].tolist() == pytest.approx(colour, abs=8)


@pytest.mark.parametrize(
    ("fps", "seconds"),
    [("25", 2.013), ("30000/1001", 1.777), ("60", 1.508), ("24000/1001", 0.9), ("25", 0.03)],
)
def test_rate_and_length_are_exact(composed: Callable[..., Path], fps: str, seconds: float) -> None:
    shot = Shot(seconds=seconds, fps=Fraction(fps), width=96, height=64, moving=False)
    with av.open(str(composed(shot) / "video.mp4")) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.average_rate == shot.fps
        assert picture.frames == shot.count
        for stream in (picture, sound):
            assert stream.start_time == 0
            assert stream.duration is not None
            assert stream.time_base is not None
            assert float(stream.duration * stream.time_base) == pytest.approx(
                shot.count / shot.fps, abs=0.001
            )
        assert (sound.rate, sound.layout.name, sound.codec_context.name) == (48_000, "stereo", "aac")


def test_a_player_can_jump_every_two_seconds(tmp_path: Path, composed: Callable[..., Path]) -> None:
    shot = Shot(seconds=4.5, width=96, height=64)
    job = job_of(tmp_path, shot, wav=hush(shot.seconds))
    with av.open(str(composed(shot, job) / "video.mp4")) as container:
        keys = [float((p.pts or 0) * p.time_base) for p in container.demux(video=0) if p.is_keyframe]
    assert len(keys) >= 3 and max(np.diff(keys)) <= 2


def test_pixels_that_are_not_square_stay_so_and_letters_do_not_stretch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same 480x240 picture, once in wide pixels and once in square ones: letters look the same."""
    shapes = []
    for width, pixel_aspect in ((320, Fraction(3, 2)), (480, Fraction(1))):
        shot = Shot(
            seconds=1.0,
            width=width,
            height=240,
            pixel_aspect=pixel_aspect,
            moving=False,
            black=True,
            still=True,
        )
        monkeypatch.setattr(lipsync, "frames", shot.frames)
        job = job_of(tmp_path / str(width), shot, wav=hush(shot.seconds))
        write_captions(job.artifacts["captions"], 480, 240, "HOH")
        folder = tmp_path / str(width)
        compose.make(job, folder, Quiet())
        with av.open(str(folder / "video.mp4")) as container:
            assert (container.streams.video[0].sample_aspect_ratio or 1) == pixel_aspect
        with Image.open(folder / "cover.jpg") as cover:
            assert cover.size == (480, 240)
        luma, _ = list(decoded(folder / "video.mp4"))[10]
        rows, columns = np.nonzero(luma > 120)
        shapes.append((np.ptp(columns) + 1) * float(pixel_aspect) / (np.ptp(rows) + 1))
    assert shapes[0] == pytest.approx(shapes[1], rel=0.05)


SQUARE = "{\\p1}m 0 0 l 80 0 80 80 0 80{\\p0}"  # a drawing needs no font


def write_captions(folder: Path, width: int, height: int, text: str = SQUARE) -> None:
    """White on the middle of the picture, for as long as it lasts."""
    fonts = folder / "fonts"
    fonts.mkdir()
    shipped = importlib.util.find_spec("matplotlib")  # mediapipe brings it, and it brings a font
    assert shipped is not None
    assert shipped.origin is not None
    shutil.copy(Path(shipped.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", fonts)
    (folder / "captions.ass").write_text(
        f"""[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BorderStyle, Outline, Shadow, Alignment
Style: S,DejaVu Sans,80,&H00FFFFFF,&H00FFFFFF,1,0,0,5

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:00.00,0:00:09.00,S,{text}
""",
        "utf-8",
    )


def test_captions_are_burnt_in_and_nothing_else_changes(
    tmp_path: Path, composed: Callable[..., Path]
) -> None:
    shot = Shot(seconds=1.0, moving=False)
    job = job_of(tmp_path, shot, wav=hush(shot.seconds))
    write_captions(job.artifacts["captions"], shot.width, shot.height)
    luma, chroma = list(decoded(composed(shot, job) / "video.mp4"))[5]
    y, x = shot.height // 2, shot.width // 2
    assert luma[y, x] == pytest.approx(235, abs=3)  # white, in limited range
    assert chroma[:, y // 2, x // 2] == pytest.approx([128, 128], abs=2)
    wanted = planes(shot.picture(5), "bt709")[0]
    assert np.mean((luma[:180] - wanted[:180]) ** 2) < 255**2 / 1e4  # 40 dB


def test_the_cover_is_not_taken_from_a_black_beginning(tmp_path: Path, composed: Callable[..., Path]) -> None:
    class Opening(Shot):
        def picture(self, number: int) -> Picture:
            return super().picture(number) * (number >= 30)

    shot = Opening(seconds=3.0, width=160, height=288)
    job = job_of(tmp_path, shot, wav=hush(shot.seconds))
    with Image.open(composed(shot, job) / "cover.jpg") as cover:
        assert np.asarray(cover).mean() > 60


@pytest.mark.parametrize("title", ["", 'Tom & <Jerry> "x=y"; \\ 今日AI 🎉'])
def test_the_video_says_that_it_is_synthetic(
    tmp_path: Path, composed: Callable[..., Path], title: str
) -> None:
    shot = Shot(seconds=0.6, width=96, height=64)
    video = composed(shot, job_of(tmp_path, shot, wav=hush(0.6), title=title)) / "video.mp4"
    with av.open(str(video), options={"export_xmp": "1"}) as container:
        tags = container.metadata
    assert tags.get("title", "") == title
    assert tags["comment"] == label.STATEMENT
    assert "Synthetic" in tags["description"]
    assert "synthetic=true" in tags["comment"]
    assert label.SOURCE_TYPE in tags["xmp"]


def test_what_was_made_is_written_down(tmp_path: Path, composed: Callable[..., Path]) -> None:
    shot = Shot(seconds=2.0, width=96, height=64)
    folder = composed(shot, job_of(tmp_path, shot, music="calm"))
    report = json.loads((folder / "compose.json").read_text("utf-8"))
    assert report["frames"] == shot.count
    assert report["loudness_lufs"] == pytest.approx(-14, abs=0.8)
    assert report["true_peak_dbtp"] <= -1
    assert report["music_gain_db"] < 0
    assert sorted(p.name for p in folder.iterdir()) == ["compose.json", "cover.jpg", "video.mp4"]


def test_the_inputs_follow_the_musics_content(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    job = job_of(tmp_path, Shot(), music=str(song))
    quiet = Job(job.spec.model_copy(update={"music_volume": 0.0}), job.settings, job.engines, job.artifacts)

    def sing(hertz: int) -> None:
        tone = ffmpeg.generated(f"sine=frequency={hertz}:duration=1").output(str(song))
        ffmpeg.run(tone.get_args(), doing="singing")

    sing(300)
    first, unheard = compose.inputs(job), compose.inputs(quiet)
    assert compose.inputs(job) == first
    sing(400)
    assert compose.inputs(job) != first
    assert compose.inputs(quiet) == unheard


def test_the_inputs_name_the_encoder_that_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "auto" is another encoder after a driver's update, and its video is another video."""
    job = job_of(tmp_path, Shot())
    monkeypatch.setattr(compose, "pick_encoder", lambda _: Encoder("libx264", {"crf": "18"}))
    here = compose.inputs(job)
    monkeypatch.setattr(compose, "pick_encoder", lambda _: Encoder("h264_nvenc", {"cq": "18"}))
    assert compose.inputs(job) != here
    monkeypatch.setattr(compose, "pick_encoder", lambda _: Encoder("libx264", {"crf": "23"}))
    assert compose.inputs(job) != here
    monkeypatch.undo()
    encoder = pick_encoder(job.settings.video)
    assert compose.inputs(job)["encoder"] == [encoder.name, encoder.options, ffmpeg.version()]
    assert ffmpeg.version()[0].isalnum()


# ---------------------------------------------------------------- when it goes wrong


FORTY = Shot(seconds=1.6)  # 40 pictures


def encoders() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "ffmpeg" in p.name()]


def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: Callable[..., Iterator[Picture]]) -> Job:
    monkeypatch.setattr(lipsync, "frames", frames)
    (tmp_path / "out").mkdir(exist_ok=True)
    return job_of(tmp_path, FORTY, wav=hush(FORTY.seconds))


def test_a_cancelled_encode_leaves_no_process_and_no_picture_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    def frames(_: Job) -> Iterator[Picture]:
        try:
            yield from FORTY.frames()
        finally:
            closed.append(True)

    class CancelHalfway(Steps):
        def step(self, done: float, total: float) -> None:
            super().step(done, total)
            if done / total > 0.5:
                assert encoders()
                raise Cancelled

    job = broken(tmp_path, monkeypatch, frames)
    with pytest.raises(Cancelled):
        compose.make(job, tmp_path / "out", CancelHalfway())
    assert encoders() == []
    assert closed == [True]


def test_a_killed_encoder_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def frames(_: Job) -> Iterator[Picture]:
        for number, picture in enumerate(FORTY.frames()):
            if number == 20:
                for process in encoders():
                    process.kill()
            yield picture

    with pytest.raises(StageFailed, match=r"encoding the video.*SIGKILL"):
        compose.make(broken(tmp_path, monkeypatch, frames), tmp_path / "out", Quiet())


@pytest.mark.parametrize(("change", "words"), [("size", "not 320x568"), ("fewer", "39 frames, not 40")])
def test_pictures_that_do_not_fit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, words: str
) -> None:
    def frames(_: Job) -> Iterator[Picture]:
        for number, picture in enumerate(FORTY.frames()):
            if number != 39:
                yield picture
            elif change == "size":
                yield picture[:-2]

    with pytest.raises(StageFailed, match=words):
        compose.make(broken(tmp_path, monkeypatch, frames), tmp_path / "out", Quiet())


def test_a_full_disk_is_named(tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)

    def noise(_: Job) -> Iterator[Picture]:
        for _number in range(FORTY.count):
            yield random.integers(0, 255, (FORTY.height, FORTY.width, 3), np.uint8)

    job = broken(tmp_path, monkeypatch, noise)
    with pytest.raises(Unavailable) as failed:
        compose.make(job, small_disk, Quiet())
    assert failed.value.code == "disk_full"
    assert encoders() == []
