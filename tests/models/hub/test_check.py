"""`vigentd models verify` reads every byte, and `pull` then fetches what was damaged, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from models.hub import folders, record
from models.hub.check import Finding, verify
from models.hub.shelf import standing
from models.hub.watch import Doing
from tests.handlers.inbox.rights import give_up_rights
from tests.models.hub.conftest import Pull
from tests.models.hub.hub_kit import TINY, TINY_FILES, WEIGHTS, Seen, TinyHub, content, lay, model_of


def wrong(weights: Path) -> list[Finding]:
    return [finding for finding in verify(weights, [TINY], Seen()) if finding.state != "whole"]


def test_what_is_whole_is_found_whole(fetch: Pull, weights: Path, seen: Seen) -> None:
    fetch()
    seen.checked.clear()
    findings = verify(weights, [TINY], seen)
    assert [(one.file, one.state, one.why) for one in findings] == [
        (file.name, "whole", "") for file in TINY.files
    ]
    assert seen.checked == [f"{TINY.name}/{file.name}" for file in TINY.files]


def test_a_byte_that_changed_on_the_disk_is_found_and_mended(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    """Neither the size nor the time of the file tells of it."""
    fetch()
    path = weights / TINY.name / "weights.bin"
    before = path.stat()
    bad = b"?" + TINY_FILES["weights.bin"][1:]
    path.write_bytes(bad)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert standing(weights, TINY).state == "whole"
    (finding,) = wrong(weights)
    found = hashlib.sha256(bad).hexdigest()
    assert (finding.file, finding.state, finding.expected, finding.found) == (
        "weights.bin",
        "damaged",
        WEIGHTS.sha256,
        found,
    )
    assert finding.why == f"is damaged: expected SHA-256 {WEIGHTS.sha256}, found {found}"
    assert "`vigentd models pull Tiny-1.0`" in finding.fix
    now = standing(weights, TINY)
    assert (now.state, now.why) == ("broken", "weights.bin was damaged when it was last checked")
    hub.asked.clear()
    fetch()
    assert {asked.file for asked in hub.asked} == {"weights.bin"}
    assert wrong(weights) == []
    assert standing(weights, TINY).state == "whole"


@dataclass
class Meanwhile(Seen):
    """Something happens once, when the first file was opened."""

    happens: Callable[[], object] = lambda: None

    def begin(self, doing: Doing, what: str, size: int, done: int = 0) -> int:
        happens, self.happens = self.happens, lambda: None
        happens()
        return super().begin(doing, what, size, done)


def test_what_a_pull_mends_meanwhile_is_not_struck_out(fetch: Pull, weights: Path) -> None:
    """It reads a damaged file; by the time it would say so in the record, there is another one."""
    fetch()
    path = weights / TINY.name / "config.json"
    path.write_bytes(b"?" * len(TINY_FILES["config.json"]))
    os.utime(path, ns=(0, 0))
    findings = verify(weights, [TINY], Meanwhile(happens=fetch))
    assert [one.file for one in findings if one.state == "damaged"] == ["config.json"]
    assert standing(weights, TINY).state == "whole"


def test_while_another_command_is_at_work_the_record_stays(fetch: Pull, weights: Path, seen: Seen) -> None:
    fetch()
    kept = (weights / TINY.name / record.NAME).read_bytes()
    (weights / TINY.name / "config.json").write_bytes(b"?" * len(TINY_FILES["config.json"]))
    with folders.alone(weights):
        findings = verify(weights, [TINY], seen)
    assert [one.file for one in findings if one.state == "damaged"] == ["config.json"]
    assert (weights / TINY.name / record.NAME).read_bytes() == kept
    assert [note.endswith("that Tiny-1.0 is damaged is not recorded") for note in seen.notes] == [True]


def test_files_without_a_record_are_not_said_to_be_fetched_again(weights: Path) -> None:
    """`pull` would refuse to."""
    lay(weights / TINY.name, TINY_FILES | {"weights.bin": b"tuned"})
    (finding,) = wrong(weights)
    assert f"models add Tiny-1.0 {weights / TINY.name} --anyway" in finding.fix


def test_a_file_that_is_closed_is_a_finding(fetch: Pull, weights: Path) -> None:
    fetch()
    (weights / TINY.name / "part").chmod(0)
    with ThreadPoolExecutor(initializer=give_up_rights) as threads:
        found = threads.submit(wrong, weights).result()
    (weights / TINY.name / "part").chmod(0o700)
    assert [(one.file, one.why) for one in found] == [
        ("part/more.bin", "cannot be looked at: Permission denied")
    ]


def test_what_is_missing_or_cut_short_is_found_without_reading(fetch: Pull, weights: Path) -> None:
    fetch()
    (weights / TINY.name / "config.json").unlink()
    (weights / TINY.name / "weights.bin").write_bytes(b"short")
    assert [(one.file, one.state, one.why) for one in wrong(weights)] == [
        ("config.json", "missing", "is missing"),
        ("weights.bin", "damaged", "has 5 bytes instead of 400,000"),
    ]


def test_a_model_that_is_not_here_is_one_finding(weights: Path) -> None:
    (finding,) = wrong(weights)
    assert (finding.file, finding.state, finding.why) == ("", "missing", "is not here")


def test_a_damaged_record_is_a_finding_and_the_files_are_read_all_the_same(
    fetch: Pull, weights: Path
) -> None:
    fetch()
    (weights / TINY.name / record.NAME).write_text("[]")
    (finding,) = wrong(weights)
    assert (finding.file, finding.state) == (record.NAME, "damaged")
    assert len(verify(weights, [TINY], Seen())) == 4


def test_a_record_of_a_later_version_is_left_alone(fetch: Pull, weights: Path) -> None:
    fetch()
    path = weights / TINY.name / record.NAME
    later = json.dumps({"format": 2, "something": "else"})
    path.write_text(later)
    assert wrong(weights) == []
    assert standing(weights, TINY).state == "whole"
    assert path.read_text() == later


def test_the_one_file_that_serves_instead_is_read_too(weights: Path) -> None:
    data = content("single", 3000)
    model = model_of(TINY.name, TINY_FILES, model_of("x", {"single/tiny.pt": data}).files[0])
    lay(weights, {"single/tiny.pt": data})
    assert [one.state for one in verify(weights, [model], Seen())] == ["whole"]
    lay(weights, {"single/tiny.pt": bytes(3000)})
    assert [one.state for one in verify(weights, [model], Seen())] == ["damaged"]
