"""`vigentd doctor`: is everything here that a job needs? Each finding says what to do about it.

Checks do the thing itself where they can (encode, import, write) and do not trust lists and versions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from daemon.cluster_checkup import cluster
from daemon.config import Config
from daemon.disk.housekeeping import watermark
from daemon.finding import Finding, State
from daemon.folders import make_private
from daemon.gpu_checkup import devices
from daemon.lips_checkup import lipsync_engine
from daemon.speech_checkup import hearing, speech_engine
from models.errors import FULL, BadInput, VigentdError

PACKAGES = "sudo apt-get install -y libgl1 libglib2.0-0 fonts-noto-cjk"
ENGLISH, CHINESE = "The quick brown fox, 0123456789!", "中文字幕，简体与繁體。"
LOW_DISK_BYTES = 5 * 10**9
NOT_ITS_FAULT = ("voice_missing", "voice_unreadable")  # of a setting that names the default voice
OF_THE_ENGINE = ("engine_missing", "weights_missing", "weights_wrong")  # its own finding says it


def check_all(configuration: Callable[[], Config]) -> list[Finding]:
    """Every check, in order; one that breaks is a finding, not the end."""
    first, config = _config_finding(configuration)
    checks: list[Callable[[], Iterator[Finding]]] = [ffmpeg, encoders, lips, voice, gpu]
    if config is not None:
        engines = (speech_engine, hearing, lipsync_engine, devices, cluster)
        for check in (fonts, styles, *engines, defaults, data_dir, disk, inboxes, telegram, targets):
            checks.append(partial(check, config))
    return [first, *(finding for check in checks for finding in _guarded(check))]


def report(findings: list[Finding]) -> None:
    """For a person: a line for each finding, and under it what to do."""
    from rich.text import Text

    from daemon.commands.terminal import console

    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    screen = console()
    for finding in findings:
        line = Text.assemble(
            (f"{finding.state:<5}", colours[finding.state]), f"{finding.name}: {finding.found}"
        )
        screen.print(line, soft_wrap=True)
        if finding.fix:
            screen.print(Text(f"     → {finding.fix}"), soft_wrap=True)


def _config_finding(configuration: Callable[[], Config]) -> tuple[Finding, Config | None]:
    try:
        config = configuration()
    except VigentdError as e:
        return Finding("config", "fail", e.message, e.hint), None
    return Finding("config", "ok", f"data in {config.data_dir}"), config


def _guarded(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except VigentdError as e:
        return [Finding(_name(check), "fail", e.message, e.hint)]
    except Exception as e:  # a broken installation breaks in any way
        return [Finding(_name(check), "fail", f"{type(e).__name__}: {e}", "Run `make install` again.")]


def _name(check: Any) -> str:
    return str(getattr(check, "func", check).__name__).replace("_", " ")


# ---------------------------------------------------------------- the checks


def ffmpeg() -> Iterator[Finding]:
    from pipeline.ffmpeg import executable

    path = executable()
    said = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=20, check=True).stdout
    yield Finding("ffmpeg", "ok", f"{' '.join(said.split()[:3])} at {path}")


def encoders() -> Iterator[Finding]:
    from pipeline.encoder import nvenc_problem

    with tempfile.TemporaryDirectory() as folder:
        _encode(Path(folder) / "trial.mp4")
    yield Finding("encoder libx264 + aac", "ok", "encoded a trial video")
    problem = nvenc_problem()
    if problem is None:
        yield Finding("encoder nvenc", "ok", "encoded a trial video")
    elif _nvidia():
        fix = "Repair the NVIDIA driver, or leave it: libx264 is used instead."
        yield Finding("encoder nvenc", "warn", f"does not work: {problem}", fix)
    else:
        yield Finding("encoder nvenc", "ok", "not here (no NVIDIA GPU); libx264 is used")


def _encode(path: Path) -> None:
    from ffmpeg import output

    from pipeline.ffmpeg import generated, run

    picture = generated("color=size=256x256:rate=25:duration=0.4")
    sound = generated("sine=frequency=440:duration=0.4")
    trial = output(picture, sound, str(path), vcodec="libx264", pix_fmt="yuv420p", acodec="aac")
    run(trial.get_args(), doing="encoding a trial video")


def lips() -> Iterator[Finding]:
    """In a process of its own: the import takes seconds, talks to stderr, and a bad library may crash it."""
    code = (
        "from models.faces import solutions; solutions()\n"  # a plain import writes into the home folder
        "import cv2, mediapipe; print(cv2.__version__, mediapipe.__version__)"
    )
    trial = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=120)
    if trial.returncode == 0:
        cv, mediapipe = trial.stdout.split()[-2:]
        yield Finding("face tracking", "ok", f"opencv {cv}, mediapipe {mediapipe}")
        return
    reason = (trial.stderr.strip().splitlines() or ["it crashed"])[-1]
    fix = PACKAGES if "libGL" in reason or "libg" in reason else "Run `make install` again."
    yield Finding("face tracking", "fail", reason, fix)


def voice() -> Iterator[Finding]:
    from models.choose import speech_engine

    known = speech_engine("espeak").voices()
    yield Finding("draft voice", "ok", f"espeak, {len(known)} voices")


def fonts(config: Config) -> Iterator[Finding]:
    from pipeline.fonts import FontBook, search_places

    book = FontBook(search_places(config.assets))
    wanted: list[tuple[str, str, State]] = [("fonts", ENGLISH, "fail"), ("Chinese fonts", CHINESE, "warn")]
    for name, text, state in wanted:
        faces = book.assign(text, ["Noto Sans CJK SC"], 400)
        missing = [c for c, face in zip(text, faces, strict=True) if face is None and c.strip()]
        if missing:
            fix = f"{PACKAGES}, or lay a font into the fonts folder of your assets."
            yield Finding(name, state, f"no font has {''.join(missing)}", fix)
        else:
            yield Finding(name, "ok", ", ".join(sorted({face.family for face in faces if face})))


def styles(config: Config) -> Iterator[Finding]:
    from daemon import catalogue

    if config.assets is not None and not config.assets.is_dir():
        fix = "Make the folder, or correct `assets` in the configuration."
        yield Finding("assets", "fail", f"there is no folder {config.assets}", fix)
        return
    yield Finding("styles", "ok", f"{len(catalogue.styles(config.settings))} looks")


def defaults(config: Config) -> Iterator[Finding]:
    """What every job gets for which nothing else is said."""
    from daemon import catalogue

    wrong, heard = False, True
    for name, check in catalogue.checks(config.defaults, config.settings).items():
        try:
            check()
        except VigentdError as e:
            if e.code in OF_THE_ENGINE:
                heard = False
                continue
            wrong = True
            its_own = isinstance(e, BadInput) and e.code not in NOT_ITS_FAULT
            fix = f"Correct defaults.{name} in the configuration. {e.hint}".strip() if its_own else e.hint
            yield Finding(f"defaults.{name}", "fail", e.message, fix)
    if not wrong:
        voice = "voice, styles and music are known" if heard else "styles and music are known"
        yield Finding("defaults", "ok", voice + ("" if heard else "; the voice when its engine is there"))


def gpu() -> Iterator[Finding]:
    names = _nvidia()
    if names:
        yield Finding("GPU", "ok", ", ".join(names))
    else:
        yield Finding("GPU", "ok", "none; the draft engines need none")


def _nvidia() -> list[str]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in said.stdout.splitlines() if line.strip()] if said.returncode == 0 else []


def data_dir(config: Config) -> Iterator[Finding]:
    folder = config.data_dir
    if problem := _write_problem(folder):
        fix = "Set data_dir in vigentd.toml, or VIGENTD_DATA_DIR, to a folder that you may write to."
        yield Finding("data folder", "fail", f"{folder} cannot be written: {problem.strerror}", fix)
    else:
        yield Finding("data folder", "ok", f"{folder} can be written")


def _write_problem(folder: Path) -> OSError | None:
    try:
        make_private(folder)
        fd, name = tempfile.mkstemp(dir=folder, prefix=".doctor-")
        os.close(fd)
        Path(name).unlink()
    except OSError as e:
        return e
    return None


def disk(config: Config) -> Iterator[Finding]:
    problem = _write_problem(config.data_dir)
    if problem and problem.errno not in FULL:
        fix = "See to the data folder first."
        yield Finding("disk", "warn", "not measured, because the data folder cannot be written", fix)
        return
    free = shutil.disk_usage(_nearest(config.data_dir)).free
    found = f"{free / 1e9:.1f} GB free"
    if free < (least := watermark(config)):
        found += f", and a job is begun with {least / 1e9:.1f} GB or more"
        fix = "Free some space (`vigentd clean`), lower disk.min_free, or move data_dir to a larger disk."
        yield Finding("disk", "fail", found, fix)
    elif free < LOW_DISK_BYTES:
        yield Finding("disk", "warn", found, "Enough for a few jobs; free some space soon.")
    else:
        yield Finding("disk", "ok", found)


def inboxes(config: Config) -> Iterator[Finding]:
    from daemon import catalogue

    for inbox in config.inbox:
        name = f"inbox {inbox.name}"
        if inbox.presenter is not None and not inbox.presenter.is_file():
            fix = "Correct `presenter`, or put the clip there: scripts that come alone wait for it."
            yield Finding(name, "fail", f"the presenter {inbox.presenter} is not there", fix)
        elif not inbox.path.exists():
            fix = "`vigentd run` makes it the first time; if it was there before, mount its disk."
            yield Finding(name, "warn", f"{inbox.path} is not there", fix)
        elif not (inbox.path.is_dir() and os.access(inbox.path, os.R_OK | os.W_OK | os.X_OK)):
            fix = "Give vigentd's user the right to read and write there."
            yield Finding(name, "fail", f"{inbox.path} is not a folder in which files can be moved", fix)
        else:
            yield Finding(name, "ok", f"watches {inbox.path}")
        for field, check in catalogue.checks(inbox.preset, config.settings).items():
            if field in inbox.preset.model_fields_set:
                try:
                    check()
                except VigentdError as e:
                    if e.code not in OF_THE_ENGINE:
                        yield Finding(f"{name}: preset {field}", "fail", e.message, e.hint)


def telegram(config: Config) -> Iterator[Finding]:
    from daemon.bot_token import bot_token
    from handlers.telegram.checkup import name_of_bot, somebody_may

    try:
        token = bot_token(config.telegram)
        if token is None:
            return
        name = name_of_bot(config.telegram, token)
    except VigentdError as e:
        yield Finding("telegram", "fail", e.message, e.hint)
        return
    file = config.telegram.token_file
    if file is not None and file.stat().st_mode & 0o077:
        yield Finding("telegram", "warn", f"others on this machine can read {file}", f"chmod 600 {file}")
    elif not somebody_may(config):
        yield Finding("telegram", "warn", f"nobody may use @{name} yet", "Run `vigentd telegram pair`.")
    else:
        yield Finding("telegram", "ok", f"the bot is @{name}")


def targets(config: Config) -> Iterator[Finding]:
    """Their settings only: nothing is reached for."""
    from daemon.publications.opening import opened
    from handlers.publish.registry import Registry

    registry = Registry()
    for section in config.publish.target:
        name = f"target {section.name}"
        try:
            opened(section, registry, config)
        except VigentdError as e:
            yield Finding(name, "fail", e.message, e.hint)
        else:
            tried = f"`vigentd publish check {section.name}` tries it for real"
            yield Finding(name, "ok", f"{section.kind}; {tried}")


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder
