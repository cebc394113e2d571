"""Numbers recorded from the original LatentSync 1.6, which lie beside the project."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.torch import load_file

from models.latentsync.stock import UNetMotionModel
from models.latentsync.unet import STAGE2_512, build, diffusers_key

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "golden"
TOLERANCE = 2e-5  # of the largest value, in float32

needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no golden numbers: {GOLDEN} is missing")


def apart(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """The largest difference, relative to the largest value of b."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    return float(np.abs(a - b).max() / np.abs(b).max())


def recorded_unet() -> UNetMotionModel:
    """The small network that the numbers were recorded on; `set_frames` of it before use."""
    small = json.loads((GOLDEN / "unet_small_config.json").read_text())
    changed = ("sample_size", "block_out_channels", "cross_attention_dim")
    unet = build({**STAGE2_512, **{name: small[name] for name in changed}}).eval().requires_grad_(False)
    recorded = load_file(GOLDEN / "unet_small_golden.safetensors")
    weights = {
        diffusers_key(key[8:]): recorded[key].float() for key in recorded if key.startswith("weights.")
    }
    result = unet.load_state_dict(weights, strict=False)
    assert not result.unexpected_keys
    assert all(key.endswith(".pos_embed.pe") for key in result.missing_keys)  # not recorded: constants
    return unet
