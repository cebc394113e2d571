"""The denoising loop against numbers of the original, and what the job asks of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.errors import Cancelled
from models.latentsync.files import files_in
from models.latentsync.network import Networks
from models.latentsync.sampling import Sampling, denoise, first_noise, scheduler_of
from models.latentsync.unet import set_frames
from models.latentsync.weights import load_unet, load_vae
from tests.models.latentsync.golden import GOLDEN, TOLERANCE, apart, needs_golden, recorded_unet

FRAMES = 4  # of the recorded chunk


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    with np.load(GOLDEN / "ddim_small_golden.npz") as kept:
        return {name: torch.from_numpy(kept[name]) for name in kept.files}


@pytest.fixture(scope="module")
def original(weights: Path) -> Networks:
    """The network that was recorded. The tiny autoencoder is not used."""
    unet = recorded_unet()
    set_frames(unet, FRAMES)
    return Networks(unet, load_vae(files_in(weights), "cpu", torch.float32))


@needs_golden
@pytest.mark.parametrize(
    ("steps", "interval", "name"),
    [
        (4, 0, "latents_after_each_step_4"),
        (4, 1, "latents_after_each_step_4"),
        (7, 0, "latents_after_each_step_7_plain"),
        (7, 3, "latents_after_each_step_7_deepcache3"),
    ],
)
def test_latents_are_the_originals(
    original: Networks, recorded: dict[str, Any], steps: int, interval: int, name: str
) -> None:
    still = torch.cat([recorded[part] for part in ("mask", "masked_image_latents", "reference_latents")], 1)
    sampling = Sampling(steps, float(recorded["guidance_scale"]), interval)
    noise, audio = recorded["latents"], recorded["audio_embeds"]
    made = denoise(original, noise, still, audio, sampling, lambda: None)
    assert apart(made, recorded[name][-1]) < TOLERANCE
    assert torch.equal(scheduler_of(steps).timesteps, recorded[f"timesteps_{steps}"])


@needs_golden
def test_deepcache_is_another_way(recorded: dict[str, Any]) -> None:
    """Or the numbers above would pass with the cache never used."""
    plain, cached = (recorded[f"latents_after_each_step_7_{way}"][-1] for way in ("plain", "deepcache3"))
    assert apart(cached, plain) > 100 * TOLERANCE


# ---------------------------------------------------------------- on the tiny network


class Watched:
    """The tiny network, and what of it was called."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self.calls: list[tuple[str, int]] = []  # and with how many samples at once

    def whole(self, sample: Tensor, time: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        self.calls.append(("whole", len(sample)))
        return self._networks.whole(sample, time, audio)

    def top(self, kept: Tensor, sample: Tensor, time: Tensor, audio: Tensor) -> Tensor:
        self.calls.append(("top", len(sample)))
        return self._networks.top(kept, sample, time, audio)


@pytest.fixture
def watched(weights: Path) -> Watched:
    files, whole = files_in(weights), torch.float32
    return Watched(Networks(load_unet(files, "cpu", whole), load_vae(files, "cpu", whole)))


def sampled(
    network: Watched, sampling: Sampling, on_step: Callable[[], None] = lambda: None, heard: float = 1.0
) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    still = torch.randn((1, 9, 16, 8, 8), generator=generator)
    audio = torch.randn((16, 50, 32), generator=generator) * heard
    noise = first_noise(1, 4, 8, 8).expand(-1, -1, 16, -1, -1)
    return denoise(network, noise, still, audio, sampling, on_step)


@pytest.mark.parametrize(
    ("interval", "whole"), [(0, range(7)), (1, range(7)), (2, (0, 2, 4, 6)), (3, (0, 3, 6)), (9, (0,))]
)
def test_whole_network_at_every_so_many_steps(watched: Watched, interval: int, whole: range) -> None:
    steps = []
    sampled(watched, Sampling(7, 1.5, interval), lambda: steps.append(len(watched.calls)))
    assert [name for name, _ in watched.calls] == ["whole" if i in whole else "top" for i in range(7)]
    assert steps == list(range(1, 8))  # told of one after the other


def test_no_guidance_costs_half(watched: Watched) -> None:
    """And is what guidance comes to when what is heard makes no difference."""
    plain = sampled(watched, Sampling(2, 1.0, 2), heard=0.0)
    assert {count for _, count in watched.calls} == {1}
    guided = sampled(watched, Sampling(2, 1.5, 2), heard=0.0)
    assert {count for _, count in watched.calls[2:]} == {2}
    assert apart(guided, plain) < TOLERANCE


def test_guidance_follows_the_speech(watched: Watched) -> None:
    """1.5 goes half as far again as 1, from where the network goes without speech."""
    one_step = {
        (guidance, heard): sampled(watched, Sampling(1, guidance), heard=heard)
        for guidance, heard in [(1.0, 0.0), (1.0, 1.0), (1.5, 1.0)]
    }
    deaf, plain, guided = one_step.values()
    assert apart(plain, deaf) > 0.002
    assert apart(guided - deaf, 1.5 * (plain - deaf)) < 1e-3  # of a small difference of large numbers


def test_what_a_step_raises_ends_the_loop(watched: Watched) -> None:
    def cancelled() -> None:
        if len(watched.calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        sampled(watched, Sampling(7), cancelled)
    assert len(watched.calls) == 3


def test_noise_is_the_seeds() -> None:
    before = torch.random.get_rng_state()
    noise = first_noise(7, 4, 8, 8)
    assert noise.shape == (1, 4, 1, 8, 8)
    assert torch.equal(noise, first_noise(7, 4, 8, 8))
    assert not torch.equal(noise, first_noise(8, 4, 8, 8))
    assert torch.equal(before, torch.random.get_rng_state())
