"""The clip reader against the ffmpeg program, which shows what a player would show."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from models.ahead import ahead
from models.beats import heard
from models.errors import BadInput
from pipeline import probe
from pipeline.index import constant_rate, shown_at, there_and_back
from pipeline.job import Job
from pipeline.media import load_facts, open_clip
from pipeline.probe import inspect
from pipeline.spec import JobSpec, Limits, LipsyncSettings, Settings
from pipeline.workspace import file_hash
from tests.media_kit import decoded, ffmpeg, pattern, psnr

SETTINGS = Settings()


def pictures(path: Path, wanted: int | None = None) -> npt.NDArray[np.uint8]:
    facts = inspect(path, SETTINGS)
    clip = open_clip(facts, wanted or facts.pictures)
    return np.stack(list(clip.pictures([int(n) for n in clip.order])))


# ---------------------------------------------------------------- what a player shows


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_rotated_phone_video_is_read_upright(tmp_path: Path, turn: int) -> None:
    flat = pattern(tmp_path / "flat.mp4", size="284x160")
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", str(turn), "-i", flat, "-c", "copy", turned)
    facts = inspect(turned, SETTINGS)
    width, height = (284, 160) if turn in (0, 180) else (160, 284)
    assert (facts.width, facts.height) == (width, height)
    assert psnr(pictures(turned), decoded(turned, width, height)) > 60


def test_variable_rate_is_shown_by_its_time_stamps(tmp_path: Path) -> None:
    # Two pictures of seven are missing, so the mean rate is 17.9, the true one 25.
    clip = pattern(tmp_path / "vfr.mp4", "-vf", r"select='lt(mod(n\,7)\,5)'", "-fps_mode", "vfr", seconds=3)
    facts = inspect(clip, SETTINGS)
    assert facts.fps == 25
    theirs = decoded(clip, 160, 284, "fps=25")
    ours = pictures(clip)
    assert abs(len(ours) - len(theirs)) <= 1
    assert psnr(ours[: len(theirs)], theirs[: len(ours)]) > 60


@pytest.mark.parametrize(
    ("rate", "suffix"),
    [("24000/1001", "mp4"), ("30000/1001", "webm"), ("25", "mkv"), ("50", "mov"), ("60", "mp4")],
)
def test_constant_rates_are_exact(tmp_path: Path, rate: str, suffix: str) -> None:
    codec = "vp8" if suffix == "webm" else "x264"
    options = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"] if suffix == "webm" else []
    facts = inspect(pattern(tmp_path / f"a.{suffix}", *options, rate=rate, codec=codec), SETTINGS)
    assert facts.fps == Fraction(rate)
    assert facts.duration_s == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30", "60"])
def test_any_clip_can_be_shown_at_25(tmp_path: Path, rate: str) -> None:
    """As fast as it was filmed: each picture is the one that was on screen at its middle."""
    clip = pattern(tmp_path / "a.mp4", rate=rate)
    filmed = inspect(clip, SETTINGS)
    facts = inspect(clip, Settings(lipsync=LipsyncSettings(fps=25)))
    assert (facts.fps, facts.duration_s) == (Fraction(25), filmed.duration_s)
    assert facts.pictures == round(25 * filmed.duration_s)
    shown = open_clip(facts, facts.pictures)
    ours = np.stack(list(shown.pictures([int(n) for n in shown.order])))
    moments = (np.arange(len(ours)) + 0.5) / 25
    theirs = decoded(clip, 160, 284)[(moments * float(Fraction(rate))).astype(int)]
    assert psnr(ours, theirs) > 60


def test_the_rate_decides_the_probe_only_when_it_is_set(tmp_path: Path) -> None:
    """Or every artifact of the first release would be made anew."""
    clip = pattern(tmp_path / "a.mp4", seconds=0.2)
    spec = JobSpec(clip=clip, script="Hello.")
    as_filmed, at_25 = (
        probe.inputs(Job(spec, Settings(lipsync=LipsyncSettings(fps=fps)))) for fps in ("clip", 25)
    )
    assert sorted(as_filmed) == ["clip", "clip_minutes", "photo_max", "sha256", "version"]
    assert at_25 == as_filmed | {"fps": 25}


def test_odd_size_loses_one_row_and_column_and_nothing_else(tmp_path: Path) -> None:
    clip = pattern(tmp_path / "odd.mp4", "-vf", "scale=161:285,setsar=1", "-pix_fmt", "yuv444p")
    ours = pictures(clip)
    assert ours.shape[1:3] == (284, 160)
    assert psnr(ours, decoded(clip, 161, 285)[:, :284, :160]) > 60


def test_pixel_aspect_is_reported_and_pixels_are_left_alone(tmp_path: Path) -> None:
    clip = pattern(tmp_path / "sar.mp4", "-vf", "setsar=16/15", size="144x256")
    facts = inspect(clip, SETTINGS)
    assert facts.pixel_aspect == Fraction(16, 15)
    assert (facts.width, facts.height) == (144, 256)
    assert psnr(pictures(clip), decoded(clip, 144, 256)) > 60


@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"])
def test_hdr_is_mapped_as_ffmpeg_maps_it(tmp_path: Path, transfer: str) -> None:
    clip = tmp_path / "hdr.mp4"
    to_hdr = (
        f"zscale=transfer=linear:npl=100,zscale=primaries=bt2020,"
        f"zscale=transfer={transfer}:matrix=bt2020nc:range=tv,format=yuv420p10le"
    )
    pattern(
        clip,
        *["-vf", f"gblur=sigma=3,setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709,{to_hdr}"],
        *["-c:v", "libx265", "-preset", "ultrafast", "-x265-params"],
        f"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc",
        codec="x265", seconds=0.4,
    )  # fmt: skip
    facts = inspect(clip, SETTINGS)
    assert facts.hdr == transfer
    assert facts.colour["space"] == "bt709"
    back = (
        "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709,"
        "tonemap=hable:desat=0,zscale=transfer=bt709:range=full,format=gbrp"
    )
    ours, theirs = pictures(clip), decoded(clip, 160, 284, back)
    assert psnr(ours, theirs) > 32  # the cube is coarse where saturated colours leave the gamut
    assert abs(float(ours.mean()) - float(theirs.mean())) < 2  # neither washed out nor dark


@pytest.mark.parametrize(("matrix", "size"), [("bt709", "192x108"), ("smpte170m", "1280x720")])
def test_colours_follow_the_tagged_matrix(tmp_path: Path, matrix: str, size: str) -> None:
    """Each is the opposite of what the size suggests: guessing by size would be seen."""
    clip = tmp_path / "flat.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", f"color=c=0xD02060:s={size}:r=25:d=0.2"),
        *("-vf", f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p"),
        *("-colorspace", matrix, "-c:v", "libx264", "-crf", "1", clip),
    )
    colour = pictures(clip)[2].reshape(-1, 3).mean(0)
    assert np.abs(colour - (0xD0, 0x20, 0x60)).max() < 5


def test_photo_is_turned_by_its_exif_and_kept_in_bounds(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    image = Image.new("RGB", (4000, 3000), "navy")
    image.paste("orange", (0, 0, 4000, 1500))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn 90° clockwise to see it
    image.save(photo, exif=exif, quality=95)
    facts = inspect(photo, SETTINGS)
    assert facts.still
    assert (facts.width, facts.height) == (1440, 1920)
    shown = pictures(photo, wanted=3)
    assert len(shown) == 3
    assert shown[0, 960, 1200, 0] > 200  # orange went to the right side
    assert shown[0, 960, 200, 2] > 100


def test_photos_of_all_kinds(tmp_path: Path) -> None:
    shade = np.full((200, 120), 30000, np.uint16)
    Image.fromarray(shade).save(tmp_path / "grey16.png")
    hole = Image.new("RGBA", (120, 200), (255, 0, 0, 0))
    hole.save(tmp_path / "hole.png")
    hole.save(tmp_path / "hole.webp", lossless=True)
    assert abs(int(pictures(tmp_path / "grey16.png")[0, 50, 50, 0]) - 117) <= 1  # not burnt out
    for name in ("hole.png", "hole.webp"):
        assert (pictures(tmp_path / name)[0] == 255).all()  # transparent is white, not its hidden red


def test_a_photo_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")  # a few kilobytes
    Image.new("1", (20000, 20000)).save(tmp_path / "bigger.png")
    for name in ("bomb.png", "bigger.png"):
        assert refused(tmp_path / name).code == "clip_size"


def test_a_number_in_a_name_is_a_name(tmp_path: Path) -> None:
    Image.new("RGB", (200, 300), "navy").save(tmp_path / "me_%03d.png")
    Image.new("RGB", (200, 300), "red").save(tmp_path / "me_001.png")
    assert pictures(tmp_path / "me_%03d.png")[0, 5, 5].tolist() == [0, 0, 128]


def test_every_hdr_picture_is_shown(tmp_path: Path) -> None:
    clip = tmp_path / "hdr.mp4"
    x265 = "log-level=error:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc"
    options = ["-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", x265]
    shown = pictures(pattern(clip, *options, codec="x265", seconds=0.6))
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(shown))


def test_a_held_last_picture_is_part_of_the_clip(tmp_path: Path) -> None:
    clip = tmp_path / "held.mkv"
    pattern(clip, "-vf", r"select='lt(n\,25)+eq(n\,74)'", "-fps_mode", "vfr", seconds=3)
    facts = inspect(clip, SETTINGS)
    assert facts.fps == 25
    assert facts.duration_s == pytest.approx(3, abs=0.05)


def test_a_clip_that_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    clip = pattern(tmp_path / "a.mp4", seconds=0.5)
    facts = replace(inspect(clip, SETTINGS), sha256=file_hash(clip))
    clip.touch()  # the same content under a new time is the same clip
    open_clip(facts, 3)
    pattern(clip, "-vf", "negate", seconds=0.5)
    with pytest.raises(BadInput) as caught:
        open_clip(facts, 3)
    assert caught.value.code == "clip_changed"


# ---------------------------------------------------------------- order


@pytest.mark.parametrize(
    ("format_", "size"),
    [("yuv420p", "160x284"), ("yuv422p", "162x284"), ("yuv444p10le", "160x284"), ("gbrp", "98x150")],
)
def test_backwards_gives_the_same_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str, size: str
) -> None:
    # One key picture in all, and B-frames: the hardest clip to play backwards. Several spill files, too.
    monkeypatch.setattr("pipeline.spill.BYTES", 10 * 160 * 284 * 1.5)
    options = ["-pix_fmt", format_, "-g", "500", "-bf", "3", "-preset", "veryfast"]
    if format_ == "gbrp":
        options += ["-c:v", "libx264rgb"]
    clip = pattern(tmp_path / "gop.mkv", *options, seconds=2, size=size)
    facts = inspect(clip, SETTINGS)
    reader = open_clip(facts, 95)
    straight = pictures(clip)
    played = list(reader.pictures([int(n) for n in reader.order]))
    assert len(played) == 95
    for i, picture in enumerate(played):
        assert np.array_equal(picture, straight[reader.order[i]]), i


def test_short_clip_goes_to_and_fro_without_a_doubled_turn() -> None:
    assert there_and_back(4, 10).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3]
    assert there_and_back(1, 3).tolist() == [0, 0, 0]
    assert there_and_back(10, 4).tolist() == [0, 1, 2, 3]


def test_any_order_may_be_asked_for(tmp_path: Path) -> None:
    clip = pattern(tmp_path / "a.mp4", "-g", "10")
    straight = pictures(clip)
    reader = open_clip(inspect(clip, SETTINGS), 1)
    wanted = [40, 3, 3, 4, 49, 0, 12, 11, 10, 10, 9]
    for number, picture in zip(wanted, reader.pictures(wanted), strict=True):
        assert np.array_equal(picture, straight[number]), number


def test_rates_and_moments() -> None:
    milliseconds = np.round(np.arange(90) / 29.97 * 1000) / 1000
    assert constant_rate(milliseconds) == Fraction(30000, 1001)
    assert constant_rate(np.arange(10) / 5) == 25  # too slow to see lips speak
    assert shown_at(np.array([0, 0.04, 0.12]), Fraction(25), 5).tolist() == [0, 1, 1, 2, 2]


def test_facts_survive_the_artifact(tmp_path: Path) -> None:
    facts = inspect(pattern(tmp_path / "a.mp4", rate="30000/1001"), SETTINGS)
    facts.save(tmp_path)
    assert load_facts(tmp_path) == replace(facts, folder=tmp_path)


def test_reading_ahead_ends_with_its_reader() -> None:
    closed = []

    def endless() -> Generator[int]:
        try:
            n = 0
            while True:
                yield n
                n += 1
        finally:
            closed.append(True)

    items = ahead(endless())
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    items.close()
    assert closed == [True]


def test_reading_ahead_hands_on_errors_in_their_place() -> None:
    def broken() -> Generator[int]:
        yield 1
        raise ValueError("late")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="late"):
        next(items)


# ---------------------------------------------------------------- bad input


def refused(path: Path, settings: Settings = SETTINGS) -> BadInput:
    with pytest.raises(BadInput) as caught:
        inspect(path, settings)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


def test_clips_that_are_none(tmp_path: Path) -> None:
    assert refused(tmp_path / "missing.mp4").code == "clip_missing"
    assert refused(tmp_path).code == "clip_not_a_file"
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert refused(empty).code == "clip_empty"
    text = tmp_path / "text.mp4"
    text.write_text("This is my script, not a clip.\n" * 50)
    assert refused(text).code == "clip_unreadable"
    sound = tmp_path / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", sound)
    assert refused(sound).code == "clip_no_video"


def test_playlists_do_not_reach_other_files(tmp_path: Path) -> None:
    real = pattern(tmp_path / "real.mp4", seconds=0.5)
    for name, text in [
        ("list.mp4", f"ffconcat version 1.0\nfile {real}\n"),
        ("list.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{real}\n#EXT-X-ENDLIST\n"),
    ]:
        (tmp_path / name).write_text(text)
        assert refused(tmp_path / name).code == "clip_unreadable"


@pytest.mark.parametrize("share", [0.15, 0.6, 0.9])
@pytest.mark.parametrize("faststart", [True, False])
def test_a_clip_that_was_cut_off_is_said_so(tmp_path: Path, share: float, faststart: bool) -> None:
    whole = pattern(tmp_path / "whole.mp4", *(["-movflags", "+faststart"] if faststart else []), seconds=8)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    assert refused(cut).code == ("clip_truncated" if faststart else "clip_unreadable")


def test_four_hours_are_too_many(tmp_path: Path) -> None:
    long = pattern(tmp_path / "long.mp4", "-g", "600", rate="1/60", seconds=4 * 3600, size="96x96")
    error = refused(long)
    assert error.code == "clip_too_long"
    assert "240 minutes" in error.message
    strict = Settings(limits=Limits(clip_minutes=0.01))
    assert refused(pattern(tmp_path / "a.mp4"), strict).code == "clip_too_long"


def test_sizes_that_cannot_be_used(tmp_path: Path) -> None:
    assert refused(pattern(tmp_path / "tiny.mp4", size="64x64")).code == "clip_size"
    Image.new("RGB", (40, 40)).save(tmp_path / "tiny.png")
    assert refused(tmp_path / "tiny.png").code == "clip_size"


def test_a_damaged_middle_does_not_stop_the_reader(tmp_path: Path) -> None:
    clip = pattern(tmp_path / "a.mp4", "-g", "10", seconds=2)
    data = bytearray(clip.read_bytes())
    start = data.find(b"mdat") + len(data) // 3
    data[start : start + 400] = bytes(400)
    clip.write_bytes(data)
    assert len(pictures(clip)) == 50


def test_every_packet_of_a_clip_is_a_heartbeat(tmp_path: Path) -> None:
    """An hour of it on a slow share is read for minutes."""
    clip = pattern(tmp_path / "clip.mp4")
    beats: list[None] = []
    with heard(lambda: beats.append(None)):
        inspect(clip, Settings())
    assert len(beats) >= 50
