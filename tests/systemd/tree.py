"""The file system of a small Debian with systemd in it, and vigentd under /opt as an administrator has it.

Python and the packages of this .venv are lent to it read-only, so nothing is installed twice. They lie under
/opt there: the unit hides /root and /home, where they may be here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "libgl1",
    "libglib2.0-0",
    "libsqlite3-0",
    "procps",
)
PRODUCT = ("daemon", "handlers", "pipeline", "models", "assets", "systemd")

HEAPS = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")

PYTHON = Path("/opt/python")
HOUSE = Path("/opt/vigentd")
VENV = HOUSE / "venv"
VIGENTD = VENV / "bin" / "vigentd"
HOOKS = HOUSE / "hooks"  # on the daemon's PYTHONPATH where a test wants that
LENT = {
    Path(sys.base_prefix): PYTHON,
    Path(sysconfig.get_path("purelib")): HOUSE / "packages",
}
BUILT = ".built"  # in a finished tree: what it is made of

ENTRY = f"""#!{VENV}/bin/python
import sys

from daemon.cli import main

sys.exit(main())
"""


def missing() -> str:
    """What keeps these tests from running here; empty: nothing."""
    for program in ("debootstrap", "systemd-nspawn", "nsenter", "setpriv"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if Path(sys.base_prefix) == Path("/usr"):
        return "this Python is a part of the system's /usr, and cannot be lent to another system"
    return ""


def build(root: Path) -> None:
    """The Debian alone; takes a minute. One that is complete is left as it is."""
    contents = " ".join((SUITE, *PACKAGES))
    if (root / BUILT).is_file() and (root / BUILT).read_text() == contents:
        return
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), MIRROR],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"debootstrap: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    for heap in HEAPS:
        shutil.rmtree(root / heap, ignore_errors=True)
    for driver in (root / "usr/lib").glob("*/libLLVM*"):  # libGL is linked to, but nothing is drawn
        driver.unlink()
    (root / BUILT).write_text(contents)


def copy(tree: Path, root: Path) -> None:
    """A system to spoil."""
    subprocess.run(["cp", "-a", "--reflink=auto", f"{tree}/.", str(root)], check=True)


def furnish(root: Path) -> None:
    """Puts vigentd into it, as it stands now."""
    source = root / HOUSE.relative_to("/") / "src"
    for name in PRODUCT:
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", source)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    venv = root / VENV.relative_to("/")
    packages = venv / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (packages / "vigentd.pth").write_text(f"{HOUSE}/src\n{HOUSE}/packages\n")
    (venv / "pyvenv.cfg").write_text(f"home = {PYTHON}/bin\ninclude-system-site-packages = false\n")
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(PYTHON / "bin" / version)
    (venv / "bin" / "vigentd").write_text(ENTRY)
    (venv / "bin" / "vigentd").chmod(0o755)
    (root / "usr/local/bin/vigentd").symlink_to(VIGENTD)
    (root / "etc/ld.so.conf.d/python.conf").write_text(f"{PYTHON}/lib\n")  # a Python with a libpython
    for inside in LENT.values():
        (root / inside.relative_to("/")).mkdir(parents=True, exist_ok=True)
    hooks = root / HOOKS.relative_to("/")
    hooks.mkdir()
    shutil.copy(Path(__file__).with_name("hang.py"), hooks / "sitecustomize.py")
