"""Built-in kinds are there by name; what other packages bring is used, or told to be broken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.publish.kind import Kind
from handlers.publish.registry import BUILT_IN, Known, Registry
from models.errors import BadInput, Unavailable

VIMEO = """
from handlers.publish.kind import Kind, TargetSettings
KIND = Kind("vimeo", TargetSettings, lambda settings, surroundings: None)
"""


Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package with a kind where Python finds it: its name, its module's text, its entry point."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(package: str, source: str, point: str) -> None:
        (tmp_path / f"{package}.py").write_text(source)
        info = tmp_path / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[vigentd.publish]\n{point}\n")
        monkeypatch.delitem(sys.modules, package, raising=False)

    return install


def test_brought_by_another_package(install: Install) -> None:
    install("brings_vimeo", VIMEO, "vimeo = brings_vimeo:KIND")
    registry = Registry()
    assert "vimeo" in registry.names()
    kind = registry.kind("vimeo")
    assert isinstance(kind, Kind) and kind.name == "vimeo"
    assert Known("vimeo", "brings_vimeo 1.2") in registry.known()


@pytest.mark.parametrize(
    ("source", "point", "why"),
    [
        ("raise RuntimeError('no luck')", "vimeo = %s:KIND", "RuntimeError: no luck"),
        ("import not_there_at_all", "vimeo = %s:KIND", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "vimeo = %s:KIND", "SystemExit: 3"),
        ("KIND = 7", "vimeo = %s:KIND", "is not a Kind"),
        (VIMEO, "vimeo = %s:OTHER", "AttributeError"),
        (VIMEO, "dimeo = %s:KIND", "calls itself vimeo"),
    ],
)
def test_broken_is_told_and_is_not_the_end(install: Install, source: str, point: str, why: str) -> None:
    install("brings_nothing", source, point % "brings_nothing")
    install("brings_other", VIMEO.replace("vimeo", "other"), "other = brings_other:KIND")
    registry = Registry()
    with pytest.raises(Unavailable, match=why) as told:
        registry.kind(point.split()[0])
    assert told.value.code == "kind_broken" and "brings_nothing 1.2" in told.value.message
    assert registry.kind("other").name == "other"
    troubles = {known.name: known.trouble for known in registry.known()}
    assert why in troubles[point.split()[0]] and troubles["other"] == ""


def test_nobody_takes_the_place_of_a_built_in_kind(install: Install) -> None:
    install("brings_folder", VIMEO.replace("vimeo", "folder"), "folder = brings_folder:KIND")
    registry = Registry()
    assert registry.kind("folder").settings.__module__ == "handlers.publish.kinds.folder"
    assert [known.package for known in registry.known() if known.trouble] == ["brings_folder 1.2"]


def test_two_that_bring_the_same(install: Install) -> None:
    install("brings_one", VIMEO, "vimeo = brings_one:KIND")
    install("brings_two", VIMEO, "vimeo = brings_two:KIND")
    with pytest.raises(Unavailable, match="brings it, too"):
        Registry().kind("vimeo")


def test_unknown() -> None:
    with pytest.raises(BadInput, match="no kind of target called fax") as told:
        Registry(tuple).kind("fax")
    assert told.value.code == "unknown_kind" and "folder" in told.value.hint


@pytest.mark.parametrize("name", ["folder", "command"])
def test_built_in(name: str) -> None:
    assert name in BUILT_IN and Registry(tuple).kind(name).name == name


def test_names_import_no_kind() -> None:
    asked = (
        "import sys; from handlers.publish.registry import Registry; assert Registry().names();"
        "print([m for m in sys.modules if m.startswith('handlers.publish.kinds') or m == 'httpx'])"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "handlers.publish.kinds.s3", None)
    with pytest.raises(Unavailable, match="need what is not installed") as told:
        Registry(tuple).kind("s3")
    assert "vigentd[publish]" in told.value.hint
