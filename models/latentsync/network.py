"""The networks on their device, and how they are called: with fixed shapes, compiled once for each.

`whole` and `top` go through a stock UNetMotionModel block by block, so that what DeepCache keeps can be
handed out and in as a tensor: no hooks, one graph each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from models.latentsync.replay import Replayed
from models.latentsync.stock import AutoencoderKL, UNetMotionModel

Function = Callable[..., Any]  # of tensors alone

ENCODED, DECODED = 16, 8  # faces that the autoencoder takes at once; decoding needs twice the memory
FEW = 4  # … when memory is short

# As numpy can keep them; it does not know bfloat16.
BITS = {torch.float16: torch.int16, torch.bfloat16: torch.int16, torch.float32: torch.int32}


class Networks:
    """UNet and autoencoder on one device, in one precision. Satisfies sampling.Network.

    compiled: by torch.compile and as CUDA graphs, at the first call of each; what `whole`, `top` return is
    overwritten by their next call.
    """

    def __init__(self, unet: UNetMotionModel, vae: AutoencoderKL, *, compiled: bool = False) -> None:
        self.unet, self.vae = unet, vae
        if compiled and unet.dtype != torch.float32:
            from models.latentsync.temporal import use_in  # its library comes with torch for GPUs only

            use_in(unet)
        self.device, self.dtype = unet.device, unet.dtype
        self.latent = int(unet.config.sample_size)  # side, of latents
        self.size = self.latent * 2 ** (len(vae.config.block_out_channels) - 1)  # side, of faces
        self._scaling = float(vae.config.scaling_factor)
        self._plain = [_of(unet, whole), _of(unet, top), _of(vae, encode), _of(vae, decode)]
        self._compiled = [_compiled(function) for function in self._plain] if compiled else None
        self._small = True  # until the next line
        self.use_all_memory()

    def current(self) -> AbstractContextManager[None]:
        """While kernels are launched: this thread's device is the networks'. Triton launches on no other."""
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

    def use_all_memory(self) -> None:
        """As fast as can be. What is recorded stays, if it is so already."""
        if not self._small:
            return
        self._small = False
        functions: Sequence[Function] = self._plain
        if self._compiled is not None:
            pool = torch.cuda.graph_pool_handle()
            functions = [Replayed(function, pool) for function in self._compiled]
        self._whole, self._top, self._encode, self._decode = functions

    def save_memory(self) -> bool:
        """Until `use_all_memory`, half the guidance and few pictures at once, and nothing recorded. False: it
        is so already."""
        if self._small:
            return False
        self._small = True
        self._whole, self._top, self._encode, self._decode = self._plain
        return True

    @property
    def saving_memory(self) -> bool:
        return self._small

    # ------------------------------------------------------------ the UNet

    def whole(self, sample: Tensor, time: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        if not self._small:
            painted, kept = self._whole(sample, time, audio)
            return painted, kept
        halves = [self._whole(*half) for half in _halves(sample, time, audio)]
        return torch.cat([painted for painted, _ in halves]), torch.cat([kept for _, kept in halves])

    def top(self, kept: Tensor, sample: Tensor, time: Tensor, audio: Tensor) -> Tensor:
        if not self._small:
            painted: Tensor = self._top(kept, sample, time, audio)
            return painted
        pieces = kept.chunk(len(sample))
        halves = zip(pieces, _halves(sample, time, audio), strict=True)
        return torch.cat([self._top(piece, *half) for piece, half in halves])

    # ------------------------------------------------------------ the autoencoder

    def encode(self, faces: Tensor) -> Tensor:
        """(n, 3, size, size) in −1…1 → (n, 4, latent, latent), scaled as the UNet knows them.

        The most likely latents, where LatentSync draws from a very narrow distribution: the same face then
        always has the same ones.
        """
        return self._in_groups(self._encode, faces.to(self.dtype), ENCODED) * self._scaling

    def decode(self, latents: Tensor) -> Tensor:
        """(n, 4, latent, latent) → (n, 3, size, size), about −1…1."""
        return self._in_groups(self._decode, (latents / self._scaling).to(self.dtype), DECODED)

    def _in_groups(self, function: Callable[[Tensor], Tensor], items: Tensor, at_once: int) -> Tensor:
        """Always the same number at once, the last group filled up: another shape would be compiled anew."""
        at_once = FEW if self._small else at_once
        done: list[Tensor] = []
        for group in torch.split(items, at_once):
            missing = at_once - len(group)
            full = torch.cat([group, group[-1:].expand(missing, -1, -1, -1)]) if missing else group
            done.append(function(full)[: len(group)].clone())  # the next group is made in the same place
        return torch.cat(done)


def whole(unet: UNetMotionModel, sample: Tensor, time: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
    """See sampling.Network. Kept is what enters the last layer of the last block, without its skip."""
    batch, _, frames, _, _ = sample.shape
    when, x = _entrance(unet, sample, time)
    skips = [x]
    for block in unet.down_blocks:
        x, left = block(x, temb=when, num_frames=frames, **_speech(block, audio))
        skips += left
    x = unet.mid_block(x, when, encoder_hidden_states=audio)
    for block in unet.up_blocks[:-1]:
        count = len(block.resnets)
        taken, skips = tuple(skips[-count:]), skips[:-count]
        x = block(x, res_hidden_states_tuple=taken, temb=when, num_frames=frames, **_speech(block, audio))
    for number in range(len(unet.up_blocks[-1].resnets) - 1):
        x = _last_block(unet, number, torch.cat([x, skips.pop()], 1), when, audio, frames)
    return _exit(unet, x, skips.pop(), when, audio, batch, frames), x


def top(unet: UNetMotionModel, kept: Tensor, sample: Tensor, time: Tensor, audio: Tensor) -> Tensor:
    """See sampling.Network: the entrance and the last layer anew, all between them as it was."""
    batch, _, frames, _, _ = sample.shape
    when, x = _entrance(unet, sample, time)
    return _exit(unet, kept, x, when, audio, batch, frames)


def encode(vae: AutoencoderKL, faces: Tensor) -> Tensor:
    """The mean of the latents' distribution, not yet scaled."""
    moments: Tensor = vae.quant_conv(vae.encoder(faces))
    return moments.chunk(2, 1)[0]


