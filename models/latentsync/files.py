"""Where LatentSync's weights lie: in the folders, and under the names, that they have on huggingface.co.

LatentSync-1.6/latentsync_unet.pt                   ByteDance/LatentSync-1.6
LatentSync-1.6/whisper/tiny.pt                      ByteDance/LatentSync-1.6
LatentSync-1.6/unet.json                            optional: another size of the network, not on the hub
sd-vae-ft-mse/config.json                           stabilityai/sd-vae-ft-mse
sd-vae-ft-mse/diffusion_pytorch_model.safetensors   stabilityai/sd-vae-ft-mse
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.weight_files import is_there

HINT = "Run `vigentd models pull LatentSync-1.6 sd-vae-ft-mse`; it fetches what is missing (5.5 GB in all)."


@dataclass(frozen=True)
class Files:
    """unet: the file latentsync_unet.pt. vae: the folder sd-vae-ft-mse. whisper: the file tiny.pt."""

    unet: Path
    vae: Path
    whisper: Path

    @property
    def unet_config(self) -> Path:
        """Keyword arguments of UNetMotionModel; without this file the network is unet.STAGE2_512."""
        return self.unet.with_name("unet.json")

    @property
    def vae_config(self) -> Path:
        return self.vae / "config.json"

    @property
    def vae_weights(self) -> Path:
        return self.vae / "diffusion_pytorch_model.safetensors"

    @property
    def needed(self) -> list[Path]:
        return [self.unet, self.whisper, self.vae_config, self.vae_weights]


def files_in(folder: Path) -> Files:
    """folder: where the weights of all models lie."""
    latentsync = folder / "LatentSync-1.6"
    return Files(
        unet=latentsync / "latentsync_unet.pt",
        vae=folder / "sd-vae-ft-mse",
        whisper=latentsync / "whisper" / "tiny.pt",
    )


def missing(files: Files) -> list[Path]:
    """What is not there of the files that are needed; [] when all of them are.

    Raises Unavailable weights_wrong when a folder may not be entered.
    """
    return [path for path in files.needed if not is_there(path)]
