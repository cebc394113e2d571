"""A face between two made ones, for clips of 50 and 60 pictures a second, where every second is made."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

FLOW_SIDE = 256  # pixels at most: motion is found on smaller faces, which is quicker and no less sure
LUMA = (0.299, 0.587, 0.114)

# A flow there and the flow back should cancel out. What is left is forgiven up to some tenths of a pixel,
# and up to a share of the motion itself (after Sundaram, Brox, Keutzer 2010).
FORGIVEN = 0.5  # pixels²
FORGIVEN_SHARE = 0.2


def between(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The face at a time t, 0…1, from a to b: (3, size, size) float32 on a's device.

    a, b: (3, size, size) in −1…1, half or float. Each is drawn along its part of the motion between them,
    and both are blended. Where the motion is not sure, as where teeth appear, they are blended as they lie.
    """
    a, b = a.float(), b.float()
    there, back = _flows(a, b)
    flow = (there - back) / 2
    trust = _trust(there, back, flow)[None]
    whole = _brought_to(torch.cat([flow, trust]), a.shape[-1])
    flow, trust = whole[:2] * (a.shape[-1] / flow.shape[-1]), whole[2:]
    plain = torch.lerp(a, b, t)
    drawn = torch.lerp(_pulled(a, -t * flow, "bicubic"), _pulled(b, (1 - t) * flow, "bicubic"), t)
    return torch.lerp(plain, drawn, trust)


def _flows(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(2, side, side) each: how far, right and down, every pixel of a goes to b, and of b to a."""
    side = min(a.shape[-1], FLOW_SIDE)
    luma = (torch.stack([a, b]) * a.new_tensor(LUMA)[:, None, None]).sum(1)
    small = functional.interpolate(luma[None], (side, side), mode="area")[0]
    first, second = ((small + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    both = np.stack([_flow(search, first, second), _flow(search, second, first)])
    there, back = torch.from_numpy(both).permute(0, 3, 1, 2).to(a.device)
    return there, back


def _flow(
    search: cv2.DISOpticalFlow, first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    nothing = cast(npt.NDArray[np.float32], None)  # OpenCV makes the result
    return np.asarray(search.calc(first, second, nothing), np.float32)


def _trust(there: Tensor, back: Tensor, flow: Tensor) -> Tensor:
    """(side, side) 0…1: do the ways there and back lead to where they began?"""
    missed = torch.maximum(_missed(there, back), _missed(back, there))
    trust = torch.exp(-missed / (FORGIVEN + FORGIVEN_SHARE * flow.square().sum(0)))
    return functional.avg_pool2d(trust[None], 5, 1, 2, count_include_pad=False)[0]


def _missed(there: Tensor, back: Tensor) -> Tensor:
    """(side, side) pixels²."""
    return (there + _pulled(back, there, "bilinear")).square().sum(0)


def _pulled(image: Tensor, flow: Tensor, mode: str) -> Tensor:
    """(c, h, w) with every pixel from where flow (2, h, w), in pixels, points to."""
    height, width = image.shape[1:]
    x = torch.arange(width, device=image.device) + 0.5
    y = torch.arange(height, device=image.device)[:, None] + 0.5
    grid = torch.stack([(x + flow[0]) * (2 / width) - 1, (y + flow[1]) * (2 / height) - 1], -1)
    return functional.grid_sample(image[None], grid[None], mode, "border", align_corners=False)[0]


def _brought_to(image: Tensor, size: int) -> Tensor:
    return functional.interpolate(image[None], (size, size), mode="bilinear", align_corners=False)[0]
