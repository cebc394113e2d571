"""The whole product as a person meets it: commands in, a finished video out, measured and looked into."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from PIL import Image

from models.mouthwarp.shapes import mouth_shapes
from pipeline import speech as speech_stage
from pipeline.media import main_video, open_local
from pipeline.patches import read_patches
from tests.face_kit import CHINESE, ENGLISH, clip_of, correlation, loudness, measured_gap, portrait
from tests.media_kit import ffmpeg, pattern, psnr

ROOT = Path(__file__).resolve().parents[1]
SHORT = "Good morning, and welcome."
CHUNKS = "jobs/*/work/lipsync-*.part/chunk-*.npz"


class Said(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Desk:
    """A person's folder, and a machine on which nothing else is set."""

    folder: Path

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("VIGENTD_")}
        own = {
            "VIGENTD_DATA_DIR": str(self.folder / "data"),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
        }
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        return kept | own | variables

    def run(self, *arguments: object, stdin: bytes = b"", data: Path | None = None) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "daemon.cli", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(**({"VIGENTD_DATA_DIR": str(data)} if data else {})),
            timeout=280,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def submit(self, script: str, clip: Path, *options: object) -> dict[str, Any]:
        """`vigentd submit … --wait --json`, which must succeed."""
        told = ("--script", "-") if script else ()
        said = self.run("submit", *told, "--clip", clip, "--wait", "--json", *options, stdin=script.encode())
        assert said.returncode == 0, said.stderr
        job: dict[str, Any] = json.loads(said.stdout)
        assert job["state"] == "done"
        return job

    def artifact(self, job: dict[str, Any], stage: str) -> Path:
        work: Path = self.folder / "data" / "jobs" / job["id"] / "work"
        (found,) = work.glob(f"{stage}-*[0-9a-f]")
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return portrait(tmp_path_factory.mktemp("face"))


@dataclass(frozen=True)
class Made:
    desk: Desk
    job: dict[str, Any]
    out: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, face: Path) -> Made:
    """One video with everything, looked at by several tests."""
    desk = Desk(tmp_path_factory.mktemp("made"))
    out = desk.folder / "final.mp4"
    job = desk.submit(ENGLISH, face, "--title", "Daily AI", "--music", "calm", "--out", out)
    return Made(desk, job, out)


def seconds_of(path: Path) -> float:
    with open_local(path) as container:
        stream = main_video(container)
        assert stream and stream.duration and stream.time_base
        return float(stream.duration * stream.time_base)


def letters(text: str) -> str:
    return "".join(text.split())


def srt_text(path: Path) -> str:
    blocks = path.read_text("utf-8").strip().split("\n\n")
    return "".join(line for block in blocks for line in block.split("\n")[2:])


# ---------------------------------------------------------------- the finished video


def test_the_job_says_what_was_done(made: Made) -> None:
    wanted = {
        *("id", "state", "stage", "progress", "eta_s", "attempts", "error", "created_at", "started_at"),
        *("finished_at", "output", "source", "engines", "queue_position"),
    }
    assert wanted <= made.job.keys()
    assert made.job["engines"] == {"speech": "espeak", "lipsync": "mouthwarp"}
    assert made.job["output"] == str(made.out)
    assert made.job["error"] is None
    listed = json.loads(made.desk.run("ls", "--json").stdout)
    assert [job["id"] for job in listed] == [made.job["id"]]


def test_everything_lies_beside_the_video(made: Made) -> None:
    assert sorted(p.suffix for p in made.out.parent.glob("final.*")) == [".jpg", ".mp4", ".srt", ".vtt"]
    with Image.open(made.out.with_suffix(".jpg")) as cover:
        assert cover.size == (360, 640)
    assert made.out.with_suffix(".vtt").read_text("utf-8").startswith("WEBVTT")


def test_nothing_is_written_outside_the_data_folder(made: Made) -> None:
    outside = {p.name for p in made.desk.folder.iterdir() if not p.name.startswith("final.")}
    assert outside == {"data", "home", "tmp"}
    assert list((made.desk.folder / "home").iterdir()) == []
    assert list((made.desk.folder / "tmp").iterdir()) == []


def test_the_video_lasts_as_long_as_the_speech(made: Made) -> None:
    spoken = speech_stage.load(made.desk.artifact(made.job, "speech")).speech
    assert abs(seconds_of(made.out) - spoken.duration_s) <= 1 / 25 + 1e-3


def test_subtitles_say_the_script(made: Made) -> None:
    assert letters(srt_text(made.out.with_suffix(".srt"))) == letters(ENGLISH)


