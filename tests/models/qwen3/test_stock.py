"""The speech stack is imported without what it does not need. (There, and broken: test_host.py.)"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.qwen3.packages import UNNEEDED, without_unneeded

ROOT = Path(__file__).resolve().parents[3]

SEEN = f"""
import sys
import models.qwen3.stock as stock
assert stock.FasterQwen3TTS and stock.Qwen3TTSModel
print([name for name in sys.modules if name.split(".")[0] in {UNNEEDED} and sys.modules[name] is not None])
for name in (*{UNNEEDED}, stock.CODEC_25HZ):
    try:
        __import__(name)
        print(name, "can be imported")
    except ImportError:
        pass
"""


@pytest.mark.slow
def test_the_stack_is_imported_without_what_it_does_not_need(tmp_path: Path) -> None:
    packages = without_unneeded(tmp_path / "packages")
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", SEEN],
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n", "nothing is printed, and nothing is there that is not"
