"""Attention over the 16 frames of a chunk, at every place of the picture by itself, in one small GPU kernel.

Tens of thousands of attentions of 16×16: kernels that are made for long sequences spend nearly all their time
on padding there (measured in NOTES.md: 1.1 ms where this takes 0.15).
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor, empty_like

from models.latentsync.stock import Attention, UNetMotionModel
from models.latentsync.takes import CHUNK

FRAMES = CHUNK  # tensor cores work on no fewer


def use_in(unet: UNetMotionModel) -> None:
    """The motion modules of the network, which is on a GPU, attend by this kernel from now on."""
    for name, module in unet.named_modules():
        if ".motion_modules." in name and isinstance(module, Attention):
            module.set_processor(FrameAttention())


class FrameAttention:
    """A diffusers attention processor: self-attention over (places, 16, channels), in half precision."""

    def __call__(self, attn: Attention, hidden_states: Tensor, *_: object, **__: object) -> Tensor:
        x = hidden_states
        seen: Tensor = attn.to_out[0](attend(attn.to_q(x), attn.to_k(x), attn.to_v(x), attn.heads))
        return seen


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """(n, 16, heads · width) each, contiguous, and so is what comes out."""
    n, frames, channels = q.shape
    if frames != FRAMES:
        raise ValueError(f"{frames} frames, not {FRAMES}")
    out, width = empty_like(q), channels // heads
    _attend[(n * heads,)](
        q, k, v, out, heads, width**-0.5, FRAMES, width, triton.next_power_of_2(width), num_warps=1
    )
    return out


@triton.jit  # type: ignore[untyped-decorator]
def _attend(  # type: ignore[no-untyped-def]
    q,
    k,
    v,
    out,
    heads,
    scale,
    FRAMES: tl.constexpr,
    WIDTH: tl.constexpr,
    PADDED: tl.constexpr,
):
    """One program: one place, one head."""
    place, head = (tl.program_id(0) // heads).to(tl.int64), tl.program_id(0) % heads
    frame, channel = tl.arange(0, FRAMES)[:, None], tl.arange(0, PADDED)[None, :]
    at = (place * FRAMES + frame) * heads * WIDTH + head * WIDTH + channel
    there = channel < WIDTH
    queries = tl.load(q + at, mask=there, other=0.0)
    keys = tl.load(k + at, mask=there, other=0.0)
    values = tl.load(v + at, mask=there, other=0.0)
    scores = tl.dot(queries, tl.trans(keys)) * scale
    weights = tl.exp(scores - tl.max(scores, 1)[:, None])
    weights = weights / tl.sum(weights, 1)[:, None]
    tl.store(out + at, tl.dot(weights.to(values.dtype), values).to(values.dtype), mask=there)
