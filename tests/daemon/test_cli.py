"""The command line as a person and a program meet it: exit codes, what goes to stdout, plain errors."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy.io import wavfile

from daemon.commands import jobs
from daemon.config import Config
from daemon.demo import clip as portrait
from daemon.queue import Queue
from models.errors import StageFailed
from pipeline import spill
from pipeline.spec import JobSpec
from tests.daemon.conftest import ROOT, Cli, Said

HEAVY = {"numpy", "av", "cv2", "mediapipe", "scipy", "telegram", "PIL", "torch", "skimage", "ffmpeg"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return portrait(tmp_path_factory.mktemp("clip"), size=(216, 384), seconds=1)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "hello.txt"
    file.write_text("Good morning.", "utf-8")
    return file


def is_plain(said: Said) -> bool:
    """One sentence, perhaps a hint, never a traceback."""
    lines = said.err.strip().splitlines()
    kinds = [line.split(":")[0] for line in lines]
    return kinds in (["error"], ["error", "hint"]) and "Traceback" not in said.err


# ---------------------------------------------------------------- ls


def test_ls_imports_nothing_heavy(config: Config, queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    code = (
        "import sys; from daemon import command_line; status = command_line.run(['ls'])\n"
        f"found = {{m.split('.')[0] for m in sys.modules}} & {HEAVY!r}\n"
        "print(sorted(found), file=sys.stderr); sys.exit(status)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"VIGENTD_DATA_DIR": str(config.data_dir), "PYTHONPATH": str(ROOT)},
    )
    assert (said.returncode, said.stderr.strip()) == (0, "[]")


def test_ls_answers_within_a_second(process: Cli, queue: Queue, spec: JobSpec) -> None:
    """In time of the processor, so that what else runs on the machine does not count."""
    for _ in range(20):
        queue.submit(spec)
    took = [float("inf")]
    while min(took) >= 1.0:
        assert len(took) < 4, took
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert process("ls").code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def test_ls_shows_people_a_table_and_programs_a_list(cli: Cli, queue: Queue, spec: JobSpec) -> None:
    assert cli("ls", "--json").out.strip() == "[]"
    a = queue.submit(spec.model_copy(update={"title": "早安 [bold]新闻"})).id
    b = queue.submit(spec).id
    table = cli("ls")
    assert table.code == 0
    assert "早安 [bold]新闻" in table.out, "what a person wrote is not markup"
    listed = cli("ls", "--json").json
    assert [(job["id"], job["state"], job["queue_position"]) for job in listed] == [
        (b, "queued", 2),
        (a, "queued", 1),
    ]
    assert [job["id"] for job in cli("ls", "--limit", "1", "--json").json] == [b]


def test_a_title_does_not_command_the_terminal(cli: Cli, queue: Queue, spec: JobSpec) -> None:
    title = "Daily\x1b]0;owned\x07 \x9b2Jnews"
    job = queue.submit(spec.model_copy(update={"title": title})).id
    claim = queue.claim("tests")
    assert claim is not None
    for command in (["ls"], ["show", job]):
        said = cli(*command)
        assert not set(said.out) & {"\x1b", "\x07", "\x9b"}, command
        assert "Daily" in said.out
    assert cli("show", job, "--json").json["label"] == title, "programs get what was said"
    queue.recover()
    claim = queue.claim("tests")
    assert claim is not None
    queue.fail(claim, StageFailed(f"{title} broke", hint=title))
    for command in (["ls"], ["show", job]):
        assert "\x1b" not in cli(*command).out, command
    assert "\x1b" not in cli("wait", job).err


def test_ls_says_of_a_failed_job_which_video_it_was_and_why(
    cli: Cli, queue: Queue, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queue.submit(spec.model_copy(update={"title": "Daily news"})).id
    claim = queue.claim("tests")
    assert claim is not None
    queue.fail(claim, StageFailed("The sentence cannot be spoken: " + "it has no end, " * 40))
    (line,) = cli("ls").out.splitlines()[1:]
    assert line.split()[:2] == [job, "failed"]
    assert "Daily news: The sentence cannot be spoken: it has no end" in line and line.endswith("…")
    monkeypatch.setattr(jobs, "console", lambda: Console(width=70))
    lines = cli("ls").out.splitlines()
    assert lines[1].startswith(f"{job}  failed") and "Daily news" in lines[1] and len(lines) < 8


def test_ls_takes_a_job_back_whose_worker_is_gone(cli: Cli, queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    queue.claim("a process that is gone")
    assert cli("ls", "--json").json[0]["state"] == "queued"


# ---------------------------------------------------------------- show, cancel, retry


def test_show_cancel_and_retry(cli: Cli, queue: Queue, spec: JobSpec, config: Config) -> None:
    job = queue.submit(spec).id
    shown = cli("show", job, "--json").json
    assert shown["spec"]["script"] == "Good morning."
    assert shown["log"] == str(config.job_log(job))
    cancelled = cli("cancel", job)
    assert (cancelled.code, cancelled.out) == (0, "")
    assert cli("cancel", job).code == 2
    retried = cli("retry", job, "--json")
    assert (retried.code, retried.json["state"]) == (0, "queued")
    claim = queue.claim("tests")
    assert claim is not None
    queue.fail(claim, StageFailed("It broke", hint="Mend it"))
    card = cli("show", job)
    assert "It broke" in card.out and "Mend it" in card.out


def test_show_says_who_speaks_and_how(cli: Cli, queue: Queue, spec: JobSpec, clip: Path) -> None:
    asked = {"voice": "Anna", "tone": "warm and calm", "language": "en", "seed": 7}
    card = cli("show", queue.submit(spec.model_copy(update=asked)).id).out
    for name, value in asked.items():
        assert f"{name}:".ljust(10) + f" {value}\n" in card
    card = cli("show", queue.submit(spec.model_copy(update={"script": "大家好，早上好。"})).id).out
    assert "language:  zh (auto)\n" in card and "tone:" not in card
    recorded = queue.submit(spec.model_copy(update={"speech": clip, "script": ""})).id
    card = cli("show", recorded).out
    assert f"speech:    {clip}\n" in card and "voice:" not in card and "language:  auto\n" in card


def test_an_unknown_job(cli: Cli) -> None:
    for command in ("show", "cancel", "retry", "wait"):
        said = cli(command, "nope1234")
        assert said.code == 2 and said.out == "" and is_plain(said)
    assert "empty" in cli("show", "").err
    for unknown in ("nope1234", "ñope1234", os.fsdecode(b"\xff")):
        said = cli("show", unknown, "--json")
        assert said.json["error"]["code"] == "job_unknown"


# ---------------------------------------------------------------- submit


def test_submit_prints_the_id_and_nothing_else(cli: Cli, queue: Queue, script: Path, clip: Path) -> None:
    said = cli(
        "submit", "--script", "hello.txt", "--clip", str(clip), "--title", "Daily", "--out", "final.mp4"
    )
    assert said.code == 0
    row = queue.get(said.out.strip())
    assert said.out == f"{row.id}\n"
    assert f"vigentd wait {row.id}" in said.err, "how to have it worked off"
    assert row.spec["clip"] == str(clip)
    assert row.spec["out"] == str(script.parent / "final.mp4")
    assert (row.source, row.label) == ("cli", "Daily")


def test_submit_says_what_will_not_be_heard(cli: Cli, script: Path, clip: Path, tmp_path: Path) -> None:
    submit = ("submit", "--clip", str(clip))
    said = cli(*submit, "--script", str(script), "--tone", "warm")
    assert said.code == 0 and "note: The draft voice (espeak) cannot be told how to say it" in said.err
    wavfile.write(tmp_path / "said.wav", 16_000, np.full(16_000, 9000, np.int16))
    for chosen in (("--voice", "deep"), ("--tone", "warm")):
        said = cli(*submit, "--speech", "said.wav", *chosen)
        assert said.code == 0 and said.err.count("note: ") == 1 and "--voice and --tone are for" in said.err
    assert "note:" not in cli(*submit, "--speech", "said.wav").err


def test_submit_reads_stdin_and_answers_in_json(process: Cli, clip: Path) -> None:
    said = process(
        "submit", "--script", "-", "--clip", str(clip), "--json", stdin="大家好，早上好。".encode("gb18030")
    )
    job = said.json
    assert (said.code, job["state"], job["queue_position"]) == (0, "queued", 1)
    assert job["spec"]["script"] == "大家好，早上好。"


def test_options_come_from_the_configuration_when_they_are_not_said(
    cli: Cli, script: Path, clip: Path
) -> None:
    (script.parent / "vigentd.toml").write_text('[defaults]\nseed = 7\nsubtitles = "none"\nmusic = "calm"')
    said = cli("submit", "--script", str(script), "--clip", str(clip), "--seed", "8", "--json")
    spec = said.json["spec"]
    assert (spec["seed"], spec["subtitles"], spec["music"]) == (8, "none", "calm")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--script", "nope.txt"], "script_missing"),
        (["--script", "."], "script_not_a_file"),
        (["--script", "https://example.org/hello.txt"], "address_given"),
        (["--clip", "http://example.org/anna.mp4"], "address_given"),
        (["--script", "empty.txt"], "script_empty"),
        (["--script", "long.txt"], "script_too_long"),
        (["--script", "huge.txt"], "script_too_long"),
        (["--script", "binary.txt"], "script_not_text"),
        ([], "script_missing"),
        (["--clip", "nope.mp4"], "clip_missing"),
        (["--clip", "."], "clip_not_a_file"),
        (["--clip", "empty.txt"], "clip_empty"),
        (["--clip", "hello.txt"], "clip_unreadable"),
        (["--speech", "hello.txt"], "speech_unreadable"),
        (["--speech", "."], "speech_unreadable"),
        (["--voice", "nobody"], "voice_unknown"),
        (["--subtitles", "claen"], "style_unknown"),
        (["--title-style", "nope"], "style_unknown"),
        (["--music", "nope"], "music_unknown"),
        (["--music-volume", "1.5"], "option_invalid"),
        (["--language", "tlh"], "option_invalid"),
        (["--seed", "-1"], "option_invalid"),
        (["--seed", "many"], "usage"),
        (["--out", "nowhere/final.mp4"], "out_unwritable"),
        (["--out", "final.avi"], "out_suffix"),
        (["--nope"], "usage"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_bad_input_is_refused_at_once_in_a_plain_sentence(
    cli: Cli, queue: Queue, script: Path, clip: Path, arguments: list[str], code: str
) -> None:
    here = script.parent
    (here / "empty.txt").write_bytes(b"")
    (here / "long.txt").write_text("word " * 10_000)
    (here / "huge.txt").write_text("字" * 200_000)
    (here / "binary.txt").write_bytes(bytes(range(256)) * 20)
    given = [] if not arguments or "--script" in arguments else ["--script", str(script)]
    given += [] if "--clip" in arguments else ["--clip", str(clip)]
    said = cli("submit", *given, *arguments, "--json")
    assert said.code == 2
    assert said.json["error"]["code"] == code
    assert is_plain(said)
    assert queue.count() == 0


def test_the_result_cannot_be_written_over_what_it_is_made_of(cli: Cli, script: Path, clip: Path) -> None:
    said = cli("submit", "--script", str(script), "--clip", str(clip), "--out", str(clip), "--json")
    assert said.json["error"]["code"] == "out_overwrites_input"
    photo = clip.with_name("photo.jpg")  # a cover of this name would be laid beside photo.mp4
    photo.write_bytes((ROOT / "tests" / "daemon" / "conftest.py").read_bytes())
    said = cli(
        "submit", "--script", str(script), "--clip", str(photo), "--out", str(photo.with_suffix(".mp4"))
    )
    assert said.code == 2


def test_the_result_cannot_be_written_over_the_script(cli: Cli, tmp_path: Path, clip: Path) -> None:
    script = tmp_path / "holiday.srt"
    script.write_text("Good morning.")
    (tmp_path / "holiday.mp4").write_bytes(b"an earlier result")
    said = cli("submit", "--script", "holiday.srt", "--clip", str(clip), "--out", "holiday.mp4", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "out_overwrites_input")


def test_a_picture_of_the_same_name_is_not_lost(cli: Cli, script: Path, clip: Path) -> None:
    (script.parent / "holiday.jpg").write_bytes(b"mine")
    said = cli("submit", "--script", str(script), "--clip", str(clip), "--out", "holiday.mp4", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "out_overwrites")
    assert is_plain(said) and "holiday.jpg" in said.err


@pytest.mark.parametrize("option", ["title", "voice", "language", "subtitles", "title-style", "music"])
def test_bytes_that_are_no_text_are_refused(
    cli: Cli, queue: Queue, script: Path, clip: Path, option: str
) -> None:
    given = os.fsdecode(b"x\xffy")
    said = cli("submit", "--script", str(script), "--clip", str(clip), f"--{option}", given, "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "option_encoding")
    assert f"--{option} " in said.err and is_plain(said)
    assert queue.count() == 0


def test_a_data_folder_that_cannot_be_made_is_named(cli: Cli, script: Path, clip: Path) -> None:
    asked = ["submit", "--script", str(script), "--clip", str(clip), "--json"]
    said = cli(*asked, VIGENTD_DATA_DIR="/proc/no/data")
    assert (said.code, said.json["error"]["code"]) == (2, "data_dir_unwritable")


def test_a_disk_without_room_for_a_job_is_refused(cli: Cli, script: Path, clip: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    size = spill.BYTES + 50 * 2**20  # room for the pictures put aside, and hardly for anything else
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        asked = ["submit", "--script", str(script), "--clip", str(clip), "--json"]
        said = cli(*asked, VIGENTD_DATA_DIR=str(disk / "data"))
        assert (said.code, said.json["error"]["code"]) == (2, "disk_low")
        assert is_plain(said)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_an_engine_that_is_not_here_is_refused_by_name(cli: Cli, script: Path, clip: Path) -> None:
    said = cli(
        "submit", "--script", str(script), "--clip", str(clip), "--json", VIGENTD_LIPSYNC__ENGINE="latentsync"
    )
    assert (said.code, said.json["error"]["code"]) == (2, "engine_missing")


def test_two_unfinished_jobs_with_one_result(cli: Cli, queue: Queue, script: Path, clip: Path) -> None:
    asked = ["submit", "--script", str(script), "--clip", str(clip), "--json"]
    first = cli(*asked, "--out", "final.mp4").json["id"]
    (script.parent / "here").symlink_to(script.parent)
    for same in ("final.mp4", "here/final.mp4", "final.MP4"):
        said = cli(*asked, "--out", same)
        assert (said.code, said.json["error"]["code"]) == (2, "out_taken"), same
        assert first in said.err and is_plain(said)
    assert cli(*asked, "--out", "other.mp4").code == 0
    queue.cancel(first)
    second = cli(*asked, "--out", "final.mp4")
    assert second.code == 0
    assert cli("retry", first, "--json").json["error"]["code"] == "out_taken"


def test_a_place_for_the_result_that_is_refused_names_no_job(cli: Cli, script: Path, clip: Path) -> None:
    said = cli("submit", "--script", str(script), "--clip", str(clip), "--out", "/proc/final.mp4")
    assert said.code == 2 and is_plain(said) and "job" not in said.err


# ---------------------------------------------------------------- the rest


def test_wrong_use(cli: Cli, process: Cli) -> None:
    process_answer = process("show", "nope1234")
    assert process_answer.code == 2 and is_plain(process_answer)
    for arguments in (["nope"], ["show"], ["ls", "--limit", "0"], ["config", "nope"]):
        said = cli(*arguments)
        assert said.code == 2 and said.out == "" and is_plain(said), arguments
        assert not said.err.splitlines()[0].endswith("."), "a sentence of an error has no full stop"
    assert cli("--version").out.startswith("vigentd ")
    helped = cli("submit", "--help")
    assert helped.code == 0 and "--music-volume" in helped.out
    assert 0 < helped.out.index("--script") < helped.out.index("--clip")
    assert all(f"{code}," in helped.out for code in ("zh", "en", "ko", "fr")), "every language is named"


@pytest.mark.parametrize("command", [[], ["submit"], ["styles"], ["config", "show"]], ids=" ".join)
def test_a_flag_takes_no_value_in_its_help(cli: Cli, command: list[str]) -> None:
    helped = cli(*command, "--help").out
    assert "--help" in helped and "bool" not in helped


def test_the_help_has_no_braces(cli: Cli) -> None:
    assert "Usage: vigentd show [OPTIONS] ID\n" in cli("show", "--help").out
    assert "Usage: vigentd models add [OPTIONS] NAME PATH\n" in cli("models", "add", "--help").out
    assert "Usage: vigentd models pull [OPTIONS] [NAME]...\n" in cli("models", "pull", "--help").out


@pytest.mark.parametrize("group", ["", "telegram", "inbox", "config", "bench"])
def test_where_nothing_is_asked_the_help_is_no_error(cli: Cli, group: str) -> None:
    said = cli(*group.split())
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"Usage: vigentd {group}".rstrip()) and "hint:" not in said.err


def test_a_folder_is_not_called_a_recording(cli: Cli, script: Path, clip: Path) -> None:
    said = cli("submit", "--script", str(script), "--clip", str(clip), "--speech", str(script.parent))
    assert said.err.splitlines()[0] == f"error: {script.parent.name} is a folder, not a recording"
    said = cli("submit", "--script", str(script), "--clip", str(clip), "--music", str(script.parent))
    assert said.err.splitlines()[0] == f"error: The music file {script.parent} is a folder"


def test_config_show_is_toml_that_gives_the_same_configuration(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "vigentd.toml").write_text("[queue]\nmax_attempts = 5")
    said = cli("config", "show", VIGENTD_VIDEO__MARK="AI")
    values = tomllib.loads(said.out)
    assert (values["queue"]["max_attempts"], values["video"]["mark"]) == (5, "AI")
    assert f"{tmp_path / 'vigentd.toml'}:2" in said.out and "VIGENTD_VIDEO__MARK" in said.out
    as_json = cli("config", "show", "--json", VIGENTD_VIDEO__MARK="AI").json
    assert as_json["video"] == values["video"]


def test_a_mistake_in_the_configuration_stops_every_command(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "vigentd.toml").write_text("[queue]\nmax_attempt = 5")
    for command in (["ls"], ["config", "show"], ["styles"]):
        said = cli(*command)
        assert said.code == 2 and is_plain(said)
        assert "vigentd.toml:2" in said.err


@pytest.mark.parametrize("command", ["voices", "styles", "music"])
def test_what_there_is_to_choose_from(cli: Cli, command: str) -> None:
    listed = cli(command, "--json").json
    assert len(listed) >= 3
    table = cli(command).out
    assert all(str(item["name"]) in table for item in listed)
    marked = {item["name"] for item in listed if item["default"]}
    assert marked == {"voices": {"default"}, "styles": {"clean", "headline"}, "music": set()}[command]
    rows = [line.split() for line in table.splitlines()[1:]]
    assert {row[0] for row in rows if row[-1] == "default" and len(row) > 2} == marked
    if command == "music":
        assert cli(command).err == "The default is none.\n"
        assert cli(command, VIGENTD_DEFAULTS__MUSIC="calm").out.count("default") == 1


def test_a_reader_that_goes_away_is_no_error(config: Config, queue: Queue, spec: JobSpec) -> None:
    for _ in range(180):  # more than a pipe takes
        queue.submit(spec)
    command = f"{sys.executable} -m daemon.cli ls --json | head -n 1; exit ${{PIPESTATUS[0]}}"
    said = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env={"VIGENTD_DATA_DIR": str(config.data_dir), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert (said.returncode, said.stdout, said.stderr) == (1, "[\n", "")
