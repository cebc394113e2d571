"""Memory does not grow with the clip: measured in a process that does nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.media_kit import QUICK, ffmpeg

ROOT = Path(__file__).resolve().parents[3]

# What mediapipe tells of itself, on descriptor 2.
MEDIAPIPE = ("I0000", "W0000", "INFO: Created TensorFlow Lite", "WARNING: All log messages before absl")

# Arguments: weights, clip, scratch, seconds. Prints the most bytes that were ever resident.
JOB = """
import resource, sys
from pathlib import Path
import numpy as np
import torch
from models.engine import Speech, SyncOptions
from models.latentsync.engine import LatentSyncEngine
from models.memory import share_one_heap
from models.progress import Quiet
from tests.face_kit import clip_of

share_one_heap()  # as a host does
torch.set_num_threads(1)
weights, path, scratch = map(Path, sys.argv[1:4])
seconds = int(sys.argv[4])
engine = LatentSyncEngine.open(weights, "cpu", compile=False)
speech = Speech(np.random.default_rng(0).normal(0, 0.1, 16000 * seconds).astype(np.float32), 16000)
options = SyncOptions(scratch, steps=1, guidance=1.0)
made = sum(1 for _ in engine.sync(clip_of(path, 25 * seconds), speech, options, Quiet()))
assert made == 25 * seconds
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def peak(weights: Path, clip: Path, scratch: Path, seconds: int) -> int:
    """Bytes that a process of its own needs for so much of the clip. It has nothing to complain about."""
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", JOB, weights, clip, scratch, str(seconds)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    told = done.stderr.decode()
    assert done.returncode == 0, told
    assert [line for line in told.splitlines() if not line.startswith(MEDIAPIPE)] == []
    return int(done.stdout)


@pytest.mark.slow
def test_a_minute_takes_no_more_than_ten_seconds(weights: Path, face: Path, tmp_path: Path) -> None:
    """A clip as long as the speech. Held in memory, its pictures alone would be 260 MB."""
    clip = tmp_path / "minute.mp4"
    ffmpeg("-stream_loop", "-1", "-i", face, "-t", "61", *QUICK, "-crf", "12", clip)
    ten = peak(weights, clip, tmp_path / "ten", 10)
    sixty = peak(weights, clip, tmp_path / "sixty", 60)
    # The spectrogram of 50 s more is 25 MB.
    assert sixty < ten + 50 * 2**20, f"{ten >> 20} MiB for 10 s, {sixty >> 20} MiB for 60 s"
