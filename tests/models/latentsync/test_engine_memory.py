"""Memory does not grow with the clip: measured in a process that does nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.media_kit import QUICK, ffmpeg

ROOT = Path(__file__).resolve().parents[3]

# What mediapipe tells of itself, on descriptor 2.
MEDIAPIPE = ("I0000", "W0000", "INFO: Created TensorFlow Lite", "WARNING: All log messages before absl")

# Arguments: weights, clip, scratch, frames. Prints the peak of resident bytes before and after the job.
JOB = """
import json, resource, sys
from pathlib import Path
import numpy as np
import torch
from models.engine import Speech, SyncOptions
from models.latentsync.engine import LatentSyncEngine
from models.progress import Quiet
from tests.face_kit import clip_of

weights, path, scratch, frames = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
engine = LatentSyncEngine.open(weights, "cpu", compile=False)
rng = np.random.default_rng(0)


def peak(count):
    wav = rng.normal(0, 0.1, 16000 * count // 25).astype(np.float32)
    options = SyncOptions(scratch, steps=1, guidance=1.0)
    made = sum(1 for _ in engine.sync(clip_of(path, count), Speech(wav, 16000), options, Quiet()))
    assert made == count
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


print(json.dumps([peak(20), peak(frames)]))
"""


def peaks(weights: Path, clip: Path, scratch: Path, seconds: int) -> tuple[int, int]:
    """Bytes, after a job of 20 frames and after the whole."""
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", JOB, weights, clip, scratch, str(25 * seconds)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    told = done.stderr.decode()
    assert done.returncode == 0, told
    assert [line for line in told.splitlines() if not line.startswith(MEDIAPIPE)] == []
    first, last = json.loads(done.stdout)
    return first, last


@pytest.mark.slow
def test_a_minute_takes_no_more_than_ten_seconds(weights: Path, face: Path, tmp_path: Path) -> None:
    """A clip as long as the speech. Held in memory, its pictures alone would be 260 MB."""
    clip = tmp_path / "minute.mp4"
    ffmpeg("-stream_loop", "-1", "-i", face, "-t", "61", *QUICK, "-crf", "12", clip)
    _, ten = peaks(weights, clip, tmp_path / "ten", 10)
    _, sixty = peaks(weights, clip, tmp_path / "sixty", 60)
    assert sixty < ten + 25 * 2**20, f"{ten >> 20} MiB for 10 s, {sixty >> 20} MiB for 60 s"
