"""Any program as a target: what it is told, what its end means, and that nothing of it is left."""

from __future__ import annotations

import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers.publish import child
from handlers.publish.errors import Login, NotSent, Refused, Unsure
from handlers.publish.kinds.command import KIND, CommandSettings
from handlers.publish.target import Limits, Receipt, Target, Video
from models.errors import Cancelled, VigentdError
from models.progress import Progress, Quiet
from tests.handlers.publish.publish_kit import FACTS, KEY, TEXT, Memory, surroundings, video_in
from tests.progress_kit import Steps

ROOT = Path(__file__).parents[4]
SECRET = "s3cr3t-token-of-the-site"
Program = Callable[[str], Path]


@pytest.fixture
def video(tmp_path: Path) -> Video:
    return video_in(tmp_path / "job", 1000)


@pytest.fixture
def shell(tmp_path: Path) -> Program:
    def program(text: str) -> Path:
        path = tmp_path / "upload"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return program


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "GRACE_S", 0.3)


def target(
    tmp_path: Path, *program: object, clock: Callable[[], float] = time.monotonic, **more: Any
) -> Target:
    argv = tuple(str(part) for part in program)
    settings = CommandSettings(name="elsewhere", kind="command", program=argv, **more)
    return KIND.open(settings, replace(surroundings(tmp_path), clock=clock))


def publish(
    target: Target, video: Video, memo: Memory | None = None, progress: Progress | None = None
) -> Receipt:
    return target.publish(video, TEXT, KEY, memo or Memory(), progress or Quiet())


def test_what_it_is_told(tmp_path: Path, shell: Program, video: Video) -> None:
    upload = shell('cat > told; echo "$#:$*" > arguments; echo \'{"id": 7, "url": "https://x/7"}\'')
    memo = Memory()
    receipt = publish(target(tmp_path, upload, "--to", "a b; $HOME"), video, memo)
    assert receipt == Receipt("7", "https://x/7")
    assert (tmp_path / "target" / "arguments").read_text() == "2:--to a b; $HOME\n"
    told = json.loads((tmp_path / "target" / "told").read_text("utf-8"))
    assert (told["do"], told["key"], told["target"], told["attempt"]) == ("publish", KEY, "elsewhere", 1)
    assert told["video"]["path"] == str(video.path) and told["video"]["cover"] == str(video.cover)
    assert told["video"]["duration_s"] == 12.5 and told["video"]["aspect"] == 0.5625
    assert told["text"]["title"] == "早安 News" and told["text"]["tags"] == ["news"]
    assert told["job"] == FACTS.as_dict()
    publish(target(tmp_path, upload), video, memo)
    assert json.loads((tmp_path / "target" / "told").read_text("utf-8"))["attempt"] == 2


def test_long_facts_reach_who_reads_late_or_never(tmp_path: Path, shell: Program) -> None:
    """More than a pipe holds: nobody may wait for the other."""
    upload = target(tmp_path, shell("exit 0"), find=True)
    assert upload.publish(video_in(tmp_path), TEXT, "k" * 1_000_000, Memory(), Quiet()).id == "k" * 1_000_000


