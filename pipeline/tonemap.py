"""HDR pictures (HLG, PQ) as SDR.

ffmpeg's own zscale and tonemap are what people trust for this, and PyAV's build has no zscale. So the
ffmpeg program maps a cube of colours once, and every picture goes through that cube (lut3d).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.frame import VideoFrame

from models.engine import Picture
from pipeline import ffmpeg

SIZE = 33  # colours along each axis of the cube; 33 is what graders use
HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}  # H.273 number → ffmpeg's name


def colour_cube(transfer: str, scratch: Path) -> npt.NDArray[np.uint16]:
    """(SIZE³, 3) SDR BT.709 colours, red fastest, for an even grid of BT.2020 HDR colours.

    scratch: a folder for two small files.
    """
    axis = np.linspace(0, 65535, SIZE).round().astype("<u2")
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    grid = np.stack([red, green, blue], -1).reshape(-1, 3)
    (scratch / "hdr.raw").write_bytes(grid.tobytes())
    chain = (
        f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=gbr:range=pc,format=gbrp16le,"
        "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709,"
        "tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:range=full,format=rgb48le"
    )
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb48le"]
    command = [*raw, "-s", f"{SIZE * SIZE}x{SIZE}", "-i", "hdr.raw", "-vf", chain, *raw, "sdr.raw"]
    ffmpeg.run(command, doing="mapping the HDR clip's colours", cwd=scratch)
    return np.fromfile(scratch / "sdr.raw", "<u2").reshape(grid.shape)


class ToneMap:
    """Maps decoded HDR pictures one by one. Close it: it keeps a small file."""

    def __init__(self, transfer: str, scratch: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hdr-", dir=scratch)
        self._cube = Path(self._folder.name) / "hdr.cube"
        colours = colour_cube(transfer, self._cube.parent) / 65535
        rows = "\n".join(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in colours)
        self._cube.write_text(f"LUT_3D_SIZE {SIZE}\n{rows}\n", "ascii")
        self._graph: Graph | None = None

    def rgb(self, frame: VideoFrame) -> Picture:
        """(height, width, 3) uint8 RGB, SDR BT.709."""
        if self._graph is None:
            self._graph = self._build(frame)
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
            graph.add("lut3d", file=str(self._cube), interp="tetrahedral"),
            graph.add("format", "pix_fmts=rgb24"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*steps).configure()
        return graph
