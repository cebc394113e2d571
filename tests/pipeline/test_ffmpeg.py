"""ffmpeg is started safely, says why it fails, and never outlives what started it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest

from models.beats import heard
from models.engine import Picture
from models.errors import BadInput, Cancelled, StageFailed, Unavailable
from models.progress import Quiet, Share
from pipeline import ffmpeg
from pipeline.encoder import nvenc_problem, pick_encoder
from pipeline.progress import JobProgress, Snapshot
from pipeline.spec import VideoSettings
from tests.models.host_kit import gone, within
from tests.progress_kit import Steps

SIZE = (64, 96)


def pictures(count: int, before: Callable[[int], None] = lambda _: None) -> Iterator[Picture]:
    random = np.random.default_rng(1)
    for number in range(count):
        before(number)
        yield random.integers(0, 255, (*SIZE, 3), np.uint8)


def raw_to(out: Path | str, **options: object) -> list[str]:
    height, width = SIZE
    raw = ffmpeg.source(
        "pipe:0", format="rawvideo", pixel_format="rgb24", s=f"{width}x{height}", framerate=25
    )
    return list(raw.output(str(out), pix_fmt="yuv420p", **options).get_args())


def running() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "ffmpeg" in child.name() or "tether" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def test_progress_follows_what_ffmpeg_has_made(tmp_path: Path) -> None:
    told = Steps()
    sound = ffmpeg.generated("sine=duration=30").output(str(tmp_path / "tone.wav"))
    ffmpeg.run(sound.get_args(), doing="humming", progress=told, total_s=30)
    assert told.shares == sorted(told.shares)
    assert told.shares[-1] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("does", "lives"),
    [
        ("printf '%2000000s' > out; sleep 0.25", True),
        ("echo out_time_us=1000000; sleep 0.25", False),
    ],
)
def test_what_moves_a_file_is_alive_without_any_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, lives: bool
) -> None:
    """+faststart writes the whole file once more: of hours of video, on a slow disk, that takes minutes."""
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/bash\nfor i in 1 2 3 4; do {does}; done\n")
    program.chmod(0o700)
    monkeypatch.setattr(ffmpeg, "executable", lambda: str(program))
    beats: list[None] = []
    with heard(lambda: beats.append(None)):
        ffmpeg.run(["out.mp4"], doing="moving", progress=Quiet(), total_s=10, cwd=tmp_path)
    assert (len(beats) > 1) is lives


class Impatient(Steps):
    """Somebody asks to cancel after so many checks; time is whatever passes between them."""

    def __init__(self, patience: int = 4) -> None:
        super().__init__()
        self.patience = patience

    def check(self) -> None:
        self.patience -= 1
        if self.patience <= 0:
            assert running()
            raise Cancelled


@pytest.fixture
def silent_pipe(tmp_path: Path) -> Iterator[Path]:
    """A FIFO that somebody holds open and neither fills nor empties: ffmpeg waits for it.

    Not for ever: after 10 s it breaks, so that a test that fails does not hang.
    """
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    held = os.fdopen(os.open(fifo, os.O_RDWR), "rb", buffering=0)
    breaks = threading.Timer(10, held.close)
    breaks.start()
    yield fifo
    breaks.cancel()
    held.close()


STALLS: dict[str, Callable[[Path], list[str]]] = {
    # Waits for its input before it has opened it, and so before its first report
    "no input": lambda fifo: ["-f", "s16le", "-i", str(fifo), "-f", "null", "-"],
    # Reports five times a second that it has made nothing
    "no samples": lambda fifo: [
        *("-f", "lavfi", "-i", "sine", "-f", "s16le", "-ar", "8000", "-i", str(fifo)),
        *("-filter_complex", "amerge=inputs=2", "-f", "null", "-"),
    ],
    # Is as busy as can be, and nothing comes of it
    "no output": lambda _: [
        "-f",
        "lavfi",
        "-i",
        "sine=duration=3600",
        "-af",
        "aselect=0",
        "-f",
        "null",
        "-",
    ],
}


@pytest.mark.parametrize("stall", STALLS)
def test_a_stalled_ffmpeg_has_no_heartbeat_and_can_be_cancelled(silent_pipe: Path, stall: str) -> None:
    told, began = Impatient(), time.monotonic()
    with pytest.raises(Cancelled):
        ffmpeg.run(STALLS[stall](silent_pipe), doing="waiting", progress=told, total_s=10)
    assert told.seen == []
    assert time.monotonic() - began < 20  # four looks, 0.2 s apart, and some for a busy machine
    assert running() == []


def test_a_job_is_cancelled_through_the_whole_chain_without_a_heartbeat(silent_pipe: Path) -> None:
    """As in a real job: the cancel is found by the one who is told where the work is."""
    asked: list[Snapshot] = []
    job = JobProgress({"compose": 1.0}, asked.append, cancelled=lambda: len(asked) > 2, every_s=0.1)
    job.enter("compose")
    before = job.heartbeats
    with pytest.raises(Cancelled):
        ffmpeg.run(
            STALLS["no samples"](silent_pipe), doing="waiting", progress=Share(job, 0.1, 0.9), total_s=10
        )
    assert job.heartbeats == before
    assert running() == []


def test_an_encoder_that_takes_no_more_can_be_cancelled(silent_pipe: Path) -> None:
    """It wrote until its output was full, and now takes no picture either."""
    told, began = Impatient(), time.monotonic()
    stuck = raw_to(silent_pipe, vcodec="rawvideo", format="rawvideo")
    with pytest.raises(Cancelled):
        ffmpeg.encode(stuck, pictures(2000), doing="encoding", progress=told, total=2000)
    assert len(told.shares) < 500
    assert time.monotonic() - began < 20
    assert running() == []


def test_an_encoder_that_does_not_end_can_be_cancelled(silent_pipe: Path) -> None:
    """All pictures are given, and it waits for ever; reports of what was counted already are no news."""
    told = Impatient()
    height, width = SIZE
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "pipe:0"]
    sound = ["-f", "s16le", "-ar", "8000", "-i", str(silent_pipe)]
    command = [*raw, *sound, "-map", "0:v", "-map", "1:a", "-f", "null", "-"]
    with pytest.raises(Cancelled):
        ffmpeg.encode(command, pictures(3), doing="encoding", progress=told, total=3)
    assert told.shares == [1 / 3, 2 / 3, 1.0]
    assert running() == []


def test_a_decoder_that_gives_nothing_can_be_cancelled(silent_pipe: Path) -> None:
    told = Impatient()
    command = ["-f", "s16le", "-i", str(silent_pipe), "-f", "s16le", "pipe:1"]
    with pytest.raises(Cancelled):
        next(ffmpeg.pieces(command, 64, doing="looking", progress=told))
    assert running() == []


def test_reports_of_pictures_that_were_counted_are_no_heartbeats(tmp_path: Path) -> None:
    """Several reports have come by the time the last picture is given."""
    told, until = Steps(), time.monotonic() + 1.2
    given = itertools.takewhile(lambda _: time.monotonic() < until, pictures(10**6))
    ffmpeg.encode(raw_to(tmp_path / "v.mp4"), given, doing="encoding", progress=told, total=10**6)
    tail_s = time.monotonic() - until  # of which a report is looked for every 0.2 s, and says all is done
    assert told.shares.count(1.0) <= 2 + tail_s / 0.2


def test_the_reason_of_a_failure_is_ffmpegs_own(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(StageFailed, match=r"while reading.*Invalid data") as failed:
        ffmpeg.run(
            ffmpeg.source(tmp_path / "notes.mp4").output("-", format="null").get_args(), doing="reading"
        )
    assert failed.value.code == "ffmpeg_failed"
    assert "\n" not in failed.value.message


@pytest.mark.parametrize(
    "name", ["a b.wav", "$(touch x).wav", "'; touch x #.wav", "50%d:[a],b.wav", "-y.wav"]
)
def test_names_are_names_and_nothing_else(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    ffmpeg.run(
        ffmpeg.generated("sine=duration=0.1").output(str(out)).get_args(), doing="writing", cwd=tmp_path
    )
    ffmpeg.run(ffmpeg.source(out).output("-", format="null").get_args(), doing="reading")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_file_makes_ffmpeg_open_the_network(tmp_path: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )
    for source in (playlist, "http://127.0.0.1:9/a.mp4"):
        with pytest.raises(StageFailed) as failed:
            ffmpeg.run(ffmpeg.source(source).output("-", format="null").get_args(), doing="reading")
        assert "refused" not in failed.value.message  # a connection was not even tried
        assert "whitelist" in failed.value.message or "Invalid data" in failed.value.message


def test_encode_takes_one_step_for_each_picture(tmp_path: Path) -> None:
    told = Steps()
    ffmpeg.encode(raw_to(tmp_path / "v.mp4"), pictures(40), doing="encoding", progress=told, total=40)
    assert told.shares[:40] == [(i + 1) / 40 for i in range(40)]
    assert running() == []


def test_a_talkative_ffmpeg_does_not_block(tmp_path: Path) -> None:
    loud = ["-loglevel", "trace", *raw_to(tmp_path / "v.mp4")]  # far more than a pipe holds
    ffmpeg.encode(loud, pictures(200), doing="encoding", progress=Quiet(), total=200)


def test_when_ffmpeg_gives_up_early_the_real_reason_is_told(tmp_path: Path) -> None:
    refused = raw_to(tmp_path / "no" / "v.mp4")
    with pytest.raises(StageFailed, match="No such file or directory"):
        ffmpeg.encode(refused, pictures(5000), doing="encoding", progress=Quiet(), total=5000)


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt(), ValueError("a bug")])
def test_an_error_among_the_pictures_ends_ffmpeg(tmp_path: Path, error: BaseException) -> None:
    def fail_at_20(number: int) -> None:
        if number == 20:
            assert running()
            raise error

    with pytest.raises(type(error)):
        ffmpeg.encode(
            raw_to(tmp_path / "v.mp4"), pictures(100, fail_at_20), doing="e", progress=Quiet(), total=100
        )
    assert running() == []


def test_a_killed_encoder_is_named(tmp_path: Path) -> None:
    def kill(number: int) -> None:
        if number == 30:
            for process in running():
                process.kill()

    with pytest.raises(StageFailed, match="SIGKILL") as failed:
        ffmpeg.encode(
            raw_to(tmp_path / "v.mp4"), pictures(5000, kill), doing="encoding", progress=Quiet(), total=5000
        )
    assert "memory" in failed.value.hint


def test_pieces_are_whole_and_closing_them_ends_ffmpeg() -> None:
    endless = ffmpeg.generated("testsrc=size=8x8:rate=25").output("pipe:1", format="rawvideo", pix_fmt="gray")
    found = ffmpeg.pieces(endless.get_args(), 64, doing="looking", progress=Quiet())
    assert [len(next(found)) for _ in range(10)] == [64] * 10
    assert running()
    found.close()
    assert running() == []


def test_what_is_tethered_dies_with_a_killed_parent() -> None:
    """`sleep` reads and writes nothing, so no broken pipe can end it: only the tether does."""
    program = textwrap.dedent("""
        import os, subprocess, sys, time
        sleeper = ["/bin/sh", "-c", "echo asleep; exec sleep 600"]
        with subprocess.Popen([sys.executable, "-I", "-S", sys.argv[1], str(os.getpid()), *sleeper]):
            pass
    """)
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(ffmpeg.TETHER)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "asleep\n"
        (sleeper,) = psutil.Process(parent.pid).children(recursive=True)
        parent.send_signal(signal.SIGKILL)
        died = within(5, lambda: gone(sleeper.pid))
        if not died:
            sleeper.kill()
    assert died


def test_every_ffmpeg_is_tethered() -> None:
    endless = ffmpeg.generated("testsrc=size=8x8:rate=25").output("pipe:1", format="rawvideo")
    found = ffmpeg.pieces(endless.get_args(), 192, doing="looking", progress=Quiet())
    next(found)
    (process,) = running()
    assert Path(f"/proc/{process.pid}/exe").resolve() == Path(ffmpeg.executable()).resolve()
    assert process.ppid() == psutil.Process().pid  # no shell between
    found.close()


def test_a_full_disk_is_called_so(small_disk: Path) -> None:
    with pytest.raises(Unavailable) as failed:
        ffmpeg.encode(
            raw_to(small_disk / "v.avi", vcodec="rawvideo"),
            pictures(500),
            doing="e",
            progress=Quiet(),
            total=500,
        )
    assert failed.value.code == "disk_full"
    assert failed.value.hint


def test_report_files_of_the_environment_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFREPORT", f"file={tmp_path / 'report.log'}")
    ffmpeg.run(ffmpeg.generated("sine=duration=0.1").output("-", format="null").get_args(), doing="humming")
    assert list(tmp_path.iterdir()) == []


def test_nvenc_is_used_only_where_it_really_encodes() -> None:
    problem = nvenc_problem()
    assert pick_encoder(VideoSettings(encoder="auto")).name == ("libx264" if problem else "h264_nvenc")
    assert pick_encoder(VideoSettings(encoder="x264", crf=21)).options["crf"] == "21"
    if problem is None:
        pytest.skip("NVENC works here, so there is no refusal to look at")
    with pytest.raises(Unavailable) as refused:
        pick_encoder(VideoSettings(encoder="nvenc"))
    assert refused.value.code == "nvenc_unavailable"
    assert problem in refused.value.message
    assert not isinstance(refused.value, BadInput)