def decode(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    faces: Tensor = vae.decoder(vae.post_quant_conv(latents))
    return faces


# ---------------------------------------------------------------- pieces of the UNet


def _entrance(unet: UNetMotionModel, sample: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """The time's embedding for every frame, (batch · frames, c), and the first layer's output."""
    batch, _, frames, _, _ = sample.shape
    when = unet.time_embedding(unet.time_proj(time.expand(batch)).to(sample.dtype))
    when = when.repeat_interleave(frames, 0, output_size=batch * frames)
    return when, unet.conv_in(sample.transpose(1, 2).flatten(0, 1))


def _exit(
    unet: UNetMotionModel, x: Tensor, skip: Tensor, when: Tensor, audio: Tensor, batch: int, frames: int
) -> Tensor:
    """The last layer of the last block, and what makes noise of it."""
    x = _last_block(unet, -1, torch.cat([x, skip], 1), when, audio, frames)
    x = unet.conv_out(unet.conv_act(unet.conv_norm_out(x)))
    return x.reshape(batch, frames, *x.shape[1:]).transpose(1, 2)


def _last_block(
    unet: UNetMotionModel, number: int, x: Tensor, when: Tensor, audio: Tensor, frames: int
) -> Tensor:
    block = unet.up_blocks[-1]
    x = block.resnets[number](x, when)
    x = block.attentions[number](x, encoder_hidden_states=audio, return_dict=False)[0]
    moved: Tensor = block.motion_modules[number](x, num_frames=frames)
    return moved


def _speech(block: Any, audio: Tensor) -> dict[str, Tensor]:
    return {"encoder_hidden_states": audio} if getattr(block, "has_cross_attention", False) else {}


def _halves(sample: Tensor, time: Tensor, audio: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    count = len(sample)
    pairs = zip(sample.chunk(count), audio.chunk(count), strict=True)
    return [(one, time, heard) for one, heard in pairs]


def _of(network: Module, function: Callable[..., Any]) -> Function:
    def of_network(*tensors: Tensor) -> Any:
        return function(network, *tensors)

    return of_network


def _compiled(function: Function) -> Function:
    """For shapes that do not change.

    What was tuned is kept with the kernels, and is the same in each process that finds them. But for sums
    torch would try by the clock in each process anew whether smaller blocks are quicker, and blocks decide
    the order in which is added: what two processes make would then differ in the last bits.
    """
    options: dict[str, str | int | bool | Callable[..., Any]] = {"dynamic_scale_rblock": False}
    compiled: Function = torch.compile(function, fullgraph=True, dynamic=False, options=options)
    return compiled
