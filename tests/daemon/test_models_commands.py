"""`vigentd models` as a person and a program meet it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from daemon.commands import models_display
from daemon.commands.models_display import Bars, Lines, display
from daemon.config import Config
from models import gpus
from models.hub import catalogue
from models.hub.shelf import standing
from tests.daemon.conftest import ROOT, Cli
from tests.handlers.inbox.rights import give_up_rights
from tests.models.hub.hub_kit import REVISION, TINY, TINY_FILES, TinyHub, lay, model_of, serving

FREE = {"VIGENTD_DISK__MIN_FREE": "0"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyHub]:
    monkeypatch.setattr(catalogue, "MODELS", {TINY.name: TINY})
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving() as hub:
        hub.has(TINY, dict(TINY_FILES))
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


def test_pull_says_what_it_got_and_where_that_is(cli: Cli, config: Config, hub: TinyHub) -> None:
    said = cli("models", "pull", "tiny-1.0", **FREE)
    assert (said.code, said.out) == (0, f"Tiny-1.0: whole, 490.0 kB, in {config.weights}/Tiny-1.0\n")
    assert sorted(said.err.splitlines()[:3]) == [
        "getting Tiny-1.0/config.json (14 B)",
        "getting Tiny-1.0/part/more.bin (90.0 kB)",
        "getting Tiny-1.0/weights.bin (400.0 kB)",
    ]
    assert "SIGHUP" in said.err
    assert config.weights.stat().st_mode & 0o077 == 0


def test_the_option_counts_before_the_environment(cli: Cli, hub: TinyHub) -> None:
    said = cli(
        "models", "pull", TINY.name, "--endpoint", hub.endpoint, HF_ENDPOINT="http://127.0.0.1:9", **FREE
    )
    assert said.code == 0


def test_a_refusal_is_plain_and_for_programs_json(cli: Cli, hub: TinyHub) -> None:
    hub.has(TINY, {})
    said = cli("models", "pull", TINY.name, "--json", **FREE)
    assert said.code == 2
    assert said.json["error"]["code"] == "hub_not_found"
    assert [line.split(":")[0] for line in said.err.splitlines()[-2:]] == ["error", "hint"]
    assert "Traceback" not in said.err


def test_ls_lists_every_model_with_its_state(
    cli: Cli, config: Config, hub: TinyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = model_of("Other-2", {"model.bin": b"12345"})
    monkeypatch.setattr(catalogue, "MODELS", {TINY.name: TINY, other.name: other})
    assert cli("models", "pull", TINY.name, **FREE).code == 0
    lay(config.weights / "Other-2", {"model.bin": b"1"})
    first, second = cli("models", "ls", "--json").json
    assert first["checked_at"]
    del first["checked_at"]
    assert first == {
        "name": TINY.name,
        "state": "whole",
        "needed": False,
        "size": TINY.size,
        "present": TINY.size,
        "path": str(config.weights / TINY.name),
        "own": False,
        "why": "",
        "repository": TINY.repository,
        "revision": REVISION,
    }
    assert (second["state"], second["why"]) == ("broken", "model.bin has 1 byte instead of 5")
    lines = cli("models", "ls").out.splitlines()
    assert [line.split()[0] for line in lines] == ["model", "Tiny-1.0", "Other-2"]
    assert "whole, checked 20" in lines[1]
    assert "not whole: model.bin has 1 byte instead of 5" in lines[2]


def test_ls_marks_what_the_configuration_needs(cli: Cli) -> None:
    engines = {
        "VIGENTD_SPEECH__ENGINE": "qwen3",
        "VIGENTD_LIPSYNC__ENGINE": "mouthwarp",
        "VIGENTD_WHISPER__MODEL": "turbo",
    }
    listed = cli("models", "ls", "--json", **engines).json
    assert [one["name"] for one in listed if one["needed"]] == ["Qwen3-TTS-12Hz-1.7B-Base", "whisper-turbo"]
    assert {one["state"] for one in listed} == {"missing"}


def test_models_alone_lists_them(cli: Cli) -> None:
    assert cli("models").out == cli("models", "ls").out != ""
    assert cli("models", "--json").json == cli("models", "ls", "--json").json


def test_ls_knows_openais_file_that_was_laid_there(cli: Cli, config: Config) -> None:
    lay(config.weights / "whisper", {"large-v3-turbo.pt": b"x"})
    said = cli("models", "ls")
    (line,) = [line for line in said.out.splitlines() if line.startswith("whisper-turbo")]
    assert "not whole: whisper/large-v3-turbo.pt has 1 byte instead of 1,617,941,637" in line
    assert "`vigentd models verify`" in said.err
    path = config.weights / "whisper" / "large-v3-turbo.pt"
    assert f"models add whisper-turbo {path} --anyway" in cli("models", "verify").err
    taken = cli("models", "add", "whisper-turbo", str(path), "--anyway")
    assert (taken.code, taken.out) == (0, f"whisper-turbo: whole, 1 B, in {path}\n")
    (line,) = [line for line in cli("models", "ls").out.splitlines() if line.startswith("whisper-turbo")]
    assert "whole, your own, checked 20" in line
    assert cli("models", "verify").code == 0


def test_a_hub_that_is_away_leaves_nothing_behind_and_is_told_once(
    cli: Cli, config: Config, hub: TinyHub
) -> None:
    said = cli("models", "pull", TINY.name, "--endpoint", "http://127.0.0.1:9", **FREE)
    assert said.code == 2
    assert [line for line in said.err.splitlines() if line.startswith("note:")] == [
        "note: 127.0.0.1:9 cannot be reached; it is tried again"
    ]
    assert [path.name for path in config.weights.iterdir()] == [".models.lock"]


def test_a_small_file_is_not_0_gigabytes(cli: Cli, hub: TinyHub) -> None:
    said = cli("models", "pull", TINY.name, VIGENTD_DISK__MIN_FREE="900TB")
    assert (said.code, "490.0 kB are to come and 900000.0 GB must stay free" in said.err) == (2, True)


def test_pull_without_a_name_gets_what_is_needed_or_says_that_nothing_is(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "present", lambda: 0)
    said = cli("models", "pull", "--json")
    assert (said.code, said.json) == (0, [])
    said = cli("models", "pull")
    assert (said.code, said.out) == (0, "")
    nothing = (
        "Nothing is needed: no GPU can be used here, so the draft engines serve, and they have no weights."
    )
    assert said.err.startswith(nothing) and nothing in cli("models", "ls").err
    names = cli("models", "pull", VIGENTD_SPEECH__ENGINE="qwen3", VIGENTD_DISK__MIN_FREE="900TB")
    assert (names.code, "5.5 GB are to come" in names.err) == (2, True)


def test_with_one_gpu_the_lips_are_not_fetched_for_the_second_and_that_is_said(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "present", lambda: 1)
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    said = cli("models", "pull", VIGENTD_DISK__MIN_FREE="900TB")
    assert (said.code, "5.5 GB are to come" in said.err) == (2, True)
    (note,) = [line for line in said.err.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: LatentSync is not needed, because there is no second GPU")
    listed = cli("models", "ls")
    assert (listed.code, note in listed.err) == (0, True)


def test_a_closed_folder_is_no_fault_of_ours(cli: Cli, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with ThreadPoolExecutor(initializer=give_up_rights) as threads:
        said = threads.submit(cli, "models", "add", "whisper-tiny", str(closed / "x")).result()
    closed.chmod(0o700)
    assert said.code == 2
    assert said.err.splitlines()[0] == f"error: {closed}/x cannot be read: Permission denied"


def test_an_unknown_name_is_wrong_use(cli: Cli) -> None:
    for command in (("pull", "latentsink"), ("verify", "latentsink"), ("add", "latentsink", "/tmp")):
        said = cli("models", *command)
        assert said.code == 2
        assert said.err.splitlines() == [
            'error: There is no model called "latentsink"; the nearest is LatentSync-1.6',
            "hint: `vigentd models ls` shows them all.",
        ]


def test_a_name_that_is_like_none_gets_no_suggestion(cli: Cli) -> None:
    said = cli("models", "pull", "wrong-name")
    assert said.err.splitlines()[0] == 'error: There is no model called "wrong-name"'


def test_verify_ends_with_1_and_says_which_file_and_what_to_do(
    cli: Cli, config: Config, hub: TinyHub
) -> None:
    assert cli("models", "verify").code == 0  # nothing is here: nothing is wrong
    assert cli("models", "verify", TINY.name).code == 1
    cli("models", "pull", TINY.name, **FREE)
    assert cli("models", "verify").out == "Tiny-1.0: whole (3 files, 490.0 kB)\n"
    (config.weights / TINY.name / "weights.bin").write_bytes(bytes(400_000))
    said = cli("models", "verify")
    assert said.code == 1
    assert said.out.startswith("Tiny-1.0/weights.bin is damaged: expected SHA-256 ")
    assert said.err.splitlines()[-1].startswith("hint: Run `vigentd models pull Tiny-1.0`")
    told = {one["file"]: one["state"] for one in cli("models", "verify", "--json").json}
    assert told == {"config.json": "whole", "weights.bin": "damaged", "part/more.bin": "whole"}
    assert cli("models", "pull", TINY.name, **FREE).code == 0
    assert cli("models", "verify").code == 0


def test_add_takes_a_folder(cli: Cli, config: Config, hub: TinyHub, tmp_path: Path) -> None:
    theirs = lay(tmp_path / "theirs", TINY_FILES)
    said = cli("models", "add", TINY.name, "theirs")
    assert (said.code, said.out) == (0, f"Tiny-1.0: whole, 490.0 kB, in {config.weights}/Tiny-1.0\n")
    assert (config.weights / TINY.name / "config.json").readlink() == theirs / "config.json"
    assert cli("models", "add", TINY.name, "https://huggingface.co/tiny/Tiny-1.0").code == 2
    assert hub.asked == []


# ---------------------------------------------------------------- what is loaded


def test_nothing_but_pull_loads_the_hubs_library(config: Config) -> None:
    code = (
        "import sys; from daemon import command_line\n"
        "for command in (['models', 'ls'], ['models', 'verify']): assert command_line.run(command) == 0\n"
        "import models.needs, models.qwen3.needs, models.latentsync.needs, daemon.doctor\n"
        "print({m.split('.')[0] for m in sys.modules} & {'huggingface_hub', 'httpx', 'torch', 'numpy'})"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"VIGENTD_DATA_DIR": str(config.data_dir), "PYTHONPATH": str(ROOT)},
    )
    assert (said.returncode, said.stdout.splitlines()[-1:]) == (0, ["set()"]), said.stderr


def test_without_the_library_pull_is_one_sentence(
    cli: Cli, hub: TinyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    said = cli("models", "pull", TINY.name, **FREE)
    assert said.code == 2
    assert said.err.splitlines() == [
        "error: huggingface_hub, which fetches models, is not installed",
        "hint: Run `make install-all`.",
    ]


# ---------------------------------------------------------------- how far it is


def test_a_large_file_is_told_by_tenths(capsys: pytest.CaptureFixture[str]) -> None:
    with display() as watch:
        assert isinstance(watch, Lines)
        number = watch.begin("getting", "a/large", 1_000_000_000, 350_000_000)
        for _ in range(65):
            watch.advance(number, 10_000_000)
        watch.begin("checking", "a/small", 10)
        watch.note("bad\x1b[31m")
    assert capsys.readouterr().err.splitlines() == [
        "getting a/large (1.0 GB, from 350.0 MB on)",
        *(f"a/large: {percent} %" for percent in range(40, 101, 10)),
        "note: bad[31m",
    ]


def test_on_a_terminal_there_is_a_bar_for_each_file(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(models_display, "console", lambda stderr: terminal)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with display() as watch:
        assert isinstance(watch, Bars)
        number = watch.begin("getting", "a/[bold]large", 1000, 250)
        watch.advance(number, 250)
        watch.end(number)
        watch.end(watch.begin("checking", "a/[bold]large", 1000))
        watch.note("[red]it is tried again")
    shown = screen.getvalue()
    assert "a/[bold]large" in shown
    assert "500/1000 bytes" in shown.replace("0.5/1.0 kB", "500/1000 bytes")
    assert "note: [red]it is tried again" in shown


def test_standing_is_told_without_a_folder(config: Config) -> None:
    assert standing(config.weights, TINY).state == "missing"
    assert not config.data_dir.exists()
