"""Who serves: the real engine where it can, else the draft one with the reason; what was named, or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.choose import choose_lipsync, choose_speech, lipsync_engine
from models.errors import Unavailable
from models.latentsync.files import files_in, missing
from models.latentsync.needs import Machine

ABLE = Machine(gpus=2, torch="2.13.0")
UNET = "LatentSync-1.6/latentsync_unet.pt"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder in which all is there that is looked for."""
    folder = tmp_path / "models"
    for path in missing(files_in(folder)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
    return folder


def test_auto_takes_the_real_engine_where_all_is_there(weights: Path) -> None:
    for device in ("cuda:0", "cuda:1"):
        choice = choose_lipsync("auto", device, weights, ABLE)
        assert (choice.name, choice.note) == ("latentsync", "")


@pytest.mark.parametrize(
    ("device", "machine", "why"),
    [
        ("cpu", ABLE, "lipsync.device is cpu, where a second of video takes minutes"),
        ("cuda:0", Machine(0, "2.13.0"), "no NVIDIA GPU can be used here"),
        ("cuda:1", Machine(1, "2.13.0"), "there is no second GPU (lipsync.device is cuda:1)"),
        ("cuda:3", Machine(1, "2.13.0"), "only one GPU can be used here (lipsync.device is cuda:3)"),
        ("cuda:2", ABLE, "only 2 GPUs can be used here (lipsync.device is cuda:2)"),
        ("cuda:1", Machine(2, ""), "torch is not installed"),
        ("cuda:1", Machine(2, "2.13.0+cpu"), "torch is installed for CPUs only (2.13.0+cpu)"),
        ("cuda:1", Machine(2, "2.13.0", ["whisper"]), "whisper is not installed"),
    ],
)
def test_auto_takes_the_draft_engine_and_says_why(
    weights: Path, device: str, machine: Machine, why: str
) -> None:
    choice = choose_lipsync("auto", device, weights, machine)
    assert choice.name == "mouthwarp"
    assert choice.note == f"Lips by the draft engine (mouthwarp): {why}"
    assert choice.fix


def test_weights_that_are_missing_are_named_with_their_folder(weights: Path) -> None:
    (weights / UNET).unlink()
    note = choose_lipsync("auto", "cuda:1", weights, ABLE).note
    assert note.endswith(f"LatentSync's weights are not in {weights}: {UNET} is missing")
    nowhere = choose_lipsync("auto", "cuda:1", weights / "no", ABLE).note
    assert UNET in nowhere and nowhere.endswith(" are missing")


def test_asked_for_by_name_it_is_that_one_or_none(weights: Path) -> None:
    assert choose_lipsync("latentsync", "cuda:1", weights, ABLE).name == "latentsync"
    assert choose_lipsync("mouthwarp", "cuda:1", weights, ABLE).note == ""
    with pytest.raises(Unavailable, match=r"latentsync cannot run here: there is no second GPU") as caught:
        choose_lipsync("latentsync", "cuda:1", weights, Machine(1, "2.13.0"))
    assert caught.value.code == "engine_missing" and 'lipsync.device = "cuda:0"' in caught.value.hint
    with pytest.raises(Unavailable, match=r"the weights|weights are not in"):
        choose_lipsync("latentsync", "cuda:1", weights / "no", ABLE)
    with pytest.raises(Unavailable) as caught:
        choose_speech("qwen3")
    assert caught.value.code == "engine_missing"


def test_by_name_it_runs_on_a_cpu_and_says_how_slow_that_is(weights: Path) -> None:
    choice = choose_lipsync("latentsync", "cpu", weights, Machine(0, "2.13.0+cpu"))
    assert choice.name == "latentsync" and "a second of video takes minutes" in choice.note
    with pytest.raises(Unavailable, match="torch is not installed"):
        choose_lipsync("latentsync", "cpu", weights, Machine(0, ""))


def test_choosing_loads_neither_torch_nor_numpy(weights: Path) -> None:
    """The daemon and `vigentd ls` choose, too."""
    code = (
        "import sys; from pathlib import Path; from models.choose import choose_lipsync\n"
        f"choose_lipsync('latentsync', 'cpu', Path({str(weights)!r}))\n"
        "print([name for name in ('torch', 'numpy', 'diffusers', 'whisper') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_an_engine_nobody_knows_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="lipsing"):
        lipsync_engine("lipsing")
