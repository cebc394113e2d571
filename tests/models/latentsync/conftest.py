"""Small networks and a small face, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models.latentsync.engine import LatentSyncEngine
from models.latentsync.files import Files, files_in
from models.latentsync.network import Networks
from models.latentsync.weights import load_unet, load_vae, load_whisper
from models.progress import Quiet
from models.track import track_clip
from tests.face_kit import clip_of, portrait
from tests.models.latentsync.job_kit import Job, Pictures
from tests.models.latentsync.reference import Reference
from tests.models.latentsync.tiny import lay_models
from tests.models.torch_kit import one_thread

__all__ = ["one_thread"]


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of tiny random networks. Nothing is to be written there."""
    folder = tmp_path_factory.mktemp("laid")
    lay_models(folder)
    return folder


@pytest.fixture
def files(laid: Path, tmp_path: Path) -> Files:
    """Of those networks, to be broken."""
    shutil.copytree(laid, tmp_path, dirs_exist_ok=True)
    return files_in(tmp_path)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of tiny random networks for faces of 64 pixels. Nothing is to be written there."""
    folder = tmp_path_factory.mktemp("weights")
    files = lay_models(folder, 64)
    checkpoint = torch.load(files.unet, weights_only=True)
    for name, tensor in checkpoint["state_dict"].items():
        if name.endswith(".attn2.to_out.0.weight"):
            tensor *= 30  # random networks hardly listen: what is said is to be seen in the pictures
    files.unet.unlink()
    torch.save(checkpoint, files.unet)
    return folder


@pytest.fixture(scope="session")
def engine(weights: Path) -> LatentSyncEngine:
    """Resident, as in a host: job after job."""
    return LatentSyncEngine.open(weights, "cpu", compile=False)


@pytest.fixture(scope="session")
def reference(weights: Path) -> Reference:
    files, whole = files_in(weights), torch.float32
    networks = Networks(load_unet(files, "cpu", whole), load_vae(files, "cpu", whole))
    return Reference(networks, load_whisper(files, "cpu"))


@pytest.fixture(scope="session")
def face(album: Path) -> Path:
    """The moving portrait: 30 pictures, 25 a second."""
    return portrait(album, (180, 320), 1.2)


@pytest.fixture(scope="session")
def followed(face: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job's folder with all of its track, for tests that ask about something else."""
    folder = tmp_path_factory.mktemp("followed")
    track_clip(clip_of(face), folder, "largest", Quiet())
    return folder


@pytest.fixture(scope="session")
def pictures(album: Path) -> Pictures:
    """(40, 320, 180, 3) of the portrait, to make other clips of."""
    return np.stack(list(clip_of(portrait(album, (180, 320), 1.6)).pictures(range(40))))


@pytest.fixture
def job(engine: LatentSyncEngine, tmp_path: Path) -> Job:
    """Runs jobs in folders of their own."""
    return Job(engine, tmp_path)
