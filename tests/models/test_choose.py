"""Who serves: the real engine where it can, else the draft one with the reason; what was named, or none."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.choose import (
    NOBODY,
    Choice,
    aligner,
    choose_aligner,
    choose_lipsync,
    choose_speech,
    lipsync_engine,
    speech_engine,
)
from models.errors import Unavailable
from models.latentsync.files import files_in, missing
from models.latentsync.needs import DETECTOR, INSIGHTFACE_MODELS, LANDMARKS
from models.needs import Machine
from models.qwen3 import checkpoint
from tests.handlers.inbox.rights import give_up_rights
from tests.models.whisper.shell import lay_shell

ABLE = Machine(gpus=2, torch="2.13.0")
UNET = "LatentSync-1.6/latentsync_unet.pt"
BASE = "1.7B-Base"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder in which all is there that is looked for."""
    folder = tmp_path / "models"
    spoken = checkpoint.missing(folder, BASE)
    for path in (*missing(files_in(folder)), *spoken):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
    lay_shell(folder)
    return folder


def test_auto_takes_the_real_engine_where_all_is_there(weights: Path) -> None:
    for device in ("cuda:0", "cuda:1"):
        assert choose_lipsync("auto", device, weights, ABLE) == Choice("latentsync", device=device)
        assert choose_speech("auto", device, weights, BASE, ABLE) == Choice("qwen3", device=device)


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
    assert choice.name == "mouthwarp" and choice.device == "cpu"
    assert choice.note == f"Lips by the draft engine (mouthwarp): {why}"
    assert choice.fix


@pytest.mark.parametrize(
    ("device", "machine", "why"),
    [
        ("cpu", ABLE, "speech.device is cpu, where a second of speech takes many seconds"),
        ("cuda:0", Machine(0, "2.13.0"), "no NVIDIA GPU can be used here"),
        ("cuda:1", Machine(1, "2.13.0"), "there is no second GPU (speech.device is cuda:1)"),
        ("cuda:0", Machine(1, "2.13.0+cpu"), "torch is installed for CPUs only (2.13.0+cpu)"),
        ("cuda:0", Machine(1, "2.13.0", ["qwen_tts"]), "qwen_tts is not installed"),
        ("cuda:0", Machine(1, "2.13.0", ["faster_qwen3_tts"]), "faster_qwen3_tts is not installed"),
    ],
)
def test_auto_takes_the_draft_voice_and_says_why(
    weights: Path, device: str, machine: Machine, why: str
) -> None:
    choice = choose_speech("auto", device, weights, BASE, machine)
    assert choice.name == "espeak" and choice.device == "cpu"
    assert choice.note == f"Spoken by the draft voice (espeak): {why}"
    assert choice.fix
    with pytest.raises(Unavailable, match="The speech engine qwen3 cannot run here"):
        choose_speech("qwen3", "cuda:7", weights, BASE, machine)


def test_speech_weights_that_are_missing_come_with_the_command_that_gets_them(weights: Path) -> None:
    def choose(model: str) -> Choice:
        return choose_speech("auto", "cuda:0", weights, model, ABLE)

    other = choose("0.6B-CustomVoice")
    assert other.note.endswith(f"weights are not in {weights}: there is no Qwen3-TTS-12Hz-0.6B-CustomVoice")
    assert other.fix == "Run `vigentd models pull Qwen3-TTS-12Hz-0.6B-CustomVoice`."
    own = checkpoint.folder_of(weights, BASE)
    (own / "merges.txt").unlink()
    assert choose(BASE).note.endswith(f"weights in {own} are not complete: merges.txt is missing")
    with pytest.raises(Unavailable) as caught:
        choose_speech("qwen3", "cuda:0", weights, BASE, ABLE)
    assert caught.value.code == "engine_missing"
    assert caught.value.hint == (
        'Run `vigentd models pull Qwen3-TTS-12Hz-1.7B-Base`. Or set speech.engine = "auto" in vigentd.toml.'
    )


