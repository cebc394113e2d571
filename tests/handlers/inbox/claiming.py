"""A process in which bundles are taken up and put back by children that are killed at each of their steps.

Steps: before each file or folder that is opened for writing, renamed, linked or removed; before and after
each rename that overwrites nothing; in the middle of each copy. (What was synced matters only to power cuts.)

Run in a mount namespace of its own, with an empty folder; `all` behind it: putting back is also killed at
each step of its own after each step of taking up. Prints, as JSON, scenario → steps of both, or what
was wrong.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from handlers.inbox.bundles.bundle import Bundle, Source
from handlers.inbox.claim import files
from handlers.inbox.claim.take import Taken, left_over, put_back, take
from handlers.inbox.look.scan import Mark, scan
from handlers.inbox.places import Places

OWNER = "/home/anna/.local/share/vigentd"
ID = "20260801-0001"
SCRIPT, CLIP = b"Good morning.", bytes(range(256)) * 300
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"}
CLASHING, WHY = "monday.mp4", "failed/monday.error.txt"
PAIR = Bundle("monday", (Source("monday.txt", "script"), Source("monday.mp4", "clip")), None, 0)
FOLDER = Bundle("monday", (Source("a.txt", "script"), Source("b \udcff.mp4", "clip")), "monday", 0)


def places_in(root: Path) -> Places:
    return Places(root, root / "outbox", root / "done", root / "failed", root / "duplicates")


def marks_of(places: Places, bundle: Bundle) -> dict[str, Mark]:
    """As the inbox finds them."""
    found = scan(places.root, places.ours)
    if bundle.folder is not None:
        return {entry.name: entry.mark for entry in found[bundle.folder].inner}
    return {source.name: found[source.name].entry.mark for source in bundle.sources}


def tree(folder: Path) -> dict[str, Any]:
    """All in the folder but .work: what it is, what is in it, and when it was changed."""
    return {
        str(path.relative_to(folder)): _described(path)
        for path in sorted(folder.rglob("*"))
        if path.relative_to(folder).parts[0] != ".work"
    }


def _described(path: Path) -> Any:
    if path.is_symlink():
        return str(path.readlink())
    return None if path.is_dir() else (path.read_bytes(), path.stat().st_mtime_ns)


# ---------------------------------------------------------------- scenarios


@dataclass(frozen=True)
class Scenario:
    """mounts: folders in the inbox that are file systems of their own. bound: a file that is.

    linked: its files have other names elsewhere. steps: there is no rename that overwrites nothing.
    fails: it cannot be taken up at all. replaced: once it is, something else gets the name of its clip.
    """

    bundle: Bundle
    mounts: tuple[str, ...] = ()
    bound: str | None = None
    linked: bool = False
    steps: bool = False
    fails: bool = False
    replaced: bool = False


SCENARIOS = {
    "a pair": Scenario(PAIR),
    "a pair, in steps": Scenario(PAIR, steps=True),
    "a folder": Scenario(FOLDER),
    "a folder, in steps": Scenario(FOLDER, steps=True),
    "a pair with other names": Scenario(PAIR, linked=True),
    "a folder with other names": Scenario(FOLDER, linked=True),
    "a pair on another file system": Scenario(PAIR, mounts=(".work",)),
    "a folder on another file system": Scenario(FOLDER, mounts=(".work",)),
    "a folder that is a file system": Scenario(FOLDER, mounts=("monday",)),
    "a file that is a file system": Scenario(PAIR, bound="monday.mp4", fails=True),
    "a pair whose name is taken": Scenario(PAIR, replaced=True),
    "a pair whose name is taken, failed/ elsewhere": Scenario(PAIR, mounts=("failed",), replaced=True),
}


def prepare(scenario: Scenario, folder: Path) -> Places:
    """All anew, but for what is mounted."""
    root, beside = folder / "inbox", folder / "beside"
    for place in (beside, root / "monday", root / ".work", root / "failed"):
        if place.is_dir() and not place.is_mount():
            shutil.rmtree(place)
        elif place.is_dir():
            for path in place.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    beside.mkdir(parents=True)
    root.mkdir(exist_ok=True)
    inside = root / (scenario.bundle.folder or "")
    (inside / "more" / "still").mkdir(parents=True, exist_ok=True)
    (inside / "more" / "notes").write_bytes(b"for later")
    if not (inside / "link").is_symlink():
        (inside / "link").symlink_to("/nowhere")
    for source in scenario.bundle.sources:
        content = SCRIPT if source.role == "script" else CLIP
        (inside / source.name).unlink(missing_ok=True) if source.name != scenario.bound else None
        (inside / source.name).write_bytes(content)
        os.utime(inside / source.name, ns=(10**18, 10**18 + 7))
        if scenario.linked:
            (beside / source.name).hardlink_to(inside / source.name)
    return places_in(root)


def mount(scenario: Scenario, folder: Path) -> list[Path]:
    root = folder / "inbox"
    for name in scenario.mounts:
        (root / name).mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root / name)], check=True)
    if scenario.bound:
        (root / scenario.bound).parent.mkdir(parents=True)
        for path in (root / scenario.bound, folder / "bound"):
            path.touch()
        subprocess.run(["mount", "--bind", str(folder / "bound"), str(root / scenario.bound)], check=True)
    return [root / name for name in (*scenario.mounts, scenario.bound) if name]


# ---------------------------------------------------------------- children that are killed


def in_a_child(act: Callable[[], object], kill_at: int) -> list[str] | None:
    """None when it was killed at that step, else the steps that it took."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            passed = _watch(kill_at)
            act()
            os.write(writer, json.dumps(list(passed)).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        line = told.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert status == 0, "it failed, see above"
    return list(json.loads(line))


def _watch(kill_at: int) -> list[str]:
    passed: list[str] = []

    def pass_by(name: str) -> None:
        passed.append(name)
        if len(passed) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            pass_by(f"before {name}")
            result = original(*arguments)
            pass_by(f"after {name}")
            return result

        setattr(owner, name, watched)

    def audit(name: str, arguments: tuple[Any, ...]) -> None:
        if name in CHANGES or (name == "open" and arguments[2] & WRITING):
            pass_by(name)

    def halves(source: BinaryIO, target: BinaryIO, _: int) -> None:
        content = source.read()
        target.write(content[: len(content) // 2])
        target.flush()
        pass_by("half a copy")
        target.write(content[len(content) // 2 :])

    around(files, "_rename_exclusively")
    shutil.copyfileobj = halves  # type: ignore[assignment]
    sys.addaudithook(audit)
    return passed


# ---------------------------------------------------------------- what has to be so


@dataclass
class Sweep:
    """crossed: all steps of putting back after each of taking up, not only after the last."""

    scenario: Scenario
    folder: Path
    crossed: bool

    def run(self) -> list[str]:
        """The steps of both, each of which was a last one."""
        if self.scenario.steps:
            files._rename_exclusively = lambda source, target: False
        steps = self._try(0, None)
        assert steps is not None
        back = []
        for last in [*range(1, len(steps) + 1), 0]:
            if last and not self.crossed:
                self._try(last, None)
                continue
            back = self._try(last, 0) or []
            for last_back in range(1, len(back) + 1):
                self._try(last, last_back)
        return steps + back

    def _try(self, take_until: int, back_until: int | None) -> list[str] | None:
        """0: to the end. Returns the steps of putting it back; of taking it up when back_until is None."""
        places = prepare(self.scenario, self.folder)
        expected = tree(places.root)
        taken = back = None
        if take_until == 0 and back_until is not None:
            self._take(places)
        else:
            taken = in_a_child(lambda: self._take(places), take_until)
            assert (taken is None) == (take_until > 0)
        if self.scenario.replaced:
            expected = self._replace(places, expected)
        if back_until is not None:
            back = in_a_child(lambda: self._put_back(places), back_until)
            assert (back is None) == (back_until > 0)
        self._put_back(places)
        found = tree(places.root)
        assert (found.pop(WHY, None) is not None) == (f"failed/{CLASHING}" in expected)
        assert found == expected, f"killed at {take_until} and {back_until}"
        left = list(places.work.iterdir()) if places.work.exists() else []
        assert left == [], f"killed at {take_until} and {back_until}"
        return taken if back_until is None else back

    def _replace(self, places: Places, before: dict[str, Any]) -> dict[str, Any]:
        """If the clip is on its way, something else gets its name. Returns what is to be there in the end."""
        if (places.root / CLASHING).exists():
            return before
        (places.root / CLASHING).write_bytes(b"another")
        there = _described(places.root / CLASHING)
        return before | {CLASHING: there, "failed": None, f"failed/{CLASHING}": before[CLASHING]}

    def _take(self, places: Places) -> Taken | None:
        bundle = self.scenario.bundle
        try:
            taken = take(places, bundle, marks_of(places, bundle), ID, OWNER)
        except OSError:
            assert self.scenario.fails
            return None
        assert not self.scenario.fails
        for kept in taken.files:
            assert files.digest(places.work / ID / kept.kept) == kept.sha256
            assert (places.work / ID / kept.kept).stat().st_nlink == 1
        return taken

    def _put_back(self, places: Places) -> None:
        for folder in left_over(places, (), OWNER):
            aside = put_back(folder, places)
            assert self.scenario.replaced or aside == []


def sweeps(folder: Path, crossed: bool) -> Iterator[tuple[str, Any]]:
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        own = folder / str(number)
        own.mkdir()
        mounted = mount(scenario, own)
        at_once = files._rename_exclusively
        try:
            yield name, Sweep(scenario, own, crossed).run()
        except Exception:
            yield name, traceback.format_exc()
        files._rename_exclusively = at_once
        for path in mounted:
            subprocess.run(["umount", str(path)], check=True)


if __name__ == "__main__":
    gc.freeze()  # a child need not go through all of it
    print(json.dumps(dict(sweeps(Path(sys.argv[1]), "all" in sys.argv[2:]))))
