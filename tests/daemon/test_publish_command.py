"""`vigentd publish …`: what is typed, seen and kept; on a real database, with real folders as targets."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.commands.publish import words as said_in
from daemon.config import Config
from daemon.config_file import load
from daemon.jobs import State
from daemon.publications.book import Book
from daemon.publications.desk import Desk
from daemon.publications.plan import Planned
from daemon.publications.publisher import Publisher
from daemon.publications.slots import Rules
from daemon.publications.tables import Standing
from daemon.queue import Queue
from daemon.store.database import Database
from daemon.store.lock import WorkerLock
from handlers.publish.errors import Unsure
from handlers.publish.kinds.telegram import Telegram
from handlers.publish.registry import BUILT_IN
from pipeline.spec import JobSpec
from tests.daemon.claims import claimed
from tests.daemon.conftest import Cli, Said
from tests.daemon.control_kit import TinyOffice
from tests.daemon.publications.kit import Unheard
from tests.media_kit import pattern

TOMORROW = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(days=1)
SOON = f"{TOMORROW:%Y-%m-%d %H:%M}"
TARGETS = """
[[publish.target]]
name = "site"
kind = "folder"
path = "site"
base_url = "https://media.example.org/"

[[publish.target]]
name = "news"
kind = "folder"
path = "news"
approve = true
per_day = 2
quiet = "00:00-00:01"
timezone = "Asia/Shanghai"

[[publish.slot]]
target = "news"
cron = "0 18 * * *"

