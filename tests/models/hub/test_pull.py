"""Models are fetched whole, from a server that speaks the hub's protocol; nothing half-done gets its name."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import BadInput, Unavailable
from models.hub import folders, record
from models.hub.adopt import adopt
from models.hub.catalogue import INDEX, ONE_FILE
from models.hub.shelf import incomplete, standing
from tests.models.hub.conftest import NOW, Pull
from tests.models.hub.hub_kit import (
    REVISION,
    TINY,
    TINY_FILES,
    WEIGHTS,
    Fault,
    Seen,
    TinyHub,
    content,
    lay,
    model_of,
    without_rights,
)


def whole(weights: Path) -> bool:
    """The folder holds the model's files, a record of them, and nothing else; nothing is left beside it."""
    folder = weights / TINY.name
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in weights.iterdir()} == {TINY.name, folders.LOCK}
    return there == {*TINY_FILES, record.NAME} and all(
        (folder / name).read_bytes() == data for name, data in TINY_FILES.items()
    )


# ---------------------------------------------------------------- it comes


def test_a_model_is_fetched_checked_and_recorded(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    (now,) = fetch()
    assert (now.state, now.present, now.checked_at, whole(weights)) == ("whole", TINY.size, NOW, True)
    kept = json.loads((weights / TINY.name / record.NAME).read_text())
    assert (kept["repository"], kept["revision"], kept["origin"]) == (TINY.repository, REVISION, hub.endpoint)
    assert {name: (one["size"], one["sha256"]) for name, one in kept["files"].items()} == {
        file.name: (file.size, file.sha256) for file in TINY.files
    }
    assert seen.got == {f"{TINY.name}/{file.name}": file.size for file in TINY.files}


def test_only_the_files_that_are_needed_are_asked_for_and_nothing_is_told_of_the_machine(
    fetch: Pull, hub: TinyHub
) -> None:
    hub.has(TINY, TINY_FILES | {"README.md": b"x" * 5000, "pytorch_model.bin": b"y" * 5000})
    fetch()
    assert {asked.file for asked in hub.asked} == set(TINY_FILES)
    assert {asked.headers["User-Agent"] for asked in hub.asked} == {"vigentd"}


def test_what_is_whole_is_not_fetched_again_nor_read(fetch: Pull, hub: TinyHub, seen: Seen) -> None:
    fetch()
    hub.asked.clear()
    seen.checked.clear()
    fetch()
    assert (hub.asked, seen.checked) == ([], [])


def test_files_that_were_laid_there_by_hand_are_taken(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    lay(weights / TINY.name, {name: TINY_FILES[name] for name in ("config.json", "weights.bin")})
    fetch()
    assert {asked.file for asked in hub.asked} == {"part/more.bin"}
    assert whole(weights)


def test_a_damaged_file_alone_is_fetched_again(fetch: Pull, weights: Path, hub: TinyHub, seen: Seen) -> None:
    fetch()
    hub.asked.clear()
    path = weights / TINY.name / "weights.bin"
    path.write_bytes(b"?" * WEIGHTS.size)
    fetch()
    assert {asked.file for asked in hub.asked} == {"weights.bin"}
    assert whole(weights)
    assert seen.notes == [f"{path} is damaged, and fetched again"]


def test_several_models_come_at_once(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    files = {"model.bin": content("other", 50_000)}
    other = model_of("Other-2", files)
    hub.has(other, files)
    assert [one.state for one in fetch(TINY, other)] == ["whole", "whole"]
    assert (weights / "Other-2" / "model.bin").read_bytes() == files["model.bin"]


def test_a_model_is_whole_by_the_one_file_that_serves_instead(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    data = content("single", 3000)
    instead = model_of("x", {"single/tiny.pt": data}).files[0]
    lay(weights, {"single/tiny.pt": data})
    (now,) = fetch(model_of(TINY.name, TINY_FILES, instead))
    assert (now.state, now.path) == ("whole", weights / "single/tiny.pt")
    assert hub.asked == []


# ---------------------------------------------------------------- it is cut short


@pytest.mark.parametrize("kind", ["cut", "end"])
def test_after_a_cut_connection_it_goes_on_where_it_was(
    kind: str, fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    """cut: reset in the middle. end: closed in order, by a server that did not say how long the file is."""
    hub.fault("weights.bin", Fault(kind, after=100_000))
    fetch()
    first, second = hub.ranges_of("weights.bin")
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 100_000
    assert whole(weights)
    assert seen.got[f"{TINY.name}/weights.bin"] == WEIGHTS.size
    assert len(seen.notes) == 1


def test_it_goes_on_as_long_as_every_try_brings_something(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.fault("weights.bin", *[Fault("cut", after=30_000)] * 9)
    fetch(waits=(0.0, 0.0))
    assert whole(weights)


def test_what_an_earlier_command_got_is_not_fetched_again(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    part = folders.part_of(weights, TINY.name)
    lay(part, {"part/more.bin": TINY_FILES["part/more.bin"]})
    begun = incomplete(part, WEIGHTS)
    begun.write_bytes(TINY_FILES["weights.bin"][:250_000])
    assert standing(weights, TINY).state == "begun"
    fetch()
    assert hub.ranges_of("weights.bin") == ["bytes=250000-"]
    assert hub.ranges_of("part/more.bin") == []
    assert whole(weights)


def test_a_server_without_ranges_sends_it_from_the_beginning(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    hub.ranges = False
    hub.fault("weights.bin", Fault("cut", after=100_000))
    fetch()
    assert whole(weights)
    assert seen.got[f"{TINY.name}/weights.bin"] == WEIGHTS.size


def test_a_part_that_is_too_long_is_thrown_away(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    part = incomplete(folders.part_of(weights, TINY.name), WEIGHTS)
    lay(part.parent, {part.name: b"?" * (WEIGHTS.size + 1)})
    fetch()
    assert hub.ranges_of("weights.bin") == [""]
    assert whole(weights)


def test_a_part_that_was_bad_is_found_out_and_fetched_from_its_beginning(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    """After a power cut the end of a file may be zeros."""
    part = incomplete(folders.part_of(weights, TINY.name), WEIGHTS)
    lay(part.parent, {part.name: bytes(1000)})
    fetch()
    assert hub.ranges_of("weights.bin") == ["bytes=1000-", ""]
    assert whole(weights)


def test_a_passing_trouble_of_the_server_passes(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.fault("config.json", Fault("refuse", status=503), Fault("refuse", status=429))
    fetch()
    assert whole(weights)


# ---------------------------------------------------------------- it does not come


def refused(fetch: Pull, weights: Path, **how: str) -> Unavailable:
    """One plain sentence; and the engines see no model."""
    with pytest.raises(Unavailable) as raised:
        fetch(**how)
    error = raised.value
    assert "\n" not in error.message + error.hint
    assert not error.message.endswith(".")
    assert error.hint
    assert not (weights / TINY.name).exists()
    return error


def test_a_file_that_comes_damaged_is_thrown_away(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    bad = bytes(WEIGHTS.size)
    hub.has(TINY, TINY_FILES | {"weights.bin": bad})
    hub.tells("weights.bin", WEIGHTS.sha256)
    error = refused(fetch, weights)
    assert error.code == "checksum_mismatch"
    assert WEIGHTS.sha256 in error.message
    assert hashlib.sha256(bad).hexdigest() in error.message
    assert not incomplete(folders.part_of(weights, TINY.name), WEIGHTS).exists()
    hub.has(TINY, TINY_FILES)
    fetch()
    assert whole(weights)


def test_another_file_under_the_name_is_noticed_before_it_is_fetched(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    hub.has(TINY, TINY_FILES | {"weights.bin": bytes(WEIGHTS.size)})
    error = refused(fetch, weights)
    assert error.code == "hub_other_file"
    assert not incomplete(folders.part_of(weights, TINY.name), WEIGHTS).exists()


def test_a_web_page_instead_of_the_file_is_noticed(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.has(TINY, TINY_FILES | {"config.json": b"<html>log in to this network</html>"})
    error = refused(fetch, weights)
    assert (error.code, "config.json" in error.message) == ("hub_other_file", True)


GATED = {"X-Error-Code": "GatedRepo"}


@pytest.mark.parametrize(
    ("status", "headers", "token", "code", "says"),
    [
        (401, {}, "", "hub_unauthorized", "wants to know who asks"),
        (401, {}, "hf_secret", "hub_unauthorized", "does not accept the token"),
        (401, GATED, "", "hub_forbidden", "does not let this account have"),
        (403, GATED, "hf_secret", "hub_forbidden", "does not let this account have"),
        (404, {"X-Error-Code": "RepoNotFound"}, "", "hub_not_found", "does not have tiny/Tiny-1.0 (404)"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "", "hub_not_found", "the version 0123456789ab of"),
        (404, {"X-Error-Code": "EntryNotFound"}, "", "hub_not_found", "config.json of"),
        (404, {}, "", "hub_not_found", "does not have tiny/Tiny-1.0 (404)"),
        (451, {}, "", "hub_refused", "it answered 451"),
    ],
)
def test_a_refusal_is_said_in_words(
    status: int,
    headers: dict[str, str],
    token: str,
    code: str,
    says: str,
    fetch: Pull,
    weights: Path,
    hub: TinyHub,
) -> None:
    hub.fault("config.json", Fault("refuse", status=status, headers=headers))
    error = refused(fetch, weights, token=token)
    assert error.code == code
    assert says in error.message
    assert "secret" not in error.message + error.hint


def test_a_server_that_stays_down_is_given_up(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.fault("config.json", *[Fault("refuse", status=502)] * 10)
    error = refused(fetch, weights)
    assert (error.code, "answered 502" in error.message) == ("hub_away", True)


def test_no_network(fetch: Pull, weights: Path) -> None:
    error = refused(fetch, weights, endpoint="http://127.0.0.1:9")
    assert error.code == "hub_away"
    assert error.message == "127.0.0.1:9 cannot be reached"


def test_offline_is_said(fetch: Pull, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refused(fetch, weights).code == "hub_offline"


def test_a_token_goes_to_the_server_and_not_to_where_that_sends_on_to(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    fetch(token="hf_secret")
    told = {(asked.where, asked.headers.get("Authorization")) for asked in hub.asked}
    assert told == {("hub", "Bearer hf_secret"), ("storage", None)}
    assert "hf_secret" not in (weights / TINY.name / record.NAME).read_text()


def test_a_server_that_always_begins_again_is_given_up(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    """Half of the file, then the cut; and it cannot go on there."""
    hub.no_range = True
    hub.fault("weights.bin", *[Fault("cut", after=200_000)] * 50)
    assert refused(fetch, weights).code == "hub_away"
    assert len(hub.ranges_of("weights.bin")) < 20


def test_a_mirror_may_lie_in_a_path_of_its_server(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.prefix = "/mirror/hf"
    fetch(endpoint=f"{hub.endpoint}/mirror/hf")
    assert whole(weights)


# ---------------------------------------------------------------- no room


def test_too_little_room_is_said_before_anything_is_fetched(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    with pytest.raises(Unavailable, match="There is not enough room") as raised:
        fetch(spare=10**18)
    assert raised.value.code == "disk_full"
    assert hub.asked == []


@pytest.fixture
def small_disk(weights: Path) -> Iterator[Path]:
    weights.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(weights)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield weights
    subprocess.run(["umount", str(weights)], check=True)


def test_a_disk_that_fills_up_is_said_and_what_came_is_kept(
    small_disk: Path, fetch: Pull, hub: TinyHub, seen: Seen
) -> None:
    filler = small_disk / "filler"

    def fill(what: str, count: int) -> None:
        if what.endswith("weights.bin") and not filler.exists():
            with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))

    seen.when = fill
    error = refused(fetch, small_disk)
    assert error.code == "disk_full"
    assert error.message.startswith(f"The disk of {small_disk}")
    begun = incomplete(folders.part_of(small_disk, TINY.name), WEIGHTS).stat().st_size
    assert begun > 0
    seen.when = lambda what, count: None
    filler.unlink()
    fetch()
    assert hub.ranges_of("weights.bin") == ["", f"bytes={begun}-"]
    assert whole(small_disk)


def test_a_folder_that_cannot_be_made_is_said(fetch: Pull, weights: Path) -> None:
    weights.parent.joinpath("models").write_text("a file")
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert (raised.value.code, str(weights) in raised.value.message) == ("models_unwritable", True)


def test_a_folder_without_the_right_to_write_is_said(fetch: Pull, weights: Path) -> None:
    weights.mkdir(mode=0o500)

    error = without_rights(fetch)
    assert error.code == "models_unwritable"
    assert error.message.endswith("cannot be written: Permission denied")


def test_a_limit_on_the_size_of_files_is_said(fetch: Pull, weights: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        assert refused(fetch, weights).code == "file_too_large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# ---------------------------------------------------------------- what is not ours


def left_alone(fetch: Pull, hub: TinyHub, folder: Path) -> None:
    """Weights of somebody's own are not touched, and the sentence says how they are kept."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert raised.value.code == "model_other"
    assert f"models add {TINY.name} {folder} --anyway" in raised.value.hint
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert hub.asked == []


@pytest.mark.parametrize("tuned", [b"tuned", bytes(WEIGHTS.size)])
def test_own_weights_laid_by_hand_are_left_alone(
    tuned: bytes, fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    folder = lay(weights / TINY.name, TINY_FILES | {"weights.bin": tuned})
    left_alone(fetch, hub, folder)
    adopt(weights, TINY, folder, Seen(), anyway=True, now=lambda: NOW)
    assert [(one.state, one.own) for one in fetch()] == [("whole", True)]
    assert (folder / "weights.bin").read_bytes() == tuned


@pytest.mark.parametrize("way", ["in place", "by links", "by links that lead nowhere now"])
def test_own_weights_are_left_alone_when_their_record_is_torn(
    way: str, fetch: Pull, weights: Path, hub: TinyHub, tmp_path: Path
) -> None:
    folder = weights / TINY.name
    theirs = lay(folder if way == "in place" else tmp_path / "theirs", TINY_FILES | {"weights.bin": b"tuned"})
    adopt(weights, TINY, theirs, Seen(), anyway=True, now=lambda: NOW)
    (folder / record.NAME).write_text('{"model": "Ti')
    if way == "by links that lead nowhere now":
        theirs.rename(tmp_path / "unmounted")
    left_alone(fetch, hub, folder)
    assert (folder / "weights.bin").is_symlink() == (way != "in place")


def test_own_weights_in_several_pieces_get_no_other_beside_them(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    files = {"config.json": b"{}", ONE_FILE: b"x" * 99}
    model = model_of("Shards", files)
    hub.has(model, files)
    folder = lay(weights / "Shards", {"config.json": b"{}", INDEX: b"{}", "model-1.safetensors": b"1"})
    with pytest.raises(Unavailable) as raised:
        fetch(model)
    assert raised.value.code == "model_other"
    assert not (folder / ONE_FILE).exists()


def test_what_is_laid_there_while_it_is_fetched_is_left_alone(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    folder = lay(weights / TINY.name, {"config.json": TINY_FILES["config.json"]})
    seen.when = lambda what, count: None if not what.endswith("weights.bin") else _lay_own(folder)
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert raised.value.code == "model_other"
    assert (folder / "weights.bin").read_bytes() == b"tuned"


def _lay_own(folder: Path) -> None:
    lay(folder, {"weights.bin": b"tuned"})


def test_a_folder_that_is_closed_is_said_before_anything_is_fetched(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    folder = lay(weights / TINY.name, TINY_FILES)
    folder.chmod(0)
    error = without_rights(fetch)
    folder.chmod(0o700)
    assert (error.code, hub.asked) == ("models_unreadable", [])


def test_nothing_is_written_behind_a_link(fetch: Pull, weights: Path, tmp_path: Path, hub: TinyHub) -> None:
    theirs = lay(tmp_path / "theirs", {"config.json": TINY_FILES["config.json"]})
    weights.mkdir()
    (weights / TINY.name).symlink_to(theirs)
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert raised.value.code == "model_linked"
    assert [path.name for path in theirs.iterdir()] == ["config.json"]
    lay(theirs, TINY_FILES)
    assert [one.state for one in fetch()] == ["whole"]
    assert not (theirs / record.NAME).exists()


def test_a_damaged_record_is_written_anew(fetch: Pull, weights: Path, hub: TinyHub, seen: Seen) -> None:
    fetch()
    hub.asked.clear()
    (weights / TINY.name / record.NAME).write_text("{")
    assert standing(weights, TINY).state == "broken"
    fetch()
    assert hub.asked == []
    assert whole(weights)
    assert standing(weights, TINY).state == "whole"
    assert ["is damaged" in note for note in seen.notes] == [True]


def test_a_record_that_leads_elsewhere_is_no_record(weights: Path) -> None:
    kept = {"size": 1, "sha256": "0" * 64, "mtime_ns": 1}
    good = {"model": "x", "repository": "x", "revision": "x", "origin": "x", "at": "x"}
    for name in ("../x", "/etc/passwd", "a/../b", "", "a//b"):
        lay(weights, {record.NAME: json.dumps(good | {"files": {name: kept}}).encode()})
        with pytest.raises(Unavailable):
            record.read(weights)
    lay(weights, {record.NAME: json.dumps(good | {"files": {"a/b": kept}}).encode()})
    assert record.read(weights) is not None


def test_a_second_command_says_that_the_first_is_at_work(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    with (
        folders.alone(weights),
        pytest.raises(Unavailable, match=f"at work in .* \\(process {os.getpid()}\\)"),
    ):
        fetch()
    assert hub.asked == []
    fetch()


def test_bad_addresses_and_tokens_are_refused_without_showing_them() -> None:
    from models.hub.catalogue import HUB
    from models.hub.source import chosen

    for address in (
        "hf-mirror.com",
        "ftp://x",
        "http://",
        "https://x y",
        "http://x:99999",
        "https://x/?a=b",
        "",
    ):
        with pytest.raises(BadInput) as raised:
            chosen(address, {})
        assert raised.value.code == "endpoint_invalid"
    with pytest.raises(BadInput) as raised:
        chosen(None, {"HF_TOKEN": "hf_sécret"})
    assert "cret" not in raised.value.message
    assert chosen(None, {}).endpoint == chosen(None, {"HF_ENDPOINT": ""}).endpoint == HUB
    assert chosen("https://a/", {"HF_ENDPOINT": "https://b"}).endpoint == "https://a"
    source = chosen(None, {"HF_ENDPOINT": "https://me:pass@b:81/x"})
    assert (source.host, source.shown) == ("b:81", "https://b:81/x")


def test_a_token_is_for_the_hub_alone() -> None:
    from models.hub.catalogue import HUB
    from models.hub.source import chosen

    secret = {"HF_TOKEN": " hf_1\n"}
    hub = chosen(f"{HUB}/", secret)
    assert (hub.token, hub.withheld, "hf_1" in repr(hub)) == ("hf_1", False, False)
    for other in (
        "https://hf-mirror.com",
        "http://huggingface.co",
        "https://huggingface.co.x.org",
        f"{HUB}:444",
    ):
        mirror = chosen(other, secret)
        assert (mirror.token, mirror.withheld) == ("", True)
        assert not chosen(other, {}).withheld
