"""What a job is to give, said as plainly as can be: the specification that the stream is held against.

Everything is in memory, and one thing is done after the other: no threads, no queues, nothing that grows
while it is read. The pure parts are the engine's own; they have tests of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.engine import Clip, Picture, Speech, SyncedFrame, SyncOptions
from models.latentsync.align import matrix_of
from models.latentsync.audio import features, resample
from models.latentsync.between import between
from models.latentsync.crop import aligned, part_of
from models.latentsync.heard import windows_at
from models.latentsync.mask import keep, soft
from models.latentsync.network import Networks
from models.latentsync.paste import mouth_box, pasted
from models.latentsync.resample import Matrix
from models.latentsync.sampling import Sampling, denoise, first_noise
from models.latentsync.stock import Whisper
from models.latentsync.takes import CHUNK, fill, stride_of, takes
from models.progress import Quiet
from models.takeover import takeover
from models.track import track_clip


@dataclass(frozen=True)
class Reference:
    networks: Networks
    whisper: Whisper

    def __call__(self, clip: Clip, speech: Speech, options: SyncOptions) -> list[SyncedFrame]:
        """All output frames."""
        track = track_clip(clip, options.scratch, options.face, Quiet())
        shown = track.index(clip.order)
        run, pictures = track.runs(shown), list(clip.pictures([int(n) for n in clip.order]))
        size = self.networks.size
        matrices = [matrix_of(track, int(k), size, clip.pixel_aspect) for k in shown]
        stride = stride_of(clip.fps)
        sampled = range(0, len(pictures), stride)

        known = self._latents(pictures, matrices)
        heard = features(self.whisper, resample(speech.wav, speech.rate), options.audio_windows)
        faces: dict[int, Tensor] = {}
        for begin in range(0, len(sampled), CHUNK):
            chunk = sampled[begin : begin + CHUNK]
            for take in takes(run[chunk]):
                numbers = [chunk[int(i)] for i in fill(take)]
                audio = windows_at(heard, np.array(numbers) / clip.fps)
                latents = self._sampled(torch.stack([known[i] for i in numbers], 1), audio, options)
                made = self.networks.decode(latents[take.begin : take.end])
                faces |= dict(zip(chunk[take.begin : take.end], made, strict=True))
        for i in set(range(len(pictures))) - set(sampled):
            left, right = i - i % stride, i - i % stride + stride
            there = [j for j in (left, right) if j in faces and run[j] == run[i]]
            if len(there) == 2:
                faces[i] = between(faces[left], faces[right], (i - left) / stride)
            elif there:
                faces[i] = faces[there[0]]

        strength = takeover(run)
        return [
            _set(i, picture, matrices[i], faces.get(i), float(strength[i]), size)
            for i, picture in enumerate(pictures)
        ]

    def _latents(self, pictures: list[Picture], matrices: list[Matrix | None]) -> dict[int, Tensor]:
        """(8, latent, latent) for every picture with a face: without its mouth, and whole."""
        size = self.networks.size
        faces: dict[int, Tensor] = {}
        for i, (picture, matrix) in enumerate(zip(pictures, matrices, strict=True)):
            if matrix is not None:
                x0, y0, x1, y1 = part_of(matrix, size, picture.shape[1], picture.shape[0])
                part = torch.from_numpy(picture[y0:y1, x0:x1].copy())
                faces[i] = aligned(part, (x0, y0), matrix, size)
        if not faces:
            return {}
        whole = torch.stack(list(faces.values()))
        both = [self.networks.encode(whole * keep(size)), self.networks.encode(whole)]
        return dict(zip(faces, torch.cat(both, 1), strict=True))

    def _sampled(self, known: Tensor, audio: npt.NDArray[np.float32], options: SyncOptions) -> Tensor:
        """(CHUNK, 4, latent, latent). known: (8, CHUNK, latent, latent)."""
        side = self.networks.latent
        mask = torch.nn.functional.interpolate(keep(self.networks.size)[None], (side, side))
        still = torch.cat([mask[0, :, None].expand(-1, CHUNK, -1, -1), known])
        noise = first_noise(options.seed, 4, side, side).expand(-1, -1, CHUNK, -1, -1)
        sampling = Sampling(options.steps, options.guidance, options.deepcache_interval)
        latents = denoise(self.networks, noise, still[None], torch.from_numpy(audio), sampling, lambda: None)
        return latents[0].transpose(0, 1)


def _set(
    number: int, picture: Picture, matrix: Matrix | None, face: Tensor | None, strength: float, size: int
) -> SyncedFrame:
    if matrix is None or face is None or strength == 0:
        return SyncedFrame(number)
    box = mouth_box(matrix, size, picture.shape[1], picture.shape[0])
    pixels, touched = pasted(torch.from_numpy(picture), (0, 0), matrix, face, soft(size), strength, box)
    return SyncedFrame(number, box, pixels.numpy(), touched.numpy())