def test_lips_follow_in_the_finished_video(made: Made, tmp_path: Path) -> None:
    gap = measured_gap(made.out, tmp_path / "again")
    voice = speech_stage.load(made.desk.artifact(made.job, "speech")).speech
    r, lag = correlation(mouth_shapes(voice, 25, len(gap)).open, gap)
    assert r >= 0.85 and abs(lag) <= 1
    r, lag = correlation(loudness(voice, 25, len(gap)), gap)
    assert r >= 0.75 and abs(lag) <= 1


def test_the_sound_is_there_and_as_loud_as_it_should_be(made: Made) -> None:
    facts = json.loads((made.desk.artifact(made.job, "compose") / "compose.json").read_text())
    assert facts["loudness_lufs"] == pytest.approx(-14, abs=1)
    assert facts["true_peak_dbtp"] <= -1
    with av.open(str(made.out)) as container:
        (sound,) = container.streams.audio
        assert (sound.codec_context.name, sound.rate) == ("aac", 48000)


def test_the_file_says_that_it_is_synthetic(made: Made) -> None:
    with av.open(str(made.out)) as container:
        told = " ".join(container.metadata.values()).lower()
    assert "synthetic" in told


def test_a_chinese_and_english_script(desk: Desk, face: Path) -> None:
    script = f"{CHINESE}我们用 GPU 跑 Qwen3 model，只要 $1,299.99。"
    said = desk.run(
        *("submit", "--script", "-", "--clip", face, "--wait", "--json", "--out", "zh.mp4"),
        stdin=script.encode("gb18030"),
    )
    answer = json.loads(said.stdout)
    if said.returncode and answer["error"]["code"] == "font_missing":
        pytest.skip("no Chinese font on this machine: " + answer["error"]["hint"])
    assert answer["state"] == "done", said.stderr
    assert letters(srt_text(desk.folder / "zh.srt")) == letters(script)


def test_a_recording_speaks(desk: Desk, face: Path, media: Path) -> None:
    wav = desk.folder / "speech.wav"
    ffmpeg("-i", media / "speech_en_9s6.wav", "-t", "4", wav)
    job = desk.submit("", face, "--speech", wav, "--out", "said.mp4")
    assert job["engines"]["speech"] == "recording"
    assert seconds_of(desk.folder / "said.mp4") == pytest.approx(4.8, abs=0.05)


def test_a_photo_speaks(desk: Desk) -> None:
    from skimage.data import astronaut

    photo = desk.folder / "photo.jpg"
    Image.fromarray(astronaut()).save(photo)  # type: ignore[no-untyped-call]
    desk.submit(SHORT, photo, "--out", "speaks.mp4")
    before, during = clip_of(desk.folder / "speaks.mp4").pictures([0, 20])
    assert psnr(before, during) < 60


def test_a_short_clip_plays_to_and_fro_and_a_long_one_is_cut(desk: Desk, face: Path) -> None:
    short = desk.folder / "short.mp4"
    ffmpeg("-i", face, "-t", "0.8", short)
    job = desk.submit(SHORT, short, "--out", "a.mp4")
    spoken = speech_stage.load(desk.artifact(job, "speech")).speech
    assert spoken.duration_s > 1.6
    assert abs(seconds_of(desk.folder / "a.mp4") - spoken.duration_s) <= 1 / 25 + 1e-3


# ---------------------------------------------------------------- the clip's own picture


