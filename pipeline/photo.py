"""A still photo, upright and in plain RGB, without decoding more of it than is wanted."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from models.engine import Picture
from models.errors import BadInput

LARGEST = 60_000_000  # pixels that are decoded; a JPEG of any size is decoded smaller


FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")


def is_photo(path: Path) -> bool:
    """Whether the file is a still picture; what moves (GIF, animated PNG and WebP) is a video."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return image.format in ("JPEG", "MPO") or getattr(image, "n_frames", 1) == 1
    except Image.DecompressionBombError:
        return True
    except (OSError, ValueError, SyntaxError):
        return False


def read_photo(path: Path, size: tuple[int, int] | None = None, longest: int = 4096) -> Picture:
    """As its EXIF turns it; exactly `size` (width, height) when given, else at most `longest` on a side
    when that is cheap. Transparent parts are white.

    Raises BadInput `clip_size`, OSError, ValueError.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is looked at below
            with Image.open(path, formats=FORMATS) as image:
                image.draft("RGB", (longest, longest))  # JPEG decodes at a half, a quarter, an eighth
                _check_size(path, image)
                upright = _rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    if size is not None and upright.size != size:
        upright = ImageOps.fit(upright, size, Image.Resampling.LANCZOS)
    return np.asarray(upright, np.uint8)


def _check_size(path: Path, image: Image.Image) -> None:
    if image.width * image.height > LARGEST:
        raise _too_large(path)


def _too_large(path: Path) -> BadInput:
    return BadInput(
        f"{path.name} has too many pixels", code="clip_size", hint="Export it at 1080x1920 or 1920x1080."
    )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey; convert() would cut them off
        grey = np.asarray(image, np.float64) * (255 / 65535)
        image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
