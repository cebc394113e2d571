"""LatentSync's network: diffusers' UNetMotionModel with two norms of its own and other names for its weights.

The original was trained with norms that differ from diffusers' in what they take statistics over: in the
residual blocks over all frames of a chunk, in the motion modules over each frame by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from models.latentsync.stock import UNetMotionModel
from models.latentsync.takes import CHUNK

FRAMES = CHUNK

# Keyword arguments of UNetMotionModel for the weights of LatentSync 1.6 (configs/unet/stage2_512.yaml).
STAGE2_512: Mapping[str, Any] = {
    "sample_size": 64,
    "in_channels": 13,  # noisy latents 4, mask 1, latents of the masked picture 4, of the reference 4
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 384,  # a row of Whisper tiny
    "num_attention_heads": 8,
    "norm_num_groups": 32,
    "norm_eps": 1e-5,
    "motion_num_attention_heads": 8,
    "motion_max_seq_length": 24,
    "temporal_transformer_layers_per_block": 1,
    "use_motion_mid_block": False,
}

_NAMES = (  # the original's → diffusers'
    (".temporal_transformer.", "."),
    (".attention_blocks.0.pos_encoder.", ".pos_embed."),
    (".attention_blocks.0.", ".attn1."),
    (".attention_blocks.1.", ".attn2."),
    (".norms.0.", ".norm1."),
    (".norms.1.", ".norm2."),
    (".ff_norm.", ".norm3."),
)


class FrameGroupNorm(nn.GroupNorm):
    """Of (batch*frames, c, h, w): statistics over all frames of a chunk, which stand side by side."""

    frames = FRAMES

    def forward(self, x: Tensor) -> Tensor:
        chunks = x.reshape(-1, self.frames, *x.shape[1:]).transpose(1, 2)
        return super().forward(chunks).transpose(1, 2).flatten(0, 1)


class StillGroupNorm(nn.GroupNorm):
    """Of (batch, c, frames, h, w): statistics over each frame by itself."""

    frames = FRAMES

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2] != self.frames:  # else the other norms would silently mix frames of two chunks
            raise ValueError(f"{x.shape[2]} frames where set_frames said {self.frames}")
        frames_first = x.transpose(1, 2)
        return super().forward(frames_first.flatten(0, 1)).reshape(frames_first.shape).transpose(1, 2)


def build(config: Mapping[str, Any]) -> UNetMotionModel:
    """The network with diffusers' initial weights, for chunks of FRAMES frames, on torch's default device.

    config: keyword arguments of UNetMotionModel. Its parts may be called by themselves; of them `resnets` and
    `conv_norm_out` take (batch*frames, c, h, w).
    """
    unet: UNetMotionModel = UNetMotionModel(**config)
    norms = [(name, module) for name, module in unet.named_modules() if type(module) is nn.GroupNorm]
    for name, norm in norms:
        if ".motion_modules." in name:
            unet.set_submodule(name, _as(StillGroupNorm, norm))
        elif ".attentions." not in name:  # those are per frame in both
            unet.set_submodule(name, _as(FrameGroupNorm, norm))
    return unet


def set_frames(unet: nn.Module, frames: int) -> None:
    """From now on chunks have so many frames (1…motion_max_seq_length); a compiled network compiles again."""
    for module in unet.modules():
        if isinstance(module, FrameGroupNorm | StillGroupNorm):
            module.frames = frames


def diffusers_key(key: str) -> str | None:
    """What a weight of the original's checkpoint is called here.

    None: it has no place here. The original has a table of positions for both attentions of a motion module,
    with the same constants; diffusers one for both.
    """
    if key.endswith(".attention_blocks.1.pos_encoder.pe"):
        return None
    for theirs, ours in _NAMES:
        key = key.replace(theirs, ours)
    return key


def _as(kind: type[nn.GroupNorm], norm: nn.GroupNorm) -> nn.GroupNorm:
    weight = norm.weight
    return kind(norm.num_groups, norm.num_channels, norm.eps, device=weight.device, dtype=weight.dtype)
