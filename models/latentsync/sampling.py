"""From noise to mouths: the denoising loop of one chunk, as a plain function over tensors.

Guidance compares what the network paints with and without the speech. DeepCache runs the whole network at
every `interval`-th step only; between them its deepest part changes little, so what it gave is used again
(https://arxiv.org/abs/2312.00858, branch 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from models.latentsync.pace import Pace
from models.latentsync.stock import DDIMScheduler


@dataclass(frozen=True)
class Sampling:
    """steps: of denoising. guidance: 1 is none. interval: DeepCache's; 0 and 1 run every step whole."""

    steps: int = 20
    guidance: float = 1.5
    interval: int = 3

    def whole(self, step: int) -> bool:
        """Whether the whole network runs at this step."""
        return self.interval < 2 or step % self.interval == 0


class Network(Protocol):
    """sample: (batch, 13, frames, h, w); time: () on the device; audio: (batch · frames, rows, width)."""

    def whole(self, sample: Tensor, time: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        """The noise in the sample, (batch, 4, frames, h, w), and what `top` may use again."""

    def top(self, kept: Tensor, sample: Tensor, time: Tensor, audio: Tensor) -> Tensor:
        """The noise, from the topmost layers and what the last `whole` kept."""


def scheduler_of(steps: int) -> DDIMScheduler:
    """As LatentSync was trained; deterministic."""
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    scheduler.set_timesteps(steps)
    return scheduler


def first_noise(seed: int, channels: int, height: int, width: int) -> Tensor:
    """(1, channels, 1, height, width) float32: the one frame of noise that every frame of a job begins with.

    The same for every chunk, as LatentSync has it: skin then looks the same on both sides of a chunk's
    edge, and a chunk is the same whatever was made before it.
    """
    generator = torch.Generator().manual_seed(seed)  # of the CPU: the same on every device
    return torch.randn((1, channels, 1, height, width), generator=generator)


def denoise(
    network: Network,
    noise: Tensor,
    still: Tensor,
    audio: Tensor,
    sampling: Sampling,
    on_step: Callable[[], None],
) -> Tensor:
    """The latents of a chunk: (1, 4, frames, h, w) float32.

    noise: (1, 4, frames, h, w) float32. still: (1, 9, frames, h, w), what does not change: mask, latents of
    the masked faces, latents of the whole faces. audio: (frames, rows, width). on_step is called after each
    step that the device has done; what it raises ends the loop.
    """
    guided = sampling.guidance != 1
    batch = 2 if guided else 1
    if guided:
        audio = torch.cat([torch.zeros_like(audio), audio])  # without speech, and with
    still = still.expand(batch, -1, -1, -1, -1)
    scheduler = scheduler_of(sampling.steps)
    times = scheduler.timesteps.to(noise.device)
    latents, kept = noise, None
    pace = Pace(noise.device, on_step)
    for step, time in enumerate(scheduler.timesteps):
        sample = torch.cat([latents.to(still.dtype).expand(batch, -1, -1, -1, -1), still], 1)
        if kept is None or sampling.whole(step):
            painted, kept = network.whole(sample, times[step], audio)
        else:
            painted = network.top(kept, sample, times[step], audio)
        painted = painted.float()
        if guided:
            without, heard = painted.chunk(2)
            painted = without + sampling.guidance * (heard - without)
        latents = scheduler.step(painted, time, latents).prev_sample
        pace.mark()
    pace.end()
    return latents
