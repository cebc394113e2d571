"""Puts the units in place, and takes them away again. What is somebody else's is left as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from daemon.units.deployment import Deployment
from daemon.units.render import FAILED, HEALTH, MARK, SERVICE, SYSUSERS, TIMER, TMPFILES, rendered
from daemon.units.systemctl import Systemctl
from models.errors import BadInput, StageFailed, Unavailable, VigentdError

Say = Callable[[str], None]
SYSTEM = Path("/etc/systemd/system")
ELSEWHERE = {SYSUSERS: Path("/etc/sysusers.d/vigentd.conf"), TMPFILES: Path("/etc/tmpfiles.d/vigentd.conf")}


@dataclass(frozen=True)
class Place:
    """units: the folder of the units. root: what stands before every path of the system; "/" but in tests."""

    per_user: bool
    root: Path = Path("/")

    @property
    def units(self) -> Path:
        return user_units() if self.per_user else self.under(SYSTEM)

    def of(self, name: str) -> Path:
        return self.under(ELSEWHERE[name]) if name in ELSEWHERE else self.units / name

    def under(self, path: Path) -> Path:
        return self.root / path.relative_to("/")


def user_units(environment: Mapping[str, str] = os.environ) -> Path:
    configured = environment.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return base / "systemd" / "user"


def write_out(texts: Mapping[str, str], folder: Path) -> None:
    """Into a folder, and nowhere else. Raises Unavailable `not_written`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _write(folder / name, text)
    except OSError as e:
        raise _unwritten(folder, e) from e


def install(plan: Deployment, place: Place, systemctl: Systemctl, say: Say, *, force: bool = False) -> None:
    """Writes the units, and starts what they describe; done twice, the second time changes nothing.

    force: also over a file of the same name that is not ours.
    Raises BadInput `foreign_unit`, Unavailable `no_systemd`, `not_written`, StageFailed `systemctl_failed`.
    """
    texts = rendered(plan)
    _refuse_foreign([place.of(name) for name in texts], force)
    systemctl.show("", "Version")  # before anything is changed
    changed = [name for name, text in texts.items() if _lay(place.of(name), text, say)]
    if not plan.per_user:
        if plan.own_user:
            _helper("systemd-sysusers", place.of(SYSUSERS))
        _helper("systemd-tmpfiles", "--create", place.of(TMPFILES))
    for line in _lay_configuration(plan, place):
        say(line)
    systemctl.tell("daemon-reload")
    systemctl.tell("enable", SERVICE, TIMER)
    state = systemctl.show(SERVICE, "ActiveState").get("ActiveState")
    if state == "failed":  # too often: it refuses to start until that is forgotten
        systemctl.tell("reset-failed", SERVICE)
    systemctl.tell("restart" if state == "active" and SERVICE in changed else "start", SERVICE)
    systemctl.tell("restart" if TIMER in changed else "start", TIMER)
    say(f"{SERVICE} runs, and {TIMER} looks after it")


def uninstall(place: Place, systemctl: Systemctl, say: Say) -> None:
    """Stops it and takes the units away; the data, the configuration, the token and drop-ins stay."""
    ours = [SERVICE, HEALTH, TIMER, FAILED, *([] if place.per_user else ELSEWHERE)]
    found = [path for path in map(place.of, ours) if path.is_file() and _is_ours(path)]
    kept = [path for path in map(place.of, ours) if path.is_file() and path not in found]
    if found:
        with suppress(Unavailable):  # without systemd there is nothing to stop
            _stop(systemctl, [path.name for path in found], HEALTH, say)
    for path in found:
        try:
            path.unlink()
        except OSError as e:
            raise _unwritten(path, e) from e
        say(f"removed {path}")
    for path in kept:
        say(f"left {path}: it was not made by `vigentd service install`")
    if not found:
        say("nothing to remove: no unit of vigentd's is installed here")
        return
    with suppress(Unavailable):
        systemctl.tell("daemon-reload")
        _forget_failures(systemctl, [path.name for path in found])


def _forget_failures(systemctl: Systemctl, names: list[str]) -> None:
    """What had failed before it was taken away would stay in `systemctl --failed`."""
    services = [name for name in names if name.endswith(".service") and "@" not in name]
    told = [FAILED.replace("@", f"@{name}") for name in services if FAILED in names]
    for name in (*services, *told):
        if systemctl.show(name, "ActiveState").get("ActiveState") == "failed":
            with suppress(StageFailed):  # it was forgotten this very moment
                systemctl.tell("reset-failed", name)


def _stop(systemctl: Systemctl, names: list[str], health: str, say: Say) -> None:
    """The timer first, and a check that it has begun: they would start the service again."""
    for unit, how in ((TIMER, ("disable", "--now")), (health, ("stop",)), (SERVICE, ("disable", "--now"))):
        if unit in names:
            try:
                systemctl.tell(*how, unit)
            except StageFailed as e:
                say(e.message)


# ---------------------------------------------------------------- files


def _refuse_foreign(paths: list[Path], force: bool) -> None:
    foreign = [path for path in paths if path.exists() and not _is_ours(path)]
    if foreign and not force:
        raise BadInput(
            f"{foreign[0]} is there already, and was not made by `vigentd service install`",
            code="foreign_unit",
            hint="Move it away, or write over it with --force.",
        )


def _is_ours(path: Path) -> bool:
    try:
        return path.read_text("utf-8", errors="replace").startswith(f"# {MARK}")
    except OSError:
        return False


def _lay(path: Path, text: str, say: Say) -> bool:
    """Whether it had to be written."""
    try:
        if path.is_file() and path.read_text("utf-8", errors="replace") == text:
            say(f"{path} is as it should be")
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text)
    except OSError as e:
        raise _unwritten(path, e) from e
    say(f"wrote {path}")
    return True


def _write(path: Path, text: str) -> None:
    """Whole or not at all; for everybody to read, as systemd wants it."""
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(text)
            f.flush()
            os.fchmod(f.fileno(), 0o644)
            os.fsync(f.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _lay_configuration(plan: Deployment, place: Place) -> Iterator[str]:
    """The units name a configuration file: without one, the daemon would refuse to start."""
    file = plan.file if plan.per_user else place.under(plan.file)
    if file.exists():
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, "# vigentd's configuration: `vigentd config show` lists all keys.\n"
               f"data_dir = {_toml(plan.data_dir)}\n")  # fmt: skip
    except OSError as e:
        raise _unwritten(file, e) from e
    yield f"wrote {file}"


def _toml(path: Path) -> str:
    import json

    return json.dumps(str(path), ensure_ascii=False)


def _helper(*words: object) -> None:
    """systemd-sysusers, systemd-tmpfiles."""
    program = shutil.which(str(words[0]))
    if program is None:
        raise Unavailable(f"There is no {words[0]} on this machine", code="no_systemd")
    done = subprocess.run(
        [program, *map(str, words[1:])], capture_output=True, text=True, errors="replace", timeout=60
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it does not say why"])[0].rstrip(".")
        raise StageFailed(f"`{' '.join(map(str, words))}` failed: {said}", code="systemctl_failed")


def _unwritten(path: Path, error: OSError) -> VigentdError:
    denied = isinstance(error, PermissionError)
    return Unavailable(
        f"{path} cannot be written: {error.strerror}",
        code="not_written",
        hint="Run it as root: `sudo vigentd service install`, or give --user." if denied else "",
    )
