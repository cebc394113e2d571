"""Hints from a real folder, by the real observers; and what happens when the folder goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handlers.inbox.look import watcher as watching
from handlers.inbox.look.mounts import Mount
from handlers.inbox.look.watcher import Watcher

SOON_S = 30.0
QUIET_S = 0.2
CALM_S = 0.05


class Heard:
    """The waker and the log."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.lines: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, /, **facts: object) -> None:
        self.lines.append((name, facts))

    def after(self, act: Callable[[], object]) -> bool:
        """Whether it woke."""
        self._calm_down()
        act()
        return self.woken.wait(SOON_S)

    def stays_quiet(self, act: Callable[[], object]) -> bool:
        self._calm_down()
        act()
        return not self.woken.wait(QUIET_S)

    def _calm_down(self) -> None:
        """What was done before is told in several events."""
        self.woken.clear()
        while self.woken.wait(CALM_S):
            self.woken.clear()


Watch = Callable[..., Watcher]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def watch(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setattr(watching, "POLL_S", CALM_S / 3)
    before = set(threading.enumerate())
    started: list[Watcher] = []

    def make(path: Path, poll: bool | None = None) -> Watcher:
        watcher = Watcher(path, poll, heard.woken.set, heard)
        started.append(watcher)
        watcher.start()
        return watcher

    yield make
    for watcher in started:
        watcher.stop()
    assert set(threading.enumerate()) <= before


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    root.mkdir()
    return root


# ---------------------------------------------------------------- what is heard


def test_what_comes_into_the_folder_wakes(root: Path, tmp_path: Path, heard: Heard, watch: Watch) -> None:
    (tmp_path / "outside.mp4").write_text("x")
    (tmp_path / "folder").mkdir()
    watcher = watch(root)
    assert watcher.way == "inotify" and not watcher.why
    assert heard.after((root / "a.txt").touch)
    assert heard.after(lambda: (root / "a.txt").rename(root / "b.txt"))
    assert heard.after(lambda: (root / "hard.mp4").hardlink_to(tmp_path / "outside.mp4"))
    assert heard.after(lambda: (tmp_path / "outside.mp4").rename(root / "c.mp4"))
    assert heard.after(lambda: (tmp_path / "folder").rename(root / "folder"))
    assert heard.after((root / "folder").rmdir)
    assert heard.after((root / "b.txt").unlink)


def test_a_temporary_name_that_becomes_a_real_one_wakes(root: Path, heard: Heard, watch: Watch) -> None:
    watch(root)
    assert heard.stays_quiet((root / ".monday.mp4.Xa3f9Q").touch)
    assert heard.after(lambda: (root / ".monday.mp4.Xa3f9Q").rename(root / "monday.mp4"))


def test_the_end_of_writing_wakes(root: Path, heard: Heard, watch: Watch) -> None:
    (root / "a.txt").touch()
    watch(root)
    with (root / "a.txt").open("w") as f:
        f.write("Hello.")
        f.flush()
        heard.woken.clear()
    assert heard.woken.wait(SOON_S)


def test_reading_and_our_own_folder_do_not_wake(root: Path, heard: Heard, watch: Watch) -> None:
    (root / "a.txt").write_text("x")
    watch(root)
    assert heard.stays_quiet((root / "a.txt").read_text)
    assert heard.stays_quiet((root / ".work").mkdir)
    assert heard.stays_quiet((root / ".work" / "x.txt").touch)


def test_a_link_to_a_folder_is_watched_as_the_folder(
    root: Path, tmp_path: Path, heard: Heard, watch: Watch
) -> None:
    (tmp_path / "link").symlink_to(root)
    watch(tmp_path / "link")
    assert heard.after((root / "a.txt").touch)


# ---------------------------------------------------------------- the folder goes away


@pytest.mark.parametrize("poll", [None, True])
def test_a_folder_that_is_deleted_and_made_again_is_watched_again(
    root: Path, heard: Heard, watch: Watch, poll: bool | None
) -> None:
    watcher = watch(root, poll)
    shutil.rmtree(root)
    watcher.check()
    assert heard.stays_quiet(watcher.check)
    root.mkdir()
    watcher.check()
    assert heard.after((root / "a.txt").touch)


def test_a_folder_that_is_made_again_at_once_is_watched_again(root: Path, heard: Heard, watch: Watch) -> None:
    """It may well get the inode that the old one had."""
    watcher = watch(root)
    assert heard.after((root / "a.txt").touch)
    for _ in range(5):
        shutil.rmtree(root)
        root.mkdir()
    deadline = time.monotonic() + SOON_S
    while True:
        watcher.check()
        if not heard.stays_quiet((root / f"{time.monotonic_ns()}.txt").touch):
            break
        assert time.monotonic() < deadline


def test_a_folder_that_is_replaced_by_another_is_watched(
    root: Path, tmp_path: Path, heard: Heard, watch: Watch
) -> None:
    """No event tells of it, and the observer lives on with the old one."""
    (tmp_path / "new").mkdir()
    watcher = watch(root)
    root.rename(tmp_path / "old")
    (tmp_path / "new").rename(root)
    assert heard.stays_quiet((root / "a.txt").touch)
    watcher.check()
    assert heard.after((root / "b.txt").touch)
    assert heard.stays_quiet((tmp_path / "old" / "c.txt").touch)


def test_a_folder_that_comes_later_is_watched_from_then_on(
    tmp_path: Path, heard: Heard, watch: Watch
) -> None:
    watcher = watch(tmp_path / "later")
    watcher.check()
    (tmp_path / "later").write_text("a file, for now")
    watcher.check()
    (tmp_path / "later").unlink()
    (tmp_path / "later").mkdir()
    watcher.check()
    assert heard.after((tmp_path / "later" / "a.txt").touch)


def test_an_observer_that_has_died_is_replaced(root: Path, heard: Heard, watch: Watch) -> None:
    watcher = watch(root)
    observer = watcher._observer
    assert observer is not None
    observer.stop()
    observer.join()
    assert heard.stays_quiet((root / "a.txt").touch)
    watcher.check()
    assert heard.after((root / "b.txt").touch)


def test_after_stop_nothing_is_heard_and_nothing_begins_again(root: Path, heard: Heard, watch: Watch) -> None:
    before = threading.active_count()
    watcher = watch(root)
    watcher.stop()
    watcher.check()
    assert heard.stays_quiet((root / "a.txt").touch)
    assert threading.active_count() == before
    watcher.stop()  # once more is no error


def test_looking_after_it_costs_nothing_while_all_is_well(root: Path, watch: Watch) -> None:
    watcher = watch(root)
    observer = watcher._observer
    for _ in range(100):
        watcher.check()
    assert watcher._observer is observer


# ---------------------------------------------------------------- polling


def test_polling_hears_what_comes_changes_and_goes(root: Path, heard: Heard, watch: Watch) -> None:
    watcher = watch(root, poll=True)
    assert (watcher.way, watcher.why, heard.lines) == ("polling", "", [])
    assert heard.after((root / "a.txt").touch)
    assert heard.after(lambda: (root / "a.txt").write_text("Hello."))
    assert heard.after(lambda: (root / "a.txt").rename(root / "b.txt"))
    assert heard.after((root / "b.txt").unlink)
    assert heard.stays_quiet((root / ".work").mkdir)


def test_polling_does_not_follow_links(root: Path, tmp_path: Path, heard: Heard, watch: Watch) -> None:
    (tmp_path / "outside").write_text("x")
    (root / "link.txt").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    watch(root, poll=True)
    assert heard.stays_quiet(lambda: (tmp_path / "outside").write_text("more"))
    assert heard.after((root / "a.txt").touch)


def test_a_share_is_polled_and_it_is_said_why(
    root: Path, heard: Heard, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No share can be had in a test: only the answer of the mount table is not the real one."""
    monkeypatch.setattr(watching, "mount_of", lambda path: Mount(Path("/"), "nfs4"))
    watcher = watch(root)
    assert (watcher.way, watcher.why) == ("polling", "nfs4 does not tell what other machines do")
    [(name, facts)] = heard.lines
    assert (name, facts["because"]) == ("inbox_polled", watcher.why)
    assert heard.after((root / "a.txt").touch)
    watcher.stop()
    assert watch(root, poll=False).way == "inotify"


WITHOUT_INOTIFY = """
import sys, threading
from pathlib import Path
Path("/proc/sys/user", sys.argv[2]).write_text("0")
from handlers.inbox.look import watcher
from handlers.inbox.look.watcher import Watcher
class Log:
    def event(self, name, **facts): print(name)
woken = threading.Event()
watcher.POLL_S = 0.1
watcher = Watcher(Path(sys.argv[1]), None, woken.set, Log())
watcher.start()
Path(sys.argv[1], "a.txt").touch()
print(watcher.way, woken.wait(20))
print(watcher.why)
watcher.stop()
print(threading.active_count())
"""


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ("max_inotify_instances", "inotify does not work: inotify instance limit reached"),
        ("max_inotify_watches", "inotify does not work: inotify watch limit reached"),
    ],
)
def test_where_nothing_is_left_of_inotify_it_polls(root: Path, limit: str, why: str) -> None:
    alone = ["unshare", "--user", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no user namespaces, in which the limits could be lowered")
    ran = subprocess.run(
        [*alone, sys.executable, "-W", "error", "-c", WITHOUT_INOTIFY, str(root), limit],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.stdout.splitlines(), ran.stderr) == (["inbox_polled", "polling True", why, "1"], "")


UNMOUNTED = """
import subprocess, sys, threading
from pathlib import Path
from handlers.inbox.look.watcher import Watcher
root, woken = Path(sys.argv[1]), threading.Event()
def heard(name):
    woken.clear()
    (root / name).touch()
    return woken.wait(20)
class Log:
    def event(self, name, **facts): print(name)
watcher = Watcher(root, None, woken.set, Log())
watcher.start()
print(heard("a.txt"))
for command in (["mount", "-t", "tmpfs", "none", root], ["umount", root]):
    subprocess.run(command, check=True)
    watcher.check()
    print(heard("b.txt"))
watcher.stop()
"""


def test_a_disk_that_is_mounted_and_unmounted_is_watched(root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    ran = subprocess.run(
        ["unshare", "--mount", sys.executable, "-W", "error", "-c", UNMOUNTED, str(root)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.stdout.split(), ran.stderr) == (["True"] * 3, "")


# ---------------------------------------------------------------- a file system that does not answer


def test_stop_does_not_wait_for_a_file_system_that_hangs(
    root: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a share whose server is gone: the thread that polls it comes back some day, or never."""
    answer = threading.Event()
    looking = threading.Event()

    def slow(path: str) -> os.stat_result:
        if threading.current_thread() is not threading.main_thread():
            looking.set()
            answer.wait()
        return Path(path).stat()

    monkeypatch.setattr(watching, "POLL_S", 0.01)
    monkeypatch.setattr(watching, "STOP_S", 0.1)
    before = set(threading.enumerate())
    watcher = Watcher(root, True, heard.woken.set, heard)
    with monkeypatch.context() as hanging:
        hanging.setattr(os, "lstat", slow)
        watcher.start()
    assert looking.wait(SOON_S)
    began = time.monotonic()
    watcher.stop()
    assert time.monotonic() - began < SOON_S
    answer.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(SOON_S)
    assert set(threading.enumerate()) <= before