@pytest.mark.parametrize(
    ("name", "options", "size", "rate"),
    [
        ("turned", ["-vf", "transpose=2"], (360, 640), 25),  # stored lying, shown upright
        ("odd", ["-vf", "scale=361:641,setsar=1", "-pix_fmt", "yuv444p"], (360, 640), 25),
        ("squeezed", ["-vf", "scale=288:640,setsar=5/4"], (288, 640), 25),
        ("film", ["-vf", "fps=24000/1001"], (360, 640), 24000 / 1001),
        ("fast", ["-vf", "fps=60"], (360, 640), 60),
        ("vfr", ["-vf", r"select='lt(mod(n\,7)\,5)'", "-fps_mode", "vfr"], (360, 640), 25),
    ],
)
def test_size_rate_and_orientation_are_the_clips(
    desk: Desk, face: Path, name: str, options: list[str], size: tuple[int, int], rate: float
) -> None:
    clip = desk.folder / f"{name}.mp4"
    ffmpeg("-i", face, "-t", "2", *options, "-crf", "14", clip)
    if name == "turned":
        lying = clip.rename(desk.folder / "lying.mp4")
        ffmpeg("-display_rotation", "270", "-i", lying, "-c", "copy", clip)
    desk.submit(SHORT, clip, "--subtitles", "none", "--out", "out.mp4")
    with open_local(desk.folder / "out.mp4") as container:
        stream = main_video(container)
        assert stream is not None
        assert (stream.width, stream.height) == size
        assert float(stream.average_rate or 0) == pytest.approx(rate, rel=1e-4)
        assert float(stream.sample_aspect_ratio or 1) == (1.25 if name == "squeezed" else 1)
        frame = next(container.decode(stream))
        assert frame.rotation == 0
    (ours,) = clip_of(desk.folder / "out.mp4").pictures([0])
    (theirs,) = clip_of(clip).pictures([0])
    assert psnr(ours[: size[1] // 3], theirs[: size[1] // 3]) > 35  # the forehead, the right way up


def test_pixels_outside_the_mouth_survive_on_the_demo_face(desk: Desk) -> None:
    check_pixels_survive(desk, portrait(desk.folder, (720, 1280), 2))


def test_pixels_outside_the_mouth_survive_on_real_footage(desk: Desk, media: Path) -> None:
    clip = desk.folder / "clip.mp4"
    ffmpeg("-i", media / "presenter_1080x1920_25fps.mp4", "-an", "-t", "3", "-c:v", "copy", clip)
    check_pixels_survive(desk, clip)


def check_pixels_survive(desk: Desk, clip: Path) -> None:
    """≥ 40 dB against the source in every tenth frame."""
    job = desk.submit(SHORT, clip, "--subtitles", "none", "--out", "out.mp4")
    patches = list(read_patches(desk.artifact(job, "lipsync")))
    frames = list(range(0, len(patches), 10))
    source, result = clip_of(clip, len(patches)), clip_of(desk.folder / "out.mp4", len(patches))
    shown = [int(source.order[n]) for n in frames]
    for n, was, now in zip(frames, source.pictures(shown), result.pictures(frames), strict=True):
        outside = np.ones(was.shape[:2], bool)
        if (patch := patches[n]) is not None:
            x0, y0, x1, y1 = patch.box
            outside[y0:y1, x0:x1] = ~patch.touched
        assert psnr(was[outside], now[outside]) >= 40, n


# ---------------------------------------------------------------- killed, cancelled, tried again


def left_running(desk: Desk) -> list[psutil.Process]:
    """Processes that were started from this desk and still live, whoever their parent is by now."""

    def is_ours(process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return bool(process.environ().get("TMPDIR") == str(desk.folder / "tmp"))
        return False

    ours = [p for p in psutil.process_iter() if is_ours(p)]
    return list(psutil.wait_procs(ours, timeout=10)[1])


@contextmanager
def started(desk: Desk, face: Path, ready: str, data: Path) -> Iterator[subprocess.Popen[str]]:
    """A job in the foreground, from the moment when something like `ready` stands in the data folder."""
    (desk.folder / "script.txt").write_text(ENGLISH)
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "daemon.cli", "submit", "--script", "script.txt"),
            *("--clip", str(face), "--wait", "--out", "final.mp4"),
        ],
        cwd=desk.folder,
        env=desk.environment(VIGENTD_DATA_DIR=str(data)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 100
        while not list(data.glob(ready)):
            assert process.poll() is None and time.monotonic() < deadline, "the moment never came"
            time.sleep(0.01)
        yield process


def killed_while(desk: Desk, face: Path, ready: str, sig: signal.Signals) -> str:
    """Starts a job, sends `sig` at that moment; returns the job's id."""
    with started(desk, face, ready, desk.folder / "data") as process:
        process.send_signal(sig)
        said, _ = process.communicate(timeout=60)
    return said.strip()


@pytest.mark.parametrize(
    "ready",
    ["jobs/*/work/lipsync-*.part/chunk-000003.npz", "jobs/*/work/compose-*.part/*.mp4"],
    ids=["lipsync", "compose"],
)
def test_a_killed_job_goes_on_where_it_was(desk: Desk, face: Path, ready: str) -> None:
    job = killed_while(desk, face, ready, signal.SIGKILL)
    assert left_running(desk) == [], "ffmpeg outlived its job"
    assert not list(desk.folder.glob("final.*"))
    work = desk.folder / "data" / "jobs" / job / "work"
    before = {p: p.stat().st_mtime_ns for p in work.glob("lipsync-*/chunk-*.npz")}
    assert len(before) >= 4
    said = desk.run("wait", job, "--json")
    assert said.returncode == 0, said.stderr
    answer = json.loads(said.stdout)
    assert answer["state"] == "done" and answer["attempts"] == 2
    kept = {work / p.parent.name.removesuffix(".part") / p.name: t for p, t in before.items()}
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items()), "chunks were made again"
    assert not list(work.glob("*.part"))


def test_ctrl_c_gives_the_job_up_and_retry_takes_it_on(desk: Desk, face: Path) -> None:
    job = killed_while(desk, face, CHUNKS, signal.SIGINT)
    assert left_running(desk) == []
    assert json.loads(desk.run("show", job, "--json").stdout)["state"] == "cancelled"
    assert not list(desk.folder.glob("final.*"))
    assert desk.run("retry", job).returncode == 0
    assert desk.run("wait", job).returncode == 0
    assert seconds_of(desk.folder / "final.mp4") > 5
    log = (desk.folder / "data" / "jobs" / job / "job.log").read_text()
    assert "name=speech seconds=0.000 reused=true" in log


# ---------------------------------------------------------------- bad input


def bad_scripts(folder: Path) -> dict[str, Path]:
    made = {
        "script_empty": b" \n\t \n",
        "script_too_long": ("word " * 10_000).encode(),
        "script_not_text": bytes(range(256)) * 8,
        "script_encoding": "Grüße aus München, schöne Straße".encode("latin-1"),
    }
    return {code: _write(folder / f"{code}.txt", data) for code, data in made.items()}


def bad_clips(folder: Path, face: Path) -> dict[str, Path]:
    whole = pattern(folder / "whole.mp4", "-movflags", "+faststart", seconds=8)
    sound = folder / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", sound)
    return {
        "clip_no_video": sound,
        "clip_empty": _write(folder / "empty.mp4", b""),
        "clip_truncated": _write(folder / "cut.mp4", whole.read_bytes()[: whole.stat().st_size // 2]),
        "clip_unreadable": _write(folder / "text.mp4", b"This is a text.\n" * 99),
        "clip_too_long": pattern(folder / "long.mp4", rate="1/4", seconds=14400, size="96x96"),
        "clip_missing": folder / "nowhere.mp4",
    }


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def check_refusal(desk: Desk, code: str, status: int, *arguments: object, data: Path | None = None) -> None:
    """One plain sentence with its code and a hint; nothing half-made; nothing left running."""
    command = ["submit", *arguments, "--wait", "--out", "out.mp4"]
    said = desk.run(*command, "--json", data=data)
    answer = json.loads(said.stdout)
    assert said.returncode == status, said.stderr
    assert answer["error"]["code"] == code
    assert answer["error"]["hint"]
    assert "\n" not in answer["error"]["message"]
    assert "Traceback" not in said.stderr
    assert not list(desk.folder.glob("out.*")) and not list(desk.folder.glob(".out.*"))
    assert left_running(desk) == []


def test_bad_scripts_are_refused_at_once(desk: Desk, face: Path) -> None:
    for code, script in bad_scripts(desk.folder).items():
        check_refusal(desk, code, 2, "--script", script, "--clip", face)
    assert json.loads(desk.run("ls", "--json").stdout) == []


def test_bad_clips_are_refused_at_once(desk: Desk, face: Path) -> None:
    script = _write(desk.folder / "hello.txt", SHORT.encode())
    for code, clip in bad_clips(desk.folder, face).items():
        check_refusal(desk, code, 2, "--script", script, "--clip", clip)
    assert json.loads(desk.run("ls", "--json").stdout) == []


def test_a_clip_without_a_face_fails_the_job_in_plain_words(desk: Desk) -> None:
    script = _write(desk.folder / "hello.txt", SHORT.encode())
    clip = pattern(desk.folder / "pattern.mp4")
    check_refusal(desk, "no_face", 1, "--script", script, "--clip", clip)
    said = desk.run("submit", "--script", script, "--clip", clip, "--wait")
    assert said.returncode == 1
    assert "error: No face was found in the clip" in said.stderr
    assert "hint: " in said.stderr
    assert "Traceback" not in said.stderr


def test_an_unwritable_output_is_said_before_any_work(desk: Desk, face: Path) -> None:
    script = _write(desk.folder / "hello.txt", SHORT.encode())
    for out in (desk.folder / "nowhere" / "x.mp4", Path("/proc/x.mp4"), desk.folder):
        said = desk.run("submit", "--script", script, "--clip", face, "--wait", "--json", "--out", out)
        assert said.returncode == 2
        assert json.loads(said.stdout)["error"]["code"] == "out_unwritable"


def test_a_full_disk_in_mid_job(desk: Desk, face: Path) -> None:
    disk = desk.folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=800m", "tmpfs", str(disk)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        with started(desk, face, CHUNKS, disk / "data") as process:
            with contextlib.suppress(OSError), (disk / "others").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(2**20))
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1, said
        assert "error: " in said and "disk is full" in said and "hint: " in said
        assert "Traceback" not in said
        assert not list(desk.folder.glob("*final*"))
        assert left_running(desk) == []
        (disk / "others").unlink()
        (job,) = json.loads(desk.run("ls", "--json", data=disk / "data").stdout)
        # The failure itself may have found no room in the database: then the job is simply in line again.
        assert job["state"] in ("failed", "queued")
        if job["state"] == "failed":
            assert job["error"]["code"] == "disk_full"
            assert desk.run("retry", job["id"], data=disk / "data").returncode == 0
        assert desk.run("wait", job["id"], data=disk / "data").returncode == 0
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