def test_what_is_asked_of_the_voice_and_is_not_here(weights: Path) -> None:
    """FlashAttention, and somebody who listens to what was spoken."""
    machine = Machine(1, "2.13.0", ["flash_attn"])

    def choose(attention: str = "auto", listener: str = "") -> Choice:
        how = {"attention": attention, "listener": listener}
        return choose_speech("auto", "cuda:0", weights, BASE, machine, **how)

    assert choose().name == choose("sdpa").name == "qwen3"
    assert choose("flash").note.endswith("speech.attention is flash, and flash_attn is not installed")
    for device, precision in (("cpu", "auto"), ("cuda:0", "fp32")):
        with pytest.raises(Unavailable, match="which works on a GPU in bf16 or fp16 only"):
            choose_speech("qwen3", device, weights, BASE, ABLE, precision=precision, attention="flash")
    assert choose(listener="small").name == "qwen3"
    deaf = choose(listener="turbo")
    assert ": speech.verify is on, and Whisper's weights are not in " in deaf.note
    assert deaf.fix == "Run `vigentd models pull whisper-turbo`. Or set speech.verify = false."


def test_who_hears_works_beside_the_voice_or_without_a_gpu(weights: Path) -> None:
    for device, machine, where in (
        ("cuda:1", ABLE, "cuda:1"),
        ("cuda:1", Machine(1, "2.13.0"), "cpu"),
        ("cuda:0", Machine(1, "2.13.0+cpu"), "cpu"),
        ("cpu", ABLE, "cpu"),
    ):
        assert choose_aligner("small", device, weights, machine) == Choice("whisper", device=where)


@pytest.mark.parametrize(
    ("machine", "model", "why", "fix"),
    [
        (Machine(1, "2.13.0", ["whisper"]), "small", "whisper is not installed", "Run `make install-all`."),
        (Machine(0, ""), "small", "torch is not installed", "Run `make install-all`."),
        (ABLE, "turbo", "nor whisper-turbo/ is there", "Run `vigentd models pull whisper-turbo`."),
    ],
)
def test_nobody_hears(weights: Path, machine: Machine, model: str, why: str, fix: str) -> None:
    choice = choose_aligner(model, "cuda:0", weights, machine)
    assert (choice.name, choice.fix, choice.device) == (NOBODY, fix, "cpu")
    assert choice.note.startswith("The times of words are estimated") and choice.note.endswith(why)
    assert aligner() is None


def test_nobody_hears_by_a_file_that_is_damaged(weights: Path) -> None:
    """It would be found out when all sentences are spoken."""
    file = weights / "whisper" / "small.pt"
    file.write_bytes(file.read_bytes()[:-100])
    choice = choose_aligner("small", "cuda:0", weights, ABLE)
    assert choice.name == NOBODY and "small.pt is not a checkpoint" in choice.note
    assert "models verify" in choice.fix and "models pull" in choice.fix
    checked = choose_speech("auto", "cuda:0", weights, BASE, ABLE, listener="small")
    assert checked.name == "espeak" and "speech.verify is on, and " in checked.note


def test_weights_that_are_missing_are_named_with_their_folder(weights: Path) -> None:
    (weights / UNET).unlink()
    note = choose_lipsync("auto", "cuda:1", weights, ABLE).note
    assert note.endswith(f"LatentSync's weights are not in {weights}: {UNET} is missing")
    nowhere = choose_lipsync("auto", "cuda:1", weights / "no", ABLE).note
    assert UNET in nowhere and nowhere.endswith(" are missing")


def test_a_folder_of_weights_that_may_not_be_entered(weights: Path) -> None:
    weights.chmod(0)
    with ThreadPoolExecutor(1, initializer=give_up_rights) as somebody:
        choice = somebody.submit(choose_lipsync, "auto", "cuda:1", weights, ABLE).result()
    weights.chmod(0o700)
    assert choice.name == "mouthwarp"
    assert choice.note.endswith(f": {weights} cannot be read: Permission denied")
    assert "right to read" in choice.fix


def test_the_gpu_that_could_be_taken_instead(weights: Path) -> None:
    """The last one: the voice has the first."""
    for gpus, device, instead in ((4, "cuda:7", "cuda:3"), (2, "cuda:3", "cuda:1"), (1, "cuda:3", "cuda:0")):
        fix = choose_lipsync("auto", device, weights, Machine(gpus, "2.13.0")).fix
        assert f'Set lipsync.device = "{instead}" in vigentd.toml' in fix
        assert ("share one GPU" in fix) == (gpus == 1)


