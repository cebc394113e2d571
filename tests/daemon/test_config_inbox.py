"""[[inbox]] in the configuration: how it is read and shown, and which folders it may name."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config, InboxSettings
from daemon.config_file import load
from models.errors import BadInput
from tests.daemon.conftest import Cli

TWO = """
[[inbox]]
name = "one"  # line 3
path = "one"

[inbox.preset]
music = "none"

[[inbox]]
name = "two"
path = "two"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "vigentd.toml"
    file.write_text(text, "utf-8")
    return file


def refused(folder: Path, text: str, line: int | None = None) -> BadInput:
    file = written(folder, text)
    with pytest.raises(BadInput) as caught:
        load(file)
    error = caught.value
    assert error.code == "config_invalid"
    assert error.hint and "\n" not in error.message
    if line is not None:
        assert error.message.endswith(f"({file}:{line})"), error.message
    return error


def inboxes(folder: Path, *said: dict[str, Any], **more: Any) -> str:
    """A configuration, in one line for each inbox."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    return "\n".join([*lines, f"inbox = [{', '.join(map(inline, said))}]"])


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + "}"
    return json.dumps(str(value) if isinstance(value, Path) else value)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = """
    [[inbox]]
    name = "main"
    path = "in"
    presenter = "~/anna.mp4"
    preset = { music = "tunes/a.mp3", publish = "youtube, telegram" }
    folders = { outbox = "../out", done = "~/done", failed = "/failed" }
    [[inbox]]
    name = "other"
    path = "~/other"
    preset.music = "calm"
    """
    file = written(tmp_path, text)
    first, second = load(file).config.inbox
    assert (first.path, first.presenter) == (tmp_path / "in", tmp_path / "home" / "anna.mp4")
    assert first.preset.music == str(tmp_path / "tunes" / "a.mp3")
    assert first.preset.publish == ("youtube", "telegram")
    assert (first.folders.outbox, first.folders.done) == ("../out", str(tmp_path / "home" / "done"))
    assert (second.path, second.preset.music) == (tmp_path / "home" / "other", "calm")


@pytest.mark.parametrize(
    ("line", "at", "words", "hint"),
    [
        ("settle = 0", 12, "inbox[1].settle should be greater than or equal to 0.1, not 0", ""),
        ("remind = inf", 12, "inbox[1].remind should be a finite number", ""),
        ('poll = "now"', 12, "inbox[1].poll should be true or false, not 'now'", ""),
        ('duplicates = "keep"', 12, "inbox[1].duplicates should be 'set_aside' or 'make'", ""),
        ("setle = 3", 12, "inbox[1].setle is not a configuration key", "Did you mean settle?"),
        ('music = "calm"', 12, "inbox[1].music is not a configuration key", "Did you mean preset.music?"),
        ("preset = { musik = 1 }", 12, "inbox[1].preset.musik is not", "Did you mean music?"),
        ("preset.seed = -1", 12, "inbox[1].preset.seed should be greater", ""),
        ("preset = 'calm'", 12, "inbox[1].preset is a section, and its keys stand under [inbox.preset]", ""),
        ("preset = { publish_at = 8 }", 12, "preset.publish_at should be a time such as", ""),
        ("[inbox.folders]\n\nout = 'x'", 14, "inbox[1].folders.out is not", "outbox"),
        ("[inbox.folders]\noutbox = ''", 13, "inbox[1].folders.outbox should be a folder, not ''", ""),
        ("publish = { a = 1 }", 12, "inbox[1].publish should be a list of names", ""),
        ('presenter = "~nobody-here/a.mp4"', 12, "inbox[1].presenter should be a path on this machine", ""),
    ],
)
def test_a_mistake_names_the_inbox_and_its_line(
    tmp_path: Path, line: str, at: int, words: str, hint: str
) -> None:
    error = refused(tmp_path, TWO + line, at)
    assert words in error.message and hint in error.hint


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[[inbox]]\nname = "a"', 1, "inbox[0].path is missing"),
        ('[[inbox]]\nname = "a"\npath = ""', 3, "inbox[0].path should be a folder, not ''"),
        (
            '[[inbox]]\npath = "in"\nname = "My inbox"',
            3,
            "inbox[0].name should be a short name of small letters",
        ),
        ('[inbox]\nname = "a"', 1, "inbox is a list of sections, and each stands under [[inbox]]"),
        ('inbox = ["a"]', 1, "inbox[0] is a section, and its keys stand under [[inbox]]"),
        ("settle = 3", 1, "settle is not a configuration key"),
    ],
)
def test_what_is_no_inbox(tmp_path: Path, text: str, line: int, words: str) -> None:
    assert words in refused(tmp_path, text, line).message


def test_a_key_outside_its_section_is_told_where_it_belongs(tmp_path: Path) -> None:
    assert refused(tmp_path, "settle = 3").hint == "Did you mean inbox.settle?"


# ---------------------------------------------------------------- by environment


def test_inboxes_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, TWO)
    monkeypatch.setenv("VIGENTD_INBOX", json.dumps([{"name": "mine", "path": "in", "preset": {"seed": 5}}]))
    loaded = load(file)
    (inbox,) = loaded.config.inbox
    assert (inbox.name, inbox.path, inbox.preset.seed) == ("mine", tmp_path / "in", 5)
    assert loaded.places == {("inbox",): "VIGENTD_INBOX"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("~/inbox", "VIGENTD_INBOX is not valid JSON"),
        ("", "VIGENTD_INBOX is not valid JSON"),
        ('{"name": "a"}', "inbox is a list of sections"),
        ('[{"name": "a", "path": "a", "settle": "x"}]', "inbox[0].settle should be a valid number"),
    ],
)
def test_a_mistake_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    monkeypatch.setenv("VIGENTD_INBOX", value)
    error = refused(tmp_path, TWO)  # in which nothing is wrong, and which is not named
    assert words in error.message and "VIGENTD_INBOX" in error.message
    assert "vigentd.toml" not in error.message


# ---------------------------------------------------------------- where the folders lie


def one(path: str, name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, **more}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([one("in"), one("other")], "inbox[1].name is the name of another inbox too: main"),
        ([one("data/in")], "inbox[0].path lies in the data folder {}/data"),
        ([one("data")], "inbox[0].path lies in the data folder"),
        ([one(".")], "inbox[0].path holds the data folder {}/data"),
        ([one("in", folders={"outbox": "../data/tmp"})], "inbox[0].folders.outbox lies in the data folder"),
        ([one("in"), one("in/sub", "b")], "inbox[1].path lies in the inbox main ({}/in)"),
        ([one("in/sub"), one("in", "b")], "inbox[0].path lies in the inbox b ({}/in)"),
        ([one("in"), one("in", "b")], "inbox[1].path lies in the inbox main"),
        ([one("in"), one("x/../in/", "b")], "inbox[1].path lies in the inbox main"),
        ([one("link"), one("in", "b")], "inbox[1].path lies in the inbox main ({}/in)"),
        ([one("in"), one("in/done/b", "b")], "inbox[1].path lies in the inbox main"),
        (
            [one("in", folders={"done": "../d"}), one("d", "b")],
            "inbox[1].path lies in folders.done of the inbox main",
        ),
        (
            [one("d/b"), one("in", "b", folders={"outbox": "../d"})],
            "inbox[0].path lies in folders.outbox of the inbox b",
        ),
        (
            [one("in", folders={"outbox": "../b/new"}), one("b", "b")],
            "inbox[0].folders.outbox lies in the inbox b",
        ),
        ([one("in", folders={"done": "."})], "inbox[0].folders.done is the inbox itself"),
        ([one("in", folders={"done": "x/.."})], "inbox[0].folders.done is the inbox itself"),
        ([one("a/in", folders={"done": ".."})], "inbox[0].folders.done is {}/a, in which the inbox lies"),
        (
            [one("in", folders={"failed": "outbox"})],
            "inbox[0].folders.failed is the same folder as folders.outbox",
        ),
        ([one("in", folders={"failed": "../link/outbox"})], "is the same folder as folders.outbox"),
        ([one("in", folders={"duplicates": ".work/d"})], "inbox[0].folders.duplicates lies in .work"),
        ([one("in", presenter="in/anna.mp4")], "inbox[0].presenter lies in the inbox main ({}/in)"),
        ([one("in", presenter="link/anna.mp4")], "inbox[0].presenter lies in the inbox main"),
        ([one("in", presenter="in/away.mp4")], "inbox[0].presenter lies in the inbox main"),
        ([one("b"), one("in", "b", presenter="b/anna.mp4")], "inbox[1].presenter lies in the inbox main"),
    ],
    ids=str,
)
def test_folders_that_would_be_taken_for_work(tmp_path: Path, said: list[dict[str, Any]], words: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in")
    (tmp_path / "anna.mp4").touch()
    (tmp_path / "in" / "away.mp4").symlink_to(tmp_path / "anna.mp4")
    text = inboxes(tmp_path, *said, data_dir="data")
    assert words.format(tmp_path) in refused(tmp_path, text, 2).message


def test_folders_that_may_lie_so(tmp_path: Path) -> None:
    apart = {"outbox": "/srv/out", "done": "../../in", "failed": "my/failed", "duplicates": "my/../same"}
    said = [
        one("in", folders=apart, presenter="in.mp4"),
        one("in2", "b", folders={"outbox": "/srv/out"}, presenter="in.mp4"),  # both into one
        one("in3", "c", folders={"done": "../in2/done"}),  # where b does not look either
    ]
    assert len(load(written(tmp_path, inboxes(tmp_path, *said, data_dir="data"))).config.inbox) == 3


def test_the_line_of_the_folder_is_told(tmp_path: Path) -> None:
    text = TWO + '[inbox.folders]\ndone = "."\n'
    refused(tmp_path, text, text.count("\n"))
    refused(tmp_path, TWO.replace('path = "two"', 'path = "one/two"'), 11)


# ---------------------------------------------------------------- config show


def test_config_show_can_be_read_again(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    preset = {"music": "none", "title": 'Say "hi" \\ \x7f \n字', "publish_at": "2026-11-23 08:00+01:00"}
    said = [one("in", preset=preset, poll=True, publish=["youtube"]), one("b", "b", presenter="anna.mp4")]
    file = written(tmp_path, inboxes(tmp_path, *said))
    shown = cli("--config", str(file), "config", "show")
    assert shown.code == 0
    again = load(written(tmp_path / "shown", shown.out)).config
    config = load(file).config
    assert [inbox.model_dump() for inbox in again.inbox] == [inbox.model_dump() for inbox in config.inbox]
    tables = tomllib.loads(shown.out)["inbox"]
    assert [set(table["preset"]) for table in tables] == [set(preset), set()]  # only what was said
    as_json = cli("--config", str(file), "config", "show", "--json").json
    assert as_json["inbox"][0]["preset"] == tables[0]["preset"]


def test_config_show_tells_the_place(cli: Cli, tmp_path: Path) -> None:
    file = written(tmp_path, TWO)
    lines = cli("--config", str(file), "config", "show").out.splitlines()
    assert f'name = "two"  # {file}:10' in lines
    assert "settle = 3.0" in lines and "# poll is not set" in lines
    assert (
        'folders = { outbox = "outbox", done = "done", failed = "failed", duplicates = "duplicates" }'
        in lines
    )


def test_config_show_without_inboxes_leaves_room_for_one(cli: Cli, tmp_path: Path) -> None:
    """`inbox = []` would make [[inbox]] below it an error."""
    shown = cli("config", "show").out
    assert tomllib.loads(shown + '\n[[inbox]]\nname = "a"')["inbox"] == [{"name": "a"}]


def test_a_configuration_goes_to_a_host_and_back(tmp_path: Path) -> None:
    """What was not said of the preset stays unsaid."""
    inbox = InboxSettings(name="a", path=tmp_path, preset={"seed": 5})  # type: ignore[arg-type]
    told = json.loads(json.dumps(Config(inbox=(inbox,)).model_dump(mode="json")))
    (again,) = Config(**told).inbox
    assert again == inbox
    assert again.preset.model_fields_set == {"seed"}