def test_environment(tmp_path: Path, shell: Program, video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENTD_TELEGRAM__TOKEN", "123456:ours")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    monkeypatch.setenv("LC_TIME", "C.UTF-8")
    publish(target(tmp_path, shell("env > env"), environment={"TOKEN": SECRET}), video)
    got = (tmp_path / "target" / "env").read_text()
    assert "ours" not in got and "VIGENTD" not in got
    assert f"TOKEN={SECRET}\n" in got and "LC_TIME=C.UTF-8\n" in got and "PATH=" in got


def test_only_what_is_meant_is_open_there(tmp_path: Path, shell: Program, video: Video) -> None:
    with (tmp_path / "other").open("w") as other:
        os.set_inheritable(other.fileno(), False)
        publish(target(tmp_path, shell("ls -l /proc/self/fd > open; cat > /dev/null")), video)
    assert "other" not in (tmp_path / "target" / "open").read_text()


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("echo busy >&2; exit 75", NotSent, "upload asks to try again later: busy"),
        ("echo 'who are you' >&2; exit 77", Login, "upload has to log in: who are you"),
        ("echo a >&2; echo 'too long' >&2; exit 65", Refused, "upload refuses it: too long"),
        ("echo oops >&2; exit 1", Unsure, "upload failed with exit status 1: oops"),
        ("exit 76", Unsure, "upload failed with exit status 76"),
        ("kill -9 $$", Unsure, "upload was killed by SIGKILL"),
        ("kill -11 $$", Unsure, "upload was killed by SIGSEGV"),
        ("echo 'Done!'", Unsure, "upload has not failed, but its answer is not what it should be"),
        ("echo '[1]'", Unsure, "its answer is not"),
        ("echo '{\"id\": true}'", Unsure, "its answer is not"),
        ('echo \'{"id": ""}\'', Unsure, "its answer is not"),
        ("echo '{\"id\": 1} {}'", Unsure, "its answer is not"),
        ("head -c 2000000 /dev/zero", Unsure, "its answer is not"),
        ("head -c 2000000 /dev/zero >&2; exit 75", NotSent, "asks to try again later"),
        ("printf '\\033[31mred\\033[0m \\a\\n\\n' >&2; exit 65", Refused, "upload refuses it: red"),
    ],
)
def test_what_its_end_means(
    tmp_path: Path, shell: Program, video: Video, text: str, error: type[VigentdError], said: str
) -> None:
    with pytest.raises(VigentdError) as told:
        publish(target(tmp_path, shell(text)), video)
    assert type(told.value) is error and said in told.value.message
    assert "\x1b" not in told.value.message and len(told.value.message) < 400


def test_published_without_a_word(tmp_path: Path, shell: Program, video: Video) -> None:
    assert publish(target(tmp_path, shell("exit 0")), video) == Receipt(KEY)


def test_what_else_it_says_is_kept(tmp_path: Path, shell: Program, video: Video) -> None:
    upload = shell('echo \'{"id": "a", "views": [0, {"x": null}]}\'')
    assert publish(target(tmp_path, upload), video) == Receipt("a", "", {"views": [0, {"x": None}]})


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ('{"wait_s": 600}', 600),
        ('{"wait_s": "x"}', None),
        ('{"wait_s": NaN}', None),
        ('{"wait_s": Infinity}', None),
        ("soon", None),
    ],
)
def test_when_to_try_again(
    tmp_path: Path, shell: Program, video: Video, said: str, wait_s: float | None
) -> None:
    with pytest.raises(NotSent) as told:
        publish(target(tmp_path, shell(f"echo '{said}'; exit 75")), video)
    assert told.value.wait_s == wait_s


