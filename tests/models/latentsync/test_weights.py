"""Weights out of files: all of them or none, and a sentence about what is wrong with a file."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.beats import beating
from models.errors import Unavailable
from models.latentsync.files import Files, files_in, missing
from models.latentsync.fingerprint import fingerprint
from models.latentsync.unet import diffusers_key
from models.latentsync.weights import (
    load_unet,
    load_vae,
    load_whisper,
    random_unet,
    random_vae,
    random_whisper,
)
from tests.handlers.inbox.rights import give_up_rights
from tests.models.latentsync.golden import GOLDEN, needs_golden
from tests.models.latentsync.tiny import DIMS, VAE, unet_config

Changed = Callable[[dict[str, Any]], Any]


def rewrite(path: Path, change: Changed) -> None:
    state = torch.load(path, weights_only=True)
    path.unlink()  # not written into: a network may be made of its pages
    torch.save(change(state), path)


def refused(load: Callable[[], object]) -> Unavailable:
    with pytest.raises(Unavailable) as error:
        load()
    assert "\n" not in error.value.message
    assert not error.value.message.endswith(".")
    assert error.value.hint
    return error.value


def wrong_unet(files: Files) -> str:
    error = refused(lambda: load_unet(files, "cpu", torch.float32))
    assert error.code == "weights_wrong"
    assert error.message.startswith(str(files.unet))
    return error.message.removeprefix(f"{files.unet} ")


# ---------------------------------------------------------------- as they should be


def test_loaded_is_what_was_saved(files: Files) -> None:
    assert missing(files) == []
    unet = load_unet(files, "cpu", torch.float32)
    vae = load_vae(files, "cpu", torch.float32)
    whisper = load_whisper(files, "cpu")
    for found, made in (
        (unet, random_unet(unet_config(), "cpu", torch.float32)),
        (vae, random_vae("cpu", torch.float32, config=VAE)),
    ):
        torch.testing.assert_close(found.state_dict(), made.state_dict(), rtol=0, atol=0)
    halves = {key: tensor.half() for key, tensor in random_whisper("cpu", dims=DIMS).state_dict().items()}
    assert {key: tensor.half() for key, tensor in whisper.state_dict().items()}.keys() == halves.keys()
    assert all(torch.equal(tensor.half(), halves[key]) for key, tensor in whisper.state_dict().items())
    for module in (unet, vae, whisper):
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())
        assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}


def test_every_tensor_that_is_read_is_a_heartbeat(files: Files) -> None:
    """From a cold disk they may take minutes."""
    told, now = [0], count(1.0)
    with beating(told.append, lambda: next(now)):
        unet = load_unet(files, "cpu", torch.float32)
    assert told[-1] >= len(unet.state_dict())


def test_in_another_precision(files: Files) -> None:
    unet, vae = load_unet(files, "cpu", torch.bfloat16), load_vae(files, "cpu", torch.float16)
    assert {tensor.dtype for tensor in unet.state_dict().values()} == {torch.bfloat16}
    assert {tensor.dtype for tensor in vae.state_dict().values()} == {torch.float16}


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["state_dict"],
        lambda state: {"state_dict": {f"module.{k}": v for k, v in state["state_dict"].items()}},
    ],
    ids=["bare", "of several GPUs"],
)
def test_other_ways_to_save_the_same(files: Files, change: Changed) -> None:
    before = load_unet(files, "cpu", torch.float32).state_dict()
    rewrite(files.unet, change)
    torch.testing.assert_close(load_unet(files, "cpu", torch.float32).state_dict(), before)


def test_a_vae_saved_by_diffusers_of_today(files: Files) -> None:
    vae = random_vae("cpu", torch.float32, config=VAE)
    assert any(".query." in name for name in load_file(files.vae_weights))  # the old names, as on the hub
    save_file(vae.state_dict(), files.vae_weights)
    torch.testing.assert_close(load_vae(files, "cpu", torch.float32).state_dict(), vae.state_dict())


@needs_golden
def test_the_full_layout_loads_strictly(tmp_path: Path) -> None:
    """Every tensor of the real file in its real shape, of one number each, so that it takes no room."""
    keys: dict[str, list[int]] = json.loads((GOLDEN / "unet_stage2_512_keys.json").read_text())
    number = {key: float(i) for i, key in enumerate(keys)}
    files = files_in(tmp_path)
    files.unet.parent.mkdir()
    state = {key: torch.tensor(number[key]).expand(shape) for key, shape in keys.items()}
    torch.save({"state_dict": state}, files.unet)
    unet = load_unet(files, "cpu", torch.float32)
    loaded = unet.state_dict()
    there = {name: number[key] for key in keys if (name := diffusers_key(key)) is not None}
    assert len(loaded) == len(there) == 1226
    assert {name: tensor.flatten()[-1].item() for name, tensor in loaded.items()} == there
    assert sum(parameter.numel() for parameter in unet.parameters()) == 1_267_099_844


def test_fingerprint_follows_the_weights(files: Files) -> None:
    before = fingerprint(files)
    assert before == fingerprint(files)
    assert len(before) == 16
    int(before, 16)

    def nudge(state: dict[str, Any]) -> dict[str, Any]:
        state["state_dict"]["mid_block.resnets.0.conv1.bias"][3] += 1e-3
        return state

    rewrite(files.unet, nudge)
    after = fingerprint(files)
    files.unet_config.write_text(json.dumps(unet_config(256)))
    assert len({before, after, fingerprint(files)}) == 3


# ---------------------------------------------------------------- missing or wrong


def test_missing_files_are_named_with_where_they_come_from(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    assert len(missing(files)) == 4
    for load in (
        lambda: load_unet(files, "cpu", torch.float32),
        lambda: load_vae(files, "cpu", torch.float32),
        lambda: load_whisper(files, "cpu"),
        lambda: fingerprint(files),
    ):
        error = refused(load)
        assert error.code == "weights_missing"
        assert all(str(path) in error.message for path in missing(files))
        assert "`vigentd models pull LatentSync-1.6 sd-vae-ft-mse`" in error.hint


def test_only_what_is_missing_is_named(files: Files) -> None:
    files.vae_weights.unlink()
    error = refused(lambda: load_vae(files, "cpu", torch.float32))
    assert error.message == f"LatentSync's weights are not complete: {files.vae_weights} is missing"
    load_unet(files, "cpu", torch.float32)


def test_a_file_that_is_cut_off(files: Files) -> None:
    os.truncate(files.unet, 500_000)
    assert wrong_unet(files) == (
        "is not a checkpoint: expected what torch.save writes, "
        "found one that ends too early, after 500,000 bytes"
    )
    os.truncate(files.whisper, 500)
    assert refused(lambda: load_whisper(files, "cpu")).code == "weights_wrong"
    os.truncate(files.vae_weights, 5_000)
    error = refused(lambda: load_vae(files, "cpu", torch.float32))
    assert error.code == "weights_wrong"
    assert error.message.startswith(f"{files.vae_weights} is not a checkpoint: expected safetensors")


@pytest.mark.parametrize(
    ("content", "called"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "a pointer of git-lfs"),
        (b"\n<!DOCTYPE html><html>404</html>", "a web page"),
        (bytes(range(256)) * 9, "something else, or a part of one (2,304 bytes)"),
        (pickle.dumps([1, 2]), "something else"),
    ],
)
def test_something_else_in_its_place(files: Files, content: bytes, called: str) -> None:
    files.unet.write_bytes(content)
    assert called in wrong_unet(files)
    files.vae_weights.write_bytes(content)
    assert called in refused(lambda: load_vae(files, "cpu", torch.float32)).message


class Code:
    def __init__(self, harm: Path) -> None:
        self.harm = harm

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.harm),)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_not_run(files: Files, zipped: bool, protocol: int, tmp_path: Path) -> None:
    """torch does not understand pickles of protocol 4, and warns of them."""
    harm = {"state_dict": {"conv_in.weight": Code(tmp_path / "harm")}}
    torch.save(harm, files.unet, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    assert wrong_unet(files) == "holds more than weights, such as code, and was not loaded"
    assert not (tmp_path / "harm").exists()


def test_a_pickle_that_torch_did_not_save(files: Files, tmp_path: Path) -> None:
    files.unet.write_bytes(pickle.dumps({"conv_in.weight": Code(tmp_path / "harm")}, protocol=4))
    assert wrong_unet(files) == "holds more than weights, such as code, and was not loaded"
    assert not (tmp_path / "harm").exists()


def test_a_folder_that_may_not_be_entered(files: Files) -> None:
    files.unet.parent.chmod(0)
    with ThreadPoolExecutor(1, initializer=give_up_rights) as somebody:
        told = somebody.submit(refused, lambda: load_unet(files, "cpu", torch.float32)).result()
    assert told.message == f"{files.unet.parent} cannot be read: Permission denied"
    files.unet.parent.chmod(0o700)


def test_other_weights_than_expected(files: Files) -> None:
    def renamed(state: dict[str, Any]) -> dict[str, Any]:
        weights = state["state_dict"]
        weights["conv_in.extra"] = weights.pop("conv_in.bias")
        weights["more"] = torch.zeros(1)
        return state

    rewrite(files.unet, renamed)
    assert wrong_unet(files) == (
        "has other weights than expected: of 1226, 1 are missing, and 2 are unknown "
        "(the first: conv_in.bias is missing)"
    )


def test_weights_that_have_no_place(files: Files) -> None:
    rewrite(files.unet, lambda state: state["state_dict"] | {"more": torch.zeros(1)})
    assert wrong_unet(files) == (
        "has other weights than expected: of 1226, 0 are missing, and 1 are unknown "
        "(the first: more has no place)"
    )


def test_weights_of_another_shape(files: Files) -> None:
    def reshaped(state: dict[str, Any]) -> dict[str, Any]:
        state["state_dict"]["conv_in.weight"] = torch.zeros(8, 9, 3, 3)  # of a network for inpainting
        return state

    rewrite(files.unet, reshaped)
    assert wrong_unet(files) == (
        "has weights of another shape than expected, 1 of 1226 (the first: conv_in.weight, "
        "expected [8, 13, 3, 3], found [8, 9, 3, 3])"
    )
    files.unet_config.unlink()  # then the full network is expected
    assert "has weights of another shape than expected" in wrong_unet(files)


@pytest.mark.parametrize("state", [[1, 2], {"state_dict": {"a": 1}}, {"state_dict": {1: torch.zeros(1)}}])
def test_no_weights_by_name(files: Files, state: Any) -> None:
    torch.save(state, files.unet)
    assert wrong_unet(files) == "is not a checkpoint: expected tensors by name, found something else"


@pytest.mark.parametrize(
    "content", ["{", "[1]", '{"no_such_thing": 1}', '{"block_out_channels": "x"}', '{"norm_num_groups": 7}']
)
def test_a_configuration_that_makes_no_sense(files: Files, content: str) -> None:
    files.unet_config.write_text(content)
    error = refused(lambda: load_unet(files, "cpu", torch.float32))
    assert error.code == "weights_wrong"
    assert error.message.startswith(str(files.unet_config))
    files.vae_config.write_text(content)
    assert refused(lambda: load_vae(files, "cpu", torch.float32)).code == "weights_wrong"


def test_another_whisper(files: Files) -> None:
    """Somebody laid base.pt or small.pt there: it loads, but the network cannot listen to it."""

    def wider(state: dict[str, Any]) -> dict[str, Any]:
        state["dims"] |= {"n_audio_state": 64, "n_text_state": 64}
        return state

    rewrite(files.whisper, wider)
    error = refused(lambda: load_whisper(files, "cpu"))
    assert error.code == "weights_wrong"
    assert "expected rows of 32, found 64" in error.message


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["model_state_dict"],
        lambda state: state | {"dims": {"n_mels": 80}},
        lambda state: state | {"dims": [80]},
        lambda state: state | {"model_state_dict": {}},
    ],
    ids=["bare", "few dims", "no dims", "no weights"],
)
def test_not_a_whisper(files: Files, change: Changed) -> None:
    rewrite(files.whisper, change)
    error = refused(lambda: load_whisper(files, "cpu"))
    assert error.code == "weights_wrong"
    assert error.message.startswith(str(files.whisper))


def test_random_vae_and_whisper_are_finite_and_of_order_one() -> None:
    vae, whisper = random_vae("cpu", torch.float32, config=VAE), random_whisper("cpu", dims=DIMS)
    picture = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    latents: Tensor = vae.encode(picture).latent_dist.mean
    assert latents.shape == (1, 4, 8, 8)
    assert 0.01 < float(latents.std()) < 10
    assert 0.01 < float(vae.decode(latents).sample.std()) < 10
    heard = whisper.encoder(torch.randn(1, 80, 3000, generator=torch.Generator().manual_seed(2)))
    assert 0.1 < float(heard.std()) < 10
    assert all(bool(torch.isfinite(weight).all()) for weight in whisper.parameters())
