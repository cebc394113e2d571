"""The parts of LatentSync that are stock: diffusers' networks and scheduler, openai-whisper's model.

They are imported from here and nowhere else, because importing diffusers' VAE imports transformers, and that
an unfit torchaudio.
"""

from __future__ import annotations

from models.unfit import hide_unfit_torchaudio

hide_unfit_torchaudio()  # before the first import of diffusers or transformers

from diffusers.models.attention_processor import Attention, AttnProcessor2_0  # noqa: E402
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.unets.unet_motion_model import UNetMotionModel  # noqa: E402
from diffusers.schedulers.scheduling_ddim import DDIMScheduler  # noqa: E402
from whisper.audio import log_mel_spectrogram  # noqa: E402
from whisper.model import ModelDimensions, Whisper  # noqa: E402

__all__ = [
    "Attention",
    "AttnProcessor2_0",
    "AutoencoderKL",
    "DDIMScheduler",
    "ModelDimensions",
    "UNetMotionModel",
    "Whisper",
    "log_mel_spectrogram",
]
