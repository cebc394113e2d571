"""LatentSync's networks with their weights: those of the files, or random ones of the same size for benches.

All that is returned is in eval mode and needs no gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn

from models.checkpoint_file import describing, fill, read_safetensors, read_torch, tensors_of
from models.latentsync.files import Files
from models.latentsync.fingerprint import need
from models.latentsync.stock import AutoencoderKL, ModelDimensions, UNetMotionModel, Whisper
from models.latentsync.unet import STAGE2_512, build, diffusers_key
from models.weight_files import read_json, wrong

Device = torch.device | str
Module = TypeVar("Module", bound=nn.Module)

# Keyword arguments of AutoencoderKL for stabilityai/sd-vae-ft-mse.
SD_VAE: Mapping[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "act_fn": "silu",
    "sample_size": 256,
}
WHISPER_TINY = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,
    n_audio_state=384,
    n_audio_head=6,
    n_audio_layer=4,
    n_vocab=51865,
    n_text_ctx=448,
    n_text_state=384,
    n_text_head=6,
    n_text_layer=4,
)

# sd-vae-ft-mse was saved before diffusers gave its attention these names.
_VAE_NAMES = (
    (".query.", ".to_q."),
    (".key.", ".to_k."),
    (".value.", ".to_v."),
    (".proj_attn.", ".to_out.0."),
)


# ---------------------------------------------------------------- of the files


def unet_config(files: Files) -> Mapping[str, Any]:
    """Keyword arguments of UNetMotionModel for these weights."""
    return read_json(files.unet_config) if files.unet_config.is_file() else STAGE2_512


def load_unet(files: Files, device: Device, dtype: torch.dtype) -> UNetMotionModel:
    """The denoising network, on the device in dtype. Raises Unavailable weights_missing, weights_wrong."""
    need(files, files.unet)
    config = unet_config(files)
    with describing(files.unet_config, "a UNetMotionModel"), torch.device("meta"):
        unet = build(config)
    state = read_torch(files.unet)
    if isinstance(state, Mapping) and "state_dict" in state:
        state = state["state_dict"]
    named = ((diffusers_key(key), tensor) for key, tensor in tensors_of(files.unet, state).items())
    fill(unet, {key: tensor for key, tensor in named if key is not None}, files.unet, device, dtype)
    return _ready(unet)


def load_vae(files: Files, device: Device, dtype: torch.dtype) -> AutoencoderKL:
    """Pictures ↔ latents, an eighth of their size. Raises Unavailable weights_missing, weights_wrong."""
    need(files, files.vae_config, files.vae_weights)
    config = read_json(files.vae_config)
    with describing(files.vae_config, "an AutoencoderKL"), torch.device("meta"):
        vae: AutoencoderKL = AutoencoderKL.from_config(config)
    tensors = {_vae_key(key): tensor for key, tensor in read_safetensors(files.vae_weights).items()}
    fill(vae, tensors, files.vae_weights, device, dtype)
    return _ready(vae)


def load_whisper(files: Files, device: Device) -> Whisper:
    """Whisper, its weights in float32: its own layers turn them into the precision of what they are given.

    Raises Unavailable weights_missing, weights_wrong.
    """
    need(files, files.whisper)
    found = read_torch(files.whisper)
    if not isinstance(found, Mapping) or not {"dims", "model_state_dict"} <= set(found):
        raise wrong(files.whisper, "is not openai-whisper's: expected dims and model_state_dict in it")
    with describing(files.whisper, "a Whisper"):
        dims = ModelDimensions(**found["dims"])
        whisper = Whisper(dims)  # not on meta: it has tables that are not in the file
    width = unet_config(files).get("cross_attention_dim")
    if dims.n_audio_state != width:
        raise wrong(
            files.whisper,
            f"is another Whisper than the network was trained with: expected rows of {width}, "
            f"found {dims.n_audio_state}",
            "Take whisper/tiny.pt of ByteDance/LatentSync-1.6.",
        )
    tensors = tensors_of(files.whisper, found["model_state_dict"])
    fill(whisper, tensors, files.whisper, device, torch.float32)
    return _ready(whisper.to(device))


def _vae_key(key: str) -> str:
    if ".attentions." in key:
        for old, new in _VAE_NAMES:
            key = key.replace(old, new)
    return key


# ---------------------------------------------------------------- random ones


def random_unet(
    config: Mapping[str, Any], device: Device, dtype: torch.dtype, seed: int = 0
) -> UNetMotionModel:
    """A network as `load_unet` gives it, with weights that mean nothing; what it makes is finite in fp16."""
    with _seeded(torch.device(device), seed):
        return _ready(_in_dtype(build(config), dtype))


def random_vae(
    device: Device, dtype: torch.dtype, seed: int = 0, config: Mapping[str, Any] = SD_VAE
) -> AutoencoderKL:
    with _seeded(torch.device(device), seed):
        vae: AutoencoderKL = AutoencoderKL(**config)
        return _ready(_in_dtype(vae, dtype))


def random_whisper(device: Device, seed: int = 0, dims: ModelDimensions = WHISPER_TINY) -> Whisper:
    with _seeded(torch.device(device), seed):
        whisper = Whisper(dims)
        nn.init.normal_(whisper.decoder.positional_embedding, std=0.02)  # whatever was in memory, else
        return _ready(whisper)


@contextmanager
def _seeded(device: torch.device, seed: int) -> Iterator[None]:
    """What is made here is made on the device, from the seed; randomness outside goes on as before."""
    with torch.random.fork_rng([device] if device.type == "cuda" else [], device_type="cuda"), device:
        torch.manual_seed(seed)
        yield


def _in_dtype(module: Module, dtype: torch.dtype) -> Module:
    # not diffusers' own `to`, which warns of an empty list of layers that should stay in float32
    nn.Module.to(module, dtype=dtype)
    return module


def _ready(module: Module) -> Module:
    return module.eval().requires_grad_(False)
