"""How long each kind of work may be silent before it is taken for stuck: the one table of all floors.

A floor is no limit of time: with heartbeats, work may last for days. A silence is a stall when it is longer
than the floor *and* than ten times the usual distance of this work's own heartbeats (pulse.py). So a floor
has to bear only what may be silent on a slow machine though it gets on, and is generous: one that is found
late costs minutes, one that is ended wrongly costs the job.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Seconds. first_s: until the first heartbeat, for what is got ready before it. step_s: from one to the
    next. take_s: until the work is taken up, by a host that has nothing else to do: one that was stopped
    while it was idle need not be waited for as long as one that compiles. It may have been swapped out."""

    first_s: float
    step_s: float
    take_s: float = 60.0

    def times(self, patience: float) -> Budget:
        return Budget(self.first_s * patience, self.step_s * patience, self.take_s * patience)


def even(seconds: float) -> Budget:
    return Budget(seconds, seconds)


# Heartbeats while loading: each module that is imported, each tensor that is read, each graph recorded.
LOADING = {
    # Between two of them lies, at the worst, one tensor of a gigabyte from a cold disk on the network.
    "speech": even(600),
    # The same, and then torch.compile: one graph of the UNet may take a slow CPU minutes, in silence.
    "lipsync": even(900),
    # Modules alone, numpy and OpenCV the largest.
    "media": even(120),
    "door": even(120),
    "aside": even(120),
    # Ray, and the machines that it finds.
    "cluster": even(120),
}
# Whisper, where it is loaded for the first job that needs it: as the engine beside it.
LATE_LOADING = LOADING["speech"]

# Heartbeats: blocks and packets read. The first needs the clip, which may lie on a disk that has to spin up.
PROBE = even(120)
# Codec frames and sentences. First: a long voice sample through the network, without a GPU.
SPEECH = Budget(300, 120)
CAPTIONS = even(120)
# Pictures tracked, denoising steps, frames pasted. What was not compiled while loading, because a job is
# otherwise, or memory too little, is compiled at its first steps, when pictures have been tracked already:
# four graphs take an H100's machine four minutes, and some have a third of its pace.
LIPSYNC = Budget(900, 600)
# Encoding: pictures that ffmpeg has taken, its out_time, and what it writes while it moves the whole file at
# the end; then pieces of that which have reached the disk.
COMPOSE = even(120)
# ffmpeg's out_time, and pictures read.
VERIFY = even(120)
# Whatever else a host is asked for: a clip looked at, a voice tried.
ASKED = even(120)
