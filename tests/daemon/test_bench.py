"""The bench's own instruments."""

from __future__ import annotations

import subprocess
import sys

from daemon.bench import SPOKEN_CHARACTERS_PER_S, _peak_rss, script_of


def test_memory_of_child_processes_counts() -> None:
    """A child that takes 100 MB, and a grandchild that takes 100 MB more at the same time."""
    eat = "import sys; big = bytearray(100_000_000); "
    grandchild = f"{eat} sys.stdin.read()"
    child = f"{eat} import subprocess; subprocess.run([sys.executable, '-c', {grandchild!r}], timeout=1)"
    process = subprocess.Popen(
        [sys.executable, "-c", child], stderr=subprocess.DEVNULL, stdin=subprocess.PIPE
    )
    with process:
        peak = _peak_rss(process)
    assert 200e6 < peak < 300e6


def test_a_script_is_about_as_long_as_asked() -> None:
    for seconds in (10, 120):
        assert 1.0 <= len(script_of(seconds)) / (seconds * SPOKEN_CHARACTERS_PER_S) < 1.7
