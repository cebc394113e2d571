"""Where torch's compiler keeps kernels over restarts. It is told by variables, of which some count only when
they are set before its import: so this is a file of its own, without torch."""

from __future__ import annotations

import os
from pathlib import Path


def keep_kernels(folder: Path) -> None:
    """For this process and those that it starts."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")
    os.environ["TRITON_CACHE_DIR"] = str(folder / "triton")
