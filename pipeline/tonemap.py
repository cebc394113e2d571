"""HDR pictures (HLG, PQ) as SDR.

ffmpeg's own zscale and tonemap are what people trust for this, and PyAV's build has no zscale. So the
ffmpeg program maps a cube of colours once, and every picture goes through that cube (lut3d).
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from imageio_ffmpeg import get_ffmpeg_exe

from models.engine import Picture
from models.errors import StageFailed

SIZE = 33  # colours along each axis of the cube; 33 is what graders use
HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}  # H.273 number → ffmpeg's name


def colour_cube(transfer: str) -> Picture:
    """(SIZE³, 3) uint16 SDR BT.709 colours, red fastest, for an even grid of BT.2020 HDR colours."""
    axis = np.linspace(0, 65535, SIZE).round().astype("<u2")
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    grid = np.stack([red, green, blue], -1).reshape(-1, 3)
    chain = (
        f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=gbr:range=pc,format=gbrp16le,"
        "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709,"
        "tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:range=full,format=rgb48le"
    )
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb48le"]
    command = [get_ffmpeg_exe(), "-v", "error", *raw, "-s", f"{SIZE * SIZE}x{SIZE}", "-i", "pipe:0"]
    out = subprocess.run(
        [*command, "-vf", chain, *raw, "pipe:1"], input=grid.tobytes(), capture_output=True, check=False
    ).stdout
    if len(out) != grid.nbytes:
        raise StageFailed("The HDR clip could not be mapped to SDR", code="hdr_failed")
    return np.frombuffer(out, "<u2").reshape(-1, 3)


class ToneMap:
    """Maps decoded HDR pictures one by one. Close it: it keeps a small file."""

    def __init__(self, transfer: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vigentd-hdr-")
        self._cube = Path(self._folder.name) / "hdr.cube"
        rows = "\n".join(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in colour_cube(transfer) / 65535)
        self._cube.write_text(f"LUT_3D_SIZE {SIZE}\n{rows}\n", "ascii")
        self._graph: Graph | None = None

    def rgb(self, frame: VideoFrame) -> Picture:
        """(height, width, 3) uint8 RGB, SDR BT.709."""
        if self._graph is None:
            self._graph = self._build(frame)
        frame.pts = None  # order is ours
        self._graph.push(frame)
        mapped = self._graph.pull()
        assert isinstance(mapped, VideoFrame)
        return cast(Picture, mapped.to_ndarray())

    def close(self) -> None:
        self._graph = None
        self._folder.cleanup()

    def _build(self, frame: VideoFrame) -> Graph:
        graph = av.filter.Graph()
        steps = [
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            ),
            graph.add("scale", "in_color_matrix=bt2020:in_range=auto:out_range=full"),
            graph.add("format", "pix_fmts=gbrp16le"),
            graph.add("lut3d", f"file={self._cube}:interp=tetrahedral"),
            graph.add("format", "pix_fmts=rgb24"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*steps).configure()
        return graph
