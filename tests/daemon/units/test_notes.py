"""What a person is told once the units are in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config_file import load
from daemon.units.deployment import deployment
from daemon.units.notes import notes


@pytest.mark.parametrize(("text", "told"), [("", True), ('data_dir = "data"\n', False)])
@pytest.mark.parametrize("per_user", [False, True])
def test_who_reads_the_configuration_has_to_find_the_data(
    tmp_path: Path, text: str, told: bool, per_user: bool
) -> None:
    """The units name the data folder; `sudo -u vigentd vigentd models pull` has only the file."""
    file = tmp_path / "vigentd.toml"
    file.write_text(text)
    said = [note for note in notes(deployment(load(file), per_user)) if "data_dir" in note]
    assert bool(said) == (told and not per_user)
    assert not said or 'data_dir = "/var/lib/vigentd"' in said[0]


@pytest.mark.parametrize("per_user", [False, True])
@pytest.mark.parametrize(("folder", "told"), [("/tmp/data", True), ("/var/tmp/d", True), ("/srv/tmp", False)])
def test_what_lies_in_tmp_is_not_what_the_service_finds_there(
    tmp_path: Path, folder: str, told: bool, per_user: bool
) -> None:
    """It would begin with an empty data folder, and lose it at every stop."""
    file = tmp_path / "vigentd.toml"
    file.write_text(f'data_dir = "{folder}"\n')
    said = [note for note in notes(deployment(load(file), per_user)) if note.startswith(f"{folder} lies")]
    assert bool(said) == (told and not per_user)
