"""Bad input is normal input: one plain sentence, a hint, and nothing half-made."""

from __future__ import annotations

import json
from pathlib import Path

from tests.media_kit import ffmpeg, pattern
from tests.video.conftest import SHORT, Desk


def bad_scripts(folder: Path) -> dict[str, Path]:
    made = {
        "script_empty": b" \n\t \n",
        "script_too_long": ("word " * 10_000).encode(),
        "script_not_text": bytes(range(256)) * 8,
        "script_encoding": "Grüße aus München, schöne Straße".encode("latin-1"),
    }
    return {code: _write(folder / f"{code}.txt", data) for code, data in made.items()}


def bad_clips(folder: Path) -> dict[str, Path]:
    whole = pattern(folder / "whole.mp4", "-movflags", "+faststart", seconds=8)
    sound = folder / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", sound)
    return {
        "clip_no_video": sound,
        "clip_empty": _write(folder / "empty.mp4", b""),
        "clip_truncated": _write(folder / "cut.mp4", whole.read_bytes()[: whole.stat().st_size // 2]),
        "clip_unreadable": _write(folder / "text.mp4", b"This is a text.\n" * 99),
        "clip_too_long": pattern(folder / "long.mp4", rate="1/60", seconds=14400, size="96x96"),
        "clip_missing": folder / "nowhere.mp4",
    }


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def check_refusal(desk: Desk, code: str, status: int, *arguments: object) -> None:
    """One plain sentence with its code and a hint; nothing half-made; nothing left running."""
    said = desk.run("submit", *arguments, "--wait", "--out", "out.mp4", "--json")
    answer = json.loads(said.stdout)
    assert said.returncode == status, said.stderr
    assert answer["error"]["code"] == code
    assert answer["error"]["hint"]
    assert "\n" not in answer["error"]["message"]
    assert "Traceback" not in said.stderr
    assert not list(desk.folder.glob("out.*")) and not list(desk.folder.glob(".out.*"))
    assert desk.left_running() == []


def test_bad_scripts_are_refused_at_once(desk: Desk, face: Path) -> None:
    for code, script in bad_scripts(desk.folder).items():
        check_refusal(desk, code, 2, "--script", script, "--clip", face)
    assert json.loads(desk.run("ls", "--json").stdout) == []


def test_bad_clips_are_refused_at_once(desk: Desk) -> None:
    script = _write(desk.folder / "hello.txt", SHORT.encode())
    for code, clip in bad_clips(desk.folder).items():
        check_refusal(desk, code, 2, "--script", script, "--clip", clip)
    assert json.loads(desk.run("ls", "--json").stdout) == []


def test_a_clip_without_a_face_fails_the_job_in_plain_words(desk: Desk) -> None:
    script = _write(desk.folder / "hello.txt", b"Hello.")
    clip = pattern(desk.folder / "pattern.mp4", seconds=0.4)
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
