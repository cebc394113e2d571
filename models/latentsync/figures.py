"""What the networks cost, counted and measured; for `vigentd bench lipsync` alone."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from models.latentsync.network import Networks, decode, encode, top, whole
from models.latentsync.sampling import Sampling, denoise, first_noise
from models.latentsync.stock import AttnProcessor2_0
from models.latentsync.takes import CHUNK

FPS = 25
ROWS = 50  # of what is heard, that a frame sees


def work(networks: Networks, steps: int, guidance: float, interval: int) -> float:
    """Operations for a second of new video at 25 frames a second, multiplications and additions apart."""
    unet, vae = (_weightless(module, networks.dtype) for module in (networks.unet, networks.vae))
    batch = 1 if guidance == 1 else 2
    sample, when, audio = _inputs(networks, batch, torch.device("meta"))
    side, latent, like = networks.size, networks.latent, {"device": "meta", "dtype": networks.dtype}
    kept = torch.empty((batch * CHUNK, unet.config.block_out_channels[0], latent, latent), **like)
    faces = torch.empty((2 * CHUNK, 3, side, side), **like)  # with their mouths, and without
    latents = torch.empty((CHUNK, 4, latent, latent), **like)
    sampling = Sampling(steps, guidance, interval)
    wholes = sum(sampling.whole(step) for step in range(steps))
    chunk = (
        wholes * _counted(lambda: whole(unet, sample, when, audio))
        + (steps - wholes) * _counted(lambda: top(unet, kept, sample, when, audio))
        + _counted(lambda: encode(vae, faces))
        + _counted(lambda: decode(vae, latents))
    )
    return chunk * FPS / CHUNK


def matmul_tflops(device: torch.device, dtype: torch.dtype) -> float:
    """The rate of one large matrix product there, 10¹² operations a second."""
    side = 8192 if device.type == "cuda" else 1024
    a = torch.randn((side, side), device=device).to(dtype)
    a @ a  # the first one is slower
    seconds = min(_seconds(lambda: a @ a, device) for _ in range(10))
    return 2 * side**3 / seconds / 1e12


def sampling_error(networks: Networks, steps: int, guidance: float, interval: int) -> float:
    """Relative L2 of a sampled chunk against the same weights and inputs in single precision."""
    unet = copy.deepcopy(networks.unet).float()
    unet.set_attn_processor(AttnProcessor2_0())
    exact = Networks(unet, networks.vae)
    generator = torch.Generator().manual_seed(0)
    _, _, audio = _inputs(networks, 1, networks.device)
    side = networks.latent
    still = torch.randn((1, 9, CHUNK, side, side), generator=generator).to(networks.device)
    heard = torch.randn(audio.shape, generator=generator).to(networks.device)
    noise = first_noise(0, 4, side, side).to(networks.device).expand(-1, -1, CHUNK, -1, -1)
    sampling = Sampling(steps, guidance, interval)

    def sampled(one: Networks) -> Tensor:
        return denoise(one, noise, still.to(one.dtype), heard.to(one.dtype), sampling, lambda: None)

    expected, found = sampled(exact), sampled(networks)
    return float((found - expected).norm() / expected.norm())


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"


def _inputs(networks: Networks, batch: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    side, width = networks.latent, networks.unet.config.cross_attention_dim
    like = {"device": device, "dtype": networks.dtype}
    return (
        torch.empty((batch, 13, CHUNK, side, side), **like),
        torch.empty((), device=device, dtype=torch.int64),
        torch.empty((batch * CHUNK, ROWS, width), **like),
    )


def _weightless(module: Any, dtype: torch.dtype) -> Any:
    """The same network without any weights: shapes can be sent through it."""
    config = {name: value for name, value in module.config.items() if not name.startswith("_")}
    with torch.device("meta"):
        return torch.nn.Module.to(type(module)(**config), dtype)  # diffusers' own warns of nothing


def _counted(function: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        function()
    return float(counter.get_total_flops())


def _seconds(function: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
