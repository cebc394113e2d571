"""The models of the catalogue: those that the engines look for, pinned, found by what a person types."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from models.errors import BadInput
from models.hub.catalogue import MODELS, named
from models.hub.needed import needed_by, not_served
from models.latentsync.files import files_in
from models.qwen3 import checkpoint
from pipeline.spec import WhisperSettings
from tests.models.hub.hub_kit import lay


def test_every_model_and_file_is_pinned() -> None:
    for name, model in MODELS.items():
        assert name == model.name
        assert re.fullmatch(r"[0-9a-f]{40}", model.revision), name
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.repository), name
        files = [*model.files, *model.instead]
        assert len({file.name for file in files}) == len(files)
        for file in files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256), file
            assert file.size > 0


def test_its_files_are_those_that_latentsync_needs() -> None:
    weights = Path("/models")
    needed = {str(path.relative_to(weights)) for path in files_in(weights).needed}
    models = (MODELS["LatentSync-1.6"], MODELS["sd-vae-ft-mse"])
    assert {f"{model.name}/{file.name}" for model in models for file in model.files} == needed


def test_its_files_are_those_that_qwen3_needs(tmp_path: Path) -> None:
    for kind in checkpoint.MODELS:
        model = MODELS[f"Qwen3-TTS-12Hz-{kind}"]
        absent = {str(path.relative_to(tmp_path / model.name)) for path in checkpoint.missing(tmp_path, kind)}
        assert {file.name for file in model.files} == absent
    lay(
        tmp_path,
        {f"Qwen3-TTS-12Hz-1.7B-Base/{file.name}": b"x" for file in MODELS["Qwen3-TTS-12Hz-1.7B-Base"].files},
    )
    assert checkpoint.missing(tmp_path, "1.7B-Base") == []


def test_there_is_a_whisper_of_every_size_that_can_be_set() -> None:
    sizes = get_args(WhisperSettings.model_fields["model"].annotation)
    assert {name for name in MODELS if name.startswith("whisper-")} == {f"whisper-{size}" for size in sizes}


def test_openais_files_have_the_hashes_that_its_own_package_has() -> None:
    spec = find_spec("whisper")
    if spec is None or spec.origin is None:
        pytest.skip("openai-whisper is not installed")
    known = dict(
        re.findall(r'"([\w.-]+)": "https://\S+/models/([0-9a-f]{64})/', Path(spec.origin).read_text())
    )
    for name, model in MODELS.items():
        for file in model.instead:
            assert file.sha256 == known[name.removeprefix("whisper-")] == known[Path(file.name).stem]
    assert MODELS["LatentSync-1.6"].files[1].sha256 == known["tiny"]


def test_names_are_found_in_any_case_and_the_nearest_is_named() -> None:
    assert [model.name for model in named(["latentsync-1.6", "WHISPER-small", "whisper-small"])] == [
        "LatentSync-1.6",
        "whisper-small",
    ]
    for typed, nearest in (
        ("latentsync", "LatentSync-1.6"),
        ("whisper-smal", "whisper-small"),
        ("1.7B-Base", "1.7B-Base"),
    ):
        with pytest.raises(BadInput) as raised:
            named([typed])
        assert raised.value.code == "model_unknown"
        assert nearest in raised.value.message.partition("nearest")[2]
    with pytest.raises(BadInput) as raised:
        named(["§§§§"])
    assert raised.value.message == 'There is no model called "§§§§"'


# ---------------------------------------------------------------- needed_by


@dataclass(frozen=True)
class Engine:
    engine: str = "auto"
    device: str = "cuda:0"
    model: str = "1.7B-Base"


@dataclass(frozen=True)
class Wishes:
    speech: Engine = Engine()
    lipsync: Engine = Engine()
    whisper: Engine = Engine(model="small")


LIPS = ["LatentSync-1.6", "sd-vae-ft-mse"]


def test_what_is_needed_follows_from_the_engines() -> None:
    draft = Wishes(Engine("espeak"), Engine("mouthwarp"))
    assert needed_by(draft) == []
    assert needed_by(replace(draft, lipsync=Engine("latentsync"))) == LIPS
    speech = Engine("qwen3", model="0.6B-CustomVoice")
    whisper = Engine(model="turbo")
    assert needed_by(replace(draft, speech=speech, whisper=whisper)) == [
        "Qwen3-TTS-12Hz-0.6B-CustomVoice",
        "whisper-turbo",
    ]
    assert needed_by(Wishes()) == ["Qwen3-TTS-12Hz-1.7B-Base", "whisper-small", *LIPS]


def test_auto_needs_nothing_without_a_gpu() -> None:
    assert needed_by(Wishes(), gpus=0) == []
    assert needed_by(Wishes(Engine(device="cpu"), Engine(device="cpu"))) == []
    named_on_the_cpu = Wishes(Engine("qwen3", "cpu"), Engine("latentsync", "cpu"))
    assert len(needed_by(named_on_the_cpu, gpus=0)) == 4


def test_auto_needs_nothing_on_a_gpu_that_is_not_there() -> None:
    usual = Wishes(lipsync=Engine(device="cuda:1"))
    assert needed_by(usual, gpus=1) == ["Qwen3-TTS-12Hz-1.7B-Base", "whisper-small"]
    assert needed_by(usual, gpus=2) == [*needed_by(usual, gpus=1), *LIPS]
    (said,) = not_served(usual, gpus=1)
    assert said.startswith(
        "LatentSync is not needed, because there is no second GPU (lipsync.device is cuda:1)"
    )
    assert 'Set lipsync.device = "cuda:0"' in said
    named = replace(usual, lipsync=Engine("latentsync", "cuda:1"))
    assert needed_by(named, gpus=1)[2:] == LIPS
    for config, gpus in ((usual, 2), (usual, 0), (named, 1), (Wishes(), 1)):
        assert not_served(config, gpus) == []
