"""The networks piece by piece, in groups and in halves, against themselves as a whole."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.latentsync.files import files_in
from models.latentsync.network import DECODED, ENCODED, FEW, Networks, _compiled
from models.latentsync.weights import load_vae, random_unet
from tests.models.latentsync.golden import TOLERANCE, apart
from tests.models.latentsync.tiny import unet_config


@pytest.fixture
def networks(weights: Path) -> Networks:
    vae = load_vae(files_in(weights), "cpu", torch.float32)
    # Two channels to a group: a norm of one would take out again what the last layer is told of the time.
    unet = random_unet({**unet_config(64), "norm_num_groups": 4}, "cpu", torch.float32)
    for name, parameter in unet.named_parameters():
        if name.endswith(".attn2.to_out.0.weight"):
            parameter *= 30  # random networks hardly listen
    return Networks(unet, vae)


def randn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def given(batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    return randn(batch, 13, 16, 8, 8), torch.tensor(601), randn(batch * 16, 50, 32, seed=2)


def test_sizes_are_those_of_the_weights(networks: Networks) -> None:
    assert (networks.latent, networks.size) == (8, 64)
    assert (networks.device.type, networks.dtype) == ("cpu", torch.float32)


@pytest.mark.parametrize("batch", [1, 2])
def test_whole_is_the_stock_networks_own_way(networks: Networks, batch: int) -> None:
    painted, _ = networks.whole(*given(batch))
    assert torch.equal(painted, networks.unet(*given(batch)).sample)


def test_top_goes_on_from_what_was_kept(networks: Networks) -> None:
    """At the same step it gives the same; at another it sees and hears anew, but not as the whole would."""
    painted, kept = networks.whole(*given())
    assert apart(networks.top(kept, *given()), painted) < TOLERANCE
    sample, time, audio = given()
    for other in [
        (sample + randn(*sample.shape, seed=3), time, audio),
        (sample, torch.tensor(1), audio),
        (sample, time, audio + 1),
    ]:
        top = networks.top(kept, *other)
        assert apart(top, painted) > 5 * TOLERANCE
        assert apart(top, networks.whole(*other)[0]) > 5 * TOLERANCE


def test_halves_give_the_same(networks: Networks) -> None:
    painted, kept = networks.whole(*given())
    assert networks.save_memory()
    seen: list[int] = []
    networks.unet.conv_in.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    half_painted, half_kept = networks.whole(*given())
    assert apart(half_painted, painted) < TOLERANCE
    assert apart(half_kept, kept) < TOLERANCE
    assert apart(networks.top(half_kept, *given()), painted) < TOLERANCE
    assert seen == [16] * 4  # a chunk at once, where guidance has two
    assert not networks.save_memory(), "there is no less than that"


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("count", [1, 3, 16, 17, 33])
def test_any_number_of_faces_goes_through_in_groups(networks: Networks, count: int, small: bool) -> None:
    if small:
        networks.save_memory()
    at_once: list[int] = []
    for coder in (networks.vae.encoder, networks.vae.decoder):
        coder.conv_in.register_forward_pre_hook(lambda _, inputs: at_once.append(len(inputs[0])))
    faces = randn(count, 3, 64, 64).clamp(-1, 1)
    latents = networks.encode(faces)
    again = networks.decode(latents)
    groups = [(FEW if small else group) for group in (ENCODED, DECODED)]
    assert at_once == [n for group in groups for n in [group] * ceil(count / group)]  # else compiled anew

    scaling = networks.vae.config.scaling_factor
    assert scaling == 0.18215
    assert apart(latents, networks.vae.encode(faces).latent_dist.mean * scaling) < TOLERANCE
    assert apart(again, networks.vae.decode(latents / scaling).sample) < TOLERANCE


def test_a_face_does_not_depend_on_its_group(networks: Networks) -> None:
    """Or what a presenter's cache keeps would show in which job kept it."""
    faces = randn(20, 3, 64, 64).clamp(-1, 1)
    latents = networks.encode(faces)
    assert torch.equal(networks.encode(faces[5:9]), latents[5:9])


def test_torch_does_not_tune_sums_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process would choose anew, and what two of them make would differ in the last bits."""
    from torch._inductor import config

    asked: dict[str, Any] = {}
    monkeypatch.setattr(torch, "compile", lambda function, **how: asked.update(how) or function)
    _compiled(lambda x: x)
    assert asked["options"] == {"dynamic_scale_rblock": False}
    assert "dynamic_scale_rblock" in config.get_config_copy(), "torch knows it by another name now"
