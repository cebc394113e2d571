"""Who runs the daemon here, and what of the file system it needs: what the units are filled in with."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.config import Config
from daemon.config_file import Loaded, variable
from daemon.config_place import FILE_NAME, FILE_VARIABLE
from models.errors import BadInput

USER = "vigentd"  # whom sysusers makes
ETC = Path("/etc/vigentd")
STATE = Path("/var/lib")
TOKEN = "telegram-token"  # the credential, and the file that it comes from when no other is named
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))  # what ProtectHome hides


@dataclass(frozen=True)
class Deployment:
    """command:  vigentd as it is started, word by word.
    per_user: units of a user's own service manager instead of the system's.
    own_user: the account is the service's, and nobody's who logs in.
    written, read: folders that the service must reach beside the data folder.
    """

    command: tuple[str, ...]
    config: Config
    file: Path
    data_dir: Path
    user: str
    group: str
    token_file: Path
    per_user: bool = False
    own_user: bool = True
    written: tuple[Path, ...] = ()
    read: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """So that each unit's vigentd finds the same configuration and the same data."""
        return {FILE_VARIABLE: str(self.file), variable(("data_dir",)): str(self.data_dir)}


def deployment(
    loaded: Loaded, per_user: bool, user: str = "", environment: Mapping[str, str] = os.environ
) -> Deployment:
    """user: whom the system's service runs as; "" for one of its own. Raises BadInput `user_unknown`."""
    config = loaded.config
    file = loaded.file or (_own_folder(environment) if per_user else ETC) / FILE_NAME
    said = ("data_dir",) in loaded.places
    data_dir = config.data_dir if said or per_user else STATE / USER
    name, group = _account(getpass.getuser() if per_user else user or USER)
    own_user = not per_user and name == USER
    token_file = config.telegram.token_file or file.parent / TOKEN
    if per_user and config.telegram.token_file is None:
        token_file = _own_folder(environment) / TOKEN
    # A models folder that was not said lies in the data folder, wherever that is.
    read = [config.models.folder, config.assets, file, *program()]
    read += [box.presenter for box in config.inbox]
    written = [*inbox_folders(config), *target_folders(config)]
    return Deployment(
        command(),
        config,
        file,
        data_dir,
        name,
        group,
        token_file,
        per_user,
        own_user,
        _outermost(written, [data_dir]),
        _outermost((path for path in read if path is not None), [data_dir, *written]),
    )


def command() -> tuple[str, ...]:
    """This vigentd, as it can be started from anywhere."""
    script = Path(sys.executable).with_name("vigentd")
    return (str(script),) if script.is_file() else (sys.executable, "-P", "-m", "daemon.cli")


def program() -> list[Path]:
    """The folders that this vigentd is read from: its environment, the Python below that, its sources."""
    found = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2]]
    return [folder for folder in found if folder not in (Path("/usr"), Path("/usr/local"))]


def inbox_folders(config: Config) -> list[Path]:
    """Where the inboxes read and write, each folder once."""
    found: dict[Path, None] = {}
    for box in config.inbox:
        named = (box.folders.outbox, box.folders.done, box.folders.failed, box.folders.duplicates)
        for folder in (box.path, *(box.path / name for name in named)):
            found[Path(os.path.normpath(folder))] = None
    return list(found)


def target_folders(config: Config) -> list[Path]:
    """Where videos are published to on this machine."""
    from handlers.publish.kinds.folder import FolderSettings

    said = (one.own_of(FolderSettings).get("path") for one in config.publish.target if one.kind == "folder")
    paths = (Path(path).expanduser() for path in said if isinstance(path, str | Path))
    return [Path(os.path.normpath(path)) for path in paths if path.is_absolute()]


def in_homes(path: Path) -> bool:
    return any(path.is_relative_to(home) for home in HOMES)


def _own_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or Path.home()) / ".config" / "vigentd"


def _account(name: str) -> tuple[str, str]:
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        if name == USER:
            return USER, USER  # is made with the units
        raise BadInput(
            f"There is no user {name} on this machine",
            code="user_unknown",
            hint=f"Name another one, or leave --as out: then {USER} is made.",
        ) from None
    return name, grp.getgrgid(account.pw_gid).gr_name


def _outermost(paths: Iterable[Path], covered: Iterable[Path]) -> tuple[Path, ...]:
    """Without those that lie in another one of them, or in what is covered already."""
    whole = list(covered)
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(one) for one in (*whole, *kept)):
            kept.append(path)
    return tuple(kept)