[[publish.target]]
name = "short"
kind = "command"
program = ["true"]
limits = { title = 5, tags = 1 }
"""


@pytest.fixture(autouse=True)
def clock_of_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pattern(tmp_path_factory.mktemp("video") / "v.mp4", size="216x384", seconds=1)


class Place:
    """A folder with a configuration, and jobs that are done."""

    def __init__(self, folder: Path, config: Config, queue: Queue, video: Path) -> None:
        self.folder, self.queue = folder, queue
        self._config, self._video = config, video
        for name in ("site", "news"):
            (folder / name).mkdir()
        self.write(TARGETS)
        self._db = Database(config.database)
        self.book = Book(self._db)

    def write(self, text: str) -> None:
        file = self.folder / "vigentd.toml"
        file.write_text(f'data_dir = "{self._config.data_dir}"\n{text}', "utf-8")

    def close(self) -> None:
        self._db.close()

    def job(self, *targets: str, title: str = "Morning news", at: dt.datetime | None = None) -> str:
        spec = JobSpec(script="Good morning.", clip=Path("/clips/anna.mp4"), title=title, tags=("a", "b"))
        job = self.queue.submit(spec.model_copy(update={"publish": targets, "publish_at": at})).id
        made = self.folder / f"{job}.mp4"
        shutil.copy(self._video, made)
        self.queue.finish(claimed(self.queue), made)
        return job

    def work(self) -> None:
        """What the daemon does when it looks."""
        desk = Desk(load().config, self.book)
        publisher = Publisher(self.book, desk, Unheard())
        publisher.look()
        for name in desk.names:
            while publisher.work(name):
                pass

    def number(self, job: str, target: str = "news") -> str:
        return str(self.book.of_job(job, target)[0].number)

    def state(self, number: str) -> str:
        return self.book.get(int(number)).state

    def ask(self, number: str) -> None:
        """It broke off at its very end, at a place that cannot be searched."""
        self.book.approve(int(number), "tests")
        rules = Rules("news")
        self.book.fall_due(rules)
        claim = self.book.claim(rules, searchable=False)
        assert claim is not None and str(claim.number) == number
        self.book.failed(claim, Unsure("The line broke"))
        assert self.book.claim(rules, searchable=False) is None
        assert self.state(number) == Standing.ASKED


@pytest.fixture
def place(tmp_path: Path, config: Config, queue: Queue, video: Path) -> Iterator[Place]:
    place = Place(tmp_path, config, queue, video)
    yield place
    place.close()


Run = Callable[..., Said]


@pytest.fixture
def run(cli: Cli, place: Place) -> Run:
    def run(*arguments: str) -> Said:
        return cli("publish", *arguments)

    return run


def refused(said: Said, *words: str, code: int = 2) -> None:
    kinds = [line.split(":")[0] for line in said.err.strip().splitlines()]
    assert (said.code, kinds) == (code, ["error", "hint"]), said
    assert all(word in said.err for word in words), said.err


# ---------------------------------------------------------------- publish ID


def test_at_once_and_then_it_is_there_already(run: Run, place: Place) -> None:
    job = place.job()
    said = run(job, "--to", "site")
    assert (said.code, said.out) == (0, "")
    assert "Publication 1 to site: at once." in said.err and "No daemon is running" in said.err
    place.work()
    (made,) = (place.folder / "site").glob("*.mp4")
    again = run(job, "--to", "site")
    assert again.code == 0 and "It is there already: publication 1" in again.err
    assert again.out.strip().startswith("https://media.example.org/") and again.out.count("\n") == 1
    told = run(job, "--to", "site", "--json").json
    assert (told["state"], told["number"]) == ("published", 1) and told["url"] == again.out.strip()
    assert len(list((place.folder / "site").glob("*.mp4"))) == 1 and made.is_file()


def test_a_running_daemon_is_told_at_once(run: Run, place: Place, office: TinyOffice, served: Path) -> None:
    job = place.job()
    with WorkerLock(served.parent, "daemon") as lock:
        assert lock.take()
        said = run(job, "--to", "site")
    assert office.woken.wait(60) and "No daemon" not in said.err


def test_at_a_time_with_words_of_ones_own(run: Run, place: Place) -> None:
    job = place.job()
    said = run(job, "--to", "site", "--at", SOON, "--title", " Late   news ", "--tags", "#x, y", "--json")
    assert (said.json["title"], said.json["tags"], said.json["state"]) == (
        "Late news",
        ["x", "y"],
        "approved",
    )
    assert dt.datetime.fromisoformat(said.json["due_at"]) == TOMORROW
    place.work()
    assert place.state("1") == "approved", "its time has not come"
    assert f"Publication 1 to site: {SOON}" in run(job, "--to", "site", "--at", SOON).err
    nearly = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=45)
    said = run(job, "--to", "site", "--at", f"{nearly:%Y-%m-%dT%H:%M:%SZ}")
    assert f"Publication 1 to site: {nearly:%Y-%m-%d %H:%M}." in said.err, "45 seconds are not at once"


def test_options_may_stand_before_the_id(run: Run, place: Place) -> None:
    job = place.job()
    assert run("--to", "site", "--json", job).json["job"] == job
    assert "Publication 1 to site" in run("--to", "site", job.upper()).err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "site", "--at", "2020-01-01 08:00"), ["--at 2020-01-01 08:00 is over"]),
        (("--to", "site", "--at", "9999-12-31T23:59-12:00"), ["must be a time such as"]),
        (("--to", "site", "--at", "tomorrow"), ["must be a time such as", "'tomorrow'"]),
        (("--to", "site", "--at", "2099-01-01 08:00"), ["more than two years"]),
        (("--to", "nowhere"), ["no target called nowhere", "site, news, short"]),
        ((), ["Where to is not said", "site, news, short"]),
        (("--to", "site", "--tags", "a" * 200), ["tags in --tags must be"]),
    ],
)
def test_what_cannot_be_used_is_refused(
    run: Run, place: Place, arguments: tuple[str, ...], words: list[str]
) -> None:
    refused(run(place.job(), *arguments), *words)
    assert place.book.all() == []


def test_a_job_that_is_not_there_or_not_done(run: Run, place: Place, spec: JobSpec) -> None:
    refused(run("plann"), "There is no job plann", "Did you mean `vigentd publish plan`?")
    refused(run("zzzzzzzz", "--to", "site"), "There is no job zzzzzzzz", "`vigentd ls`")
    waiting = place.queue.submit(spec).id
    refused(run(waiting, "--to", "site"), "has no video to publish: it is queued")


def test_what_does_not_fit_is_told_sentence_by_sentence(run: Run, place: Place) -> None:
    job = place.job()
    said = run(job, "--to", "short", "--json")
    assert said.code == 2 and said.json["error"]["code"] == "does_not_fit"
    assert "The title has 12 characters" in said.err and "There are 2 tags" in said.err
    assert place.book.all() == []
    assert run(job, "--to", "short", "--title", "News", "--tags", "none").code == 0


# ---------------------------------------------------------------- dry run


def test_a_dry_run_shows_all_and_changes_nothing(run: Run, place: Place) -> None:
    job = place.job()
    said = run(job, "--to", "site", "--at", SOON, "--dry-run")
    assert said.code == 0 and said.err == "Nothing was sent.\n"
    for part in (f"{job}  Morning news", "site (folder)", "GB free", SOON, "#a #b", "216 × 384", "0:01.0"):
        assert part in said.out
    told = run(job, "--to", "site", "--dry-run", "--json").json
    assert (told["title"], told["tags"], told["misfits"], told["error"]) == (
        "Morning news",
        ["a", "b"],
        [],
        None,
    )
    assert told["duration_s"] == pytest.approx(1, abs=0.1) and told["size"] > 1000
    assert place.book.all() == [] and list((place.folder / "site").iterdir()) == []


def test_a_dry_run_of_what_does_not_fit(run: Run, place: Place) -> None:
    said = run(place.job(), "--to", "short", "--dry-run")
    assert said.code == 2
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["error", "error", "Nothing was sent."]
    assert "Morning news" in said.out, "it is shown all the same"


def test_a_dry_run_asks_the_target(run: Run, place: Place) -> None:
    (place.folder / "site").rmdir()
    job = place.job()
    said = run(job, "--to", "site", "--dry-run")
    assert said.code == 1 and "is not there" in said.err and "hint: " in said.err
    told = run(job, "--to", "site", "--dry-run", "--json")
    assert told.code == 1 and told.json["error"]["code"] == "target_away"


def test_a_dry_run_says_what_stands_in_its_way(run: Run, place: Place) -> None:
    job = place.job()
    run("pause", "site")
    assert "at once, but site is paused" in run(job, "--to", "site", "--dry-run").out
    run(job, "--to", "site")
    assert "already:   publication 1" in run(job, "--to", "site", "--dry-run").out


# ---------------------------------------------------------------- plan


def test_the_plan_begins_with_what_waits_for_a_person(run: Run, place: Place) -> None:
    first, second = place.job("news"), place.job("site", "news", at=TOMORROW)
    place.work()
    run("approve", place.number(first))
    said = run("plan", "--days", "2")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "for you to decide" and second in lines[1]
    assert f"`vigentd publish approve {place.number(second)}`" in lines[2]
    assert any(first in line and line.startswith("  18:00") for line in lines)
    assert any(line.startswith("  18:00     -  news  free") for line in lines)
    assert any(second in line and f"{TOMORROW:%H:%M}" in line and "site" in line for line in lines)
    assert "news Asia/Shanghai" in said.err and "No daemon" in said.err
    told = run("plan", "--json").json
    assert [line["publication"]["job"] for line in told["waiting"]] == [second]
    slots = [line for line in told["dated"] if line["target"] == "news"]
    assert slots[0]["publication"]["job"] == first and slots[0]["timezone"] == "Asia/Shanghai"
    assert all(line["at"].endswith("18:00:00+08:00") for line in slots) and 6 <= len(slots) <= 8


def test_the_plan_says_why_something_waits(run: Run, place: Place) -> None:
    job = place.job("site")
    run("pause", "site")
    place.work()
    assert "when site goes on: `vigentd publish resume site`" in run("plan").out
    run("resume", "site")
    assert "(at once)" in run("plan").out
    place.write(TARGETS.replace('"site"', '"other"', 1))
    assert "there is no target site any more" in run("plan").out
    assert "site" in run("show", "x").err or job in run("plan").out
    said = run("later", "1", "--at", SOON)
    assert "is put off: nothing is sent now: there is no target site any more." in said.err


def test_the_plan_says_why_something_is_tried_again(run: Run, place: Place) -> None:
    place.job("site")
    (place.folder / "site").rmdir()
    place.work()
    assert f"(tried again then: The folder {place.folder / 'site'} is not there)" in run("plan").out


def test_the_plan_says_what_to_do_where_no_slot_comes(place: Place) -> None:
    place.job("news")
    place.work()
    line = Planned("news", None, place.book.get(1))
    assert "`vigentd publish later 1 --at TIME`" in said_in.when(line, dt.datetime.now(dt.UTC))


def test_the_plan_does_not_list_each_minute(run: Run, place: Place) -> None:
    place.write(TARGETS.replace('"0 18 * * *"', '"* * * * *"'))
    lines = run("plan", "--days", "3").out.splitlines()
    assert "            -  news  1434 more free" in lines and len(lines) < 40
    assert len(run("plan", "--days", "3", "--json").json["dated"]) > 4300, "for programs, all of them"


def test_a_held_publication_is_put_right(run: Run, place: Place) -> None:
    job = place.job("short")
    place.work()
    plan = run("plan").out
    assert "short does not take it: The title has 12 characters" in plan and "approve 1`" in plan
    assert "`vigentd publish edit` (or --title, --description, --tags)" in plan
    refused(run("approve", job), "The title has 12 characters")
    run("edit", job, "--title", "News", "--tags", "x")
    assert place.state("1") == "approved"
    place.work()
    assert place.state("1") == "published"


def test_a_refusal_without_a_hint_still_says_what_to_do(run: Run, place: Place) -> None:
    place.write(TARGETS.replace('["true"]', '["sh", "-c", "exit 65"]').replace("title = 5, tags = 1", ""))
    place.job("short")
    place.work()
    assert "sh refuses it. Put that right; then `vigentd publish approve 1`" in run("plan").out


def test_no_target_and_nothing_to_do(run: Run, place: Place) -> None:
    assert "Nothing waits to be published" not in run("plan").out, "there are free slots"
    place.write("")
    for command in ("plan", "targets"):
        said = run(command)
        assert (said.code, said.out) == (0, "") and 'kind = "folder"' in said.err
    assert run("targets", "--json").json == []


# ---------------------------------------------------------------- what a person decides


def test_approve_edit_later_skip(run: Run, place: Place) -> None:
    job = place.job("news")
    place.work()
    assert place.state("1") == "proposed"
    assert "Publication 1 to news is changed: waits for your approval" in run(
        "edit", job, "--title", "Evening", "--description", "All of it.", "--tags", "none"
    ).err  # fmt: skip
    assert "is put off" in run("later", "1", "--at", SOON).err and place.state("1") == "proposed"
    said = run("approve", "1")
    assert "Publication 1 to news is approved: " in said.err and "No daemon" in said.err
    row = place.book.get(1)
    assert (row.state, row.text["title"], row.text["description"], row.text["tags"]) == (
        "approved", "Evening", "All of it.", []
    )  # fmt: skip
    assert row.approval is not None and row.approval.endswith("(command line)")
    assert run("later", "1", "--next-slot", "--json").json["due_at"] is None
    assert "18:00 (Asia/Shanghai)" in run("approve", "1").err
    assert "is skipped, and will not be sent." in run("skip", "1").err and place.state("1") == "skipped"
    assert run("approve", "1", "--at", SOON, "--json").json["state"] == "approved"


def test_wrong_words_about_a_publication(run: Run, place: Place) -> None:
    job = place.job("site", "news")
    refused(run("approve", job), f"Job {job} has no publication", f"publish {job} --to NAME")
    place.work()
    refused(run("approve", job), "has 2 publications", "1 (site), 2 (news)")
    refused(run("approve", "99"), "There is no publication 99", "vigentd publish plan")
    refused(run("skip", "1"), "published already", "vigentd publish log")
    refused(run("there", "2"), "is proposed")
    refused(run("edit", "2"), "Nothing is to be changed", "--title")
    refused(run("later", "2"), "When is not said", "--next-slot")
    refused(run("later", "2", "--next-slot", "--at", SOON), "When is said twice")
    refused(run("later", "2", "--at", "2020-01-01 08:00"), "is over", "Give a time that is to come")
    assert place.state("2") == "proposed"
    assert run("approve", "2", "3").code == 2
    refused(run("aprove", "2"), "no command publish aprove", "Did you mean `vigentd publish approve`?")


def test_later_with_the_next_slot_where_there_are_none(run: Run, place: Place) -> None:
    place.job("site", at=TOMORROW)
    place.work()
    refused(run("later", "1", "--next-slot"), "site has no slots")
    due = place.book.get(1).due_at
    assert due is not None and dt.datetime.fromisoformat(due) == TOMORROW, "it would have gone out at once"


@pytest.mark.parametrize(("answer", "state"), [("there", "published"), ("again", "approved")])
def test_what_only_a_person_can_say(run: Run, place: Place, answer: str, state: str) -> None:
    job = place.job("news")
    place.work()
    place.ask("1")
    plan = run("plan").out
    assert "nobody knows whether it arrived: The line broke. Look" in plan and "publish again 1" in plan
    assert "Look into news" in run(job, "--to", "news").err, "nothing is sent by asking for it once more"
    assert place.state("1") == "asked"
    said = run(answer, job)
    assert said.code == 0 and place.state("1") == state
    assert f"{answer}" in [event["name"] for event in run("log", "--json").json]


# ---------------------------------------------------------------- log


def test_the_log_in_plain_words(run: Run, place: Place) -> None:
    first, second = place.job("site"), place.job("site", "news")
    place.work()
    run("approve", place.number(second))
    lines = run("log").out.splitlines()
    assert len(lines) == 10 and lines[-1].endswith("(command line)")
    assert any("is being sent (try 1)" in line and first in line for line in lines)
    assert any("published: https://media.example.org/" in line for line in lines)
    assert len(run("log", "-n", "2").out.splitlines()) == 2
    assert {line.split()[4] for line in run("log", second).out.splitlines()} == {second}
    assert {line.split()[3] for line in run("log", "--target", "news").out.splitlines()} == {"news"}
    assert {event["publication"] for event in run("log", "1", "--json").json} == {1}
    assert run("log", "1", "--json").json[-1]["name"] == "published"
    refused(run("log", "--target", "nowhere"), "no target called nowhere")
    refused(run("log", "zzzzzzzz"), "There is no job")
    place.write("")
    assert run("log", "--target", "news").code == 0, "also of a target that is gone"


def test_an_empty_log(run: Run) -> None:
    said = run("log")
    assert (said.code, said.out) == (0, "") and "Nothing" in said.err
    assert run("log", "--json").json == []


# ---------------------------------------------------------------- targets


def test_targets_with_their_rules_and_what_is_there(run: Run, place: Place) -> None:
    place.job("site", "news")
    place.work()
    run("pause", "news")
    said = run("targets")
    for part in ("site  (folder)", "a person approves each", '"0 18 * * *"', "at most 2 a day", "00:00-00:01",
                 "Asia/Shanghai", "and 1 for you", "https://media.example.org/", "paused:"):  # fmt: skip
        assert part in said.out, part
    site, news, short = run("targets", "--json").json
    assert site["last"]["url"].startswith("https://") and (site["published"], site["error"]) == (1, None)
    assert (news["for_a_person"], news["slots"][0]["timezone"]) == (1, "Asia/Shanghai")
    assert news["paused_by"].endswith("(command line)") and short["last"] is None


def test_a_target_whose_settings_are_wrong_is_listed_with_what_is_wrong(run: Run, place: Place) -> None:
    place.write(TARGETS.replace('path = "site"', 'pathh = "site"').replace('"true"]', '"true"]\nno = 1'))
    said = run("targets")
    assert said.code == 0 and "The target site: path is missing" in said.out
    refused(run("check", "site"), "path is missing", code=1)
    refused(run(place.job(), "--to", "site"), "path is missing")


def test_check(run: Run, place: Place) -> None:
    said = run("check", "site")
    assert (said.code, said.err) == (0, "") and f"site: the folder {place.folder / 'site'}" in said.out
    assert run("check", "site", "--json").json["name"] == "site"
    (place.folder / "site").rmdir()
    refused(run("check", "site"), "is not there", code=1)
    told = run("check", "site", "--json")
    assert told.code == 1 and told.json["error"]["code"] == "target_away"
    refused(run("check", "nowhere"), "no target called nowhere")


def test_a_target_that_breaks_tells_no_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    def broken(_: Telegram) -> str:
        raise RuntimeError("https://api.telegram.org/bot123456:SECRET/getMe")

    place.write(
        '[[publish.target]]\nname = "tg"\nkind = "telegram"\nchat = "@news"\ntoken = "123456:SECRETSECRET"'
    )
    monkeypatch.setattr(Telegram, "check", broken)
    said = run("check", "tg")
    assert said.code == 1 and "broke off: RuntimeError" in said.err and "SECRET" not in said.err
    assert "SECRET" not in run("targets").out + run("targets", "--json").out


def test_kinds(run: Run) -> None:
    told = run("kinds", "--json").json
    assert {kind["name"] for kind in told} >= set(BUILT_IN)
    (folder,) = (kind for kind in told if kind["name"] == "folder")
    assert folder["keys"][0] == {"name": "path", "required": True} and folder["about"]
    assert "must have" in run("kinds").out and "client_file" in run("kinds").out


def test_pause_and_resume(run: Run, place: Place) -> None:
    job = place.job("site")
    assert "site is paused" in run("pause", "site").err
    assert "is paused already" in run("pause", "site").err
    place.work()
    assert place.state("1") == "approved", "nothing is sent meanwhile"
    assert "when site goes on" in run(job, "--to", "site").err
    assert "site goes on" in run("resume", "site").err and "is not paused" in run("resume", "site").err
    place.work()
    assert place.state("1") == "published"
    refused(run("pause", "nowhere"), "no target called nowhere")


# ---------------------------------------------------------------- login


def test_login_where_none_is_needed(run: Run) -> None:
    said = run("login", "site")
    assert (said.code, said.out) == (0, "") and "site needs no login" in said.err
    refused(run("login", "nowhere"), "no target called nowhere")


def test_login_at_youtube(run: Run, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from handlers.publish.kinds.youtube.target import YouTube

    place.write('[[publish.target]]\nname = "tube"\nkind = "youtube"\nclient_file = "client.json"')
    refused(run("login", "tube"), "client.json", code=1)
    (place.folder / "client.json").write_text(json.dumps({"installed": {}}))

    def login(_: YouTube, say: Callable[[str], None]) -> str:
        say("Open https://www.google.com/device, and type in: ABCD")
        return "the channel News (UC1)"

    monkeypatch.setattr(YouTube, "login", login)
    said = run("login", "tube")
    assert said.code == 0 and "type in: ABCD" in said.err and said.out == "tube: the channel News (UC1)\n"


# ---------------------------------------------------------------- help, show, submit


def test_help_of_each_is_there_and_names_itself(run: Run, cli: Cli) -> None:
    group = run("--help").out
    for command in ("ID", "plan", "log", "approve", "edit", "later", "skip", "there", "again", "targets",
                    "kinds", "check", "login", "pause", "resume"):  # fmt: skip
        assert f"\n  {command} " in group
        said = run(command, "--help")
        assert said.code == 0 and f"Usage: vigentd publish {command} [OPTIONS]" in said.out
    assert "..." not in group.partition("Commands:")[2], "each line of the list is whole"
    assert run("8h1x4k2m", "--help").out == run("ID", "--help").out
    assert run().code == 2 and cli("publish").err.startswith("Usage: vigentd publish")


def test_show_tells_of_the_publications(run: Run, cli: Cli, place: Place) -> None:
    job = place.job("site", "news", at=TOMORROW)
    run(job, "--to", "site")
    place.work()
    shown = cli("show", job).out
    assert "site: published" in shown and "https://media.example.org/" in shown
    assert f"news: waits for approval, {SOON} (number 2)" in shown
    told = cli("show", job, "--json").json["publications"]
    assert [(one["target"], one["state"]) for one in told] == [("site", "published"), ("news", "proposed")]
    assert "memo" not in told[0]
    waiting = place.queue.submit(JobSpec(script="Hi.", clip=Path("/a.mp4"), publish=("site",))).id
    assert "site, when it is done" in cli("show", waiting).out


def test_submit_with_tags_targets_and_a_time(cli: Cli, place: Place, tmp_path: Path, video: Path) -> None:
    script = tmp_path / "hello.txt"
    script.write_text("---\ntags: x\npublish: news\n---\nGood morning.", "utf-8")
    ask = ("submit", "--script", str(script), "--clip", str(video))
    said = cli(*ask, "--tags", "#news, today", "--publish", "site, news", "--publish-at", SOON, "--json")
    spec = said.json["spec"]
    assert (spec["tags"], spec["publish"]) == (["news", "today"], ["site", "news"])
    assert dt.datetime.fromisoformat(spec["publish_at"]) == TOMORROW
    head = cli(*ask, "--publish-at", SOON, "--json").json["spec"]
    assert (head["tags"], head["publish"]) == (["x"], ["news"]), "where to stands in the script"
    count = place.queue.count()
    refused(cli(*ask, "--publish", "nowhere"), "no target called nowhere", "site, news, short")
    refused(cli(*ask, "--publish", "none", "--publish-at", SOON), "nothing says where to", "--publish NAME")
    refused(cli(*ask, "--publish-at", "2020-01-01 08:00"), "--publish-at 2020-01-01 08:00 is over")
    refused(cli(*ask, "--publish-at", "soon"), "--publish-at must be a time such as")
    refused(cli(*ask, "--tags", "a" * 200), "--tags must be a list of words")
    assert place.queue.count() == count


def test_a_job_whose_target_is_gone_is_kept_and_told(run: Run, place: Place) -> None:
    job = place.job("site")
    place.write(TARGETS.replace('"site"', '"other"', 1))
    place.work()
    assert place.queue.get(job).state == State.DONE and place.state("1") == "held"
    assert "no target site any more" in run("plan").out
    place.write(TARGETS)
    assert "There is no target called site" in run("plan").out
    run("approve", job)
    place.work()
    assert place.state("1") == "published"
    (beside,) = (place.folder / "site").glob("*.json")
    assert "#a #b" in beside.read_text("utf-8"), "it is written as its target wants it, and not as a stopgap"
