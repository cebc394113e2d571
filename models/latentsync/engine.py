"""LatentSync 1.6, resident: loaded and compiled once, then a job after the other (see stream.py).

Source: https://github.com/bytedance/LatentSync, of which this has neither code nor scripts, only the shapes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import faces
from models.beats import beat
from models.engine import Clip, Speech, SyncedFrame, SyncOptions, SyncReport
from models.errors import Unavailable
from models.gpu_notes import compiled, held
from models.kernels import compiled_by_one, keep_kernels
from models.latentsync.audio import RATE, features, pieces, resample
from models.latentsync.files import files_in
from models.latentsync.fingerprint import fingerprint
from models.latentsync.following import following
from models.latentsync.heard import Listened, windows_at
from models.latentsync.network import BITS, Networks
from models.latentsync.placing import Placing
from models.latentsync.presenting import (
    SHORT_OF_MEMORY,
    TRACKING,
    VERSION,
    Looks,
    open_presenter,
    while_there,
)
from models.latentsync.remembered import Remembered
from models.latentsync.sampler import Sampler
from models.latentsync.sampling import Sampling, denoise, first_noise
from models.latentsync.stock import AutoencoderKL, UNetMotionModel, Whisper
from models.latentsync.stopwatch import Stopwatch
from models.latentsync.stream import Stream
from models.latentsync.takes import CHUNK, stride_of
from models.latentsync.unet import STAGE2_512
from models.latentsync.weights import (
    load_unet,
    load_vae,
    load_whisper,
    random_unet,
    random_vae,
    random_whisper,
)
from models.presenters import Presenters
from models.progress import Progress, side_by_side

PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
NUMPY = {torch.int16: "int16", torch.int32: "int32"}
Loaded = tuple[UNetMotionModel, AutoencoderKL, Whisper, str]  # … and which weights these are
_LOG = logging.getLogger("vigentd.latentsync")


class LatentSyncEngine:
    """Satisfies models.engine.LipSyncEngine.

    loaded_s, warmed_s: what the last load and warm-up took. seconds: what the last job spent on what; what
    goes on side by side counts in full in each. remembered: for models.latentsync.replica.
    """

    name = "latentsync"
    version = VERSION

    def __init__(
        self,
        networks: Networks,
        whisper: Any,
        *,
        fingerprint: str,
        presenters: Presenters | None = None,
        guided: bool = True,
        loaded_s: float = 0.0,
        kernels: Path | None = None,
    ) -> None:
        self.networks, self.whisper = networks, whisper
        self._presenters, self._guided, self._kernels = presenters, guided, kernels
        self.fingerprint = fingerprint
        self.loaded_s, self.warmed_s = loaded_s, 0.0
        self.seconds: dict[str, float] = {}
        self.remembered = Remembered()

    @classmethod
    def open(
        cls,
        folder: Path | None,
        device: str,
        precision: str = "auto",
        cache: Path | None = None,
        cache_bytes: int = 0,
        compile: bool = True,
        kernels: Path | None = None,
        guided: bool = True,
    ) -> LatentSyncEngine:
        """From weights in `folder` (see files.py); None: of full size, with weights that mean nothing.

        precision: "fp16", "bf16", "fp32", or "auto", fp16 on a GPU. cache: where what is learned of
        presenters is kept, `cache_bytes` at most; kernels: where compiled kernels are. guided: whether jobs
        will be; one that is otherwise compiles anew. Raises Unavailable.
        """
        began = time.perf_counter()
        place, dtype = torch.device(device), _dtype(precision, device)
        compiled = _compiles(place, compile, kernels)
        with memory_told():
            unet, vae, whisper, weights = (
                _random(place, dtype) if folder is None else _loaded(folder, place, dtype)
            )
            networks = Networks(unet, vae, compiled=compiled)
        loaded_s = time.perf_counter() - began
        _LOG.info("loaded LatentSync on %s in %.1f s, %s%s", device, loaded_s, dtype, held(place))
        return cls(
            networks,
            whisper,
            fingerprint=f"{weights}-{dtype}".replace("torch.", ""),
            presenters=Presenters(cache, cache_bytes) if cache and cache_bytes else None,
            guided=guided,
            loaded_s=loaded_s,
            kernels=kernels if compiled else None,
        )

    def warm_up(self) -> None:
        """One chunk of nothing through every network, so that the first job finds all compiled.

        Raises Unavailable.
        """
        began = time.perf_counter()
        faces.warm_up()
        alone = compiled_by_one(self._kernels) if self._kernels else nullcontext()
        with self.networks.current(), memory_told(), alone:
            try:
                self._try()
            except torch.OutOfMemoryError:
                self.networks.save_memory()  # as jobs will do, too
            if self.networks.saving_memory:
                torch.cuda.empty_cache()
                self._try()
        self.warmed_s = time.perf_counter() - began
        _LOG.info("warm after %.1f s%s%s", self.warmed_s, compiled(), held(self.networks.device))

    def _try(self) -> None:
        networks = self.networks
        # First what needs the most memory at once: what the others record then fits into what it took.
        networks.decode(torch.zeros((1, 4, networks.latent, networks.latent), device=networks.device))
        grey = torch.zeros((2, 3, networks.size, networks.size), device=networks.device)
        beat()  # each of these may have to be compiled
        still = networks.encode(grey)[:1, :, None].expand(-1, -1, CHUNK, -1, -1)
        noise = first_noise(0, 4, networks.latent, networks.latent).to(networks.device)
        heard = windows_at(features(self.whisper, np.zeros(RATE, np.float32)), np.zeros(CHUNK))
        latents = denoise(
            networks,
            noise.expand(-1, -1, CHUNK, -1, -1),
            torch.cat([still[:, :1] * 0, still, still], 1),
            torch.from_numpy(heard).to(networks.device, networks.dtype),
            # one whole, one from the top
            Sampling(steps=2, guidance=1.5 if self._guided else 1.0, interval=2),
            beat,
        )
        networks.decode(latents[0].transpose(0, 1))
        if networks.device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            from torch._inductor.async_compile import shutdown_compile_workers

            shutdown_compile_workers()  # processes that would stay, each with a torch of its own

    def sync(
        self,
        clip: Clip,
        speech: Speech,
        options: SyncOptions,
        progress: Progress,
        first: int = 0,
        report: SyncReport | None = None,
    ) -> Generator[SyncedFrame]:
        report = SyncReport() if report is None else report
        watch = Stopwatch()
        self.seconds = watch.seconds
        self.networks.use_all_memory()  # what the last job lacked may be there again
        with ExitStack() as stack:
            stack.enter_context(memory_told())
            presenter, latents = open_presenter(stack, clip, options, self._presenters, self.looks)
            tracking, sampling = side_by_side(progress, TRACKING, 1 - TRACKING)
            stack.enter_context(following(presenter, tracking, watch))
            sampler = Sampler(
                self.networks,
                self._listen(speech, options, watch),
                clip.fps,
                Sampling(options.steps, options.guidance, options.deepcache_interval),
                options.seed,
                latents,
                lambda: report.notes.append(SHORT_OF_MEMORY),
                watch,
            )
            stride = stride_of(clip.fps)
            placing = Placing(clip, presenter, self.networks.size, stride, sampling.check, watch)
            stream = Stream(self.networks, placing, sampler, sampling)
            frames = stack.enter_context(closing(stream.frames(first)))
            yield from while_there(frames, presenter, clip, options, report, progress)
        progress.step(1, 1)  # the presenter may have been followed a little further, and that be broken off

    @property
    def looks(self) -> Looks:
        networks = self.networks
        bits = NUMPY[BITS[networks.dtype]]
        return Looks(self.fingerprint, networks.size, networks.latent, bits, networks.device.type)

    def _listen(self, speech: Speech, options: SyncOptions, watch: Stopwatch) -> Listened:
        with watch("listen"):
            heard = pieces(self.whisper, resample(speech.wav, speech.rate), options.audio_windows)
            return Listened.written(options.scratch / "heard.f32", heard)


@contextmanager
def memory_told() -> Iterator[None]:
    """Raises Unavailable where the GPU's memory is too small."""
    try:
        yield
    except torch.OutOfMemoryError as e:
        raise Unavailable(
            "The GPU's memory is too small for the lip-sync, even with less of the work at once",
            code="out_of_memory",
            hint="End what else uses it (`nvidia-smi` shows that), or set lipsync.device to another GPU.",
        ) from e


def _loaded(folder: Path, place: torch.device, dtype: torch.dtype) -> Loaded:
    files = files_in(folder)
    networks = load_unet(files, place, dtype), load_vae(files, place, dtype)
    return *networks, load_whisper(files, place), fingerprint(files)


def _random(place: torch.device, dtype: torch.dtype) -> Loaded:
    networks = random_unet(STAGE2_512, place, dtype), random_vae(place, dtype)
    return *networks, random_whisper(place), "random"


def _dtype(precision: str, device: str) -> torch.dtype:
    if precision == "auto":
        precision = "fp32" if device == "cpu" else "fp16"
    return PRECISIONS[precision]


def _compiles(device: torch.device, wanted: bool, kernels: Path | None) -> bool:
    """Whether networks are compiled there; says where compiled kernels are kept over restarts."""
    if kernels is not None:
        keep_kernels(kernels)
    return wanted and device.type == "cuda"
