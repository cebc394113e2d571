"""The network against numbers of the original, and what the engine asks of it."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from models.latentsync.stock import UNetMotionModel
from models.latentsync.unet import (
    STAGE2_512,
    FrameGroupNorm,
    StillGroupNorm,
    build,
    diffusers_key,
    set_frames,
)
from models.latentsync.weights import random_unet
from tests.models.latentsync.golden import GOLDEN, TOLERANCE, apart, needs_golden, recorded_unet
from tests.models.latentsync.tiny import originals, unet_config


@pytest.fixture(scope="module")
def recorded() -> dict[str, Tensor]:
    return load_file(GOLDEN / "unet_small_golden.safetensors")


@pytest.fixture(scope="module")
def network() -> UNetMotionModel:
    return recorded_unet()


@needs_golden
@torch.no_grad()
def test_output_is_the_originals(network: UNetMotionModel, recorded: dict[str, Tensor]) -> None:
    set_frames(network, 4)
    made = network(recorded["sample"], recorded["timestep"], recorded["audio_embeds"]).sample
    assert apart(made, recorded["output"]) < TOLERANCE


@needs_golden
@torch.no_grad()
def test_three_of_the_frames_have_other_statistics(
    network: UNetMotionModel, recorded: dict[str, Tensor]
) -> None:
    set_frames(network, 3)
    audio = recorded["audio_embeds"].reshape(2, 4, 50, 32)[:, :3].flatten(0, 1)
    made = network(recorded["sample"][:, :, :3], recorded["timestep"], audio).sample
    assert apart(made, recorded["output_first_3_frames"]) < TOLERANCE
    assert apart(made, recorded["output"][:, :, :3]) > 100 * TOLERANCE


@needs_golden
def test_every_key_of_the_full_checkpoint_has_its_place() -> None:
    keys = json.loads((GOLDEN / "unet_stage2_512_keys.json").read_text())
    with torch.device("meta"):
        unet = build(STAGE2_512)
    mapped = [(name, shape) for key, shape in keys.items() if (name := diffusers_key(key)) is not None]
    assert len(mapped) == 1226
    assert dict(mapped) == {name: list(tensor.shape) for name, tensor in unet.state_dict().items()}
    # and the small checkpoints that tests use are laid out as the real one
    assert keys == {key: list(tensor.shape) for key, tensor in originals(unet.state_dict())}
    norms = [type(module) for module in unet.modules()]
    assert (norms.count(FrameGroupNorm), norms.count(StillGroupNorm)) == (45, 20)
    assert sum(parameter.numel() for parameter in unet.parameters()) == 1_267_099_844


def test_norms_against_their_definitions() -> None:
    x = torch.randn(2 * 16, 8, 4, 4, generator=torch.Generator().manual_seed(1)) * 3 + 1
    frame, still = FrameGroupNorm(2, 8), StillGroupNorm(2, 8)
    chunks = x.reshape(2, 16, 2, 4, 4, 4)  # batch, frames, groups, channels of a group, h, w

    def normed(over: tuple[int, ...]) -> Tensor:
        mean, var = chunks.mean(over, keepdim=True), chunks.var(over, correction=0, keepdim=True)
        return ((chunks - mean) / (var + 1e-5).sqrt()).reshape(x.shape)

    torch.testing.assert_close(frame(x), normed((1, 3, 4, 5)))
    clip = x.reshape(2, 16, 8, 4, 4).transpose(1, 2)
    torch.testing.assert_close(still(clip).transpose(1, 2).flatten(0, 1), normed((3, 4, 5)))


def test_a_chunk_of_another_length_is_refused() -> None:
    unet = random_unet(unet_config(64), "cpu", torch.float32)
    eight = torch.zeros(2, 13, 8, 8, 8)  # 2*8 frames would pass for one chunk of 16
    with pytest.raises(ValueError, match="8 frames where set_frames said 16"):
        unet(eight, torch.tensor(1), torch.zeros(16, 50, 32))


@torch.no_grad()
def test_parts_with_both_norms_compile_in_one_graph() -> None:
    unet = random_unet(unet_config(64), "cpu", torch.float32)
    last = unet.up_blocks[-1]

    def parts(x: Tensor, embedding: Tensor) -> Tensor:  # what DeepCache runs, without the attention
        x = last.motion_modules[-1](last.resnets[-1](x, embedding), num_frames=16)
        made: Tensor = unet.conv_out(unet.conv_act(unet.conv_norm_out(x)))
        return made

    generator = torch.Generator().manual_seed(2)
    given = (torch.randn(32, 16, 8, 8, generator=generator), torch.randn(32, 32, generator=generator))
    compiled = torch.compile(parts, backend="eager", fullgraph=True, dynamic=False)
    torch.testing.assert_close(compiled(*given), parts(*given))
    torch.compiler.reset()


@torch.no_grad()
def test_random_network_is_of_order_one_in_half_precision_too() -> None:
    given = (torch.randn(1, 13, 16, 8, 8, generator=torch.Generator().manual_seed(3)), torch.tensor(500))
    audio = torch.randn(16, 50, 32, generator=torch.Generator().manual_seed(4))
    before = torch.random.get_rng_state()
    full = random_unet(unet_config(64), "cpu", torch.float32)(*given, audio).sample
    half = random_unet(unet_config(64), "cpu", torch.float16)(given[0].half(), given[1], audio.half()).sample
    other = random_unet(unet_config(64), "cpu", torch.float32, seed=1)(*given, audio).sample
    assert torch.equal(before, torch.random.get_rng_state())
    assert 0.05 < float(full.std()) < 5
    assert apart(half.float(), full) < 0.02
    assert apart(other, full) > 0.1
