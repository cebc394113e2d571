"""The bench's own instruments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from daemon.benches.draft import SPOKEN_CHARACTERS_PER_S, _peak_rss, script_of
from tests.daemon.conftest import Cli


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


def test_the_videos_are_made_with_the_configuration_that_was_named(cli: Cli, tmp_path: Path) -> None:
    """Here it allows scripts of five characters, so that it shows at once."""
    named = tmp_path / "other.toml"
    named.write_text("[limits]\nscript_chars = 5")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"not looked at")
    said = cli("--config", "other.toml", "bench", "draft", "--clip", str(clip), "--seconds", "1", "--json")
    assert said.code == 1
    assert "at most 5 are allowed" in said.json[0]["error"]
