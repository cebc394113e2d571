"""A good video passes; each thing that can be wrong with one is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import pytest

from models.errors import Cancelled, ProcessDied, StageFailed, VigentdError
from models.progress import Quiet
from pipeline import compose, ffmpeg, lipsync, verify
from pipeline.job import Job
from pipeline.media import load_facts
from pipeline.timeline import timeline
from tests.pipeline.handmade import Shot, babble, job_of
from tests.progress_kit import Steps

SHOT = Shot(seconds=3.0, width=160, height=288)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return finished(tmp_path_factory.mktemp("good"), SHOT)


def finished(root: Path, shot: Shot) -> Job:
    job = job_of(root, shot)
    folder = root / "compose-0123456789ab"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lipsync, "frames", shot.frames)
        compose.make(job, folder, Quiet())
    job.artifacts["compose"] = folder
    return job


def again(job: Job, root: Path, change: Callable[[Path, Path], None]) -> Job:
    """The same job with another video.mp4: `change(good, bad)` makes it."""
    folder = root / "compose-bad"
    folder.mkdir()
    change(job.artifacts["compose"] / "video.mp4", folder / "video.mp4")
    return replace(job, artifacts=job.artifacts | {"compose": folder})


def remade(*options: str, second: str = "") -> Callable[[Path, Path], None]:
    """With ffmpeg, from the good video and perhaps a second, generated input."""

    def change(source: Path, target: Path) -> None:
        inputs = ["-i", str(source), *(["-f", "lavfi", "-i", second] if second else [])]
        ffmpeg.run([*inputs, *options, "-movflags", "+faststart", str(target)], doing="spoiling")

    return change


def cut(source: Path, target: Path) -> None:
    data = source.read_bytes()
    target.write_bytes(data[: len(data) * 2 // 3])


def scratched(source: Path, target: Path) -> None:
    data = bytearray(source.read_bytes())
    begin = data.index(b"mdat") + len(data) // 3
    data[begin : begin + 4000] = bytes(4000)
    target.write_bytes(data)


def index_last(source: Path, target: Path) -> None:
    ffmpeg.run(["-i", str(source), "-c", "copy", str(target)], doing="spoiling")


def refused(job: Job, root: Path) -> StageFailed:
    folder = root / "verify"
    folder.mkdir()
    with pytest.raises(StageFailed) as failed:
        verify.make(job, folder, Quiet())
    assert failed.value.code == "verify_failed"
    assert "\n" not in failed.value.message
    return failed.value


def test_a_good_video_passes_and_every_check_is_written_down(good: Job, tmp_path: Path) -> None:
    told = Steps()
    verify.make(good, tmp_path, told)
    checks = json.loads((tmp_path / "verify.json").read_text("utf-8"))["checks"]
    assert all(check["ok"] for check in checks)
    assert {"picture size", "frame rate", "motion", "loudness", "true peak"} <= {c["name"] for c in checks}
    assert told.shares == sorted(told.shares)
    assert told.shares[-1] == pytest.approx(1, abs=0.05)


COPY_SOUND = ("-map", "1:v", "-map", "0:a", "-c:a", "copy", "-pix_fmt", "yuv420p", "-frames:v", "75")
COPY_PICTURE = ("-map", "0:v", "-c:v", "copy")

DAMAGE = {
    "black": (remade(*COPY_SOUND, second="color=black:size=160x288:rate=25:duration=3"), "black pictures"),
    "frozen": (remade(*COPY_SOUND, second="color=gray:size=160x288:rate=25:duration=3"), "motion"),
    "silent": (remade(*COPY_PICTURE, "-map", "1:a", "-t", "3", second="anullsrc=r=48000"), "the sound"),
    "no sound": (remade(*COPY_PICTURE), "streams"),
    "no picture": (remade("-map", "0:a", "-c:a", "copy"), "streams"),
    "short": (remade("-c", "copy", "-t", "2"), "length of the pictures"),
    "short sound": (
        remade(*COPY_PICTURE, "-map", "0:a", "-af", "atrim=end=2", "-c:a", "aac"),
        "length of the sound",
    ),
    "too loud": (remade(*COPY_PICTURE, "-map", "0:a", "-af", "volume=3dB", "-c:a", "aac"), "loudness"),
    "peaks": (
        remade(*COPY_PICTURE, "-map", "0:a", "-af", "volume=0.9dB", "-c:a", "aac"),
        "true peak",
    ),
    "mono": (remade(*COPY_PICTURE, "-map", "0:a", "-ac", "1", "-c:a", "aac"), "sound"),
    "another size": (remade("-vf", "scale=162:288,setsar=1", "-c:a", "copy"), "picture size"),
    "another shape": (remade("-vf", "setsar=4/3", "-c:a", "copy"), "pixel aspect"),
    "another rate": (remade("-r", "30", "-c:a", "copy"), "frame rate"),
    "another codec": (remade("-c:v", "mpeg4", "-c:a", "copy"), "codecs"),
    "index last": (index_last, "the index"),
    "cut off": (cut, "the file"),
    "scratched": (scratched, "the pictures"),
    "text": (lambda _, target: target.write_text("no video"), "the file"),
    "empty": (lambda _, target: target.write_bytes(b""), "the file"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_named(good: Job, tmp_path: Path, damage: str) -> None:
    change, named = DAMAGE[damage]
    error = refused(again(good, tmp_path, change), tmp_path)
    assert f"not right: {named} should be" in error.message
    assert not (tmp_path / "verify" / "verify.json").exists()


def without_index(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes().replace(b"moov", b"free", 1))


def cut_in_a_length(source: Path, target: Path) -> None:
    data = source.read_bytes()
    place = data.index(b"mdat")
    target.write_bytes(data[: place - 4] + b"\0\0\0\1mdat\0\0")


@pytest.mark.parametrize(
    "damage", [without_index, cut_in_a_length, cut, DAMAGE["no sound"][0], DAMAGE["no picture"][0]]
)
def test_every_check_is_made_whatever_failed_before(
    good: Job, tmp_path: Path, damage: Callable[[Path, Path], None]
) -> None:
    facts = load_facts(good.artifacts["probe"])
    wanted = verify.Wanted(facts, timeline(good.artifacts["speech"], facts), good.settings.video)
    damage(good.artifacts["compose"] / "video.mp4", tmp_path / "bad.mp4")
    checks = list(verify.examine(tmp_path / "bad.mp4", wanted, Quiet()))
    assert not all(check.ok for check in checks)
    assert {"the pictures", "number of pictures"} & {check.name for check in checks}
    assert "the sound" in {check.name for check in checks}


def test_a_video_of_another_speech_is_too_short(good: Job, tmp_path: Path) -> None:
    longer = job_of(tmp_path, SHOT, wav=babble(3.2))
    error = refused(
        replace(good, artifacts=good.artifacts | {"speech": longer.artifacts["speech"]}), tmp_path
    )
    assert "should be 3.200 s, but is 3.000 s" in error.message


def test_a_photo_may_stand_still(tmp_path: Path) -> None:
    (tmp_path / "verify").mkdir()
    standing = replace(SHOT, seconds=1.0, moving=False)
    photo = finished(tmp_path / "photo", replace(standing, still=True))
    assert load_facts(photo.artifacts["probe"]).still
    verify.make(photo, tmp_path / "verify", Quiet())
    film = finished(tmp_path / "film", standing)
    shutil.rmtree(tmp_path / "verify")
    assert "motion" in refused(film, tmp_path).message


@pytest.mark.parametrize(
    "shot",
    [
        replace(SHOT, fps=Fraction(30000, 1001), seconds=1.9),
        replace(SHOT, fps=Fraction(60), seconds=1.51),
        replace(SHOT, pixel_aspect=Fraction(16, 15), seconds=1.0),
    ],
    ids=["29.97", "60", "wide pixels"],
)
def test_other_rates_and_shapes_pass(tmp_path: Path, shot: Shot) -> None:
    (tmp_path / "verify").mkdir()
    verify.make(finished(tmp_path, shot), tmp_path / "verify", Quiet())


@pytest.mark.parametrize("error", [Cancelled(), ProcessDied("ffmpeg was killed")], ids=["cancel", "kill"])
@pytest.mark.parametrize("reader", ["_thumbnails", "measure"])
def test_a_video_is_not_called_broken_because_nobody_looked_to_its_end(
    good: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, error: VigentdError
) -> None:
    """A cancelled job was told to have a damaged video; one whose ffmpeg was killed was given up."""

    def broken_off(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(verify, reader, broken_off)
    with pytest.raises(type(error)) as told:
        verify.make(good, tmp_path, Quiet())
    assert told.value is error