def test_secrets_are_shown_nowhere(
    tmp_path: Path, shell: Program, video: Video, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shouting = target(tmp_path, shell('echo "bad token $TOKEN" >&2; exit 77'), environment={"TOKEN": SECRET})
    with pytest.raises(Login) as told:
        publish(shouting, video)
    telling = target(
        tmp_path, shell('echo "{\\"id\\": 1, \\"was\\": [\\"$TOKEN\\"]}"'), environment={"TOKEN": SECRET}
    )
    receipt = publish(telling, video)
    assert told.value.message == "upload has to log in: bad token ***" and receipt.facts == {"was": ["***"]}
    settings = CommandSettings(name="e", kind="command", program=("x",), environment={"TOKEN": SECRET})  # type: ignore[dict-item]
    shown = [repr(settings), settings.model_dump_json(), repr(shouting), caplog.text, repr(told.value)]
    assert not any(SECRET in text for text in shown)


# ---------------------------------------------------------------- how far it is, and when it hangs


def test_how_far_it_is(tmp_path: Path, shell: Program, video: Video) -> None:
    progress = Steps()
    text = "printf '10%%\\r55.5 %%\\rsending 70%%\\n' >&2; echo 100% >&2; exit 75"
    with pytest.raises(NotSent, match="later: sending 70%"):
        publish(target(tmp_path, shell(text)), video, progress=progress)
    assert [done for done, total in progress.seen if total == 100] == [10, 55.5, 100]


def wait_for(there: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not there():
        assert time.monotonic() < until
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Also a zombie that nobody has waited for yet is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids(file: Path, count: int) -> list[int]:
    wait_for(lambda: file.exists() and len(file.read_text().split()) == count)
    return [int(pid) for pid in file.read_text().split()]


def all_gone(processes: list[int]) -> None:
    """They were killed; how soon the kernel takes them away is its matter."""
    wait_for(lambda: not any(map(lives, processes)))


STUBBORN = "trap '' TERM; echo 'at work' >&2; sleep 600 & echo $$ $! > pids; wait; sleep 600"


def test_silent_for_too_long(tmp_path: Path, shell: Program, video: Video) -> None:
    """Ended with all of its group, though it does not listen to SIGTERM."""
    with pytest.raises(Unsure, match=r"upload was ended: it said nothing for 1\.5 s; last: at work") as told:
        publish(target(tmp_path, shell(STUBBORN), stall_s=1.5), video)
    assert told.value.code == "command_hung"
    all_gone(pids(tmp_path / "target" / "pids", 2))


def test_slow_is_not_silent(tmp_path: Path, shell: Program, video: Video) -> None:
    slow = "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.25; echo . >&2; done"
    assert publish(target(tmp_path, shell(slow), stall_s=2), video) == Receipt(KEY)


def test_a_pause_of_ours_is_no_silence_of_the_program(tmp_path: Path, shell: Program, video: Video) -> None:
    """As after a SIGSTOP of the daemon: the clock is far ahead at the next look."""
    times = itertools.count(0.0, 10_000.0)
    upload = target(tmp_path, shell("sleep 0.5"), stall_s=100, clock=lambda: next(times))
    assert publish(upload, video) == Receipt(KEY)


def test_cancelled_in_the_middle_nobody_knows(tmp_path: Path, shell: Program, video: Video) -> None:
    begun = tmp_path / "target" / "pids"

    class WhenBegun(Quiet):
        def check(self) -> None:
            if begun.exists():
                raise Cancelled

    with pytest.raises(Unsure, match="ended in the middle"):
        publish(target(tmp_path, shell(STUBBORN)), video, progress=WhenBegun())
    all_gone(pids(begun, 2))


def test_cancelled_before_it_was_started(tmp_path: Path, shell: Program, video: Video) -> None:
    memo = Memory()
    with pytest.raises(Cancelled):
        publish(target(tmp_path, shell("touch begun")), video, memo, Steps(cancel_after=0))
    assert memo.get() == {} and not (tmp_path / "target" / "begun").exists()


def test_what_it_leaves_running_is_ended(tmp_path: Path, shell: Program, video: Video) -> None:
    """That would hold its stdout open for ever."""
    text = "sleep 600 & echo $! > pids; echo '{\"id\": 1}'"
    assert publish(target(tmp_path, shell(text)), video) == Receipt("1")
    all_gone(pids(tmp_path / "target" / "pids", 1))


def test_it_may_close_its_output(tmp_path: Path, shell: Program, video: Video) -> None:
    with pytest.raises(NotSent):
        publish(target(tmp_path, shell("exec >&- 2>&-; sleep 0.3; exit 75")), video)


DYING = """
import sys
from pathlib import Path
from models.progress import Quiet
from tests.handlers.publish.kinds.test_command import target
from tests.handlers.publish.publish_kit import KEY, TEXT, Memory, video_in
top = Path(sys.argv[1])
target(top, top / "upload").publish(video_in(top / "job", 1000), TEXT, KEY, Memory(), Quiet())
"""


def test_it_dies_with_us(tmp_path: Path, shell: Program) -> None:
    shell(STUBBORN)
    with subprocess.Popen([sys.executable, "-c", DYING, str(tmp_path)], cwd=ROOT) as process:
        theirs = pids(tmp_path / "target" / "pids", 2)
        assert all(map(lives, theirs))
        process.send_signal(signal.SIGKILL)
    all_gone(theirs)


def test_two_at_once(tmp_path: Path, shell: Program, video: Video) -> None:
    found: list[Receipt] = []
    upload = target(tmp_path, shell("sleep 0.2; echo '{\"id\": 1}'"))
    threads = [threading.Thread(target=lambda: found.append(publish(upload, video))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Receipt("1")] * 2


LEAVING = """
import os, sys
from contextlib import suppress
from pathlib import Path
from handlers.publish import child
from models.errors import VigentdError
from tests.handlers.publish.kinds.test_command import publish, target
from tests.handlers.publish.publish_kit import video_in
from tests.progress_kit import Steps
top = Path(sys.argv[1])
video, child.GRACE_S = video_in(top / "job", 1000), 0.1

def there():
    return sorted(os.listdir("/proc/self/fd")), Path(f"/proc/self/task/{os.getpid()}/children").read_text()

class Checks(Steps):
    def check(self):
        self.step(0, 1)

before = there()
lives = [("ok", 9, 99), ("fails", 9, 99), ("hangs", 0.1, 99), ("hangs", 9, 2), ("no", 9, 99)]
for name, stall_s, checks in lives:
    with suppress(VigentdError):
        publish(target(top, top / name, stall_s=stall_s), video, progress=Checks(checks))
print(there() == before)
"""


def test_no_open_file_and_no_zombie_is_left(tmp_path: Path) -> None:
    for name, text in {"ok": "exit 0", "fails": "exit 1", "hangs": "sleep 600", "no": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n" if text else "no program")
        (tmp_path / name).chmod(0o755)
    ran = subprocess.run(
        [sys.executable, "-c", LEAVING, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True\n"


# ---------------------------------------------------------------- the program itself


@pytest.mark.parametrize("text", ["no shebang", "#!/nowhere/sh\n"])
def test_what_cannot_be_started_has_sent_nothing(tmp_path: Path, video: Video, text: str) -> None:
    path = tmp_path / "upload"
    path.write_text(text)
    path.chmod(0o755)
    with pytest.raises(Refused, match="The program upload could not be started"):
        publish(target(tmp_path, path), video)


def test_what_is_not_there(tmp_path: Path, video: Video) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    for program, why, what_to_do in (
        (tmp_path / "nowhere", "not there", "Install it"),
        (tmp_path / "plain", "not executable", f"chmod +x {tmp_path / 'plain'}, or"),
    ):
        for ask in (target(tmp_path, program).check, lambda p=program: publish(target(tmp_path, p), video)):
            with pytest.raises(Refused, match=why) as caught:
                ask()
            assert caught.value.hint.startswith(what_to_do)


def test_found_on_the_path(
    tmp_path: Path, shell: Program, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert target(tmp_path, "upload").check() == f"the program {tmp_path}/upload"
    assert publish(target(tmp_path, "upload"), video) == Receipt(KEY)


# ---------------------------------------------------------------- check and find

ASKED = """
case "$2" in
check) echo '{"name": "the channel Morning  News"}';;
find) grep -q '"do": "find"' && cat answer || exit 1;;
*) exit 65;;
esac
"""


def test_check(tmp_path: Path, shell: Program) -> None:
    assert target(tmp_path, shell(ASKED), "-v", find=True).check() == "the channel Morning News"
    assert target(tmp_path, shell("exit 65"), find=False).check() == f"the program {tmp_path}/upload"
    with pytest.raises(Login):
        target(tmp_path, shell("exit 77"), find=True).check()
    with pytest.raises(NotSent, match="failed with exit status 3"):
        target(tmp_path, shell("exit 3"), find=True).check()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("null", None),
        ('{"id": "v1", "url": "https://x/v1"}', Receipt("v1", "https://x/v1")),
        ("", Unsure),
        ("{}", Unsure),
        ("no", Unsure),
        ("false", Unsure),
    ],
)
def test_find(tmp_path: Path, shell: Program, answer: str, found: Receipt | type[Unsure] | None) -> None:
    """Only `null` says for certain that nothing is there."""
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "answer").write_text(answer)
    upload = target(tmp_path, shell(ASKED), "-v", find=True)
    assert upload.searchable
    if isinstance(found, type):
        with pytest.raises(found):
            upload.find(KEY, Memory())
    else:
        assert upload.find(KEY, Memory()) == found


def test_only_who_says_so_can_be_searched(tmp_path: Path) -> None:
    assert not target(tmp_path, "x").searchable


def test_limits(tmp_path: Path) -> None:
    limits = target(tmp_path, "x", limits={"title": 80, "aspect": (0.5, 1.0), "forbidden": "<"}).limits
    assert limits == Limits(title=80, aspect=(0.5, 1.0), forbidden="<")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"program": ()}, "should be a list"),
        ({"program": ("",)}, "should be a list"),
        ({"program": "upload --fast"}, "valid tuple"),
        ({"program": ("bin/upload",)}, "whole path"),
        ({"environment": {"A=B": "x"}}, "should have names"),
        ({"stall_s": 0}, "greater than or equal"),
        ({"limits": {"titel": 3}}, "Extra inputs"),
    ],
)
def test_wrong_settings(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        CommandSettings(**({"name": "e", "kind": "command", "program": ("x",)} | wrong))
