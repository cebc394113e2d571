"""What C++ libraries write, and what engines note, does not reach the person; what Python writes does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import logging, os, sys
from pathlib import Path
from models.notes import notes_to
from models.quiet import native_stderr_to
with native_stderr_to(Path(sys.argv[1])):
    os.write(2, b"W0000 a library speaks\\n")
    print("for the person", file=sys.stderr)
    with notes_to(Path(sys.argv[1])):
        logging.getLogger("vigentd.qwen3").info("spoken")
logging.getLogger("vigentd.qwen3").info("nobody asked")
os.write(2, b"as before\\n")
print("and after", file=sys.stderr)
"""


def test_native_words_go_to_the_file_and_ours_to_the_person(tmp_path: Path) -> None:
    log = tmp_path / "engines.log"
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert said.stderr.splitlines() == ["for the person", "as before", "and after"]
    native, note = log.read_text().splitlines()
    assert native == "W0000 a library speaks"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}Z spoken", note)
