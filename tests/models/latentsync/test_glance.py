"""What a glance at files of weights shows, without torch; and that it finds nothing in what can be loaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.latentsync.files import Files, files_in
from models.latentsync.glance import glance
from models.latentsync.weights import load_unet, load_vae, load_whisper, random_whisper
from tests.handlers.inbox.rights import give_up_rights
from tests.models.latentsync.tiny import DIMS

PAGE = b"<!DOCTYPE html><html>404</html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n"


def found(files: Files) -> str:
    """The one thing that is wrong."""
    (error,) = glance(files)
    assert error.code == "weights_wrong" and error.hint and "\n" not in error.message
    return error.message


def test_files_that_can_be_loaded(files: Files, tmp_path: Path) -> None:
    assert glance(files) == []
    for path in (files.unet, files.whisper):  # as torch < 1.6 saved them
        torch.save(
            torch.load(path, weights_only=True), tmp_path / "old", _use_new_zipfile_serialization=False
        )
        (tmp_path / "old").replace(path)
    assert glance(files) == []
    load_unet(files, "cpu", torch.float32)
    load_whisper(files, "cpu")
    load_vae(files, "cpu", torch.float32)
    assert glance(files_in(tmp_path / "nowhere")) == [], "what is missing is said elsewhere"


def test_names_of_whoever_trained_on_several_gpus(files: Files) -> None:
    state = torch.load(files.unet, weights_only=True)["state_dict"]
    files.unet.unlink()
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, files.unet)
    assert glance(files) == []


@pytest.mark.parametrize("name", ["unet", "whisper", "vae_weights", "vae_config", "unet_config"])
@pytest.mark.parametrize(
    ("content", "called"),
    [
        (b"", "an empty file"),
        (PAGE, "a web page"),
        (POINTER, "a pointer of git-lfs (`git lfs pull` fetches the file itself)"),
        (bytes(range(256)) * 9, "something else, or a part of one (2,304 bytes)"),
    ],
    ids=["empty", "page", "pointer", "else"],
)
def test_something_else_in_its_place(files: Files, name: str, content: bytes, called: str) -> None:
    path: Path = getattr(files, name)
    path.write_bytes(content)
    assert found(files).startswith(f"{path} is not a c") and found(files).endswith(f"found {called}")


def test_every_file_is_looked_at(files: Files) -> None:
    for path in (files.unet, files.whisper, files.vae_weights):
        path.write_bytes(POINTER)
    assert [error.message.split()[0] for error in glance(files)] == [
        str(files.unet),
        str(files.whisper),
        str(files.vae_weights),
    ]


def test_a_file_that_ends_too_early(files: Files) -> None:
    os.truncate(files.unet, 500_000)
    assert found(files) == (
        f"{files.unet} is not a checkpoint: expected what torch.save writes, "
        "found one that ends too early, after 500,000 bytes"
    )
    files.unet.unlink()
    size = files.vae_weights.stat().st_size
    os.truncate(files.vae_weights, size - 1)
    assert f"is not whole: expected {size:,} bytes, found {size - 1:,}" in found(files)
    for left in (500, 4):
        os.truncate(files.vae_weights, left)
        assert f"expected safetensors, found something else, or a part of one ({left:,} bytes)" in found(
            files
        )


@pytest.mark.parametrize("header", ["{", "[]", "{}", '{"a": {}}', '{"a": {"data_offsets": [0, "x"]}}'])
def test_a_header_that_makes_no_sense(files: Files, header: str) -> None:
    files.vae_weights.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    assert "is not a checkpoint: expected safetensors" in found(files)


def test_another_archive(files: Files, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "letters"), "zip", files.vae, "config.json")
    (tmp_path / "letters.zip").replace(files.unet)
    assert "found something else" in found(files)


def test_files_that_were_confused(files: Files, tmp_path: Path) -> None:
    files.unet.replace(tmp_path / "unet")
    files.whisper.replace(files.unet)
    (tmp_path / "unet").replace(files.whisper)
    assert [error.message for error in glance(files)] == [
        f"{files.unet} has other weights than expected: conv_in.weight is missing",
        f"{files.whisper} has other weights than expected: model_state_dict is missing",
    ]


def test_another_models_weights(files: Files) -> None:
    still = {"conv_in.weight": torch.zeros(1), "down_blocks.0.resnets.0.conv1.weight": torch.zeros(1)}
    torch.save(still, files.unet)  # a network for pictures
    assert found(files).endswith("has other weights than expected: down_blocks.0.motion_modules is missing")
    files.unet.unlink()
    weights = load_file(files.vae_weights)
    save_file({f"vae.{name}": tensor.clone() for name, tensor in weights.items()}, files.vae_weights)
    assert "encoder.down_blocks.0.resnets.0.conv1.weight is missing" in found(files)


def test_a_larger_whisper(files: Files) -> None:
    larger = random_whisper("cpu", dims=replace(DIMS, n_audio_layer=6))
    torch.save({"dims": vars(larger.dims), "model_state_dict": larger.state_dict()}, files.whisper)
    assert "is another Whisper" in found(files) and "whisper/tiny.pt" in glance(files)[0].hint


def as_somebody_else(do: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1, initializer=give_up_rights) as somebody:
        return somebody.submit(do).result()


def test_a_file_that_may_not_be_read(files: Files) -> None:
    for path in (files.unet, files.vae_weights, files.vae_config):
        path.chmod(0)
        (error,) = as_somebody_else(lambda: glance(files))
        assert error.message == f"{path} cannot be read: Permission denied" and "right to read" in error.hint
        path.chmod(0o600)


def test_a_folder_that_may_not_be_entered(files: Files) -> None:
    files.vae.chmod(0)
    messages = {error.message for error in as_somebody_else(lambda: glance(files))}
    assert messages == {f"{files.vae} cannot be read: Permission denied"}
    files.vae.chmod(0o700)


def test_torch_is_not_loaded(files: Files) -> None:
    code = (
        "import sys; from pathlib import Path; from models.latentsync.files import files_in\n"
        "from models.latentsync.glance import glance\n"
        f"assert glance(files_in(Path({str(files.vae.parent)!r}))) == []\n"
        "print([name for name in ('torch', 'numpy', 'safetensors') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_configuration_of_the_vae(files: Files) -> None:
    files.vae_config.write_text(json.dumps(["AutoencoderKL"]))
    assert found(files).endswith("expected a JSON object, found a list")
