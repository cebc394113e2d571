"""The faces of a chunk, made by the networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from models.errors import StageFailed
from models.latentsync.crop import align_all
from models.latentsync.frames import Chunk, Frame, Place
from models.latentsync.mask import keep
from models.latentsync.network import BITS, Networks
from models.latentsync.sampling import Sampling, denoise, first_noise
from models.latentsync.stopwatch import Stopwatch
from models.latentsync.takes import CHUNK, Take, fill, takes


class Latents(Protocol):
    """By the place in the track: as models.presenters.LatentFile."""

    def get(self, k: int) -> npt.NDArray[Any] | None: ...

    def put(self, k: int, record: npt.NDArray[Any]) -> None: ...


Heard = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float32]]


class Sampler:
    """For one job. heard: what frames at these seconds hear, (n,) → (n, rows, width).

    latents: kept ones of this clip, or None. on_memory is called when the device's memory is short.
    """

    def __init__(
        self,
        networks: Networks,
        heard: Heard,
        fps: float,
        sampling: Sampling,
        seed: int,
        latents: Latents | None,
        on_memory: Callable[[], None],
        watch: Stopwatch,
    ) -> None:
        self._networks, self._heard, self._fps = networks, heard, fps
        self._sampling, self._kept, self._on_memory, self._watch = sampling, latents, on_memory, watch
        device, side = networks.device, networks.latent
        self._keep = keep(networks.size).to(device)
        small = functional.interpolate(self._keep[None], (side, side))
        self._mask = small[:, :, None].expand(-1, -1, CHUNK, -1, -1)
        self._noise = first_noise(seed, 4, side, side).to(device).expand(-1, -1, CHUNK, -1, -1)

    def __call__(self, chunk: Chunk, progress: Callable[[float], None]) -> list[Tensor | None]:
        """The face for each sampled frame of the chunk, (3, size, size); None for those without one.

        progress gets the share of the chunk that is done, 0…1, after each step; what it raises ends the work.
        When the device's memory is short, once more with less at once.
        """
        try:
            return self._faces(chunk, progress)
        except torch.OutOfMemoryError:
            if not self._networks.save_memory():
                raise
        torch.cuda.empty_cache()
        self._on_memory()
        return self._faces(chunk, progress)

    def _faces(self, chunk: Chunk, progress: Callable[[float], None]) -> list[Tensor | None]:
        sampled = chunk.sampled
        faces: list[Tensor | None] = [None] * len(sampled)
        pieces = takes(np.array([frame.run for frame in sampled], np.int32))
        steps, total = 0, max(len(pieces) * self._sampling.steps, 1)

        def stepped() -> None:
            nonlocal steps
            steps += 1
            progress(steps / total)

        for take in pieces:
            faces[take.begin : take.end] = list(self._take(sampled, take, stepped))
        if not pieces:
            progress(1.0)
        return faces

    def _take(self, sampled: list[Frame], take: Take, stepped: Callable[[], None]) -> Tensor:
        """The faces of a take, (its frames, 3, size, size)."""
        places, networks = fill(take), self._networks
        with self._watch("encode"):
            own = self._latents(sampled[take.begin : take.end])
            known = own[torch.from_numpy(places - take.begin).to(own.device)].transpose(0, 1)
        masked, whole = (latents.transpose(0, 1)[None] for latents in known)
        still = torch.cat([self._mask.to(known.dtype), masked, whole], 1)
        seconds = np.array([sampled[place].number for place in places.tolist()]) / self._fps
        audio = torch.from_numpy(self._heard(seconds)).to(networks.device, networks.dtype)
        with self._watch("sample"):
            latents = denoise(networks, self._noise, still, audio, self._sampling, stepped)
        with self._watch("decode faces"):
            faces = networks.decode(latents[0].transpose(0, 1)[take.begin : take.end])
        if not faces.isfinite().all():
            raise StageFailed(
                f"The lip-sync network's numbers ran out of range in {networks.dtype}",
                code="lips_not_finite",
                hint='Set lipsync.precision = "bf16" or "fp32"; if it stays so, the weights are damaged.',
            )
        return faces

    # ------------------------------------------------------------ latents of the presenter

    def _latents(self, frames: Sequence[Frame]) -> Tensor:
        """(n, 2, 4, latent, latent): of the faces without their mouths, and of the whole ones."""
        found = {frame.k: latents for frame in frames if (latents := self._remembered(frame.k)) is not None}
        missing = {frame.k: frame.place for frame in frames if frame.k not in found and frame.place}
        if missing:
            new = self._encoded(list(missing.values()))
            self._remember(list(missing), new)
            found |= dict(zip(missing, new, strict=True))
        return torch.stack([found[frame.k] for frame in frames])

    def _encoded(self, places: Sequence[Place]) -> Tensor:
        parts, origins = [place.part for place in places], [place.box[:2] for place in places]
        size = self._networks.size
        faces = align_all(parts, origins, [place.matrix for place in places], size)
        masked, whole = self._networks.encode(torch.cat([faces * self._keep, faces])).chunk(2)
        return torch.stack([masked, whole], 1)

    def _remembered(self, k: int) -> Tensor | None:
        kept = None if self._kept is None else self._kept.get(k)
        if kept is None:
            return None
        return torch.from_numpy(kept).to(self._networks.device).view(self._networks.dtype)

    def _remember(self, ks: Sequence[int], latents: Tensor) -> None:
        if self._kept is None:
            return
        host = latents.contiguous().view(BITS[latents.dtype]).cpu().numpy()
        for k, record in zip(ks, host, strict=True):
            self._kept.put(k, record)
