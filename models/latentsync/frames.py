"""What passes between the parts of the stream: frames of the video, and chunks of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.latentsync.crop import Box
from models.latentsync.resample import Matrix


@dataclass
class Place:
    """Where the presenter's face is in a frame.

    matrix: the picture's pixels → aligned face. box: of the picture, all that the aligned face is made of;
    part: that box's pixels, (h, w, 3) uint8. strength: 0…1, how much of the mouth is ours.
    """

    matrix: Matrix
    box: Box
    part: Tensor
    strength: float

    def on(self, device: torch.device) -> Place:
        """With its pixels there."""
        if device.type != "cuda":
            return self
        return replace(self, part=self.part.pin_memory().to(device, non_blocking=True))


@dataclass
class Frame:
    """One output frame. k: its picture's place in the track; run: the track's, −1 without a face.

    place: None: it passes through untouched.
    """

    number: int
    k: int
    run: int = -1
    place: Place | None = None


@dataclass
class Chunk:
    """Output frames from one sampled frame on, `stride` frames to each sampled one."""

    number: int
    frames: list[Frame]
    stride: int

    def on(self, device: torch.device) -> Chunk:
        """With its pixels there."""
        frames = [replace(frame, place=frame.place and frame.place.on(device)) for frame in self.frames]
        return replace(self, frames=frames)

    @property
    def sampled(self) -> list[Frame]:
        return self.frames[:: self.stride]

    @property
    def between(self) -> list[list[Frame]]:
        """The frames after each sampled one."""
        begins = range(0, len(self.frames), self.stride)
        return [self.frames[begin + 1 : begin + self.stride] for begin in begins]


@dataclass
class Made:
    """A frame and the face that goes into it, (3, size, size); None: it passes through."""

    frame: Frame
    face: Tensor | None

    def on(self, device: torch.device) -> Made:
        """With the face there."""
        return replace(self, face=None if self.face is None else self.face.to(device))