def test_an_alignment_that_is_not_installed(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """insightface, then what it needs and does not bring along, then its models: one after the other."""

    def choose(setting: str = "auto") -> Choice:
        return choose_lipsync(setting, "cuda:1", weights, ABLE, "insightface")

    monkeypatch.setenv("HOME", str(tmp_path))
    there: set[str] = set()
    monkeypatch.setattr("models.latentsync.needs.find_spec", lambda name: name if name in there else None)
    tools = Path(sys.executable).parent
    for name in ("insightface", "onnxruntime"):
        lacking = choose()
        assert lacking.name == "mouthwarp"
        assert lacking.note.endswith(f": lipsync.alignment is insightface, and {name} is not installed")
        assert f"`{tools}/pip install insightface onnxruntime-gpu`" in lacking.fix
        there.add(name)
    with pytest.raises(Unavailable, match=r"det_10g.onnx and 2d106det.onnx are not in ") as caught:
        choose("latentsync")
    assert caught.value.code == "engine_missing"
    assert f"`{tools}/insightface-cli model.download buffalo_l`" in caught.value.hint
    (tmp_path / INSIGHTFACE_MODELS).mkdir(parents=True)
    (tmp_path / INSIGHTFACE_MODELS / DETECTOR).touch()
    assert "2d106det.onnx is not in" in choose().note
    (tmp_path / INSIGHTFACE_MODELS / LANDMARKS).touch()
    assert choose() == Choice("latentsync", device="cuda:1")
    assert choose("mouthwarp") == Choice("mouthwarp")


@pytest.mark.slow
def test_torchs_compiler_leaves_nothing_elsewhere(tmp_path: Path) -> None:
    """Already its import makes a folder, if it is not told of another; so does the one for a CPU."""
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    code = (
        "from models.choose import lipsync_engine; from models.errors import Unavailable\n"
        f"try: lipsync_engine('latentsync', folder={str(tmp_path)!r}, device='cpu', precision='auto',\n"
        f"    cache=None, cache_bytes=0, compile=False, kernels={str(tmp_path / 'kernels')!r})\n"
        "except Unavailable as e: print(e.code)"
    )
    elsewhere = {"TMPDIR": str(tmp_path / "temporary"), "HOME": str(tmp_path / "home")}
    of_torch = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in of_torch} | elsewhere
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert said.stdout.strip() == "weights_missing"
    assert [*(tmp_path / "temporary").iterdir(), *(tmp_path / "home").iterdir()] == []


def test_asked_for_by_name_it_is_that_one_or_none(weights: Path) -> None:
    assert choose_lipsync("latentsync", "cuda:1", weights, ABLE).name == "latentsync"
    assert choose_lipsync("mouthwarp", "cuda:1", weights, ABLE).note == ""
    with pytest.raises(Unavailable, match=r"latentsync cannot run here: there is no second GPU") as caught:
        choose_lipsync("latentsync", "cuda:1", weights, Machine(1, "2.13.0"))
    assert caught.value.code == "engine_missing" and 'lipsync.device = "cuda:0"' in caught.value.hint
    with pytest.raises(Unavailable, match=r"the weights|weights are not in"):
        choose_lipsync("latentsync", "cuda:1", weights / "no", ABLE)
    assert choose_speech("qwen3", "cuda:1", weights, BASE, ABLE).name == "qwen3"
    assert choose_speech("espeak", "cuda:1", weights / "no", BASE, ABLE) == Choice("espeak")


def test_by_name_it_runs_on_a_cpu_and_says_how_slow_that_is(weights: Path) -> None:
    choice = choose_lipsync("latentsync", "cpu", weights, Machine(0, "2.13.0+cpu"))
    assert choice.name == "latentsync" and "a second of video takes minutes" in choice.note
    choice = choose_speech("qwen3", "cpu", weights, BASE, Machine(0, "2.13.0+cpu", ["faster_qwen3_tts"]))
    assert (choice.name, choice.device) == ("qwen3", "cpu")
    assert choice.note.startswith("Spoken by Qwen3-TTS without a GPU: speech.device is cpu")
    with pytest.raises(Unavailable, match="torch is not installed"):
        choose_lipsync("latentsync", "cpu", weights, Machine(0, ""))


def test_choosing_loads_neither_torch_nor_numpy(weights: Path) -> None:
    """The daemon and `vigentd ls` choose, too."""
    code = (
        "import sys; from pathlib import Path; from models.choose import *\n"
        f"weights = Path({str(weights)!r})\n"
        "choose_lipsync('latentsync', 'cpu', weights)\n"
        f"choose_speech('qwen3', 'cpu', weights, {BASE!r}, listener='small')\n"
        "assert choose_aligner('small', 'cpu', weights).name\n"
        "heavy = ('torch', 'numpy', 'diffusers', 'transformers', 'whisper', 'qwen_tts')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_an_engine_nobody_knows_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="lipsing"):
        lipsync_engine("lipsing")
    with pytest.raises(ValueError, match="espeka"):
        speech_engine("espeka")
