"""What tests of several rooms share."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# They take longest, so they come first: else one worker is left with one of them when all others are done.
LONG = (
    "tests/handlers/telegram/test_whole_killed.py",
    "tests/daemon/test_service.py",
    "tests/handlers/telegram/test_whole.py",
    "tests/daemon/test_lipsync_engine.py",
    "tests/models/test_host_stall.py",
    "tests/daemon/faults/",
    "tests/daemon/test_qwen3_engine.py",
    "tests/video/",
)
MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


# Several tests run side by side, and their networks are tiny: the threads of one would only wait for those of
# another. Before torch and numpy are imported; processes that tests start have it from here.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What Whisper has numba compile takes longer than all that is done with it here.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

# How long an example takes says on a loaded machine nothing of the code. The usual suite tries the same
# examples each time, for what it says must hang on the change alone; `make test-slow` tries new ones.
settings.register_profile("wandering", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", settings.get_profile("wandering"), derandomize=True)
settings.load_profile("steady")

gc.disable()  # while modules are loaded, nearly all is there to stay: it took a third of the collecting


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # the files with the fewest tests last: these are the longest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((k for k, f in enumerate(LONG) if item.nodeid.startswith(f)), len(LONG)))


def pytest_collection_finish() -> None:
    """What is there before the first test is there to the end. The collector would look through all of it
    again and again, most of all where it is told to: between any two stages."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """What is frozen is not taken down at the end either, and Triton's bindings then tell of leaks."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def media() -> Path:
    """Real footage and speech, which are not for redistribution and so are not in the project."""
    if not MEDIA.is_dir():
        pytest.skip(f"no real footage: {MEDIA} is missing")
    return MEDIA


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which face_kit.portrait keeps its clips. Nothing else is to be written there."""
    return tmp_path_factory.mktemp("album")
