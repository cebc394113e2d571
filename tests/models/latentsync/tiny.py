"""Small random weights for LatentSync, in files that are laid out as the real ones are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.latentsync.files import Files, files_in
from models.latentsync.stock import ModelDimensions
from models.latentsync.unet import STAGE2_512
from models.latentsync.weights import random_unet, random_vae, random_whisper

WIDTH = 32  # of a row of the audio features
DIMS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,  # 30 s, as every Whisper
    n_audio_state=WIDTH,
    n_audio_head=2,
    n_audio_layer=4,  # as tiny has
    n_vocab=64,
    n_text_ctx=8,
    n_text_state=WIDTH,
    n_text_head=2,
    n_text_layer=1,
)
VAE: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": [8, 8, 8, 8],  # four levels: latents are an eighth of the picture
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "act_fn": "silu",
}


def unet_config(size: int = 128) -> dict[str, Any]:
    """The real network's shape with few channels, for faces of `size` pixels."""
    return {
        **STAGE2_512,
        "sample_size": size // 8,
        "block_out_channels": [8, 16, 32, 32],  # grow where the real ones do: the same layers
        "cross_attention_dim": WIDTH,
        "norm_num_groups": 4,  # two channels a group: one alone would hide a constant that is added to it
        "num_attention_heads": 2,
        "motion_num_attention_heads": 2,
    }


def lay_models(folder: Path, size: int = 128) -> Files:
    """Lays the weights under `folder`, where files_in finds them. The same bytes each time."""
    files = files_in(folder)
    files.whisper.parent.mkdir(parents=True)
    files.vae.mkdir()
    files.unet_config.write_text(json.dumps(unet_config(size)))
    unet = random_unet(unet_config(size), "cpu", torch.float32)
    torch.save({"global_step": 1, "state_dict": dict(originals(unet.state_dict()))}, files.unet)
    files.vae_config.write_text(json.dumps({"_class_name": "AutoencoderKL", "sample_size": size, **VAE}))
    vae = random_vae("cpu", torch.float32, config=VAE)
    save_file({_old_name(name): tensor for name, tensor in vae.state_dict().items()}, files.vae_weights)
    halves = {name: tensor.half() for name, tensor in random_whisper("cpu", dims=DIMS).state_dict().items()}
    torch.save({"dims": asdict(DIMS), "model_state_dict": halves}, files.whisper)
    return files


def originals(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """A UNet's weights under the names that they have in LatentSync's own checkpoints."""
    for name, tensor in state.items():
        if ".motion_modules." not in name:
            yield name, tensor
            continue
        theirs = re.sub(r"(motion_modules\.\d+\.)", r"\1temporal_transformer.", name)
        for number in (1, 2):
            theirs = theirs.replace(f".attn{number}.", f".attention_blocks.{number - 1}.")
            theirs = theirs.replace(f".norm{number}.", f".norms.{number - 1}.")
        theirs = theirs.replace(".norm3.", ".ff_norm.")
        if ".pos_embed." in theirs:
            yield theirs.replace(".pos_embed.", ".attention_blocks.1.pos_encoder."), tensor
            theirs = theirs.replace(".pos_embed.", ".attention_blocks.0.pos_encoder.")
        yield theirs, tensor


def _old_name(name: str) -> str:
    """sd-vae-ft-mse's file still has the names that diffusers' attention had in 2022."""
    for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
        name = name.replace(f".attentions.0.{new}.", f".attentions.0.{old}.")
    return name
